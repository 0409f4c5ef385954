"""`sync-health check`: the validation once, some of its checks, or the past by today's limits."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exit_codes import CANNOT, CRITICAL, AsJson, Demonstration, NoWait, Verbose, print_json, told
from bot.cli.logs import log_to_stderr
from bot.errors import ConfigurationError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from bot.alerts.model import Incident
    from bot.model import Evaluation
    from bot.ports import Store
    from bot.services.move_alerts import Said

    Checked = tuple[Evaluation, list[Said], list[Incident], ZoneInfo]  # of the pipeline


def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Only these checks; as with --dry-run nothing is kept.")
    ] = None,
    demo: Demonstration = False,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and judge; write nothing, send nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A warning counts as a failure.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Healthy checks, too, one by one on a terminal.")] = False,
    replay: Annotated[
        str,
        typer.Option(
            "--replay", metavar="SPAN", help="Judge the snapshots of the last days instead (30d, 12h); send nothing."
        ),
    ] = "",
    limits: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="TEXT", help='With --replay: another limit, such as "coverage: warn < 94".'),
    ] = None,
    no_wait: NoWait = False,
    verbose: Verbose = False,
) -> None:
    """Run the validation once, or see what it would have said of the past.

    Exit codes: 0 healthy, 1 critical (with --strict also a warning), 2 an error or no data; with --replay 0 or 2.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        if replay or limits:
            _replay_past(replay, limits or [], names or [], demo=demo, as_json=as_json, wait=not no_wait)
            return
        if names:
            evaluation, said, incidents, zone = _evaluate_some(names, demo=demo, wait=not no_wait)
        else:
            evaluation, said, incidents, zone = (_dry_run if dry_run else _evaluate)(demo=demo, wait=not no_wait)
        if as_json:
            from bot.cli.as_json import evaluation_as_json

            print_json(evaluation_as_json(evaluation, incidents))
        else:
            from bot.cli.terminal import print_evaluation

            print_evaluation(evaluation, said, zone, verbose=verbose, every=every)
    raise typer.Exit(_exit_code(evaluation, strict=strict))


def _evaluate(*, demo: bool, wait: bool) -> "Checked":
    from bot.cli.launch import opened_ports
    from bot.runtime.composition import holder_name
    from bot.services.deliver import deliver_all
    from bot.services.run_checks import run_checks

    with opened_ports(demo=demo, wait=wait) as ports:
        evaluation, said = run_checks(ports)
        deliver_all(ports, holder_name())
        return evaluation, said, _open_incidents(ports.store, said), ports.settings.zone


def _dry_run(*, demo: bool, wait: bool) -> "Checked":
    """Measured and judged, with what is known so far; nothing is written, nothing sent."""
    from bot.cli.launch import opened_sources
    from bot.services.run_checks import dry_run_checks

    known: list[Store | None] = []
    with opened_sources(demo=demo, needs=("census", "warehouse"), wait=wait) as (sources, remember):

        def meanwhile() -> "Store | None":
            import bot.cli.terminal  # noqa: F401 - what prints is loaded while the statement runs, too

            known.append(remember())
            return known[0]

        evaluation, said = dry_run_checks(sources, meanwhile)
        return evaluation, said, _open_incidents(known[0], said), sources.settings.zone


def _evaluate_some(names: Sequence[str], *, demo: bool, wait: bool) -> "Checked":
    """Some checks by themselves: no incident is opened or closed, of these or of others."""
    from bot.cli.launch import opened_sources
    from bot.services.measure import measure

    with opened_sources(demo=demo, needs=("census", "warehouse"), names=names, wait=wait) as (sources, _):
        typer.echo("Only what was named is checked: nothing is kept, nothing is sent", err=True)
        needed = sources.settings.needed_sources
        return measure(sources, needed=needed), [], [], sources.settings.zone


def _open_incidents(store: "Store | None", said: "Iterable[Said]") -> "list[Incident]":
    """What is open now, or would be."""
    known: list[Incident] = []
    if store:
        with store.snapshot() as records:
            known = records.open_incidents()
    newest = {incident.id: incident for incident in [*known, *(one.incident for one in said)]}
    return [incident for incident in newest.values() if incident.resolved_at is None]


def _replay_past(
    span: str, limits: Sequence[str], names: Sequence[str], *, demo: bool, as_json: bool, wait: bool
) -> None:
    from bot.cli.launch import opened_sources
    from bot.config.overrides import with_limits
    from bot.services.replay import replay

    past = _span(span)
    with opened_sources(demo=demo, needs=("warehouse",), names=names, wait=wait) as (sources, _):
        other = replace(sources, settings=with_limits(sources.settings, limits))
        replayed = replay(other, past)
    if as_json:
        from bot.cli.as_json import replay_as_json

        print_json(replay_as_json(replayed))
    else:
        from bot.cli.terminal import print_replay

        print_replay(replayed, sources.settings.zone)


def _span(text: str) -> timedelta:
    from checks.forms import parse_duration

    if not text:
        raise ConfigurationError(["--limit: it changes what is replayed: add --replay 30d"])
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigurationError([f"--replay: {error}"]) from error


def _exit_code(evaluation: "Evaluation", *, strict: bool) -> int:
    codes = {"ok": 0, "warn": CRITICAL if strict else 0, "critical": CRITICAL}
    return codes.get(evaluation.outcome, CANNOT)
