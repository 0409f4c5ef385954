"""All that can be set, as one frozen value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.alerts.rejections import Known
from bot.config import shipped
from bot.config.databricks import Databricks
from bot.config.environment import PagerPlaces
from bot.config.pipeline_file import Links, Mode, Noun, Operators, PagerRules, Report, Timetable
from bot.config.remedies import Remedy
from bot.config.runbook import Sections, product_runbook
from bot.config.syncs import SyncSettings, as_compared
from checks.model import Check

OBSERVES = "Observe mode: no changes to Census or the warehouse"
REFUSES_CHANGES = (
    "Observe mode makes no changes to Census or the warehouse. To allow them, set mode to act in pipeline.yml."
)


@dataclass(frozen=True)
class Settings:
    """Everything that can be set; secrets do not show in its repr."""

    pipeline: str
    zone: ZoneInfo
    channel: str
    operators: Operators
    syncs: tuple[SyncSettings, ...]
    tables: Mapping[str, str]
    checks: tuple[Check, ...]
    rejections: Known = field(repr=False)
    warehouse_folder: Path | None
    state_url: str
    slack_api_url: str
    census_api_url: str
    census_api_version: str
    census_group_id: str | None
    slack_bot_token: str = field(repr=False)
    slack_app_token: str = field(repr=False)
    census_api_token: str = field(repr=False)
    heartbeat_url: str = field(default="", repr=False)  # whoever knows it can keep the monitor quiet
    pager: PagerRules = field(default_factory=PagerRules)
    pagers: PagerPlaces = field(default_factory=PagerPlaces)
    databricks: Databricks | None = None  # else it is DuckDB
    mode: Mode = "act"
    schedule: Timetable = field(default_factory=Timetable)
    links: Links = field(default_factory=Links)
    report: Report = field(default_factory=Report)  # to whom the stakeholder note goes
    config: Path = shipped.FOLDER / "pipeline.yml"  # where this was read
    is_of_earlier_version: bool = False  # it says `direction` where `role` is written now, and is read anyway
    fallback_channel: str | None = None  # where alerts go while `channel` refuses them
    noun: Noun = field(default_factory=Noun)
    destination: str = "destination"
    owner: str | None = None  # a user or user group of Slack, for alerts whose check and sync name none
    folder: Path = shipped.FOLDER  # with the sql/ of its statements
    statements: frozenset[str] = frozenset()  # those of its own
    own_objects: tuple[str, ...] = ()  # of these what creates its own tables and views, each after what it reads
    has_warehouse: bool = True  # False: everything is known from Census alone
    measure: str | None = None  # the one that returns one row of numbers
    row_counts: Mapping[str, str] = field(default_factory=dict)  # those of its numbers that count a table's rows
    deploy_to: str | None = None  # catalog.schema of what the bot creates
    audit_log: str | None = None
    checks_of: Mapping[str, Mapping[str, Check | None]] = field(default_factory=dict)  # by sync, where they differ
    files: Mapping[str, str] = field(default_factory=dict)  # in which each check stands
    remedies: tuple[Remedy, ...] = ()  # what is done without being asked
    trace: frozenset[str] | None = None  # the texts that the pipeline's own trace may say; None: it has no trace
    runbook: Sections = field(default_factory=product_runbook, repr=False)  # by anchor

    def remedy_of(self, sync: SyncSettings, do: str) -> Remedy | None:
        """The remedy that pauses or reruns this sync; one that acts comes before one that only says so."""
        mine = (one for one in self.remedies if one.do == do and one.concerns(sync))
        return min(mine, key=lambda one: one.dry, default=None)

    @property
    def observes(self) -> bool:
        """Whether nothing outside of the bot may be changed."""
        return self.mode == "observe"

    @property
    def asks_warehouse(self) -> bool:
        """Whether anything is known from the warehouse: a queue, the pipeline's own numbers, or a check's statement."""
        return bool(self.measure or any(sync.queue for sync in self.syncs) or any(one.statement for one in self.checks))

    @property
    def needed_sources(self) -> frozenset[str]:
        """Who is asked for the checks alone: Census, too, where one of a queue waits for its schedule."""
        mine = (self.check_called(check.name, sync.name) for check in self.checks if check.per for sync in self.syncs)
        waits = any(check and check.active.after_schedule is not None for check in mine)
        return frozenset({check.source for check in self.checks} | ({"census"} if waits else set()))

    def check_called(self, name: str, sync: str | None = None) -> Check | None:
        """The check of this name, as it is for this sync; None where there is none, or none for this sync."""
        of_sync = self.checks_of.get(sync or "", {})
        if name in of_sync:
            return of_sync[name]
        return self._checks_by_name.get(name)

    @cached_property
    def _checks_by_name(self) -> Mapping[str, Check]:
        return {check.name: check for check in self.checks}

    def checks_of_metric(self, metric: str) -> Sequence[Check]:
        """Those that judge this number."""
        return self._checks_by_metric.get(metric, ())

    @cached_property
    def _checks_by_metric(self) -> Mapping[str, Sequence[Check]]:
        found: dict[str, list[Check]] = {}
        for check in self.checks:
            found.setdefault(check.metric, []).append(check)
        return found

    def check_that_was(self, name: str) -> tuple[Check, str] | None:
        """The check that an earlier version called so, when it was about one sync alone, and the name of that sync."""
        for check in self.checks:
            for sync in self.syncs:
                if name in check.was and check.was[name] == sync.role:
                    return check, sync.name
        return None

    def owner_of(self, check: str, sync: str | None) -> str | None:
        """Whom alerts of this check mention: its owner, else that of the sync, else that of the pipeline."""
        found = self.check_called(check, sync)
        label = sync or (self.helping_sync(found, None) if found else None)
        about = self.sync_named(label)
        return (found.owner if found else None) or (about.owner if about else None) or self.owner

    @property
    def unowned(self) -> tuple[str, ...]:
        """The names of the critical checks that have an alert which would mention nobody."""
        names = [sync.name for sync in self.syncs]
        return tuple(
            check.name
            for check in self.checks
            if check.critical and not all(self.owner_of(check.name, name) for name in (names if check.per else [None]))
        )

    def helping_sync(self, check: Check, sync: str | None) -> str | None:
        """The sync whose rerun can help, as the check stands in its situation; None where there is no such sync."""
        if check.rerun == "same" or check.rerun is None:
            return sync if check.rerun else None
        return self._syncs_to_rerun.get(check.rerun)

    @cached_property
    def _syncs_to_rerun(self) -> Mapping[str, str]:
        """Their names, by what `rerun` of a check may call them."""
        roles = {f"role:{one.role}": one.name for one in self.syncs if one.role}
        return roles | {one.name: one.name for one in self.syncs}

    def sync_named(self, name: str | None) -> SyncSettings | None:
        """The sync of exactly this name."""
        return self._syncs_by_name.get(name or "")

    @cached_property
    def _syncs_by_name(self) -> Mapping[str, SyncSettings]:
        return {one.name: one for one in self.syncs}

    def sync_called(self, word: str) -> SyncSettings | None:
        """The sync that somebody means by `Sync B (UPDATE)`, `Sync B`, `b`, `update` or its id."""
        wanted = as_compared(word)
        called = [sync for sync in self.syncs if wanted in {*sync.names, sync.last_word, *sync.signs}]
        return called[0] if len(called) == 1 else None
