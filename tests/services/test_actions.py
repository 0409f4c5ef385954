"""Every action × person × state: the one call that Census gets, or none, and the outcome."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.alerts.model import ActionKind
from bot.answers.consent import Consent
from bot.config.pipeline_file import Operators
from bot.errors import RefusedError, SyncHealthError, TemporaryError
from bot.facts import Schedule
from bot.services.acknowledge import acknowledge, unacknowledge
from bot.services.act_on_sync import act_on_sync, pause_all, pause_all_facts
from bot.services.authorise import Person, authorise
from bot.services.snooze import snooze
from bot.services.sync_facts import read_facts
from bot.services.take_snapshot import take_snapshot
from tests.fakes import Fault
from tests.services.conftest import ADA, GROUP, ROBIN, SAM, TEAM, World

# What it does in Census, or who is asked instead.
TRIGGER, FULL, PAUSE, RESUME, CANCEL = "trigger", "full sync", "pause", "resume", "cancel"
OTHER_PAUSED, NOTHING = "pause of Sync A", ""
REFUSED, TEMPORARY = RefusedError, TemporaryError
Expected = tuple[str, ...] | type[SyncHealthError]

ON_A_SYNC = ("rerun", "full sync", "resume and rerun", "resume", "pause", "cancel")
ON_AN_INCIDENT = ("acknowledge", "take over", "unacknowledge", "snooze")
STILL_MEANT = ("pause", "resume", "cancel")  # although the alert that it was opened from is over
ON_THE_PIPELINE = ("snapshot", "evaluate now")
FOR_EVERYBODY = ("evaluate now",)  # it changes nothing outside, so nobody is asked who they are
ACTIONS = (*ON_A_SYNC, "pause all", *ON_AN_INCIDENT, *ON_THE_PIPELINE)
STARTS = ("rerun", "full sync", "resume and rerun", "resume")
STATES = (
    "on",
    "paused",
    "running",
    "schedule off",
    "resolved meanwhile",
    "incident unknown",
    "sync dropped",
    "Census down",
    "warehouse down",
    "suspect records",
    "critical data check",
)
POSSIBLE: dict[str, dict[str, tuple[str, ...]]] = {  # by how the sync stands; whatever is missing is refused
    "on": {"rerun": (TRIGGER,), "full sync": (FULL,), "pause": (PAUSE,)},
    "paused": {
        "rerun": (RESUME, TRIGGER),
        "full sync": (RESUME, FULL),
        "resume and rerun": (RESUME, TRIGGER),
        "resume": (RESUME,),
    },
    "running": {"rerun": (), "full sync": (), "pause": (PAUSE,), "cancel": (CANCEL,)},  # the run is followed
}
PAUSES_ALL: dict[str, tuple[str, ...]] = {
    "paused": (OTHER_PAUSED,),
    "sync dropped": (OTHER_PAUSED,),
    "Census down": (),  # it is repeated until Census answers
}


def expected(action: str, state: str) -> Expected:
    """The rules, as an operator has them who gives no reason."""
    if action == "pause all":
        return PAUSES_ALL.get(state, (OTHER_PAUSED, PAUSE))
    if action in ON_THE_PIPELINE:  # of Census nothing is asked for, and what does not answer is what is found
        return TEMPORARY if (action, state) == ("snapshot", "warehouse down") else ()
    if state == "incident unknown" or (state == "resolved meanwhile" and action not in STILL_MEANT):
        return REFUSED
    if action in ON_AN_INCIDENT:
        return ()
    if state == "sync dropped":
        return REFUSED
    if state == "Census down":
        return TEMPORARY
    if state in ("warehouse down", "suspect records", "critical data check") and action in STARTS:
        return REFUSED  # without a reason
    return POSSIBLE.get(state, POSSIBLE["on"]).get(action, REFUSED)


def bring_about(world: World, state: str) -> None:
    """What holds before the dialog opens."""
    census = world.census
    match state:
        case "paused":
            census.pause(world.sync_b)
        case "running":
            census.start(world.sync_b)
        case "schedule off":
            census.set_schedule(world.sync_b, Schedule("never", paused=False))
        case "warehouse down":
            world.warehouse.failure = TemporaryError("the warehouse cannot be reached")
        case "suspect records":
            world.numbers(update_queue_suspicious=4)
        case "critical data check":
            world.look(60, after=5)
            world.look(60, after=5)
    census.changes.clear()


def change_meanwhile(world: World, state: str) -> None:
    """What happens before the dialog is submitted."""
    match state:
        case "resolved meanwhile":
            world.look(7, after=5)
            world.look(7, after=15)
        case "sync dropped":
            kept = tuple(one for one in world.ports.settings.syncs if one.name != "Sync B")
            world.ports = replace(world.ports, settings=replace(world.ports.settings, syncs=kept))
        case "Census down":
            world.census.failure = TemporaryError("Census cannot be reached")


def shown(world: World, action: str, state: str) -> Consent:
    """What the dialog of the action showed, in its full form where there are two."""
    if action == "pause all":
        return pause_all_facts(world.ports).consent
    kinds = {"full sync": ActionKind.RERUN, "resume and rerun": ActionKind.RESUME}
    kind = kinds.get(action) or ActionKind(action)
    facts = read_facts(world.ports, kind, world.ports.settings.syncs[1], world.incident())
    about = 99 if state == "incident unknown" else 1
    return replace(facts.consent, incident_id=about, full_sync=action == "full sync")


def submission(world: World, action: str, state: str) -> Callable[[Person], object]:
    """The action as it is submitted by whoever it is."""
    about = 99 if state == "incident unknown" else 1
    simple: dict[str, Callable[[Person], object]] = {
        "acknowledge": lambda by: acknowledge(world.ports, about, by.id, take_over=False),
        "take over": lambda by: acknowledge(world.ports, about, by.id),
        "unacknowledge": lambda by: unacknowledge(world.ports, about, by.id),
        "snooze": lambda by: snooze(world.ports, about, "2h", by.id),
    }
    if action in ("take over", "unacknowledge"):
        acknowledge(world.ports, 1, SAM)
    if action in simple:
        return simple[action]
    if action == "snapshot":
        keep_a_log(world)
        return lambda by: take_snapshot(world.ports, by.id, team=by.team)
    if action == "evaluate now":
        return lambda by: world.checker.run()
    consent = shown(world, action, state)
    if action == "pause all":
        return lambda by: pause_all(world.ports, consent, by, "")
    return lambda by: act_on_sync(world.ports, consent, by, "", then_rerun=action == "resume and rerun")


def keep_a_log(world: World) -> None:
    """A warehouse that takes snapshots and shows them, newest first."""
    log = world.warehouse.rows["measure/snapshots"] = []
    world.warehouse.rows["measure/snapshot_by_hand"] = []

    def do(statement: str, **given: object) -> None:
        if world.warehouse.failure:
            raise world.warehouse.failure
        log.insert(0, {"statement": statement, "notes": ""} | given)

    world.warehouse.do = do  # type: ignore[method-assign]


def taken(world: World) -> list[object]:
    """Who took the snapshots of the log."""
    return [row["executed_by"] for row in world.warehouse.rows.get("measure/snapshots", [])]


def calls(world: World) -> tuple[str, ...]:
    """What changed something in Census, by what it was."""
    names = {
        (world.sync_b, True): PAUSE,
        (world.sync_b, False): RESUME,
        (world.sync_a, True): OTHER_PAUSED,
        (world.sync_a, False): "resume of Sync A",
    }
    changes = sorted((names[change] for change in world.census.changes), reverse=True)  # pause all: in any order
    runs = [FULL if world.census.full_syncs else TRIGGER for _ in world.census.triggers]
    return (*changes, *runs, *[CANCEL for _ in world.census.canceled])


def press(world: World, submit: Callable[[Person], object], who: Person) -> object:
    authorise(world.ports, who)
    return submit(who)


def everybody_else_is_refused(world: World, submit: Callable[[Person], object]) -> None:
    """And told whom to ask, where that could help; nothing happens."""
    ports, before = world.ports, world.rows("SELECT count(*) FROM actions, timeline")
    world.channel.groups[GROUP] = frozenset({ROBIN})
    with pytest.raises(RefusedError, match=r"Only operators may do that\. Ask") as refused:
        press(world, submit, Person(SAM, TEAM, TEAM))
    assert refused.value.people == (ROBIN, ADA, GROUP)
    with pytest.raises(RefusedError, match="Only members of this workspace"):
        press(world, submit, Person(ROBIN, "T0AWAY", TEAM))
    world.channel.groups[GROUP] = frozenset({SAM})
    world.channel.fail_next("members", Fault(TemporaryError("Slack cannot be reached")))
    with pytest.raises(RefusedError, match="operators could not be looked up"):
        press(world, submit, Person(SAM, TEAM, TEAM))
    world.ports = replace(ports, settings=replace(ports.settings, operators=Operators()))
    with pytest.raises(RefusedError, match="names none yet"):
        press(world, submit, Person(ROBIN, TEAM, TEAM))
    world.ports = ports
    assert calls(world) == ()
    assert world.rows("SELECT count(*) FROM actions, timeline") == before


@pytest.mark.full
@pytest.mark.parametrize("operator", ["by ID", "by user group"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_by_each_person_in_each_state(world: World, action: str, state: str, operator: str) -> None:
    world.open_incident(40)  # a warning
    bring_about(world, state)
    submit = submission(world, action, state)
    change_meanwhile(world, state)
    if action not in FOR_EVERYBODY:
        everybody_else_is_refused(world, submit)
    world.channel.groups[GROUP] = frozenset({SAM})
    who = Person(ROBIN if operator == "by ID" else SAM, TEAM, TEAM)
    expects, rows = expected(action, state), len(world.rows("SELECT id FROM actions"))
    evaluated = len(world.rows("SELECT id FROM evaluations"))
    if isinstance(expects, tuple):
        submit(who) if action in FOR_EVERYBODY else press(world, submit, who)
        acted = int(action not in (*ON_AN_INCIDENT, *ON_THE_PIPELINE))
        assert taken(world) == ([who.id] if action == "snapshot" else [])
        assert len(world.rows("SELECT id FROM evaluations")) == evaluated + (action == "evaluate now")
    else:
        with pytest.raises(expects):
            press(world, submit, who)
        expects, acted = (), 0
    assert calls(world) == tuple(sorted(expects, reverse=True)) if action == "pause all" else calls(world) == expects
    assert len(world.rows("SELECT id FROM actions")) == rows + acted, "a row for what was asked, and none for a refusal"
