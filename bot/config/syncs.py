"""The syncs of pipeline.yml: what Census runs, and the queue that each of them reads."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.config.names import Column, Table, table_parts
from checks.forms import Duration, Owner
from checks.model import Changes
from checks.problems import Written, shown, written_like

ALL = "all"  # behind pause: every sync
MOST_KEYS, MOST_GROUPS, MOST_SUSPECTS = 3, 4, 10
QUOTES = str.maketrans("", "", "\"'`ˋ´“”„‟«»‘’‚‛")
ROLE = "a role: write a lowercase letter, then lowercase letters, digits and _"


class Part(BaseModel):
    """A part of pipeline.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def as_compared(text: str) -> str:
    """A name in lower case and without quotes, which somebody who types a name may put around it or leave out."""
    return " ".join(text.translate(QUOTES).casefold().split())


def _sync_name(text: str) -> str:
    tidy = " ".join(text.split())
    if not as_compared(text):
        raise ValueError(f'{shown(text)} is not a name: write one that people can say, such as "Sync A"')
    if text != tidy:
        raise ValueError(f"has extra or unusual spaces: write {shown(tidy)}")
    if as_compared(text) == ALL:
        raise ValueError(f'{shown(text)} means every sync in Slack ("pause all"): write another name')
    return text


class Suspect(Part):
    """Which pending records should not be written: a condition over the columns of the queue, and what it means."""

    # A condition of Databricks SQL over the columns of the queue: no subquery, aggregate or parameter.
    when: Annotated[str, Field(min_length=1, max_length=2000)]
    # What it means, as alerts and the rerun dialog say it. A condition written alone is its own label.
    label: Annotated[str, Field(min_length=1, max_length=60)]


def _expectable(span: timedelta) -> timedelta:
    if span < timedelta(minutes=5):
        raise ValueError("write something between 5m and 365d")
    return span


def _with_label(written: object) -> object:
    """A condition alone is its own label."""
    return {"when": written, "label": " ".join(written.split())[:60]} if isinstance(written, str) else written


def _as_list(written: object) -> object:
    return [written] if isinstance(written, str) else written


class SyncSettings(Part):
    """One Census sync of the pipeline; the comment above each key is what docs/YOUR_PIPELINE.md says of it."""

    # What people call it in Slack, unlike any other sync. A user can type its last word alone.
    name: Annotated[str, Field(max_length=40), AfterValidator(_sync_name)]
    # Its number in Census, which stands in the address of the sync.
    id: Annotated[int, Field(gt=0, strict=True)]
    # What checks and statements may call it (`rerun: role:update`). The audit log has it as sync_type.
    role: Annotated[str, AfterValidator(written_like(r"[a-z][a-z0-9_]*", ROLE))] | None = None
    # The view or table that holds its pending records. Without one everything is known from Census alone.
    queue: Table | None = None
    # The columns that name a pending record, 3 at most: all that is ever shown of it.
    key: Annotated[tuple[Column, ...], Field(max_length=MOST_KEYS), BeforeValidator(_as_list)] = ()
    # The column that holds what Census calls the identifier of a record, so that rejected records are found among the
    # pending ones. Where `key` is one column it need not be said.
    identifier: Column | None = None
    # The column that says when a pending record changed in the source: the oldest one, and whether the backlog shrinks.
    changed_at: Column | None = None
    # The columns by which `/sync-health queue` counts the backlog of this sync, 4 at most.
    group_by: Annotated[tuple[Column, ...], Field(max_length=MOST_GROUPS), BeforeValidator(_as_list)] = ()
    # Conditions that make a pending record suspect, 10 at most. A record counts for the first that holds.
    suspect: Annotated[
        tuple[Annotated[Suspect, BeforeValidator(_with_label)], ...], Field(max_length=MOST_SUSPECTS)
    ] = ()
    # Names from `row_counts`. While one of these tables is empty or unknown, the backlog is no data.
    needs: tuple[str, ...] = ()
    # `external`: Airflow, Dagster or another caller starts it over the API of Census, so no schedule is no fault.
    starts: Literal["census", "external"] = "census"
    # The longest time between two completed runs, from 5m to 365d. It takes the place of schedule and rhythm.
    expect_every: Annotated[Duration, AfterValidator(_expectable)] | None = None
    # Whom alerts about this sync mention, where the check names nobody.
    owner: Owner | None = None
    # Thresholds of this sync alone, by check, laid over `limits` of the pipeline.
    limits: dict[str, Changes] = {}

    @property
    def counted(self) -> tuple[str, ...]:
        """What the warehouse counts of its queue: backlog, oldest change, suspect records by what makes them so."""
        oldest = ("oldest",) if self.changed_at else ()
        return ("backlog", *oldest, *(f"suspect_{n}" for n, _ in enumerate(self.suspect)))

    @property
    def identified_by(self) -> str | None:
        """The column by which a rejected record is found in the queue; None where several might be meant, or none."""
        return self.identifier or (self.key[0] if len(self.key) == 1 else None)

    @property
    def label(self) -> str:
        """As people call it: `Sync B (UPDATE)`."""
        named = self.role is None or self.role in self.name.casefold()
        return self.name if named else f"{self.name} ({str(self.role).upper()})"

    @property
    def names(self) -> frozenset[str]:
        """Its full names, as they are compared."""
        return frozenset({as_compared(self.name), as_compared(self.label)})

    @property
    def last_word(self) -> str:
        """Its short name: the `b` of `Sync B`."""
        return as_compared(self.name).split()[-1]

    @property
    def signs(self) -> frozenset[str]:
        """What it goes by without a name."""
        return frozenset({str(self.id), *([self.role] if self.role else [])})


def inconsistent_syncs(syncs: Sequence[SyncSettings], counted: Sequence[str], written: Written) -> Iterator[str]:
    """Syncs that cannot be told apart, by the bot or by people who name them in Slack, and keys that need others.

    `counted` are the numbers that say how many rows a table has.
    """
    alike = _Alike(syncs)
    for n, sync in enumerate(syncs):
        yield from _not_alone(sync, n, syncs, alike, written)
        for what in ("key", "identifier", "changed_at", "group_by", "suspect", "needs"):
            if getattr(sync, what) and not sync.queue:
                yield written.problem(("syncs", n, what), "is about a queue, and this sync has none: add queue")
        yield from _same_labels(sync, n, written)
        for need in sync.needs:
            if need not in counted:
                listed = f"known are {', '.join(counted)}" if counted else "there are none"
                yield written.problem(("syncs", n, "needs"), f'"{need}" is not in row_counts: {listed}')


def _same_labels(sync: SyncSettings, n: int, written: Written) -> Iterator[str]:
    """Suspect records are counted by their labels, so each condition of a sync has its own."""
    labels = [suspect.label for suspect in sync.suspect]
    for m, label in enumerate(labels):
        if label in labels[:m]:
            what = f"another condition of {sync.name} has the label {shown(label)}: write a label that differs"
            yield written.problem(("syncs", n, "suspect", m), what)


class _Alike:
    """Where syncs have the same id, role or queue, and which of them go by a word."""

    def __init__(self, syncs: Sequence[SyncSettings]) -> None:
        self._first: dict[object, int] = {}
        self._by_word: dict[str, list[int]] = {}
        for n, sync in enumerate(syncs):
            for key in (("id", sync.id), ("role", sync.role), _table(sync)):
                self._first.setdefault(key, n)
            for word in {*sync.names, *sync.signs}:
                self._by_word.setdefault(word, []).append(n)

    def is_first(self, key: object, n: int) -> bool:
        return self._first[key] == n

    def others(self, sync: SyncSettings, n: int) -> list[int]:
        """Which may be meant by what this one is called."""
        return sorted({m for word in {*sync.names, sync.last_word} for m in self._by_word.get(word, ())} - {n})


def _not_alone(
    sync: SyncSettings, n: int, syncs: Sequence[SyncSettings], alike: _Alike, written: Written
) -> Iterator[str]:
    for what in ("id", "role"):
        mine: Any = getattr(sync, what)
        if mine and not alike.is_first((what, mine), n):
            yield written.problem(("syncs", n, what), f"another sync has the {what} {mine}")
    if sync.queue and not alike.is_first(_table(sync), n):
        yield written.problem(("syncs", n, "queue"), f"another sync has the queue {sync.queue}: each has its own")
    for m in alike.others(sync, n):
        other = syncs[m]
        if m < n and sync.name.casefold() == other.name.casefold():
            what = f"another sync has the name {other.name}: write one that differs in more than case"
            yield written.problem(("syncs", n, "name"), what)
        elif taken := _taken(sync, other):
            what = f'"{taken}" also means {other.label}: write a name that does not'
            yield written.problem(("syncs", n, "name"), what)


def _taken(sync: SyncSettings, other: SyncSettings) -> str | None:
    """What this sync is called and the other goes by."""
    words = {*sync.names, sync.last_word}
    full = set() if sync.name.casefold() == other.name.casefold() else other.names
    return min(words & (other.signs | full), default=None)


def _table(sync: SyncSettings) -> tuple[str, ...]:
    """Its queue, as names of tables are compared."""
    return tuple(part.casefold() for part in table_parts(str(sync.queue)))
