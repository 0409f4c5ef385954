"""A plain signed webhook, for every pager that is not PagerDuty.

The signature is HMAC-SHA256 over `v1:{timestamp}:{body}`. A receiver refuses old timestamps, which cannot be changed
without breaking it, and drops an `id` that it has seen: every attempt of an event has the same one.
"""

import hmac
import json
from collections.abc import Callable

from bot.adapters.paging.http import TIMEOUT, WHOLE, Receiver, post
from bot.config.environment import WEBHOOK_URL
from bot.config.settings import Settings
from bot.messages.page import page_details, page_links, page_summary
from bot.model import PageEvent

SIGNATURE, TIMESTAMP = "X-Sync-Health-Signature", "X-Sync-Health-Timestamp"


class SignedWebhook:
    """ports.Pager. `now` is real time in seconds since the epoch. The address is a secret, as a rule."""

    name = "the pager webhook"

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float],
        *,
        timeout: tuple[float, float] = TIMEOUT,
        whole: float = WHOLE,
    ) -> None:
        self._settings, self._now = settings, now
        self._to = Receiver(self.name, settings.pagers.webhook_url, WEBHOOK_URL, timeout, whole)

    def send(self, event: PageEvent) -> None:
        body, at = json.dumps(self._body(event)).encode(), str(int(self._now()))
        signed = signature(self._settings.pagers.webhook_secret, at, body)
        post(self._to, body, {TIMESTAMP: at, SIGNATURE: signed})

    def _body(self, event: PageEvent) -> dict[str, object]:
        incident = event.incident
        body: dict[str, object] = {
            "id": event.id,
            "action": event.action.value,
            "dedup_key": event.key,
            "at": event.at.isoformat(),
            "pipeline": self._settings.pipeline,
            "incident": incident.id,
            "severity": incident.severity.value,
            "summary": page_summary(incident, self._settings),
        }
        if event.plain:
            return body
        links = [{"href": href, "text": text} for text, href in page_links(event, self._settings)]
        about = {"check": incident.check, "sync": incident.sync, "opened_at": incident.opened_at.isoformat()}
        return body | about | {"details": page_details(incident, self._settings), "links": links}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`v1=…`, as a receiver computes it again."""
    signed = hmac.digest(secret.encode(), f"v1:{timestamp}:".encode() + body, "sha256")
    return f"v1={signed.hex()}"
