"""docs/YOUR_PIPELINE.md and the code say the same, and what it shows works."""

import os
import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from bot.cli.app import app
from bot.config.load import load_settings
from bot.config.settings import Settings
from bot.config.yaml_lines import read_yaml
from bot.sql.statements import Statements
from tests import key_tables
from tests.unit.pipelines import ENVIRONMENT

HOME = Path(__file__).resolve().parent.parent.parent
DOCUMENT = HOME / "docs/YOUR_PIPELINE.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
CONTACTS = HOME / "tests/contacts"
PAGES = ("README.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in sorted((HOME / "docs").glob("*.md"))))
COMING = {"init"}  # what another part brings


def blocks(kind: str) -> list[str]:
    """The fenced blocks of the document that begin with these words."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def parsed(text: str, folder: Path) -> dict[str, object]:
    path = folder / "block.yml"
    path.write_text(text, encoding="utf-8")
    data = read_yaml(path).data
    assert isinstance(data, dict)
    return data


def load(data: dict[str, object], folder: Path) -> Settings:
    """Settings of a folder with these keys in pipeline.yml, and the checks and statements of the contacts."""
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.yml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    for part in ("checks", "sql"):
        if not (folder / part).exists():
            (folder / part).symlink_to(CONTACTS / part)
    return load_settings(ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(folder)}, library=Statements)


@pytest.mark.parametrize("block", blocks("yaml pipeline"))
def test_every_example_of_pipeline_yml_loads(block: str, tmp_path: Path) -> None:
    """One that is not whole takes the rest from the contacts."""
    keys = parsed(block, tmp_path)
    whole = {} if "name" in keys else read_yaml(CONTACTS / "pipeline.yml").data
    assert isinstance(whole, dict)
    load({**whole, **keys}, tmp_path / "pipeline")


def test_every_yaml_block_is_tried() -> None:
    assert re.findall(r"^```(ya?ml.*)$", TEXT, re.MULTILINE) == ["yaml pipeline"] * len(blocks("yaml pipeline"))


def test_every_statement_is_one_of_the_contacts() -> None:
    shown = blocks("sql")
    assert shown
    files = [path.read_text(encoding="utf-8") for path in (CONTACTS / "sql").rglob("*.sql")]
    assert all(block in files for block in shown)


@pytest.fixture
def examples(tmp_path: Path) -> list[object]:
    """What keys are shown with: the document's own blocks, the contacts, and what ships."""
    shipped = [HOME / "pipeline.yml", *sorted((HOME / "checks/sync").glob("*.yml"))]
    files = [read_yaml(path).data for path in (CONTACTS / "pipeline.yml", *shipped)]
    return [*(parsed(block, tmp_path) for block in blocks("yaml pipeline")), *files]


@pytest.mark.parametrize("marker", key_tables.TABLES)
def test_its_tables_have_every_key(marker: str, examples: list[object]) -> None:
    """`UPDATE_DOCS=1` writes them again: the comments above the fields are what they say."""
    table = key_tables.table_of(marker, examples)
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = f"<!-- keys: {marker} -->\n", "<!-- end -->"
    before, _, rest = text.partition(begin)
    written, _, after = rest.partition(end)
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
        return
    assert written.strip() == table.strip(), "UPDATE_DOCS=1 writes it again"


@pytest.mark.parametrize("marker", key_tables.TABLES)
def test_every_key_says_what_it_means_and_shows_how(marker: str, examples: list[object]) -> None:
    rows = [line.strip("| ").split(" | ") for line in key_tables.table_of(marker, examples).splitlines()[2:]]
    assert [row for row in rows if len(row) < 4 or not row[3].strip()] == []
    with_rows_of_their_own = {"syncs", "limits", *(key.removesuffix("[]") for key in key_tables.NESTED)}
    bare = {row[0].strip("`") for row in rows if len(row) < 5 or not row[4].strip()}
    assert bare <= with_rows_of_their_own


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    text = (HOME / page).read_text(encoding="utf-8")
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    typed = [found for one in code for found in re.findall(r"(?<![/\w-])sync-health ([a-z][\w-]+)([^\n]*)", one)]
    commands = get_command(app).commands
    assert {name for name, _ in typed} <= commands.keys() | COMING
    for name, rest in typed:
        known = {option for one in commands[name].params for option in one.opts} if name in commands else set()
        assert set(re.findall(r"(?<!\S)--[\w-]+", rest)) <= known | {"--help"} or name not in commands, (name, rest)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_is_there(page: str) -> None:
    text = (HOME / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for link in links:
        file, _, heading = link.partition("#")
        target = (HOME / page).parent / file if file else HOME / page
        assert target.exists(), link
        if heading:
            titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, link
