"""The note for people who use the data: drafted when somebody previews it, sent once, each channel by itself."""

from dataclasses import replace
from datetime import datetime

from bot.alerts.incident_figures import Figures, window_figures
from bot.alerts.stakeholders import Effects, Note, Reader, events_of, is_still_so, state_of
from bot.alerts.timetable import next_weekly
from bot.alerts.weekly import WEEK, gaps
from bot.answers.history import NotePreview
from bot.errors import PermanentError, RefusedError, SyncHealthError
from bot.model import AuditRow, AuditState
from bot.ports import Ports, Records
from bot.sanitize import sanitize
from bot.services.authorise import Person
from bot.services.deliver import NOTE_SENT

LONGEST_ADDED = 500  # characters of what somebody adds
NO_CHANNELS = "No channel gets a stakeholder note yet: report.channels in pipeline.yml would add some."
OUTDATED = "This preview is outdated. Open it again from the weekly review."
CHANGED = "Since this preview opened, the incidents changed. Nothing was sent: open the preview again."
OVERTAKEN = "Somebody sent a stakeholder note since this preview opened. Nothing more was sent; open the preview again."


def preview_note(ports: Ports, by: Person) -> NotePreview:
    """Draft the note of the last seven days. Raises RefusedError where pipeline.yml names no channel for it."""
    readers = tuple(Reader(one.channel, one.audience) for one in ports.settings.report.channels)
    if not readers:
        raise RefusedError(NO_CHANNELS)
    refused = _refused(ports, readers)
    now = ports.clock.now()
    with ports.store.transaction() as records:
        effects, seen = _effects(ports, records, now)
        draft = records.draft_note(Note(0, by.id, now, effects, readers, seen))
        return NotePreview(draft, refused, records.latest_note())


def send_note(ports: Ports, note_id: str, by: Person, added: str) -> NotePreview:
    """Enqueue what this person was shown, with what they add, for each channel that takes it; once.

    A submission that comes again is answered as the first one. Raises RefusedError where the facts, or who has sent
    what, changed meanwhile, PermanentError where every channel refuses it.
    """
    with ports.store.snapshot() as records:
        note = _draft_of(records, note_id, by)
    preview = NotePreview(note, _refused(ports, note.readers))
    if not preview.takers and note.sent_at is None:
        raise PermanentError(f"Nothing was sent: {'; '.join(f'{one.channel}: {why}' for one, why in preview.refused)}")
    now = ports.clock.now()
    with ports.store.transaction() as records:
        note = _draft_of(records, note_id, by)
        if note.sent_at is None:
            _refuse_changed(records, note, now)
            note = replace(note, sent_at=now, added=sanitize(added, LONGEST_ADDED).strip())
            if records.send_note(note, [one.channel for one in preview.takers]):
                for row in _rows(note, preview, by, now):
                    records.audit(row)
    return NotePreview(note, preview.refused)


def _draft_of(records: Records, note_id: str, by: Person) -> Note:
    """The note that a dialog is about, from our record. Raises RefusedError for one of somebody else."""
    known = note_id.isascii() and note_id.isdecimal() and len(note_id) < 16
    note = records.stakeholder_note(int(note_id)) if known else None
    if note is None or note.by != by.id:
        raise RefusedError(OUTDATED)
    return note


def _refuse_changed(records: Records, note: Note, now: datetime) -> None:
    last = records.latest_note()
    if last and last.sent_at and last.sent_at >= note.created_at:
        raise RefusedError(OVERTAKEN)
    if not is_still_so(note.seen, _known(records, note.effects.since, now)):
        raise RefusedError(CHANGED)


def _effects(ports: Ports, records: Records, now: datetime) -> tuple[Effects, tuple[str, ...]]:
    settings, began = ports.settings, records.first_look()
    since = max(now - WEEK, min(began or now, now))
    known = _known(records, since, now)
    of_check = [(one, settings.check_called(one.incident.check, one.incident.sync)) for one in known]
    events, short, blind = events_of(of_check, since, now)
    times = records.evaluation_times(since)
    weekly = settings.schedule.report
    return Effects(
        since=since,
        until=now,
        events=events,
        short_delays=short,
        unchecked=blind + gaps(times, since, now, settings.schedule.tick),
        checks_values=any(one.source == "databricks" and not one.per for one in settings.checks),
        evaluated=bool(times and settings.checks),
        next_note=next_weekly(weekly, now, settings.zone)[0] if weekly else None,
    ), state_of(known)


def _known(records: Records, since: datetime, now: datetime) -> tuple[Figures, ...]:
    return window_figures(records.incidents_since(since), since, now).touched


def _refused(ports: Ports, readers: tuple[Reader, ...]) -> tuple[tuple[Reader, str], ...]:
    """The channels that would not take a message, and why; what only fails now is tried when it is sent."""
    found = []
    for one in readers:
        try:
            ports.messenger.check_channel_access(one.channel)
        except PermanentError as error:
            found.append((one, str(error)))
        except SyncHealthError:
            continue
    return tuple(found)


def _rows(note: Note, preview: NotePreview, by: Person, now: datetime) -> list[AuditRow]:
    """One for each channel: requested, or refused by it. What came of a request is told when it is posted."""
    about = {"user": by.id, "what": NOTE_SENT, "team": by.team, "reason": note.added, "reference": f"note {note.id}"}
    asked = [
        AuditRow(now, target=one.channel, result="requested", state=AuditState.REQUESTED, **about)
        for one in preview.takers
    ]
    return asked + [
        AuditRow(now, target=one.channel, result=f"not sent: {why}", state=AuditState.FAILED, **about)
        for one, why in preview.refused
    ]
