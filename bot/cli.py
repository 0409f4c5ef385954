"""The command line: run, demo, check, snapshot, deploy."""

import gc
import json
import sys
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli_test_alert import test_alert
from bot.command import CANNOT, CRITICAL, told, write_what_the_terminal_can
from bot.errors import ConfigurationError, RefusedError
from bot.logs import log_to_stderr

if TYPE_CHECKING:
    from bot.model import Evaluation
    from bot.services.move_alerts import Said

app = typer.Typer(
    name="sync-health",
    help="Keep a reverse-ETL pipeline healthy from Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
AT_THE_TERMINAL = "sync-health at a terminal"  # who did it, in the audit log
DEMO_PORT, DEMO_SPEED = 8030, 60.0

Demonstration = Annotated[
    bool, typer.Option("--demo", help="On a pipeline of its own, on this machine; needs no settings.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More about each step.")]


@app.command()
def run(demo: Demonstration = False, verbose: Verbose = False) -> None:
    """Run the bot until Ctrl-C: answer commands and buttons, check on schedule, send alerts."""
    log_to_stderr(verbose=verbose)
    with told():
        from bot.launch import run_bot, run_demo

        if demo:
            raise typer.Exit(run_demo(DEMO_SPEED, DEMO_PORT, verbose=verbose))
        run_bot()


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=1, max=600, help="Pipeline seconds per real second.")] = DEMO_SPEED,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page listens; 0 takes any.")] = DEMO_PORT,
    verbose: Verbose = False,
) -> None:
    """The whole thing on this machine: a channel in the browser, a pipeline to break."""
    log_to_stderr(verbose=verbose)
    with told():
        from bot.launch import run_demo

        raise typer.Exit(run_demo(speed, port, verbose=verbose))


@app.command()
def check(
    demo: Demonstration = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and judge; write nothing, send nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A warning counts as a failure.")] = False,
    replay: Annotated[
        str, typer.Option("--replay", metavar="SPAN", help="Judge the snapshots of the last 30d instead; send nothing.")
    ] = "",
    limits: Annotated[
        list[str] | None,
        typer.Option("--limit", metavar="TEXT", help='With --replay: another limit, such as "coverage: warn < 94".'),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Run the validation once, or see what it would have said of the past.

    Exit codes: 0 healthy, 1 critical (with --strict also a warning), 2 an error or no data; with --replay 0 or 2.
    """
    log_to_stderr(verbose=verbose)
    with told():
        if replay or limits:
            _replay(replay, limits or [], demo=demo, as_json=as_json)
            return
        evaluation, said = _rehearse(demo=demo) if dry_run else _evaluate(demo=demo)
        if as_json:
            from bot.as_json import evaluation_as_json

            _print_json(evaluation_as_json(evaluation))
        else:
            from bot.terminal import print_evaluation

            print_evaluation(evaluation, said, verbose=verbose)
    raise typer.Exit(_exit_code(evaluation, strict=strict))


@app.command()
def snapshot(
    demo: Demonstration = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would say; write nothing.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write a row into the audit log: what the pipeline looks like now, and what changed since the last one.

    A second one within five minutes is the first one again. Exit codes: 0 done, 2 it could not be taken.
    """
    log_to_stderr(verbose=verbose)
    with told():
        from bot.launch import opened_ports, opened_sources
        from bot.services.take_snapshot import rehearse_snapshot, take_snapshot

        if dry_run:
            with opened_sources(demo=demo, needs=("warehouse",)) as (sources, _):
                taken = rehearse_snapshot(sources, AT_THE_TERMINAL)
        else:
            with opened_ports(demo=demo, needs=("warehouse",), writes=True) as ports:
                taken = take_snapshot(ports, AT_THE_TERMINAL)
    if as_json:
        from bot.as_json import snapshot_as_json

        _print_json(snapshot_as_json(taken))
    else:
        from bot.terminal import print_snapshot

        print_snapshot(taken)


@app.command()
def deploy(
    demo: Demonstration = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be run; run nothing.")] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="The pipeline's own tables, where missing, and its views too.")
    ] = False,
    adopt: Annotated[
        list[str] | None,
        typer.Option("--adopt", metavar="NAME", help="Replace this view although sync-health did not create it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first change (for scripts).")] = False,
    verbose: Verbose = False,
) -> None:
    """Create the audit log and the views in the warehouse, with the thresholds and the zone of pipeline.yml.

    May be repeated: its own views are replaced; tables, and views that somebody else created, stay as they are.
    Exit codes: 0 done, 2 it could not be done.
    """
    log_to_stderr(verbose=verbose)
    with told():
        if dry_run:
            _print_plan(pipeline=pipeline)
            return
        from bot.launch import opened_ports
        from bot.services.deploy import deploy, plan_deploy, survey

        with opened_ports(demo=demo, needs=("warehouse",), writes=True) as ports:
            plan = plan_deploy(ports.settings, pipeline=pipeline)
            steps = survey(ports, plan, adopt or [])
            for step in steps:
                typer.echo(f"{step.action:<8} {step.name}")
            if not (yes or demo):
                _confirm()
            deploy(ports, AT_THE_TERMINAL, plan, steps)
            typer.echo(f"{len(steps)} objects deployed")


@app.command()
def doctor(
    demo: Demonstration = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Wake the warehouse where it sleeps, to look at its tables.")
    ] = False,
    contracts: Annotated[
        bool,
        typer.Option("--verify-contracts", help="Instead: have real answers the shape that the bot reads?"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    verbose: Verbose = False,
) -> None:
    """Look at everything that the bot needs, and say what to do about each thing that is not well.

    Changes nothing and sends nothing. Exit codes: 0 all is well, 1 something is not.
    """
    log_to_stderr(verbose=verbose)
    with told():
        from bot.launch import examined

        findings = []
        for finding in examined(demo=demo, deep=deep, contracts=contracts):
            findings.append(finding)
            if not as_json:
                from bot.terminal import print_finding

                print_finding(finding)
    wrong = [finding for finding in findings if not finding.ok]
    if as_json:
        _print_json({"ok": not wrong, "checks": [asdict(finding) for finding in findings]})
    else:
        typer.echo(f"{len(wrong)} of {len(findings)} to set right" if wrong else f"all {len(findings)} are well")
    raise typer.Exit(1 if wrong else 0)


app.command("test-alert")(test_alert)


def main() -> None:
    """The entry point."""
    gc.set_threshold(100_000)  # nothing that is loaded at the start is garbage: looking for it costs a tenth of a check
    write_what_the_terminal_can()
    app()


def _evaluate(*, demo: bool) -> "tuple[Evaluation, list[Said]]":
    from bot.launch import opened_ports
    from bot.main import holder_name
    from bot.services.deliver import deliver_all
    from bot.services.run_checks import run_checks

    with opened_ports(demo=demo) as ports:
        evaluation, said = run_checks(ports)
        deliver_all(ports, holder_name())
    return evaluation, said


def _rehearse(*, demo: bool) -> "tuple[Evaluation, list[Said]]":
    """Measured and judged, with what is known so far; nothing is written, nothing sent."""
    from bot.launch import opened_sources
    from bot.services.run_checks import rehearse_checks

    with opened_sources(demo=demo, needs=("census", "warehouse")) as (sources, store):
        return rehearse_checks(sources, store)


def _replay(span: str, limits: list[str], *, demo: bool, as_json: bool) -> None:
    from bot.launch import opened_sources
    from bot.services.replay import replay
    from bot.settings import with_limits

    past = _span(span)
    with opened_sources(demo=demo, needs=("warehouse",)) as (sources, _):
        other = replace(sources, settings=with_limits(sources.settings, limits))
        replayed = replay(other, past)
    if as_json:
        from bot.as_json import replay_as_json

        _print_json(replay_as_json(replayed))
    else:
        from bot.terminal import print_replay

        print_replay(replayed, sources.settings.zone)


def _span(text: str) -> timedelta:
    from checks.model import parse_duration

    if not text:
        raise ConfigurationError(["--limit: it changes what is replayed: add --replay 30d"])
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigurationError([f"--replay: {error}"]) from error


def is_a_terminal() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty()


def _confirm() -> None:
    """Before the first change. Raises RefusedError where nobody says yes."""
    if not is_a_terminal():
        raise RefusedError("nobody is here to confirm; nothing was changed. In a script, add --yes")
    if not typer.confirm("Deploy?"):
        raise RefusedError("nothing was changed")


def _print_plan(*, pipeline: bool) -> None:
    """The statements of a deploy, as the SQL editor takes them."""
    from bot import sql
    from bot.main import settings_from
    from bot.services.deploy import plan_deploy

    settings = settings_from()
    plan = plan_deploy(settings, pipeline=pipeline)
    for statement in plan.statements:
        typer.echo(sql.to_deploy(statement, settings.tables, plan.values).rstrip() + ";\n")


def _print_json(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


def _exit_code(evaluation: "Evaluation", *, strict: bool) -> int:
    codes = {"ok": 0, "warn": CRITICAL if strict else 0, "critical": CRITICAL}
    return codes.get(evaluation.outcome, CANNOT)


if __name__ == "__main__":
    main()
