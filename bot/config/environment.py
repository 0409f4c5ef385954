"""The environment variables: parsed, with every problem."""

import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Need = Literal["slack", "census", "warehouse"]
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
THIS_MACHINE = LOOPBACK | {"[::1]"}  # as NO_PROXY has to name it
LARGEST_SECRET = 10_000  # characters of a NAME_FILE

SLACK_BOT = ("SLACK_BOT_TOKEN", "Slack app → OAuth & Permissions → Bot User OAuth Token")
SLACK_APP = ("SLACK_APP_TOKEN", "Slack app → Basic Information → App-Level Tokens, with connections:write")
CENSUS = ("CENSUS_API_TOKEN", "Census → user settings → personal access token")
WAREHOUSE = ("SYNC_HEALTH_WAREHOUSE", "databricks, or duckdb:FOLDER")
HOST = ("DATABRICKS_HOST", "your workspace, such as dbc-a1b2c3d4-e5f6.cloud.databricks.com")
HTTP_PATH = ("DATABRICKS_HTTP_PATH", "SQL warehouse → Connection details → HTTP path")
TOKEN = ("DATABRICKS_TOKEN", "an access token; a service principal has DATABRICKS_CLIENT_ID and _CLIENT_SECRET instead")
PRINCIPAL = (
    ("DATABRICKS_CLIENT_ID", "the application ID of the service principal"),
    ("DATABRICKS_CLIENT_SECRET", "an OAuth secret of the service principal"),
)
NEEDED = {"slack": (SLACK_BOT, SLACK_APP), "census": (CENSUS,), "warehouse": (WAREHOUSE,)}
HEARTBEAT = "HEARTBEAT_URL"  # a secret: whoever knows it can keep the monitor quiet
TOKENS = tuple(name for name, _ in (SLACK_BOT, SLACK_APP, CENSUS, TOKEN, *PRINCIPAL))
SECRETS = (*(name for name, _ in (SLACK_BOT, SLACK_APP, CENSUS, TOKEN, PRINCIPAL[1])), HEARTBEAT)
CERTIFICATES = "SSL_CERT_FILE"
ADDRESSES = ("SLACK_API_URL", "CENSUS_API_URL")


@dataclass(frozen=True)
class Databricks:
    """Where a SQL warehouse is, and who asks there: the owner of a token, or a service principal."""

    host: str  # dbc-….cloud.databricks.com, or http://127.0.0.1:PORT, which is used as it is
    http_path: str
    token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a server on this machine, of the demo or a test."""
        return self.host.startswith("http://")


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
    yield from _token_problems(environment)
    for name in ADDRESSES:
        if not is_safe(environment.get(name, "").strip() or "https://default.example"):
            shown = _without_login(environment[name])
            yield f'environment: {name} is "{shown}": write an https:// address; http would show the token'
    if not is_safe(environment.get(HEARTBEAT, "").strip() or "https://default.example"):
        yield f"environment: {HEARTBEAT} is not an https:// address (http only on this machine)"
    if host := environment.get("DATABRICKS_HOST", ""):
        yield from _host_problems(host)
    yield from _network_problems(environment)
    if (environment.get("CENSUS_API_VERSION") or "v2") not in ("v1", "v2"):
        yield f'environment: CENSUS_API_VERSION is "{environment["CENSUS_API_VERSION"]}": write v2'
    warehouse = environment.get("SYNC_HEALTH_WAREHOUSE", "")
    if warehouse.strip() and warehouse != "databricks" and not re.fullmatch(r"duckdb:.+", warehouse):
        yield f'environment: SYNC_HEALTH_WAREHOUSE is "{warehouse}": write databricks or duckdb:FOLDER'
    yield from _state_problems(environment.get("SYNC_HEALTH_STATE", ""))


def warehouse_folder(environment: Mapping[str, str]) -> Path | None:
    """Where the files of an embedded warehouse are."""
    kind, _, folder = environment.get("SYNC_HEALTH_WAREHOUSE", "").partition(":")
    return Path(folder) if kind == "duckdb" and folder else None


def databricks_of(environment: Mapping[str, str]) -> Databricks | None:
    """The Databricks that is set, None where the warehouse is another."""
    if environment.get("SYNC_HEALTH_WAREHOUSE") != "databricks":
        return None
    return Databricks(
        host=normalised_host(environment.get("DATABRICKS_HOST", "")),
        http_path=environment.get("DATABRICKS_HTTP_PATH", "").strip(),
        token=environment.get("DATABRICKS_TOKEN", "").strip(),
        client_id=environment.get("DATABRICKS_CLIENT_ID", "").strip(),
        client_secret=environment.get("DATABRICKS_CLIENT_SECRET", "").strip(),
    )


def normalised_host(text: str) -> str:
    """A workspace's host as people copy it, with scheme, path, `?o=…`, upper case or blanks, → the bare name.

    A server on this machine keeps its scheme and port. What cannot be read is returned as it is.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        name, port = parts.hostname or "", f":{parts.port}" if parts.port and parts.port != 443 else ""
    except ValueError:
        return text
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}{port}" if parts.scheme == "http" else f"{name}{port}"


def is_safe(address: str) -> bool:
    """Whether a token may be sent there: over https, or without leaving this machine."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    named = bool(parts.hostname) and not re.search(r"\s", address) and parts.username is None
    return named and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


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
    said = [f"proxy {_without_login(proxy)}" if proxy else "no proxy"]
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
        yield f'environment: HTTPS_PROXY is "{_without_login(proxy)}": write http://HOST:PORT'
    try:
        if trusted:
            ssl.create_default_context(cafile=trusted)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        yield f'environment: {CERTIFICATES} is "{trusted[:100]}": no file of certificates (PEM) that can be read'


def _wanted(environment: Mapping[str, str], needs: Collection[Need]) -> Iterator[tuple[str, str]]:
    for need in needs:
        yield from NEEDED[need]
    if "warehouse" in needs and environment.get("SYNC_HEALTH_WAREHOUSE") == "databricks":
        principal = any(environment.get(name) for name, _ in PRINCIPAL) and not environment.get(TOKEN[0])
        yield from (HOST, HTTP_PATH, *(PRINCIPAL if principal else (TOKEN,)))


def _host_problems(text: str) -> Iterator[str]:
    if not is_safe(text.strip() if "://" in text else f"https://{text.strip()}"):
        example = "write the bare name, such as dbc-a1b2c3d4-e5f6.cloud.databricks.com"
        yield f'environment: DATABRICKS_HOST is "{_without_login(text)}": {example}'


def _without_login(address: str) -> str:
    """An address that can be repeated: without what may be a password in it."""
    return re.sub(r"//[^/]*@", "//…@", address)[:100]
