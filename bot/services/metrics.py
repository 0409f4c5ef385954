"""The numbers that have a past, and which of them somebody means by what is typed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.charts import Metric, plain_name
from bot.config.settings import Settings
from bot.config.syncs import SyncSettings
from bot.errors import RefusedError
from bot.model import KEPT_DAYS
from bot.services.judge_all import what_is_lacking
from bot.services.named_sync import sync_named
from checks.model import Check
from checks.problems import close_to

COMMAND = "/sync-health trend"
DAYS = 30  # where none are typed
NUMBER = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)?")
UNIT = re.compile(r"d(?:ays?)?", re.IGNORECASE)
REMEDY = f"Write a number of days from 1 to {KEPT_DAYS}, the time for which values are kept."


@dataclass(frozen=True)
class Asked:
    """What somebody typed: a metric, of which syncs, over how many local days; of several syncs the worst is meant."""

    metrics: tuple[Metric, ...]
    days: int


def known_metrics(settings: Settings) -> tuple[Metric, ...]:
    """Those of every check in force, for each sync that has it, in the order of the checks."""
    return tuple(one for check in settings.checks for one in _of_check(settings, check))


def logged_metrics(settings: Settings, numbers: Iterable[str]) -> tuple[Metric, ...]:
    """What stands in the audit log alone, by the names of its numbers."""
    checked = {one.logged for one in known_metrics(settings)}
    return tuple(_logged(settings, name) for name in dict.fromkeys(numbers) if name not in checked)


def metric_asked(settings: Settings, metrics: Sequence[Metric], text: str) -> Asked | None:
    """What is meant by `backlog Sync B 30`; None where no metric begins so.

    A metric is typed by its name, its title or its column, with blanks or `_`. Raises RefusedError for an unknown
    sync, and for a number of days that is none.
    """
    words = text.split()
    called = _by_name(metrics)
    for count in range(len(words), 0, -1):
        if found := called.get(plain_name(" ".join(words[:count]))):
            sync, days = _sync_and_days(settings, words[count:], per_sync=any(one.sync for one in found))
            return Asked(_of(found, sync), days)
    return None


def near_metric(metrics: Sequence[Metric], text: str) -> str | None:
    """The name of the metric that is likely meant; None where nothing is near."""
    names = {plain_name(name): one.name for one in metrics for name in (one.name, one.title)}
    tries = map(plain_name, (metric_typed(text), text.split()[0]))
    near = next(filter(None, (close_to(one, names) for one in tries)), None)
    return names[near] if near else None


def unknown_metric(text: str, near: str | None, unread: str | None) -> RefusedError:
    """With the nearest, where one is near, and why the audit log was not read, where that is so."""
    guess = f"Did you mean {near}? " if near else ""
    return RefusedError(f"Unknown metric “{text[:40]}”. {guess}{COMMAND} lists the metrics.{not_read(unread)}")


def not_read(why: str | None) -> str:
    """A sentence for behind others: that and why the audit log was not read, where that is so."""
    return f" The audit log was not read: {why.rstrip('.')}." if why else ""


def metric_typed(text: str) -> str:
    """What is typed, without numbers of days."""
    words = text.split()
    return " ".join([word for word in words if not NUMBER.fullmatch(word)] or words)


def _of_check(settings: Settings, check: Check) -> Iterator[Metric]:
    if not check.per and check.source != "census":
        yield Metric(check.name, check.title, check, None, check.reading_of(None))
        return
    for sync in settings.syncs:
        mine = settings.check_called(check.name, sync.name)
        if mine and not what_is_lacking(settings, mine, sync):
            yield Metric(check.name, check.title, mine, sync.name, mine.reading_of(sync.name))


def _logged(settings: Settings, name: str) -> Metric:
    """`Contacts/success_rate` is that of a sync; what counts a table's rows is called by its name."""
    sync, _, plain = name.rpartition("/")
    of = sync if settings.sync_named(sync) else None
    metric = plain if of else name
    words = metric.replace("_", " ")
    return Metric(metric, f"{words[:1].upper()}{words[1:]}", None, of, name)


def _by_name(metrics: Sequence[Metric]) -> Mapping[str, list[Metric]]:
    """By everything that a metric goes by; where two go by one, the first of the checks has it."""
    found: dict[str, list[Metric]] = {}
    for how in range(3):
        for one in metrics:
            column = one.check.metric if one.check and not one.check.statement else one.name
            name = plain_name((one.name, one.title, column)[how])
            if one not in (there := found.setdefault(name, [])) and (not there or there[0].name == one.name):
                there.append(one)
    return found


def _sync_and_days(settings: Settings, words: Sequence[str], *, per_sync: bool) -> tuple[SyncSettings | None, int]:
    """What stands behind a metric. One number alone is days; a number that ends the name of a sync is none."""
    words = list(words)
    if per_sync and len(words) > 1 and (whole := settings.sync_called(" ".join(words))):
        return whole, DAYS
    if len(words) > 1 and UNIT.fullmatch(words[-1]):  # `30 days`
        words.pop()
    days = _days(words.pop()) if words and NUMBER.fullmatch(UNIT.sub("", words[-1])) else DAYS
    if not words:
        return None, days
    if not per_sync:
        raise RefusedError(f"Unknown number of days “{' '.join(words)[:40]}”. {REMEDY}")
    return sync_named(settings, " ".join(words)), days


def _days(word: str) -> int:
    number = UNIT.sub("", word)
    if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= KEPT_DAYS):
        raise RefusedError(f"“{word[:20]}” is out of range. {REMEDY}")
    return int(number)


def _of(metrics: Sequence[Metric], sync: SyncSettings | None) -> tuple[Metric, ...]:
    """Those of this sync. Raises RefusedError where it has none."""
    if sync is None or metrics[0].sync is None:
        return tuple(metrics)
    if mine := tuple(one for one in metrics if one.sync == sync.name):
        return mine
    raise RefusedError(f"{sync.label} has no {metrics[0].title[:60].lower()}: nothing measures it for this sync.")
