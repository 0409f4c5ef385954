"""A test alert's way to the pagers: triggered, acknowledged and resolved there, one after the other."""

import uuid
from collections.abc import Callable

from bot.alerts.model import Incident
from bot.alerts.paging import PageAction
from bot.errors import SyncHealthError, TemporaryError, UncertainError
from bot.model import PageEvent
from bot.ports import Outlet, Pager
from bot.services.page import dedup_key

ATTEMPTS = 3
PAUSE = 2.0  # real seconds between them
LONGEST_PAUSE = 10.0  # real seconds: somebody waits at a terminal


def send_test_page(ports: Outlet, pager: Pager, test: Incident, pause: Callable[[float], object]) -> str | None:
    """Why the pager did not take all three, None where it did; what may have been triggered is resolved anyway."""
    why: str | None = None
    for action in (PageAction.TRIGGER, PageAction.ACKNOWLEDGE, PageAction.RESOLVE):
        if why and action is PageAction.ACKNOWLEDGE:
            continue
        key = f"{dedup_key(test)}/{test.id}"  # a key of its own: no other test is open under it
        event = PageEvent(uuid.uuid4().hex, action, key, test, ports.clock.now())
        if refused := _send(pager, event, pause):
            why = why or f"{action}: {refused}"
    return why


def _send(pager: Pager, event: PageEvent, pause: Callable[[float], object]) -> str | None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            pager.send(event)
        except (TemporaryError, UncertainError) as error:
            if attempt == ATTEMPTS:
                return str(error)
            told = error.retry_after if isinstance(error, TemporaryError) else None
            pause(min(PAUSE if told is None else told, LONGEST_PAUSE))
        except SyncHealthError as error:
            return str(error)
        else:
            return None
    return None
