"""The note for people who use the data: plain words, the pipeline's nouns, no names of checks; and its dialog."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.alerts.stakeholders import DATA, MOST, Effect, Effects, Event, Note, Reader
from bot.answers.history import NotePreview
from bot.config.pipeline_file import PipelineFile
from bot.config.settings import Settings
from bot.messages.blocks import Block, Message, context, divider, modal, question, section
from bot.messages.report import PREVIEW, days
from bot.messages.text import channel, day_and_time, escape, person
from checks.numbers import count_of, duration

TITLE = "Stakeholder note"
ADDED, LONGEST_ADDED = "added", 500
UNNAMED = PipelineFile.model_fields["destination"].default
WEEK = timedelta(days=7)
RECENT = timedelta(days=2)  # a note sent so lately is shown before another is


def stakeholder_message(note: Note, settings: Settings) -> Message:
    """What goes to each channel."""
    head = note_head(note.effects, settings)
    return Message(head, tuple(_blocks(note, settings)))


def stakeholder_text(note: Note, settings: Settings) -> Message:
    """The same where Slack refuses blocks: its readers have no command that would show the rest."""
    lines = [note_head(note.effects, settings), *note_lines(note.effects, settings)]
    added = [escape(note.added, LONGEST_ADDED)] if note.added else []
    return Message("\n".join([*lines, *added, f"Questions: {person(note.by)}"]), ())


def note_head(effects: Effects, settings: Settings) -> str:
    """`Salesforce data, Nov 23 – 30: no problems`."""
    whole = effects.until - effects.since >= WEEK
    what = f"{_place(settings, data=True)}, {days(effects.since, effects.until, settings.zone, whole=whole)}"
    count, still = len(effects.events), len(effects.open)
    if not effects.evaluated:
        return f"{what}: not known"
    if not count:
        return f"{what}: {'no problems that we know of' if effects.unchecked else 'no problems'}"
    problems = f"{what}: {count_of(count, 'problem')}"
    if still:
        return f"{problems}, {'not solved yet' if count == 1 else f'{still} not solved yet'}"
    solved = ", solved" if count == 1 else ", all solved"
    return problems + solved * all(one.is_solved for one in effects.events)


def note_lines(effects: Effects, settings: Settings) -> Iterator[str]:
    """What happened and for how long, whether values were wrong, what is not known, and when the next note comes."""
    zone, many, place = settings.zone, escape(settings.noun.many), _place(settings)
    if not effects.evaluated:
        yield f"Our checks did not run in this time, so we do not know whether {many} in {place} were right."
    told = effects.events[-MOST:]
    yield from (f"• {_event(one, settings, zone)}" for one in told)
    if len(told) < len(effects.events):
        yield f"• {count_of(len(effects.events) - len(told), 'earlier problem')}."
    known = " in the time that we could check" if effects.unchecked else ""
    if effects.evaluated and effects.checks_values and not effects.any_of(*DATA):
        yield f"We found no wrong or missing values in {place}{known}."
    if effects.short_delays:
        times = "once" if effects.short_delays == 1 else f"{effects.short_delays} times"
        yield f"Changes arrived late {times}, by less than two hours."
    elif effects.evaluated and not effects.any_of(Effect.LATE):
        yield f"Changes to {many} arrived in {place} on time{known}."
    if effects.evaluated and effects.unchecked:
        blind = f"Our checks could not run for {duration(effects.unchecked)} in total"
        yield f"{blind}, so a problem in that time may be missing here."
    yield from _next(effects)


def stakeholder_modal(preview: NotePreview, settings: Settings) -> dict[str, Any]:
    """The note as it will stand in the channels, which these are, and a sentence to add."""
    note, zone = preview.note, settings.zone
    refused = dict(preview.refused)
    goes = [_reader(one, refused.get(one)) for one in note.readers]
    asked = question(
        ADDED,
        "Add a sentence",
        hint="The records of Tuesday are corrected by Wednesday noon",
        optional=True,
        most=LONGEST_ADDED,
        lines=True,
    )
    last = preview.last
    blocks: list[Block] = [section("*Goes to*", *goes)]
    if last and last.sent_at and note.created_at - last.sent_at < RECENT:
        blocks.append(section(f"⚠️ {person(last.by)} sent a note {day_and_time(last.sent_at, zone)}."))
    blocks += [divider(), *_blocks(note, settings), divider()]
    if not preview.takers:
        blocks.append(section("None of these channels takes messages of Sync Health, so the note cannot be sent."))
        return modal(TITLE, blocks, callback=PREVIEW, metadata=str(note.id))
    blocks += [asked, context("Sent as shown, with your sentence below it, once to each channel.")]
    return modal(TITLE, blocks, callback=PREVIEW, metadata=str(note.id), submit="Send")


def stakeholder_answer(sent: NotePreview) -> Message:
    """Where it goes, and which channel refused it."""
    where = f"goes to {_names(sent.takers)}" if sent.takers else "was sent before"  # …and every channel refuses now
    text = f"The stakeholder note {where}."
    lines = [f"❗ Not sent to {channel(one.channel)}: {_why(why)}" for one, why in sent.refused]
    return Message(text, (section(text, *lines),))


def _blocks(note: Note, settings: Settings) -> Iterator[Block]:
    lines = list(note_lines(note.effects, settings))
    yield section(f"*{note_head(note.effects, settings)}*")
    yield section(*lines)
    if note.added:
        yield section(escape(note.added, LONGEST_ADDED))
    yield context(f"Questions: {person(note.by)}")


def _event(one: Event, settings: Settings, zone: ZoneInfo) -> str:
    what, after = _words(one, settings)
    if one.is_open:
        doing = "We are working on it." if one.in_hand else "Our team has been alerted."
        return f"Since {_day(one.begin, zone)} ({duration(one.lasted)} so far), {what}. {doing}"
    over = after if one.is_solved else "We do not check this any more."
    return f"{_day(one.begin, zone)}: {what}, for {duration(one.lasted)}. {over}"


def _words(one: Event, settings: Settings) -> tuple[str, str]:
    """What they could notice, and how it stands since."""
    place = _place(settings)
    count = f"up to {count_of(one.most, escape(settings.noun.one), escape(settings.noun.many))}" if one.most else ""
    if one.effect is Effect.WRONG:
        some = count or f"some {escape(settings.noun.many)}"
        return f"{some} in {place} had wrong or missing values", "The values are back to normal."
    if one.effect is Effect.FOUND:
        many = escape(settings.noun.many)
        return f"our checks found problems with {count or many}", "They find none any more."
    waited = f" ({count} waiting)" if count else ""
    return (
        f"changes to {escape(settings.noun.many)} reached {place} later than usual{waited}",
        "Updates run normally again.",
    )


def _next(effects: Effects) -> Iterator[str]:
    following = effects.next_note and _date(effects.next_note)
    if effects.open:
        latest = f", at the latest on {following}" if following else ""
        yield f"Next update: when it is solved{latest}."
    elif following:
        yield f"Next update: {following}."


def _place(settings: Settings, *, data: bool = False) -> str:
    """The destination as its users call it; where nobody has named it, without a name."""
    unnamed = settings.destination == UNNAMED
    name = escape(settings.destination, 40)
    if data:
        return f"{escape(settings.noun.many).capitalize() if unnamed else f'{name} data'}"
    return "the destination" if unnamed else name


def _reader(one: Reader, refused: str | None) -> str:
    line = f"{channel(one.channel)} · {escape(one.audience, 40)}"
    return f"❗ {line} · not sent there: {_why(refused)}" if refused else line


def _why(reason: str) -> str:
    return f"{escape(reason, 200)}. Invite Sync Health there, or correct report.channels in pipeline.yml."


def _names(readers: tuple[Reader, ...]) -> str:
    names = [f"{channel(one.channel)} ({escape(one.audience, 40)})" for one in readers]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _day(at: datetime, zone: ZoneInfo) -> str:
    return _date(at.astimezone(zone).date())


def _date(day: date) -> str:
    return f"{day:%a, %b} {day.day}"
