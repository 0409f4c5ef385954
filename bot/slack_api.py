"""Slack's Web API: the client, and its errors in our terms."""

import http.client
import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.webhook import WebhookClient

from bot.errors import (
    AccessError,
    ChannelRefusedError,
    ContentRefusedError,
    NotFoundError,
    PermanentError,
    SyncHealthError,
    TemporaryError,
    UncertainError,
    UneditableError,
)
from bot.sanitize import redact

TIMEOUT = 10  # real seconds
GONE = {
    "message_not_found",
    "thread_not_found",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
    "invalid_scheduled_message_id",  # posted already, or within the next minute
    "not_found",  # a dialog that was closed
    "no_such_subteam",  # a user group that was deleted or disabled
}
UNEDITABLE = {"cant_update_message", "edit_window_closed", "is_inactive"}
CONTENT = {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text"}
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
}
UNCERTAIN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
CODE = re.compile(r"[a-z]{2,20}(?:_[a-z]{1,20}){0,9}")
LONGEST_WAIT = 600.0  # seconds
LATER = {"ratelimited", "rate_limited"}


# The SDK logs headers and bodies, also those of a proxy: what matters of them is in our errors.
SILENT = logging.Logger("slack_sdk", logging.CRITICAL + 1)


class _Client(WebClient):
    """Sends its token to Slack alone: urllib follows redirects, and would take the header along."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> Any:
        for name in [one for one in req.headers if one.lower() == "authorization"]:
            req.add_unredirected_header(name, req.headers.pop(name))
        return super()._perform_urllib_http_request_internal(url, req)


def web_client(token: str, api_url: str, trust: ssl.SSLContext | None = None) -> WebClient:
    """A client that tries everything once: retries belong to the caller."""
    client = _Client(token, base_url=api_url, timeout=TIMEOUT, ssl=trust, logger=SILENT, retry_handlers=[])
    client.proxy = None  # the SDK would send everything to HTTPS_PROXY; urllib reads NO_PROXY too
    return client


def call(method: Callable[..., Any], **arguments: object) -> Mapping[str, Any]:
    """What the Web API answers, with what went wrong in our terms."""
    answer = respond(method, **arguments).data
    if not isinstance(answer, dict):  # the SDK lets bytes through
        raise UncertainError("Slack failed: an answer that cannot be read")
    return answer


def respond(method: Callable[..., Any], **arguments: object) -> Any:
    """The whole response. Raises by what is known: certainly not done, perhaps done, never to be done."""
    try:
        return method(**arguments)
    except SlackApiError as error:
        raise _explained(error) from error
    except URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise TemporaryError("Slack cannot be reached: the connection was refused") from error
        raise UncertainError(f"Slack did not answer: {redact(str(error.reason))}") from error
    except (OSError, http.client.HTTPException) as error:
        raise UncertainError(f"the connection to Slack broke: {type(error).__name__}") from error
    except UnicodeEncodeError as error:
        raise ContentRefusedError("it holds characters that cannot be sent") from error
    except (ValueError, LookupError, AttributeError, RecursionError, SlackRequestError) as error:
        # Not JSON, not UTF-8, or JSON that is no object: the SDK reads on and stumbles.
        raise UncertainError(f"Slack failed: an answer that cannot be read ({type(error).__name__})") from error


def answer_url(url: str, trust: ssl.SSLContext | None, **said: object) -> None:
    """Answer an interaction on its response_url: five times, within half an hour. Raises SyncHealthError."""
    hook = WebhookClient(url, timeout=TIMEOUT, ssl=trust, logger=SILENT, retry_handlers=[])
    hook.proxy = None  # as above
    answer = respond(hook.send, **said)
    read = _object(answer.body)
    if answer.status_code != 200 or not (answer.body.strip() in ("", "ok") or read.get("ok") is True):
        code = str(read.get("error") or answer.body.strip())
        why = f"{answer.status_code} {code if CODE.fullmatch(code) else ''}".rstrip()  # no page of a proxy
        raise PermanentError(f"Slack refuses the response_url: {why}")


def _object(body: str) -> Mapping[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _explained(error: SlackApiError) -> SyncHealthError:
    response: Any = error.response
    status = getattr(response, "status_code", 200)
    if status == 429:
        return TemporaryError("Slack asks for patience (429)", retry_after=retry_after(response.headers))
    code = str(response.get("error", "")) if isinstance(response.data, dict) else ""
    if not CODE.fullmatch(code):  # the SDK puts the page of a proxy there
        code = ""
    if status >= 500 or code in UNCERTAIN or not code:
        return UncertainError(f"Slack failed: {code or f'an answer that cannot be read ({status})'}")
    if code in LATER:
        return TemporaryError(f"Slack asks for patience: {code}", retry_after=retry_after(response.headers))
    return refusal(code)


def refusal(code: str) -> PermanentError:
    """What a code says that is no failure of Slack's, with what somebody can do about it."""
    said = f"Slack refuses: {code}"
    if code in GONE:
        return NotFoundError(f"Slack: {code}")
    if code in UNEDITABLE:
        return UneditableError(said)
    if code in CONTENT:
        return ContentRefusedError(said)
    if code in CHANNEL:
        return ChannelRefusedError(f"{said} ({CHANNEL[code]})")
    if code in ACCESS:
        return AccessError(f"{said} ({ACCESS[code]})")
    return PermanentError(said)


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds that Slack asks us to wait, between 1 and 600: a mistake must not silence a channel for years."""
    after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    return min(max(float(after[:9]), 1.0), LONGEST_WAIT) if after.isdecimal() else 1.0
