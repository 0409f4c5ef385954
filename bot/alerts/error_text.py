"""An error of any destination → what may be shown of it: equal for equal problems, whatever record they are about.

What is shown is on an allow-list: words of error texts, names of fields, codes. All else can be a value of a record.
"""

import re
from dataclasses import dataclass

from bot.alerts.error_body import RawError, raw_errors
from bot.sanitize import HIDDEN, WORDS, sanitize

MOST = 120  # characters of a label
READ = 1000  # characters of an error that it is made from
# Words of APIs, next to those that sanitize.py knows; none is also a given name, a surname or a part of an address.
MORE = """
    accepts address addresses alias alphanumeric amount archived are associated association attributes banned bearer
    belongs blacklisted blank blocked blocklisted bounced campaign cant choice choices companies company contact
    contacts country currency daily deactivated deal deals doesnt domain enum event events expires forgotten granted
    had hourly invalidated isnt lead leading leads linked list lists locale mandatory many merged monthly much
    multiple needs negative nor oauth option optional options params pattern phone positive profiles regex
    reserved sandbox scopes secondly sent short shorter some specific subscribed subscription supplied suppressed
    taken ticket tickets timezone title trailing uniqueness unprocessable unset unsubscribed uses varying website
    whitespace
"""
# …and what names of fields are put together from, which may stand for something else alone.
PARTS = """
    birth body braze by city client code consent count created crm customer date day department employee employees end
    family fax first full given gender home hs html industry job last latitude lifecycle line longitude marketing medium
    member middle mobile modified month notes opt out plan postal preference preferred price push rating region revenue
    sales salutation score segment sf sms source stage start street subject subscriber tag tags text tier total updated
    utm web work year zip
"""
KNOWN = WORDS | frozenset(MORE.split())
IN_NAMES = KNOWN | frozenset(PARTS.split())
# What makes a sentence of words: none of it is expected in a value.
VERBS = """
    already are be been can can't cannot cant could denied did didn't do does doesn't exceed exceeded exceeds exist
    exists expired failed fails found had has have invalid invalidated is isn't missing must not refused rejected
    required should suppressed taken timed too unable violated violates was were
"""
SENTENCE = frozenset(VERBS.split())
STATES = frozenset({"timeout", "forbidden", "unauthorized", "unprocessable"})  # …and what is one in a word
SMALL = frozenset({"a", "an", "and", "of", "or", "the"})
TOO_GENERAL = frozenset({"VALIDATION_ERROR", "BAD_REQUEST", "INVALID_REQUEST", "CLIENT_ERROR", "SERVER_ERROR"})

PIECE = r"[A-Za-z]{1,24}\d{0,2}"
SNAKE, CAMEL = rf"{PIECE}(?:_{PIECE}){{1,8}}", r"[a-z]{1,24}(?:[A-Z][a-z]{0,24}){1,6}"
UPPER = re.compile(r"[A-Z]{2,24}(?:_[A-Z]{1,24}){1,6}")
FIELD = re.compile(rf"{SNAKE}|{CAMEL}|[a-z]{{2,40}}")
SPLIT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
NOUN = r"\b(?i:propert(?:y|ies)|fields?|columns?|attributes?|parameters?|constraint|relation|table|index)"
QUOTED = rf"""["'`“‘](?:{SNAKE}|{CAMEL}|[a-z]{{2,40}})["'`”’]"""
REQUIRED = rf"{QUOTED}(?:(?:,?\ (?:or|and)|,)\ {QUOTED})*(?=\ (?:is|are)\ (?:an?\ )?(?:required|missing|mandatory))"
TOKEN = re.compile(
    rf"""
      (?P<payload>\w+://\S+|\S{{0,80}}@\S*?(?=[.,:;!?)]*(?:\s|$))|\{{.*|/\w[^\s\]]*/[^\s\]]*)
    | (?P<noun>{NOUN}(?:\ (?i:named?|called))?\ )(?P<name>{QUOTED}|(?:{SNAKE}|{CAMEL})(?![\w@.-]))
    | (?P<required>{REQUIRED})
    | (?P<quoted>(?<!\w)(?:'.*?(?:'(?!\w)|$)|".*?(?:"(?!\w)|$)|“.*?(?:”|$)|‘.*?(?:’(?!\w)|$)|«.*?(?:»|$)|`.*?(?:`|$)))
    | (?P<status>\A[45]\d\d(?=\ (?:Bad|Unauthorized|Forbidden|Not|Too|Internal|Gateway|Service)\b)
        |\b(?i:http|status|status\ code|code)[\ :=/]{{0,2}}[45]\d\d)(?![\w-]|[\ .]\d)
    | (?P<identifier>(?<![\w.@+-])(?:{SNAKE}|{CAMEL}|(?:[A-Z][a-z]{{1,24}}){{2,6}})(?![\w@-]))
    | (?P<word>(?<!\w)[^\W\d_]+(?:['’][^\W\d_]+)*(?!\w))
    | (?P<mark>[\s.,:;!?()\[\]=-])
    | (?P<other>\w+|.)
    """,
    re.VERBOSE,
)
ASIDE = re.compile(r"\s*\b(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LINE \d+)\s*:.*")
KEY = re.compile(r"\bKey \((\w{1,60})\)=")
# Whatever stands before or after these words is a value, a list of values, or both.
KINDS = (
    "option|value|choice|integer|number|boolean|date|datetime|timestamp|email|phone|url|domain|format|enum|country|"
    "currency|locale|timezone|uuid|id|type"
)
REFUSED = re.compile(
    rf".*\b(?:was|is|are|were) not (?:(?P<among>one of|in the)|an? (?:valid|allowed|accepted|supported) "
    rf"(?P<kind>{KINDS})\b).*",
    re.IGNORECASE,
)
STATED = re.compile(
    r"(\b(?:values?|got|received|input|provided|supplied|found|ids?|identifier|token))\s*[:=]\s*\S.*", re.IGNORECASE
)
BRACKETS = re.compile(r"\[([^\[\]]*)(?:\]|$)")
LISTED = re.compile(r"\b(?:required|missing|unknown|not set)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ErrorText:
    """What may be shown of one error, and the words to find out what it means."""

    text: str | None
    code: str | None = None
    field: str | None = None
    said: str = ""  # case-folded, cleaned as well


def error_texts(message: str) -> tuple[ErrorText, ...]:
    """The errors of a message, each once."""
    return tuple(dict.fromkeys(map(_cleaned, raw_errors(message))))


def normalized(text: str) -> str:
    """The text without what is about a record, at most 120 characters; empty where nothing is left."""
    line = ASIDE.sub("", sanitize(text, READ))
    if refused := REFUSED.fullmatch(line):
        kind = "one of the allowed values" if refused["among"] else f"a valid {refused['kind'].lower()}"
        return f"{HIDDEN} is not {kind}"
    shown = "".join(map(_shown, TOKEN.finditer(STATED.sub(rf"\1: {HIDDEN}", line))))
    shown = BRACKETS.sub(lambda found: _listed(shown[: found.start()], found), shown)
    shown = _tidy(_without_edges(_without_data(shown)))
    says_something = len(re.findall(r"[^\W\d_]{2,}", shown)) > (HIDDEN in shown)
    return sanitize(shown, MOST) if says_something else ""


def _cleaned(raw: RawError) -> ErrorText:
    begun = re.match(rf"({UPPER.pattern})\s*:\s*", raw.text)
    coded = begun if begun and _is_code(begun[1]) else None
    text = normalized(raw.text[coded.end() :] if coded else raw.text)
    code = coded[1] if coded else raw.code if _is_code(raw.code) else None
    key = KEY.search(raw.text)
    field = next((one for one in (raw.field, key[1] if key else "") if FIELD.fullmatch(one)), None)
    status = f"HTTP {raw.status}" if raw.status else ""
    said = f"{status} {' '.join(SPLIT.findall(code or ''))} {text}".casefold().strip()
    return ErrorText(
        text or status or None,
        code if code and code.upper() not in TOO_GENERAL else None,
        field if field and not re.search(rf"\b{field}\b", text) else None,
        said,
    )


def _shown(part: re.Match[str]) -> str:
    kind = part.lastgroup
    if kind == "name":
        return part["noun"] + part["name"].strip("\"'`“”‘’")
    if kind == "required":
        names = re.findall(r"\w+", part[0])
        return re.sub(r"[^\w, ]", "", part[0]) if all(map(_is_known, names)) else HIDDEN
    if kind in ("identifier", "word"):
        word = part[0].replace("’", "'")
        if len(word) == 1 and word.isupper() and part.start():  # an initial
            return HIDDEN
        return word if word.casefold() in KNOWN or (kind == "identifier" and _is_known(word)) else HIDDEN
    return part[0] if kind in ("status", "mark") else HIDDEN


def _is_known(name: str) -> bool:
    """Whether a name is put together from words that say nothing of a person."""
    parts = SPLIT.findall(name)
    is_word = not any(len(part) == 1 for part in parts) and not re.search(r"\d", name)
    return bool(parts) and is_word and IN_NAMES.issuperset(part.casefold() for part in parts)


def _is_code(name: str) -> bool:
    """Whether it has the form of a code, and words of errors in it."""
    parts = [part.casefold() for part in SPLIT.findall(name)]
    return (bool(UPPER.fullmatch(name)) and not KNOWN.isdisjoint(parts)) or (len(parts) > 1 and _is_known(name))


def _listed(before: str, found: re.Match[str]) -> str:
    """The names of fields in brackets, where the words before say that they are such."""
    names = [name.strip() for name in found[1].split(",")]
    return f"[{found[1]}]" if LISTED.search(before) and all(map(_is_known, names)) else HIDDEN


def _without_data(text: str) -> str:
    """The text with one `…` for what stands between two, and for what stands after a colon and is no sentence."""
    first, *rest = re.split(r":\s+|:$", text)
    kept = [first]
    for part in rest:
        is_list = LISTED.search(kept[-1]) and all(_is_known(name.strip()) for name in part.split(","))
        plain = HIDDEN not in part and (len(part.split()) > 2 or not STATES.isdisjoint(part.casefold().split()))
        kept.append(part if is_list or plain or _is_sentence(part) else HIDDEN if part.strip() else "")
    pieces = ": ".join(kept).split(HIDDEN)
    between = [piece for piece in pieces[1:-1] if _is_sentence(piece)]
    return HIDDEN.join([pieces[0], *between, *pieces[-1:]]) if len(pieces) > 1 else pieces[0]


def _is_sentence(text: str) -> bool:
    return not SENTENCE.isdisjoint(re.findall(r"[a-z']+", text.casefold()))


def _without_edges(text: str) -> str:
    """Without the known words that belong to a value: `the`, `of`, or with a capital next to what is hidden."""
    pieces = text.split(HIDDEN)
    if pieces[1:] and SMALL.issuperset(pieces[0].casefold().split()):
        pieces[0] = ""
    for n, piece in enumerate(pieces):
        words = piece.split(" ")
        while n and len(words) > 1 and _belongs(words[1] if not words[0] else words[0]):
            words = words[2:] if not words[0] else words[1:]
            words = ["", *words]
        while n < len(pieces) - 1 and len(words) > 2 and _belongs(words[-2] if not words[-1] else words[-1]):
            words = [*(words[:-2] if not words[-1] else words[:-1]), ""]
        pieces[n] = " ".join(words)
    return HIDDEN.join(pieces)


def _belongs(word: str) -> bool:
    small = word.casefold()
    return small in SMALL or bool(
        re.fullmatch(r"[A-Z][a-z]+[,.]?", word) and small.strip(",.") not in SENTENCE | STATES
    )


def _tidy(text: str) -> str:
    """Marks that have lost what stood between them are left out."""
    text = re.sub(rf"[(\[]\s*{HIDDEN}\s*[)\]]|=\s*{HIDDEN}|\(\s*\)", HIDDEN, text)
    text = re.sub(rf"{HIDDEN}(?:[\s.,;!?()=&-]*{HIDDEN})+", HIDDEN, text)
    text = re.sub(rf"{HIDDEN}[.,]+(?=\s+[a-z-]|:)", HIDDEN, text)
    text = re.sub(rf"(?<=\w)[.;]\s+[A-Z][\w ]{{1,30}}:\s*{HIDDEN}\.?$", "", text)  # `Existing ID: …` says nothing more
    text = re.sub(rf"^{HIDDEN}\s*[:.-]\s+(?=\w)", "", text)
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        text = re.sub(r"[()\[\]]", "", text)
    text = re.sub(r"\s+([.,:;!?])", r"\1", re.sub(r"\s*-+\s*(?=$)", "", text))
    return text.strip(" .,:;!?=-")
