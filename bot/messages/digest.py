"""How the pipeline is, once a day: one line when it is well."""

from zoneinfo import ZoneInfo

from bot.messages.blocks import Message, section, sections
from bot.messages.phrases import incident_line
from bot.messages.summary import HEADLINES, check_line
from bot.messages.text import ICONS, day_and_time, escape, rows
from bot.model import Digest, Evaluation, Outage
from bot.settings import Settings
from checks.model import Outcome
from checks.numbers import duration

MOST = 10  # lines of each kind


def digest_message(digest: Digest, settings: Settings) -> Message:
    """What was found, and what is still open, also what nobody is reminded of any more."""
    evaluation = digest.evaluation
    if evaluation is None:
        text = f"❔ The {escape(settings.pipeline, 100)} pipeline has not been measured yet"
        return Message(text, (section(f"*{text}.*"),))
    head = f"{ICONS[evaluation.outcome]} The {escape(settings.pipeline, 100)} pipeline {HEADLINES[evaluation.outcome]}"
    told = {(incident.check, incident.sync) for incident in digest.opened}
    problems = [f"❗ {escape(problem, 300)}" for problem in evaluation.problems]
    wrong = [r for r in evaluation.results if r.outcome is not Outcome.OK and (r.check, r.sync) not in told]
    checks = [check_line(result) for result in wrong if result.outcome is not Outcome.ERROR]
    opened = [incident_line(incident, settings.zone) for incident in digest.opened]
    blocks = [section(f"*{head}* · {_facts(digest, evaluation, settings)}")]
    blocks += [*sections(problems, MOST), *sections(checks, MOST)]
    blocks += sections(opened, MOST, "… and {} more open: `/sync-health incidents`")
    blocks += sections([_outage(one, settings.zone) for one in digest.outages], MOST)
    return Message(head, tuple(blocks))


def _outage(outage: Outage, zone: ZoneInfo) -> str:
    until = outage.until or outage.since
    lasted = f"{duration(until - outage.since)}, until {day_and_time(until, zone)}"
    return f"⚠️ Not connected to Slack for {lasted}: commands and clicks got no answer"


def _facts(digest: Digest, evaluation: Evaluation, settings: Settings) -> str:
    well = sum(result.outcome is Outcome.OK for result in evaluation.results)
    parts = [f"{well} of {len(evaluation.results)} checks are well"]
    parts += [f"{rows(sync.queue)} wait for {escape(sync.name, 40)}" for sync in evaluation.syncs[:5]]
    if digest.resolved:
        parts.append(f"{digest.resolved} incident{'' if digest.resolved == 1 else 's'} ended within a day")
    if not digest.opened:
        parts.append("no incident is open")
    return " · ".join([*parts, f"measured {day_and_time(evaluation.checked_at, settings.zone)}"])
