"""A pipeline.yml of an earlier version means what it meant."""

from pathlib import Path

import pytest
import yaml

from bot.config import earlier, shipped
from bot.errors import ConfigurationError
from tests.unit import pipelines
from tests.unit.pipelines import PIPELINE, Load

load = pipelines.load  # the fixtures
problems = pipelines.problems
EARLIER = (
    PIPELINE.replace("role:", "direction:")
    .replace("checks: [sync, properties]\n", "checks: []\n")
    .replace("measure: ./sql/measure/health.sql\n", "")
)


def test_what_it_leaves_unsaid_is_what_the_shipped_pipeline_says() -> None:
    unsaid = yaml.safe_load(earlier.UNSAID.read_text(encoding="utf-8"))
    today = yaml.safe_load((shipped.FOLDER / "pipeline.yml").read_text(encoding="utf-8"))
    assert unsaid["pipeline"] == {name: today[name] for name in unsaid["pipeline"]}
    for sync in today["syncs"]:
        of_role = unsaid["syncs"][sync["role"]]
        assert {"limits": {}} | {name: sync[name] for name in of_role if name in sync} == of_role
        assert unsaid["queues"][sync["role"]] == sync["queue"]


def test_its_syncs_have_roles_and_all_that_the_shipped_ones_have(load: Load) -> None:
    settings, today = load(EARLIER), load(PIPELINE)
    assert [sync.role for sync in settings.syncs] == ["create", "update"]
    assert settings.syncs[0].key == ("rds_property_id", "sfdc_id")
    assert {check.name for check in settings.checks} == {check.name for check in today.checks}
    assert (settings.measure, settings.deploy_to) == ("measure/health", "crm.sfdc_dbx")


def test_it_is_known_to_be_of_an_earlier_version(load: Load) -> None:
    assert load(EARLIER).is_of_earlier_version
    assert not load(PIPELINE).is_of_earlier_version


def test_thresholds_of_a_queue_are_those_of_the_backlog_of_its_sync(load: Load) -> None:
    text = EARLIER.replace("limits: {}", 'limits: {create_queue: {warn: "> 60"}, update_queue: {enabled: false}}')
    settings = load(text)
    create = settings.check_called("backlog", "Sync A")
    assert create and (str(create.warn), str(create.critical)) == ("> 60", "> 100")
    assert settings.check_called("backlog", "Sync B") is None


def test_its_own_checks_name_a_role_where_they_named_a_direction(load: Load) -> None:
    own = pipelines.OWN.replace("  - sync\n  - properties\n", "") + "    rerun: update\n"
    settings = load(EARLIER.replace("checks: []\n", own))
    check = settings.check_called("lost_rows")
    assert check and settings.helping_sync(check, None) == "Sync B"


def test_what_is_wrong_in_it_is_told_with_the_line_it_has_there(problems: "pipelines.Callable[..., list[str]]") -> None:
    own = pipelines.OWN.replace("  - sync\n  - properties\n", "").replace("critical", "critcal")
    text = EARLIER.replace("checks: []\n", own).replace("id: 2", "idd: 2")
    assert problems(text) == [
        'pipeline.yml:12: syncs: "id" is missing',
        'pipeline.yml:13: syncs.idd: unknown key "idd": did you mean "id"?',
        'pipeline.yml:23: checks.critcal: unknown key "critcal": did you mean "critical"?',
    ]


@pytest.mark.parametrize("direction", ["upsert", "5", "[create]"])
def test_a_direction_that_there_never_was_is_refused(load: Load, direction: str) -> None:
    with pytest.raises(ConfigurationError, match="direction"):
        load(EARLIER.replace("direction: update", f"direction: {direction}"))


def test_a_queue_of_another_name_is_read_by_the_statements_too(load: Load, tmp_path: Path) -> None:
    for text in (EARLIER, PIPELINE):
        settings = load(text.replace("crm.sfdc_dbx.properties_to_update", "lake.x.y"))
        assert settings.tables == {"crm.sfdc_dbx.properties_to_update": "lake.x.y"}
