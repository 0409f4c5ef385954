"""`sync-health slo`: the success metrics against their targets, as a table or as JSON, and the go or no-go."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exit_codes import CANNOT, AsJson, Demonstration, Verbose, print_json, told
from bot.cli.logs import log_to_stderr
from bot.errors import RefusedError

if TYPE_CHECKING:
    from datetime import datetime

    from bot.alerts.incident_figures import Figures
    from bot.alerts.success import SuccessMetric
    from bot.answers.history import Slo
    from bot.cli.terminal import Cells
    from bot.config.settings import Settings

MISSED = 1  # with --strict
STYLES = {"missed": ("red", "no"), "unknown": ("magenta", "unknown"), "met": ("green", "yes")}
CODES = {"met": 0, "missed": MISSED, "unknown": CANNOT}


def slo(
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="How many days, of 24 hours each.")] = 7,
    strict: Annotated[bool, typer.Option("--strict", help="The go/no-go: the exit code is the verdict.")] = False,
    demo: Demonstration = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show the success metrics of the last days: target, value, trend, source, worst incidents.

    Reads what the bot remembers, and the runs of the last 14 days in Census; changes nothing. A window of more days is
    shown, and never a go: how many of its runs succeeded is not known for all of it.
    Exit codes: 0 shown; with --strict 0 go: every target met, 1 no-go: one is missed, 2 no-go: none is missed, and one
    is not known for 95% of the days. Always 2: it could not be read.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        found, settings = _demo_slo(days) if demo else _slo(days)
        if as_json:
            print_json(_as_json(found, settings))
        else:
            _print_slo(found, settings, strict=strict)
    raise typer.Exit(CODES[found.verdict] if strict else 0)


def _slo(days: int) -> "tuple[Slo, Settings]":
    """Next to a running bot, or without one."""

    from bot.cli.launch import announced_settings
    from bot.runtime.composition import clock_from_environment, connect_census, remembered, state_file
    from bot.services.show_slo import show_slo

    settings = announced_settings(("census",))
    if (store := remembered(settings)) is None:
        raise RefusedError(f"no bot has run here: {state_file(settings)} is not there. Nothing is known of these days")
    try:
        census = connect_census(settings)
        clock = clock_from_environment()
        return show_slo(settings, clock, census, store, days), settings
    finally:
        store.close()


def _demo_slo(days: int) -> "tuple[Slo, Settings]":
    from bot.cli.launch import opened_ports
    from bot.services.run_checks import run_checks
    from bot.services.show_slo import show_slo

    with opened_ports(demo=True) as ports:
        run_checks(ports)
        return show_slo(ports.settings, ports.clock, ports.census, ports.store, days), ports.settings


def _print_slo(slo: "Slo", settings: "Settings", *, strict: bool) -> None:
    from bot.cli.terminal import print_line, print_table
    from bot.messages.slo import case_text, headline
    from bot.messages.text import with_sync

    print_table(("metric", "target", "value", "trend", "met", "source"), _rows(slo.metrics))
    for case in slo.worst:
        what, at = with_sync(case.incident.title, case.incident.sync), _time(case.opened_at, settings)
        print_line(f"incident {case.incident.id}: {what}, {case_text(case)}, since {at}")
    style, _ = STYLES[slo.verdict]
    go = ("Go · " if slo.verdict == "met" else "No-go · ") if strict else ""
    print_line(f"{go}{headline(slo)}", style)
    print_line(f"{_time(slo.since, settings)} to {_time(slo.until, settings)}", "dim")


def _rows(metrics: "tuple[SuccessMetric, ...]") -> "Iterator[Cells]":
    from bot.messages.slo import target_text, trend_text, value_text

    for one in metrics:
        yield one.title, target_text(one), value_text(one), trend_text(one), STYLES[one.standing], one.source


def _time(at: "datetime", settings: "Settings") -> str:
    return f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M %Z}"


def _as_json(slo: "Slo", settings: "Settings") -> dict[str, object]:
    return {
        "pipeline": slo.pipeline,
        "verdict": slo.verdict,
        "go": slo.verdict == "met",
        "from": slo.since,
        "to": slo.until,
        "zone": settings.zone.key,
        "days": slo.days,
        "metrics": [_metric(one) for one in slo.metrics],
        "longest_incidents": [_incident(one) for one in slo.worst],
    }


def _metric(one: "SuccessMetric") -> dict[str, object]:
    """A target and values in the metric's unit; a value of null has a reason."""
    return {
        "name": one.key,
        "title": one.title,
        "unit": one.unit,
        "target": {"comparison": one.target.comparison, "number": one.target.number},
        "value": one.value,
        "at_least": one.at_least,
        "before": one.before,
        "standing": one.standing,
        "known_days": round(one.known.days, 2),
        "reason": one.known.why or (one.nothing if one.value is None else None),
        "source": one.source,
    }


def _incident(case: "Figures") -> dict[str, object]:
    return {
        "id": case.incident.id,
        "check": case.incident.check,
        "sync": case.incident.sync,
        "severity": case.severity,
        "opened_at": case.opened_at,
        "open": case.is_open,
        "minutes": round(case.lasted.total_seconds() / 60, 1),
    }
