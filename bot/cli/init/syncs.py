"""Which syncs of the Census workspace the new pipeline watches."""

import html
from collections.abc import Sequence

from bot.cli.init.options import Options
from bot.cli.init.prompts import Prompter, listed, say
from bot.config.new_pipeline import NewSync, distinct_names
from bot.errors import SyncHealthError
from bot.facts import Sync
from bot.ports import Census

MOST = 20  # names in a sentence
ACTIVE, ALL = "active", "all"
EXPLAINED = f"numbers or IDs with commas, {ALL}, or {ACTIVE} (not paused)"


def choose_syncs(prompter: Prompter, options: Options, known: Sequence[Sync] | None) -> list[NewSync]:
    """The syncs, named as in Census; their ids as they are given where Census could not be asked."""
    given = ",".join(options.syncs) or None
    if known is None:
        ids = prompter.ask("IDs of the syncs, with commas", "--sync", _typed_ids, given=given)
        return [NewSync(id_, name) for id_, name in distinct_names(dict.fromkeys(ids, "")).items()]
    if prompter.interactive and given is None:
        _print_syncs(known)
    rows = {str(n): one.id for n, one in enumerate(known, 1)} if given is None else {}

    def chosen(text: str) -> list[int]:
        return _chosen_ids(text, known, rows)

    default = ACTIVE if any(not one.schedule.paused for one in known) else ALL
    ids = prompter.ask(f"Syncs to watch: {EXPLAINED}", "--sync", chosen, given=given, default=default)
    labels = {one.id: one.label for one in known}
    return [NewSync(id_, name) for id_, name in distinct_names({id_: labels[id_] for id_ in ids}).items()]


def workspace_syncs(census: Census) -> list[Sync]:
    """All of them, as they are chosen from. Raises SyncHealthError where there are none, too."""
    known = sorted(census.syncs(), key=lambda one: one.label.casefold())
    if not known:
        raise SyncHealthError("Census lists no syncs: check the owner of CENSUS_API_TOKEN and CENSUS_GROUP_ID")
    return known


def _print_syncs(known: Sequence[Sync]) -> None:
    from bot.cli.terminal import print_table

    rows = [(str(n), one.label, str(one.id), _state(one), schedule_in_words(one)) for n, one in enumerate(known, 1)]
    print_table(("#", "sync", "ID", "state", "schedule"), rows)


def _state(sync: Sync) -> str:
    return "paused" if sync.schedule.paused else "on" if sync.schedule.enabled else "not scheduled"


def schedule_in_words(sync: Sync) -> str:
    """`every 15 minutes`; what starts a sync, without the markup of Slack."""
    from bot.messages.phrases import how_often

    return html.unescape(how_often(sync.schedule)).replace("`", "") or "none: something else may start it"


def _chosen_ids(text: str, known: Sequence[Sync], rows: dict[str, int]) -> list[int]:
    """The ids that are meant. Raises ValueError."""
    word = text.casefold()
    if word in (ALL, ACTIVE):
        found = [one.id for one in known if word == ALL or not one.schedule.paused]
        if not found:
            raise ValueError(f"every sync is paused: write IDs, or {ALL}")
        return found
    ids = {str(one.id): one.id for one in known}
    chosen = []
    for part in text.replace(",", " ").split():
        if (id_ := ids.get(part, rows.get(part))) is None:
            names = listed([f"{one.id} ({one.label})" for one in known], MOST)
            raise ValueError(f'Census lists no sync "{part}": known are {names}')
        chosen.append(id_)
    if not chosen:
        raise ValueError(f"names no sync: write {EXPLAINED}")
    return list(dict.fromkeys(chosen))


def _typed_ids(text: str) -> list[int]:
    parts = text.replace(",", " ").split()
    if not parts or not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise ValueError(f'cannot read "{text}": Census has the ID of a sync, a number, in its address')
    return list(dict.fromkeys(map(int, parts)))


def say_that_census_cannot_be_asked(error: SyncHealthError) -> None:
    """What was tried, and what to do instead."""
    say(f"! {error}. The syncs cannot be listed; their IDs, which are in their addresses, can be typed")
