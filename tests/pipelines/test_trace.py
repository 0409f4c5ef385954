"""`trace` of other pipelines: a small statement of their own, none, and no warehouse."""

import json
import shutil
from pathlib import Path

from tests.pipelines.contacts import CONFIG, CONTACTS, Contacts
from tests.pipelines.twenty import Twenty
from tests.pipelines.world import ROBIN, in_own_words
from tests.slack.conftest import words
from tests.waiting import until


def test_a_contact_is_traced_in_the_words_of_its_own_statement(tmp_path: Path) -> None:
    world = Contacts(tmp_path)
    world.start()
    try:
        code, out, _ = world.cli("trace", "7")
        assert code == 0 and "✅ Contact 7 has arrived in HubSpot: nothing differs" in out
        world.hold()
        world.add(100, 100, email=None)
        code, pending, _ = world.cli("trace", "100")
        assert code == 1
        assert "⏳ Contact 100 is pending in the backlog, not yet due: next run of Contacts" in pending
        assert "It is suspect: no e-mail" in pending and "suspect: no e-mail" in pending
        world.run("UPDATE \"lake-prod\".crm.contacts SET email = 'new@example.com' WHERE contact_id = 8")
        code, behind, _ = world.cli("trace", "8", "--json")
        found = json.loads(behind)
        assert found["hops"][-1]["differences"] == [{"field": "email", "ours": None, "theirs": None}]
        assert "example.com" not in behind and found["sync"] == "Contacts"
        world.census.trigger(CONTACTS)
        until(lambda: world.cli("trace", "8")[0] == 0)
        after = world.cli("trace", "8")[1]
        assert "written in run" in after
        code, nobody, _ = world.cli("trace", "asha.rao@example.com")
        assert code == 2 and "No contact has this ID" in nobody and "asha" not in nobody
        in_own_words("\n".join([out, pending, behind, after, nobody]))
    finally:
        world.stop()


def test_without_a_warehouse_a_trace_is_refused_with_the_reason(tmp_path: Path) -> None:
    world = Twenty(tmp_path)
    world.start()
    try:
        code, _, err = world.cli("trace", "7")
        assert code == 2 and "A trace needs a warehouse, and SYNC_HEALTH_WAREHOUSE is none here." in err
    finally:
        world.stop()


def test_without_a_statement_the_answer_names_the_file_that_would_add_it(tmp_path: Path) -> None:
    world = Contacts(tmp_path, config=without_trace(tmp_path))
    world.start()
    try:
        code, _, err = world.cli("trace", "7")
        assert code == 2 and NO_TRACE in err
        with world.started():
            world.slack.command(ROBIN, "trace 7")
            assert NO_TRACE in words(until(lambda: world.slack.ephemerals(ROBIN)))
    finally:
        world.stop()


NO_TRACE = (
    "The contacts pipeline has no trace. A statement sql/measure/trace.sql in its folder would add it: "
    "docs/YOUR_PIPELINE.md lists its columns."
)


def without_trace(tmp_path: Path) -> Path:
    """The folder of the contacts, but for that file."""
    folder = Path(shutil.copytree(CONFIG.parent, tmp_path / "without"))
    (folder / "sql" / "measure" / "trace.sql").unlink()
    return folder / "pipeline.yml"
