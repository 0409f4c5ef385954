"""Create the bot's own objects in the warehouse: the audit log and two views, with the limits of pipeline.yml."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.config.settings import Settings
from bot.errors import PermanentError, RefusedError
from bot.ports import ExistingObject, Ports
from checks.model import Check, Limit
from checks.problems import nearest

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
COMPARED = {  # check → its name in the views' `settings`
    "coverage": "coverage",
    "create_queue": "create_queue",
    "update_queue": "update_queue",
    "sync_recency": "recency",
}


@dataclass(frozen=True)
class Plan:
    """What is created, in this order, and what goes into the views' `settings`; None: there is no such limit."""

    statements: tuple[str, ...]
    values: Mapping[str, str | float | Limit | None]


@dataclass(frozen=True)
class Step:
    """What a deploy does with one object: create, replace (our own), adopt (somebody else's), keep (a table)."""

    statement: str
    name: str
    action: str


def plan_deploy(settings: Settings, *, pipeline: bool = False) -> Plan:
    """What a deploy creates, and by which limits its views judge."""
    values: dict[str, str | float | Limit | None] = {"zone": settings.zone.key}
    values |= {f"{sync.direction}_sync_name": sync.label for sync in settings.syncs}
    for check, name in COMPARED.items():
        values |= _limits(settings.check_called(check), name)
    return Plan((*PIPELINES, *OURS) if pipeline else OURS, values)


def survey(ports: Ports, plan: Plan, adopt: Collection[str] = ()) -> tuple[Step, ...]:
    """What a deploy would do with each object; nothing is changed.

    Raises RefusedError with every object that is not ours and is not named in `adopt`, by its full or its last name.
    """
    found = [ports.warehouse.existing_object(statement) for statement in plan.statements]
    refuse_unknown(adopt, [one.name for one in found])
    steps = [Step(one.statement, one.name, _action(one, adopt)) for one in found]
    refused = [f"  {one.name}: {_reason(one)}" for one, step in zip(found, steps, strict=True) if not step.action]
    if refused:
        many = "1 object is" if len(refused) == 1 else f"{len(refused)} objects are"
        raise RefusedError(
            "\n".join([f"{many} not from sync-health and stay as they are; nothing was changed:", *refused])
        )
    return tuple(steps)


def refuse_unknown(adopt: Collection[str], names: Collection[str]) -> None:
    """Raises RefusedError where somebody names an object, by its full or its last name, that no deploy creates."""
    known = {name for full in names for name in (full, _last(full))}
    if unknown := sorted(set(adopt) - known):
        raise RefusedError(f"--adopt {unknown[0]}: deploy creates nothing of that name: {nearest(unknown[0], known)}")


def deploy(ports: Ports, by: str, plan: Plan, steps: tuple[Step, ...]) -> None:
    """Create everything, again where it is a view; tables and their rows stay.

    Raises PermanentError with what is missing: a view needs the tables that it reads.
    """
    for n, step in enumerate(steps):
        try:
            ports.warehouse.create(step.statement, plan.values)
        except PermanentError as error:
            done = f"{n} of {len(steps)} objects are deployed"
            hint = "If a table has another name here, write it under tables in pipeline.yml"
            raise PermanentError(f"{error} ({done}). {hint}, then deploy again.") from error
    with ports.store.transaction() as records:
        adopted = [step.name for step in steps if step.action == "adopt"]
        what = f"{len(steps)} objects created or there already"
        what += f"; adopted: {', '.join(adopted)}" if adopted else ""
        records.audit(ports.clock.now(), by, "deploy", ports.settings.pipeline, what)


def _action(found: ExistingObject, adopt: Collection[str]) -> str:
    """Empty where the object is not ours to replace. A table never is: CREATE TABLE leaves one that is there."""
    if found.kind is None:
        return "create"
    if found.creates == "table":
        return "keep"
    if found.kind == "table":
        return ""
    if found.ours:
        return "replace"
    return "adopt" if {found.name, _last(found.name)} & set(adopt) else ""


def _reason(found: ExistingObject) -> str:
    if found.kind == "table":
        return "a table, where deploy creates a view: give either another name (tables in pipeline.yml)"
    return f"a view; --adopt {_last(found.name)} replaces it"


def _last(name: str) -> str:
    return name.rpartition(".")[2].strip("`")


def _limits(check: Check | None, name: str) -> dict[str, Limit | None]:
    """Warning and critical, each as the check compares; None for one that was taken away, or whose check is off."""
    return {f"{name}_{severity}": getattr(check, severity, None) for severity in ("warn", "critical")}
