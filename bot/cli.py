"""The command line: run, demo, check, snapshot, deploy."""

import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.errors import ConfigurationError, SyncHealthError

if TYPE_CHECKING:
    from bot.answers import Snapshot
    from bot.ports import Evaluation, Ports
    from bot.services.move_alerts import Said
    from bot.settings import Need

app = typer.Typer(
    name="sync-health",
    help="Keep a reverse-ETL pipeline healthy from Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
CANNOT = 2  # exit code: nothing is known, or nothing can be done, until somebody changes something
AT_THE_TERMINAL = "sync-health at a terminal"  # who did it, in the audit log
DEMO_PORT, DEMO_SPEED = 8030, 60.0

Demonstration = Annotated[
    bool, typer.Option("--demo", help="On a pipeline of its own, on this machine; needs no settings.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More about each step.")]


@app.command()
def run(demo: Demonstration = False, verbose: Verbose = False) -> None:
    """Run the bot until Ctrl-C: answer commands and buttons, check on schedule, send alerts."""
    _log(verbose)
    with _told():
        if demo:
            _run_demo(DEMO_SPEED, DEMO_PORT)
        else:
            _run()


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=1, max=600, help="Pipeline seconds per real second.")] = DEMO_SPEED,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page listens; 0 takes any.")] = DEMO_PORT,
    verbose: Verbose = False,
) -> None:
    """The whole thing on this machine: a channel in the browser, a pipeline to break."""
    _log(verbose)
    with _told():
        _run_demo(speed, port)


@app.command()
def check(
    demo: Demonstration = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and judge; write nothing, send nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A warning counts as a failure.")] = False,
    verbose: Verbose = False,
) -> None:
    """Run the validation once.

    Exit codes: 0 healthy, 1 critical (with --strict also a warning), 2 an error or no data.
    """
    _log(verbose)
    with _told(), _ports(demo=demo, dry_run=dry_run) as ports:
        evaluation, said = _evaluate(ports, dry_run=dry_run)
        if as_json:
            sys.stdout.write(json.dumps(_as_json(evaluation), indent=2) + "\n")
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
    _log(verbose)
    with _told(), _ports(demo=demo, dry_run=dry_run, needs=("warehouse",), writes=not dry_run) as ports:
        from bot.services.take_snapshot import take_snapshot

        taken = take_snapshot(ports, AT_THE_TERMINAL, dry_run=dry_run)
    if as_json:
        sys.stdout.write(json.dumps(_snapshot_as_json(taken), indent=2) + "\n")
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
    verbose: Verbose = False,
) -> None:
    """Create the audit log and the views in the warehouse, with the limits and the zone of pipeline.yml.

    May be repeated: views are made anew, tables and what they hold stay. Exit codes: 0 done, 2 it could not be done.
    """
    _log(verbose)
    with _told():
        if dry_run:
            _print_plan(pipeline=pipeline)
            return
        with _ports(demo=demo, dry_run=False, needs=("warehouse",), writes=True) as ports:
            from bot.services.deploy import deploy

            for statement in deploy(ports, AT_THE_TERMINAL, pipeline=pipeline):
                typer.echo(f"deployed {statement}")


def main() -> None:
    """The entry point."""
    app()


def _run() -> None:
    from bot.main import Bot, SystemClock, connect, disconnect, settings_from

    settings = settings_from(needs=("slack", "census", "warehouse"))
    ports, client = connect(settings, SystemClock(), writes=True)
    bot = Bot(ports, client)
    bot.start()
    _say(
        f"Looking after the {settings.pipeline} pipeline, every {settings.tick.seconds // 60} minutes. Ctrl-C ends it."
    )
    _wait_for_the_end()
    bot.stop()
    disconnect(ports)


def _run_demo(speed: float, port: int) -> None:
    from bot.main import Bot, Demo

    _say("Building a pipeline of 20,274 properties …")
    world = Demo(speed=speed, port=port)
    world.start()
    ports, client = world.connect()
    bot = Bot(ports, client)
    bot.start()
    _say(f"\n  Open {world.slack.url} in a browser.\n")
    _say(f"  One second here is {speed:g} of the pipeline. Break it with the switch; the alert offers what helps.")
    _say("  Ctrl-C ends it and leaves nothing behind.\n")
    _wait_for_the_end()
    bot.stop()
    ports.store.close()
    world.stop()


@contextmanager
def _ports(
    *, demo: bool, dry_run: bool, needs: "tuple[Need, ...] | None" = None, writes: bool = False
) -> Iterator["Ports"]:
    """The ports for one command, given back afterwards."""
    from bot.main import Demo, SystemClock, connect, disconnect, settings_from

    if demo:
        world = Demo()
        world.start()
        ports, _ = world.connect()
        try:
            yield ports
        finally:
            ports.store.close()
            world.stop()
        return
    settings = settings_from(needs=needs or (("census", "warehouse") if dry_run else ("slack", "census", "warehouse")))
    ports, _ = connect(settings, SystemClock(), dry_run=dry_run, writes=writes)
    try:
        yield ports
    finally:
        disconnect(ports)


def _evaluate(ports: "Ports", *, dry_run: bool) -> "tuple[Evaluation, list[Said]]":
    from bot.main import holder_name
    from bot.services.deliver import deliver_all
    from bot.services.run_checks import rehearse_checks, run_checks

    if dry_run:
        return rehearse_checks(ports)
    evaluation, said = run_checks(ports)
    deliver_all(ports, holder_name())
    return evaluation, said


def _print_plan(*, pipeline: bool) -> None:
    """The statements of a deploy, as the SQL editor takes them."""
    from bot import sql
    from bot.main import settings_from
    from bot.services.deploy import plan_deploy

    settings = settings_from()
    plan = plan_deploy(settings, pipeline=pipeline)
    for statement in plan.statements:
        typer.echo(sql.to_deploy(statement, settings.tables, plan.values).rstrip() + ";\n")


def _exit_code(evaluation: "Evaluation", *, strict: bool) -> int:
    codes = {"ok": 0, "warn": 1 if strict else 0, "critical": 1}
    return codes.get(evaluation.outcome, CANNOT)


def _as_json(evaluation: "Evaluation") -> dict[str, Any]:
    shown = ("check", "sync", "outcome", "value", "warn", "critical", "summary", "runbook")
    checks = [
        {"name" if key == "check" else key: getattr(result, key) for key in shown} for result in evaluation.results
    ]
    return {
        "outcome": evaluation.outcome,
        "checked_at": evaluation.checked_at.isoformat(),
        "statements": evaluation.statements,
        "seconds": evaluation.seconds,
        "checks": checks,
    }


def _snapshot_as_json(taken: "Snapshot") -> dict[str, Any]:
    numbers = asdict(taken.numbers)
    return {
        "audit_id": taken.id,
        "taken_at": taken.taken_at.isoformat(),
        "existed": taken.existed,
        "dry_run": taken.rehearsed,
        "numbers": numbers,
        "previous": taken.previous_id,
        "change": {name: taken.change(name) for name in numbers},
    }


@contextmanager
def _told() -> Iterator[None]:
    """Our own errors as sentences on standard error; anything else is a bug and shows its traceback."""
    try:
        yield
    except ConfigurationError as error:
        count = len(error.problems)
        lines = [f"{count} {'thing' if count == 1 else 'things'} to set right:", *(f"  {p}" for p in error.problems)]
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(CANNOT) from None
    except SyncHealthError as error:
        typer.echo(f"sync-health: {error}", err=True)
        raise typer.Exit(CANNOT) from None


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _log(verbose: bool) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("slack_bolt", "slack_sdk", "apscheduler", "urllib3", "websocket", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def _wait_for_the_end() -> None:
    """Until Ctrl-C or SIGTERM; a second one ends at once."""
    over = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: over.set())
    while not over.wait(0.5):
        pass
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_DFL)
