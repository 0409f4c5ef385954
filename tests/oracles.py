"""The judges beside the project, where they are: data and scripts that we did not write the answers for."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ORACLES = Path(__file__).resolve().parent.parent.parent / "shared" / "oracles"


def there() -> bool:
    return ORACLES.is_dir()


def script(path: str) -> ModuleType:
    """One of their scripts as a module; skips where it is not, or where it lacks what it needs."""
    file = ORACLES / path
    if not file.exists():
        pytest.skip(f"needs the oracles: put {path} into ../shared/oracles")
    pytest.importorskip("jsonschema", reason="needs jsonschema: pip install --require-hashes -r requirements-ci.txt")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def refuse_unknown_calls(calls: list[tuple[str, Mapping[str, Any]]]) -> None:
    """Every Web API call has arguments that Slack documents, and every message and view is one that Slack takes."""
    methods = json.loads((ORACLES / "slack" / "methods.json").read_text(encoding="utf-8"))
    faults = script("slack/check_blocks.py").faults
    for method, arguments in calls:
        if method == "auth.test":  # Bolt's own call, with what Bolt likes to add
            continue
        known = {*methods[method]["args"], *methods[method]["required"], "token"}
        assert set(arguments) <= known, f"{method} knows no {set(arguments) - known}"
        says = method.startswith("chat.") and method not in ("chat.getPermalink", "chat.deleteScheduledMessage")
        payload = arguments.get("view") or (arguments if says else None)
        if payload:
            assert list(faults(dict(payload))) == [], f"{method}: {payload}"
