"""databricks.yml: the alert, the dashboard, three jobs and two targets, with comments for whoever deploys it."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Any

import yaml

from bot.config.names import table_parts
from bot.config.settings import Settings

MARK = "Written by `sync-health deploy --bundle`"  # by which a later run knows its own files
CLI = ">= 1.3.0"  # of the Databricks CLI: deploys without Terraform
DASHBOARD, SNAPSHOT, VALIDATION = "dashboard.lvdash.json", "snapshot.sql", "validation.sql"
CATALOG, SCHEMA, WAREHOUSE, RUN_AS = (f"${{var.{name}}}" for name in ("catalog", "schema", "warehouse_id", "run_as"))
EVERY_TWO_HOURS, EVERY_HOUR = "0 0 0/2 * * ?", "0 0 * * * ?"
REMIND = 4 * 3600  # seconds: how soon an alert that stays red is sent again
HEADER = f"""\
# {MARK} from pipeline.yml, checks and sql/: change those and run it again. What is yours goes into
# team.yml next to this file (docs/DEPLOYMENT.md): the workspace, the warehouse, who prod runs as, who gets alerts.
#
#   databricks bundle validate -t dev
#   databricks bundle deploy -t dev    (schedules are paused there)
#   databricks bundle deploy -t prod
#
# What it reads is created by `sync-health deploy`, which comes first.
"""
# However late the warehouse is there; in UTC. Databricks' scheduler may itself be some minutes late.
TRIGGER = {"triggered_ms": "{{job.trigger.time.timestamp_ms}}", "trigger_type": "{{job.trigger.type}}"}
OWN = "team*.yml"  # what a team adds: never written here
Document = dict[str, Any]


def bundle_document(settings: Settings, query: str, *, tiles: bool) -> str:
    """The text of databricks.yml; `query` is that of the alert, and without tiles there is no dashboard."""
    bundle = {"name": f"sync-health-{settings.pipeline}", "databricks_cli_version": CLI}
    return "\n".join(
        [
            HEADER,
            _as_yaml({"bundle": bundle, "include": [OWN]}),
            "# Each is given below a target in team.yml, or with --var NAME=… where it is no list.",
            _as_yaml({"variables": _variables(settings)}),
            _as_yaml({"resources": _resources(settings, query, tiles=tiles)}),
            _as_yaml({"targets": _targets(tiles=tiles)}).rstrip("\n") + "\n",
        ]
    )


def _variables(settings: Settings) -> Document:
    catalog, schema = table_parts(str(settings.deploy_to))
    me = "${workspace.current_user.userName}"
    return {
        "catalog": {
            "description": "Where `sync-health deploy` created the audit log and the views",
            "default": catalog,
        },
        "schema": {"description": "…and the schema there", "default": schema},
        "warehouse_id": {"description": "ID of a serverless or pro SQL warehouse, the last part of its HTTP path"},
        "run_as": {"description": "Application ID of the service principal that prod runs as"},
        "recipients": {
            "description": "Who gets the alert: a list of user_email or destination_id (a notification destination)",
            "type": "complex",
            "default": [{"user_email": me}],
        },
        "failure_emails": {
            "description": "Who gets an email when a job fails: a list of addresses",
            "type": "complex",
            "default": [me],
        },
        "embed_credentials": {
            "description": "true: viewers see the data with the rights of whoever deploys, who is run_as then",
            "default": False,
        },
    }


def _resources(settings: Settings, query: str, *, tiles: bool) -> Document:
    name = f"Sync Health {settings.pipeline}"
    jobs = {
        "snapshot": _snapshot_job(settings, f"{name}: audit snapshot"),
        "validation": _validation_job(settings, f"{name}: validation"),
    }
    found: Document = {"alerts": {"red_syncs": _alert(settings, name, query)}, "jobs": jobs}
    if tiles:
        jobs["dashboard_refresh"] = _refresh_job(settings, f"{name}: dashboard refresh")
        found["dashboards"] = {"sync_health": _dashboard(name)}
    return found


def _alert(settings: Settings, name: str, query: str) -> Document:
    """Version 2 of SQL alerts, which owns its query. It triggers on any red row, and where there is no answer."""
    schedule = {"quartz_cron_schedule": EVERY_TWO_HOURS, "timezone_id": settings.zone.key}
    return {
        "display_name": f"{name}: red syncs",
        "custom_summary": f"{name}: {{{{QUERY_RESULT_VALUE}}}} red",
        "custom_description": "{{QUERY_RESULT_TABLE}}",
        "query_text": query,
        "warehouse_id": WAREHOUSE,
        "evaluation": {
            "source": {"name": "red_syncs"},
            "comparison_operator": "GREATER_THAN_OR_EQUAL",  # a threshold of 0 is what JSON without zeros leaves out
            "threshold": {"value": {"double_value": 1}},
            "empty_result_state": "TRIGGERED",
            "notification": {
                "notify_on_ok": True,
                "retrigger_seconds": REMIND,
                "subscriptions": "${var.recipients}",
            },
        },
        "schedule": schedule,
    }


def _dashboard(name: str) -> Document:
    return {
        "display_name": name,
        "file_path": f"./{DASHBOARD}",
        "warehouse_id": WAREHOUSE,
        "dataset_catalog": CATALOG,
        "dataset_schema": SCHEMA,
        "embed_credentials": "${var.embed_credentials}",
    }


def _snapshot_job(settings: Settings, name: str) -> Document:
    """It writes one row, however often it runs."""
    again = {"max_retries": 2, "min_retry_interval_millis": 300_000}
    return _job(settings, name, _daily(settings.schedule.snapshot), "snapshot", _sql_task(SNAPSHOT, TRIGGER) | again)


def _validation_job(settings: Settings, name: str) -> Document:
    return _job(settings, name, _daily(settings.schedule.digest), "validation", _sql_task(VALIDATION, {}))


def _sql_task(file: str, parameters: Mapping[str, str]) -> Document:
    places = {"catalog": f"`{CATALOG}`", "schema": f"`{SCHEMA}`"}
    return {
        "sql_task": {"warehouse_id": WAREHOUSE, "file": {"path": f"./{file}"}, "parameters": {**places, **parameters}}
    }


def _daily(at: time) -> str:
    return f"0 {at.minute} {at.hour} * * ?"


def _refresh_job(settings: Settings, name: str) -> Document:
    task = {"dashboard_id": "${resources.dashboards.sync_health.id}", "warehouse_id": WAREHOUSE}
    return _job(settings, name, EVERY_HOUR, "refresh", {"dashboard_task": task})


def _job(settings: Settings, name: str, cron: str, key: str, task: Document) -> Document:
    return {
        "name": name,
        "schedule": {"quartz_cron_expression": cron, "timezone_id": settings.zone.key},
        "max_concurrent_runs": 1,
        "timeout_seconds": 1800,
        "email_notifications": {"on_failure": "${var.failure_emails}"},
        "tasks": [{"task_key": key, **task}],
    }


def _targets(*, tiles: bool) -> Document:
    """prod lies in the folder of the principal that it runs as: one copy, which its jobs can read."""
    prod: Document = {
        "mode": "production",
        "workspace": {"root_path": f"/Workspace/Users/{RUN_AS}/.bundle/${{bundle.name}}/${{bundle.target}}"},
        "run_as": {"service_principal_name": RUN_AS},
    }
    if tiles:
        seen = [{"level": "CAN_MANAGE", "service_principal_name": RUN_AS}]  # whoever refreshes must see it
        prod["resources"] = {"dashboards": {"sync_health": {"permissions": seen}}}
    dev = {"mode": "development", "default": True, "variables": {"run_as": "${workspace.current_user.userName}"}}
    return {"dev": dev, "prod": prod}


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block, which people can read and compare."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
# Numbers of YAML 1.2, which the Databricks CLI reads and PyYAML would write bare: a schema may be called 1e3.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)[eE][-+]?\d+|0o[0-7]+"), list("-+.0123456789")
)


def _as_yaml(part: Document) -> str:
    return str(yaml.dump(part, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000))
