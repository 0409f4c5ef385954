"""Outside text made storable and one-line, and error texts redacted: by an allow-list, whatever they quote."""

import re
import unicodedata

HIDDEN = "…"  # stands for what is left out
LONGEST = 2000  # characters of an error text that are looked at
MOST = 300  # characters of one that are kept

# What error texts are made of. A word that is not here is a value until the contrary is shown, so nothing is here that
# is also a given name, a surname or a part of an address: no "mark", "will", "grant", "main", "park".
VOCABULARY = """
    a able abort aborted about accept accepted access account action active add added additional after again against
    all allow allowed already also ambiguous an and another any apex api app application argument arguments array as
    at attempt attempted attempts attribute authentication authorization authorize authorized available bad batch be
    because been before being between bigint binder binding bindings body boolean both broke broken bulk by bytes
    cached call called can can't cancel canceled cancelled candidate cannot cast casting catalog cause caused census
    certificate change changed char character characters check class clause client close closed cluster code column
    columns commit compute concurrent condition configuration configured conflict conflicting connect connection
    connector constraint contain contains conversion convert converted copy correct correctness could couldn't
    create created credential credentials cross custom data database databricks date datetime days dbfs deadlock
    decimal default define defined delete deleted denied dependent deploy deployed describe destination detected
    device did didn't different directory disabled disconnected disk division do does doesn't don't double down dry
    duckdb due duplicate duplicated duplicates during either email empty enable enabled encountered end ended
    endpoint engine enough entity errno error errors establish exceed exceeded exceeds exception exclusive execute
    executing execution exist existing exists expected expecting expired expression external extract failed failing
    fails failure family fatal fetch field fields file files filter first flow following for forbidden foreign
    format found from full function gateway get getting given greater group groups handle handshake has have header
    held here host hour hours http https id identifier identifiers if import in inactive incorrect incremental index
    initialize initialized input insert inserting instance insufficient int integer internal interrupted into
    invalid io is isn't isoformat it its job join json key keys keyword kind label large last least left length less
    limit limitexception limits line load lock locked login long longer lookup loop malformed manual manually map
    mapped mapping match matched max maximum mean memory merge message metadata method minimum minutes misconfigured
    missing model modified moment more must name named names near network new next no node nodename non none
    nonexistent not null number numeric object objects occurred of on one only open operation operational operations
    operator or organization other out outside over overflow owner parameter parameters parent parse parser password
    patience pause paused payload peer per permanently permission permissions picklist pid please pool port pos
    position previous primary privilege privileges process processing profile properties property protected protocol
    provide provided proxy query quota ran range rate reach reached read reading reason received record records
    reference referenced refresh refused reject rejected rejects relation remote remove removed replica request
    requested requests require required requires reset resolution resolve resolved resource resources response
    restricted result resume resumed retries retry returned revoked rolled route row rows rule run running runtime
    salesforce same save schedule scheduled schedules schema schemas scope seconds secret see select send sequence
    server service servname session set sheet should shut side simultaneously since size skipped slow smaller
    snapshot socket source space spark specified spelling sql sqlite sqlstate ssl stage start started starting state
    statement statements status still stopped storage string struct subquery succeeded such support supported sync
    syncing syntax system table tables target task temporarily terminated than that the their there these this
    throttled time timed timeout timestamp tinyint to token tolerate too transaction tried trigger triggered
    truncated try type types ui unable unauthorized unavailable unexpected unexpectedly unique unknown unreachable
    unreadable unrecognized unresolved unsupported until update updated updating upsert upstream url use used user
    users using valid validation value values varchar variable verify version view views violated violates violation
    wait waiting warehouse was we were when where which while with within without workflow workspace write writing
    wrong xml yet you your zero
"""
WORDS = frozenset(VOCABULARY.split())
TYPES = "STRING|CHAR|VARCHAR|INT(?:EGER|32|64)?|(?:BIG|SMALL|TINY|U|UBIG|HUGE)INT|DOUBLE|FLOAT|BOOLEAN|DATE|BINARY"
TYPES = rf"(?:{TYPES}|TIMESTAMP(?:_NTZ)?|DECIMAL(?:\(\d+, ?\d+\))?|ARRAY|MAP|STRUCT|VOID)"

CODE = r"[A-Z]{1,30}\d{0,3}(?:_(?:[A-Z]{1,30}\d{0,3}|\d{1,3}))+(?:\.[A-Z]{1,30}(?:_[A-Z]{1,30})*)?"
# Of words and numbers: letters and digits that take turns are a token, whatever stands around them.
PIECE = r"[A-Za-z]{1,24}\d{0,8}"
NAME = rf"_?{PIECE}(?:[_$-]{{1,2}}(?:{PIECE}|\d{{1,8}})){{0,12}}"
DOTTED = rf"{NAME}(?:\.{NAME}){{0,3}}"
# Only where the words before it say that a name follows; without quotes it must look like one.
NAMED = r"(?:columns?|tables?|views?|relation|schemas?|catalogs?|entity|object|function|database|index|mean|bindings:)"
NAMED = rf"\b(?i:{NAMED}(?:\ (?:with\ )?name[d]?)?)"
UNITS = (
    r"(?:rows?|records?|columns?|arguments?|characters?|bytes|seconds?|minutes?|hours?|days?|attempts?|times|ms|s|%)"
)
COUNTED = r"(?:lines?|pos(?:ition)?|status|run|sync|task|http|errno|pid|after|within|limit|port|than)"
# Not a part of a telephone number: no other digits stand before or behind it.
COUNT = r"(?<!\d\ )(?:\d{1,3}(?:,\d{3})+|\d{1,6}(?:\.\d{1,3})?)(?![\w-]|[ .]\d)"

SHOWN = re.compile(
    rf"""
      (?P<value>(?i:picklist\ field|too\ large|email\ address|required\ type|incorrect\ type|numeric\ field
        |value\ found|found\ duplicate\ value|on\ record\ with\ id)\s*:).*?(?P<field>\[{NAME}\](?=:?(?:\s*--)?\s*$)|$)
    | (?P<payload>\{{.*|\w+://\S+|\S*@\S*)
    | (?P<named>{NAMED}\ (?:["'`](?:{DOTTED})["'`](?:,\ ["'`](?:{DOTTED})["'`])*
        |(?:(?<=\ with\ name\ )|(?=[\w.$-]*_|\w+\.\w+\.\w))(?:{DOTTED})(?![\w@$-])))
    | (?P<missing>(?i:fields?\ (?:are\ )?missing):\ ?\[{NAME}(?:,\ ?{NAME})*\])
    | (?P<custom>\b[A-Za-z]\w{{0,60}}__[cr]\b)
    | (?P<state>SQLSTATE:?\ ?(?=[A-Z]*\d)[0-9A-Z]{{5}}\b)
    | (?P<code>\[{CODE}\]|\A{CODE}(?![\w@])|(?<![\w@.]){CODE}(?=\s?:)|\b(?:code|error|reason|with)[ :=]+{CODE}(?![\w@]))
    | (?P<type>"{TYPES}"|\b{TYPES}\b)
    | (?P<ticked>`(?![A-Z][a-z]+`(?!\.)){NAME}`(?:\.`{NAME}`)*)
    | (?P<quoted>(?<!\w)(?:'.*?(?:'(?!\w)|$)|".*?(?:"(?!\w)|$)|“.*?(?:”|$)|‘.*?(?:’(?!\w)|$)|«.*?(?:»|$)|`.*?(?:`|$)))
    | (?P<class>\b(?:[a-z]{{2,20}}\.)*[A-Z][A-Za-z]{{2,50}}(?:Error|Exception)\b)
    | (?P<count>\b(?i:{COUNTED})\ ?[:=]?\ ?(?:{COUNT})|(?<![\w.+-])(?:{COUNT})(?:\ of\ (?:{COUNT}))?\ ?{UNITS}(?!\w)
        |(?<![\w.+-])[45]\d\d(?=\ (?:Bad|Unauthorized|Forbidden|Not|Too|Internal|Gateway|Service)\ ?))
    | (?P<word>[^\W\d_]+(?:['’-][^\W\d_]+)*(?!\w))
    | (?P<mark>[\s.,:;!?()\[\]/=&…]|-(?!\d))
    | (?P<other>\w+|.)
    """,
    re.VERBOSE,
)
# What is shown of a row, by shape (docs/DECISIONS.md): a short number, a Salesforce id (15 or 18 letters and digits, of
# which the first three, its object, hold a digit), or a UUID. No phone number, card number, 123-45-6789 or robin1985.
IDENTIFIER = re.compile(
    r"\d{1,8}|(?=[^\W\d_]{0,2}\d)(?=\d*[a-zA-Z])[a-zA-Z\d]{15}(?:[a-zA-Z\d]{3})?"
    r"|(?i:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})"
)
LARGEST_ID = 2**63  # a database's own numbers are below it
HIDDEN_KINDS = frozenset({"payload", "quoted", "other"})
# In what a person wrote: e-mail addresses, phone and card numbers, and what opens doors by its form or its length.
PRIVATE = re.compile(
    r"""
    [\w.+%-]+@[\w-]+(?:\.[\w-]+)+
    | (?<![\w.])\+\d(?:[ ().-]{0,2}\d){6,14}(?!\w)
    | (?<![\w.])\(?\d{3}\)?[ .-]{0,2}\d{3}[ .-]\d{4}(?!\w)
    | (?<!\w)\d{4}(?:[ -]\d{4}){2}[ -]\d{1,7}(?!\w)
    | (?<!\w)\d{10,}(?!\w)
    | (?<!\w)\d{3}-\d{2}-\d{4}(?!\w)
    | \b(?:xox[a-z]|xapp|xwfp)-[\w.-]+ | \bdapi\w{8,} | \bsecret-token:\S+
    | \b(?:gh[pousr]|github_pat)_\w+ | \bsk-[\w-]{12,} | \bAKIA\w{16} | \beyJ[\w-]+(?:\.[\w-]+)+
    | \b(?i:bearer|basic)\s+\S{8,} | \b(?i:token|password|passwd|pwd|secret|sig|api[_-]?key)\s*[=:]\s*\S+
    | (?<![^\W_])(?=[A-Za-z+/=]*\d)(?=[\d+/=]*[A-Za-z])[A-Za-z\d+/=]{24,}
    """,
    re.VERBOSE,
)
AGAIN = re.compile(rf"{HIDDEN}(?:[\s.,:;!?()/=&-]*{HIDDEN})+")


def sanitize(text: str, most: int) -> str:
    """Text that every database, log and terminal takes, on one line of at most `most` characters.

    Nothing in it moves a cursor, turns the direction of writing or cannot be seen.
    """
    seen = "".join(map(_visible, text)) if not (text.isascii() and text.isprintable()) else text
    line = " ".join(seen.split()) or HIDDEN * bool(text)
    return line if len(line) <= most else line[: most - 1].rstrip() + HIDDEN


def redact(text: str, most: int = MOST) -> str:
    """What of an error text may be shown: codes, SQLSTATEs, names of columns and tables, counts and fixed words.

    Everything else can be a value of a row or a secret and becomes one `…`: quoted values, people, addresses, tokens.
    """
    line = sanitize(text, LONGEST)
    return sanitize(AGAIN.sub(HIDDEN, "".join(map(_shown, SHOWN.finditer(line)))), most)


def without_secrets(text: str, most: int) -> str:
    """What a person wrote, sanitized, with `…` for what tells how to reach somebody and for what opens a door."""
    return sanitize(PRIVATE.sub(HIDDEN, sanitize(text, LONGEST)), most)


def shown_id(value: object) -> str:
    """The id of a row, or `…` where it does not look like one: what stands there may be about a person."""
    text = str(value)
    if type(value) is int and 0 <= value < LARGEST_ID:  # a column of numbers, which no telephone numbers are kept in
        return text
    return text if IDENTIFIER.fullmatch(text) and text.isascii() else HIDDEN


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return {"Cf": "", "Cs": "\N{REPLACEMENT CHARACTER}"}.get(category, character)


def _shown(part: re.Match[str]) -> str:
    if part["value"]:
        return f"{part['value']} {HIDDEN} {part['field']}"
    if part["word"]:
        words = part["word"].casefold().replace("’", "'").split("-")
        return part[0] if WORDS.issuperset(words) else HIDDEN
    return HIDDEN if part.lastgroup in HIDDEN_KINDS else part[0]
