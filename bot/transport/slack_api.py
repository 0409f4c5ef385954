"""Slack's Web API: the client, and its errors translated into ours."""

import http.client
import json
import logging
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError

from bot.errors import (
    AccessError,
    BlocksRefusedError,
    ChannelRefusedError,
    ConflictError,
    ContentRefusedError,
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
    UneditableError,
)
from bot.sanitize import redact
from bot.transport.bounded_http import bounded_opener, json_object, retry_after, untrusted, within

TIMEOUT = 10  # real seconds of silence
WHOLE = 20.0  # real seconds for a call, all in all
HOSTS = re.compile(r"(?:[a-z0-9-]+\.)*(?:slack\.com|slack-gov\.com)")  # of a response_url
GONE = {
    "message_not_found",
    "thread_not_found",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
    "invalid_scheduled_message_id",  # posted already, or within the next minute
    "not_found",  # a dialog that was closed
    "no_such_subteam",  # a user group that was deleted or disabled
    "user_not_found",  # whose Home it was
}
UNEDITABLE = {"cant_update_message", "edit_window_closed", "is_inactive"}
BLOCKS = {"invalid_blocks", "invalid_attachments", "invalid_blocks_format"}
CONTENT = BLOCKS | {"msg_too_long", "msg_blocks_too_long", "no_text"}
# What Slack refuses whatever we say, with what somebody can do about it.
CHANNEL = {
    "channel_not_found": "name another channel in pipeline.yml, or invite the bot if it is private",
    "is_archived": "name another channel in pipeline.yml",
    "not_in_channel": "invite the bot to the channel",
    "restricted_action": "let the bot post there, or name another channel",
    "restricted_action_read_only_channel": "let the bot post there, or name another channel",
    "restricted_action_thread_only_channel": "name another channel in pipeline.yml",
    "restricted_action_non_threadable_channel": "name another channel in pipeline.yml",
    "posting_to_channel_denied": "let the bot post there, or name another channel",
    "channel_is_limited_access": "let the bot post there, or name another channel",
}
NEW_TOKEN = "install the app again and set SLACK_BOT_TOKEN"  # noqa: S105 - advice
ACCESS = dict.fromkeys(
    ("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "app_access_restricted"),
    NEW_TOKEN,
) | {
    "missing_scope": "add the scopes of manifest.yml to the app and install it again",
    "no_permission": "add the scopes of manifest.yml to the app and install it again",
    "message_limit_exceeded": "the workspace has reached its limit of messages",
    "org_login_required": "the workspace is being moved; this ends by itself",
    "team_not_found": NEW_TOKEN,
    "team_access_not_granted": NEW_TOKEN,
    "access_denied": NEW_TOKEN,
    "ekm_access_denied": "an administrator suspended access",
    "not_enabled": "turn on the Home tab: Slack app → App Home",
}
UNCERTAIN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
CODE = re.compile(r"[a-z]{2,20}(?:_[a-z]{1,20}){0,9}")
LONGEST_WAIT = 600.0  # seconds
LATER = {"ratelimited", "rate_limited"}

T = TypeVar("T")


# The SDK logs headers and bodies, also those of a proxy: what matters of them is in our errors.
SILENT = logging.Logger("slack_sdk", logging.CRITICAL + 1)


class _Client(WebClient):
    """Asks over HTTP that ends, and follows no redirect: none takes the token elsewhere."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> Any:  # noqa: ARG002 - the SDK's
        answer = bounded_opener(self.ssl).open(req, timeout=self.timeout)  # it reads NO_PROXY too, unlike the SDK
        charset = answer.headers.get_content_charset() or "utf-8"
        return {"status": answer.status, "headers": answer.headers, "body": answer.read().decode(charset)}


def web_client(token: str, api_url: str, trust: ssl.SSLContext | None = None) -> WebClient:
    """A client that tries everything once: retries belong to the caller."""
    return _Client(token, base_url=api_url, timeout=TIMEOUT, ssl=trust, logger=SILENT, retry_handlers=[])


def call(method: Callable[..., Any], **arguments: object) -> Mapping[str, Any]:
    """What the Web API answers, with what went wrong in our terms."""
    answer = respond(method, **arguments).data
    if not isinstance(answer, dict):  # the SDK lets bytes through
        raise UncertainError("Slack failed: an answer that cannot be read")
    return answer


def respond(method: Callable[..., Any], **arguments: object) -> Any:
    """The whole response. Raises by what is known: certainly not done, perhaps done, never to be done."""
    try:
        with within(WHOLE):
            return method(**arguments)
    except SlackApiError as error:
        raise _explained(error) from error
    except URLError as error:
        if refused := untrusted(error, "Slack"):
            raise refused from error
        if isinstance(error.reason, ConnectionRefusedError):
            raise TemporaryError("Slack cannot be reached: the connection was refused") from error
        if isinstance(error.reason, socket.gaierror):
            raise TemporaryError("Slack cannot be reached: its name was not found in DNS") from error
        raise UncertainError(f"Slack did not answer: {redact(str(error.reason))}") from error
    except TimeoutError as error:
        raise UncertainError(f"Slack did not answer in time: {redact(str(error))}") from error
    except (OSError, http.client.HTTPException) as error:
        raise UncertainError(f"the connection to Slack broke: {type(error).__name__}") from error
    except UnicodeEncodeError as error:
        raise ContentRefusedError("it holds characters that cannot be sent") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, SlackRequestError) as error:
        # Not JSON, not UTF-8, or JSON that is no object: the SDK reads on and stumbles.
        raise UncertainError(f"Slack failed: an answer that cannot be read ({type(error).__name__})") from error


def taken(answer: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """What an answer holds under a name. Raises UncertainError where that is not there, or of another kind."""
    if not isinstance(value := answer.get(name), kind):
        raise UncertainError(f"Slack failed: an answer without {name}")
    return value


def answer_url(client: WebClient, url: str, **said: object) -> None:
    """Answer an interaction on its response_url: five times, within half an hour. Raises SyncHealthError."""
    if not _is_slack(url, str(client.base_url)):
        raise PermanentError("the response_url names a host that is not Slack's, so nothing was sent there")
    status, body = respond(_post_json, trust=client.ssl, url=url, said=said)
    read = json_object(body)
    if status != 200 or not (body.strip() in (b"", b"ok") or read.get("ok") is True):
        code = str(read.get("error") or body.strip().decode(errors="replace"))
        why = f"{status} {code if CODE.fullmatch(code) else ''}".rstrip()  # no page of a proxy
        refused = BlocksRefusedError if code in BLOCKS else PermanentError
        raise refused(f"Slack refuses the response_url: {why}")


def _is_slack(url: str, api_url: str) -> bool:
    """Whether what a person asked for may be sent there: to Slack over TLS, or to where the Web API is."""
    try:
        to, api = urlsplit(url), urlsplit(api_url)
        secure = to.scheme == "https" and to.port in (None, 443)
    except ValueError:
        return False
    host = to.hostname or ""
    return (secure and bool(HOSTS.fullmatch(host))) or (to.scheme == api.scheme and host == api.hostname != "")


def _post_json(trust: ssl.SSLContext | None, url: str, said: Mapping[str, object]) -> tuple[int, bytes]:
    body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
    request = Request(url, body, {"Content-Type": "application/json;charset=utf-8"}, method="POST")  # noqa: S310 - see above
    try:
        answer = bounded_opener(trust).open(request, timeout=TIMEOUT)
    except HTTPError as refusal:
        answer = refusal
    return answer.status, answer.read()


def _explained(error: SlackApiError) -> SyncHealthError:
    response: Any = error.response
    status = getattr(response, "status_code", 200)
    if status == 429:
        return TemporaryError("Slack asks for patience (429)", retry_after=_patience(response.headers))
    code = str(response.get("error", "")) if isinstance(response.data, dict) else ""
    if not CODE.fullmatch(code):  # the SDK puts the page of a proxy there
        code = ""
    if status >= 500 or code in UNCERTAIN or not code:
        return UncertainError(f"Slack failed: {code or f'an answer that cannot be read ({status})'}")
    if code in LATER:
        return TemporaryError(f"Slack asks for patience: {code}", retry_after=_patience(response.headers))
    return refusal(code)


def refusal(code: str) -> PermanentError:
    """What a code says that is no failure of Slack's, with what somebody can do about it."""
    said = f"Slack refuses: {code}"
    if code in GONE:
        return NotFoundError(f"Slack: {code}")
    if code == "hash_conflict":
        return ConflictError(said)
    if code in UNEDITABLE:
        return UneditableError(said)
    if code in CONTENT:
        return (BlocksRefusedError if code in BLOCKS else ContentRefusedError)(said)
    if code in CHANNEL:
        return ChannelRefusedError(f"{said} ({CHANNEL[code]})")
    if code in ACCESS:
        return AccessError(f"{said} ({ACCESS[code]})")
    return PermanentError(said)


def _patience(headers: Mapping[str, str]) -> float:
    """Between 1 s, also where it does not say, and 600: a mistake must not silence a channel for years."""
    return max(retry_after(headers, LONGEST_WAIT) or 0.0, 1.0)
