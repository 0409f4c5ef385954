"""The services on a real store, with the outside in memory and time in the test's hand."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.model import Action, ActionKind, Alert, Incident
from bot.answers.consent import Consent, SyncFacts
from bot.config.pipeline_file import Operators
from bot.config.settings import Settings
from bot.model import ClaimedMessage, Evaluation
from bot.ports import Ports
from bot.runtime.composition import settings_from
from bot.services.act_on_sync import act_on_sync
from bot.services.authorise import Person
from bot.services.deliver import CLAIM, deliver_next
from bot.services.run_checks import Checker, run_checks
from bot.services.sync_facts import read_facts, sync_of
from checks.model import Check
from tests.fakes import CHANNEL, HEALTH, FakeCensus, FakeChannel, FakeWarehouse, HandClock
from tests.new_state import new_state

ROBIN, ADA, SAM, GROUP, TEAM = "U0ROBIN", "U0ADA", "U0SAM", "S0OPS", "T0HOME"
KEY = "properties/null_company_names"
CHECK = Check.model_validate(
    {
        "name": "null_company_names",
        "title": "Companies without a name",
        "metric": "null_company_names",
        "source": "databricks",
        "warn": "> 30",
        "critical": "> 50",
        "clear": "<= 25",
        "for": "5m",
        "keep_firing_for": "10m",
        "reopen_within": "30m",
        "summary": "{value} properties have no company name",
        "helps": "Mend the view first.",
        "rerun": "role:update",
    }
)
NUMBERS = {
    "salesforce_rows": 1000,
    "null_company_names": 7,
    "enriched_rows": 1000,
    "create_queue": 3,
    "update_queue": 12,
    "create_queue_suspicious": 0,
    "update_queue_suspicious": 0,
}


@cache
def settings_for_tests() -> Settings:
    """The shipped pipeline with one check and two kinds of operators."""
    operators = Operators(users=(ROBIN, ADA), groups=(GROUP,))
    return replace(settings_from({}), checks=(CHECK,), channel=CHANNEL, operators=operators)


@dataclass
class World:
    """Everything around the services, and shorthand for what happens in it."""

    path: Path
    clock: HandClock = field(default_factory=HandClock)
    channel: FakeChannel = field(default_factory=FakeChannel)
    warehouse: FakeWarehouse = field(default_factory=lambda: FakeWarehouse(**{HEALTH: [dict(NUMBERS)]}))

    def __post_init__(self) -> None:
        settings = settings_for_tests()
        self.sync_a, self.sync_b = (sync.id for sync in settings.syncs)
        self.census = FakeCensus(self.clock, self.sync_a, self.sync_b)
        self.store = new_state(self.path)
        self.ports = Ports(settings, self.clock, self.warehouse, self.census, self.channel, self.store)
        self.checker = Checker(self.ports)

    def close(self) -> None:
        self.checker.close()
        self.store.close()

    def numbers(self, **changes: object) -> None:
        """What the warehouse answers from now on."""
        self.warehouse.rows[HEALTH][0] |= changes

    def look(self, nameless: object, *, after: float = 0) -> Evaluation:
        """So many minutes later there are so many properties without a name, and the bot looks."""
        self.clock.pass_(minutes=after)
        self.numbers(null_company_names=nameless)
        return run_checks(self.ports)[0]

    def open_incident(self, nameless: int = 60) -> Incident:
        """A fault lasts until it is an incident; nothing is delivered yet."""
        self.look(nameless)
        self.look(nameless, after=5)
        return self.incident()

    def facts(self, kind: ActionKind = ActionKind.RERUN, *, incident: bool = True) -> SyncFacts:
        """What the dialog of an action shows now, opened from the alert or by typing the sync's name."""
        about = self.incident() if incident else None
        sync = sync_of(self.ports.settings, about) if about else self.ports.settings.syncs[1]
        return read_facts(self.ports, kind, sync, about)

    def act(
        self,
        kind: ActionKind = ActionKind.RERUN,
        *,
        by: str = ROBIN,
        reason: str = "the view is fixed",
        incident: bool = True,
        consent: Consent | None = None,
        **chosen: bool,
    ) -> Action:
        """Somebody confirms the dialog as it is now, or as it was when it showed this consent."""
        shown = consent or self.facts(kind, incident=incident).consent
        return act_on_sync(self.ports, shown, Person(by, TEAM, TEAM), reason, **chosen)

    def rerun(self, by: str = ROBIN, reason: str = "the view is fixed") -> Action:
        """Somebody confirms the dialog of a rerun as it is now."""
        return self.act(by=by, reason=reason)

    def claim(self, holder: str = "sender") -> ClaimedMessage:
        """The next message, as a sender has it in its hand."""
        claimed = self.store.claim(holder, self.clock.real(), CLAIM)
        assert claimed
        return replace(claimed, announcement=self.store.read_content(claimed.announcement))

    def deliver(self, holder: str = "sender") -> int:
        """Send until nothing is owed now; how many were tried."""
        tried = 0
        while deliver_next(self.ports, holder):
            tried += 1
            assert tried < 100, "it never ends"
        return tried

    def deliver_patiently(self, holder: str = "sender") -> None:
        """…and until nothing waits for another attempt either, for ten minutes at most."""
        for _ in range(60):
            self.deliver(holder)
            self.clock.pass_real(seconds=10)

    def incident(self, incident_id: int = 1) -> Incident:
        with self.store.transaction() as records:
            found = records.incident(incident_id)
        assert found
        return found

    def alert(self) -> Alert | None:
        with self.store.transaction() as records:
            return records.alert(KEY)

    def action(self, action_id: int = 1) -> Action:
        with self.store.transaction() as records:
            found = records.action(action_id)
        assert found
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Straight from the file."""
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    def claimed(self) -> list[str]:
        """The kinds that are owed, in order."""
        return [kind for (kind,) in self.rows("SELECT kind FROM outbox WHERE wanted > sent ORDER BY seq")]

    def audit(self) -> list[tuple[str, str, str, str]]:
        """Who did what to what, and what came of it."""
        return self.rows('SELECT "user", what, target, result FROM audit ORDER BY id')  # type: ignore[return-value]

    def everything(self) -> list[str]:
        """The whole database as text."""
        with closing(sqlite3.connect(self.path)) as connection:
            return list(connection.iterdump())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path / "state.db")
    yield one
    one.close()
