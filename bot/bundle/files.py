"""All files of a bundle, by name, from a pipeline's settings and statements."""

from collections.abc import Mapping

from bot.bundle.dashboard import dashboard
from bot.bundle.document import CATALOG, DASHBOARD, MARK, SCHEMA, SNAPSHOT, VALIDATION, bundle_document
from bot.bundle.jobs import alert_query, snapshot_job, validation_job
from bot.config.settings import Settings
from bot.services.deploy import plan_deploy
from bot.sql.statements import Statements
from bot.sql.tiles import read_tiles

BUNDLE = "databricks.yml"


def bundle_files(settings: Settings) -> Mapping[str, str]:
    """Their texts, the same for the same pipeline.

    Raises RefusedError where nothing can be deployed, ConfigurationError and PermanentError with what cannot be read.
    """
    plan_deploy(settings)
    statements = Statements.of(settings)
    tiles = read_tiles(statements, settings)
    query = alert_query(statements, settings, CATALOG, SCHEMA)
    jobs = {SNAPSHOT: snapshot_job(statements, settings), VALIDATION: validation_job(statements, settings)}
    return {
        BUNDLE: bundle_document(settings, query, tiles=bool(tiles)),
        **({DASHBOARD: dashboard(statements, settings, tiles, MARK)} if tiles else {}),
        **{name: f"-- {MARK} from pipeline.yml, checks and sql/\n{text}" for name, text in jobs.items()},
    }


def is_ours(text: str) -> bool:
    """Whether an earlier run wrote this."""
    return MARK in text
