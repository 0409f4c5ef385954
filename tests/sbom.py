"""`make sbom`: of what cyclonedx-py finds installed only what the bot needs at run time, checked by its schema."""

import json
import re
import sys
from pathlib import Path
from typing import Any

REGISTRY = re.compile(r"https?://[^/]*\b(?:pypi|pythonhosted)\b|^file:")  # what a reference to a registry begins with


def pins_of(requirements: str) -> dict[str, str]:
    """Each pinned package, by its normalised name, and its version."""
    return {normalised(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", requirements, re.MULTILINE)}


def normalised(name: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def of_pins(found: dict[str, Any], pins: dict[str, str]) -> dict[str, Any]:
    """The document with exactly the pinned components and what leads to them, and without addresses of registries.

    Raises ValueError where a pin is not installed, or in another version.
    """
    kept = [one for one in found["components"] if pins.get(normalised(one["name"])) == one["version"]]
    if missing := sorted(set(pins) - {normalised(one["name"]) for one in kept}):
        raise ValueError(f"not installed as requirements.txt pins them: {', '.join(missing)}")
    references = {one["bom-ref"] for one in kept} | {found["metadata"]["component"]["bom-ref"]}
    leads = [
        one | ({"dependsOn": [each for each in one["dependsOn"] if each in references]} if "dependsOn" in one else {})
        for one in found["dependencies"]
        if one["ref"] in references
    ]
    return _without_registries(found | {"components": kept, "dependencies": leads})


def _without_registries(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_registries(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_without_registries(one) for one in part if not _is_registry(one)]
    return part


def _is_registry(part: Any) -> bool:
    return isinstance(part, dict) and bool(REGISTRY.search(str(part.get("url", ""))))


def main(found: str, requirements: str, written: str) -> int:
    """Write the document. Returns 1 where it cannot be what the bot needs."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    try:
        pins = pins_of(Path(requirements).read_text(encoding="utf-8"))
        document = of_pins(json.loads(Path(found).read_text(encoding="utf-8")), pins)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    text = json.dumps(document, indent=2) + "\n"
    if why := JsonStrictValidator(SchemaVersion.from_version(document["specVersion"])).validate_str(text):
        print(f"not CycloneDX {document['specVersion']}: {why}", file=sys.stderr)
        return 1
    Path(written).write_text(text, encoding="utf-8")
    print(f"{written}: {len(document['components'])} components, CycloneDX {document['specVersion']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
