"""The environment variables: parsed, with every problem."""

import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.config.addresses import LOOPBACK, is_safe, without_login
from bot.config.databricks import ENTRA, PRINCIPAL, TOKEN, databricks_problems, wanted_variables

Need = Literal["slack", "census", "warehouse"]
THIS_MACHINE = LOOPBACK | {"[::1]"}  # as NO_PROXY has to name it
LARGEST_SECRET = 10_000  # characters of a NAME_FILE

SLACK_BOT = ("SLACK_BOT_TOKEN", "Slack app → OAuth & Permissions → Bot User OAuth Token")
SLACK_APP = ("SLACK_APP_TOKEN", "Slack app → Basic Information → App-Level Tokens, with connections:write")
CENSUS = ("CENSUS_API_TOKEN", "Census → user settings → personal access token")
WAREHOUSE = ("SYNC_HEALTH_WAREHOUSE", "databricks, duckdb:FOLDER, or none for Census alone")
NO_WAREHOUSE = "none"
NONE = "SYNC_HEALTH_WAREHOUSE is none; databricks or duckdb:FOLDER names a warehouse"
NEEDED = {"slack": (SLACK_BOT, SLACK_APP), "census": (CENSUS,), "warehouse": (WAREHOUSE,)}
HEARTBEAT = "HEARTBEAT_URL"  # a secret: whoever knows it can keep the monitor quiet
PAGERDUTY_KEY, PAGERDUTY_URL = "PAGERDUTY_ROUTING_KEY", "PAGERDUTY_API_URL"
WEBHOOK_URL, WEBHOOK_SECRET = "PAGER_WEBHOOK_URL", "PAGER_WEBHOOK_SECRET"
PAGERDUTY = "https://events.pagerduty.com"
KEY_LENGTH, SHORTEST_SECRET = 32, 16  # characters
NAMED = (SLACK_BOT, SLACK_APP, CENSUS, TOKEN, *PRINCIPAL, *ENTRA)
TOKENS = (*(name for name, _ in NAMED), PAGERDUTY_KEY, WEBHOOK_SECRET)
SECRETS = (
    *(name for name, _ in (SLACK_BOT, SLACK_APP, CENSUS, TOKEN, PRINCIPAL[1], ENTRA[1])),
    HEARTBEAT,
    PAGERDUTY_KEY,
    WEBHOOK_URL,
    WEBHOOK_SECRET,
)
CERTIFICATES = "SSL_CERT_FILE"
ADDRESSES = ("SLACK_API_URL", "CENSUS_API_URL", PAGERDUTY_URL)


@dataclass(frozen=True)
class PagerPlaces:
    """Where pages go: PagerDuty where there is a routing key, a webhook where there is an address."""

    pagerduty_key: str = field(default="", repr=False)
    pagerduty_url: str = PAGERDUTY
    webhook_url: str = field(default="", repr=False)  # may hold a token
    webhook_secret: str = field(default="", repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """What is configured, as people read it."""
        return ("PagerDuty",) * bool(self.pagerduty_key) + ("the pager webhook",) * bool(self.webhook_url)


def with_secret_files(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment with each `NAME_FILE` of a secret read into `NAME`, and every problem found."""
    read, found = dict(environment), []
    for name in SECRETS:
        path = environment.get(f"{name}_FILE")
        if not path:
            continue
        if environment.get(name):
            found.append(f"environment: {name} and {name}_FILE are both set: keep one")
            continue
        try:
            with Path(path).open(encoding="utf-8") as file:
                read[name] = file.read(LARGEST_SECRET + 1).strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            found.append(f"environment: {name}_FILE cannot be read: {why}")
            continue
        if not read[name] or len(read[name]) > LARGEST_SECRET:
            why = "too large for a secret" if read[name] else "empty"
            found.append(f"environment: {name}_FILE names a file that is {why}")
    return read, found


def problems_of(environment: Mapping[str, str], needs: Collection[Need]) -> Iterator[str]:
    """Everything that is missing or cannot work."""
    for name, where in _wanted(environment, needs):
        if not environment.get(name, "").strip() and not environment.get(f"{name}_FILE"):
            yield f"environment: {name} is {'blank' if environment.get(name) else 'not set'} ({where})"
    yield from databricks_problems(environment, needed="warehouse" in needs)
    yield from _token_problems(environment)
    yield from _pager_problems(environment)
    for name in ADDRESSES:
        if not is_safe(environment.get(name, "").strip() or "https://default.example"):
            shown = without_login(environment[name])
            yield f'environment: {name} is "{shown}": write an https:// address; http would show the token'
    for name in (HEARTBEAT, WEBHOOK_URL):
        if not is_safe(environment.get(name, "").strip() or "https://default.example"):
            yield f"environment: {name} is not an https:// address (http only on this machine)"
    yield from _network_problems(environment)
    if (environment.get("CENSUS_API_VERSION") or "v2") not in ("v1", "v2"):
        yield f'environment: CENSUS_API_VERSION is "{environment["CENSUS_API_VERSION"]}": write v2'
    warehouse = environment.get("SYNC_HEALTH_WAREHOUSE", "")
    if warehouse.strip() and warehouse not in ("databricks", NO_WAREHOUSE) and not re.fullmatch("duckdb:.+", warehouse):
        yield f'environment: SYNC_HEALTH_WAREHOUSE is "{warehouse}": write databricks, duckdb:FOLDER, or none'
    yield from _state_problems(environment.get("SYNC_HEALTH_STATE", ""))


def warehouse_folder(environment: Mapping[str, str]) -> Path | None:
    """Where the files of an embedded warehouse are."""
    kind, _, folder = environment.get("SYNC_HEALTH_WAREHOUSE", "").partition(":")
    return Path(folder) if kind == "duckdb" and folder else None


def pagers_of(environment: Mapping[str, str]) -> PagerPlaces:
    """The pagers that are set."""
    key, url, webhook, secret = (
        environment.get(name, "").strip() for name in (PAGERDUTY_KEY, PAGERDUTY_URL, WEBHOOK_URL, WEBHOOK_SECRET)
    )
    return PagerPlaces(key, url or PAGERDUTY, webhook, secret)


def proxy_of(environment: Mapping[str, str]) -> str:
    """The proxy for https, as all clients find it; empty where there is none."""
    return environment.get("https_proxy") or environment.get("HTTPS_PROXY", "")


def past_proxy(environment: Mapping[str, str]) -> list[str]:
    """The hosts that no proxy is used for: those that are set, and always this machine, also as URLs write it."""
    named = (environment.get("no_proxy") or environment.get("NO_PROXY", "")).split(",")
    hosts = [host for name in named if (host := name.strip())]
    if "*" in hosts:  # urllib heeds it only where it stands alone
        return ["*"]
    return hosts + sorted(THIS_MACHINE.difference(hosts))


def network_in_words(environment: Mapping[str, str]) -> str:
    """The proxy, what goes past it, and whose certificates are trusted."""
    proxy = proxy_of(environment)
    past = ", ".join([*(host for host in past_proxy(environment) if host not in THIS_MACHINE), "this machine"])
    trusted = environment.get(CERTIFICATES)
    said = [f"proxy {without_login(proxy)}" if proxy else "no proxy"]
    said += [f"none for {past}"] if proxy else []
    return ", ".join([*said, f"certificates of {trusted}" if trusted else "the system's certificates"])


def _token_problems(environment: Mapping[str, str]) -> Iterator[str]:
    """Why what was pasted cannot be a token; none of it is repeated."""
    for name in TOKENS:
        text, where = environment.get(name, "").strip(), f"{name}_FILE" if environment.get(f"{name}_FILE") else name
        if len(text) > LARGEST_SECRET:
            continue  # reported where the file was read
        if set(text[:1] + text[-1:]) & set("\"'"):
            yield f"environment: {where} is in quotes: write it bare"
        elif re.search(r"\s", text):
            yield f"environment: {where} has blanks or line breaks inside: write it in one piece"
        elif not text.isascii():
            yield f"environment: {where} has characters that are not ASCII: copy it again"
        elif not text.isprintable():
            yield f"environment: {where} has control characters: copy it again"
    bot, app = (environment.get(name, "").strip() for name, _ in (SLACK_BOT, SLACK_APP))
    if bot.startswith("xapp-") and app.startswith("xoxb-"):
        yield f"environment: {SLACK_BOT[0]} and {SLACK_APP[0]} are swapped: exchange them"
    elif bot.startswith("xapp-"):
        yield f"environment: {SLACK_BOT[0]} is an app-level token, which belongs in {SLACK_APP[0]}: write xoxb-… here"
    elif app.startswith("xoxb-"):
        yield f"environment: {SLACK_APP[0]} is a bot token, which belongs in {SLACK_BOT[0]}: write xapp-… here"


def _pager_problems(environment: Mapping[str, str]) -> Iterator[str]:
    """What cannot be a routing key, and a webhook that nobody could trust."""
    key, webhook, secret = (environment.get(name, "").strip() for name in (PAGERDUTY_KEY, WEBHOOK_URL, WEBHOOK_SECRET))
    if key and len(key) != KEY_LENGTH:
        where = "PagerDuty service → Integrations → Events API V2 → Integration Key"
        yield f"environment: {PAGERDUTY_KEY} has {len(key)} characters: an integration key has {KEY_LENGTH} ({where})"
    if webhook and not secret and not environment.get(f"{WEBHOOK_SECRET}_FILE"):
        yield f"environment: {WEBHOOK_SECRET} is not set (the receiver checks the signature of a page with it)"
    elif secret and not webhook and not environment.get(f"{WEBHOOK_URL}_FILE"):
        yield f"environment: {WEBHOOK_URL} is not set, and {WEBHOOK_SECRET} is (the address that pages are posted to)"
    if secret and len(secret) < SHORTEST_SECRET:
        yield f"environment: {WEBHOOK_SECRET} has fewer than {SHORTEST_SECRET} characters: write a longer one"


def _state_problems(url: str) -> Iterator[str]:
    """What is not the URL of a SQLite file, or of one that is gone with the process."""
    kind, _, file = url.partition(":///")
    if not url or (kind == "sqlite" and re.fullmatch(r"(?!:memory:$)[^\s?](?:[^?\r\n]*[^\s?])?", file)):
        return
    why = f'is "{url.partition(":")[0][:20]}:…"'
    if url in ("sqlite:", "sqlite:/", "sqlite://") or (kind == "sqlite" and file.strip() in ("", ":memory:")):
        why = "would forget everything when the bot stops"
    elif kind == "sqlite" and "?" in file:
        why = "has a query (?…)"
    yield f"environment: SYNC_HEALTH_STATE {why}: write sqlite:///FILE"


def _network_problems(environment: Mapping[str, str]) -> Iterator[str]:
    """What one client would take for the proxy or the certificates, and another would not."""
    proxy, trusted = proxy_of(environment), environment.get(CERTIFICATES, "")
    port = re.fullmatch(r"https?://[^\s/]+:([0-9]{1,5})/?", proxy)
    if proxy and not (port and 0 < int(port[1]) < 65536):
        yield f'environment: HTTPS_PROXY is "{without_login(proxy)}": write http://HOST:PORT'
    try:
        if trusted:
            ssl.create_default_context(cafile=trusted)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        yield f'environment: {CERTIFICATES} is "{trusted[:100]}": no file of certificates (PEM) that can be read'


def _wanted(environment: Mapping[str, str], needs: Collection[Need]) -> Iterator[tuple[str, str]]:
    for need in needs:
        yield from NEEDED[need]
    if "warehouse" in needs and environment.get(WAREHOUSE[0]) == "databricks":
        yield from wanted_variables(environment)
