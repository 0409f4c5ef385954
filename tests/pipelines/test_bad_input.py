"""What cannot work in a pipeline's folder: one line each, with its place and what would mend it."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.errors import ConfigurationError
from bot.runtime.composition import settings_from
from tests.pipelines.contacts import CONFIG, Contacts


def load(folder: Path, changes: Mapping[str, str], files: Mapping[str, str] | None = None) -> Settings:
    """The contacts pipeline with something else written in it."""
    shutil.copytree(CONFIG.parent, folder, dirs_exist_ok=True)
    text = (folder / "pipeline.yml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")
    for name, content in (files or {}).items():
        (folder / name).write_text(content, encoding="utf-8")
    return settings_from({"SYNC_HEALTH_CONFIG": str(folder)})


CONDITION = "email NOT LIKE '%@%'"
EXAMPLE = "write one such as: email IS NULL OR email = ''"
SWITCH = "{enabled: false}"
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "two syncs with one id": ({"id: 102": "id: 101"}, "pipeline.yml:24: syncs.id: another sync has the id 101"),
    "with one name": ({"name: Deals": "name: contacts"}, "pipeline.yml:23: syncs.name: another sync has the name"),
    "with one role": (
        {"    id: 101": "    id: 101\n    role: people", "    id: 103": "    id: 103\n    role: people"},
        "syncs.role: another sync has the role people",
    ),
    "with one queue": (
        {"crm.deals_to_sync": "crm.contacts_to_sync"},
        "pipeline.yml:27: syncs.queue: another sync has the queue lake-prod.crm.contacts_to_sync: each has its own",
    ),
    "a subquery": (
        {CONDITION: "email IN (SELECT email FROM lake.crm.bad)"},
        f"pipeline.yml:20: syncs.suspect: has a subquery, and may name columns of the queue alone: {EXAMPLE}",
    ),
    "a semicolon": (
        {CONDITION: "email IS NULL; DROP TABLE x"},
        f"pipeline.yml:20: syncs.suspect: has a semicolon, and is one condition: {EXAMPLE}",
    ),
    "a group that nobody measures for": (
        {"  - sync\n": "  - sync\n  - properties\n"},
        'pipeline.yml:37: checks: nothing measures what the group "properties" judges, such as "enriched_named_like_'
        'property": take the group out',
    ),
    "a path that is not there": (
        {"./checks": "./cheks"},
        "pipeline.yml:37: checks: there is no ./cheks next to pipeline.yml: create it, or take it out",
    ),
    "a path that leads out of the folder": (
        {"./checks": "../other/checks"},
        "pipeline.yml:37: checks: ../other/checks lies outside of the folder of pipeline.yml: copy it into that one",
    ),
    "an unknown group": ({"  - sync\n": "  - snyc\n"}, 'there is no group "snyc": did you mean "sync"?'),
    "no such measure": (
        {"./sql/health.sql": "./sql/helth.sql"},
        "pipeline.yml:31: measure: there is no file ./sql/helth.sql: write one of sql/, next to pipeline.yml",
    ),
    "a need that nothing counts": (
        {"needs: [contact_rows]": "needs: [contact_row]"},
        'pipeline.yml:21: syncs.needs: "contact_row" is not in row_counts: known are contact_rows',
    ),
    "a count that the statement has not": (
        {"needs: [contact_rows]": "needs: [rows]", "{contact_rows:": "{rows:"},
        'pipeline.yml:32: row_counts.rows: ./sql/health.sql returns no "rows": did you mean "contact_rows"?',
    ),
    "a rerun of no sync": (
        {"rerun: Contacts": "rerun: Kontacts"},
        'pipeline.yml:47: checks.rerun: there is no sync "Kontacts": did you mean "Contacts"?',
    ),
    "off in words": (
        {f"empty_runs: {SWITCH}": "empty_runs: off"},
        f'syncs.limits.empty_runs: "off" is no threshold: write {SWITCH} to switch the check off',
    ),
    "limits of a sync for a check of all": (
        {f"empty_runs: {SWITCH}": 'nameless_contacts: {warn: "> 9"}'},
        "syncs.limits.nameless_contacts: is not judged sync by sync: write it under limits of the pipeline",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_is_one_line_with_its_place_and_its_remedy(what: str, tmp_path: Path) -> None:
    changes, said = WRONG[what]
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "p", changes)
    [problem] = caught.value.problems
    assert said in problem and problem.startswith("pipeline.yml:")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("checks:\n  - name: [oops\n", "checks/bad.yml:2: not YAML: a [ or { is opened here and not closed"),
        ("- a\n- b\n", "checks/bad.yml:1: a list is not a block of keys and values"),
        ("", 'checks/bad.yml:1: "checks" is missing'),
    ],
)
def test_a_file_of_checks_that_holds_none_is_named(content: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "p", {}, {"checks/bad.yml": content})
    [problem] = caught.value.problems
    assert said in problem


def test_what_is_no_mistake_is_taken(tmp_path: Path) -> None:
    settings = load(
        tmp_path / "p", {"rerun: Contacts": "rerun: role:people", f"empty_runs: {SWITCH}": "empty_runs: false"}
    )
    nameless = settings.check_called("nameless_contacts")
    assert nameless and settings.helping_sync(nameless, None) is None, "a role without a sync offers no button"
    assert settings.check_called("empty_runs", "Contacts") is None


def test_a_folder_without_pipeline_yml_is_the_variables_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings_from({"SYNC_HEALTH_CONFIG": str(tmp_path)})
    [problem] = caught.value.problems
    there = f"there is no {tmp_path}/pipeline.yml: write the path of a pipeline.yml, or of the folder that has one"
    assert problem == f"environment: SYNC_HEALTH_CONFIG: {there}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Contacts]:
    world = Contacts(tmp_path)
    world.start()
    yield world
    world.stop()


def test_a_queue_that_is_not_there_blinds_its_own_numbers_alone(world: Contacts) -> None:
    world.run('DROP VIEW "lake-prod".crm.deals_to_sync')
    answer = world.check()
    blind = {(one["name"], one["sync"]) for one in answer["checks"] if one["outcome"] != "ok"}
    assert {sync for _, sync in blind} == {"Deals"} and ("backlog", "Deals") in blind
    assert [one["pending"] for one in answer["syncs"]] == [0, None, None]
    code, out, _ = world.cli("doctor")
    assert code == 2 and "✗ lake-prod.crm.deals_to_sync: Table or view lake-prod.crm.deals_to_sync is missing" in out
    assert "→ name the one that you have under tables (or the sync's queue) in pipeline.yml" in out


@pytest.mark.full
def test_a_key_that_is_not_there_blinds_no_number_and_the_records_say_why(world: Contacts) -> None:
    world.run('CREATE OR REPLACE VIEW "lake-prod".crm.contacts_to_sync AS SELECT * EXCLUDE (contact_id) '
              'FROM "lake-prod".crm.contacts WHERE contact_id > 1000')  # fmt: skip
    world.add(2001, 2003)
    assert [one["pending"] for one in world.check()["syncs"]] == [3, 0, None]
    assert "✗ lake-prod.crm.contacts_to_sync: without contact_id" in world.cli("doctor")[1]
    with world.started():
        answer = world.ask("queue contacts")
        assert "contact_id is missing" in answer and "nexpected" not in answer
