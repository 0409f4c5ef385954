"""Buttons about a sync on messages that are about no incident: what can help it, from the facts that are shown."""

from collections.abc import Sequence

from bot.alerts.offers import Offer
from bot.answers.health import Summary
from bot.answers.syncs import Queue, SyncRuns
from bot.config.syncs import SyncSettings
from bot.facts import RunStatus
from bot.messages.blocks import Block, actions, button

BY_SYNC = "sync "  # begins the value of a button about a sync, where others carry an incident's id
MOST_BUTTONS = 2  # next to the menu
OFFERED = {
    Offer.RERUN: "Rerun {sync}",
    Offer.FOLLOW: "Follow {sync}",
    Offer.PAUSE: "Pause {sync}",
    Offer.RESUME: "Resume {sync}",
    Offer.CANCEL: "Cancel run",
}
PAUSE_ALL = ("Pause all syncs", "pause_all all")
Offered = tuple[Offer, SyncSettings]


def sync_button(offer: Offer, sync: SyncSettings) -> Block:
    """A button that opens the dialog of an action on this sync."""
    label, word, value = _parts(offer, sync)
    return button(label, word, value)


def offered_by_queue(queue: Queue) -> list[Offered]:
    """A pause before suspect records are written; a rerun unless most are suspect or a run could not help now."""
    sync, size = queue.sync, queue.size or 0
    if sync is None or not size:
        return []
    if queue.paused:
        return [(Offer.RESUME, sync)]
    in_vain = queue.in_vain or queue.running or (queue.rejected is not None and queue.rejected.lasting >= size)
    mostly_wrong = 2 * queue.suspicious > size
    offers = [*[Offer.PAUSE] * bool(queue.suspicious), *[Offer.RERUN] * (not mostly_wrong and not in_vain)]
    return [(offer, sync) for offer in offers]


def offered_by_runs(found: SyncRuns) -> list[Offered]:
    """The end of the run that is in progress, or another one after one that failed, where that can help."""
    if found.sync is None:
        return []
    runs = [run for run, _ in found.runs if not run.dry_run and run.status is not RunStatus.SKIPPED]
    if any(run.status in (RunStatus.QUEUED, RunStatus.WORKING) for run in runs):
        return [(Offer.CANCEL, found.sync)]
    return [(Offer.RERUN, found.sync)] if found.failure and not found.failure.kind.permanent else []


def offered_by_summary(summary: Summary) -> tuple[list[Block], list[tuple[str, str]]]:
    """A button that resumes what is paused; behind `⋯` what else is paused, and a pause before suspect records go."""
    statuses = summary.evaluation.status_of if summary.evaluation else {}
    known = [(sync, status) for sync in summary.syncs if (status := statuses.get(sync.name)) and not status.error]
    stopped = [sync for sync, status in known if status.schedule and status.schedule.paused]
    suspect = [sync for sync, status in known if status.suspicious and sync not in stopped]
    paused = [sync for sync, status in known if sync in stopped and not status.suspicious]
    shown = [sync_button(Offer.RESUME, sync) for sync in paused[:1]]
    menu = [_menu_entry(Offer.RESUME, sync) for sync in paused[1:]]
    menu += [PAUSE_ALL] if len(suspect) > 1 else [_menu_entry(Offer.PAUSE, sync) for sync in suspect]
    return shown, menu


def offer_row(offers: Sequence[Offered]) -> list[Block]:
    """A row of buttons, at most one of each kind; none where nothing can help."""
    return [actions(*(sync_button(*one) for one in offers[:MOST_BUTTONS]))] if offers else []


def _menu_entry(offer: Offer, sync: SyncSettings) -> tuple[str, str]:
    """The same behind `⋯`."""
    label, word, value = _parts(offer, sync)
    return label, f"{word} {value}"


def _parts(offer: Offer, sync: SyncSettings) -> tuple[str, str, str]:
    return OFFERED[offer].format(sync=sync.name), offer.value, f"{BY_SYNC}{sync.id}"
