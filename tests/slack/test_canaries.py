"""People in the rows and secrets on the wires: neither reaches anything that somebody reads or keeps."""

import json
import logging
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import pytest

from bot.adapters.store.sql_store import SqlStore
from bot.cli import terminal
from bot.cli.as_json import evaluation_as_json
from bot.cli.logs import SafeFormatter
from bot.demo.estate import FAULTS
from bot.demo.slack.server import Fault
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect
from bot.runtime.demo import OPERATOR, VISITOR, Demo
from bot.services.summarise import summarise
from checks.model import Outcome
from tests.slack.conftest import OFFERED
from tests.waiting import until

pytestmark = pytest.mark.full  # the walk past every sink takes seconds

LOGGERS = ("", "bot", "slack_sdk", "slack_bolt", "urllib3", "databricks", "websocket", "sqlalchemy", "alembic")
QUESTIONS = (
    "check",
    "queue",
    "queue update",
    "runs",
    "errors",
    "schedules",
    "incidents",
    "incident 1",
    "snapshot",
    "audit 7",
)
SINKS = ("channel", "ephemerals", "modal", "state", "log", "terminal", "json")


def canaries(demo: Demo) -> dict[str, str]:
    """A person, made up anew, and everything that opens a door."""
    mark = secrets.token_hex(4)
    person = {
        "name": f"Janequin{mark} O'Testbury",
        "address": f"{secrets.randbelow(9000) + 1000} Quillfeather{mark} Lane",
        "mail": f"jq.{mark}@canary.example",
        "phone": f"+1 415 555-{secrets.randbelow(9000) + 1000}",
    }
    return person | demo.tokens


def quotation(canary: dict[str, str]) -> str:
    """The person, as an error text quotes a row."""
    return f"{canary['name']}, {canary['address']}, {canary['mail']}, {canary['phone']}"


def refuse_actions(demo: Demo, canary: dict[str, str]) -> None:
    """A pause and a rerun that Census refuses in words that quote them, each followed to its end."""
    echoed = f"{quotation(canary)} (Authorization: Bearer {canary['census']})"
    refused = (("change_sync", "pause B", "was not paused"), ("trigger", "rerun B", "rerun failed"))
    for operation, typed, end in refused:
        demo.census.fail_next(operation, 422, body={"message": echoed})
        demo.slack.command(OPERATOR, typed)
        word = typed.split()[0].capitalize()
        until(lambda word=word: (m := demo.slack.modal(OPERATOR)) and m.get("submit") and word in str(m["title"]))
        demo.slack.submit(OPERATOR, {"reason": "as asked"})
        until(lambda end=end: any(end in str(demo.slack.messages(m["ts"])) for m in demo.slack.messages()))


def plant(demo: Demo, canary: dict[str, str]) -> None:
    """Rows that hold them, a view that stumbles over one, and refusals that quote them."""
    quoted = quotation(canary)
    row = quoted.replace("'", "''")
    with closing(demo.warehouse.cursor()) as cursor:
        cursor.execute(f"UPDATE rds.pg_rds_public.properties SET address = '{row}', zip = '{canary['phone']}'")
        cursor.execute("CREATE TABLE crm.sfdc_dbx.kept AS SELECT * FROM crm.sfdc_dbx.properties_to_create")
        cursor.execute(
            "CREATE OR REPLACE VIEW crm.sfdc_dbx.properties_to_create AS SELECT * FROM crm.sfdc_dbx.kept "
            f"WHERE CAST('{row}' || rds_property_id AS INT) > 0"
        )
    echoed = f"{quoted} (Authorization: Bearer {canary['census']})"
    demo.census.fail_next("list_runs", 422, times=2, body={"message": echoed})
    demo.slack.fail_next("chat.postMessage", Fault(error=f"<p>{quoted} Bearer {canary['slack_bot']}</p>", status=502))
    demo.slack.fail_next("apps.connections.open", Fault(error=f"Bearer {canary['slack_app']}", status=502))


def rest(demo: Demo) -> None:
    """The update sync runs in 22 hours at the earliest, from now."""
    resting = next(reversed(demo.census.syncs.values()))
    resting.hour, resting.frequency = (demo.clock.now().hour + 23) % 24, "daily"


def plant_failed_run(demo: Demo, canary: dict[str, str]) -> None:
    """One that quotes them; it stays the newest of its sync, which rests from now on."""
    sync, quoted = next(reversed(demo.census.syncs)), quotation(canary)
    rest(demo)
    until(lambda: all(run["status"] not in ("queued", "working") for run in demo.census.runs(sync)))
    echoed, now = f"{quoted} (Authorization: Bearer {canary['census']})", demo.clock.now().isoformat()
    demo.census.plant(
        {"id": 99_000_001, "sync_id": sync, "status": "failed", "created_at": now, "completed_at": now}
        | {"error_message": f"INVALID_EMAIL_ADDRESS: Email: invalid email address: {echoed}", "record_payload": quoted}
    )


@pytest.fixture(scope="module")
def log() -> Iterator[StringIO]:
    """All that everybody logs, at DEBUG."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(SafeFormatter())
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(scope="module")
def told(log: StringIO) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The canaries, and what every sink holds after a fault was told, asked about and nearly rerun."""
    demo = Demo(speed=600)
    demo.start()
    canary = canaries(demo)
    plant(demo, canary)
    ports, client = demo.connect()
    bot = Bot(ports, client)
    bot.start()
    try:
        until(lambda: demo.slack.connections == 1 and summarise(ports).evaluation)
        demo.estate.switch(next(iter(FAULTS)), True)
        until(lambda: any("records missing company name" in str(m) for m in demo.slack.messages()))  # they are written
        plant_failed_run(demo, canary)
        for question in QUESTIONS:
            seen = len(demo.slack.ephemerals(OPERATOR))
            demo.slack.command(OPERATOR, question)
            until(lambda seen=seen: len(demo.slack.ephemerals(OPERATOR)) > seen and not bot._context.in_flight.count())
        rest(demo)
        demo.estate.switch(next(iter(FAULTS)), False)
        offered = until(lambda: next((m for m in demo.slack.messages() if OFFERED in str(m)), None))
        demo.slack.press(OPERATOR, offered["ts"], "rerun")
        modal = until(lambda: (m := demo.slack.modal(OPERATOR)) and m["callback_id"] != "loading" and m)
        refuse_actions(demo, canary)
        evaluation = summarise(ports).evaluation
        assert evaluation
        threads = [demo.slack.messages(message["ts"]) for message in demo.slack.messages()]
        yield (
            canary,
            {
                "channel": json.dumps(threads, ensure_ascii=False),
                "ephemerals": json.dumps(
                    [demo.slack.ephemerals(who) for who in (OPERATOR, VISITOR)], ensure_ascii=False
                ),
                "modal": json.dumps(modal, ensure_ascii=False),
                "state": dump(ports.settings.state_url.removeprefix("sqlite:///")),
                "log": log.getvalue(),
                "terminal": printed(
                    lambda: terminal.print_evaluation(evaluation, [], ports.settings.zone, verbose=True)
                ),
                "json": json.dumps(
                    evaluation_as_json(evaluation, summarise(ports).incidents), ensure_ascii=False, default=str
                ),
            },
        )
    finally:
        bot.stop()
        disconnect(ports)
        demo.stop()


def dump(file: str) -> str:
    """Every row of every table, the audit's too; evaluations are compressed there."""
    with closing(SqlStore(f"sqlite:///{file}")) as store, store.snapshot() as records:
        evaluations = [repr(one) for one in records.latest_evaluations(1000)]
    assert evaluations
    with closing(sqlite3.connect(file)) as db:
        return "\n".join([*evaluations, *db.iterdump()])


def printed(show: Any) -> str:
    written = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", written)
        show()
    return written.getvalue()


@pytest.mark.parametrize("sink", SINKS)
def test_no_person_and_no_secret_reaches(sink: str, told: tuple[dict[str, str], dict[str, str]]) -> None:
    canary, sinks = told
    pieces = {piece for text in canary.values() for piece in (text, *text.replace("@", " ").split()) if len(piece) > 6}
    found = {piece for piece in pieces if piece in sinks[sink]}
    assert not found, [sinks[sink][max(0, sinks[sink].index(p) - 200) :][:400] for p in found]


def test_what_went_wrong_is_still_told(told: tuple[dict[str, str], dict[str, str]]) -> None:
    _, sinks = told
    for sink in ("ephemerals", "state"):
        assert "CAST_INVALID_INPUT" in sinks[sink], sink
    assert "Could not convert string … to INT32" in sinks["terminal"]
    assert '"outcome": "error"' in sinks["json"] and Outcome.ERROR == "error"
    assert "INVALID_EMAIL_ADDRESS" in sinks["ephemerals"]
    assert "Census answered 422" in sinks["state"]
    assert "an answer that cannot be read (502)" in sinks["log"]
