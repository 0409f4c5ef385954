"""`sync-health audit`: who did what and what came of it, as a table or as JSON."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.exit_codes import AsJson, Verbose, print_json, told
from bot.cli.logs import log_to_stderr
from bot.errors import ConfigurationError

if TYPE_CHECKING:
    from bot.answers.history import AuditTrail
    from bot.cli.terminal import Cells
    from bot.config.settings import Settings
    from bot.model import AuditRow

STYLES = {"failed": "red", "refused": "yellow", "unknown": "magenta"}
EXAMPLES = "write how long ago, such as 7d, or a date, such as 2026-11-01"


def audit(
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="A date, a time, or how long ago.")] = "7d",
    until: Annotated[str, typer.Option("--until", metavar="WHEN", help="The same; a date is the last day shown.")] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="NAME", help="Only this one, such as rerun, acknowledge or deploy.")
    ] = "",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show who did what and what came of it, newest first.

    Reads what the bot remembers and changes nothing. Exit codes: 0 shown, also where there is nothing, 2 it could not
    be read.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        from bot.cli.launch import announced_settings
        from bot.runtime.composition import clock_from_environment

        settings = announced_settings()
        now, zone = clock_from_environment().now(), settings.zone
        begin, end = _moment("--since", since, now, zone), _moment("--until", until, now, zone, end_of_day=True)
        assert begin, "it has a default"
        if end and end <= begin:
            raise ConfigurationError(["--until: it lies before --since"])
        trail = _trail(settings, begin, end, action.strip())
        if as_json:
            print_json(_as_json(trail))
        else:
            _print_trail(trail, zone)


def _trail(settings: "Settings", since: datetime, until: datetime | None, action: str) -> "AuditTrail":
    """What is written there; nothing where no bot has run yet."""
    from bot.answers.history import AuditTrail
    from bot.runtime.composition import remembered
    from bot.services.show_audit import show_audit

    if (store := remembered(settings)) is None:
        return AuditTrail(since, (), 0, until)
    try:
        return show_audit(store, since, until, action=action)
    finally:
        store.close()


def _moment(option: str, text: str, now: datetime, zone: ZoneInfo, *, end_of_day: bool = False) -> datetime | None:
    """`7d` ago, a date or a time of the pipeline's zone; None for nothing. Raises ConfigurationError."""
    from checks.forms import parse_duration

    if not text.strip():
        if end_of_day:
            return None
        raise ConfigurationError([f"{option}: {EXAMPLES}"])
    try:
        if text.strip()[-1] in "smhd":
            return now - parse_duration(text)
        if len(text.strip()) == len("2026-11-01"):
            day = date.fromisoformat(text.strip()) + timedelta(days=end_of_day)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError([f'{option}: cannot read "{text}": {EXAMPLES}']) from error


def _as_json(trail: "AuditTrail") -> dict[str, object]:
    from dataclasses import asdict

    return {"since": trail.since, "until": trail.until, "entries": [asdict(row) for row in trail.rows]}


def _print_trail(trail: "AuditTrail", zone: ZoneInfo) -> None:
    from bot.cli.terminal import print_table
    from checks.numbers import count_of

    if trail.rows:
        print_table((f"when ({zone.key})", "who", "action", "target", "outcome", "detail"), _cells(trail, zone))
    found = count_of(trail.total, "entry", "entries") if trail.total else "no entries"
    until = f" until {trail.until.astimezone(zone):%Y-%m-%d %H:%M %Z}" if trail.until else ""
    typer.echo(f"{found} since {trail.since.astimezone(zone):%Y-%m-%d %H:%M %Z}{until}")


def _cells(trail: "AuditTrail", zone: ZoneInfo) -> "Iterator[Cells]":
    from bot.messages.text import without_braces

    for row in trail.rows:
        state = str(row.state or "–")
        yield (
            f"{row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
            row.user,
            row.what,
            row.target,
            (STYLES.get(state, ""), state),
            without_braces(_detail(row), zone),
        )


def _detail(row: "AuditRow") -> str:
    """What came of it, what changed, why, and where more of it stands; nothing twice."""
    state = str(row.state or "")
    result = row.result.removeprefix(state).removeprefix(": ").strip()
    change = " → ".join(part for part in (row.before, row.after) if part)
    reason = f"reason: {row.reason}" if row.reason else ""
    reference = "" if row.reference == row.target else row.reference
    return " · ".join(part for part in (result, change, reason, reference) if part)
