"""Where one record is on its way, and what holds it there, from facts that are at hand: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    by_sync = {one.sync: one for one in carriers}
    *way, last = hops
    for hop in hops:
        if hop.stops:
            return _stopped(record, hop, is_first=hop is hops[0])
        if hop.holds:
            held = _held(record, hop, last, by_sync.get(hop.sync) or Carrier(hop.sync, error="unknown"), destination)
            return _with_suspect(held, hop)
        if hop in way and not hop.sync and not hop.found:
            return _stopped(record, hop, is_first=hop is hops[0])
    if not last.found:
        why = f"{record} is not in {last.place}, and no backlog has it: no sync will carry it"
        return Verdict(Standing.STOPPED, why, COMPARE, last.place)
    if last.differences:
        differ = f"{record} differs from {last.place} in {count_of(len(last.differences), 'field')}"
        why = f"{differ}, and no backlog has it: no sync will carry it"
        return Verdict(Standing.STOPPED, why, COMPARE, last.place)
    return _arrived(record, last, carriers)


COMPARE = "Compare the views that the syncs read with their source"


def _stopped(record: str, hop: Hop, *, is_first: bool) -> Verdict:
    where = f" is not in {hop.place}" if is_first else f" does not reach the {hop.place}"
    where = "" if hop.found else where
    why = f": {hop.stops}" if hop.stops else ", and the trace knows no reason"
    step = hop.next_step or f"Look why the {hop.place} leaves it out"
    return Verdict(Standing.STOPPED, f"{record}{where}{why}", step, hop.place)


def _arrived(record: str, last: Hop, carriers: Sequence[Carrier]) -> Verdict:
    known = [one for one in carriers if one.wrote]
    newest = max(known, key=lambda one: (one.wrote.created_at, one.sync), default=None)  # type: ignore[union-attr]
    carried = f"; written in {_run(newest, newest.wrote)}" if newest and newest.wrote else ""
    sentence = f"{record} has arrived in {last.place}: nothing differs{carried}"
    return Verdict(Standing.ARRIVED, sentence, sync=newest.sync if newest else "")


def _held(record: str, hop: Hop, last: Hop, carrier: Carrier, destination: str) -> Verdict:
    """What keeps a pending record from being written, the gravest first."""
    waits = f"{record} is pending in the {hop.place}"
    name = carrier.sync
    if carrier.error:
        why = f"{waits}; whether {name} carries it is unknown: {carrier.error}"
        return Verdict(Standing.UNKNOWN, why, "Trace it again once Census answers", hop.place, name)
    if carrier.cause and carrier.last:
        return _rejected(waits, hop, carrier, destination)
    if back := _not_back(record, hop, last, carrier):
        return back
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
    due = f", not yet due: next run of {name} {at(carrier.next_run)}" if carrier.next_run else ""
    said = f"{waits}{due}" if due else f"{waits}: {name} has not run since it changed"
    return Verdict(Standing.WAITING, said, "", hop.place, name)


def _rejected(waits: str, hop: Hop, carrier: Carrier, destination: str) -> Verdict:
    assert carrier.cause and carrier.last
    by = destination if carrier.status == "rejected" else "Census"
    what = "rejected it" if carrier.status == "rejected" else "found it invalid"
    cause = carrier.cause
    named = (cause.code or cause.text or "unknown error") + (f", field {cause.field}" if cause.field else "")
    said = f"{waits}: {by} {what} in {_run(carrier, carrier.last)}: {named}"
    paused = f" {carrier.sync} is paused in Census, too." if carrier.paused else ""
    return Verdict(Standing.HELD, said, f"{cause.remedy}.{paused}", hop.place, carrier.sync)


def _not_back(record: str, hop: Hop, last: Hop, carrier: Carrier) -> Verdict | None:
    """It was written after it changed, and the warehouse has an older copy of the destination."""
    run = carrier.wrote
    if run is None or (hop.changed_at and run.created_at < hop.changed_at):
        return None
    if last.found and last.changed_at and last.changed_at >= run.created_at:
        why = f"{record} was written in {_run(carrier, run)}, and {last.place} differs again"
        return Verdict(
            Standing.HELD, why, f"Look who else writes these fields in {last.place}", last.place, carrier.sync
        )
    copy = f"is from {at(last.changed_at)}" if last.found and last.changed_at else "does not have it yet"
    why = f"{record} was written in {_run(carrier, run)}; the copy of {last.place} in the warehouse {copy}"
    return Verdict(Standing.WAITING, why, "It shows once that copy is refreshed", last.place, carrier.sync)


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
