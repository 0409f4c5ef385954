"""A pipeline's own runbook.md: its sections replace the product's and extend them."""

from pathlib import Path

import pytest

from bot.config.load import load_settings
from bot.config.runbook import anchor_of, product_runbook, sections_of
from bot.config.settings import Settings
from bot.errors import ConfigurationError
from bot.services.show_runbook import show_runbook, topics
from bot.sql.statements import Statements
from tests.unit.pipelines import ENVIRONMENT

PIPELINE = "name: contacts\nzone: Asia/Kolkata\nchannel: contacts-health\nsyncs: [{name: Companies, id: 103}]\n"


def load(folder: Path, runbook: str | bytes | None) -> Settings:
    (folder / "pipeline.yml").write_text(PIPELINE, encoding="utf-8")
    if runbook is not None:
        (folder / "runbook.md").write_bytes(runbook if isinstance(runbook, bytes) else runbook.encode())
    return load_settings(ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(folder)}, library=Statements)


def problems(folder: Path, runbook: str | bytes | None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, runbook)
    return [one.removeprefix(f"{folder}/") for one in caught.value.problems]


def test_without_one_the_product_s_holds(tmp_path: Path) -> None:
    assert load(tmp_path, None).runbook is product_runbook()


def test_a_section_replaces_the_one_of_its_heading_and_others_are_added(tmp_path: Path) -> None:
    own = "# Ours\n\nFor us\n\n## Failed runs\n\nAsk in SYNC's channel.\n\n## Night shift\n\n### Telephone\n\nOne.\n"
    settings = load(tmp_path, own)
    assert show_runbook(settings, "failed_runs").section.text.strip() == "Ask in Companies's channel."
    assert show_runbook(settings, "night shift").section.title == "Night shift"
    assert topics(settings)["Of this pipeline"] == [  # that of a check is listed as the check
        ("night-shift", "Night shift"),
        ("telephone", "Telephone"),
    ]
    assert product_runbook().keys() < settings.runbook.keys(), "and nothing of the product's is lost"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", ['runbook.md: has no section: begin each with a heading such as "## Backlog"']),
        ("# Only a title\n", ['runbook.md: has no section: begin each with a heading such as "## Backlog"']),
        ("## A\n\n### B\n\n## a\n", ['runbook.md:5: there is another section "a": leave one']),
        (
            "## A\n\n```\none\n```\n\n~~~sql\nSELECT 1\n\n## B\n",
            ["runbook.md:7: the code block that begins here does not end, and hides headings below it"],
        ),
        (b"\xff\xfe## A", ["runbook.md: is not UTF-8: save it as UTF-8"]),
        (b"## A\n" + b"x" * 500_000, ["runbook.md: is longer than 500,000 bytes"]),
    ],
)
def test_what_cannot_be_read_is_refused_when_the_bot_starts(
    written: str | bytes, told: list[str], tmp_path: Path
) -> None:
    assert problems(tmp_path, written) == told


def test_a_folder_or_a_broken_link_of_that_name_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "runbook.md").symlink_to(tmp_path / "gone.md")
    assert problems(tmp_path, None) == ["runbook.md: cannot be opened: No such file or directory"]
    (tmp_path / "runbook.md").unlink()
    (tmp_path / "runbook.md").mkdir()
    assert problems(tmp_path, None) == ["runbook.md: cannot be opened: Is a directory"]


def test_a_last_code_block_may_be_left_open(tmp_path: Path) -> None:
    assert load(tmp_path, "## A\n\n```\nSELECT 1\n").runbook["a"].text == "```\nSELECT 1"


def test_a_heading_in_a_code_block_begins_no_section() -> None:
    found = [one for _, one in sections_of("## A\n\n```\n## not this\n```\nmore\n### B #\n#### C\n")]
    assert [(one.anchor, one.part) for one in found] == [("a", "A"), ("b", "A")]
    assert "## not this" in found[0].text and found[1].text == "#### C"


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("Rejected records: data", "rejected-records-data"),
        ("What's new?", "whats-new"),
        ("A – B", "a--b"),
        ("Zürich_1", "zürich_1"),
    ],
)
def test_an_anchor_is_that_of_the_address_of_a_heading(title: str, anchor: str) -> None:
    assert anchor_of(title) == anchor
