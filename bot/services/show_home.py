"""What App Home shows besides the summary: this week's incidents, and where the threads of the open ones begin."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.alerts.incident_figures import WindowFigures, window_figures
from bot.alerts.model import Incident
from bot.model import Place
from bot.ports import Ports

WEEK = timedelta(days=7)


def show_home(ports: Ports, shown: Sequence[Incident]) -> tuple[WindowFigures, Mapping[int, Place]]:
    """The figures of the last 7 days, and the roots of these incidents, by incident. Raises StateError."""
    now = ports.clock.now()
    with ports.store.snapshot() as records:
        week = window_figures(records.incidents_since(now - WEEK), now - WEEK, now)
        return week, records.roots_of([one.id for one in shown])
