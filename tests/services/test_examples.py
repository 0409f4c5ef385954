"""The examples of an alert: asked for after it was told, never waited for, ids alone."""

from dataclasses import replace

import pytest

from bot.errors import TemporaryError
from bot.facts import RunStatus
from bot.runtime.composition import settings_from
from bot.services.examples import EXAMPLES
from bot.services.run_checks import run_checks
from tests.fakes import HEALTH
from tests.services.conftest import World
from tests.services.test_not_measured import HEALTHY

ROWS = [{"kind": "row", "id": f"a0B{n:012}"} for n in (1, 2, 3)]


def evidence(world: World) -> str:
    world.deliver()
    [found] = [message for message in world.channel.everything() if message.kind == "evidence"]
    return found.text


def test_a_new_alert_shows_three_examples(world: World) -> None:
    world.warehouse.rows[EXAMPLES] = ROWS
    world.open_incident()
    assert world.incident().examples == ("row a0B000000000001", "row a0B000000000002", "row a0B000000000003")
    assert "*Examples* Salesforce records a0B000000000001, a0B000000000002, a0B000000000003" in evidence(world)


def test_evidence_that_was_sent_already_is_edited_when_the_examples_come(world: World) -> None:
    world.open_incident()
    assert "*Examples*" not in evidence(world)
    world.warehouse.rows[EXAMPLES] = ROWS
    world.look(0, after=5)
    world.look(0, after=10)
    world.look(60, after=40)
    world.look(60, after=5)
    world.deliver()
    second = [message for message in world.channel.everything() if message.kind == "evidence"][-1]
    assert "a0B000000000001" in second.text


def test_examples_that_cannot_be_had_do_not_hold_up_the_alert(world: World) -> None:
    world.look(60)
    failing = world.warehouse.ask

    def ask(question: str, **parameters: object) -> list[dict[str, object]]:
        if question == EXAMPLES:
            raise TemporaryError("the warehouse cannot be reached")
        return failing(question, **parameters)

    world.warehouse.ask = ask  # type: ignore[method-assign]
    world.look(60, after=5)
    assert world.incident().examples == ()
    assert "246" not in evidence(world)
    assert len(world.channel.roots()) == 1


def test_an_example_that_is_no_id_is_left_out(world: World) -> None:
    odd = ["123-45-6789", "Jane Doe", None, "j@x.example"]
    rows = [{"kind": "row", "id": value} for value in odd] + [{"kind": "person", "id": "a0B000000000009"}, {}]
    world.warehouse.rows[EXAMPLES] = [*rows, *ROWS]
    world.open_incident()
    assert world.incident().examples == ("row a0B000000000001", "row a0B000000000002", "row a0B000000000003")


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.SKIPPED])
def test_an_alert_of_census_names_the_newest_run(world: World, status: RunStatus) -> None:
    world.warehouse.rows[HEALTH] = [dict(HEALTHY)]
    world.ports = replace(world.ports, settings=replace(world.ports.settings, checks=settings_from({}).checks))
    for sync in (world.sync_a, world.sync_b):
        world.census.finish(world.census.start(sync).id, records_updated=90, records_failed=0, records_invalid=0)
    worst = world.census.start(world.sync_b)
    world.census.finish(worst.id, records_updated=50, records_failed=50, records_invalid=0)
    last = world.census.start(world.sync_b)
    world.census.finish(last.id, status, records_updated=50, records_failed=50, records_invalid=0)
    run_checks(world.ports)
    assert world.incident().check == "census_error_rate"
    assert world.incident().examples == (f"run {last.id}",)
    assert f"*Latest run* {last.id}" in evidence(world)
