"""`doctor` on the warehouse: which login was taken, and what it may do: use it, read each table, write, create."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

from bot.answers.operations import Finding
from bot.config.names import table_parts
from bot.config.settings import Settings
from bot.errors import ForbiddenError, SyncHealthError
from bot.ports import AWAKE, Sources
from bot.services.findings import not_well
from checks.numbers import count_of

WAKE, MAY_WRITE, MAY_CREATE = "doctor/wake", "doctor/may_write", "doctor/may_create"
AUDIT_LOG = "crm.sfdc_dbx.sync_audit_log"
FORBIDDEN = re.compile(r"\[(?:INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED)|SQLSTATE: 42501", re.IGNORECASE)
CREATES = frozenset({"OWNER", "ALL PRIVILEGES", "CREATE TABLE"})  # of views as well
SOMEBODY = "the bot's login"

Allow = Callable[[str, str], str]  # privileges, and the table or schema that they are on → what to paste


class Grant(Protocol):
    """Writes what gives a principal privileges on a table or schema."""

    def __call__(self, privileges: str, on: str, principal: str) -> str: ...


def examine_warehouse(
    sources: Sources, columns: Mapping[str, frozenset[str]], grant: Grant, wake: Callable[[], object] | None = None
) -> Iterator[Finding]:
    """The login, the state, then what the login may do, only while the warehouse runs, or once `wake` is over.

    `grant` writes the statement that gives a login what it lacks.
    """
    if not sources.settings.has_warehouse:
        yield Finding("warehouse", True, "none: everything is known from Census alone (SYNC_HEALTH_WAREHOUSE)")
        return
    try:
        login = sources.warehouse.login()
    except SyncHealthError as error:
        yield not_well("Databricks login", error, "correct the DATABRICKS_… or ARM_… variables of the login")
        return
    if login:
        yield Finding("Databricks login", True, login.words)
    principal = login.principal if login and login.principal else SOMEBODY
    found, runs = _state(sources, wake, principal, is_used=login is not None)
    yield found
    if runs:
        allow = partial(grant, principal=principal)
        yield from (_table(sources, table, needed, allow) for table, needed in sorted(columns.items()))
        yield from _deployed(sources, allow, may_create=login is not None)


def _state(
    sources: Sources, wake: Callable[[], object] | None, principal: str, *, is_used: bool
) -> tuple[Finding, bool]:
    """How the warehouse is, and whether it can be asked; with `is_used`, whether the login may ask it."""
    warehouse = sources.warehouse
    try:
        state = warehouse.state()
        if wake and state not in AWAKE:
            wake()
            state = warehouse.state()
        if state not in AWAKE:
            said = f"{state}; what the login may do there was not checked (--deep wakes it)"
            return Finding("warehouse", True, said), False
        if is_used:
            warehouse.ask(WAKE)
    except ForbiddenError as error:
        remedy = f"SQL Warehouses → this warehouse → Permissions: add {principal} with Can use"
        return not_well("warehouse", error, remedy), False
    except SyncHealthError as error:
        return not_well("warehouse", error, "correct SYNC_HEALTH_WAREHOUSE or the DATABRICKS_… variables"), False
    return Finding("warehouse", True, f"{state}; the login may use it" if is_used else state), True


def _deployed(sources: Sources, allow: Allow, *, may_create: bool) -> Iterator[Finding]:
    """Whether the audit log can be written, and what `deploy` creates be created."""
    settings = sources.settings
    if settings.deploy_to is None:
        yield Finding("audit log", True, "none: deploy_to in pipeline.yml would give it a place")
        return
    if settings.observes:
        yield Finding("audit log", True, "not tried in observe mode, which writes nothing")
        return
    try:
        sources.warehouse.try_write(MAY_WRITE)
    except SyncHealthError as error:
        table = _audit_log(settings)
        forbidden = FORBIDDEN.search(str(error))
        remedy = allow("SELECT, MODIFY", table) if forbidden else "create it with `sync-health deploy`"
        yield not_well("audit log", error, remedy)
    else:
        yield Finding("audit log", True, "can be written")
    if may_create:
        yield _creation(sources, settings.deploy_to, allow)


def _creation(sources: Sources, place: str, allow: Allow) -> Finding:
    """A warning where it may not, since the bot at work creates nothing."""
    catalog, schema = (part.lower() for part in table_parts(place))
    if catalog == "hive_metastore":
        return Finding("deploy_to", True, f"{place}: hive_metastore does not list who may create there")
    try:
        rows = sources.warehouse.ask(MAY_CREATE, catalog=catalog, schema=schema)
    except SyncHealthError as error:
        return Finding("deploy_to", True, f"{place}: whether tables may be created there is not known ({error})")
    if CREATES & {str(row["privilege"]).upper().replace("_", " ") for row in rows}:
        return Finding("deploy_to", True, f"tables and views can be created in {place}")
    how = f"`sync-health deploy` needs: {allow('CREATE TABLE', place)}"
    return Finding("deploy_to", True, f"⚠ nothing can be created in {place}, for which {how}")


def _table(sources: Sources, table: str, needed: frozenset[str], allow: Allow) -> Finding:
    try:
        missing = sorted(needed - sources.warehouse.columns(table))
    except SyncHealthError as error:
        return not_well(table, error, _remedy_of_a_table(error, table, sources.settings, allow))
    if missing:
        return Finding(table, False, f"without {', '.join(missing)}", "add them, or name another table in pipeline.yml")
    return Finding(
        table,
        True,
        f"{count_of(len(needed), 'column')} that {'is' if len(needed) == 1 else 'are'} read"
        if needed
        else "can be read",
    )


def _remedy_of_a_table(error: SyncHealthError, table: str, settings: Settings, allow: Allow) -> str:
    if FORBIDDEN.search(str(error)):
        return allow("SELECT", table)
    if table == _audit_log(settings):
        return "create it with `sync-health deploy`"
    return "name the one that you have under tables (or the sync's queue) in pipeline.yml"


def _audit_log(settings: Settings) -> str:
    """What the audit log is called here."""
    place = settings.audit_log or (f"{settings.deploy_to}.sync_audit_log" if settings.deploy_to else AUDIT_LOG)
    return settings.tables.get(AUDIT_LOG, place)
