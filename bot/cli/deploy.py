"""`sync-health deploy`: the audit log and the views in the warehouse."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.exit_codes import AT_THE_TERMINAL, IN_THE_WAY, AsJson, Demonstration, NoWait, Verbose, is_a_terminal, told
from bot.cli.logs import log_to_stderr
from bot.errors import ConfigurationError, RefusedError


def deploy(
    demo: Demonstration = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference to what is there; change nothing.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print the statements, for the SQL editor; ask the warehouse nothing.")
    ] = False,
    pipeline: Annotated[
        bool, typer.Option("--pipeline", help="The pipeline's own tables, where missing, and its views too.")
    ] = False,
    adopt: Annotated[
        list[str] | None,
        typer.Option("--adopt", metavar="NAME", help="Replace this view although sync-health did not create it."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first change (for scripts).")] = False,
    bundle: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a Databricks bundle into this folder; ask no warehouse.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --bundle: replace files of somebody else.")] = False,
    as_json: AsJson = False,
    no_wait: NoWait = False,
    verbose: Verbose = False,
) -> None:
    """Create the audit log and the views in the warehouse, with the thresholds and the zone of pipeline.yml.

    May be repeated: its own views are replaced where they differ; tables stay as they are, and so do views that
    somebody else created unless --adopt names them. A table of another shape is in the way: nothing is changed then.
    Exit codes: 0 done, 2 it could not be done. Of --dry-run: 0 it could be deployed, or is already, 1 something is in
    the way, 2 the plan could not be made.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        if as_json and not dry_run:
            raise ConfigurationError(["--json: it shows the plan of --dry-run, add that"])
        if bundle:
            from bot.cli.bundle import write_bundle

            write_bundle(bundle, demo=demo, force=force, dry_run=dry_run)
        elif show:
            _print_statements(demo=demo, pipeline=pipeline, adopt=adopt or [])
        elif dry_run:
            _dry_run(demo=demo, pipeline=pipeline, adopt=adopt or [], wait=not no_wait, as_json=as_json)
        else:
            _deploy(demo=demo, pipeline=pipeline, adopt=adopt or [], wait=not no_wait, yes=yes)


def _deploy(*, demo: bool, pipeline: bool, adopt: list[str], wait: bool, yes: bool) -> None:
    from bot.cli.deploy_plan import print_outcome, print_refused, print_steps
    from bot.cli.launch import opened_ports
    from bot.services import deploy as service

    with opened_ports(demo=demo, needs=("warehouse",), writes=True, wait=wait) as ports:
        plan = service.plan_deploy(ports.settings, pipeline=pipeline)
        steps = service.survey(ports, plan, adopt)
        print_steps(steps)
        print_refused(steps, ports.settings)
        service.refuse_steps(steps)
        if not (yes or demo) and any(step.changes for step in steps):
            _confirm_deploy()
        service.deploy(ports, AT_THE_TERMINAL, plan, steps)
        print_outcome(steps)


def _dry_run(*, demo: bool, pipeline: bool, adopt: list[str], wait: bool, as_json: bool) -> None:
    from bot.cli.deploy_plan import plan_as_json, print_plan
    from bot.cli.exit_codes import print_json
    from bot.cli.launch import opened_to_look
    from bot.services.deploy import plan_deploy, survey

    with opened_to_look(demo=demo, wait=wait) as sources:
        steps = survey(sources, plan_deploy(sources.settings, pipeline=pipeline), adopt)
    if as_json:
        print_json(plan_as_json(steps, sources.settings))
    else:
        print_plan(steps, sources.settings)
    if any(step.action == "refuse" for step in steps):
        raise typer.Exit(IN_THE_WAY)


def _confirm_deploy() -> None:
    """Before the first change. Raises RefusedError where nobody says yes."""
    if not is_a_terminal():
        raise RefusedError("nobody is here to confirm; nothing was changed. In a script, add --yes")
    if not typer.confirm("Deploy?"):
        raise RefusedError("nothing was changed")


def _print_statements(*, demo: bool, pipeline: bool, adopt: list[str]) -> None:
    """The statements of a deploy, as the SQL editor takes them."""
    from bot.cli.launch import announced_settings, say_what_the_demo_ignores
    from bot.runtime.composition import shipped_settings
    from bot.services.deploy import plan_deploy, refuse_unknown
    from bot.sql.statements import Statements

    if demo:
        say_what_the_demo_ignores()
    settings = shipped_settings() if demo else announced_settings()
    plan = plan_deploy(settings, pipeline=pipeline)
    statements = Statements.of(settings)
    refuse_unknown(adopt, [statements.created(statement) for statement in plan.statements])
    for statement in plan.statements:
        typer.echo(statements.to_deploy(statement, plan.values).rstrip() + ";\n")
