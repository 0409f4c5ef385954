"""PagerDuty, by its Events API v2.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview and …/send-alert-event: POST /v2/enqueue is accepted
with 202; 400 is not to be repeated, 429 and 5xx are. At most 512 KB, 1,024 characters of summary, 255 of dedup key.
"""

import json

from bot.adapters.paging.http import TIMEOUT, WHOLE, Receiver, post
from bot.alerts.paging import PageAction
from bot.config.environment import PAGERDUTY_KEY
from bot.config.settings import Settings
from bot.messages.page import page_details, page_links, page_summary
from bot.model import PageEvent
from checks.model import Severity

SEVERITIES = {Severity.WARN: "warning", Severity.CRITICAL: "critical"}


class PagerDuty:
    """ports.Pager. The routing key stands in the body alone, and in no error.

    A lost answer is no harm: PagerDuty applies a repeated event to the alert that is open under its dedup key, and
    drops an acknowledge or a resolve for which there is none.
    """

    name = "PagerDuty"

    def __init__(self, settings: Settings, *, timeout: tuple[float, float] = TIMEOUT, whole: float = WHOLE) -> None:
        url = f"{settings.pagers.pagerduty_url.rstrip('/')}/v2/enqueue"
        self._settings, self._to = settings, Receiver(self.name, url, PAGERDUTY_KEY, timeout, whole)

    def send(self, event: PageEvent) -> None:
        post(self._to, json.dumps(self._body(event)).encode(), accepted=202)

    def _body(self, event: PageEvent) -> dict[str, object]:
        body: dict[str, object] = {
            "routing_key": self._settings.pagers.pagerduty_key,
            "event_action": event.action.value,
            "dedup_key": event.key,
        }
        if event.action is not PageAction.TRIGGER:
            return body
        incident, pipeline = event.incident, self._settings.pipeline
        payload: dict[str, object] = {
            "summary": page_summary(incident, self._settings),
            "source": f"sync-health {pipeline}",
            "severity": "info" if incident.is_test else SEVERITIES[incident.severity],
        }
        if event.plain:
            return body | {"payload": payload}
        payload |= {"group": pipeline, "class": incident.check, "timestamp": incident.opened_at.isoformat()}
        payload |= {"component": incident.sync} if incident.sync else {}
        payload["custom_details"] = page_details(incident, self._settings)
        links = [{"href": href, "text": text} for text, href in page_links(event, self._settings)]
        return body | {"payload": payload, "links": links, "client": "Sync Health"}
