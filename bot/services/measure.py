"""One evaluation: collect readings from Census and the warehouse, and judge every check by them."""

from collections.abc import Collection

from bot.model import Evaluation
from bot.ports import Sources
from bot.services.collect import SOURCES, collect
from bot.services.judge_all import judge_all
from checks.judge import overall
from checks.model import Outcome


def measure(
    sources: Sources, last: Evaluation | None = None, *, thrifty: bool = False, needed: Collection[str] = SOURCES
) -> Evaluation:
    """What holds now. A source that cannot be asked makes its numbers unknown, never healthy; others than the
    `needed` ones are not asked at all.

    `last` is the evaluation before this one. A `thrifty` one asks the warehouse only where that is worth its cost, else
    its numbers stay as they were then. So they do while the warehouse starts, for as long as that may take.
    """
    began = sources.clock.monotonic()
    collected = collect(sources, last, thrifty=thrifty, needed=needed)
    results, numbers = tuple(judge_all(sources.settings, collected)), collected.numbers
    return Evaluation(
        checked_at=collected.at,
        outcome=overall([result.outcome for result in results] + [Outcome.ERROR] * bool(collected.problems)),
        statements=numbers.statements,
        seconds=round(sources.clock.monotonic() - began, 3),
        results=results,
        syncs=tuple(look.status for look in collected.looks),
        problems=collected.problems,
        warehouse_at=collected.warehouse_at,
        warehouse_reached=numbers.reached,
        warehouse_starting=collected.starting,
    )
