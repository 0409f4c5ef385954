"""Resolve, note, escalate, snooze and the menu's More…, over the real Bolt app and the local Slack."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.alerts.model import Alert, Did, Incident, State
from bot.demo.slack.server import SlackServer
from bot.errors import RefusedError
from bot.model import Kind
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect
from bot.runtime.demo import OPERATOR
from bot.services.acknowledge import acknowledge
from bot.services.authorise import incident_of_dialog
from checks.model import Severity
from tests.fakes import HEALTH, FakeWarehouse
from tests.slack.conftest import words
from tests.small_bot import CROWD, small_bot, small_slack
from tests.unit import samples
from tests.waiting import until

VISITOR = CROWD[0]
KEY = "properties/null_company_names"


@dataclass
class Small:
    """The bot, the local Slack, and one critical incident whose root stands in the channel."""

    slack: SlackServer
    bot: Bot
    warehouse: FakeWarehouse
    ts: str = ""

    def open(self) -> None:
        now, ports = self.bot.ports.clock.now(), self.bot.ports
        with ports.store.transaction() as records:
            made = samples.incident(opened_at=now, timeline=(), measured_at=now, channel=ports.settings.channel)
            incident = records.create_incident(made)
            records.save_alert(
                Alert(KEY, incident.check, None, State.FIRING, Severity.CRITICAL, now, incident_id=incident.id)
            )
            records.enqueue(incident.id, Kind.ROOT)
        self.warehouse.rows[HEALTH][0]["null_company_names"] = 247
        self.ts = until(lambda: [m["ts"] for m in self.slack.messages() if "company name" in m["text"]])[0]
        until(self.is_known)

    def is_known(self) -> bool:
        """Whether the bot has heard where the root stands; what is clicked before is done a little later."""
        with self.bot.ports.store.snapshot() as records:
            return records.root_of(1) is not None

    @property
    def incident(self) -> Incident:
        with self.bot.ports.store.snapshot() as records:
            found = records.incident(1)
        assert found
        return found

    def root(self) -> str:
        return words(next(m for m in self.slack.messages() if m["ts"] == self.ts))

    def thread(self) -> list[dict[str, Any]]:
        return self.slack.messages(self.ts)[1:]

    def choose(self, label: str, user: str = OPERATOR) -> None:
        """Press an entry of the menu ⋯ of the root."""
        [root] = [m for m in self.slack.messages() if m["ts"] == self.ts]
        [options] = [
            e["options"] for b in root["attachments"][0]["blocks"] for e in b.get("elements", []) if "options" in e
        ]
        value = next(o["value"] for o in options if o["text"]["text"] == label)
        self.slack.press(user, self.ts, "more", value)

    def modal(self, holds: str, user: str = OPERATOR) -> dict[str, Any]:
        """The open modal, once it says this."""
        return until(lambda: (m := self.slack.modal(user)) and holds in words(m) and m)

    def told(self, user: str = OPERATOR) -> str:
        return "\n".join(words(message) for message in self.slack.ephemerals(user))

    def audit(self) -> list[tuple[str, ...]]:
        with self.bot.ports.store.transaction() as records:
            found = records._db.exec_driver_sql('SELECT "user", what, target, result FROM audit')  # type: ignore[attr-defined]
            return [tuple(row) for row in found]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    slack, warehouse = small_slack(), FakeWarehouse()
    slack.start()
    bot = small_bot(slack.url, tmp_path, warehouse)
    until(lambda: slack.connections == 1)
    one = Small(slack, bot, warehouse)
    one.open()
    yield one
    bot.stop()
    disconnect(bot.ports)
    slack.stop()


def test_an_incident_is_resolved_from_its_menu_and_reopens_because_it_is_still_breached(small: Small) -> None:
    small.choose("Resolve…")
    small.modal("Reason (shown in the thread)")
    with pytest.raises(ValueError, match="required field"):
        small.slack.submit(OPERATOR, {"reason": " "})
    small.slack.submit(OPERATOR, {"reason": "fixed <!channel> in the view"})
    until(lambda: "reopened" in " ".join(entry.detail for entry in small.incident.timeline) or small.thread())
    assert (OPERATOR, "resolve", "incident 1", "resolved by hand") in small.audit()
    small.bot.checker.run()
    until(lambda: "and still critical" in words(small.thread()))
    assert small.incident.state is State.FIRING
    reply = next(message for message in small.thread() if "and still critical" in words(message))
    assert reply["subtype"] == "thread_broadcast"
    until(lambda: "🔴 Critical" in small.root())
    assert "<!channel>" not in words(small.slack.messages(small.ts))


def test_what_is_well_stays_resolved(small: Small) -> None:
    small.warehouse.rows[HEALTH][0]["null_company_names"] = 0
    small.slack.command(OPERATOR, "resolve 1 fixed the view")
    until(lambda: "Incident 1 (Missing company names) is resolved." in small.told())
    small.bot.checker.run()
    until(lambda: f"✅ Resolved by <@{OPERATOR}>" in small.root())
    assert small.incident.resolved_at is not None
    small.slack.command(OPERATOR, "note 1 post-mortem on Friday")
    until(lambda: f"📝 <@{OPERATOR}>: post-mortem on Friday" in words(small.thread()))
    small.slack.command(OPERATOR, "escalate 1")
    until(lambda: "This incident is already resolved." in small.told())


def test_a_note_that_slack_delivers_twice_is_one_note(small: Small) -> None:
    small.choose("Add note")
    small.modal("Shown in the thread")
    with pytest.raises(ValueError, match="up to 500"):
        small.slack.submit(OPERATOR, {"note": "x" * 501})
    payload = small.slack._workspace.submission(OPERATOR, {"note": "asked the data team"})
    for _ in range(2):
        small.slack._await(small.slack._apps.send("interactive", payload))
    until(lambda: small.told().count("Noted on incident 1") == 2)  # as text and as a block
    until(lambda: "asked the data team" in words(small.thread()))
    assert [entry.did for entry in small.incident.timeline].count(Did.NOTED) == 1
    assert [row[1] for row in small.audit()].count("note") == 1


def test_the_owner_is_mentioned_at_once_and_again_only_after_a_while(small: Small) -> None:
    small.choose("Escalate now")
    until(lambda: "It mentions nobody: `null_company_names` has no owner" in small.told())
    call = until(lambda: [m for m in small.thread() if f"Escalated by <@{OPERATOR}>" in words(m)])[0]
    assert call["subtype"] == "thread_broadcast"
    small.slack.command(OPERATOR, "escalate 1")
    until(lambda: "It was escalated" in small.told())
    assert [entry.did for entry in small.incident.timeline].count(Did.CALLED) == 1


def test_a_snooze_is_chosen_in_its_dialog(small: Small) -> None:
    small.choose("Snooze…")
    modal = small.modal("For how long")
    [field] = [b["element"] for b in modal["blocks"] if b["type"] == "input" and "options" in b["element"]]
    assert field["initial_option"]["value"] == "30m"
    small.slack.submit(OPERATOR, {"span": field["options"][-1]["value"], "reason": "the backfill runs"})
    until(lambda: "Snoozed until" in small.root())
    assert small.incident.timeline[-1].detail.endswith(": the backfill runs")
    until(lambda: "is snoozed until" in small.told())


def test_more_lists_what_the_menu_has_no_room_for_and_acts_from_there(small: Small) -> None:
    acknowledge(small.bot.ports, 1, CROWD[1])
    until(lambda: "More…" in small.root())
    small.choose("More…")
    modal = small.modal("Removes the acknowledgment")
    labels = [b["accessory"]["text"]["text"] for b in modal["blocks"] if "accessory" in b]
    assert labels == ["Take over", "Unacknowledge", "View runbook", "Evaluate now", "Show timeline"]
    small.slack.press(OPERATOR, "", "timeline")
    small.modal(f"acknowledged by <@{CROWD[1]}>")
    small.choose("More…")
    small.modal("Removes the acknowledgment")
    small.slack.press(OPERATOR, "", "take_over")
    small.modal("taken over from")
    assert small.incident.acked_by == OPERATOR
    small.choose("More…")
    small.modal("Removes the acknowledgment")
    small.slack.press(OPERATOR, "", "unacknowledge")
    small.modal("is unacknowledged")
    assert small.incident.acked_by is None


@pytest.mark.parametrize("label", ["Snooze…", "Add note", "Resolve…"])
def test_who_is_no_operator_is_refused_in_the_dialog_and_audited(small: Small, label: str) -> None:
    small.choose(label, VISITOR)
    small.modal("Only operators may do that. Ask", VISITOR)
    with pytest.raises(LookupError):
        small.slack.submit(VISITOR, {"reason": "mine", "note": "mine"})
    until(lambda: [row for row in small.audit() if row[0] == VISITOR and row[3].startswith("refused: Only operators")])


@pytest.mark.parametrize("typed", ["resolve 1 mine", "note 1 mine", "escalate 1", "unack 1"])
def test_who_is_no_operator_is_refused_when_they_type(small: Small, typed: str) -> None:
    small.slack.command(VISITOR, typed)
    until(lambda: f"Only operators may do that. Ask <@{OPERATOR}>" in small.told(VISITOR))
    until(lambda: [row for row in small.audit() if row[:2] == (VISITOR, typed.split()[0])])
    assert [entry.did for entry in small.incident.timeline] == []
    assert small.incident.state is State.FIRING


def test_who_is_no_operator_acts_neither_from_a_dialog_nor_by_its_submission(small: Small) -> None:
    acknowledge(small.bot.ports, 1, OPERATOR)
    until(lambda: "More…" in small.root())
    for word in ("unacknowledge", "take_over", "snooze", "note"):
        small.choose("More…", VISITOR)
        small.modal("Removes the acknowledgment", VISITOR)
        if word in ("snooze", "note"):  # they stand in the menu
            continue
        small.slack.press(VISITOR, "", word)
        small.modal("Only operators may do that", VISITOR)
    for callback, values in (("resolve", {"reason": "mine"}), ("note", {"note": "mine"}), ("snooze", {"span": "4h"})):
        small.choose("Add note")
        small.modal("Shown in the thread")
        payload = small.slack._workspace.submission(OPERATOR, {"note": "x"})
        forged = {**payload, "user": {**payload["user"], "id": VISITOR}}
        state = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}
        forged["view"] = {**payload["view"], "callback_id": callback, "state": {"values": state}}
        small.slack._await(small.slack._apps.send("interactive", forged))
        until(lambda what=callback: [row for row in small.audit() if row[:2] == (VISITOR, what)])
    assert [entry.did for entry in small.incident.timeline] == [Did.ACKNOWLEDGED]
    assert (small.incident.acked_by, small.incident.snoozed_until) == (OPERATOR, None)


def test_a_dialog_is_about_the_incident_of_our_record_whatever_its_button_says(small: Small) -> None:
    ports = small.bot.ports
    assert incident_of_dialog(ports, "1") == incident_of_dialog(ports, "1", "1") == 1
    for metadata, value in (("1", "2"), ("", "1"), ("99", "99"), ("x", ""), ("1 ", ""), ("9" * 40, "")):
        with pytest.raises(RefusedError, match="another version"):
            incident_of_dialog(ports, metadata, value)
    acknowledge(ports, 1, OPERATOR)
    until(lambda: "More…" in small.root())
    small.choose("More…")
    small.modal("Removes the acknowledgment")
    payload = small.slack._workspace.action(OPERATOR, "", "unacknowledge", None)
    payload["actions"][0]["value"] = "2"
    small.slack._await(small.slack._apps.send("interactive", payload))
    small.modal("another version of Sync Health")
    assert small.incident.acked_by == OPERATOR


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("resolve", "such as /sync-health resolve 7 fixed the view"),
        ("resolve 1", "such as /sync-health resolve 7 fixed the view"),
        ("note 1", "such as /sync-health note 7 asked the data team"),
        ("note x hello", "There is no incident “x”"),
        ("escalate 99", "There is no incident “99”"),
        ("reslove 1 x", "Did you mean `/sync-health resolve`"),
        ("escalte 1", "Did you mean `/sync-health escalate`"),
    ],
)
def test_what_is_typed_wrongly_is_answered_with_what_to_write(small: Small, typed: str, said: str) -> None:
    small.slack.command(OPERATOR, typed)
    until(lambda: said in small.told())
    assert small.incident.timeline == ()
