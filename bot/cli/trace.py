"""`sync-health trace`: where one record is on its way, what holds it, and with --follow until it has arrived."""

from time import sleep
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bot.cli.exit_codes import CANNOT, AsJson, Demonstration, NoWait, Verbose, print_json, told
from bot.cli.logs import log_to_stderr

if TYPE_CHECKING:
    from bot.answers.trace import Arrival, LogLook, Trace
    from bot.cli.terminal import Cells
    from bot.config.settings import Settings
    from bot.ports import Census, Sources, Store
    from bot.services.follow_trace import Followed

STUCK = 1  # found, and not in the destination as it should be
LOOK = 30.0  # seconds of the pipeline's time between two looks
LONGEST = 1000  # characters of a line
SHORTEST = 0.5  # real seconds between two
DEMO_SPEED = 60.0  # of a demo in which a record is followed


def trace(
    id_: Annotated[str, typer.Argument(metavar="ID", help="A record ID, a short ID or an ID of the destination.")],
    follow: Annotated[bool, typer.Option("--follow", help="Watch until it has arrived, and show what moved.")] = False,
    demo: Demonstration = False,
    as_json: AsJson = False,
    no_wait: NoWait = False,
    verbose: Verbose = False,
) -> None:
    """Show where one record is on its way to the destination, and what holds it.

    Exit codes: 0 it has arrived and nothing differs, 1 it has not, 2 no single record has this ID or a source fails.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        from bot.alerts.trace import Standing
        from bot.cli.launch import opened_sources
        from bot.services.show_trace import id_meant, show_trace

        asked, speed = id_meant(id_), DEMO_SPEED if follow else 1
        arrived, look = None, None
        opened = opened_sources(demo=demo, needs=("census", "warehouse"), wait=not no_wait, speed=speed)
        with opened as (sources, remember):
            census = cast("Census", sources.census)  # as the composition connects it
            if follow:
                found, arrived, look = _follow(sources, census, asked, remember(), quiet=as_json)
            else:
                found = show_trace(sources, census, asked, remember())
            settings = sources.settings
        if as_json:
            from bot.cli.as_json import trace_as_json

            print_json(trace_as_json(found, settings.zone, arrived, look))
        else:
            _print_trace(found, settings)
            if arrived:
                _print_arrival(arrived, look)
        code = {Standing.ARRIVED: 0, Standing.UNKNOWN: CANNOT}.get(found.verdict.standing, STUCK)
    raise typer.Exit(code)


def _follow(
    sources: "Sources", census: "Census", asked: str, store: "Store | None", *, quiet: bool
) -> "tuple[Trace, Arrival | None, LogLook | None]":
    """How it stands at the end; where it has arrived meanwhile, what shows that."""
    from bot.alerts.trace import Standing
    from bot.services.follow_trace import arrival, begin_following, follow_on, logged_run

    followed = begin_following(sources, census, asked, store)
    waited = followed.goes_on
    said = _say_how_it_stands("", followed, sources.settings, quiet=quiet)
    while followed.goes_on and sources.clock.now() < followed.until:
        sleep(max(SHORTEST, LOOK / sources.clock.speed))
        followed = follow_on(sources, census, followed, store)
        said = _say_how_it_stands(said, followed, sources.settings, quiet=quiet)
    if not waited or followed.trace.verdict.standing is not Standing.ARRIVED:
        return followed.trace, None, None
    arrived = arrival(sources, census, followed)
    return followed.trace, arrived, logged_run(sources, arrived.run, sources.clock.now()) if arrived.run else None


def _say_how_it_stands(before: str, followed: "Followed", settings: "Settings", *, quiet: bool) -> str:
    """On standard error, whenever that is something else."""
    from bot.messages.text import without_braces
    from bot.sanitize import sanitize

    now = followed.trouble or followed.trace.verdict.sentence
    if now != before and followed.goes_on and not quiet:
        typer.echo(sanitize(without_braces(now, settings.zone), LONGEST), err=True)
    return now


def _print_trace(trace: "Trace", settings: "Settings") -> None:
    from bot.alerts.trace import detail_of
    from bot.cli.terminal import print_line, print_table
    from bot.messages.text import without_braces
    from bot.messages.trace import ICONS, compared, differing, marked, more_differ, not_shown, sharing, values_of

    zone, verdict = settings.zone, trace.verdict
    print_line(f"{ICONS[verdict.standing]} {without_braces(verdict.sentence, zone)}")
    if shown := sharing(trace):
        print_line(", ".join(shown) + (" …" if trace.matches > len(shown) else ""))
    if verdict.next_step:
        print_line(f"→ {without_braces(verdict.next_step, zone)}")
    if trace.hops:
        rows: list[Cells] = [
            (
                mark,
                hop.place,
                f"{hop.changed_at.astimezone(zone):%Y-%m-%d %H:%M}" if hop.changed_at else "",
                without_braces(detail_of(hop, is_verdict=hop.place == verdict.place), zone),
            )
            for mark, hop in marked(trace)
        ]
        print_table(("", "hop", f"changed ({zone.key})", "detail"), rows)
    if differences := differing(trace):
        fields: list[Cells] = [(one.field, values_of(one)) for one in differences]
        print_table(("differing field", compared(trace)), fields)
    if more := more_differ(trace):
        print_line(more)
    for remark in [*trace.remarks, *not_shown(trace)]:
        print_line(remark)


def _print_arrival(arrived: "Arrival", look: "LogLook | None") -> None:
    from bot.cli.terminal import print_line
    from bot.facts import counts_in_words
    from bot.messages.follow_trace import moved
    from checks.numbers import duration

    print_line(f"Arrived {duration(arrived.after)} after following began")
    if run := arrived.run:
        print_line(f"Carried by run {run.id} of {arrived.sync}: {counts_in_words(run) or 'no counts'}")
    if arrived.sync:
        print_line(f"{arrived.sync} backlog since then: {moved(arrived)}")
    if look and look.unknown:
        print_line(f"Audit log: unknown: {look.unknown}")
    elif look:
        logged = f"row {look.row.audit_id}" if look.row else "no row yet; a running bot writes it minutes after the run"
        print_line(f"Audit log: {logged}")
