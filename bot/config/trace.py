"""sql/measure/trace.sql of a pipeline: its documented columns, and whether what it returns fits them."""

import re
from collections.abc import Iterator
from typing import Protocol

from bot.errors import PermanentError
from checks.problems import nearest

TRACE = "measure/trace"
ASKED = "id"  # its only parameter: what somebody typed
COLUMNS = {  # what each says; docs/YOUR_PIPELINE.md lists them
    "record": "the record's own ID. An ID that several records share returns the rows of each of them.",
    "hop": "the number of the hop, from 1; the last one is the destination.",
    "place": "what the hop is called, such as `Source` or `Backlog`.",
    "found": "TRUE (or 1) where the record is there, FALSE (or 0) where it is not; no text, no NULL.",
    "changed_at": "when the record changed there. Without it, a run that wrote it may have been earlier.",
    "stops": "why it does not arrive here, or is wrong here, where the statement knows that. Begins in lower case.",
    "next_step": "…and what to do about it.",
    "note": "what else is worth knowing of this hop.",
    "suspect": "why the record is wrong here; of a backlog: why it should not be written.",
    "sync": "of a backlog: the sync that carries what is in it, by its name or role in pipeline.yml.",
    "key": "of a backlog: the record's identifier in Census, the sync key.",
    "field": "of the destination: a field that differs. A row for each; the other columns are those of the hop.",
    "ours": "what the sync would write into that field.",
    "theirs": "what the destination has there.",
    "matches": "how many records share the ID, where the statement returns only some of them.",
}
NEEDED = ("record", "hop", "place", "found")
PLACE = re.compile(r"(?<!\w)\{([A-Za-z_]\w*)\}")  # in a text: the column of the same row that stands there


class Statement(Protocol):
    """What is known of the statements of a folder without running them."""

    @property
    def own(self) -> frozenset[str]: ...
    def columns(self, name: str) -> "tuple[str, ...]": ...
    def parameters(self, name: str) -> frozenset[str]: ...
    def literals(self, name: str) -> frozenset[str]: ...


def words_of_trace(offered: Statement) -> frozenset[str] | None:
    """Every text that the pipeline's trace may say; None where it has no trace."""
    return offered.literals(TRACE) if TRACE in offered.own else None


def trace_problems(offered: Statement) -> Iterator[str]:
    """What of the pipeline's trace does not fit, a line each."""
    if TRACE not in offered.own:
        return
    try:
        returned = offered.columns(TRACE)
    except PermanentError as error:
        yield str(error)
        return
    where = f"sql/{TRACE}.sql"
    if missing := [name for name in NEEDED if name not in returned]:
        yield f"{where} returns no {', '.join(missing)}: a hop needs {', '.join(NEEDED)} (docs/YOUR_PIPELINE.md, Trace)"
    named = {name for text in offered.literals(TRACE) for name in PLACE.findall(text)}
    for name in (one for one in returned if one not in COLUMNS and one not in named):
        yield f'{where} returns "{name}", which no text of it names as {{{name}}}: {nearest(name, COLUMNS)}'
    for name in sorted(named - {*returned}):
        yield f'{where} has a text with {{{name}}}, and returns no "{name}": {nearest(name, returned)}'
    asked = offered.parameters(TRACE)
    if asked != {ASKED}:
        others = ", ".join(f":{name}" for name in sorted(asked)) or "none"
        yield f"{where} has to ask for :{ASKED} alone, the ID that is looked for; its parameters: {others}"
