"""`doctor`: one finding per thing that the bot needs, each with its remedy."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from bot.answers import Finding
from bot.config.pipeline_file import SyncSettings
from bot.config.settings import Settings
from bot.errors import AccessError, NotFoundError, StartingError, SyncHealthError, TemporaryError, UncertainError
from bot.facts import Schedule
from bot.ports import Clock, Messenger, Sources
from bot.services.census_numbers import next_run, schedule_of

SKEW = timedelta(seconds=30)  # more, and the times that we show, and when Slack tells of our death, are off
MAY_WRITE = "doctor/may_write"
V1_ENDS = datetime(2027, 1, 15, tzinfo=UTC)  # contracts of Census
AUDIT_LOG = "crm.sfdc_dbx.sync_audit_log"
FORBIDDEN = re.compile(r"\[(?:INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED)|SQLSTATE: 42501", re.IGNORECASE)
AWAKE = frozenset({"RUNNING", "embedded"})


def examine_slack(messenger: Messenger, settings: Settings, clock: Clock, scopes: frozenset[str]) -> Iterator[Finding]:
    """The tokens, the scopes that the manifest asks for, the channel, and whether the clocks agree."""
    try:
        access = messenger.access()
    except SyncHealthError as error:
        yield _wrong("Slack token", error, "set SLACK_BOT_TOKEN to the bot token of your app (OAuth & Permissions)")
        return
    yield Finding("Slack token", True, f"{access.bot} in {access.workspace}")
    missing = sorted(scopes - access.scopes)
    remedy = f"add {', '.join(missing)} under OAuth & Permissions and install the app again" if missing else ""
    said = f"missing: {', '.join(missing)}" if missing else f"all {len(scopes)} of manifest.yml"
    yield Finding("Slack scopes", not missing, said, remedy)
    yield _socket_mode(messenger)
    channel = settings.channel
    yield _try_it(
        "Slack channel",
        lambda: messenger.check_channel_access(channel),
        f"{channel} can be read",
        f"write its id (C…) as channel in pipeline.yml and invite the bot there: /invite {access.bot}",
    )
    yield _operators(messenger, settings)
    yield _owners(settings)
    if access.at:
        skew = abs(access.at - clock.real())
        said = f"{skew.total_seconds():.0f} s from Slack's"
        yield Finding("clock", skew < SKEW, said, "" if skew < SKEW else "set this machine's clock by NTP")


def examine_census(sources: Sources) -> Iterator[Finding]:
    """The version of the API and its end, and each sync: there, on, not paused."""
    version, now = sources.settings.census_api_version, sources.clock.real()
    if version == "v1":
        said = f"v1, {'switched off since' if now >= V1_ENDS else 'which ends on'} {V1_ENDS:%d %B %Y}"
        yield Finding("Census version", now < V1_ENDS, said, "unset CENSUS_API_VERSION: v2 is what lasts")
    else:
        yield Finding("Census version", True, version)
    for sync in sources.settings.syncs:
        yield _sync(sources, sync)


def examine_warehouse(
    sources: Sources, columns: Mapping[str, frozenset[str]], wake: Callable[[], object] | None = None
) -> Iterator[Finding]:
    """The login and the state; the tables with the columns that are read only while it runs, or once `wake` is over."""
    try:
        state = sources.warehouse.state()
        if wake and state not in AWAKE:
            wake()
            state = sources.warehouse.state()
    except SyncHealthError as error:
        yield _wrong("warehouse", error, "correct SYNC_HEALTH_WAREHOUSE or the DATABRICKS_… variables")
        return
    if state not in AWAKE:
        yield Finding("warehouse", True, f"{state}; its tables were not checked (--deep wakes it)")
        return
    yield Finding("warehouse", True, state)
    for table, needed in sorted(columns.items()):
        yield _table(sources, table, needed)
    yield _try_it(
        "audit log",
        lambda: sources.warehouse.try_write(MAY_WRITE),
        "can be written",
        "create it with `sync-health deploy`, or grant MODIFY on it",
    )


def examine_state(look: Callable[[], str]) -> Iterator[Finding]:
    """The bot's own memory, as `look` finds it."""
    try:
        yield Finding("state", True, look())
    except SyncHealthError as error:
        yield _wrong("state", error, "correct SYNC_HEALTH_STATE")


def _socket_mode(messenger: Messenger) -> Finding:
    name = "Slack app token"
    remedy = (
        "set SLACK_APP_TOKEN to an app-level token with connections:write (Basic Information), and turn Socket Mode on"
    )
    try:
        others = messenger.check_app_token()
    except SyncHealthError as error:
        return _wrong(name, error, remedy)
    if others > 1:
        remedy = "stop the other bots, or give each an app of its own: every one of them receives part of the clicks"
        return Finding(name, False, f"Socket Mode connects, and {others} other connections use this token", remedy)
    beside = "a bot is connected" if others else "no bot is connected"
    return Finding(name, True, f"Socket Mode connects; {beside}")


def _operators(messenger: Messenger, settings: Settings) -> Finding:
    users, groups = settings.operators.users, settings.operators.groups
    remedy = "name users (U…) or user groups (S…) under operators in pipeline.yml"
    people = set(users)
    for group in groups:
        try:
            people |= messenger.members(group)
        except NotFoundError:
            gone = f"user group {group} was deleted or disabled in Slack"
            return Finding("operators", False, gone, "enable it there, or correct operators.groups in pipeline.yml")
        except SyncHealthError as error:
            return _wrong("operators", error, f"{remedy}; groups need a paid plan")
    if not people:
        return Finding("operators", False, "nobody may acknowledge, rerun or take a snapshot", remedy)
    return Finding("operators", True, f"{len(people)} {'person' if len(people) == 1 else 'people'}")


def _owners(settings: Settings) -> Finding:
    """Whom an escalation mentions; nobody is a warning, since it still is in the channel."""
    critical = [check for check in settings.checks if check.critical]
    labels = [sync.name for sync in settings.syncs]
    without = [
        check.name
        for check in critical
        if not all(settings.owner_of(check.name, label) for label in (labels if check.per else [None]))
    ]
    if not without:
        return Finding("escalation", True, "each critical check has an owner to mention")
    which = f"{len(without)} of {len(critical)} critical checks: they have no owner ({', '.join(without[:3])}"
    how = "write owner: and a user (U…) or user group (S…) in pipeline.yml"
    return Finding("escalation", True, f"⚠ mentions nobody for {which}{', …' * (len(without) > 3)}); {how}")


def _sync(sources: Sources, sync: SyncSettings) -> Finding:
    name = f"Census {sync.name}"
    try:
        found = sources.census.sync(sync.id)
        schedule = schedule_of(found, sync)
    except NotFoundError as error:
        return _wrong(name, error, f"correct the id of {sync.name} in pipeline.yml; Census has it in the address")
    except SyncHealthError as error:
        return _wrong(name, error, "set CENSUS_API_TOKEN to a personal access token of somebody who sees the sync")
    if schedule.paused:
        return Finding(name, False, f"{found.label} is paused", "resume it in Census")
    if not schedule.enabled:
        remedy = "give it one in Census, or write `starts: external` in pipeline.yml where something else starts it"
        return Finding(name, False, f"{found.label} has no schedule", remedy)
    return Finding(name, True, f"{found.label}: {_runs(schedule, sources.clock.now())}")


def _runs(schedule: Schedule, now: datetime) -> str:
    following = next_run(schedule, now)
    how = [schedule.frequency] if schedule.frequency != "never" else []
    how += [trigger.replace("_", " ") for trigger in schedule.triggers] + ["started from outside"] * schedule.external
    return ", ".join(how + ([f"next {following:%Y-%m-%d %H:%M} UTC"] if following else []))


def _table(sources: Sources, table: str, needed: frozenset[str]) -> Finding:
    try:
        missing = sorted(needed - sources.warehouse.columns(table))
    except SyncHealthError as error:
        return _wrong(table, error, _remedy_of_a_table(error, table, sources.settings.tables))
    if missing:
        return Finding(table, False, f"without {', '.join(missing)}", "add them, or name another table in pipeline.yml")
    return Finding(table, True, f"{len(needed)} columns that are read")


def _remedy_of_a_table(error: SyncHealthError, table: str, tables: Mapping[str, str]) -> str:
    if FORBIDDEN.search(str(error)):
        return "grant the bot's login SELECT on it, and USE on its catalog and schema"
    if table == tables.get(AUDIT_LOG, AUDIT_LOG):
        return "create it with `sync-health deploy`"
    return "name the one that you have under tables (or the sync's queue) in pipeline.yml"


def _try_it(name: str, act: Callable[[], object], well: str, remedy: str) -> Finding:
    try:
        act()
    except SyncHealthError as error:
        return _wrong(name, error, remedy)
    return Finding(name, True, well)


def _wrong(name: str, error: SyncHealthError, remedy: str) -> Finding:
    """What to do follows from what went wrong; `remedy` is for a thing that is not there, or not as it should be."""
    match error:
        case StartingError():
            remedy = "wait until it runs, then run this again"
        case AccessError():
            remedy = "correct the setting that it names"
        case TemporaryError() | UncertainError():
            remedy = "run this again in a few minutes; if it stays, check the address and the network"
    return Finding(name, False, str(error), remedy)
