"""Settings that look right and would do something else: refused, with what to write instead."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config.settings import config_file, is_shipped, load_settings
from bot.config.yaml_lines import LARGEST, read_yaml
from bot.errors import ConfigurationError
from bot.runtime.composition import known_metrics
from tests.unit.test_settings import ENVIRONMENT, METRICS, PIPELINE, TABLES

Problems = Callable[..., list[str]]


def refused(**environment: str) -> list[str]:
    """What is said about these settings."""
    with pytest.raises(ConfigurationError) as found:
        load_settings(ENVIRONMENT | environment, metrics=METRICS, table_names=TABLES)
    return found.value.problems


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """What is said about pipeline.yml with these replacements."""

    def those(*changes: tuple[str, str], **environment: str) -> list[str]:
        text = PIPELINE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "pipeline.yml"
        path.write_text(text, encoding="utf-8")
        return refused(SYNC_HEALTH_CONFIG=str(path), **environment)

    return those


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the bot is started, without a pipeline.yml."""
    (folder := tmp_path / "here").mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("character", ["a", "é", "漢"])
def test_a_file_is_measured_in_bytes_and_never_cut_off(tmp_path: Path, character: str) -> None:
    path = tmp_path / "pipeline.yml"
    beginning = f"# {character}\na: b\n#".encode()
    path.write_bytes(beginning.ljust(LARGEST, b"#"))
    assert read_yaml(path).data == {"a": "b"}
    path.write_bytes(beginning.ljust(LARGEST, b"#") + b"\n")
    with pytest.raises(ConfigurationError, match="larger than 1 MB"):
        read_yaml(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.yml")


def itself(path: Path) -> None:
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to(os.devnull)


BROKEN: dict[Callable[[Path], None], str] = {
    dangling: "it is a link to a file that is not there",
    itself: "Too many levels of symbolic links",
    os.mkfifo: "it is not a regular file",
    device: "it is not a regular file",
    Path.mkdir: "it is a folder",
}


@pytest.mark.parametrize(("make", "why"), BROKEN.items(), ids=[make.__name__ for make in BROKEN])
def test_a_broken_pipeline_yml_never_gives_way_to_the_shipped_one(
    here: Path, make: Callable[[Path], None], why: str
) -> None:
    make(here / "pipeline.yml")
    assert refused() == [f"{here}/pipeline.yml: cannot be read: {why}"]
    assert not is_shipped(config_file({}))


def test_a_pipeline_yaml_is_not_overlooked(here: Path) -> None:
    (here / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    said = [f"{here}/pipeline.yaml: is not read: rename it to pipeline.yml"]
    assert refused() == refused(SYNC_HEALTH_CONFIG=str(here)) == said
    assert not is_shipped(config_file({}))
    (here / "pipeline.yml").write_text(PIPELINE.replace("name: properties", "name: mine"), encoding="utf-8")
    assert load_settings(ENVIRONMENT, metrics=known_metrics(), table_names=TABLES).pipeline == "mine"
