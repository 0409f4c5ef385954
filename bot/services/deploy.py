"""Create the bot's own objects in the warehouse: the audit log and two views, with the limits of pipeline.yml."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import unified_diff

from bot.config.environment import NONE
from bot.config.settings import Settings
from bot.errors import PermanentError, RefusedError
from bot.model import AuditRow
from bot.objects import OURS, ExistingObject, ViewDifference, ViewState
from bot.ports import Ports, Sources
from bot.services.audited import audited
from bot.services.observe import require_act_mode
from checks.forms import Limit
from checks.model import Check
from checks.numbers import count_of
from checks.problems import nearest

CHANGES = ("create", "replace", "adopt")
ANOTHER_NAME = "give either another name (tables in pipeline.yml)"


@dataclass(frozen=True)
class Plan:
    """What is created, in this order, and what goes into the views' `settings`; None: there is no such limit."""

    statements: tuple[str, ...]
    values: Mapping[str, str | float | Limit | None]


@dataclass(frozen=True)
class Step:
    """What a deploy does with one object, and why.

    `action` is create, replace (our own view), adopt (somebody else's view), keep (nothing is to be done) or refuse.
    """

    found: ExistingObject
    action: str
    reason: str

    @property
    def statement(self) -> str:
        """Which statement creates it."""
        return self.found.statement

    @property
    def name(self) -> str:
        """What it is called here."""
        return self.found.name

    @property
    def changes(self) -> bool:
        """Whether a statement is run."""
        return self.action in CHANGES


def plan_deploy(settings: Settings, *, pipeline: bool = False) -> Plan:
    """What a deploy creates, and by which limits its views judge. Raises RefusedError where it has no place for it."""
    if not settings.has_warehouse:
        raise RefusedError(f"There is nothing to deploy to: {NONE}")
    if settings.deploy_to is None:
        raise RefusedError("pipeline.yml has no deploy_to: write catalog.schema, where the audit log and the views go")
    if pipeline and not settings.own_objects:
        raise RefusedError("this pipeline has no tables or views of its own in sql/pipeline: leave --pipeline out")
    ours = [name for name in OURS if name != "daily_health_check" or name in settings.statements]
    return Plan((*(settings.own_objects if pipeline else ()), *ours), settings_of_views(settings))


def settings_of_views(settings: Settings) -> Mapping[str, str | float | Limit | None]:
    """`coverage_warn`; of one sync `Sync B/backlog_warn`, and where it has a role `update_sync_name` as well."""
    values: dict[str, str | float | Limit | None] = {"zone": settings.zone.key}
    for check in settings.checks:
        values |= _limits(check, check.name)
    for sync in settings.syncs:
        values |= {f"{sync.role}_sync_name": sync.label} if sync.role else {}
        for check in settings.checks:
            mine = settings.check_called(check.name, sync.name) if check.per else None
            values |= _limits(mine, f"{sync.name}/{check.name}") if check.per else {}
            for name, role in check.was.items():
                values |= _limits(mine, name) if role == sync.role else {}
    return values


def survey(ports: Sources, plan: Plan, adopt: Collection[str] = ()) -> tuple[Step, ...]:
    """What a deploy would do with each object, those of them that it refuses, too; nothing is changed.

    Raises RefusedError where `adopt` names, by its full or its last name, what no deploy creates.
    """
    found = [ports.warehouse.existing_object(statement, plan.values) for statement in plan.statements]
    refuse_unknown(adopt, [one.name for one in found])
    return tuple(Step(one, *_decide(one, adopt)) for one in found)


def refuse_steps(steps: Collection[Step]) -> None:
    """Raises RefusedError with every object that a deploy may not touch."""
    if refused := [f"  {step.name}: {step.reason}" for step in steps if step.action == "refuse"]:
        many = "1 object is" if len(refused) == 1 else f"{len(refused)} objects are"
        raise RefusedError("\n".join([f"{many} in the way; nothing was changed:", *refused]))


def text_difference(view: ViewDifference) -> tuple[str, ...]:
    """The lines of a unified diff, both sides laid out alike; none where the text is the same or cannot be read."""
    if view.text is None:
        return ()
    lines = view.text.splitlines(), view.wanted.splitlines()
    return tuple(unified_diff(*lines, "as it is", "after deploy", lineterm=""))


def refuse_unknown(adopt: Collection[str], names: Collection[str]) -> None:
    """Raises RefusedError where somebody names an object, by its full or its last name, that no deploy creates."""
    known = {name for full in names for name in (full, _last(full))}
    if unknown := sorted(set(adopt) - known):
        raise RefusedError(f"--adopt {unknown[0]}: deploy creates nothing of that name: {nearest(unknown[0], known)}")


def deploy(ports: Ports, by: str, plan: Plan, steps: tuple[Step, ...]) -> None:
    """Create and replace what the steps say; what is kept, tables and their rows, is not touched.

    Each object is looked at again right before: what somebody changed after the survey is not replaced.
    Raises PermanentError with what is missing: a view needs the tables that it reads; RefusedError in observe mode,
    with what is in the way, and with what has changed since the survey.
    """
    require_act_mode(ports.settings)
    refuse_steps(steps)
    changes = [step for step in steps if step.changes]
    if not changes:
        return
    adopted, missing = ([step.name for step in steps if step.action == what] for what in ("adopt", "create"))
    before = f"{len(steps) - len(missing)} of {len(steps)} objects exist"
    asked = AuditRow(ports.clock.now(), by, "deploy", ports.settings.pipeline, "requested", before=before)
    with audited(ports, asked) as ended:
        for n, step in enumerate(changes):
            _carry_out(ports, plan, step, f"{n} of {len(changes)} objects are deployed")
        ended.result = f"{len(steps)} objects created or there already"
        ended.result += f"; adopted: {', '.join(adopted)}" if adopted else ""
        ended.after = f"all {len(steps)} objects exist"


def _carry_out(ports: Ports, plan: Plan, step: Step, done: str) -> None:
    """Create one object, unless somebody did meanwhile."""
    try:
        found = ports.warehouse.existing_object(step.statement, plan.values)
        now = Step(found, *_decide(found, [step.name] if step.action == "adopt" else ()))
        if now.action == "keep":
            return
        if now.action != "create" and (now.action, _text_of(now)) != (step.action, _text_of(step)):
            changed = f"{step.name} has changed since it was looked at and stays as it is: {now.reason}"
            raise RefusedError(f"{changed} ({done}). Deploy again.")
        ports.warehouse.create(step.statement, plan.values)
    except PermanentError as error:
        hint = "If a table has another name here, write it under tables in pipeline.yml"
        raise PermanentError(f"{error} ({done}). {hint}, then deploy again.") from error


def _text_of(step: Step) -> str | None:
    return step.found.view.text if step.found.view else None


def _decide(found: ExistingObject, adopt: Collection[str]) -> tuple[str, str]:
    """The action and its reason. A table is never replaced: CREATE TABLE leaves one that is there."""
    if found.kind is None:
        return "create", "nothing there yet"
    if found.creates == "table":
        return _decide_table(found)
    if found.view is None:
        return "refuse", f"a {found.kind}, where deploy creates a view: {ANOTHER_NAME}"
    if found.ours:
        return _decide_own_view(found, found.view)
    if {found.name, _last(found.name)} & set(adopt):
        return "adopt", f"a view not from sync-health{_unread(found.view)}"
    return "refuse", f"a view not from sync-health{_unread(found.view)}; --adopt {_last(found.name)} replaces it"


def _decide_table(found: ExistingObject) -> tuple[str, str]:
    if found.kind != "table" and found.statement in OURS:
        return "refuse", f"a {found.kind}, where deploy creates a table: {ANOTHER_NAME}"
    unfit = [one.column for one in found.differences if not one.fits]
    if unfit:
        return "refuse", f"a {found.kind} of another shape: {', '.join(unfit)}"
    others = count_of(len(found.differences), "column differs and fits", "columns differ and fit")
    return "keep", f"a {found.kind} that fits{f': {others}' if found.differences else ''}"


def _decide_own_view(found: ExistingObject, view: ViewDifference) -> tuple[str, str]:
    if view.state is ViewState.CURRENT:
        return ("keep", "current") if found.marked else ("replace", "current but for our mark, its comment")
    changes = [f"{one.name} {one.before} → {one.after}" for one in view.settings]
    return "replace", f"{view.state}: {', '.join(changes)}" if changes else f"ours, {view.state}"


def _unread(view: ViewDifference) -> str:
    return ", its text not readable" if view.state is ViewState.UNREADABLE else ""


def _last(name: str) -> str:
    return name.rpartition(".")[2].strip("`")


def _limits(check: Check | None, name: str) -> dict[str, Limit | None]:
    """Warning and critical, each as the check compares; None for one that was taken away, or whose check is off."""
    return {f"{name}_{severity}": getattr(check, severity, None) for severity in ("warn", "critical")}
