"""Why an alert fires and what can help it now: pure, from facts, one case a line."""

from dataclasses import replace

import pytest

from bot.alerts.causes import Circumstances, causes
from bot.alerts.offers import Offer, offers, situation
from bot.facts import RunStatus, Schedule, SyncStatus
from bot.messages.sync_buttons import OFFERED
from checks.model import Check, Outcome, Result
from tests.fakes import shipped_settings
from tests.unit.samples import NOW, minutes, result, run, sync_status, working

SETTINGS = shipped_settings()


def check(name: str) -> Check:
    found = SETTINGS.check_called(name)
    assert found
    return found


def wrong(name: str, summary: str, **changes: object) -> tuple[Check, Result]:
    """Another check of the same sync that is not healthy."""
    return check(name), result(Outcome.WARN, 1.0, check=name, sync="Sync B", summary=summary, **changes)


FAILED = wrong("failed_runs", "Sync B's last 2 runs failed: TIMEOUT", case="transient")
LOGIN = wrong("failed_runs", "Sync B's last run failed: INVALID_SESSION_ID", case="permanent")
EMPTY = wrong("empty_runs", "Sync B completed 3 runs in a row without taking any of 412 pending records")
REJECTED = wrong("census_error_rate", "Salesforce rejected 5 of 50 records in Sync B's last run")

LONG_RUN = working(created_at=NOW - minutes(47))
PAUSED = Schedule("hourly", paused=True)
B = sync_status(pending_since=NOW - minutes(90))
NO_RUN_SINCE = replace(B, pending_since=NOW - minutes(10), queue=600)


def about(name: str, sync: SyncStatus | None = B, *related: tuple[Check, Result], **changes: object) -> Circumstances:
    said = {key: changes.pop(key, None) for key in ("cause", "case")}
    found = result(Outcome.CRITICAL, 60.0, check=name, sync=None, **said)
    return Circumstances(check(name), found, sync, related, NOW, **changes)  # type: ignore[arg-type]


CAUSES = {
    "an overdue sync whose runs fail": (
        about("sync_recency", B, FAILED),
        ("Sync B's last 2 runs failed: TIMEOUT",),
    ),
    "an overdue sync whose run does not end": (
        about("sync_recency", replace(B, running=LONG_RUN)),
        ("A run has been in progress since {2026-01-09T10:18:00+00:00}",),
    ),
    "an overdue sync whose run has just begun": (
        about("sync_recency", replace(B, running=working(created_at=NOW))),
        ("A run has been in progress since {2026-01-09T11:05:00+00:00}",),
    ),
    "an overdue sync whose last run was cancelled": (
        about("sync_recency", replace(B, latest=run(status=RunStatus.CANCELLED))),
        ("Sync B's last run was canceled",),
    ),
    "an overdue sync whose last run was skipped": (
        about("sync_recency", replace(B, latest=run(status=RunStatus.SKIPPED))),
        ("Sync B's last run was skipped, another one was in progress",),
    ),
    "an overdue sync whose last run was dry": (
        about("sync_recency", replace(B, latest=run(dry_run=True))),
        ("Sync B's last run was a dry run, which writes nothing",),
    ),
    "an overdue sync of which nothing is known": (about("sync_recency"), ()),
    "a backlog of a sync that rejects": (
        about("backlog", replace(B, pending_since=None), REJECTED),
        ("Salesforce rejected 5 of 50 records in Sync B's last run",),
    ),
    "a backlog of a sync that takes nothing": (
        about("backlog", replace(B, pending_since=None), EMPTY),
        ("Sync B completed 3 runs in a row without taking any of 412 pending records",),
    ),
    "a backlog that is being written": (
        about("backlog", replace(B, running=working())),
        ("Sync B is writing them: 50 of 246 records so far",),
    ),
    "a backlog that grows faster than it is written": (
        about("backlog", B),
        ("Runs complete: 180 records updated in the last one",),
    ),
    "a burst that no run has met yet": (
        about("backlog", NO_RUN_SINCE),
        ("No run of Sync B has completed since they became pending; the next run starts {2026-01-09T11:15:00+00:00}",),
    ),
    "a burst, and no next run is known": (
        about("backlog", replace(NO_RUN_SINCE, next_run=None)),
        ("No run of Sync B has completed since they became pending",),
    ),
    "wrong values that are still produced": (
        about("null_company_names", replace(B, suspicious=240)),
        ("240 suspect records pending in Sync B",),
    ),
    "one wrong value that is still produced": (
        about("null_company_names", replace(B, suspicious=1)),
        ("1 suspect record pending in Sync B",),
    ),
    "wrong values whose source is correct": (
        about("null_company_names", replace(B, queue=240)),
        (),
    ),
    "wrong values that nothing pending corrects": (
        about("null_company_names", replace(B, queue=0)),
        ("Not in the backlog: no record is pending in Sync B",),
    ),
    "more wrong values than are pending": (
        about("null_company_names", replace(B, queue=9)),
        ("Not in the backlog: only 9 records pending in Sync B",),
    ),
    "wrong values, and nothing is known of the backlog": (
        about("null_company_names", replace(B, queue=None, suspicious=None)),
        (),
    ),
    "a paused sync": (
        about("schedule_enabled", replace(B, schedule=PAUSED), case="paused"),
        ("First seen paused {2026-01-09T11:05:00+00:00}",),
    ),
    "a failed run names its own class": (
        about("failed_runs", B, REJECTED, cause="Authentication error"),
        ("Authentication error",),
    ),
    "a check of the bot": (about("warehouse_not_measured", B), ()),
    "two causes at most": (
        about("backlog", B, FAILED, EMPTY, REJECTED),
        (FAILED[1].summary, EMPTY[1].summary),
    ),
}


@pytest.mark.parametrize("name", CAUSES)
def test_an_alert_names_its_cause_as_far_as_that_is_known(name: str) -> None:
    circumstances, expected = CAUSES[name]
    assert causes(circumstances) == expected


@pytest.mark.parametrize("name", CAUSES)
def test_what_is_healthy_has_neither_cause_nor_offer(name: str) -> None:
    circumstances = CAUSES[name][0]
    healthy = replace(circumstances, result=replace(circumstances.result, outcome=Outcome.OK, cleared=True))
    assert (causes(healthy), offers(healthy)) == ((), ())


OFFERS = {
    "wrong values whose source is correct": (about("null_company_names", replace(B, queue=240)), (Offer.RERUN,)),
    "wrong values that nothing pending corrects": (about("null_company_names", replace(B, queue=0)), ()),
    "more wrong values than are pending": (about("null_company_names", replace(B, queue=9)), ()),
    "a share of wrong values, of which nobody knows the number": (
        about("company_name_equals_property_name", replace(B, queue=45)),
        (Offer.RERUN,),
    ),
    "wrong values that are still produced": (about("null_company_names", replace(B, suspicious=120)), (Offer.PAUSE,)),
    "a few suspect records among many": (
        about("null_company_names", replace(B, suspicious=2)),
        (Offer.PAUSE, Offer.RERUN),
    ),
    "nothing is known of the backlog": (
        about("null_company_names", replace(B, queue=None, suspicious=None)),
        (Offer.RERUN,),
    ),
    "a backlog": (about("backlog"), (Offer.RERUN,)),
    "a backlog of a sync whose login is refused": (about("backlog", B, LOGIN), ()),
    "a backlog of a sync that takes nothing": (about("backlog", B, EMPTY), ()),
    "a backlog while a run is in progress": (about("backlog", replace(B, running=working())), (Offer.FOLLOW,)),
    "a backlog while our own rerun is in progress": (
        about("backlog", replace(B, running=working()), following=True),
        (),
    ),
    "an overdue sync without pending records": (about("sync_recency", replace(B, queue=0)), (Offer.RERUN,)),
    "an overdue sync whose login is refused": (about("sync_recency", B, LOGIN), ()),
    "an overdue sync whose runs fail for a while": (about("sync_recency", B, FAILED), (Offer.RERUN,)),
    "a paused sync": (about("schedule_enabled", replace(B, schedule=PAUSED)), (Offer.RESUME,)),
    "a backlog of a paused sync": (about("backlog", replace(B, schedule=PAUSED)), (Offer.RESUME,)),
    "suspect records": (about("suspect_records", replace(B, suspicious=12)), (Offer.PAUSE,)),
    "suspect records while a run writes them": (
        about("suspect_records", replace(B, suspicious=12, running=working())),
        (Offer.CANCEL, Offer.FOLLOW, Offer.PAUSE),
    ),
    "a check without a rerun": (about("census_error_rate"), ()),
    "a check of the bot": (about("warehouse_not_measured"), ()),
    "a check of no sync": (about("newest_row", None), ()),
}


@pytest.mark.parametrize("name", OFFERS)
def test_only_what_can_help_now_is_offered(name: str) -> None:
    circumstances, expected = OFFERS[name]
    assert offers(circumstances) == expected


def test_every_offer_has_a_button() -> None:
    assert set(Offer) == set(OFFERED)


@pytest.mark.parametrize(
    ("sync", "expected"),
    [
        (replace(B, queue=0), "empty_backlog"),
        (replace(B, queue=9), "empty_backlog"),
        (replace(B, queue=45), "clean_backlog"),
        (replace(B, queue=240), "clean_backlog"),
        (replace(B, suspicious=1), None),
        (replace(B, queue=None, suspicious=None), None),
        (None, None),
    ],
)
def test_a_check_of_values_has_another_next_step_by_what_is_pending(sync: SyncStatus | None, expected: str) -> None:
    assert situation(about("null_company_names", sync)) == expected
