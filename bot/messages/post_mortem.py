"""What a post-mortem says of an incident, before it becomes a Slack message or Markdown: lines of parts.

Texts from outside stay as they are here: whoever renders the parts escapes them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.alerts.causes import at
from bot.alerts.incident_figures import Figures
from bot.alerts.model import ITSELF, SEVERITIES, Action, ActionKind, ActionState, Did, Entry, Incident
from bot.answers.history import PostMortem
from bot.config.settings import Settings
from bot.messages.evidence import examples_of, places_of, sync_of
from bot.messages.native import MOST_POINTS, By, Cell, Link, Told
from bot.messages.phrases import is_fact, was_closed
from bot.messages.text import filled, number, signs, with_sync
from bot.sanitize import sanitize
from checks.forms import parse_limit
from checks.numbers import count_of, duration, listed

NOTE, DETAIL, REASON = 500, 300, 120  # characters
RUN = "View Census run"
MOST_BESIDE = 10  # other incidents of its thread
WORDS = {  # of the timeline, where the name of the entry does not say it
    Did.ESCALATED: "became critical",
    Did.RETURNED: "critical again",
    Did.EASED: "eased to a warning",
    Did.RELAPSED: "no longer recovering",
    Did.CALLED: "unacknowledged, escalated",
    Did.ACK_LAPSES: "acknowledgment about to lapse",
    Did.MOVED: "moved from another channel",
    Did.ACK_LAPSED: "acknowledgment lapsed",
    Did.RESOLVED_BY_HAND: "resolved",
    Did.STILL_FIRING: "reopened, still breached",
    Did.NOTED: "note",
}
OUTCOMES = {
    ActionState.REQUESTED: "requested",
    ActionState.RUNNING: "running",
    ActionState.CHECKING: "done, being evaluated",
    ActionState.FINISHED: "done",
    ActionState.FAILED: "failed",
    ActionState.UNKNOWN: "outcome unknown",
}


@dataclass(frozen=True)
class Code:
    """A part that is shown as it is: an identifier, a threshold."""

    text: str


DEEDS = ("When", "Who", "Action", "Outcome", "Run")
Part = Cell | Code
Line = tuple[Part, ...]  # they follow each other; the blanks between them stand at the edges of our own words
Pair = tuple[str, Line]


@dataclass(frozen=True)
class Deed:
    """An action as a row of a table: when, who, what and why, what came of it, and the run."""

    when: datetime
    who: str | By
    what: str | Told
    outcome: Told
    run: Link | None

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Below the columns DEEDS."""
        return (self.when, self.who, self.what, self.outcome, self.run)


def headline(incident: Incident) -> str:
    """`Incident 7: Backlog, Sync B`."""
    test = " (test)" if incident.is_test else ""
    return f"Incident {incident.id}: {sanitize(with_sync(incident.title, incident.sync), 250)}{test}"


def state_words(found: PostMortem) -> str:
    """`Resolved after 26 min`, `Open for 2 h, recovering`."""
    incident, figures = found.incident, found.figures
    if figures.is_open:
        acting = ", recovering" if incident.state == "recovering" else ""
        return f"Open for {duration(figures.lasted)}{acting}"
    over = "Closed" if was_closed(incident) else "Resolved"
    return f"{over} after {duration(figures.lasted)}"


def trigger(incident: Incident) -> str:
    """What was found when it opened; the latest where its timeline does not say that."""
    opened = next((entry.detail for entry in incident.timeline if entry.did is Did.OPENED), "")
    return f"Triggered by: {sanitize(opened, NOTE)}" if opened else sanitize(incident.summary, NOTE)


def summary_pairs(found: PostMortem) -> list[Pair]:
    """Severity, value, peak and threshold; of a fact the first alone."""
    incident, worst = found.incident, found.figures.severity
    when = "at the end" if incident.resolved_at else "now"
    eased = f" (a warning {when})" if worst != incident.severity else ""
    pairs: list[Pair] = [("Severity", (f"{SEVERITIES[worst]}{eased}",))]
    if not is_fact(incident) and not incident.is_test:
        age: Line = (" (as of ", incident.measured_at, ")") if incident.measured_at else ()
        pairs.append(("Last value", (number(incident.value, incident.limit), *age)))
        pairs += [("Peak", (number(incident.peak, incident.limit),))] if incident.peak is not None else []
        pairs.append(("Threshold", (Code(signs(incident.limit)) if incident.limit else "none",)))
    if found.beside:
        numbers = listed([str(one) for one in found.beside], MOST_BESIDE)
        pairs.append(("Shares its thread with", (f"incidents {numbers}",)))
    return pairs


def duration_pairs(found: PostMortem) -> list[Pair]:
    """When it was detected, and how long it took people and the pipeline."""
    figures = found.figures
    pairs: list[Pair] = [("Detected", (figures.opened_at,)), ("Acknowledged after", _acknowledged(figures))]
    pairs.append(("Recovered after", (_recovered(figures),)))
    open_for = figures.open_between(figures.opened_at, found.as_of)
    pairs.append(("Open in total", (duration(open_for) + (" so far" if figures.is_open else ""),)))
    if figures.reopened:
        pairs.append(("Reopened", (count_of(figures.reopened, "time"),)))
    return pairs


def _acknowledged(figures: Figures) -> Line:
    first, took = figures.acknowledged, figures.time_to_acknowledge
    if first is None:
        return ("not acknowledged",)
    by: Line = (", by ", who(first.by)) if first.by else ()
    return (duration(took) if took is not None else "as it opened", *by)


def _recovered(figures: Figures) -> str:
    if figures.is_open:
        return "not yet"
    took = figures.time_to_recover
    return "unknown: nothing evaluates it any more" if took is None else duration(took)


def cause_lines(incident: Incident) -> list[Line]:
    """Why it fired, as far as that was found, and what explains it."""
    past = {one.detail: one.at for one in incident.timeline if one.did is Did.CAUSE_ENDED}
    lines: list[Line] = [(Told(one),) for one in incident.causes]
    lines += [(Told(f"{cause}, until {at(ended)}"),) for cause, ended in past.items() if cause not in incident.causes]
    if incident.explained_by:
        lines.append(("Explained by the alert “", sanitize(incident.explained_by, 150), "”"))
    return lines


def deeds(found: PostMortem, settings: Settings) -> list[Deed]:
    """Everything that was done to a sync, oldest first."""
    return [_deed(one, settings) for one in found.actions]


def _deed(action: Action, settings: Settings) -> Deed:
    what, verdict = _named(action), f" · {action.verdict}" if action.verdict else ""
    told = Told(f"{what}: {action.reason}") if action.by == ITSELF and action.reason else None
    reason = f": “{sanitize(action.reason, REASON)}”" if action.reason else ""
    outcome = Told(f"{_outcome(action)}{verdict}")
    return Deed(action.requested_at, who(action.by), told or f"{what}{reason}", outcome, _run(action, settings))


def _named(action: Action) -> str:
    sync = f" {sanitize(action.sync, 40)}" if action.sync else " syncs"
    return f"{str(action.kind).capitalize()}{sync}{' in full' if action.full_sync else ''}"


def _run(action: Action, settings: Settings) -> Link | None:
    """The run in Census, with the way there where pipeline.yml says it."""
    if not action.run_id:
        return None
    sync = next((one.id for one in settings.syncs if one.name == action.sync), None)
    return Link(str(action.run_id), filled(settings.links.census_run, sync=sync, run=action.run_id) if sync else None)


def _outcome(action: Action) -> str:
    counts = {"updated": action.records_updated, "rejected": action.records_failed, "invalid": action.records_invalid}
    told = [f"{number(count)} {word}" for word, count in counts.items() if count is not None]
    return OUTCOMES[action.state] + (f": {', '.join(told)}" if told and action.kind is ActionKind.RERUN else "")


def evidence_lines(found: PostMortem, settings: Settings) -> list[Line]:
    """Examples by id, and where to look."""
    incident, sync, lines = found.incident, sync_of(found.incident, settings), list[Line]()
    if incident.examples:
        what, links = examples_of(incident.examples, settings, sync)
        named = "Latest run" if what == "run" else f"Example {what}"
        lines.append((f"{sanitize(named, 80)}: ", *_joined(links)))
    places = places_of(incident, settings.links, sync)
    places.pop(RUN)  # an example already
    shown = [Link(label.removeprefix("View "), where) for label, where in places.items() if where]
    return [*lines, ("See: ", *_joined(shown))] if shown else lines


def has_values(incident: Incident) -> bool:
    """Whether numbers say something of it."""
    return not (incident.is_test or is_fact(incident))


def value_words(found: PostMortem, settings: Settings) -> str:
    """Why no value of its check is shown, or no more are to come; empty where that needs no word."""
    incident = found.incident
    if not has_values(incident):
        return ""
    if settings.check_called(incident.check, incident.sync) is None:
        return "Its check is no longer configured."
    return "" if found.values else "No value of that time is stored."


def timeline(found: PostMortem) -> list[tuple[datetime, Line]]:
    """Every event with its time, oldest first: what stands in the timeline, and how actions ended."""
    told = [(entry.at, entry_line(entry)) for entry in found.incident.timeline]
    ended = ((one.ended_at, one) for one in found.actions)
    told += [(at, (f"{_named(one)} {_outcome(one)}",)) for at, one in ended if at]
    return sorted(told, key=lambda event: event[0])


def worst_of_each(found: PostMortem, most: int = MOST_POINTS) -> tuple[tuple[datetime, float], ...]:
    """So many values at most: of equally many that follow each other the worst, so that no peak is lost."""
    values = found.values if has_values(found.incident) else ()
    limit = parse_limit(found.incident.limit or "> 0")
    size = -(-len(values) // most) or 1
    parts = (values[n : n + size] for n in range(0, len(values), size))
    return tuple(max(part, key=lambda one: limit.beyond(one[1])) for part in parts)


def entry_line(entry: Entry) -> Line:
    """What happened and who did it."""
    if entry.did is Did.REMEDY:
        return (Told(entry.detail),)
    if entry.did is Did.CAUSE_ENDED:
        return (Told(f"not its cause any more: {entry.detail}"),)
    if entry.did is Did.TAKEN_OVER and entry.by:
        return ("acknowledged by ", who(entry.by), " instead of ", who(entry.detail))
    if entry.did is Did.CALLED and entry.detail:
        mentioned: Line = (" to ", who(entry.by)) if entry.by else (", mentioning nobody",)
        return ("escalated by ", who(entry.detail), *mentioned)
    joint = "to" if entry.did is Did.CALLED else "of" if entry.did in (Did.ACK_LAPSES, Did.ACK_LAPSED) else "by"
    by: Line = (f" {joint} ", who(entry.by)) if entry.by else ()
    most = NOTE if entry.did is Did.NOTED else DETAIL
    detail: Line = (": ", sanitize(entry.detail, most)) if entry.detail else ()
    return (WORDS.get(entry.did, str(entry.did).replace("_", " ")), *by, *detail)


def who(by: str) -> str | By:
    """Who acted: somebody, or the bot on its own."""
    return "Sync Health" if by == ITSELF else By(by)


def _joined(parts: Sequence[Part]) -> Iterator[Part]:
    for n, part in enumerate(parts):
        yield from (", ", part) if n else (part,)
