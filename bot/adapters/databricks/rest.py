"""One bounded HTTPS call to Databricks or to what issues its tokens: a JSON object, or an error with its remedy."""

import re
from collections.abc import Mapping

import requests
from requests.auth import AuthBase

from bot.adapters.databricks.outcomes import LoginRefusedError
from bot.errors import AccessError, ForbiddenError, SyncHealthError, TemporaryError
from bot.transport.bounded_http import (
    TooLargeError,
    bounded_session,
    json_object,
    retry_after,
    take_body,
    untrusted,
    within,
)

TIMEOUT = (3.05, 10.0)  # seconds: to connect, to hear something; together they bound a whole call
LARGEST = 2**20  # bytes of an answer: a token and the state of a warehouse are some kilobytes
LONGEST_WAIT = 600.0  # seconds that a Retry-After may ask for
REDIRECTED = "the address redirects, check DATABRICKS_HOST: write the workspace's own"
REMEDIES = {
    **dict.fromkeys((301, 302, 303, 307, 308), REDIRECTED),
    400: "the request was refused, check DATABRICKS_HOST and DATABRICKS_HTTP_PATH",
    401: "the login is not valid, check DATABRICKS_TOKEN, or the client ID and secret of the service principal",
    403: "the login may not use this warehouse (it needs CAN USE), or an access list keeps this machine out",
    404: "there is no such warehouse, check DATABRICKS_HOST and DATABRICKS_HTTP_PATH",
}
OAUTH_ERROR = re.compile(r"[a-z_]{1,40}")
ENTRA_ERROR = re.compile(r"AADSTS\d{3,9}")


class Caller:
    """Asks as one product, whose name the other side logs."""

    def __init__(self, user_agent: str, timeout: tuple[float, float] = TIMEOUT) -> None:
        self._agent, self._timeout = user_agent, timeout

    def get(self, who: str, url: str, remedies: Mapping[int, str], auth: AuthBase | None = None) -> dict[str, object]:
        """What is at an address. Raises AccessError and TemporaryError, which name `who`."""
        return self._call(who, requests.Request("GET", url, auth=auth or Anonymous()), remedies)

    def post(
        self, who: str, url: str, remedies: Mapping[int, str], form: Mapping[str, str], auth: AuthBase | None = None
    ) -> dict[str, object]:
        """The answer to a form."""
        return self._call(who, requests.Request("POST", url, data=form, auth=auth or Anonymous()), remedies)

    def _call(self, who: str, request: requests.Request, remedies: Mapping[int, str]) -> dict[str, object]:
        request.headers = {"User-Agent": self._agent, "Accept": "application/json"}
        try:
            with within(sum(self._timeout)), bounded_session() as session:
                settings = session.merge_environment_settings(request.url, {}, True, None, None)
                prepared = session.prepare_request(request)
                answer = session.send(prepared, timeout=self._timeout, allow_redirects=False, **settings)
                take_body(answer, LARGEST)
        except TooLargeError as error:
            raise TemporaryError(f"{who} sent more than can be read: try again later") from error
        except Exception as error:  # an adapter lets no other error out, whatever HTTP libraries raise
            unreached = TemporaryError(f"{who} cannot be reached ({type(error).__name__})")
            raise untrusted(error, who) or unreached from error
        if answer.status_code != 200:
            raise refusal(answer.status_code, remedies, who, answer)
        if not (document := json_object(answer.content)):
            raise TemporaryError(f"{who} answered in a form that cannot be read: check DATABRICKS_HOST and the proxy")
        return document


class Anonymous(AuthBase):
    """No login; without one, requests would take that of a .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Bearer(AuthBase):
    """As authentication, not as a header: a .netrc would replace that."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def refusal(
    status: int,
    remedies: Mapping[int, str] = REMEDIES,
    who: str = "Databricks",
    answer: requests.Response | None = None,
) -> SyncHealthError:
    """What an HTTP status means; the remedies are those of what was asked. Of the body, only a known code is told."""
    code = _error_code(answer) if answer is not None else ""
    said = f"{who} answered {status}{f' ({code})' if code else ''}"
    if status in remedies:
        families = {401: LoginRefusedError, 403: ForbiddenError}
        return families.get(status, AccessError)(f"{said}: {remedies[status]}")
    wait = retry_after(answer.headers, LONGEST_WAIT) if answer is not None else None
    return TemporaryError(f"{said}: try again later", retry_after=wait)


def _error_code(answer: requests.Response) -> str:
    """`invalid_client` of OAuth, or the more exact `AADSTS…` of Entra."""
    said = json_object(answer.content)
    exact = ENTRA_ERROR.match(str(said.get("error_description", "")))
    code = OAUTH_ERROR.fullmatch(str(said.get("error", "")))
    return exact[0] if exact else code[0] if code else ""
