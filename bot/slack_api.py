"""Slack's Web API: the client, and its errors in our terms."""

import http.client
import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.errors import NotFoundError, PermanentError, SyncHealthError, TemporaryError, UncertainError
from bot.sanitize import redact

TIMEOUT = 10  # real seconds
GONE = {
    "message_not_found",
    "thread_not_found",
    "cannot_reply_to_message",
    "cant_update_message",
    "invalid_scheduled_message_id",  # posted already, or within the next minute
    "not_found",  # a dialog that was closed
    "no_such_subteam",  # a user group that was deleted or disabled
}
UNCERTAIN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
CODE = re.compile(r"[a-z]{2,20}(?:_[a-z]{1,20}){0,9}")
LATER = {"ratelimited", "rate_limited"}


# The SDK logs headers and bodies, also those of a proxy: what matters of them is in our errors.
SILENT = logging.Logger("slack_sdk", logging.CRITICAL + 1)


def web_client(token: str, api_url: str, trust: ssl.SSLContext | None = None) -> WebClient:
    """A client that tries everything once: retries belong to the caller."""
    client = WebClient(token, base_url=api_url, timeout=TIMEOUT, ssl=trust, logger=SILENT, retry_handlers=[])
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
    except (ValueError, LookupError, AttributeError) as error:
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
    if code in GONE:
        return NotFoundError(f"Slack: {code}")
    return PermanentError(f"Slack refuses: {code or status}")


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds that Slack asks us to wait; 1 where it does not say."""
    after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    return float(after) if after.isdecimal() else 1.0
