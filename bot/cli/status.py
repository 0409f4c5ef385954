"""`sync-health status`: how the bot itself is, and what it costs the warehouse, from its state alone."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from bot.cli.exit_codes import AsJson, Verbose, print_json, told
from bot.cli.logs import log_to_stderr
from bot.sanitize import sanitize

if TYPE_CHECKING:
    from bot.answers.operations import BotStatus, WarehouseDay
    from bot.cli.terminal import Cells
    from bot.config.settings import Settings

NOT_WORKING = 1
IN_VAIN = ", which did not answer in full"
LONGEST = 1000  # characters of the name of a file


def status(as_json: AsJson = False, verbose: Verbose = False) -> None:
    """Show how the bot itself is: who leads, the last evaluation, what is not delivered, what it costs the warehouse.

    Reads what the bot remembers and asks nothing else; the line to Slack of a running bot is not part of it.
    Exit codes: 0 it works, 1 no bot is running or nothing was evaluated lately, 2 the state cannot be read.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        from bot.cli.launch import announced_settings
        from bot.runtime.composition import state_file

        settings = announced_settings()
        found = _status(settings)
        if found is None:
            why = sanitize(f"no bot has run here: {state_file(settings)} is not there", LONGEST)
            if as_json:
                from bot.cli.as_json import no_status_as_json

                print_json(no_status_as_json(why))
            else:
                typer.echo(why)
        elif as_json:
            from bot.cli.as_json import status_as_json

            print_json(status_as_json(found))
        else:
            _print_status(found, settings)
    raise typer.Exit(0 if found and found.trouble is None else NOT_WORKING)


def _status(settings: "Settings") -> "BotStatus | None":
    """None where there is no state."""

    from bot.runtime.composition import clock_from_environment, remembered
    from bot.services.show_status import show_status

    if (store := remembered(settings)) is None:
        return None
    try:
        return show_status(store, settings, clock_from_environment())
    finally:
        store.close()


def _print_status(status: "BotStatus", settings: "Settings") -> None:
    from bot.cli.terminal import print_table

    style, word = ("red", f"not working: {status.trouble}") if status.trouble else ("green", "working")
    rows: list[Cells] = [("bot", (style, word)), *_facts(status, settings)]
    print_table((settings.pipeline, f"as of {_time(status.at, settings)}"), rows)
    typer.echo()
    if not settings.databricks:
        typer.echo("Statements are counted for a Databricks warehouse alone.")
    elif not status.days:
        typer.echo("The warehouse was sent no statement in the last 7 days.")
    else:
        head = (f"warehouse ({settings.zone.key})", "statements", "woken", "awake because of the bot", "statements for")
        print_table(head, (_day(day) for day in status.days))
        for line in _remarks(status):
            typer.echo(line)


def _facts(status: "BotStatus", settings: "Settings") -> "Iterator[Cells]":
    evaluation, leader = status.evaluation, status.leader
    since = f" since {_time(leader.since, settings)}" if leader and leader.since else ""
    yield "leader", f"{leader.holder}{since}" if leader else ("red", "none")
    yield "evaluated on schedule", _time(status.completed_at, settings)
    if evaluation:
        silent = any(problem.startswith("Census") for problem in evaluation.problems)
        yield "Census as of", _time(evaluation.checked_at, settings) + IN_VAIN * silent
        if settings.has_warehouse:
            yield "warehouse as of", _time(evaluation.warehouse_at, settings) + IN_VAIN * evaluation.asked_in_vain
        for problem in evaluation.problems:
            yield "problem", ("yellow", problem)
    yield "open incidents", str(status.open_incidents)
    if window := status.maintenance:
        yield "maintenance", f"until {_time(window.until, settings)}: {window.reason}"
    for one in status.undelivered:
        yield "not delivered", ("yellow", f"{one.messages} to {one.channel}: {one.why}")
    for page in status.unsent_pages:
        yield "not paged", ("yellow", f"{page.pages} through {page.target}: {page.why}")
    if not status.undelivered and not status.unsent_pages:
        yield "not delivered", "none failed"
    yield "if it falls silent", _silence(status, settings)
    yield "heartbeat", "after each evaluation" if settings.heartbeat_url else "none: HEARTBEAT_URL is not set here"


def _silence(status: "BotStatus", settings: "Settings") -> "str | tuple[str, str]":
    watch = status.watch
    if watch.error:
        return "yellow", f"Slack would not tell: {watch.error}"
    if not watch.message_id or not watch.post_at:
        return "yellow", "Slack would not tell: no message is scheduled"
    return f"Slack tells the channel at {_time(watch.post_at, settings)}, which each evaluation postpones"


def _day(day: "WarehouseDay") -> "Cells":
    from checks.numbers import duration

    purposes = ", ".join(f"{one.purpose} {one.statements}" for one in day.usages) or "–"
    return str(day.day), str(day.statements), str(day.woke), f"at most {duration(day.awake)}", purposes


def _remarks(status: "BotStatus") -> Iterator[str]:
    """How the figures are meant, and what they assume."""
    from bot.alerts.warehouse_use import ASSUMED_AUTO_STOP
    from checks.numbers import count_of, duration

    yield "Awake: from each statement to the auto-stop after it, once. The warehouse may have been awake anyway."
    unknown = sum(one.auto_stop_unknown for day in status.days for one in day.usages)
    if unknown:
        assumed = duration(ASSUMED_AUTO_STOP)
        yield f"The auto-stop was not known for {count_of(unknown, 'statement')}: {assumed} are assumed."
    off = sum(one.auto_stop_off for day in status.days for one in day.usages)
    if off:
        yield f"The warehouse had no auto-stop for {count_of(off, 'statement')}: their own time alone is counted."


def _time(at: datetime | None, settings: "Settings") -> str:
    return f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M:%S %Z}" if at else "never"
