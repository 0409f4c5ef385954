"""The questions of `sync-health init`, in order; what they come to is a pipeline and its environment."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from bot.cli.init.connections import ask_census, ask_warehouse, draft_sources
from bot.cli.init.options import Options, joined
from bot.cli.init.prompts import Prompter, split
from bot.cli.init.queues import Tables, choose_queue, list_tables
from bot.cli.init.syncs import choose_syncs
from bot.cli.warehouse_start import await_warehouse
from bot.config.environment import NO_WAREHOUSE
from bot.config.new_pipeline import (
    CHANNEL,
    DESTINATION,
    MANY,
    NAME,
    ONE,
    ZONE,
    NewPipeline,
    NewSync,
    name_of,
    operator,
    plural_of,
)
from bot.errors import AccessError, RefusedError

ZONES = "zoneinfo/"  # where the files of zones are, in the target of /etc/localtime
LOCAL = Path("/etc/localtime")


@dataclass(frozen=True)
class Dialogue:
    """One run of the questions: who answers, with what flags, for which folder."""

    prompter: Prompter
    options: Options
    folder: Path

    def hold(self, values: dict[str, str]) -> NewPipeline:
        """Ask everything; `values` are the variables that are known, and get those that are asked for."""
        new = self._describe()
        known = ask_census(self.prompter, values)
        syncs = choose_syncs(self.prompter, self.options, known)
        self._refuse_strangers(syncs)
        syncs = self._with_queues(syncs, values)
        return self._with_people(replace(new, syncs=tuple(syncs)))

    def _describe(self) -> NewPipeline:
        ask, given = self.prompter.ask, self.options
        name = ask("Pipeline name", "--name", NAME, given=given.name, default=name_of(self.folder.name))
        zone = ask("Time zone", "--zone", ZONE, given=given.zone, default=machine_zone())
        one = ask("A record is called", "--record", ONE, given=given.record, default="record")
        many = ask("…and several", "--records", MANY, given=given.records, default=plural_of(one))
        where = ask(
            "Destination of the records, such as HubSpot or Braze",
            "--destination",
            DESTINATION,
            given=given.destination,
            default="destination",
        )
        return NewPipeline(name=name, zone=zone, one=one, many=many, destination=where)

    def _with_people(self, new: NewPipeline) -> NewPipeline:
        ask, given = self.prompter.ask, self.options
        question = "Slack channel for alerts, its name or ID"
        channel = ask(question, "--channel", CHANNEL, given=given.channel, default=new.channel)
        operators = ask(
            "Operators, who may acknowledge and rerun: Slack user IDs (U…) or user group IDs (S…) with commas, or none",
            "--operator",
            split(operator),
            given=joined(given.operators),
            default="none",
        )
        return replace(new, channel=channel, operators=operators)

    def _refuse_strangers(self, syncs: list[NewSync]) -> None:
        """A flag about a sync that is not watched is a mistake."""
        ids = {sync.id for sync in syncs}
        flags = {"--queue": self.options.queues, "--key": self.options.keys, "--changed-at": self.options.changed_at}
        for flag, by_sync in flags.items():
            for id_ in by_sync:
                if id_ not in ids:
                    known = ", ".join(map(str, sorted(ids)))
                    raise RefusedError(f"{flag}: sync {id_} is not among those to watch ({known}): add it with --sync")
                if flag != "--queue" and id_ not in self.options.queues and not self.prompter.interactive:
                    raise RefusedError(f"{flag}: sync {id_} has no queue: add --queue {id_}=catalog.schema.table")

    def _with_queues(self, syncs: list[NewSync], values: dict[str, str]) -> list[NewSync]:
        """The syncs with what the warehouse has for them; a login that it refuses is asked for again."""
        while True:
            ask_warehouse(self.prompter, self.options, values)
            if values["SYNC_HEALTH_WAREHOUSE"] == NO_WAREHOUSE:
                if self.options.queues:
                    raise RefusedError("--queue: without a warehouse there are no queues: add --warehouse")
                return syncs
            if not self.prompter.interactive and not self.options.queues:
                return syncs
            try:
                return self._chosen_queues(syncs, values)
            except AccessError as error:
                if not self.prompter.interactive:
                    raise RefusedError(str(error)) from None
                self.prompter.refuse(error)
                for name in [name for name in values if name.startswith(("DATABRICKS_", "ARM_"))]:
                    del values[name]

    def _chosen_queues(self, syncs: list[NewSync], values: dict[str, str]) -> list[NewSync]:
        warehouse = draft_sources(values).warehouse
        try:
            await_warehouse(warehouse, wait=self.options.wait)
            tables = list_tables(warehouse) if self.prompter.interactive else Tables(warehouse, [])
            return [choose_queue(self.prompter, self.options, tables, sync) for sync in syncs]
        finally:
            warehouse.close()


def machine_zone() -> str | None:
    """The zone of this machine, where it has a name."""
    candidates = [os.environ.get("TZ", "").lstrip(":")]
    if LOCAL.is_symlink():
        candidates.append(str(LOCAL.readlink()).rpartition(ZONES)[2])
    for name in candidates:
        try:
            return str(ZONE(name)) if name else None
        except ValueError:
            continue
    return None
