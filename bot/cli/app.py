"""The command line: run, demo and snapshot; the other commands have modules of their own."""

import gc
import os
import sys
from typing import Annotated

import typer

from bot.cli.audit import audit
from bot.cli.check import check
from bot.cli.deploy import deploy
from bot.cli.doctor import doctor
from bot.cli.exit_codes import (
    AT_THE_TERMINAL,
    AsJson,
    Demonstration,
    NoWait,
    Verbose,
    print_json,
    run_to_its_end,
    told,
)
from bot.cli.incident import incident
from bot.cli.init.command import init
from bot.cli.logs import log_to_stderr
from bot.cli.runbook import runbook
from bot.cli.slo import slo
from bot.cli.status import status
from bot.cli.test_alert import test_alert
from bot.cli.trace import trace


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"sync-health {version('sync-health')}")
        raise typer.Exit


app = typer.Typer(
    name="sync-health",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
DEMO_PORT, DEMO_SPEED = 8030, 60.0


@app.callback()
def sync_health(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and end.")
    ] = False,
) -> None:
    """Keep a reverse-ETL pipeline healthy from Slack."""


@app.command()
def run(demo: Demonstration = False, verbose: Verbose = False) -> None:
    """Run the bot until Ctrl-C: answer commands and buttons, check on schedule, send alerts."""
    log_to_stderr(verbose=verbose)
    with told():
        from bot.cli.launch import run_bot, run_demo

        if demo:
            raise typer.Exit(run_demo(DEMO_SPEED, DEMO_PORT, verbose=verbose))
        run_bot()


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=1, max=600, help="Pipeline seconds per real second.")] = DEMO_SPEED,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page listens; 0 takes any.")] = DEMO_PORT,
    verbose: Verbose = False,
) -> None:
    """Everything on this machine: a channel in the browser, a pipeline to break."""
    log_to_stderr(verbose=verbose)
    with told():
        from bot.cli.launch import run_demo

        raise typer.Exit(run_demo(speed, port, verbose=verbose))


app.command()(init)
app.command()(check)


@app.command()
def snapshot(
    demo: Demonstration = False,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would say; write nothing.")] = False,
    no_wait: NoWait = False,
    verbose: Verbose = False,
) -> None:
    """Write a row into the audit log: what the pipeline looks like now, and what changed since the last one.

    A second one within five minutes is the first one again. Exit codes: 0 done, 2 it could not be taken.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        from bot.cli.launch import opened_ports, opened_sources
        from bot.services.take_snapshot import dry_run_snapshot, take_snapshot

        if dry_run:
            with opened_sources(demo=demo, needs=("warehouse",), wait=not no_wait) as (sources, _):
                settings, taken = sources.settings, dry_run_snapshot(sources, AT_THE_TERMINAL)
        else:
            with opened_ports(demo=demo, needs=("warehouse",), writes=True, wait=not no_wait) as ports:
                settings, taken = ports.settings, take_snapshot(ports, AT_THE_TERMINAL)
        if as_json:
            from bot.cli.as_json import snapshot_as_json

            print_json(snapshot_as_json(taken))
        else:
            from bot.cli.terminal import print_snapshot

            print_snapshot(taken, settings)


app.command()(deploy)
app.command()(audit)
app.command()(incident)
app.command()(trace)
app.command()(status)
app.command()(slo)
app.command()(doctor)
app.command()(runbook)
app.command("test-alert")(test_alert)


def main() -> None:
    """The entry point."""
    gc.set_threshold(100_000)  # nothing that is loaded at the start is garbage: looking for it costs a tenth of a check
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for some costs another tenth
    sys.exit(run_to_its_end(app))
