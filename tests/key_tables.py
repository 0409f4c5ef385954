"""The tables of keys in docs/YOUR_PIPELINE.md, from the models of pipeline.yml and the comments above their fields."""

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import time, timedelta
from functools import cache
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.alerts.timetable import Weekly
from bot.config.pipeline_file import (
    WEEKDAYS,
    Links,
    Noun,
    Operators,
    PagerRules,
    PipelineFile,
    Report,
    ReportChannel,
    Timetable,
)
from bot.config.remedies import Remedy
from bot.config.syncs import Suspect, SyncSettings
from checks.model import Active, Because, Case, Changes, Check, Thresholds

Model = type[BaseModel]
NESTED: dict[str, Model] = {  # keys below a key; those of the others stand in a table of their own
    "noun": Noun,
    "operators": Operators,
    "pager": PagerRules,
    "schedule": Timetable,
    "links": Links,
    "report": Report,
    "report.channels[]": ReportChannel,
    "remedy[]": Remedy,
    "suspect[]": Suspect,
    "because[]": Because,
}
TABLES: dict[str, tuple[Model, tuple[str, ...]]] = {  # by their markers: the model, and where its keys stand
    "pipeline": (PipelineFile, ("",)),
    "sync": (SyncSettings, ("syncs[].",)),
    "limits": (Changes, ("limits.*.", "syncs[].limits.*.")),
    "check": (Check, ("checks[].",)),
}
TYPES = {  # what an annotation is called in the document
    "str": "text",
    "int": "whole number",
    "StrictBool": "`true`, `false`",
    "object": "group, path, or block (a check)",
    "Word": "text",
    "Cadence": "`frequent`, `daily`",
    "Mode": "`observe`, `act`",
    "Promise": "`always`, `at-sync-time`",
    "Situation": "situation",
    "Owner": "`U…` or `S…`",
    "UserId": "`U…`",
    "GroupId": "`S…`",
    "Channel": "name or `C…`",
    "Table": "catalog.schema.table",
    "Schema": "catalog.schema",
    "Column": "column",
    "Duration": "duration",
    "Interval": "duration",
    "TimeOfDay": "time of day",
    "Weekly": "weekday and time, or `false`",
    "LimitText": "threshold",
    "Hours": "days and hours",
    "Changes": "block (limits)",
    "SyncSettings": "block (syncs)",
    "Case": "block (checks)",
    "AtMost": "times per duration",
}
# with rows of their own
BLOCKS = {
    "Noun",
    "Operators",
    "PagerRules",
    "Timetable",
    "Links",
    "Report",
    "ReportChannel",
    "Suspect",
    "Because",
    "Remedy",
}
LONGEST = 90  # characters of an example
HEADER = "| key | value | default | what it means | example |\n|---|---|---|---|---|\n"


def table_of(marker: str, examples: Sequence[object]) -> str:
    """The Markdown of one table; an example is what the first of these parsed files has that has the key."""
    model, at = TABLES[marker]
    rows = _rows(model, at, "", examples)
    return HEADER + "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _rows(model: Model, at: Sequence[str], prefix: str, examples: Sequence[object]) -> Iterator[tuple[str, ...]]:
    for name in (*_class(model), *(one for one in model.model_fields if one not in _class(model))):
        field = model.model_fields[name]
        key = prefix + (field.alias or name)
        annotation, meaning = _written(model, name)
        below = next((one for one in (key, f"{key}[]") if one in NESTED), None)
        example = "" if below else _example([f"{one}{key}".split(".") for one in at], examples)
        yield f"`{key}`", _in_words(annotation), _default(field), meaning, example
        if below:
            yield from _rows(NESTED[below], at, f"{below}.", examples)


def _example(paths: Sequence[Sequence[str]], examples: Sequence[object]) -> str:
    """The first one that is short enough."""
    shown = (flow(found) for one in examples for path in paths for found in _found(one, path))
    return next((f"`{one}`" for one in shown if len(one.strip("{}[]")) > 0 and len(one) <= LONGEST), "")


def _found(written: object, path: Sequence[str]) -> Iterator[object]:
    """What stands at a path such as `syncs[].suspect[].when`; `*` is any key, `[]` any entry."""
    if not path:
        yield written
        return
    name, is_list = path[0].removesuffix("[]"), path[0].endswith("[]")
    if not isinstance(written, Mapping):
        return
    parts = list(written.values()) if name == "*" else [written[name]] if name in written else []
    for part in parts:
        for entry in (part if isinstance(part, list) else [part]) if is_list else [part]:
            yield from _found(entry, path[1:])


@cache
def _class(model: Model) -> Mapping[str, tuple[ast.expr, str]]:
    """The fields of a class as its source has them: annotation, and the comment above."""
    file = Path(inspect.getsourcefile(model) or "")
    text = file.read_text(encoding="utf-8")
    [node] = [one for one in ast.parse(text).body if isinstance(one, ast.ClassDef) and one.name == model.__name__]
    lines, found = text.splitlines(), {}
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            begin = field.lineno - 1
            comment: list[str] = []
            while lines[begin - 1].lstrip().startswith("#"):
                begin -= 1
                comment.insert(0, lines[begin].strip().lstrip("# "))
            found[field.target.id] = field.annotation, " ".join(comment)
    return found


def _written(model: Model, name: str) -> tuple[ast.expr, str]:
    """Its annotation and its comment; of a field that repeats one of another model without a comment, that one's."""
    annotation = next(_class(one)[name][0] for one in model.__mro__ if one in MODELS and name in _class(one))
    owners = [one for one in (*model.__mro__, *Check.__mro__) if one in MODELS]
    return annotation, next((said for one in owners if (said := _class(one).get(name, (None, ""))[1])), "")


MODELS = (*NESTED.values(), *(model for model, _ in TABLES.values()), Thresholds, Case)


def _in_words(node: ast.expr) -> str:
    match node:
        case ast.Subscript(value=ast.Name(id="Annotated")) if "_as_list" in ast.unparse(node):
            return f"{_in_words(node.slice.elts[0]).removeprefix('list: ')}, or a list"  # type: ignore[attr-defined]
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[first, *_])):
            return _in_words(first)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
            listed = values.elts if isinstance(values, ast.Tuple) else [values]
            return ", ".join(f"`{one.value}`" for one in listed if isinstance(one, ast.Constant))
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[first, *_])):
            return f"list: {_in_words(first)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[first, second])):
            return f"{'situation' if _in_words(first) == 'situation' else 'name'}: {_in_words(second)}"
        case ast.BinOp(left=left, right=ast.Constant(value=None)):
            return _in_words(left)
        case ast.Name(id=name):
            return "block" if name in BLOCKS else TYPES[name]
    raise AssertionError(f"say what {ast.unparse(node)} is called in the document")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    match field.default:
        case {"frequent": frequent, "daily": daily}:
            return f"`{frequent}`, daily `{daily}`"
        case timedelta() as span:
            minutes = int(span.total_seconds() // 60)
            return f"`{minutes}m`" if minutes else ""
        case time() as at:
            return f'`"{at:%H:%M}"`'
        case Weekly() as weekly:
            return f'`"{WEEKDAYS[weekly.weekday][:3].capitalize()} {weekly.at:%H:%M}"`'
        case bool() as flag:
            return f"`{str(flag).lower()}`"
        case "" | None | Active():
            return ""
        case str() | (str(), *_) as value:
            return f"`{flow(list(value) if isinstance(value, tuple) else value)}`"
    return ""


def flow(value: object) -> str:
    """A value as pipeline.yml writes it on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case {}:
            return f"{{{', '.join(f'{key}: {flow(one)}' for key, one in value.items())}}}"
        case list():
            return f"[{', '.join(map(flow, value))}]"
        case str() if not re.fullmatch(r"[A-Za-z./][\w./-]*(?: [\w./-]+)*|[0-9]+[smhd]", value):
            return json.dumps(value, ensure_ascii=False)
    return str(value)
