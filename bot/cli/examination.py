"""What `doctor` examines, with everything that has to be loaded for it."""

import os
from collections.abc import Iterator
from functools import partial

from bot.answers import Finding
from bot.cli.launch import EVERYTHING, announced_settings, opened_ports
from bot.cli.warehouse_start import await_warehouse
from bot.config.environment import network_in_words
from bot.errors import ConfigurationError
from bot.ports import Sources
from bot.runtime.composition import SystemClock, connect_census, connect_slack, connect_sources, manifest_scopes
from bot.sanitize import sanitize

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
    from bot import sql
    from bot.adapters.store.state_file import look_at_state
    from bot.services import examine

    settings = sources.settings
    messenger, _ = connect_slack(settings)
    yield Finding("settings", True, f"{len(settings.checks)} checks, {len(settings.syncs)} syncs")
    yield Finding("network", True, sanitize(network_in_words(os.environ), LONGEST))
    yield from examine.examine_slack(messenger, settings, sources.clock, manifest_scopes())
    yield from examine.examine_census(sources)
    own = [check.statement for check in settings.checks if check.statement]
    columns = sql.needed_columns(settings.tables, [*sql.READ, examine.MAY_WRITE, *own])
    wake = partial(await_warehouse, sources.warehouse, wait=wait) if deep else None
    yield from examine.examine_warehouse(sources, columns, wake)
    yield from examine.examine_state(partial(look_at_state, settings.state_url))


def _verified(sources: Sources) -> Iterator[Finding]:
    from bot.adapters.contracts import census_contract, databricks_contract, slack_contract
    from bot.services.verify_contracts import verify_contracts

    settings = sources.settings
    messenger, _ = connect_slack(settings)
    yield from verify_contracts(census_contract(connect_census(settings).raw, [sync.id for sync in settings.syncs]))
    if settings.databricks:
        from bot.adapters.databricks.warehouse import DatabricksWarehouse

        yield from verify_contracts(databricks_contract(DatabricksWarehouse(settings.databricks).raw))
    yield from verify_contracts(slack_contract(messenger.raw, settings.channel, settings.operators.groups))
