"""The past judged again: what would have been said, by the limits of today or by others."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.answers.history import Replay
from bot.config.overrides import with_limits
from bot.errors import ConfigurationError, PermanentError
from bot.ports import Ports, Sources
from bot.runtime.composition import settings_from
from bot.services.replay import replay
from checks.model import Check
from tests.fakes import FakeCensus, HandClock
from tests.small_pipeline import SALESFORCE, SmallPipeline, local

DAYS = [local(f"2026-01-{day:02} 23:59") for day in range(10, 20)]


@dataclass
class Past:
    """Ten evenings of a small pipeline, and its audit log."""

    small: SmallPipeline
    sources: Sources

    def evening(self, n: int, nameless: int) -> None:
        """The snapshot of one evening on which so many rows had no name."""
        self.small.run(f"UPDATE {SALESFORCE} SET company_name_c = 'Company'")
        self.small.run(f"UPDATE {SALESFORCE} SET company_name_c = NULL WHERE CAST(SUBSTR(id, 2) AS INT) <= {nameless}")
        self.small.snapshot(f"daily_snapshot_{DAYS[n]:%Y%m%d}", DAYS[n])

    def replayed(self, *limits: str, days: int = 30) -> Replay:
        changed = replace(self.sources, settings=with_limits(self.sources.settings, limits))
        return replay(changed, timedelta(days=days))


@pytest.fixture
def past() -> Iterator[Past]:
    small = SmallPipeline()
    small.properties(1000)
    small.salesforce(1000)
    clock = HandClock(local("2026-01-20 12:00"))
    yield Past(small, Sources(settings_from({}), clock, small.warehouse, FakeCensus(clock)))
    small.warehouse.close()


def told(replayed: Replay, check: str = "null_company_names") -> list[tuple[str, str]]:
    [one] = [one for one in replayed.checks if one.check.name == check]
    return [(f"{at:%m-%d}", reason) for at, reason, _ in one.told]


@pytest.mark.full
def test_what_would_have_been_said_is_told_with_its_time(past: Past) -> None:
    for n, nameless in enumerate([7, 7, 41, 60, 60, 7, 7, 7, 7, 7]):
        past.evening(n, nameless)
    assert told(past.replayed()) == [
        ("01-13", "opened"),  # 23:59 local is the next day in UTC
        ("01-14", "escalated"),
        ("01-16", "recovering"),
        ("01-16", "resolved"),
    ]


@pytest.mark.full
def test_a_healthy_past_says_nothing_and_shows_how_near_the_limit_it_came(past: Past) -> None:
    for n in range(10):
        past.evening(n, 5 + n)
    replayed = past.replayed()
    assert (replayed.snapshots, replayed.first, replayed.last) == (10, DAYS[0], DAYS[-1])
    assert all(one.told == () for one in replayed.checks)
    [names] = [one for one in replayed.checks if one.check.name == "null_company_names"]
    assert names.readings == tuple(float(5 + n) for n in range(10))


@pytest.mark.full
def test_other_limits_say_something_else(past: Past) -> None:
    for n in range(10):
        past.evening(n, 5 + n)
    assert told(past.replayed("null_company_names: warn > 10")) == [("01-17", "opened")]
    assert told(past.replayed("null_company_names: warn > 10", "null_company_names: critical > 12")) == [
        ("01-17", "opened"),
        ("01-19", "escalated"),
    ]


@pytest.mark.full
def test_only_the_span_that_is_asked_for_is_judged(past: Past) -> None:
    for n in range(10):
        past.evening(n, 60 if n < 5 else 5)
    assert past.replayed(days=3).snapshots == 3
    assert told(past.replayed(days=3)) == []


def test_a_log_without_a_snapshot_of_that_time_says_so(past: Past) -> None:
    with pytest.raises(PermanentError, match="no snapshot of that time"):
        past.replayed()


def test_checks_that_the_log_says_nothing_of_are_named(past: Past) -> None:
    past.evening(0, 5)
    replayed = past.replayed()
    assert {"schedule_enabled", "sync_recency"} <= set(replayed.others)
    assert {(one.check.name, one.sync) for one in replayed.checks} == {
        ("coverage", None),
        ("backlog", "Sync A"),
        ("backlog", "Sync B"),
        ("null_company_names", None),
        ("data_quality", None),
    }


def test_a_backlog_is_judged_by_the_thresholds_of_its_sync_and_told_in_the_words_of_the_pipeline(past: Past) -> None:
    past.small.properties(1000 + 80, first=1001)
    past.evening(0, 5)

    def said(*limits: str) -> list[str]:
        return [text for one in past.replayed(*limits).checks if one.check.name == "backlog" for _, _, text in one.told]

    assert said() == ["Sync A has 80 pending properties"]
    assert said("backlog: warn > 90") == []
    assert said("backlog: warn > 10", "backlog: critical > 20") == ["Sync A has 80 pending properties"]


def test_a_threshold_that_one_sync_could_not_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="lies beyond critical"):
        with_limits(settings_from({}), ["backlog: warn > 400"])  # Sync A is critical beyond 100


def test_the_past_leaves_no_trace_in_the_pipeline_or_the_bot(past: Past) -> None:
    past.evening(0, 60)
    before = past.small.run("SELECT * FROM crm.sfdc_dbx.sync_audit_log")
    assert not isinstance(past.sources, Ports), "there is no store to write to and nobody to tell"
    past.replayed()
    assert past.small.run("SELECT * FROM crm.sfdc_dbx.sync_audit_log") == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coverage < 94", "write it like"),
        ("coverage: warn 94", "cannot read the threshold '94'"),
        ("cover: warn < 94", 'did you mean "coverage"'),
        ("coverage: warn < 80", "lies beyond critical"),
    ],
)
def test_a_limit_that_cannot_be_read_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        with_limits(settings_from({}), [text])
    assert said in str(refused.value)


def test_the_limits_of_others_stay(past: Past) -> None:
    changed = with_limits(settings_from({}), ["coverage: warn < 94"])
    before: dict[str, Check] = {check.name: check for check in settings_from({}).checks}
    for check in changed.checks:
        if check.name != "coverage":
            assert check == before[check.name]
