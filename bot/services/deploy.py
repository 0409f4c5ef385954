"""Create what the bot brings along in the warehouse: the audit log and two views, with the limits of pipeline.yml."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.errors import ConfigurationError, PermanentError
from bot.ports import Ports
from bot.settings import Settings
from checks.model import Check, Limit

OURS = ("sync_audit_log", "daily_health_check", "sync_health_monitor")  # each after those that it reads
PIPELINES = (
    "pipeline/tables/companies",
    "pipeline/tables/properties",
    "pipeline/tables/product_property_w_features",
    "pipeline/tables/product_property",
    "pipeline/views/rds_properties_enriched",
    "pipeline/views/properties_aggregated_by_sfdc_id",
    "pipeline/views/properties_to_create",
    "pipeline/views/properties_to_update",
)
COMPARED = {  # check → its name in the views' `settings`, and how the views compare
    "coverage": ("coverage", "<"),
    "create_queue": ("create_queue", ">"),
    "update_queue": ("update_queue", ">"),
    "sync_recency": ("recency", ">"),
}


@dataclass(frozen=True)
class Plan:
    """What is created, in this order, and what goes into the views' `settings`."""

    statements: tuple[str, ...]
    values: Mapping[str, str | float]


def plan_deploy(settings: Settings, *, pipeline: bool = False) -> Plan:
    """What a deploy does. Raises ConfigurationError for limits that the views cannot compare with."""
    values: dict[str, str | float] = {"zone": settings.zone.key}
    values |= {f"{sync.direction}_sync_name": sync.label for sync in settings.syncs}
    found: list[str] = []
    for check in settings.checks:
        if check.name in COMPARED:
            values |= _limits(check, *COMPARED[check.name], found)
    if found:
        raise ConfigurationError(found)
    return Plan((*PIPELINES, *OURS) if pipeline else OURS, values)


def deploy(ports: Ports, by: str, *, pipeline: bool = False) -> tuple[str, ...]:
    """Create everything, anew where it is a view; tables and their rows stay. Returns what was created.

    Raises PermanentError with what is missing: a view needs the tables that it reads.
    """
    plan = plan_deploy(ports.settings, pipeline=pipeline)
    for n, statement in enumerate(plan.statements):
        try:
            ports.warehouse.create(statement, plan.values)
        except PermanentError as error:
            done = f"{n} of {len(plan.statements)} objects are deployed"
            hint = "" if pipeline else "; --pipeline creates the pipeline's own tables and views too"
            raise PermanentError(f"{error} ({done}{hint})") from error
    with ports.store.transaction() as records:
        what = f"{len(plan.statements)} objects created or there already"
        records.audit(ports.clock.now(), by, "deploy", ports.settings.pipeline, what)
    return plan.statements


def _limits(check: Check, name: str, comparison: str, found: list[str]) -> dict[str, str | float]:
    """The numbers of a check's limits; one that compares otherwise is a problem."""
    values: dict[str, str | float] = {}
    for severity in ("warn", "critical"):
        limit = getattr(check, severity)
        if isinstance(limit, Limit):
            if limit.comparison != comparison:
                right = f'write {severity}: "{comparison} {limit.number:g}"'
                found.append(f'limits: {check.name}: the deployed views cannot compare with "{limit}": {right}')
            values[f"{name}_{severity}"] = int(limit.number) if limit.number.is_integer() else limit.number
    return values
