"""`make faults`: each switch of the demo: alerted by which check, after how long, which presses, green when.

Where a press can undo the fault it does, and the switch is left alone.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.alerts.model import Incident
from bot.demo.census.syncs import SYNC_FAULTS
from bot.demo.estate import FAULTS
from bot.ports import Ports
from bot.runtime.demo import OPERATOR, Demo
from tests.slack.conftest import at_work

SPEED, PATIENCE = 60.0, 240.0
MOST_PRESSES = 3
OFFER = 15.0  # seconds until what has become pending is measured, and a rerun offered


@dataclass
class Walk:
    """One fault, as the operator meets it."""

    fault: str
    alerted_by: str = "nothing"
    alerted: float | None = None
    presses: tuple[str, ...] = ()
    green: float | None = None
    others: tuple[str, ...] = ()

    def line(self) -> str:
        others = f" (also {', '.join(self.others)})" if self.others else ""
        pressed = ", ".join(self.presses) or "none"
        return f"| {self.fault} | {self.alerted_by}{others} | {_s(self.alerted)} | {pressed} | {_s(self.green)} |"


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def walk(fault: str) -> Walk:
    """Break it, wait for the alert, acknowledge, undo it by a press or the switch, rerun where offered, until green."""
    demo = Demo(speed=SPEED, working_day=True)
    demo.start()
    with at_work(demo, *demo.connect()) as world:
        return _walk(demo, world.ports, fault)


def _walk(demo: Demo, ports: Ports, fault: str) -> Walk:
    found, broken = Walk(fault), demo.estate if fault in FAULTS else demo.census
    began = time.monotonic()
    broken.switch(fault, True)
    if not _until(lambda: _incidents(ports) and demo.slack.messages()):
        return found
    found.alerted = time.monotonic() - began
    first = _incidents(ports)[0]
    found.alerted_by = first.check
    _interaction(demo, "acknowledge", found)
    if not _confirm(demo, "resume", found):
        broken.switch(fault, False)
    began = time.monotonic()
    _until(lambda: not _incidents(ports) or "'action_id': 'rerun'" in str(_roots(demo)[:1]), OFFER)
    _confirm(demo, "rerun", found)
    if _until(lambda: not _incidents(ports) and all("Resolved" in str(m) for m in _roots(demo))):
        found.green = time.monotonic() - began
    with ports.store.transaction() as records:
        seen = {records.incident(n) for n in range(1, 20)}
    found.others = tuple(sorted({one.check for one in seen if one} - {first.check}))
    return found


def _incidents(ports: Ports) -> list[Incident]:
    with ports.store.transaction() as records:
        return records.open_incidents()


def _roots(demo: Demo) -> list[dict[str, object]]:
    return [
        m
        for m in demo.slack.messages()
        if "Daily summary" not in m["text"] and "Weekly review" not in m["text"] and "away" not in m["text"]
    ]


def _confirm(demo: Demo, action: str, found: Walk) -> bool:
    """Press what the first alert offers and confirm its dialog; False where it does not offer it."""
    if not _interaction(demo, action, found):
        return False
    _until(lambda: (modal := demo.slack.modal(OPERATOR)) and "Loading" not in str(modal), 20)
    if (demo.slack.modal(OPERATOR) or {}).get("submit"):
        demo.slack.submit(OPERATOR, {"reason": "switched off"})
        found.presses += ("confirm",)
    return True


def _interaction(demo: Demo, action: str, found: Walk) -> bool:
    for message in _roots(demo)[:1]:
        if f"'action_id': '{action}'" in str(message):
            demo.slack.press(OPERATOR, str(message["ts"]), action)
            found.presses += (action,)
            return True
    return False


def _until(happens: Callable[[], object], seconds: float = PATIENCE) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if happens():
            return True
        time.sleep(0.05)
    return False


def main(names: list[str]) -> int:
    """Print the table; 1 when a fault was never alerted, never became green, or took too many presses."""
    sys.stdout.write("| fault | alerted by | after | presses | green after |\n|---|---|---|---|---|\n")
    bad = 0
    for name in names or [*FAULTS, *SYNC_FAULTS]:
        found = walk(name)
        bad += found.green is None or len(found.presses) > MOST_PRESSES
        sys.stdout.write(f"{found.line()}\n")
        sys.stdout.flush()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
