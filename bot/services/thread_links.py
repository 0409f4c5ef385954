"""The way to threads in Slack, as far as Slack tells it: nothing is held up for that."""

from collections.abc import Callable, Mapping

from bot.errors import PermanentError, SyncHealthError
from bot.model import Place


def links_to(permalink: Callable[[Place], str], roots: Mapping[int, Place]) -> dict[int, str]:
    """The addresses of threads by the incident that each is about; those of the first ones where Slack fails now."""
    links: dict[int, str] = {}
    for incident_id, root in roots.items():
        try:
            links[incident_id] = permalink(root)
        except PermanentError:  # of this message
            continue
        except SyncHealthError:
            break
    return links
