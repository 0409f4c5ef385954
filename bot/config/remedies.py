"""`remedy` of pipeline.yml: what the bot does on its own, once somebody has written it there."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, StrictBool, model_validator

from bot.config.syncs import Part, SyncSettings
from checks.forms import UNITS
from checks.problems import Written, nearest, quoted

MOST_RERUNS = 10  # in one window
LONGEST_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class AtMost:
    """So many times within a window."""

    times: int = 2
    window: timedelta = timedelta(hours=6)


def _at_most(written: object) -> AtMost:
    if isinstance(written, AtMost):
        return written
    found = (
        re.fullmatch(r"\s*([0-9]{1,2}) per ([0-9]{1,4})\s*([mhd])\s*", written) if isinstance(written, str) else None
    )
    if not found:
        raise ValueError(f'cannot read {quoted(written)}: write a number and a window, such as "2 per 6h"')
    times, window = int(found[1]), timedelta(**{UNITS[found[3]]: int(found[2])})
    if not 1 <= times <= MOST_RERUNS or not timedelta(minutes=15) <= window <= LONGEST_WINDOW:
        raise ValueError(f'write 1 to {MOST_RERUNS} times per 15m to {LONGEST_WINDOW.days}d, such as "2 per 6h"')
    return AtMost(times, window)


class Remedy(Part):
    """Something that the bot does without being asked; nothing where this is not written."""

    # What has to happen: critical suspect records in the backlog, or a failed run.
    when: Literal["suspect_records", "failed_run"]
    # What is done then: `pause` holds suspect records, `rerun` starts a failed run again.
    do: Literal["pause", "rerun"]
    # How bad it has to be. Only of `suspect_records`.
    severity: Literal["critical"] = "critical"
    # Why the run failed. Required for `failed_run`: what is not transient fails again.
    cause: Literal["transient"] | None = None
    # How often a sync is rerun. Only of `rerun`.
    at_most: Annotated[AtMost, BeforeValidator(_at_most)] = AtMost()
    # The name of the only sync that it is about. Without it all, or all that have `suspect`.
    sync: str | None = None
    # `true`: only says in the thread what it would have done.
    dry: StrictBool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = self.model_fields_set
        suited = {"suspect_records": "pause", "failed_run": "rerun"}[self.when]
        wrong = [f"{self.do} is not for {self.when}: write do: {suited}"] if self.do != suited else []
        if self.when == "failed_run":
            wrong += ["a rerun needs cause: transient; other failures repeat"] * (self.cause is None)
            wrong += ["severity is only for suspect_records"] * ("severity" in given)
        else:
            wrong += ["cause is only for failed_run"] * (self.cause is not None)
            wrong += ["at_most is only for do: rerun"] * ("at_most" in given)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def concerns(self, sync: SyncSettings) -> bool:
        """Whether it is about this sync."""
        mine = self.sync is None or self.sync == sync.name
        return mine and (self.do == "rerun" or bool(sync.suspect))

    @property
    def in_words(self) -> str:
        """One line of what it does, as `doctor` says it."""
        which = self.sync or ("every sync with suspect conditions" if self.do == "pause" else "every sync")
        if self.do == "pause":
            what = f"pauses {which} before critical suspect records are written"
        else:
            minutes = int(self.at_most.window.total_seconds() // 60)
            window = f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
            what = f"reruns {which} after transient failures, at most {self.at_most.times} times per {window}"
        return f"{what} (dry: only says so)" if self.dry else what


def inconsistent_remedies(syncs: Sequence[SyncSettings], written: Written) -> Iterator[str]:
    """Remedies about a sync that is not there or has no condition; also of entries that are wrong otherwise."""
    part = written.part(("remedy",))
    is_list = isinstance(part, list)
    for n, entry in enumerate(part if isinstance(part, list) else [part]):
        if not isinstance(entry, dict):
            continue
        place = ("remedy", n) if is_list else ("remedy",)
        name, pauses = entry.get("sync"), entry.get("do") == "pause"
        sync = next((one for one in syncs if one.name == name), None)
        if isinstance(name, str) and sync is None:
            what = f"there is no sync {quoted(name)}: {nearest(name, [one.name for one in syncs])}"
            yield written.problem((*place, "sync"), what)
        elif pauses and sync and not sync.suspect:
            yield written.problem((*place, "sync"), f"{sync.name} has no suspect: add a condition to hold records by")
        elif pauses and name is None and not any(one.suspect for one in syncs):
            yield written.problem((*place, "do"), "no sync has suspect: add a condition to hold records by")
