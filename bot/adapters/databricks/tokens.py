"""Tokens for a service principal: from the workspace (OAuth M2M), or from Microsoft Entra."""

import math
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from requests.auth import HTTPBasicAuth

from bot.adapters.databricks.rest import REDIRECTED, Caller
from bot.config.addresses import is_safe
from bot.config.databricks import Databricks
from bot.errors import AccessError, SyncHealthError, TemporaryError

DISCOVERY = "/oidc/.well-known/oauth-authorization-server"
GRANT = {"grant_type": "client_credentials"}
AZURE_DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"  # as whose user Entra knows every workspace
# Databricks' own domains: there a workspace under a name of somebody's own may have its logins.
DOMAINS = (
    *(".databricks.com", ".azuredatabricks.net", ".databricks.us", ".databricks.mil"),
    *(".databricks.azure.us", ".databricks.azure.cn"),
)
LONGEST = 24 * 3600.0  # seconds for which a token is kept, whatever its answer says
NO_OAUTH = {
    **dict.fromkeys((301, 302, 303, 307, 308), REDIRECTED),
    **dict.fromkeys((400, 401, 403, 404), "no workspace logs service principals in here, check DATABRICKS_HOST"),
}
NO_TOKEN = {
    **dict.fromkeys(
        (400, 401),
        "the service principal gets no token, check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET (secrets expire)",
    ),
    403: "the service principal may not log in here, add it to the workspace",
    404: "there is no login for service principals here, check DATABRICKS_HOST",
}
NO_ENTRA_TOKEN = dict.fromkeys(
    (400, 401, 403, 404), "the service principal gets no token, check ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET"
)
ENTRA_REMEDIES = {
    "AADSTS90002": "there is no such tenant, check ARM_TENANT_ID",
    "AADSTS900023": "that is no tenant, check ARM_TENANT_ID",
    "AADSTS700016": "the tenant has no such application, check ARM_CLIENT_ID and ARM_TENANT_ID",
    "AADSTS7000215": "the secret is wrong, check ARM_CLIENT_SECRET: it is the secret's value, not its ID",
    "AADSTS7000222": "the secret has expired, create another one in Entra for ARM_CLIENT_SECRET",
    "AADSTS500011": "Azure Databricks is not known in this tenant, check ARM_TENANT_ID",
}


class TokenSource:
    """Asks for a new token each time; the address of the workspace's endpoint is discovered once."""

    def __init__(self, settings: Databricks, url: str, caller: Caller) -> None:
        self._settings, self._url, self._caller = settings, url, caller
        self._endpoint = ""

    def issue(self) -> tuple[str, float]:
        """A token, and for how many seconds it holds. Raises TemporaryError, and AccessError with its remedy."""
        return self._of_entra() if self._settings.tenant_id else self._of_the_workspace()

    def _of_the_workspace(self) -> tuple[str, float]:
        who = f"The token endpoint of Databricks, {self._discovered()},"
        principal = HTTPBasicAuth(self._settings.client_id, self._settings.client_secret)
        form = {**GRANT, "scope": "all-apis"}
        return _token_in(self._caller.post(who, self._discovered(), NO_TOKEN, form, principal), who)

    def _discovered(self) -> str:
        if self._endpoint:
            return self._endpoint
        url = f"{self._url}{DISCOVERY}"
        who = f"The login of Databricks, {url},"
        found = self._caller.get(who, url, NO_OAUTH).get("token_endpoint")
        if not isinstance(found, str) or not self._may_have_the_secret(found):
            raise AccessError(f"{who} names no token endpoint that a secret may be sent to: check DATABRICKS_HOST")
        self._endpoint = found
        return found

    def _may_have_the_secret(self, address: str) -> bool:
        """Whether it is the workspace's or Databricks' own: a document may name any host, an inner one too."""
        if not is_safe(address) or (not self._settings.is_local and not address.startswith("https:")):
            return False
        host = str(urlsplit(address).hostname)
        return host == urlsplit(self._url).hostname or host.endswith(DOMAINS)

    def _of_entra(self) -> tuple[str, float]:
        """As the connector's own `azure-sp-m2m` asks, whose address is fixed and whose errors repeat the answer."""
        settings = self._settings
        url = f"{settings.authority}/{quote(settings.tenant_id, safe='')}/oauth2/token"
        who = f"Microsoft Entra, {url},"
        login = {"client_id": settings.client_id, "client_secret": settings.client_secret}
        try:
            answer = self._caller.post(who, url, NO_ENTRA_TOKEN, {**GRANT, **login, "resource": AZURE_DATABRICKS})
        except AccessError as error:
            raise _exact(error) from error
        return _token_in(answer, who)


def _exact(error: SyncHealthError) -> AccessError:
    """The remedy for the code that Entra gave, where it is a usual one."""
    said, _, general = str(error).partition(": ")
    code = re.search(r"\((AADSTS\d+)\)", said)
    return AccessError(f"{said}: {ENTRA_REMEDIES.get(code[1], general) if code else general}")


def _token_in(answer: Mapping[str, object], who: str) -> tuple[str, float]:
    """The token, and for how many seconds it holds; 0 where that is not said readably, so it is used only once."""
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]{1,16384}", token):  # else no header can hold it
        raise TemporaryError(f"{who} answered without a token that can be used: try again later")
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,9}", seconds):  # so Entra writes it
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        return token, 0.0
    return token, float(min(seconds, LONGEST))
