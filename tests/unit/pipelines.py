"""A pipeline.yml and an environment that can work, and what loads them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config.load import load_settings
from bot.config.settings import Settings
from bot.errors import ConfigurationError
from bot.sql.statements import Statements

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-bot-secret",
    "SLACK_APP_TOKEN": "xapp-app-secret",
    "CENSUS_API_TOKEN": "census-secret",
}
ENVIRONMENT = SECRETS | {"SYNC_HEALTH_WAREHOUSE": "duckdb:/data"}
PIPELINE = """\
name: properties
zone: America/Los_Angeles
channel: sync-health
operators:
  users: [U0OPERATOR]
  groups: []
syncs:
  - name: Sync A
    id: 1
    role: create
    queue: crm.sfdc_dbx.properties_to_create
  - name: Sync B
    id: 2
    role: update
    queue: crm.sfdc_dbx.properties_to_update
tables: {}
limits: {}
checks: [sync, properties]
measure: ./sql/measure/health.sql
"""
OWN = """\
checks:
  - sync
  - properties
  - name: lost_rows
    title: Lost rows
    metric: lost_rows
    source: databricks
    critical: "> 0"
    summary: "{value} rows are lost"
"""

Load = Callable[..., Settings]


class Offered(Statements):
    """The statements of the shipped pipeline, which measure lost rows as well."""

    def columns(self, name: str) -> tuple[str, ...]:
        return (*super().columns(name), *(["lost_rows"] if name == "measure/health" else []))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings from this text as pipeline.yml and this environment."""

    def one(text: str = PIPELINE, **environment: str) -> Settings:
        path = tmp_path / "pipeline.yml"
        path.write_text(text, encoding="utf-8")
        given = ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(path)} | environment
        return load_settings(given, library=Offered)

    return one


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    """What is said about settings that cannot work."""

    def those(text: str = PIPELINE, **environment: str) -> list[str]:
        with pytest.raises(ConfigurationError) as refused:
            load(text, **environment)
        assert str(refused.value) == "\n".join(refused.value.problems)
        return refused.value.problems

    return those
