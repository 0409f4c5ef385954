"""What can help an open incident whose number was not measured again, by what is known of its sync now."""

from collections.abc import Collection
from dataclasses import replace

from bot.alerts.model import Incident
from bot.config.settings import Settings
from bot.model import Evaluation, Kind
from bot.ports import AlertRecords
from bot.services.circumstances import what_is_known


def refresh_offers(
    records: AlertRecords, incident: Incident, evaluation: Evaluation, settings: Settings, rerunning: Collection[str]
) -> None:
    """Change its offers and next step where its sync was paused or resumed, or has run, since it was measured."""
    check = settings.check_called(incident.check, incident.sync)
    result = evaluation.result_of.get((incident.check, incident.sync))
    if check is None or result is None or not result.carried or incident.not_evaluated_since:
        return
    check = check.in_case(result.case)
    known = what_is_known(check, result, evaluation, settings, incident.opened_at, rerunning)
    after = replace(incident, offers=known.offers, helps=known.helps)
    if after != incident:
        records.save_incident(after)
        records.enqueue(after.id, Kind.ROOT)
    if after.helps != incident.helps:
        records.enqueue(after.id, Kind.EVIDENCE)
