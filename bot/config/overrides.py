"""What the command line changes of the settings: which checks, and other thresholds for a replay."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from pydantic import ValidationError

from bot.config.settings import Settings
from bot.errors import ConfigurationError, RefusedError
from checks.catalog import change_limits
from checks.model import Changes
from checks.plausible import Pace
from checks.problems import Written, nearest, problems


def with_checks(settings: Settings, names: Collection[str]) -> Settings:
    """The same with these checks alone, with all where none is named. Raises RefusedError with the nearest."""
    known = {check.name: check for check in settings.checks if check.source != "bot"}  # those judge the others
    if found := [f'there is no check "{name}": {nearest(name, known)}' for name in names if name not in known]:
        raise RefusedError("; ".join(found))
    return replace(settings, checks=tuple(known[name] for name in dict.fromkeys(names))) if names else settings


def with_limits(settings: Settings, texts: Iterable[str]) -> Settings:
    """The same with other limits, each written like `coverage: warn < 94`. Raises ConfigurationError."""
    written = Written("--limit", None, None)
    changes: dict[str, dict[str, str]] = {}
    found = []
    for text in texts:
        read = re.fullmatch(r"\s*(\w+)\s*:\s*(warn|critical|clear)\s+(.+)", text)
        if not read:
            found.append(f'--limit: cannot read {text!r}: write it like "coverage: warn < 94"')
        elif changes.setdefault(read[1], {}).setdefault(read[2], read[3]) != read[3]:
            found.append(written.problem((read[1], read[2]), "is given twice: write it once"))
    limits = {}
    for name, change in changes.items():
        try:
            limits[name] = Changes.model_validate(change)
        except ValidationError as error:
            found += problems(written, Changes, error, at=(name,))
    pace = Pace(settings.schedule.tick, settings.schedule.idle_floor)
    checks, wrong = change_limits(list(settings.checks), limits, written, pace, at=())
    of_syncs = {}
    for sync, of_sync in settings.checks_of.items():  # they hold for a sync with thresholds of its own, too
        mine = {name: check for name, check in of_sync.items() if check}
        given = {name: change for name, change in limits.items() if name in mine}
        changed, more = change_limits(list(mine.values()), given, written, pace, at=())
        of_syncs[sync] = {**of_sync, **{check.name: check for check in changed}}
        wrong += more
    if found or wrong:
        raise ConfigurationError(list(dict.fromkeys([*found, *wrong])))
    return replace(settings, checks=tuple(checks), checks_of=of_syncs)
