"""A new pipeline: answers → the text of pipeline.yml, and the checks of single answers. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.config.pipeline_file import Noun, PipelineFile
from bot.config.syncs import ALL, SyncSettings, as_compared, inconsistent_syncs
from bot.config.yaml_lines import is_unseen
from checks.problems import Written, problems

LONGEST_NAME = 40  # characters of a sync's name, as SyncSettings has it
COLUMN = 29  # where comments begin
STEM = 4  # letters that two forms of a word share
PLAIN = re.compile(r"[A-Za-z](?:[\w./-]| (?=[\w./-]))*", re.ASCII)  # text that reads the same without quotes
NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # …in one YAML or another


@dataclass(frozen=True)
class NewSync:
    """A sync of Census to watch, and the queue of its pending records."""

    id: int
    name: str
    queue: str | None = None
    key: tuple[str, ...] = ()
    changed_at: str | None = None


@dataclass(frozen=True)
class NewPipeline:
    """What pipeline.yml says; what is not asked has the default of its schema."""

    name: str = "pipeline"
    zone: str = "UTC"
    one: str = "record"
    many: str = "records"
    destination: str = "destination"
    channel: str = "sync-health"
    operators: tuple[str, ...] = ()  # users and user groups of Slack
    syncs: tuple[NewSync, ...] = field(default=(NewSync(1, "Sync"),))


def checked(model: type[BaseModel], name: str, text: object) -> Any:
    """The value of a field of pipeline.yml. Raises ValueError with what is wrong and what to write instead."""
    adapter: TypeAdapter[Any] = TypeAdapter(model.model_fields[name].rebuild_annotation())
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        what = next(problems(Written("it", None, None), model, error), "it: cannot be used")
        raise ValueError(what.partition(": ")[2]) from None


def reader(model: type[BaseModel], name: str) -> Callable[[str], Any]:
    """`checked` for one field."""
    return lambda text: checked(model, name, text)


def distinct_names(labels: Mapping[int, str]) -> dict[int, str]:
    """A name for each sync by its id: its label in Census, with its id where people could mean another one by it."""
    names = {id_: _sayable(label) or f"Sync {id_}" for id_, label in labels.items()}
    for longer in (_with_id, _only_id):
        for id_ in _ambiguous(names):
            names[id_] = longer(names[id_], id_)
    return {id_: _only_id("", id_) for id_ in names} if _ambiguous(names) else names


def pipeline_text(new: NewPipeline) -> str:
    """pipeline.yml: what was answered, and as comments what else can be said."""
    lines = [
        "# The pipeline that Sync Health watches, as `sync-health init` wrote it. Everything here can be changed;",
        "# `sync-health check` names each line that cannot work.",
        f"name: {_scalar(new.name)}",
        f"zone: {_scalar(new.zone)}",
        _line("# cadence: daily", "where the syncs run once a day: chooses the thresholds that fit"),
        "",
        _line(f"noun: {{one: {_scalar(new.one)}, many: {_scalar(new.many)}}}", "what records are called in messages"),
        _line(f"destination: {_scalar(new.destination)}", "…and where they go"),
        _line("# owner: S012ABCDEF", "user or user group: mentioned when a critical alert opens and escalates"),
        "",
        _line(f"channel: {_scalar(new.channel)}", "where alerts go: the name of a channel, or its ID (C…)"),
        _line("# fallback_channel: C012ABCDEF", "where they go when that one is archived or lost"),
        _line("# mode: observe", "alerts and answers only, for a first week: no change to Census or the warehouse"),
        *_operators(new.operators),
        "",
        _line("syncs:", "as Census knows them, each with the view or table of its pending records (queue)"),
        *(line for n, sync in enumerate(new.syncs) for line in _sync(sync, first=n == 0)),
        "",
        *OPTIONS,
    ]
    return "\n".join(lines) + "\n"


OPTIONS = (
    "# deploy_to: main.sync_health  # where `sync-health deploy` creates the audit log and its views",
    "",
    '# schedule: {digest: "03:00", summary: "09:00", snapshot: "23:59", report: "Mon 08:00"}  # in the zone above',
    '# links: {runbook: "https://wiki.example.com/syncs#{section}"}  # where people look; also census_sync, record, …',
    "# limits: {failed_runs: {enabled: false}}  # thresholds of checks, where yours differ for all syncs",
    "",
    "checks:",
    "  - sync                     # the checks of every sync: schedule, failed and overdue runs, backlog, …",
    "  # - name: nameless         # a check of your own; its statement returns one row with one number:",
    "  #   title: Without a name  #   SELECT CAST(COUNT(*) AS BIGINT) AS nameless FROM … WHERE name IS NULL",
    "  #   sql: sql/checks/nameless.sql",
    "  #   source: databricks     # …any warehouse",
    '  #   warn: "> 10"',
    "  #   promise: at-sync-time",
    '  #   summary: "{value} {nouns} have no name"',
)


def _operators(operators: Sequence[str]) -> Iterator[str]:
    groups = [one for one in operators if one.startswith("S")]
    users = [one for one in operators if one not in groups]
    yield _line("operators:", "who may acknowledge, snooze, rerun and take snapshots")
    yield _line(f"  users: {_list(users)}", "Slack user IDs (U…)")
    yield _line(f"  groups: {_list(groups)}", "Slack user group IDs (S…); user groups need a paid plan")


def _sync(sync: NewSync, *, first: bool) -> Iterator[str]:
    """A sync; the first one shows what else can be said of one."""
    yield f"  - name: {_scalar(sync.name)}"
    yield _line(f"    id: {sync.id}", "it stands in the address of the sync in Census" if first else "")
    if sync.queue:
        yield f"    queue: {_scalar(sync.queue)}"
        shown = f"    key: {_list(sync.key)}" if sync.key else "    # key: [id]"
        yield _line(shown, "what is shown of a pending record, nothing else" if first else "")
        changed = f"    changed_at: {_scalar(sync.changed_at)}" if sync.changed_at else "    # changed_at: updated_at"
        yield _line(changed, "when it changed in the source" if first else "")
    elif first:
        yield _line("    # queue: main.crm.pending", "without one, everything is known from Census alone")
    if first and sync.queue:
        yield _line("    # group_by: [region]", "columns by which pending records are counted")
        yield _line("    # suspect:", "records that should not be written: conditions over the columns of the queue")
        yield "    #   - {when: \"email IS NULL OR email = ''\", label: no e-mail}"
    if first:
        yield _line("    # starts: external", "where Airflow, Dagster or another caller starts it, not Census")
        yield _line("    # expect_every: 6h", "…and the longest time between two completed runs")
        yield '    # limits: {backlog: {warn: "> 50", critical: "> 100"}}'


def _line(text: str, comment: str) -> str:
    return f"{text:<{COLUMN - 2}}  # {comment}" if comment else text


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_scalar, texts))}]"


def _scalar(text: str) -> str:
    """Text as YAML writes it, inside a list or a mapping too: with quotes unless it is a plain word or several."""
    if PLAIN.fullmatch(text) and text.casefold() not in NOT_TEXT:
        return text
    style = "'" if text.isprintable() else '"'
    dumped: str = yaml.safe_dump(text, default_style=style, allow_unicode=True, width=10**9)
    return dumped.rstrip("\n")


def _sayable(label: str) -> str:
    seen = "".join(character for character in label if not is_unseen(character))
    name = " ".join(seen.split())[:LONGEST_NAME].rstrip()
    return "" if as_compared(name) in ("", ALL) else name


def _with_id(name: str, id_: int) -> str:
    return f"{name[: LONGEST_NAME - len(str(id_)) - 1].rstrip()} {id_}"


def _only_id(_: str, id_: int) -> str:
    return f"Sync {id_}"


def _ambiguous(names: Mapping[int, str]) -> list[int]:
    """Those whose name could mean another sync, or is another's."""
    syncs = [SyncSettings(name=name, id=id_) for id_, name in names.items()]
    written = Written("", {}, lambda place: int(place[1]))
    found = inconsistent_syncs(syncs, (), written)
    return sorted({syncs[int(problem.split(":")[1])].id for problem in found})


def operator(text: str) -> str:
    """A Slack user or user group ID. Raises ValueError."""
    if not re.fullmatch(r"[UWS][A-Z0-9]+", text):
        raise ValueError(f'"{text}" is no Slack user or user group ID; IDs look like U012ABCDEF or S012ABCDEF')
    return text


NAME, ZONE, CHANNEL, DESTINATION = (reader(PipelineFile, name) for name in ("name", "zone", "channel", "destination"))
ONE, MANY = reader(Noun, "one"), reader(Noun, "many")
QUEUE, CHANGED_AT = reader(SyncSettings, "queue"), reader(SyncSettings, "changed_at")


def name_of(folder: str) -> str:
    """What a pipeline in a folder of this name is probably called."""
    ascii_only = normalize("NFKD", folder.casefold()).encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9_-]+", "-", ascii_only).strip("-_")
    try:
        return str(NAME(word))
    except ValueError:
        return "pipeline"


def plural_of(word: str) -> str:
    """What several are probably called."""
    return re.sub(r"([^aeiou])y$", r"\1ie", word)[:39] + "s"


def likely_keys(columns: Sequence[str]) -> list[str]:
    """Columns that may identify a record."""
    return [one for one in columns if re.search(r"(^|_)id$", one)]


def default_key(columns: Sequence[str], table: str) -> str | None:
    """`id`, else the id that shares a word with the name of the table, else the only one; None where several may."""
    likely, name = likely_keys(columns), table.rpartition(".")[2].casefold()
    named = [one for one in likely if any(word[:STEM] in name for word in one.split("_") if len(word) >= STEM)]
    clear = next((found for found in (["id"] * ("id" in likely), named, likely) if found), [])
    return clear[0] if len(clear) == 1 else None


def likely_changes(columns: Sequence[str]) -> list[str]:
    """Columns that probably say when a record changed."""
    when = r"(^|_)(updated?|changed?|modified|modification)_(at|on|date|time|timestamp|ts|datetime)$"
    return [one for one in columns if re.search(when, one)]
