"""docs/OPERATIONS_RUNBOOK.md, docs/QUICK_REFERENCE.md and docs/STAKEHOLDER_NOTIFICATION.md say what the code says."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from bot.alerts.rejections import Needs
from bot.cli.app import app
from bot.config.runbook import ALERTS, EMERGENCIES, OWN_CHECK, REJECTIONS, Section, product_runbook, sections_of
from bot.demo.census.syncs import SYNC_FAULTS
from bot.demo.estate import FAULTS
from bot.errors import RefusedError
from bot.messages.blocks import Message
from bot.messages.errors import NEEDS
from bot.messages.phrases import is_fact
from bot.messages.runbook import runbook_message
from bot.messages.text import signs
from bot.messages.watch import outage_message
from bot.model import Kind, Outage
from bot.services.show_runbook import show_runbook, topics
from bot.slack.command_table import COMMANDS
from checks.model import Check, Severity
from tests.fakes import shipped_settings
from tests.unit.samples import NOW, incident
from tests.unit.test_readme import drawn

HOME = Path(__file__).resolve().parents[2]
PAGES = [
    HOME / "docs" / name for name in ("OPERATIONS_RUNBOOK.md", "QUICK_REFERENCE.md", "STAKEHOLDER_NOTIFICATION.md")
]
RUNBOOK = PAGES[0]
SETTINGS = shipped_settings()
SECTIONS = product_runbook()
CHECK_FILES = sorted(path for path in (HOME / "checks").rglob("*.yml") if path.parent.name != "rejections")
TOPICS = [one for one in SECTIONS.values() if one.part in (ALERTS, REJECTIONS, EMERGENCIES) and one.title != one.part]
LABELS = ["You see", "It means", "Causes", "Do this", "Escalate"]


def written(path: Path) -> list[dict[str, object]]:
    """The checks of a file, and what it changes of others."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [*data.get("checks", []), *data.get("limits", {}).values()]


@pytest.mark.parametrize("path", CHECK_FILES, ids=lambda path: path.stem)
def test_the_section_that_a_check_names_exists(path: Path) -> None:
    named = {one["runbook"] for one in written(path) if "runbook" in one}
    assert named and named <= SECTIONS.keys()
    assert all("runbook" in one for one in written(path) if "name" in one), "a shipped check has a section"


@pytest.mark.parametrize("path", sorted((HOME / "checks/rejections").glob("*.yml")), ids=lambda path: path.stem)
def test_every_class_of_rejections_has_a_section_that_says_whether_a_rerun_helps(path: Path) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    classes = {*data["codes"], *(words["needs"] for words in data["words"]), *(need.value for need in Needs)}
    for name in classes:
        section = show_runbook(SETTINGS, name).section
        assert section.part == REJECTIONS and section.anchor.endswith(f"-{name}")
        assert f"> {NEEDS[Needs(name)]}" in section.text.splitlines()


@pytest.mark.parametrize("section", TOPICS, ids=lambda section: section.anchor)
def test_every_section_is_laid_out_alike(section: Section) -> None:
    assert re.findall(r"^\*\*([A-Z][a-z]+(?: [a-z]+)?)\*\*", section.text, re.MULTILINE) == LABELS
    assert re.search(r"^1\. ", section.text, re.MULTILINE), "what to do is numbered"


def checks_of(path: Path, cadence: str = "frequent") -> list[Check]:
    """The checks of a file, before the words of a pipeline are filled in."""
    return [Check.model_validate(one, context={"cadence": cadence}) for one in written(path) if "name" in one]


OF_THE_SHIPPED_ONE = {
    one.runbook for path in CHECK_FILES if path.parent.name == "properties" for one in checks_of(path)
}


@pytest.mark.parametrize("section", TOPICS, ids=lambda section: section.anchor)
def test_a_section_for_every_pipeline_has_no_words_of_the_shipped_one(section: Section) -> None:
    words = re.findall(r"(?i)sync [ab]\b|propert(?:y|ies)\b|company name|rds_\w+", section.text)
    destination = re.findall("Salesforce", section.text) if section.anchor != "destination-limit" else []
    assert bool(words or destination) == (section.anchor in OF_THE_SHIPPED_ONE)


def said_by(check: Check) -> Iterator[tuple[str, Check]]:
    """Each headline that a check can have, with the check as it is then."""
    for case in (None, *check.cases):
        mine = check.in_case(case)
        if case is None or check.cases[case].summary:
            yield mine.summary, mine


def headline(summary: str, check: Check, severity: Severity, words: Mapping[str, str]) -> re.Pattern[str]:
    """How the bot posts it, with what stands for names and numbers; a fact has no threshold behind it."""
    icon, limit = ("🔴 Critical", check.critical) if severity is Severity.CRITICAL else ("🟡 Warning", check.warn)
    parts = re.split(r"\{(\w+)\}", f"{icon} · {{pipeline}}: {summary}")
    text = "".join(words.get(part, ".+") if n % 2 else re.escape(part) for n, part in enumerate(parts))
    fact = is_fact(incident(source=check.source, limit=str(limit)))
    tail = "" if fact else re.escape(f" (threshold {signs(str(limit))})")
    return re.compile(rf"{text}(?:: .+)?{tail}")


@pytest.mark.parametrize("path", CHECK_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_an_alert_says_stands_in_its_section_word_for_word(path: Path) -> None:
    words = {"sync": "SYNC", "destination": "DESTINATION", "pipeline": "PIPELINE"}
    if path.parent.name == "properties":
        words = {"destination": SETTINGS.destination, "pipeline": SETTINGS.pipeline}
    for check in checks_of(path):
        quoted = re.findall(r"^> (.+)$", SECTIONS[str(check.runbook)].text, re.MULTILINE)
        for summary, mine in said_by(check):
            severities = [Severity.CRITICAL] * bool(mine.critical) + [Severity.WARN] * bool(mine.warn)
            forms = [headline(summary, mine, severity, words) for severity in severities]
            assert any(form.fullmatch(one) for form in forms for one in quoted), (forms, quoted)


@pytest.mark.parametrize(
    ("topic", "kind"), [("sync-health-is-silent", Kind.SILENT), ("state-cannot-be-written", Kind.STATE_FAILED)]
)
def test_what_the_bot_says_of_itself_stands_there_word_for_word(topic: str, kind: Kind) -> None:
    settings = replace(SETTINGS, pipeline="PIPELINE")
    posted = outage_message(kind, Outage(NOW), settings).text.partition("<!date")[0]
    assert f"> {posted}" in SECTIONS[topic].text


# -- commands, buttons and choices


def code(path: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))


LINES = sorted({one for path in PAGES for one in code(path) if one.startswith("sync-health ")})
TYPED = sorted({one for path in PAGES for one in code(path) if one.startswith("/sync-health")})


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_is_one_that_the_program_takes(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    with get_command(app).commands[name].make_context(name, arguments) as context:  # type: ignore[attr-defined]
        assert context.params


@pytest.mark.parametrize("line", TYPED)
def test_every_word_behind_the_slash_command_is_in_the_table(line: str) -> None:
    _, _, rest = line.partition(" ")
    word, _, topic = rest.partition(" ")
    assert word in COMMANDS
    if word == "runbook" and topic not in ("", "NUMBER"):
        assert show_runbook(SETTINGS, topic)


def known_labels() -> set[str]:
    """Every button, menu entry and choice that the bot draws, with SYNC for a sync."""
    goldens = [json.loads(path.read_text(encoding="utf-8")) for path in (HOME / "tests/golden").rglob("*.json")]
    labels = {label for golden in goldens for label, _ in drawn(golden)}
    labels |= {text for golden in goldens for text in re.findall(r'"text": "([^"]+)"', json.dumps(golden))}
    labels |= set(re.findall(r'"(View [^"]+)"', (HOME / "bot/messages/evidence.py").read_text(encoding="utf-8")))
    return labels | {re.sub(r"Sync [A-C]", "SYNC", label) for label in labels}


VERBS = (
    "Acknowledge|Rerun|Follow|Pause|Resume|Cancel|Snooze|Escalate now|Add|Resolve|More|Evaluate|View|Take|Unack|Show"
)


def test_every_button_and_choice_is_written_as_it_is_drawn() -> None:
    known = known_labels()
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        bold = {one for one in re.findall(r"\*\*([^*\n]+)\*\*", text) if re.match(rf"(?:{VERBS})\b", one)}
        chosen = set(re.findall(r"\*(Rerun now|Wait [^*]+|Full sync[^*]+)\*", text))
        generic = {"Rerun", "Pause.", "Evaluate.", "Resume."}  # in prose, and as steps of an emergency
        assert (bold | chosen) - known - generic == set(), path.name


@pytest.mark.full
@pytest.mark.parametrize("line", [one for one in LINES if re.match(r"sync-health (?:check|snapshot|runbook)\b", one)])
def test_every_command_line_that_looks_runs_in_the_demo(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    monkeypatch.chdir(tmp_path)
    _, *arguments = shlex.split(line)
    demo = [] if arguments[0] == "runbook" else ["--demo"]
    ended = CliRunner().invoke(app, [*arguments, *demo])
    assert ended.exit_code == 0, ended.output


# -- what can be asked about


def test_every_topic_is_found_by_what_the_list_says_and_fits_into_a_message() -> None:
    for listed in topics(SETTINGS).values():
        for word, _ in listed:
            shown = runbook_message(show_runbook(SETTINGS, word), SETTINGS)
            assert "more line" not in json.dumps(shown.payload()), word
    assert {name for name, _ in topics(SETTINGS)[ALERTS]} == {check.name for check in SETTINGS.checks}


@pytest.mark.parametrize(
    ("typed", "anchor"),
    [
        *(("failed_runs", "failed-runs"), ("Failed runs", "failed-runs"), ("#failed-runs", "failed-runs")),
        *(("overdue run", "sync-recency"), ("matched_coverage", "coverage"), ("unable_to_lock_row", "transient")),
        *(("permission", "permission"), ("view bug", "view-bug"), ("slack", "slack-down")),
        *(("is paused in census", "schedule-enabled"), ("missing company name", "null-company-names")),
    ],
)
def test_a_topic_is_a_name_a_title_a_class_a_code_or_words_of_an_alert(typed: str, anchor: str) -> None:
    assert show_runbook(SETTINGS, typed).section.anchor.removeprefix("rejected-records-") == anchor


@pytest.mark.parametrize(
    ("headline", "anchor"),
    [
        ("🔴 Critical · properties: Sync B is paused in Census: 24 pending properties", "schedule-enabled"),
        ("Sync B has 1,180 pending records (threshold > 1,000)", "backlog"),
        ("Sync B has 240 suspect records pending: no company name (threshold > 10)", "null-company-names"),
        ("Sync B's last 2 runs failed: INVALID_SESSION_ID", "failed-runs"),
        ("Salesforce rejected 12 of 80 records in Sync B's last run (threshold > 5%)", "census-error-rate"),
        ("Sync A has not completed for 1 h 40 min", "sync-recency"),
    ],
)
def test_the_headline_of_an_alert_is_a_topic_as_it_is_copied(headline: str, anchor: str) -> None:
    assert show_runbook(SETTINGS, headline).section.anchor == anchor


@pytest.mark.parametrize("text", ["good morning. all: well", " completed  run" * 200, "x. y: z"])
def test_a_line_that_is_no_headline_is_none(text: str) -> None:
    with pytest.raises(RefusedError, match="Unknown topic"):
        show_runbook(SETTINGS, text)


def test_an_unknown_topic_names_the_nearest_and_one_with_several_meanings_all_of_them() -> None:
    with pytest.raises(RefusedError, match="Did you mean backlog"):
        show_runbook(SETTINGS, "backlgo")
    with pytest.raises(RefusedError, match=r"census-not-measured, warehouse-not-measured"):
        show_runbook(SETTINGS, "checks cannot run")
    with pytest.raises(RefusedError, match="Unknown topic “xx”"):
        show_runbook(SETTINGS, "xx")


def test_an_incident_fills_in_its_sync_its_number_and_its_next_step() -> None:
    about = incident(check="schedule_enabled", sync="Sync B", helps="Resume it.", id=12)
    page = show_runbook(SETTINGS, "12", about)
    assert "`/sync-health resume Sync B`" in page.section.text and "`/sync-health escalate 12`" in page.section.text
    assert page.next_step == "Resume it." and not re.search(r"\b(?:SYNC|NUMBER|PIPELINE)\b", page.section.text)
    gone = show_runbook(SETTINGS, "7", incident(check="of_yesterday", runbook="backlog"))
    assert gone.section.anchor == "backlog"
    assert show_runbook(SETTINGS, "7", incident(check="of_yesterday", runbook="gone")).section.anchor == OWN_CHECK


def test_a_check_without_a_section_has_that_of_any_check_under_its_own_title() -> None:
    own = SETTINGS.checks[0].model_copy(
        update={"name": "stale", "title": "Stale", "runbook": "wiki-page", "helps": "Ask."}
    )
    page = show_runbook(replace(SETTINGS, checks=(own,)), "stale")
    assert (page.section.anchor, page.section.title, page.next_step) == (OWN_CHECK, "Stale", "Ask.")


# -- the rest of the three


def test_each_switch_of_the_demo_is_in_the_training() -> None:
    rows = re.findall(r"^\| (.+?) \| .+ \| .+ \|$", SECTIONS["training"].text, re.MULTILINE)
    titles = [fault.title for faults in (FAULTS, SYNC_FAULTS) for fault in faults.values()]
    assert rows[1:][-13:] == titles and len(titles) == 13


def test_no_heading_stands_there_twice() -> None:
    anchors = [one.anchor for _, one in sections_of(RUNBOOK.read_text(encoding="utf-8"))]
    assert sorted(anchors) == sorted(set(anchors))


def test_a_section_says_whom_pipeline_yml_names() -> None:
    settings = replace(SETTINGS, owner="S0DATAONCALL")
    shown: Message = runbook_message(show_runbook(settings, "view bug"), settings)
    assert "Owner <!subteam^S0DATAONCALL>" in json.dumps(shown.payload())
    assert "No operators" in json.dumps(runbook_message(show_runbook(SETTINGS, "view bug"), SETTINGS).payload())


def test_a_page_about_an_incident_has_no_numbers_but_its_own() -> None:
    """Filled in with its sync, a quoted alert would read as what is so now."""
    paused = incident(check="schedule_enabled", sync="Sync B", source="census")
    text = show_runbook(SETTINGS, "", paused).section.text
    assert text.startswith("**It means** Nothing starts Sync B.")
    assert "412" not in text and "412" in show_runbook(SETTINGS, "schedule enabled").section.text


@pytest.mark.parametrize("topic", ["data", "UNABLE_TO_LOCK_ROW", "view-bug", "backlog"])
def test_every_topic_names_the_owner_of_the_pipeline(topic: str) -> None:
    assert show_runbook(replace(SETTINGS, owner="S0DATAONCALL"), topic).owner == "S0DATAONCALL"
