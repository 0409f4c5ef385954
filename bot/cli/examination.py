"""What `doctor` examines, with everything that has to be loaded for it."""

import os
from collections.abc import Iterator
from functools import partial

from bot.answers.operations import Finding
from bot.cli.launch import EVERYTHING, announced_settings, opened_ports
from bot.cli.warehouse_start import await_warehouse
from bot.config.environment import network_in_words
from bot.config.settings import OBSERVES
from bot.errors import ConfigurationError
from bot.ports import Sources
from bot.runtime.composition import SystemClock, connect_census, connect_slack, connect_sources, manifest_scopes
from bot.sanitize import sanitize
from checks.numbers import count_of

LONGEST = 1000  # characters of what the environment names


def examined(*, demo: bool, deep: bool, contracts: bool, wait: bool = True) -> Iterator[Finding]:
    """Everything that the bot needs, looked at one by one; what cannot be read from the settings ends it.

    With `contracts` the shapes of real answers instead.
    """
    look = _verified if contracts else partial(_examined, deep=deep, wait=wait)
    if demo:
        with opened_ports(demo=True) as ports:
            yield from look(ports)
        return
    try:
        sources = connect_sources(announced_settings(EVERYTHING), SystemClock())
    except ConfigurationError as error:
        remedy = "correct it, then look again: nothing else was looked at yet"
        yield from (Finding("settings", False, problem, remedy) for problem in error.problems)
        return
    try:
        yield from look(sources)
    finally:
        sources.warehouse.close()


def _examined(sources: Sources, *, deep: bool, wait: bool) -> Iterator[Finding]:
    from bot.adapters.store.state_file import look_at_pages, look_at_state
    from bot.services import examine
    from bot.services.examine_warehouse import MAY_WRITE, examine_warehouse
    from bot.sql.grants import to_grant
    from bot.sql.statements import Statements

    settings = sources.settings
    messenger, _ = connect_slack(settings)
    said = f"{count_of(len(settings.checks), 'check')}, {count_of(len(settings.syncs), 'sync')}"
    if settings.is_of_earlier_version:
        said += "; ⚠ pipeline.yml is of an earlier version (direction): docs/YOUR_PIPELINE.md says what replaces it"
    yield Finding("settings", True, said)
    if settings.observes:
        yield Finding("mode", True, f"{OBSERVES} (mode in pipeline.yml)")
    yield from examine.examine_remedies(settings)
    yield Finding("network", True, sanitize(network_in_words(os.environ), LONGEST))
    yield from examine.examine_slack(messenger, settings, sources.clock, manifest_scopes())
    yield from examine.examine_census(sources)
    statements = Statements.of(settings)
    own = [check.statement for check in settings.checks if check.statement]
    columns = statements.needed_columns([*statements.at_work(), *([MAY_WRITE] if settings.deploy_to else []), *own])
    wake = partial(await_warehouse, sources.warehouse, wait=wait) if deep else None
    yield from examine_warehouse(sources, columns, to_grant, wake)
    yield from examine.examine_pagers(settings, look_at_pages(settings.state_url) if settings.pagers.names else ())
    yield from examine.examine_state(partial(look_at_state, settings.state_url))


def _verified(sources: Sources) -> Iterator[Finding]:
    from bot.adapters.contracts import census_contract, databricks_contract, slack_contract
    from bot.services.verify_contracts import verify_contracts

    settings = sources.settings
    messenger, _ = connect_slack(settings)
    yield from verify_contracts(census_contract(connect_census(settings).raw, [sync.id for sync in settings.syncs]))
    if settings.databricks:
        from bot.adapters.databricks.warehouse import DatabricksWarehouse

        warehouse = DatabricksWarehouse(settings.databricks, pipeline=settings.pipeline)
        yield from verify_contracts(databricks_contract(warehouse.raw))
    yield from verify_contracts(slack_contract(messenger.raw, settings.channel, settings.operators.groups))
