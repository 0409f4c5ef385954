"""The daily summary: how many are open, passing, pending and resolved in one line, and what needs somebody below it."""

from zoneinfo import ZoneInfo

from bot.config.settings import Settings
from bot.messages.blocks import Message, context, section, sections
from bot.messages.incidents import open_incident_line
from bot.messages.notices import undelivered_line
from bot.messages.phrases import MORE_OPEN, sources_as_of
from bot.messages.summary import check_line
from bot.messages.text import day_and_time, escape, number
from bot.model import Digest, Evaluation, Outage
from checks.model import Outcome
from checks.numbers import duration

MOST = 10  # lines of each kind


def digest_message(digest: Digest, settings: Settings) -> Message:
    """The counts, then open incidents, checks without one, and what was not delivered or not reachable."""
    evaluation, zone = digest.evaluation, settings.zone
    if evaluation is None:
        head = f"Daily summary: {escape(settings.pipeline, 100)} has not been evaluated yet"
        return Message(head, (section(f"*{head}*"),))
    day = evaluation.checked_at.astimezone(zone)
    head = f"Daily summary, {day:%a, %b} {day.day}: {_counts(digest, evaluation, escape(settings.noun.many))}"
    alerted = {(incident.check, incident.sync) for incident in digest.opened}
    problems = [f"❗ {escape(problem, 300)}" for problem in evaluation.problems]
    wrong = [r for r in evaluation.results if r.outcome is not Outcome.OK and (r.check, r.sync) not in alerted]
    opened = [open_incident_line(one, digest.links.get(one.id), zone) for one in digest.listed]
    blocks = [section(f"*{head}*"), *sections(opened, MOST, MORE_OPEN)]
    blocks += sections(problems, MOST)
    blocks += sections([check_line(result) for result in wrong if result.outcome is not Outcome.ERROR], MOST)
    blocks += sections([undelivered_line(one, zone) for one in digest.undelivered], MOST)
    blocks += sections([_outage(one, zone) for one in digest.outages], MOST)
    blocks += sections([_absence(one, zone) for one in digest.absences], MOST)
    return Message(head, (*blocks, context(f"{escape(settings.pipeline, 100)} · {sources_as_of(evaluation, zone)}")))


def _counts(digest: Digest, evaluation: Evaluation, many: str) -> str:
    opened, passing = len(digest.opened), sum(result.outcome is Outcome.OK for result in evaluation.results)
    queues = [sync.queue for sync in evaluation.syncs if sync.has_queue]
    known = [queue for queue in queues if queue is not None]
    pending = f"{number(sum(known))} pending" if len(known) == len(queues) else f"pending {many} unknown"
    count, checks = f"{opened} open incident{'' if opened == 1 else 's'}", len(evaluation.results)
    passed = f"{passing} of {checks} check{'' if checks == 1 else 's'} passing"
    return " · ".join([count, passed, *([pending] if queues else []), f"{digest.resolved} resolved"])


def _outage(outage: Outage, zone: ZoneInfo) -> str:
    return f"⚠️ Not connected to Slack for {_span(outage, zone)}: commands and clicks got no answer"


def _absence(outage: Outage, zone: ZoneInfo) -> str:
    return f"⚠️ Sync Health was away for {_span(outage, zone)}: no check completed"


def _span(outage: Outage, zone: ZoneInfo) -> str:
    until = outage.until or outage.since
    return f"{duration(until - outage.since)}, until {day_and_time(until, zone)}"
