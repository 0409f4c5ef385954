"""`doctor`: one finding per thing that the bot needs, each with its remedy."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from bot.alerts.due import SEQUENCE
from bot.answers.operations import Finding
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import NotFoundError, SyncHealthError
from bot.facts import Schedule
from bot.model import UnsentPages
from bot.ports import Clock, Messenger, Sources
from bot.services.census_numbers import next_run, schedule_of
from bot.services.findings import not_well, try_it
from checks.numbers import duration

SKEW = timedelta(seconds=30)  # more, and the times that we show, and when Slack tells of our death, are off
V1_ENDS = datetime(2027, 1, 15, tzinfo=UTC)  # contracts of Census


def examine_slack(messenger: Messenger, settings: Settings, clock: Clock, scopes: frozenset[str]) -> Iterator[Finding]:
    """The tokens, the scopes that the manifest asks for, the channel, and whether the clocks agree."""
    try:
        access = messenger.access()
    except SyncHealthError as error:
        yield not_well("Slack token", error, "set SLACK_BOT_TOKEN to the bot token of your app (OAuth & Permissions)")
        return
    yield Finding("Slack token", True, f"{access.bot} in {access.workspace}")
    missing = sorted(scopes - access.scopes)
    remedy = f"add {', '.join(missing)} under OAuth & Permissions and install the app again" if missing else ""
    said = f"missing: {', '.join(missing)}" if missing else f"all {len(scopes)} of manifest.yml"
    yield Finding("Slack scopes", not missing, said, remedy)
    yield _socket_mode(messenger)
    channel = settings.channel
    yield try_it(
        "Slack channel",
        lambda: messenger.check_channel_access(channel),
        f"{channel} can be read",
        f"write its id (C…) as channel in pipeline.yml and invite the bot there: /invite {access.bot}",
    )
    for one in settings.report.channels:
        yield try_it(
            f"report channel {one.channel}",
            partial(messenger.check_channel_access, one.channel),
            f"{one.audience} can be sent the stakeholder note",
            f"write its id (C…) under report.channels in pipeline.yml and invite the bot there: /invite {access.bot}",
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


def examine_pagers(settings: Settings, unsent: Sequence[UnsentPages] = ()) -> Iterator[Finding]:
    """Which pagers are configured, when they are used, and what they have not accepted; none is sent anything."""
    if not settings.pagers.names:
        yield Finding("pager", True, "none: PAGERDUTY_ROUTING_KEY or PAGER_WEBHOOK_URL would wake somebody")
    when = "critical alerts at once" if settings.pager.at_once else "at the second escalation, after 30 minutes"
    for name in settings.pagers.names:
        why = next((one.why for one in unsent if one.target == name), None)
        how = "`sync-health test-alert` triggers, acknowledges and resolves there"
        if why:
            yield Finding("pager", False, f"{name} did not accept an event: {why}", f"correct that, then try it: {how}")
        else:
            yield Finding("pager", True, f"{name}: {when}; {how}")


def examine_remedies(settings: Settings) -> Iterator[Finding]:
    """What the bot does on its own; nothing where pipeline.yml has no `remedy`."""
    for remedy in settings.remedies:
        yield Finding("remedy", True, remedy.in_words)


def examine_state(look: Callable[[], str]) -> Iterator[Finding]:
    """The bot's own memory, as `look` finds it."""
    try:
        yield Finding("state", True, look())
    except SyncHealthError as error:
        yield not_well("state", error, "correct SYNC_HEALTH_STATE")


def _socket_mode(messenger: Messenger) -> Finding:
    name = "Slack app token"
    remedy = (
        "set SLACK_APP_TOKEN to an app-level token with connections:write (Basic Information), and turn Socket Mode on"
    )
    try:
        others = messenger.check_app_token()
    except SyncHealthError as error:
        return not_well(name, error, remedy)
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
            return not_well("operators", error, f"{remedy}; groups need a paid plan")
    if not people:
        return Finding("operators", False, "nobody may acknowledge, rerun or take a snapshot", remedy)
    return Finding("operators", True, f"{len(people)} {'person' if len(people) == 1 else 'people'}")


def _owners(settings: Settings) -> Finding:
    """Whom an escalation mentions; nobody is a warning, since it still is in the channel."""
    without, critical = settings.unowned, sum(bool(check.critical) for check in settings.checks)
    if not without:
        return Finding("escalation", True, "each critical check has an owner to mention")
    which = f"{len(without)} of {critical} critical checks: they have no owner ({', '.join(without[:3])}"
    how = "set owner in pipeline.yml to a user (U…) or user group (S…)"
    return Finding("escalation", True, f"⚠ mentions nobody for {which}{', …' * (len(without) > 3)}); {how}")


def _sync(sources: Sources, sync: SyncSettings) -> Finding:
    name = f"Census {sync.name}"
    try:
        found = sources.census.sync(sync.id)
        schedule = schedule_of(found, sync, sources.settings.syncs)
    except NotFoundError as error:
        return not_well(name, error, f"correct the id of {sync.name} in pipeline.yml; Census has it in the address")
    except SyncHealthError as error:
        return not_well(name, error, "set CENSUS_API_TOKEN to a personal access token of somebody who sees the sync")
    if schedule.paused:
        return Finding(name, False, f"{found.label} is paused", "resume it in Census")
    if not schedule.enabled:
        remedy = "give it one in Census, or write `starts: external` in pipeline.yml where something else starts it"
        return Finding(name, False, f"{found.label} has no schedule", remedy)
    return Finding(name, True, f"{found.label}: {_runs(schedule, sources.clock.now(), sources.settings.zone)}")


def _runs(schedule: Schedule, now: datetime, zone: ZoneInfo) -> str:
    following = next_run(schedule, now)
    how = [schedule.frequency.replace("_", " ")] if schedule.frequency != "never" else []
    after = {SEQUENCE: f"after {schedule.follows_name or f'sync {schedule.follows}'}"} if schedule.follows else {}
    how += [after.get(one, one.replace("_", " ")) for one in schedule.triggers]
    how += ["started from outside"] * schedule.external
    how += [f"expected every {duration(schedule.expect_every)}"] if schedule.expect_every else []
    return ", ".join(how + ([f"next {following.astimezone(zone):%Y-%m-%d %H:%M %Z}"] if following else []))
