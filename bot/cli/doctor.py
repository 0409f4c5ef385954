"""`sync-health doctor`: everything that the bot needs, examined one by one, each with its remedy."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.exit_codes import CANNOT, AsJson, Demonstration, NoWait, Verbose, print_json, told
from bot.cli.logs import log_to_stderr

if TYPE_CHECKING:
    from bot.answers.operations import Finding


def doctor(
    demo: Demonstration = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Wake the warehouse where it sleeps, to look at its tables.")
    ] = False,
    contracts: Annotated[
        bool,
        typer.Option("--verify-contracts", help="Instead: have real answers the shape that the bot reads?"),
    ] = False,
    as_json: AsJson = False,
    no_wait: NoWait = False,
    verbose: Verbose = False,
) -> None:
    """Look at everything that the bot needs, and say what to do about each thing that is not well.

    Changes nothing and sends nothing. Exit codes: 0 all is well, 2 something is not.
    """
    log_to_stderr(verbose=verbose)
    with told(as_json=as_json):
        from bot.cli.examination import examined

        findings: list[Finding] = []
        for finding in examined(demo=demo, deep=deep, contracts=contracts, wait=not no_wait):
            if not as_json:
                from bot.cli.terminal import print_finding

                print_finding(finding, findings[-1] if findings else None)
            findings.append(finding)
        wrong = [finding for finding in findings if not finding.ok]
        if as_json:
            print_json({"ok": not wrong, "checks": [asdict(finding) for finding in findings]})
        else:
            passed = f"all {len(findings)} checks passed"
            typer.echo(f"{len(wrong)} of {len(findings)} checks failed" if wrong else passed)
    raise typer.Exit(CANNOT if wrong else 0)
