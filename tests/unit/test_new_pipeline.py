"""What `init` writes: every text loads, whatever the names in it, and says what was answered."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import shipped
from bot.config.env_file import SECTIONS, VARIABLES, env_text, inherited
from bot.config.load import load_settings
from bot.config.names import table_name, table_parts
from bot.config.new_pipeline import (
    DESTINATION,
    NAME,
    QUEUE,
    ZONE,
    NewPipeline,
    NewSync,
    default_key,
    distinct_names,
    likely_changes,
    name_of,
    pipeline_text,
)
from bot.config.settings import Settings
from bot.config.yaml_lines import FILLERS
from bot.sql.statements import Statements

ODD = ("it's", 'a "b"', "a: b", "#1 list", "x # y", "- dash", "Größe", "屋根 🏠", "true", "off", "~", "1.5e3", "0x1F")
ODD += (
    "All",
    "{a}",
    "[b]",
    "a, b",
    "&a",
    "*b",
    "!c",
    "%d",
    "@e",
    "`f`",
    "|",
    ">",
    "?",
    "12:30",
    "2026-01-01",
    "null",
    "a\\b",
)
LABEL = st.one_of(st.sampled_from(ODD), st.text(max_size=60))
PART = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters=FILLERS)
    | st.sampled_from(" -.`'\"#:"),
    min_size=1,
)
WORD = st.one_of(st.sampled_from(["Größe", "it's", "a: b", "off", "null", "- x", "#1"]), st.text(max_size=40))


def loaded(new: NewPipeline, *, changed: str | None = None, **files: str) -> Settings:
    """The settings of a folder with this pipeline.yml."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "pipeline.yml").write_text(changed or pipeline_text(new), encoding="utf-8")
        for name, text in files.items():
            (path := Path(folder) / "sql" / "checks" / f"{name}.sql").parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        environment = {"SYNC_HEALTH_CONFIG": folder, "SYNC_HEALTH_WAREHOUSE": "duckdb:/data", "CENSUS_API_TOKEN": "t"}
        return load_settings(environment, library=Statements, needs=("census", "warehouse"))


@settings(deadline=None)
@given(st.dictionaries(st.integers(1, 10**9) | st.integers(1, 9), LABEL, min_size=1, max_size=8))
def test_any_labels_of_census_become_names_that_load_and_tell_syncs_apart(labels: dict[int, str]) -> None:
    names = distinct_names(labels)
    read = loaded(NewPipeline(syncs=tuple(NewSync(id_, name) for id_, name in names.items())))
    assert {sync.id: sync.name for sync in read.syncs} == names


@settings(deadline=None)
@given(
    st.tuples(PART, PART, PART),
    st.lists(st.sampled_from(["id", "größe", "a b", "a: b", "#1", "on"]), max_size=3, unique=True),
)
def test_any_table_that_may_be_a_queue_is_written_so_that_it_loads(parts: tuple[str, str, str], key: list[str]) -> None:
    name = table_name(parts)
    assert table_parts(name) == parts
    sync = NewSync(101, "Contacts", str(QUEUE(name)), tuple(key), "updated at #1")
    [sync_read] = loaded(NewPipeline(syncs=(sync,))).syncs
    assert (sync_read.queue, sync_read.key, sync_read.changed_at) == (name, tuple(key), "updated at #1")


@settings(deadline=None)
@given(WORD, WORD)
def test_any_words_that_the_questions_take_are_read_back(destination: str, record: str) -> None:
    try:
        words = str(DESTINATION(destination)), str(DESTINATION(record))
    except ValueError:
        return  # the question is asked again
    if not all(word.isprintable() for word in words):
        return  # so it is here
    read = loaded(NewPipeline(destination=words[0], one=words[1]))
    assert (read.destination, read.noun.one) == words


def test_what_was_answered_is_what_holds() -> None:
    contacts = NewSync(101, "Contacts", "lake-prod.crm.contacts_to_sync", ("contact_id",), "updated_at")
    people, syncs = ("U0A", "S0B", "W0C"), (contacts, NewSync(7, "Deals"))
    new = NewPipeline("contacts", "Asia/Kolkata", "contact", "contacts", "HubSpot", "C012ABC", people, syncs)
    read = loaded(new)
    assert (read.pipeline, read.zone.key, read.noun.many) == ("contacts", "Asia/Kolkata", "contacts")
    assert (read.destination, read.channel) == ("HubSpot", "C012ABC")
    assert (read.operators.users, read.operators.groups) == (("U0A", "W0C"), ("S0B",))
    assert [sync.queue for sync in read.syncs] == ["lake-prod.crm.contacts_to_sync", None]


def commented_out(text: str) -> Iterator[str]:
    """The file with every option that stands in it as a comment."""
    for line in text.splitlines():
        option = re.match(r"( *)# ((?: *- )?(?: *)[a-z_]+: .*|  *- \{.*)$", line)
        yield f"{option[1]}{option[2]}" if option else line


def test_every_option_that_is_commented_out_can_be_used_as_it_stands() -> None:
    new = NewPipeline(syncs=(NewSync(101, "Contacts", "lake.crm.contacts"),))
    text = "\n".join(commented_out(pipeline_text(new))).replace("    # suspect:", "    suspect:") + "\n"
    assert not re.search(r"^ *# +(- )?[a-z_]+: ", text, re.MULTILINE)
    read = loaded(new, changed=text, nameless="-- How many?\nSELECT\n  CAST(1 AS BIGINT) AS nameless\n")
    [sync] = read.syncs
    assert sync.starts == "external" and sync.suspect and sync.group_by == ("region",)
    assert read.owner and read.fallback_channel and read.deploy_to == "main.sync_health"
    assert "nameless" in {check.name for check in read.checks}


def test_the_env_file_has_the_variables_of_the_example_in_its_order() -> None:
    example = (shipped.FOLDER / ".env.example").read_text(encoding="utf-8")
    assert list(VARIABLES) == re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)
    assert re.findall(r"^([A-Z_]+)=", env_text({}), re.MULTILINE) == list(VARIABLES)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_a_shell_reads_back_what_was_written(value: str) -> None:
    with TemporaryDirectory() as folder:
        (path := Path(folder) / ".env").write_text(env_text({"CENSUS_GROUP_ID": value}), encoding="utf-8", newline="")
        script = 'set -a; . "$1"; printf %s "$CENSUS_GROUP_ID"'
        read = subprocess.run(["sh", "-c", script, "sh", str(path)], capture_output=True, check=True, env={})
    assert read.stdout == value.encode()
    assert read.stderr == b""


def test_a_secret_in_a_file_is_named_by_its_file() -> None:
    text = env_text({"CENSUS_API_TOKEN_FILE": "/run/my secrets/census"})
    assert "CENSUS_API_TOKEN_FILE='/run/my secrets/census'\n" in text and "CENSUS_API_TOKEN=" not in text


def test_state_and_heartbeat_of_another_pipeline_are_not_taken_over() -> None:
    environment = dict.fromkeys([*VARIABLES, "CENSUS_API_TOKEN_FILE", "PATH"], "x")
    left = set(VARIABLES) - inherited(environment).keys()
    assert left == {"SYNC_HEALTH_CONFIG", "SYNC_HEALTH_STATE", "HEARTBEAT_URL"}
    assert {name for _, names in SECTIONS for name in names} == set(VARIABLES)


@pytest.mark.parametrize(
    ("columns", "table", "key"),
    [
        (["id", "contact_id"], "a.b.contacts", "id"),
        (["company_id", "rds_property_id", "sfdc_id"], "crm.x.properties_to_create", "rds_property_id"),
        (["company_id", "sfdc_id"], "a.b.deals", None),
        (["account_id", "name"], "a.b.deals", "account_id"),
        (["name", "paid"], "a.b.deals", None),
    ],
)
def test_a_key_is_proposed_where_one_is_clear(columns: list[str], table: str, key: str | None) -> None:
    assert default_key(columns, table) == key


def test_times_of_change_are_known_by_their_names() -> None:
    columns = ["created_at", "is_changed", "rds_last_updated_at", "update_time", "updated_by"]
    assert likely_changes(columns) == ["rds_last_updated_at", "update_time"]


NAMES = [("contacts", "contacts"), ("My Größe 2!", "my-grosse-2"), ("2026", "pipeline"), ("", "pipeline")]


@pytest.mark.parametrize(("folder", "name"), NAMES)
def test_a_pipeline_is_called_like_its_folder_where_that_is_a_name(folder: str, name: str) -> None:
    assert name_of(folder) == NAME(name)


def test_a_zone_is_checked_as_it_is_when_it_is_loaded() -> None:
    with pytest.raises(ValueError, match='did you mean "Europe/Berlin"') as refused:
        ZONE("Europe/Berln")
    assert str(refused.value).startswith('there is no time zone "Europe/Berln"')


def test_observe_mode_is_a_hint_to_uncomment() -> None:
    text = pipeline_text(NewPipeline())
    assert "\n# mode: observe " in text and not loaded(NewPipeline()).observes
    assert loaded(NewPipeline(), changed=text.replace("# mode: observe", "mode: observe")).observes
