"""Words and numbers as Slack shows them; everything from the pipeline is escaped here."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from bot.alerts.model import ITSELF
from bot.sanitize import sanitize
from checks.forms import parse_limit, with_unit
from checks.model import Outcome, Severity
from checks.numbers import duration, in_figures, in_percent

ICONS = {
    Outcome.OK: "✅",
    Outcome.WARN: "🟡",
    Outcome.CRITICAL: "🔴",
    Outcome.NO_DATA: "❔",
    Outcome.ERROR: "❗",
    Severity.WARN: "🟡",
    Severity.CRITICAL: "🔴",
}
SPANS = {"min": timedelta(minutes=1), "h": timedelta(hours=1)}
TICK = "`"
LIKE = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "*": "\N{ASTERISK OPERATOR}",
    "~": "\N{TILDE OPERATOR}",
    "_": "\N{MODIFIER LETTER LOW MACRON}",
    TICK: "\N{MODIFIER LETTER GRAVE ACCENT}",
    ":": "\N{RATIO}",
    "@": "\N{FULLWIDTH COMMERCIAL AT}",
}
# What Slack reads as markup: `_` only at the edge of a word, `:` only around the name of an emoji, `@` where it pings.
MARKUP = re.compile(r"[&<>*~`]|(?<![^\W_])_+|_+(?![^\W_])|:(?=[a-z][\w+-]*:)|@(?=(?i:here|channel|everyone)\b)")
LONGEST_ADDRESS = 1000
PERSON = re.compile(r"\{@([UWS][A-Z0-9]+)\}")
TIME = re.compile(r"\{(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d)\}")  # see alerts.causes.at
ADDRESS = "%:/?#[]@!$&'()*+,;=~"  # what an address is written with; the rest would end it, or the line
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,}")
SIGNS = {">=": "≥", "<=": "≤", "!=": "≠"}


def escape(text: str, most: int = 2000) -> str:
    """Text from outside as prose: one line, no markup, no mentions, no longer than a block takes.

    What would format a line becomes a character that looks alike; inside a word `_` formats nothing and stays.
    """
    return cut(MARKUP.sub(_alike, sanitize(text, most)), most)


def code(text: str, most: int = 200) -> str:
    """An identifier from outside in a code span, where it can be copied as it is."""
    return f"`{cut(_entities(sanitize(text, most).replace(TICK, LIKE[TICK])), most) or '–'}`"


def cut(text: str, most: int) -> str:
    """Our markup shortened to `most` characters, with no entity, link, mention or code span torn."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    for opens, closes in (("<", ">"), ("&", ";")):
        if kept.rfind(opens) > kept.rfind(closes):
            kept = kept[: kept.rfind(opens)]
    return (kept[: kept.rfind(TICK)] if kept.count(TICK) % 2 else kept) + "…"


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _alike(found: re.Match[str]) -> str:
    if found[0] == ">" and found.start() == 0:  # even as an entity it would make the line a quotation
        return "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
    return "".join(LIKE[character] for character in found[0])


def time_of_day(at: datetime, zone: ZoneInfo) -> str:
    """A time behind another one of the same day, in each reader's zone."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at.astimezone(zone):%H:%M}>"


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """`Today at 3:05 AM`, in each reader's zone and by the day on which it is read."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{at.astimezone(zone):%Y-%m-%d %H:%M}>"


def with_times(text: str, zone: ZoneInfo, most: int = 300) -> str:
    """A stored text of ours, escaped; times and people that stand in it in braces are written for each reader."""

    def written(found: re.Match[str]) -> str:
        try:
            return day_and_time(datetime.fromisoformat(found[1]), zone)
        except ValueError:  # somebody's own braces
            return found[0]

    return PERSON.sub(lambda found: person(found[1]), TIME.sub(written, escape(text, most)))


def without_braces(text: str, zone: ZoneInfo) -> str:
    """The same where nothing is written per reader: times in the pipeline's zone, people by their ids."""

    def written(found: re.Match[str]) -> str:
        try:
            return f"{datetime.fromisoformat(found[1]).astimezone(zone):%Y-%m-%d %H:%M %Z}"
        except ValueError:  # somebody's own braces
            return found[0]

    return PERSON.sub(lambda found: found[1], TIME.sub(written, text))


def by_whom(by: str) -> str:
    """Who acted: somebody, or the bot on its own."""
    return "Sync Health" if by == ITSELF else person(by)


def as_of(at: datetime, zone: ZoneInfo) -> str:
    """How old a value is: what is not of this minute says so."""
    return f"as of {day_and_time(at, zone)}"


def number(value: float | None, limit: str | None = None) -> str:
    """`18,722`, `96.0%` where its `limit` (`< 95%`) has that unit, never rounded onto it; a dash for none."""
    if value is None or not limit:
        return "–" if value is None else in_figures(value)
    read = parse_limit(limit)
    return figure(value, read.unit, [read.number])


def figure(value: float, unit: str = "", beside: Collection[float] = ()) -> str:
    """`96.0%`, `1 h 5 min`, `20,274`, `3 s`: never rounded onto a threshold or target `beside` it."""
    if unit == "%":
        return in_percent(value, beside)
    if unit in SPANS and value >= 0:
        span, said = SPANS[unit], duration(value * SPANS[unit])
        others = (one for one in beside if abs(one - value) * span >= timedelta(milliseconds=1))
        return f"{in_figures(value, beside)} {unit}" if any(duration(one * span) == said for one in others) else said
    return in_figures(value, beside) + with_unit(unit)


def with_sync(title: str, sync: str | None) -> str:
    """`Backlog, Sync B`: a title and the sync that it is about, as they are."""
    return f"{title}, {sync}" if sync else title


def records(count: int | None) -> str:
    """`1 record`, `246 records`."""
    return "an unknown number of records" if count is None else f"{count:,} record{'' if count == 1 else 's'}"


def threshold(limit: str | None) -> str:
    """`> 50` → `threshold > 50`, escaped."""
    if not limit:
        return "no threshold"
    return escape(f"threshold {signs(limit)}")


def _number_of(limit: str) -> str:
    read = parse_limit(limit)
    if read.unit == "h":
        return duration(timedelta(hours=read.number))
    return in_figures(read.number) + with_unit(read.unit)


def limit_in_code(limit: str | None) -> str:
    """`> 50` and `≤ 25` in a code span, where a `>` at the beginning of a line is no quotation."""
    return code(signs(limit)) if limit else "none"


def signs(limit: str) -> str:
    """`> 50` as people read it, not escaped."""
    comparison = parse_limit(limit).comparison
    return f"{SIGNS.get(comparison, comparison)} {_number_of(limit)}"


def channel(name: str) -> str:
    """A link to a channel by its Slack id; a name is only shown."""
    return f"<#{name}>" if CHANNEL_ID.fullmatch(name) else f"#{escape(name.removeprefix('#'), 80)}"


def person(id_: str) -> str:
    """A mention of a user or a user group by its Slack id."""
    return f"<!subteam^{id_}>" if id_.startswith("S") else f"<@{id_}>"


def link(label: str, address: str | None, **places: object) -> str:
    """The label, leading to the address where there is one, with its places filled in."""
    return anchor(label, filled(address, **places))


def filled(address: str | None, **places: object) -> str | None:
    """An address with its places filled in; none where that makes it longer than Slack takes it in every place."""
    whole = address and address.format(
        **{name: quote(sanitize(str(value), LONGEST_ADDRESS), safe="") for name, value in places.items()}
    )
    return whole if whole and len(whole) <= LONGEST_ADDRESS else None


def anchor(label: str, address: str | None) -> str:
    """The label, leading to an address where there is one that fits; an address is never shortened or respelt."""
    if not address or len(address) > LONGEST_ADDRESS:
        return escape(label, 300)
    return f"<{_entities(quote(sanitize(address, LONGEST_ADDRESS), safe=ADDRESS))}|{escape(label, 300)}>"


def sentence(text: str, people: tuple[str, ...] = ()) -> str:
    """Our own sentence, ending with the people it is about."""
    return f"{escape(text)} {' or '.join(map(person, people))}." if people else escape(text)
