"""A weekly review and a stakeholder note of which every text from outside is the same, and every list as long."""

from datetime import timedelta

from bot.alerts.capacity import Advice, AdviceKind, Pace, SyncLoad
from bot.alerts.noise import Noise
from bot.alerts.stakeholders import Effect, Effects, Event, Note, Reader
from bot.alerts.weekly import Case, CauseCount, Cost, Incidents, Metric, Review
from bot.answers.history import NotePreview
from bot.sanitize import sanitize
from checks.model import Severity
from tests.unit.samples import NOW, OPERATOR

WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


def a_review(text: str, count: int) -> Review:
    case = Case(7, text, text, Severity.CRITICAL, NOW - HOUR, HOUR, OPERATOR)
    advice = [
        Advice(AdviceKind.TOO_LONG, text, 2 * HOUR, HOUR, 9.5),
        Advice(AdviceKind.INCREMENTAL, text, offered=20_000, written=1),
    ]
    return Review(
        NOW - WEEK,
        NOW,
        not_evaluated=HOUR,
        week=Incidents(count + 1, count, HOUR, HOUR),
        before=Incidents(count, count, HOUR, HOUR),
        still_open=(case,) * count,
        longest=case,
        causes=(CauseCount(text, (count, 0, 0, 1)),) * count,
        metrics=(Metric(text, 99.0, 95.0, 94.998, "< 95%"),) * count,
        loads=(SyncLoad(text, HOUR, 2 * HOUR, 210.0),) * count,
        paces=(Pace(text, text, 260.0, "> 500", 40.0, WEEK),) * count,
        advice=tuple(advice) * count,
        noise=(Noise("backlog", text, text, 6, HOUR, "> 500", "> 620", 1),) * count,
        cost=Cost(count + 1, count, HOUR, HOUR),
        unknown=(text,) * count,
        observes=True,
    )


def a_note(text: str, count: int) -> Note:
    events = tuple(
        Event(effect, NOW - HOUR, NOW, HOUR, is_open, False, count, not is_open)
        for effect in (Effect.WRONG, Effect.LATE)
        for is_open in (False, True)
    )
    effects = Effects(NOW - WEEK, NOW, events * count, count, HOUR, next_note=NOW.date())
    readers = tuple(Reader("C0ALERTS", sanitize(text, 40)) for _ in range(max(1, min(count, 10))))
    return Note(4, OPERATOR, NOW, effects, readers, added=text, sent_at=NOW)


def a_preview(text: str, count: int, refusing: int) -> NotePreview:
    note = a_note(text, count)
    return NotePreview(note, tuple((one, text) for one in note.readers[:refusing]), note)
