"""`make faults`: each switch of the demo: alerted by which check, after how long, how many presses, green when."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.alerts.model import Incident
from bot.demo.census.syncs import SYNC_FAULTS
from bot.demo.estate import FAULTS
from bot.ports import Ports
from bot.runtime.bot import Bot
from bot.runtime.composition import disconnect
from bot.runtime.demo import OPERATOR, Demo
from bot.services.summarise import summarise

SPEED, PATIENCE = 60.0, 240.0
OFFER = 15.0  # seconds until what has become pending is measured, and a rerun offered


@dataclass
class Walk:
    """One fault, as the operator meets it."""

    fault: str
    alerted_by: str = "nothing"
    alerted: float | None = None
    presses: int = 0
    green: float | None = None
    others: tuple[str, ...] = ()

    def line(self) -> str:
        others = f" (also {', '.join(self.others)})" if self.others else ""
        return f"| {self.fault} | {self.alerted_by}{others} | {_s(self.alerted)} | {self.presses} | {_s(self.green)} |"


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def walk(fault: str) -> Walk:
    """Break it, wait for the alert, acknowledge, switch it off, rerun where that is offered, wait until it is green."""
    demo = Demo(speed=SPEED, working_day=True)
    demo.start()
    ports, client = demo.connect()
    bot = Bot(ports, client)
    bot.start()
    try:
        _until(lambda: demo.slack.connections == 1 and summarise(ports).evaluation)
        return _walk(demo, ports, fault)
    finally:
        bot.stop()
        disconnect(ports)
        demo.stop()


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
    broken.switch(fault, False)
    began = time.monotonic()
    _until(lambda: not _incidents(ports) or "'action_id': 'rerun'" in str(_roots(demo)[:1]), OFFER)
    if first.rerun and _interaction(demo, "rerun", found):
        _until(lambda: (modal := demo.slack.modal(OPERATOR)) and "Loading" not in str(modal), 20)
        if (demo.slack.modal(OPERATOR) or {}).get("submit"):
            demo.slack.submit(OPERATOR, {"reason": "switched off"})
            found.presses += 1
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
    return [m for m in demo.slack.messages() if "Daily summary" not in m["text"] and "away" not in m["text"]]


def _interaction(demo: Demo, action: str, found: Walk) -> bool:
    for message in _roots(demo)[:1]:
        if f"'action_id': '{action}'" in str(message):
            demo.slack.press(OPERATOR, str(message["ts"]), action)
            found.presses += 1
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
    """Print the table; 1 when a fault was never alerted or never became green."""
    sys.stdout.write("| fault | alerted by | after | presses | green after |\n|---|---|---|---|---|\n")
    bad = 0
    for name in names or [*FAULTS, *SYNC_FAULTS]:
        found = walk(name)
        bad += found.green is None
        sys.stdout.write(f"{found.line()}\n")
        sys.stdout.flush()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
