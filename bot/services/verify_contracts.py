"""`doctor --verify-contracts`: the shape of real answers against what the bot reads; read-only, no value is shown."""

from collections.abc import Iterable, Iterator

from bot.answers.operations import Finding
from bot.errors import SyncHealthError
from bot.ports import Comparison

REPORT = "the bot would misread this: report the line, it holds no value of yours"


def verify_contracts(comparisons: Iterable[Comparison]) -> Iterator[Finding]:
    """A finding for each read; one without an answer leaves the others."""
    for name, compare in comparisons:
        try:
            found = "; ".join(compare())
        except SyncHealthError as error:
            remedy = "without this answer nothing can be compared: sync-health doctor"
            yield Finding(name, False, str(error), remedy)
        else:
            yield Finding(name, not found, found or "as expected", REPORT if found else "")
