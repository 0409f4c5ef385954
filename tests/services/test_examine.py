"""What the doctor finds: each thing that can be missing, named with its remedy, and nothing that is well."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.adapters.store.state_file import look_at_state
from bot.answers.operations import Finding
from bot.config.pipeline_file import Operators, Report, ReportChannel
from bot.errors import AccessError, NotFoundError, PermanentError, StartingError, SyncHealthError, TemporaryError
from bot.facts import Schedule
from bot.runtime.composition import manifest_scopes
from bot.services.examine import examine_census, examine_slack, examine_state
from bot.services.examine_warehouse import examine_warehouse
from bot.sql.grants import to_grant
from tests.fakes import CHANNEL, forbidden
from tests.services.conftest import GROUP, World

SCOPES = frozenset({"chat:write", "commands"})
COLUMNS = {"crm.sfdc_dbx.properties_to_create": frozenset({"sfdc_id", "state"})}


def slack(world: World) -> dict[str, Finding]:
    return by_name(examine_slack(world.channel, world.ports.settings, world.clock, SCOPES))


def census(world: World) -> dict[str, Finding]:
    return by_name(examine_census(world.ports))


def warehouse(world: World, *, deep: bool = False) -> dict[str, Finding]:
    def wake() -> None:
        world.warehouse.says = "RUNNING"

    return by_name(examine_warehouse(world.ports, COLUMNS, to_grant, wake if deep else None))


def by_name(findings: Iterable[Finding]) -> dict[str, Finding]:
    found = {finding.name: finding for finding in findings}
    for finding in found.values():
        assert finding.ok or finding.remedy, f"{finding.name} is not well and says not what to do"
        assert not (finding.ok and finding.remedy), f"{finding.name} is well and says what to do"
    return found


def wrong(found: dict[str, Finding]) -> list[str]:
    return [name for name, finding in found.items() if not finding.ok]


@pytest.fixture
def well(world: World) -> World:
    """Nothing is missing."""
    world.channel.groups[GROUP] = frozenset({"U0SAM"})
    world.warehouse.rows["doctor/may_write"] = []
    world.warehouse.tables = {table: set(columns) for table, columns in COLUMNS.items()}
    world.channel.scopes = set(SCOPES)
    return world


def test_where_all_is_well_everything_is_named_and_nothing_is_wrong(well: World) -> None:
    assert wrong(slack(well)) == wrong(census(well)) == wrong(warehouse(well)) == []
    assert list(slack(well)) == [
        "Slack token",
        "Slack scopes",
        "Slack app token",
        "Slack channel",
        "operators",
        "escalation",
        "clock",
    ]
    assert list(census(well)) == ["Census version", "Census Sync A", "Census Sync B"]
    assert list(warehouse(well)) == ["warehouse", "crm.sfdc_dbx.properties_to_create", "audit log"]


def test_checks_whose_escalation_would_mention_nobody_are_named_with_what_to_write(well: World) -> None:
    [check] = well.ports.settings.checks
    found = slack(well)["escalation"]
    assert (found.ok, found.detail.startswith("⚠ mentions nobody for 1 of 1")) == (True, True)
    assert "null_company_names" in found.detail
    assert "owner" in found.detail.partition(";")[2]
    owned = replace(well.ports.settings, checks=(check.model_copy(update={"owner": GROUP}),))
    well.ports = replace(well.ports, settings=owned)
    assert "⚠" not in slack(well)["escalation"].detail


@pytest.mark.parametrize("whose", ["pipeline", "sync"])
def test_an_owner_of_the_pipeline_or_the_sync_is_mentioned_too(well: World, whose: str) -> None:
    settings = well.ports.settings
    owners = {
        "pipeline": {"owner": GROUP},
        "sync": {"syncs": [one.model_copy(update={"owner": GROUP}) for one in settings.syncs]},
    }
    well.ports = replace(well.ports, settings=replace(settings, **owners[whose]))  # type: ignore[arg-type]
    assert "⚠" not in slack(well)["escalation"].detail


def test_a_token_that_slack_refuses_ends_the_questions_to_slack(well: World) -> None:
    well.channel.refusals["access"] = PermanentError("Slack refuses: invalid_auth")
    assert wrong(slack(well)) == list(slack(well)) == ["Slack token"]
    assert "SLACK_BOT_TOKEN" in slack(well)["Slack token"].remedy


def test_a_missing_scope_is_named(well: World) -> None:
    well.channel.scopes = {"commands"}
    assert wrong(slack(well)) == ["Slack scopes"]
    assert "add chat:write under OAuth & Permissions" in slack(well)["Slack scopes"].remedy


def test_an_app_token_that_opens_no_line_is_named(well: World) -> None:
    well.channel.refusals["check_app_token"] = PermanentError("Slack refuses: not_allowed_token_type")
    assert wrong(slack(well)) == ["Slack app token"]
    assert "connections:write" in slack(well)["Slack app token"].remedy


def test_a_channel_that_cannot_be_read_says_how_to_invite_the_bot(well: World) -> None:
    well.channel.refusals["check_channel_access"] = PermanentError("Slack refuses: not_in_channel")
    assert wrong(slack(well)) == ["Slack channel"]
    assert "/invite @sync-health" in slack(well)["Slack channel"].remedy


def test_each_channel_of_the_stakeholder_note_is_looked_at_by_itself(well: World) -> None:
    channels = (
        ReportChannel(channel=CHANNEL, audience="sales operations"),
        ReportChannel(channel="gone-team", audience="support"),
    )
    report = Report(channels=channels)
    well.ports = replace(well.ports, settings=replace(well.ports.settings, report=report))
    found = slack(well)
    assert wrong(found) == ["report channel gone-team"]
    assert found[f"report channel {CHANNEL}"].detail == "sales operations can be sent the stakeholder note"
    assert "/invite @sync-health" in found["report channel gone-team"].remedy


def test_a_pipeline_without_operators_is_not_well(well: World) -> None:
    well.ports = replace(well.ports, settings=replace(well.ports.settings, operators=Operators()))
    assert wrong(slack(well)) == ["operators"]


def test_a_group_that_slack_does_not_show_is_named(well: World) -> None:
    well.channel.groups = {}
    assert wrong(slack(well)) == ["operators"]
    assert slack(well)["operators"].detail == f"user group {GROUP} was deleted or disabled in Slack"


def test_a_group_that_may_not_be_read_is_told_from_one_that_is_gone(well: World) -> None:
    well.channel.fail_next("members", forbidden("plan_upgrade_required"))
    assert "paid plan" in slack(well)["operators"].remedy


@pytest.mark.parametrize(("others", "ok"), [(0, True), (1, True), (2, False)])
def test_more_than_one_bot_on_the_app_token_is_told(well: World, others: int, ok: bool) -> None:
    well.channel.other_connections = others
    assert slack(well)["Slack app token"].ok is ok


def test_a_socket_mode_that_cannot_be_reached_is_no_missing_token(well: World) -> None:
    well.channel.refusals["check_app_token"] = TemporaryError(
        "Slack names a host for Socket Mode, which cannot be reached"
    )
    assert "SLACK_APP_TOKEN" not in slack(well)["Slack app token"].remedy


@pytest.mark.parametrize(("seconds", "ok"), [(29, True), (-29, True), (31, False), (-31, False)])
def test_a_clock_that_is_half_a_minute_off_is_told(well: World, seconds: float, ok: bool) -> None:
    well.channel.at = well.clock.real() + timedelta(seconds=seconds)
    assert slack(well)["clock"].ok is ok


def test_a_slack_without_a_clock_is_not_asked_for_one(well: World) -> None:
    well.channel.at = None
    assert "clock" not in slack(well)


@pytest.mark.parametrize(
    ("now", "ok", "said"),
    [
        (datetime(2027, 1, 14, tzinfo=UTC), True, "which ends on 15 January 2027"),
        (datetime(2027, 1, 15, tzinfo=UTC), False, "switched off since 15 January 2027"),
    ],
)
def test_the_old_api_of_census_says_when_it_ends(well: World, now: datetime, ok: bool, said: str) -> None:
    well.clock.pass_(seconds=(now - well.clock.now()).total_seconds())
    well.ports = replace(well.ports, settings=replace(well.ports.settings, census_api_version="v1"))
    [version] = [finding for finding in examine_census(well.ports) if finding.name == "Census version"]
    assert (version.ok, said in version.detail) == (ok, True)


def test_a_paused_sync_is_not_well(well: World) -> None:
    well.census.pause(well.sync_b)
    assert wrong(census(well)) == ["Census Sync B"]
    assert "is paused" in census(well)["Census Sync B"].detail


def test_a_sync_that_something_else_starts_needs_no_schedule(well: World) -> None:
    for sync in (well.sync_a, well.sync_b):
        well.census.set_schedule(sync, Schedule("never", paused=False))
    found = census(well)["Census Sync A"]
    assert (found.ok, found.detail) == (False, f"sync {well.sync_a} has no schedule")
    assert "`starts: external` in pipeline.yml" in found.remedy
    well.census.set_schedule(well.sync_b, Schedule("never", paused=False, triggers=("sync_sequence",)))
    outside, other = well.ports.settings.syncs
    outside = outside.model_copy(update={"starts": "external"})
    well.ports = replace(well.ports, settings=replace(well.ports.settings, syncs=(outside, other)))
    assert [found.detail for found in census(well).values()] == [
        "v2",
        f"sync {well.sync_a}: started from outside",
        f"sync {well.sync_b}: sync sequence",
    ]
    follows = Schedule("never", paused=False, triggers=("sync_sequence",), follows=well.sync_a)
    well.census.set_schedule(well.sync_b, follows)
    assert census(well)["Census Sync B"].detail == f"sync {well.sync_b}: after Sync A"
    well.census.pause(well.sync_a)
    assert wrong(census(well)) == ["Census Sync A"]


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NotFoundError("Census answered 404 for sync 1"), "correct the id of Sync A in pipeline.yml"),
        (PermanentError("Census refuses CENSUS_API_TOKEN (401)"), "set CENSUS_API_TOKEN"),
        (TemporaryError("Census cannot be reached"), "run this again in a few minutes"),
    ],
)
def test_a_sync_that_census_does_not_show_says_what_to_correct(well: World, error: Exception, remedy: str) -> None:
    well.census.failure = error  # type: ignore[assignment]
    assert remedy in census(well)["Census Sync A"].remedy


def test_a_sleeping_warehouse_is_well_and_is_not_woken_unless_that_is_asked_for(well: World) -> None:
    well.warehouse.says = "STOPPED"
    assert list(warehouse(well)) == ["warehouse"]
    assert "--deep wakes it" in warehouse(well)["warehouse"].detail
    assert well.warehouse.asked == []
    assert len(warehouse(well, deep=True)) == 3


def test_a_warehouse_that_does_not_start_is_not_well_and_its_settings_are_right(well: World) -> None:
    def wake() -> None:
        raise StartingError("The warehouse is still STARTING after 10 min")

    well.warehouse.says = "STARTING"
    [finding] = examine_warehouse(well.ports, COLUMNS, to_grant, wake)
    assert (finding.ok, finding.remedy) == (False, "wait until it runs, then run this again")


def test_a_warehouse_that_cannot_be_reached_ends_the_questions_to_it(well: World) -> None:
    well.warehouse.failure = TemporaryError("the warehouse cannot be reached")
    assert wrong(warehouse(well)) == list(warehouse(well)) == ["warehouse"]


def test_a_missing_table_and_a_missing_column_are_named(well: World) -> None:
    [table] = COLUMNS
    well.warehouse.tables = {}
    assert wrong(warehouse(well)) == [table]
    well.warehouse.tables = {table: {"sfdc_id"}}
    assert warehouse(well)[table].detail == "without state"


def test_an_audit_log_that_is_not_there_is_created_by_a_deploy_and_not_renamed(well: World) -> None:
    columns = {"crm.sfdc_dbx.sync_audit_log": frozenset({"audit_id"})}
    found = by_name(examine_warehouse(well.ports, columns, to_grant))
    assert found["crm.sfdc_dbx.sync_audit_log"].remedy == "create it with `sync-health deploy`"


def test_an_audit_log_that_may_not_be_written_says_what_helps(well: World) -> None:
    del well.warehouse.rows["doctor/may_write"]
    assert wrong(warehouse(well)) == ["audit log"]
    assert "sync-health deploy" in warehouse(well)["audit log"].remedy


def test_a_state_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    there = by_name(examine_state(partial(look_at_state, f"sqlite:///{tmp_path}/state.db")))
    assert wrong(there) == []
    gone = by_name(examine_state(partial(look_at_state, f"sqlite:///{tmp_path}/no/folder/state.db")))
    assert wrong(gone) == ["state"]


def test_the_scopes_are_those_of_the_manifest() -> None:
    assert {"commands", "chat:write", "usergroups:read"} <= manifest_scopes()


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (StartingError("The warehouse is starting"), "wait until it runs, then run this again"),
        (TemporaryError("Databricks answered 503"), "run this again in a few minutes"),
        (AccessError("Databricks answered 401: check DATABRICKS_TOKEN"), "correct the setting that it names"),
        (PermanentError("[TABLE_OR_VIEW_NOT_FOUND]"), "name the one that you have under tables"),
        (
            PermanentError("[INSUFFICIENT_PERMISSIONS] SQLSTATE: 42501"),
            "GRANT SELECT ON TABLE `crm`.`sfdc_dbx`.`properties_to_create`",
        ),
    ],
)
def test_the_remedy_follows_from_the_error_and_a_busy_warehouse_renames_no_table(
    well: World, error: SyncHealthError, remedy: str
) -> None:
    def refuse(table: str) -> frozenset[str]:
        raise error

    well.warehouse.columns = refuse  # type: ignore[method-assign]
    assert remedy in warehouse(well)["crm.sfdc_dbx.properties_to_create"].remedy
