"""The text of a pipeline's .env, which shells and service managers load: one variable a line, quoted for `sh`."""

import shlex
from collections.abc import Iterator, Mapping

from bot.config.environment import SECRETS

SECTIONS = (  # in this order; the same variables as .env.example
    ("Slack: the app from manifest.yml", ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")),
    (
        "Census: a personal access token, and the Fivetran group where it is asked for",
        ("CENSUS_API_TOKEN", "CENSUS_GROUP_ID"),
    ),
    ("The warehouse: databricks, duckdb:FOLDER, or none", ("SYNC_HEALTH_WAREHOUSE",)),
    (
        "Databricks: the workspace, the HTTP path of a SQL warehouse, and one login, or a profile of ~/.databrickscfg",
        (
            "DATABRICKS_HOST",
            "DATABRICKS_HTTP_PATH",
            "DATABRICKS_TOKEN",
            "DATABRICKS_CLIENT_ID",
            "DATABRICKS_CLIENT_SECRET",
            "ARM_TENANT_ID",
            "ARM_CLIENT_ID",
            "ARM_CLIENT_SECRET",
            "DATABRICKS_CONFIG_PROFILE",
            "DATABRICKS_CONFIG_FILE",
            "DATABRICKS_AUTH_TYPE",
        ),
    ),
    ("The bot's own state, sqlite:///FILE; when empty, sync-health.db where it is started", ("SYNC_HEALTH_STATE",)),
    ("A check of Healthchecks, Dead Man's Snitch, …: requested after each evaluation. A secret", ("HEARTBEAT_URL",)),
    (
        "Pagers, where wanted: an Events API V2 integration of PagerDuty, and an address that takes signed JSON",
        ("PAGERDUTY_ROUTING_KEY", "PAGER_WEBHOOK_URL", "PAGER_WEBHOOK_SECRET"),
    ),
    (
        "Only where yours differ",
        ("SYNC_HEALTH_CONFIG", "SLACK_API_URL", "CENSUS_API_URL", "CENSUS_API_VERSION", "PAGERDUTY_API_URL"),
    ),
)
VARIABLES = tuple(name for _, names in SECTIONS for name in names)
OF_ANOTHER_PIPELINE = ("SYNC_HEALTH_CONFIG", "SYNC_HEALTH_STATE", "HEARTBEAT_URL")  # not shared between two


def settable() -> tuple[str, ...]:
    """Every variable, with the files that a secret may stand in."""
    return (*VARIABLES, *(f"{name}_FILE" for name in SECRETS))


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What the environment says that holds for a new pipeline as well."""
    names = (name for name in settable() if name.removesuffix("_FILE") not in OF_ANOTHER_PIPELINE)
    return {name: environment[name] for name in names if environment.get(name)}


def env_text(values: Mapping[str, str]) -> str:
    """.env with these values and an empty one for each other variable; a secret in a file is named by its file."""
    return "\n".join(_lines(values)) + "\n"


def _lines(values: Mapping[str, str]) -> Iterator[str]:
    yield "# Load it with your shell or service manager: set -a; . ./.env; set +a"
    yield "# Secrets belong here and nowhere else; what the pipeline is stands in pipeline.yml."
    for title, names in SECTIONS:
        yield f"\n# {title}"
        for name in names:
            file = f"{name}_FILE"
            yield _assigned(file, values) if values.get(file) else _assigned(name, values)
    yield "\n# Behind a proxy, or with an authority of your own: for Slack, Census and Databricks alike"
    yield from (
        "# HTTPS_PROXY=http://proxy.example.com:3128",
        "# NO_PROXY=localhost",
        "# SSL_CERT_FILE=/etc/ssl/own.pem",
    )


def _assigned(name: str, values: Mapping[str, str]) -> str:
    value = values.get(name, "")
    return f"{name}={shlex.quote(value) if value else ''}"
