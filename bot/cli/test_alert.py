"""`sync-health test-alert`: sends a test alert the whole way and reports where it stopped."""

import re
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.exit_codes import AT_THE_TERMINAL, CANNOT, AsJson, Verbose, print_json, told
from bot.cli.logs import log_to_stderr
from bot.errors import ConfigurationError
from bot.sanitize import sanitize

if TYPE_CHECKING:
    from bot.answers.operations import AlertTest

REMEDY = "Next step: correct that and send another one; `sync-health doctor` examines the rest of the way"


def test_alert(
    demo: Annotated[bool, typer.Option("--demo", help="In a Slack of its own, on this machine.")] = False,
    escalate: Annotated[
        bool,
        typer.Option(
            "--escalate", help="Also send the escalation, at once; it mentions nobody unless --mention says whom."
        ),
    ] = False,
    mention: Annotated[
        str, typer.Option("--mention", metavar="ID", help="With --escalate: the user or user group to mention.")
    ] = "",
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds for somebody to click Acknowledge; 0 does not wait.")
    ] = 30.0,
    timeout: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds for everything to arrive, --wait not counted.")
    ] = 90.0,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Send a test alert the whole way to Slack, and resolve it.

    A running bot sends it, else this command does. It counts nowhere as an incident.
    Exit codes: 0 it went all the way, 2 it did not; the last lines say why and what to do.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        if mention and not re.fullmatch(r"[UWS][A-Z0-9]{2,40}", mention):
            raise ConfigurationError(
                [f'--mention: "{mention}" is not a Slack user or user group ID, such as U012ABCDEF']
            )
        if mention and not escalate:
            raise ConfigurationError(["--mention: only the escalation mentions somebody: add --escalate"])
        from bot.cli.launch import opened_outlet
        from bot.runtime.composition import holder_name
        from bot.services.send_test_alert import Trial, TrialOptions

        options = TrialOptions(AT_THE_TERMINAL, escalate=escalate, mention=mention or None, wait=wait, timeout=timeout)
        with opened_outlet(demo=demo) as outlet:
            report = Trial(outlet, holder_name(), time.sleep, _echo_progress).run(options)
        if as_json:
            print_json(_as_json(report))
        else:
            for line in _lines(report, outlet.settings.zone):
                typer.echo(sanitize(line, 2000))
    raise typer.Exit(0 if report.ok else CANNOT)


def _echo_progress(text: str) -> None:
    typer.echo(f"… {text}", err=True)


def _lines(test: "AlertTest", zone: ZoneInfo) -> Iterator[str]:
    def at(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"

    if test.posted_at:
        link = f" · {test.permalink}" if test.permalink else ""
        yield f"✓ posted in #{test.channel.removeprefix('#')} at {at(test.posted_at)}{link}"
    if test.escalated_at:
        yield f"✓ escalated at {at(test.escalated_at)}, mentioning {test.mentioned or 'nobody'}"
    for name in test.paged:
        yield f"✓ paged: triggered, acknowledged and resolved at {name}"
    if test.acknowledged_by:
        yield f"✓ acknowledged by {test.acknowledged_by}"
    elif test.resolved_at and test.posted_at:
        why = "nobody clicked Acknowledge" if test.acknowledgeable else "no bot is running that could take a click"
        yield f"- not acknowledged: {why}"
    if test.error:
        yield f"✗ test alert {test.incident_id}: {test.error}"
        yield f"  {REMEDY}"
    elif test.resolved_at:
        yield f"✓ resolved at {at(test.resolved_at)}"
        yield f"test alert {test.incident_id} went all the way"


def _as_json(test: "AlertTest") -> dict[str, object]:
    shown = asdict(test)
    del shown["acknowledgeable"]
    return {"ok": test.ok, "incident": shown.pop("incident_id"), **shown, "remedy": REMEDY if test.error else None}
