"""Say why records of a rerun were rejected, once Census has their details: minutes after the run has ended."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.alerts.model import Action, ActionKind, ActionState
from bot.alerts.rejections import CauseGroup, Needs
from bot.errors import SyncHealthError
from bot.ports import Ports, Records
from bot.sanitize import HIDDEN, sanitize
from bot.services.show_errors import errors_in
from checks.numbers import count_of

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=20)  # after the end of a run
MOST = 3  # causes
LABEL = 80  # characters of a cause without a code
RERUN = {Needs.TRANSIENT: "a rerun helps", Needs.UNKNOWN: "whether a rerun helps is unknown"}


def ended_lately(ports: Ports, records: Records) -> list[Action]:
    """Those whose causes Census may still come to know."""
    return records.actions_ended_since(ports.clock.now() - PATIENCE)


def explain_each(ports: Ports, ended: Sequence[Action]) -> int:
    """Ask for the causes that their threads do not name yet; how many of these actions lacked them."""
    lacking = [action for action in ended if _lacks_causes(action)]
    for action in lacking:
        causes: tuple[str, ...] = ()
        try:
            causes = _causes_of(ports, action)
        except SyncHealthError as error:  # the others are explained anyway, and this one is asked for again
            log.info("action %s (%s): no causes of its rejected records yet: %s", action.id, action.sync, error)
        except Exception:  # what nobody foresaw is an error of this action alone
            log.exception("action %s (%s): its rejected records met something unforeseen", action.id, action.sync)
        if causes:
            with ports.store.transaction() as records:
                current = records.action(action.id) or action
                records.save_action(replace(current, rejections=causes))
                records.enqueue_action(current, ports.settings.channel)
    return len(lacking)


def _lacks_causes(action: Action) -> bool:
    lost = (action.records_failed or 0) + (action.records_invalid or 0)
    done = action.kind is ActionKind.RERUN and action.state is ActionState.FINISHED
    return done and lost > 0 and not action.rejections


def _causes_of(ports: Ports, action: Action) -> tuple[str, ...]:
    """The most frequent first; none while Census does not tell them. Raises SyncHealthError."""
    sync = ports.settings.sync_named(action.sync)
    if sync is None or action.run_id is None:
        return ()
    found = errors_in(ports, sync, ports.census.run(action.run_id))
    return tuple(_in_words(group) for group in found.groups[:MOST])


def _in_words(group: CauseGroup) -> str:
    said = (group.cause.text or "Unknown error").removesuffix(f": {HIDDEN}")
    what = group.cause.code or sanitize(said, LABEL)
    helps = RERUN.get(group.cause.needs, "a rerun does not help")
    return f"{what}: {count_of(group.records, 'record')}; {helps}. {group.cause.remedy}."
