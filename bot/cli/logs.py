"""The log: one line per record that nobody can forge, with the same redaction as everywhere."""

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from traceback import extract_tb

from bot.sanitize import redact, sanitize

LONGEST = 2000  # characters of a record
OURS = ("bot", "checks", "__main__")  # what these say of the outside was redacted where it entered
NOISY = ("slack_bolt", "slack_sdk", "apscheduler", "urllib3", "websocket", "alembic")


class SafeFormatter(logging.Formatter):
    """`2026-01-09T03:05:00.000-08:00 WARNING bot.runtime.bot: …`, and below it, indented, where an exception came from.

    Others' loggers tell of headers and bodies, exceptions quote what they stumbled over: both are redacted.
    """

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage()
        ours = record.name.partition(".")[0] in OURS
        at = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")
        text = sanitize(said, LONGEST) if ours else redact(said, LONGEST)
        error = record.exc_info[1] if record.exc_info else None
        return "\n".join([f"{at} {record.levelname} {record.name}: {text}", *_causes(error)])


def log_to_stderr(*, verbose: bool) -> None:
    """Warnings, or more about each step; of others' loggers errors alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(SafeFormatter())
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    logging.raiseExceptions = False  # else a record that cannot be written is printed as it is
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.ERROR)


def _causes(error: BaseException | None) -> Iterator[str]:
    """The exception and what led to it, each with its frames, the innermost last."""
    told: set[int] = set()
    while error is not None and id(error) not in told:
        told.add(id(error))
        yield f"  Traceback of {type(error).__name__}: {redact(str(error))}"
        yield from (f"    {frame.filename}:{frame.lineno} in {frame.name}" for frame in extract_tb(error.__traceback__))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
