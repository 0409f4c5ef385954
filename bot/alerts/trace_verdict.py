"""What a trace says besides the way: what is wrong with the record, and what the open alert about its sync says."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.alerts.model import Incident
from bot.alerts.trace import Carrier, Hop, Standing, Verdict
from checks.model import Severity

OPEN = (Standing.WAITING, Standing.HELD)


def alert_about(
    verdict: Verdict, hops: Sequence[Hop], carriers: Sequence[Carrier], opened: Collection[Incident]
) -> Incident | None:
    """The gravest open incident about the runs of the sync that holds it; none where the record itself is what is."""
    known = next((one for one in carriers if one.sync == verdict.sync), None)
    waits = any(hop.holds and hop.place == verdict.place for hop in hops)
    if verdict.standing not in OPEN or not waits or known is None or known.cause:
        return None
    about = (one for one in opened if one.sync == verdict.sync and one.source == "census" and one.check != REJECTED)
    valid = (one for one in about if not (one.not_evaluated_since or one.explained_by))
    return min(valid, key=lambda one: (one.severity is not Severity.CRITICAL, one.opened_at, one.id), default=None)


REJECTED = "census_error_rate"  # of the records that a run took: about others than one that waits


def with_wrong(verdict: Verdict, hops: Sequence[Hop]) -> Verdict:
    """What has arrived with something wrong has not arrived well; what stops says what is wrong in the destination."""
    wrong = next((hop for hop in hops if hop.suspect and not hop.sync), None)
    if verdict.standing is Standing.ARRIVED and wrong:
        said = f"{verdict.sentence}. It is suspect: {wrong.suspect}"
        return Verdict(Standing.SUSPECT, said, wrong.next_step or "Fix its source", wrong.place, verdict.sync)
    last = hops[-1]
    if verdict.standing is Standing.STOPPED and last.suspect:
        said = f"{verdict.sentence}. In {last.place}: {last.suspect}"
        return replace(verdict, sentence=said, next_step=last.next_step or verdict.next_step)
    return verdict


def with_alert(record: str, verdict: Verdict, hops: Sequence[Hop], incident: Incident) -> Verdict:
    """The verdict with the next step of the alert and, where it seemed to move on its own, with what the alert says."""
    hop = next((hop for hop in hops if hop.place == verdict.place), None)
    if hop is None or (hop.suspect and verdict.standing is Standing.WAITING):
        return verdict
    said = f"{record} is pending in the {hop.place}: {incident.summary.rstrip('.')}"
    sentence = said if verdict.standing is Standing.WAITING else verdict.sentence
    return replace(verdict, standing=Standing.HELD, sentence=sentence, next_step=incident.helps or verdict.next_step)
