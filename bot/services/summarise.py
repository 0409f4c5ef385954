"""The health summary, from the latest evaluation."""

import dataclasses
import math
import threading

from bot.answers.health import Summary
from bot.errors import StateError
from bot.ports import Ports
from bot.services.page import unsent_pages


def summarise(ports: Ports, *, measuring: bool = False) -> Summary:
    """The last evaluation and what is open; asks nobody, so it answers at once."""
    with ports.store.snapshot() as records:
        return Summary(
            pipeline=ports.settings.pipeline,
            evaluation=records.latest_evaluation(),
            incidents=tuple(records.open_incidents()),
            maintenance=records.maintenance(),
            undelivered=records.undelivered(),
            unsent_pages=unsent_pages(ports, records),
            unscheduled=records.watch().error,
            measuring=measuring,
            has_audit_log=ports.settings.deploy_to is not None,
            observes=ports.settings.observes,
            syncs=() if ports.settings.observes else ports.settings.syncs,
        )


class SharedSummary:
    """One reading of the state for all who asked before it began: a crowd costs no more than a few."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._guard = threading.Lock()
        self._began = -math.inf  # monotonic
        self._found: Summary | StateError | None = None

    def since(self, asked: float, *, measuring: bool = False) -> Summary:
        """What held at `asked` (monotonic) or later. Raises StateError, also to those who share a reading."""
        with self._guard:
            if self._found is None or self._began <= asked:
                began, self._found = self._ports.clock.monotonic(), None  # what fails otherwise is found by nobody
                try:
                    self._found = summarise(self._ports)
                except StateError as error:
                    self._found = error
                self._began = began
            found = self._found
        if isinstance(found, StateError):
            raise found.with_traceback(None)  # it is raised for many
        return dataclasses.replace(found, measuring=measuring)
