"""What the flags of `sync-health init` say, sorted out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.config.env_file import settable
from bot.errors import RefusedError
from checks.problems import nearest


@dataclass(frozen=True)
class Options:
    """The flags; None or empty where one was not given."""

    folder: Path | None = None
    name: str | None = None
    zone: str | None = None
    record: str | None = None
    records: str | None = None
    destination: str | None = None
    channel: str | None = None
    operators: Sequence[str] = ()
    syncs: Sequence[str] = ()
    queues: Mapping[int, Sequence[str]] = field(default_factory=dict)  # by the id of the sync
    keys: Mapping[int, Sequence[str]] = field(default_factory=dict)
    changed_at: Mapping[int, Sequence[str]] = field(default_factory=dict)
    warehouse: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    force: bool = False
    wait: bool = True


def by_sync(flag: str, texts: Sequence[str]) -> dict[int, list[str]]:
    """`101=crm.contacts` → by the id of the sync. Raises RefusedError."""
    found: dict[int, list[str]] = {}
    for text in texts:
        id_, equals, value = text.partition("=")
        if not equals or not id_.strip().isdecimal() or not value.strip():
            raise RefusedError(f'{flag}: cannot read "{text}": write the ID of the sync, = and the name, such as 101=…')
        found.setdefault(int(id_), []).append(value.strip())
    return found


def variables(texts: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` → by name. Raises RefusedError; a value, which may be a secret, is never repeated."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RefusedError("--env: a value has no name: write NAME=VALUE, such as CENSUS_GROUP_ID=my_group")
        if name not in settable() or name == "SYNC_HEALTH_CONFIG":
            raise RefusedError(f"--env: no variable of .env is called {name[:40]}: {nearest(name, settable())}")
        found[name] = value
    return found


def only(values: Sequence[str] | None) -> str | None:
    """The one value of a flag that may be given once for each sync: the last, as for other flags."""
    return values[-1] if values else None


def joined(values: Sequence[str] | None) -> str | None:
    """Several values as they would be typed."""
    return ",".join(values) if values else None
