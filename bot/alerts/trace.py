"""Where one record is on its way, and what holds it there, from facts that are at hand: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.alerts.causes import at
from bot.alerts.rejections import Cause
from bot.facts import Run
from checks.numbers import count_of


class Standing(StrEnum):
    """What a trace comes to."""

    ARRIVED = "arrived"  # in the destination, and nothing differs
    WAITING = "waiting"  # it moves on its own
    HELD = "held"  # it is pending, and stays so until somebody does something
    STOPPED = "stopped"  # it goes no further, until its source is another
    SUSPECT = "suspect"  # in the destination, and something of it is wrong although nothing differs
    UNKNOWN = "unknown"  # a source did not answer, or no record has this ID


@dataclass(frozen=True)
class Difference:
    """A field of the destination that differs, and both values as far as they may be shown; None: not shown."""

    field: str
    ours: str | None = None
    theirs: str | None = None


@dataclass(frozen=True)
class Hop:
    """A place on the way. Its texts are words of the pipeline's statement, see services.read_trace."""

    place: str
    found: bool
    changed_at: datetime | None = None
    stops: str = ""  # why it does not arrive here; empty: the statement knows no reason
    next_step: str = ""
    note: str = ""
    suspect: str = ""
    sync: str = ""  # of a backlog: the name of the sync that carries it
    key: str = field(default="", repr=False)  # …and the record's identifier in Census, which may be personal
    differences: tuple[Difference, ...] = ()
    more: int = 0  # …that are not among these

    @property
    def lacks(self) -> bool:
        """Whether the record is gone from the way: a backlog need not have it."""
        return not self.found and not self.sync

    @property
    def holds(self) -> bool:
        """Whether the record waits here for a run."""
        return bool(self.sync) and self.found


@dataclass(frozen=True)
class Carrier:
    """What Census says of a sync and of one record in its latest completed runs. `error`: why that is not known."""

    sync: str
    label: str = ""
    paused: bool = False
    scheduled: bool = True
    next_run: datetime | None = None
    running: Run | None = None
    failed: Run | None = None  # the newest run that ended, where that one failed
    remedy: str = ""  # …and the next ones fail as well until this is done
    last: Run | None = None  # the newest that completed
    cause: Cause | None = None  # why the record was rejected in `last`
    status: str = "rejected"  # …or invalid
    wrote: Run | None = None  # the newest in which the record succeeded
    since: int = 0  # runs that began after the record changed, and completed
    looked: int = 0  # …the newest of them, whose records were looked through for it
    remarks: tuple[str, ...] = ()  # what of its records was not looked at, and why
    error: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Where it stands, in one sentence, with times in braces (see causes.at), and what to do or when it moves."""

    standing: Standing
    sentence: str
    next_step: str = ""
    place: str = ""  # the hop where it stops
    sync: str = ""  # that holds it, or carried it


def judge_way(record: str, hops: Sequence[Hop], carriers: Sequence[Carrier], *, destination: str) -> Verdict:
    """The first hop where it stops, and why; `record` is what the sentence begins with, such as `Property 108617`."""
    last, hop = hops[-1], ends_at(hops)
    if hop and hop.holds and not hop.stops:
        known = next((one for one in carriers if one.sync == hop.sync), Carrier(hop.sync, error="unknown"))
        return _with_suspect(_held(record, hop, last, known, destination), hop)
    if hop:
        return _stopped(record, hop, is_first=hop is hops[0])
    if last.found and not last.differences:
        return _arrived(record, last, carriers)
    return _unheld(record, hops, carriers, destination)


def ends_at(hops: Sequence[Hop]) -> Hop | None:
    """The first hop that decides how far it is: it does not arrive there, waits there or is gone from there."""
    last = len(hops) - 1
    return next((hop for n, hop in enumerate(hops) if hop.stops or hop.holds or (hop.lacks and n < last)), None)


def newest_change(hops: Sequence[Hop]) -> datetime | None:
    """When it changed last before the destination, as far as the trace tells."""
    return max((hop.changed_at for hop in hops[:-1] if hop.changed_at), default=None)


def detail_of(hop: Hop, *, is_verdict: bool = False) -> str:
    """What is known of a hop, with times in braces; of the one that the verdict is about, what that does not say."""
    said = () if is_verdict else (hop.stops, f"suspect: {hop.suspect}" if hop.suspect else "")
    return " · ".join(filter(None, (*said, hop.note)))


COMPARE = "Compare the views that the syncs read with their source"


def _stopped(record: str, hop: Hop, *, is_first: bool) -> Verdict:
    missing = f" is not in {hop.place}" if is_first else f" does not reach the {hop.place}"
    why = f": {hop.stops}" if hop.stops else ", and the trace knows no reason"
    step = hop.next_step or f"Look why the {hop.place} leaves it out"
    return Verdict(Standing.STOPPED, f"{record}{missing * (not hop.found)}{why}", step, hop.place)


def _arrived(record: str, last: Hop, carriers: Sequence[Carrier]) -> Verdict:
    known = [one for one in carriers if one.wrote]
    newest = max(known, key=lambda one: (one.wrote.created_at, one.sync), default=None)  # type: ignore[union-attr]
    carried = f"; written in {_run(newest, newest.wrote)}" if newest and newest.wrote else ""
    sentence = f"{record} has arrived in {last.place}: nothing differs{carried}"
    return Verdict(Standing.ARRIVED, sentence, sync=newest.sync if newest else "")


def _unheld(record: str, hops: Sequence[Hop], carriers: Sequence[Carrier], destination: str) -> Verdict:
    """It is not there as it should be, and no backlog has it: a run may just have taken it, or none ever will."""
    last, changed = hops[-1], newest_change(hops)
    lacks = f"{record} is not in {last.place}"
    if last.found:
        lacks = f"{record} differs from {last.place} in {_fields(last)}"
    if not any(hop.sync for hop in hops):
        return Verdict(Standing.STOPPED, f"{lacks}, and the trace knows no reason", COMPARE, last.place)
    where = f"{lacks}, and no backlog has it"
    taken = [(run, one) for one in carriers if (run := one.last if one.cause else one.wrote)]
    if taken:
        run, carrier = max(taken, key=lambda one: (one[0].created_at, one[0].id))
        if carrier.cause:
            return _rejected(where, last, carrier, destination)
        if changed:
            return _written(record, last, carrier, run)
        return _maybe_written(where, last, carrier, run)
    return _not_taken(where, last, carriers)


def _not_taken(where: str, last: Hop, carriers: Sequence[Carrier]) -> Verdict:
    """No run that was looked through has it: the next look may tell more, where one goes on or is not shown."""
    for one in carriers:
        if one.running:
            why = f"{where}; a run of {one.sync} has been in progress since {at(one.running.created_at)}"
            return Verdict(Standing.WAITING, why, "What it writes shows once it has ended", last.place, one.sync)
    for one in carriers:
        if one.error or one.remarks:
            why = f"{where}; whether {one.sync} has written it is unknown"
            why, step = (f"{why}: {one.error}", "once Census answers") if one.error else (why, "in a few minutes")
            return Verdict(Standing.UNKNOWN, why, f"Trace it again {step}", last.place, one.sync)
    return Verdict(Standing.STOPPED, f"{where}: no sync will carry it", COMPARE, last.place)


def _maybe_written(where: str, last: Hop, carrier: Carrier, run: Run) -> Verdict:
    why = f"{where}; {_written_before(carrier, run)}"
    step = f"Trace it again once the copy of {last.place} in the warehouse is refreshed"
    return Verdict(Standing.WAITING, why, step, last.place, carrier.sync)


def _written_before(carrier: Carrier, run: Run) -> str:
    return f"{_run(carrier, run)} wrote it, and whether it changed after that is unknown"


def _fields(last: Hop) -> str:
    return count_of(len(last.differences) + last.more, "field")


def _held(record: str, hop: Hop, last: Hop, carrier: Carrier, destination: str) -> Verdict:
    """What keeps a pending record from being written; a run that wrote it may have been before it changed, too."""
    found, wrote = _waits(record, hop, carrier, destination), carrier.wrote
    if wrote is None or carrier.error or carrier.cause:
        return found
    if hop.changed_at is None:
        return replace(found, sentence=f"{found.sentence}; {_written_before(carrier, wrote)}")
    return _written(record, last, carrier, wrote) if wrote.created_at >= hop.changed_at else found


def _waits(record: str, hop: Hop, carrier: Carrier, destination: str) -> Verdict:
    """The gravest first."""
    waits = f"{record} is pending in the {hop.place}"
    name = carrier.sync
    if carrier.error:
        why = f"{waits}; whether {name} carries it is unknown: {carrier.error}"
        return Verdict(Standing.UNKNOWN, why, "Trace it again once Census answers", hop.place, name)
    if carrier.cause and carrier.last:
        return _rejected(waits, hop, carrier, destination)
    if carrier.paused:
        return Verdict(Standing.HELD, f"{waits}: {name} is paused in Census", f"Resume {name}", hop.place, name)
    if carrier.running:
        return _running(waits, hop, carrier)
    if carrier.failed:
        why = carrier.failed.error or "Census gives no reason"
        said = f"{waits}: {_run(carrier, carrier.failed)} failed: {why}"
        return Verdict(Standing.HELD, said, carrier.remedy or _when_next(carrier), hop.place, name)
    if not carrier.scheduled:
        why = f"{waits}: {name} has no schedule in Census"
        return Verdict(Standing.HELD, why, f"Rerun {name}, or give it a schedule in Census", hop.place, name)
    return _passed_by(waits, hop, carrier) if carrier.since else _due(waits, hop, carrier)


def _due(waits: str, hop: Hop, carrier: Carrier) -> Verdict:
    name = carrier.sync
    due = f", not yet due: next run of {name} {at(carrier.next_run)}" if carrier.next_run else ""
    ran = f"{name} has not run since it changed" if hop.changed_at else f"when {name} runs next is unknown"
    return Verdict(Standing.WAITING, f"{waits}{due or f': {ran}'}", "", hop.place, name)


def _passed_by(waits: str, hop: Hop, carrier: Carrier) -> Verdict:
    """Runs have completed since it changed, and it is still pending; one alone may have begun before it was seen."""
    name, since, looked = carrier.sync, carrier.since, carrier.looked
    ran = f"{waits}: {count_of(since, 'run')} of {name} completed after it changed, and"
    due = f"; next run {at(carrier.next_run)}" if carrier.next_run else ""
    if carrier.remarks or not looked:
        why = f"{ran} whether {'it' if since == 1 else 'they'} wrote it is unknown{due}"
        return Verdict(Standing.WAITING, why, f"Look at the latest run of {name} in Census", hop.place, name)
    if since == 1 and carrier.next_run:
        return _due(waits, hop, carrier)
    which = "it did not write it" if since == 1 else "none of them wrote it"
    if looked < since:
        which = f"the newest {looked} did not write it"
    standing = Standing.WAITING if since == 1 else Standing.HELD
    return Verdict(standing, f"{ran} {which}{due}", LOOK_AT.format(name), hop.place, name)


LOOK_AT = "Look in Census whether a filter or the sync key of {} leaves it out, if it was in the backlog by then"


def _rejected(waits: str, hop: Hop, carrier: Carrier, destination: str) -> Verdict:
    assert carrier.cause and carrier.last
    by = destination if carrier.status == "rejected" else "Census"
    what = "rejected it" if carrier.status == "rejected" else "found it invalid"
    cause = carrier.cause
    named = (cause.code or cause.text or "unknown error") + (f", field {cause.field}" if cause.field else "")
    said = f"{waits}: {by} {what} in {_run(carrier, carrier.last)}: {named}"
    paused = f" {carrier.sync} is paused in Census, too." if carrier.paused else ""
    return Verdict(Standing.HELD, said, f"{cause.remedy}.{paused}", hop.place, carrier.sync)


def _written(record: str, last: Hop, carrier: Carrier, run: Run) -> Verdict:
    """It was written after it changed, and the warehouse has another copy of the destination."""
    if last.found and last.changed_at and last.changed_at >= run.created_at:
        why = f"{record} was written in {_run(carrier, run)}, and {last.place} differs again"
        step = f"Look who else writes these fields in {last.place}"
        return Verdict(Standing.HELD, why, step, last.place, carrier.sync)
    copy, step = "does not have it yet", "It shows once that copy is refreshed"
    if last.found and last.changed_at:
        copy = f"is from {at(last.changed_at)}"
    elif last.found:
        differs = f"differs in {_fields(last)}, and" if last.differences else "has it, but"
        copy, step = f"{differs} may be older than that run", "Trace it again once that copy is refreshed"
    why = f"{record} was written in {_run(carrier, run)}; the copy of {last.place} in the warehouse {copy}"
    return Verdict(Standing.WAITING, why, step, last.place, carrier.sync)


def _running(waits: str, hop: Hop, carrier: Carrier) -> Verdict:
    run = carrier.running
    assert run
    missed = bool(hop.changed_at and hop.changed_at > run.created_at)
    said = f"{waits}: a run of {carrier.sync} has been in progress since {at(run.created_at)}"
    changed = "It changed after that run began, so a later run carries it" if missed else ""
    return Verdict(Standing.WAITING, said, changed, hop.place, carrier.sync)


def _with_suspect(verdict: Verdict, hop: Hop) -> Verdict:
    if not hop.suspect:
        return verdict
    sentence = f"{verdict.sentence}. It is suspect: {hop.suspect}"
    step = "Fix its source before it is written" if verdict.standing is Standing.WAITING else verdict.next_step
    return Verdict(verdict.standing, sentence, step, verdict.place, verdict.sync)


def _when_next(carrier: Carrier) -> str:
    return f"Next run {at(carrier.next_run)}" if carrier.next_run else f"Rerun {carrier.sync} once that is fixed"


def _run(carrier: Carrier, run: Run) -> str:
    """`run 98000123 of Sync B ({time})`."""
    return f"run {run.id} of {carrier.sync} ({at(run.completed_at or run.created_at)})"
