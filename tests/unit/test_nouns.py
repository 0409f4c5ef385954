"""Pending records are called what the pipeline calls them, wherever they are counted."""

from dataclasses import replace

from bot.alerts.causes import causes
from bot.answers.syncs import Queue
from bot.config.pipeline_file import Noun
from bot.messages.queue import queue_message
from bot.messages.sync_dialogs import action_modal
from bot.services.census_numbers import backlog_not_shrinking, empty_runs
from checks.numbers import pending
from tests.unit.samples import NOW, ZONE, sync_facts, sync_status
from tests.unit.test_causes import NO_RUN_SINCE, about

CONTACTS = Noun(one="contact", many="contacts")
COMPANIES = Noun(one="company", many="companies")


def test_one_and_many() -> None:
    assert [pending(count, *COMPANIES.words) for count in (0, 1, 1200)] == [
        "0 pending companies",
        "1 pending company",
        "1,200 pending companies",
    ]


def test_the_backlog() -> None:
    for size, said in ((12, "12 pending contacts"), (1, "1 pending contact"), (None, "pending contacts unknown")):
        message = queue_message([Queue("Sync B", "crm.q", size, noun=CONTACTS)], ZONE, NOW)
        assert message.text == f"Sync B: {said}"
        assert "pending record" not in str(message.payload(native=False))


def test_the_dialog_of_a_rerun() -> None:
    assert "will process about 246 pending contacts*" in str(action_modal(sync_facts(noun=CONTACTS), ZONE))
    unknown = str(action_modal(sync_facts(noun=CONTACTS, queue=None, suspicious=None), ZONE))
    assert "an unknown number of pending contacts" in unknown and "Every pending contact is written as it is" in unknown


def test_readings_and_causes() -> None:
    empty = empty_runs([], 3, NOW, CONTACTS)
    grows = backlog_not_shrinking([], replace(sync_status(), queue=0), NOW, CONTACTS)
    assert empty and grows
    assert [empty.facts["pending"], grows.facts["pending"]] == ["3 pending contacts", "0 pending contacts"]
    [over] = causes(replace(about("null_company_names", sync_status(queue=0, suspicious=0)), noun=CONTACTS.words))
    assert over == "Not in the backlog: no contact is pending in Sync B"
    long_ago = replace(NO_RUN_SINCE, pending_since=NOW.replace(year=2020))
    assert "companies updated in the last one" in causes(replace(about("backlog", long_ago), noun=COMPANIES.words))[0]
