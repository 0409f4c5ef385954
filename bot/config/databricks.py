"""Where the SQL warehouse is and who asks there: the variables of Databricks, and the login that they make."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from bot.config.addresses import is_safe, normalised_host, without_login

HOST = ("DATABRICKS_HOST", "your workspace, such as dbc-a1b2c3d4-e5f6.cloud.databricks.com")
HTTP_PATH = ("DATABRICKS_HTTP_PATH", "SQL warehouse → Connection details → HTTP path")
TOKEN = (
    "DATABRICKS_TOKEN",
    "an access token; a service principal has DATABRICKS_CLIENT_ID and _CLIENT_SECRET instead, one of Microsoft Entra "
    "ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET",
)
PRINCIPAL = (
    ("DATABRICKS_CLIENT_ID", "the application ID of the service principal"),
    ("DATABRICKS_CLIENT_SECRET", "an OAuth secret of the service principal"),
)
ENTRA = (
    ("ARM_CLIENT_ID", "the application (client) ID of the app registration"),
    ("ARM_CLIENT_SECRET", "a client secret of the app registration"),
    ("ARM_TENANT_ID", "the directory (tenant) ID of Microsoft Entra"),
)
AUTH_TYPE = "DATABRICKS_AUTH_TYPE"
PROFILE = "DATABRICKS_CONFIG_PROFILE"
LOGINS = {  # by their names in Databricks' unified authentication
    "pat": ("a personal token", (TOKEN,)),
    "oauth-m2m": ("OAuth M2M", PRINCIPAL),
    "azure-client-secret": ("an Entra service principal", ENTRA),
}
CHOICES = f"{', '.join(list(LOGINS)[:-1])} or {list(LOGINS)[-1]}"
AUTHORITY = "https://login.microsoftonline.com"
AZURE = ".azuredatabricks.net"
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


@dataclass(frozen=True)
class Databricks:
    """Where a SQL warehouse is, and who asks there: a personal token, or a service principal of Databricks or Entra."""

    host: str  # dbc-….cloud.databricks.com, or http://127.0.0.1:PORT, which is used as it is
    http_path: str
    token: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    tenant_id: str = ""  # only where Microsoft Entra issues the tokens
    origin: str = ""  # where the login stands: a variable, or a profile
    authority: str = AUTHORITY

    @property
    def is_local(self) -> bool:
        """Whether it is a server on this machine, of the demo or a test."""
        return self.host.startswith("http://")


def databricks_of(environment: Mapping[str, str], profiled: Collection[str] = ()) -> Databricks | None:
    """The Databricks that is set, None where the warehouse is another; the profile has set what is `profiled`."""
    if environment.get("SYNC_HEALTH_WAREHOUSE") != "databricks":
        return None
    kind = _login(environment) or "pat"
    names = [name for name, _ in LOGINS[kind][1]]
    said = [environment.get(name, "").strip() for name in names]
    origin = f'profile "{environment.get(PROFILE, "")}"' if names[0] in profiled else names[0]
    token, client_id, secret, tenant = (said[0], "", "", "") if kind == "pat" else ("", *said, "")[:4]
    return Databricks(
        normalised_host(environment.get(HOST[0], "")),
        environment.get(HTTP_PATH[0], "").strip(),
        token=token,
        client_id=client_id,
        client_secret=secret,
        tenant_id=tenant,
        origin=origin,
    )


def wanted_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What has to be set for the login that is begun; a token where none is."""
    kind = _login(environment)
    yield from (HOST, HTTP_PATH)
    if kind or not _configured(environment):
        yield from LOGINS[kind or "pat"][1]


def databricks_problems(environment: Mapping[str, str], *, needed: bool) -> Iterator[str]:
    """What can be no workspace and, where a login is needed, why it is not clear which one, or cannot work."""
    address = environment.get(HOST[0], "").strip()
    if address and not is_safe(address if "://" in address else f"https://{address}"):
        example = "write the bare name, such as dbc-a1b2c3d4-e5f6.cloud.databricks.com"
        yield f'environment: {HOST[0]} is "{without_login(address)}": {example}'
    if needed and environment.get("SYNC_HEALTH_WAREHOUSE") == "databricks":
        yield from _login_problems(environment)
        if _login(environment) == "azure-client-secret":
            yield from _entra_problems(environment)


def refused_login(named: str) -> str:
    """Why a login that Databricks' own tools know is not taken."""
    why = " opens a browser" if named in ("databricks-cli", "external-browser") else " is not supported"
    return f"that login{why}: write {CHOICES}, with its token or secret"


def _login_problems(environment: Mapping[str, str]) -> Iterator[str]:
    named, found = environment.get(AUTH_TYPE, "").strip(), _configured(environment)
    if named and named not in LOGINS:
        yield f'environment: {AUTH_TYPE} is "{named[:40]}": {refused_login(named)}'
    elif not named and len(found) > 1:
        which = " and ".join(f"{LOGINS[kind][0]} ({LOGINS[kind][1][0][0]})" for kind in found)
        yield f"environment: {len(found)} logins to Databricks are set, {which}: keep one, or name it in {AUTH_TYPE}"


def _entra_problems(environment: Mapping[str, str]) -> Iterator[str]:
    host = normalised_host(environment.get(HOST[0], ""))
    if host and not host.endswith(AZURE) and not host.startswith("http://"):
        yield f"environment: {ENTRA[0][0]}: Entra logs in to *{AZURE} alone: use OAuth M2M (DATABRICKS_CLIENT_ID)"
    tenant = environment.get(ENTRA[2][0], "").strip()
    if tenant and not TENANT.fullmatch(tenant):
        yield f"environment: {ENTRA[2][0]} is no tenant: write its ID, as Entra → Overview shows it"


def _login(environment: Mapping[str, str]) -> str | None:
    """The login that is named, or the only one that is begun."""
    named, found = environment.get(AUTH_TYPE, "").strip(), _configured(environment)
    if named:
        return named if named in LOGINS else None
    return found[0] if len(found) == 1 else None


def _configured(environment: Mapping[str, str]) -> list[str]:
    """The logins that something is set of; a tenant alone is none."""
    return [
        kind
        for kind, (_, names) in LOGINS.items()
        if any(environment.get(name, "").strip() or environment.get(f"{name}_FILE") for name, _ in names[:2])
    ]
