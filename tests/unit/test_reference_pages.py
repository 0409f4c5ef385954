"""The quick reference has the thresholds that ship; a stakeholder notification explains what it leaves open."""

import os
import re

from checks.model import Check
from tests.unit.test_runbook import CHECK_FILES, PAGES, checks_of

_, QUICK, STAKEHOLDERS = PAGES


def test_every_placeholder_of_a_notification_is_explained_and_none_is_left_over() -> None:
    text = STAKEHOLDERS.read_text(encoding="utf-8")
    rows, _, variants = text.partition("## Incident open")
    explained = set(re.findall(r"\{(\w+)\}", " ".join(re.findall(r"^\| ([^|]+) \|", rows, re.MULTILINE))))
    assert set(re.findall(r"\{(\w+)\}", variants)) | {"pipeline"} == explained


def thresholds() -> str:
    """The table of the quick reference, from the checks that ship."""
    daily = {check.name: check for check in _with_cadence("daily")}
    rows = ["| check | warning | critical | recovers | runbook |", "|---|---|---|---|---|"]
    for check in sorted(_with_cadence("frequent"), key=lambda one: (one.source, one.name)):
        cells = [_cell(check, daily[check.name], name) for name in ("warn", "critical", "clear")]
        name = check.runbook or check.name
        title = check.title.replace("{destination}", "the destination")
        rows.append(f"| {title} (`{check.name}`) | {' | '.join(cells)} | [{name}](OPERATIONS_RUNBOOK.md#{name}) |")
    return "\n".join(rows)


def _with_cadence(cadence: str) -> list[Check]:
    return [check for path in CHECK_FILES for check in checks_of(path, cadence)]


def _cell(check: Check, daily: Check, field: str) -> str:
    limit, rare = getattr(check, field), getattr(daily, field)
    usual = f"`{limit}`" if limit else "–"
    return usual if limit == rare else f"{usual}, daily `{rare}`"


def test_the_thresholds_of_the_quick_reference_are_those_that_ship() -> None:
    """`UPDATE_DOCS=1` writes them again."""
    begin, end = "<!-- thresholds -->\n", "<!-- end -->"
    before, _, rest = QUICK.read_text(encoding="utf-8").partition(begin)
    shown, _, after = rest.partition(end)
    if os.environ.get("UPDATE_DOCS"):
        QUICK.write_text(f"{before}{begin}\n{thresholds()}\n\n{end}{after}", encoding="utf-8")
        return
    assert shown.strip() == thresholds(), "UPDATE_DOCS=1 writes it again"
