"""Settings that look right and would do something else: refused, with what to write instead."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from bot.config import yaml_lines
from bot.config.load import config_file, is_shipped, load_settings
from bot.config.overrides import with_limits
from bot.config.yaml_lines import LARGEST, read_yaml
from bot.errors import ConfigurationError
from bot.sql.statements import Statements
from tests.unit.pipelines import ENVIRONMENT, PIPELINE, Offered

RESOLVERS = yaml_lines._Loader.yaml_implicit_resolvers
Problems = Callable[..., list[str]]


def refused(**environment: str) -> list[str]:
    """What is said about these settings."""
    with pytest.raises(ConfigurationError) as found:
        load_settings(ENVIRONMENT | environment, library=Offered)
    return found.value.problems


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """What is said about pipeline.yml with these replacements."""

    def those(*changes: tuple[str, str], **environment: str) -> list[str]:
        text = PIPELINE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "pipeline.yml"
        path.write_text(text, encoding="utf-8")
        return refused(SYNC_HEALTH_CONFIG=str(path), **environment)

    return those


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the bot is started, without a pipeline.yml."""
    (folder := tmp_path / "here").mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("character", ["a", "é", "漢"])
def test_a_file_is_measured_in_bytes_and_never_cut_off(tmp_path: Path, character: str) -> None:
    path = tmp_path / "pipeline.yml"
    beginning = f"# {character}\na: b\n#".encode()
    path.write_bytes(beginning.ljust(LARGEST, b"#"))
    assert read_yaml(path).data == {"a": "b"}
    path.write_bytes(beginning.ljust(LARGEST, b"#") + b"\n")
    with pytest.raises(ConfigurationError, match="larger than 1 MB"):
        read_yaml(path)


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.yml")


def itself(path: Path) -> None:
    path.symlink_to(path.name)


def device(path: Path) -> None:
    path.symlink_to(os.devnull)


BROKEN: dict[Callable[[Path], None], str] = {
    dangling: "it is a link to a file that is not there",
    itself: "Too many levels of symbolic links",
    os.mkfifo: "it is not a regular file",
    device: "it is not a regular file",
    Path.mkdir: "it is a folder",
}


@pytest.mark.parametrize(("make", "why"), BROKEN.items(), ids=[make.__name__ for make in BROKEN])
def test_a_broken_pipeline_yml_never_gives_way_to_the_shipped_one(
    here: Path, make: Callable[[Path], None], why: str
) -> None:
    make(here / "pipeline.yml")
    assert refused() == [f"{here}/pipeline.yml: cannot be read: {why}"]
    assert not is_shipped(config_file({}))


def test_a_pipeline_yaml_is_not_overlooked(here: Path) -> None:
    (here / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    said = [f"{here}/pipeline.yaml: is not read: rename it to pipeline.yml"]
    assert refused() == refused(SYNC_HEALTH_CONFIG=str(here)) == said
    assert not is_shipped(config_file({}))
    (here / "pipeline.yml").write_text(PIPELINE.replace("name: properties", "name: mine"), encoding="utf-8")
    assert load_settings(ENVIRONMENT, library=Statements).pipeline == "mine"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ('coverage: {warn: "< 95 h"}', 'coverage.warn: cannot compare "< 95 h" with a percentage: write "< 95%"'),
        ('coverage: {warn: "< 950%"}', 'coverage.warn: "< 950%" is no percentage: write a number from 0 to 100'),
        ('coverage: {warn: "< 950"}', 'coverage.warn: "< 950%" is no percentage: write a number from 0 to 100'),
        (
            'suspect_records: {critical: "> 5 h"}',
            'suspect_records.critical: cannot compare "> 5 h" with a number without a unit: write "> 5"',
        ),
        (
            'sync_recency: {cases: {scheduled: {critical: "> 5%"}}}',
            'sync_recency.cases.scheduled.critical: cannot compare "> 5%" with hours: write "> 5 h"',
        ),
        (
            'null_company_names: {critical: "< 100"}',
            'null_company_names.critical: warn "> 30" and critical "< 100" look in opposite directions: '
            "write both with > or both with <",
        ),
    ],
)
def test_a_limit_of_another_unit_or_direction_than_the_shipped_one_is_refused(
    problems: Problems, limit: str, said: str
) -> None:
    assert problems(("limits: {}", f"limits: {{{limit}}}")) == [f"pipeline.yml:17: limits.{said}"]


def test_an_own_check_of_a_shipped_number_is_measured_in_the_same_unit(problems: Problems) -> None:
    mine = '{name: mine, title: T, metric: coverage_percentage, source: databricks, warn: "< 9 h", summary: s}'
    own = f"checks: [sync, properties, {mine}]"
    said = 'checks.warn: cannot compare "< 9 h" with a percentage: write "< 9%"'
    assert problems(("checks: [sync, properties]", own)) == [f"pipeline.yml:18: {said}"]


@pytest.mark.parametrize("text", ["coverage: warn < 95 h", "coverage: warn < 950", "null_company_names: critical < 1"])
def test_a_limit_on_the_command_line_is_held_to_the_same(text: str) -> None:
    settings = load_settings({}, library=Statements, needs=())
    with pytest.raises(ConfigurationError, match=r"a percentage|no percentage|opposite directions"):
        with_limits(settings, [text])


def test_a_wrong_entry_hides_no_other(problems: Problems) -> None:
    limits = 'limits: {coverag: {warn: "> 5"}, coverage: {warn: 5}, backlog: {warn: "> 9999"}, mine: {warn: "> 2"}}'
    own = "checks:\n  - sync\n  - properties\n  - {name: mine, title: Mine}\n"
    tables = "tables: {a.b.c: x, d.e.f: g.h.i}"
    found = problems(("limits: {}", limits), ("checks: [sync, properties]", own), ("tables: {}", tables))
    for part in (
        'limits.coverag: there is no check "coverag": did you mean "coverage"?',
        "limits.coverage.warn: cannot read the threshold 5",
        'limits.backlog.warn: warn "> 9999" lies beyond critical "> 1000"',
        'tables.a.b.c: "x" is not a full name',
        "tables.d.e.f: no statement reads d.e.f",
        'checks: "metric" is missing',
    ):
        assert len([problem for problem in found if part in problem]) == 1, (part, found)
    assert not [problem for problem in found if '"mine"' in problem]


def test_every_limit_of_the_command_line_is_told_by_the_name_of_its_check() -> None:
    settings = load_settings({}, library=Statements, needs=())
    texts = ["coverage: warn 94", "coverag: warn < 94", "newest_row: critical 5", "backlog: warn > 9999", "x"]
    with pytest.raises(ConfigurationError) as found:
        with_limits(settings, [*texts, "data_quality: warn < 96", "data_quality: warn < 97"])
    assert [problem.split(": ")[:2] for problem in found.value.problems] == [
        ["--limit", "cannot read 'x'"],
        ["--limit", "data_quality.warn"],
        ["--limit", "coverage.warn"],
        ["--limit", "newest_row.critical"],
        ["--limit", "coverag"],
        ["--limit", "backlog.warn"],
        ["--limit", "backlog.warn"],  # and of the sync that has thresholds of its own
    ]


def test_where_every_sync_is_wrong_only_that_is_told(problems: Problems) -> None:
    found = problems(("id: 1", "id: one"), ("id: 2", "id: two"))
    assert [problem.split(" is not")[0] for problem in found] == [
        'pipeline.yml:9: syncs.id: "one"',
        'pipeline.yml:13: syncs.id: "two"',
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            [("name: Sync B", "name: sync a")],
            ["12: syncs.name: another sync has the name Sync A: write one that differs in more than case"],
        ),
        (
            [("name: Sync B", "name: create")],
            ['12: syncs.name: "create" also means Sync A (CREATE): write a name that does not'],
        ),
        ([("name: Sync A", "name: To Update")], ['8: syncs.name: "update" also means Sync B (UPDATE): write a name']),
        ([("name: Sync A", 'name: "2"')], ['8: syncs.name: "2" also means Sync B (UPDATE)']),
        ([("name: Sync A", "name: B")], ['12: syncs.name: "b" also means B (CREATE)']),
        (
            [("name: Sync B", "name: Sync A (CREATE)")],
            [
                '8: syncs.name: "sync a (create)" also means Sync A (CREATE) (UPDATE)',
                '12: syncs.name: "sync a (create)" also means Sync A (CREATE): ',
            ],
        ),
        (
            [("name: Sync B", "name: 'Sync “A”'")],
            ['8: syncs.name: "sync a" also means Sync “A”', '12: syncs.name: "sync a" also means Sync A (CREATE)'],
        ),
        ([("name: Sync B", "name: '\"`'")], ["12: syncs.name: "]),
        ([("name: Sync B", "name: '\"All\"'")], ["12: syncs.name: "]),
        (
            [("properties_to_update", "`Properties_to_CREATE`")],
            ["15: syncs.queue: another sync has the queue crm.sfdc_dbx.`Properties_to_CREATE`: each has its own"],
        ),
    ],
)
def test_syncs_that_cannot_be_told_apart_are_refused(
    problems: Problems, changes: list[tuple[str, str]], said: list[str]
) -> None:
    found = problems(*changes)
    assert len(found) == len(said)
    for problem, part in zip(found, said, strict=True):
        assert problem.startswith(f"pipeline.yml:{part}")


@pytest.mark.parametrize("key", ["channel", "fallback_channel"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('""', ': "" is not a Slack channel: write the name of a channel, such as sync-health'),
        ('" "', ': " " is not a Slack channel'),
        ('"my channel"', ': "my channel" is not a Slack channel'),
        ('"my\\nchannel"', ': "my channel" is not a Slack channel'),
        ("U012ABC", ': "U012ABC" is a person or user group: write the name of a channel, such as sync-health, or'),
        ("S012ABC", ': "S012ABC" is a person or user group'),
        ('"@robin"', ': "@robin" is a person or user group'),
    ],
)
def test_what_is_no_channel_is_refused(problems: Problems, key: str, value: str, said: str) -> None:
    line = "" if key == "channel" else "channel: a\n"
    [problem] = problems(("channel: sync-health", f"{line}{key}: {value}"))
    assert f": {key}{said}" in problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("channel: sync-health", "channel: #sync-health"),
        ("channel: sync-health", "channel: a\nfallback_channel:   #sync-health # of the team"),
        ("users: [U0OPERATOR]", "users:\n    - #sync-health"),
    ],
)
def test_a_value_that_is_read_as_a_comment_is_told(problems: Problems, old: str, new: str) -> None:
    [problem] = problems((old, new))
    assert problem.endswith(': "#sync-health" is read as a comment: put it in quotes, or a blank behind the #')


@pytest.mark.parametrize("end", ["\r", "\r\n", "\x85", "\u2028"])
def test_lines_may_end_as_yaml_lets_them(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(end.join(["a: b", "c:", "d:  # e", "f: #g"]).encode())
    with pytest.raises(ConfigurationError, match=r'a\.yml:4: "#g" is read as a comment'):
        read_yaml(path)


def test_a_comment_stays_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("#x\na: #why\n  b: c #d\ne:  # nothing\nf: ''  #g\nh:\n#i\nj: '#k'\n", encoding="utf-8")
    assert read_yaml(path).data == {"a": {"b": "c"}, "e": None, "f": "", "h": None, "j": "#k"}


@pytest.mark.parametrize("same", ["sync-health", '"#sync-health"'])
def test_a_fallback_that_is_the_channel_itself_is_refused(problems: Problems, same: str) -> None:
    [problem] = problems(("channel: sync-health", f"channel: sync-health\nfallback_channel: {same}"))
    assert problem.startswith("pipeline.yml:4: fallback_channel: is the same as channel: write another")


def test_a_fallback_is_not_held_against_the_shipped_channel(problems: Problems) -> None:
    [problem] = problems(("channel: sync-health", "channel: my channel\nfallback_channel: sync-health"))
    assert 'channel: "my channel" is not a Slack channel' in problem


@pytest.mark.parametrize(
    "name",
    ['" a.b.c"', '"a.b.c "', '"a. b.c"', '"a.b.c\\nd"', "a.b.my table", "a.b.c;", "a.b.'c'", 'a.b."c"', "a.b.`c` "],
)
@pytest.mark.parametrize("place", ["queue: crm.sfdc_dbx.properties_to_update", "tables: {}"])
def test_a_table_name_with_blanks_or_quotes_is_refused(problems: Problems, name: str, place: str) -> None:
    name = name if name.startswith('"') else f"'{name.replace(chr(39), chr(39) * 2)}'"
    value = f"tables: {{rds.pg_rds_public.properties: {name}}}" if place == "tables: {}" else f"queue: {name}"
    [problem] = problems((place, value))
    assert "has blanks, quotes or semicolons: write them in backticks or leave them out" in problem


def test_a_table_name_in_backticks_may_have_any_of_them(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yml"
    queue = '`my lake`.`a;b`.`it\'s "x"`'
    written = "'" + queue.replace("'", "''") + "'"
    path.write_text(PIPELINE.replace("crm.sfdc_dbx.properties_to_update", written), encoding="utf-8")
    given = ENVIRONMENT | {"SYNC_HEALTH_CONFIG": str(path)}
    assert load_settings(given, library=Offered).syncs[1].queue == queue


FORGETS = "environment: SYNC_HEALTH_STATE would forget everything when the bot stops: write sqlite:///FILE"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        *((url, FORGETS) for url in ("sqlite:", "sqlite://", "sqlite:///", "sqlite:/// ", "sqlite:///:memory:")),
        *(
            (url, 'environment: SYNC_HEALTH_STATE is "sqlite:…": write sqlite:///FILE')
            for url in ("sqlite:foo.db", "sqlite:/foo.db", "sqlite://host/x", "sqlite:///x.db\n", "sqlite:/// x.db")
        ),
        ("sqlite:///x.db?foo=bar", "environment: SYNC_HEALTH_STATE has a query (?…): write sqlite:///FILE"),
        ("sqlite:///file:x?mode=memory", "environment: SYNC_HEALTH_STATE has a query (?…): write sqlite:///FILE"),
        ("state.db", 'environment: SYNC_HEALTH_STATE is "state.db:…": write sqlite:///FILE'),
    ],
)
def test_a_state_that_is_no_file_is_refused(problems: Problems, url: str, said: str) -> None:
    assert problems(SYNC_HEALTH_STATE=url) == [said]


@pytest.mark.parametrize("url", ["", "sqlite:///x", "sqlite:///x.db", "sqlite:////var/my bot/x.db"])
def test_a_state_that_is_a_file_is_taken(url: str) -> None:
    given = ENVIRONMENT | {"SYNC_HEALTH_STATE": url}
    assert load_settings(given, library=Statements).state_url.startswith(url)


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN", "DATABRICKS_TOKEN"])
@pytest.mark.parametrize(
    ("token", "said"),
    [
        ('"hunter2"', "is in quotes: write it bare"),
        ("'hunter2'", "is in quotes: write it bare"),
        ("hunter2'", "is in quotes: write it bare"),
        ("hun\nter2", "has blanks or line breaks inside: write it in one piece"),
        ("hun ter2", "has blanks or line breaks inside: write it in one piece"),
        ("hünter2", "has characters that are not ASCII: copy it again"),
        ("hun\x07ter2", "has control characters: copy it again"),
    ],
)
def test_what_cannot_be_a_token_is_told_without_repeating_it(
    problems: Problems, tmp_path: Path, name: str, token: str, said: str
) -> None:
    assert problems(**{name: token}) == [f"environment: {name} {said}"]
    (tmp_path / "secret").write_text(f"{token}\n", encoding="utf-8")
    assert problems(**{name: "", f"{name}_FILE": str(tmp_path / "secret")}) == [f"environment: {name}_FILE {said}"]


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "CENSUS_API_TOKEN", "SYNC_HEALTH_WAREHOUSE"])
def test_a_token_of_blanks_is_told_by_the_name_of_its_variable(problems: Problems, name: str) -> None:
    [problem] = problems(**{name: " \n "})
    assert problem.startswith(f"environment: {name} is blank (")


@pytest.mark.parametrize(("text", "why"), [("", "empty"), (" \n", "empty"), ("x" * 10_001, "too large for a secret")])
def test_a_file_that_holds_no_token_is_told_by_the_name_of_its_variable(
    problems: Problems, tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "secret").write_text(text, encoding="utf-8")
    said = [f"environment: CENSUS_API_TOKEN_FILE names a file that is {why}"]
    assert problems(CENSUS_API_TOKEN="", CENSUS_API_TOKEN_FILE=str(tmp_path / "secret")) == said


@pytest.mark.parametrize(
    ("bot", "app", "said"),
    [
        ("xapp-1", "xoxb-1", "SLACK_BOT_TOKEN and SLACK_APP_TOKEN are swapped: exchange them"),
        ("xapp-1", "xapp-1", "SLACK_BOT_TOKEN is an app-level token, which belongs in SLACK_APP_TOKEN: write xoxb-…"),
        ("xoxb-1", "xoxb-1", "SLACK_APP_TOKEN is a bot token, which belongs in SLACK_BOT_TOKEN: write xapp-… here"),
    ],
)
def test_tokens_in_each_others_place_are_told(problems: Problems, bot: str, app: str, said: str) -> None:
    [problem] = problems(SLACK_BOT_TOKEN=bot, SLACK_APP_TOKEN=app)
    assert problem.startswith(f"environment: {said}")


@pytest.mark.parametrize("port", ["0", "65536", "99999", "٨٠"])
def test_a_proxy_has_a_port_that_there_is(problems: Problems, port: str) -> None:
    address = f"http://proxy.example:{port}"
    assert problems(HTTPS_PROXY=address) == [f'environment: HTTPS_PROXY is "{address}": write http://HOST:PORT']


@pytest.mark.parametrize("key", ["true", "5", "1.5", "null", "~"])
@pytest.mark.parametrize("place", ["limits: {{{}: {{warn: 5}}}}", "tables: {{{}: a.b.c}}", "{}: 5", "x: [{{{}: 5}}]"])
def test_a_key_that_is_no_text_is_told_with_its_line(problems: Problems, key: str, place: str) -> None:
    [problem] = problems(("tables: {}\nlimits: {}", place.format(key)))
    assert problem == f"pipeline.yml:16: the key {key} is not text: write a name, or put it in quotes"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a:\n  critical: > 100  # many", 2, 'put it in quotes: "> 100"'),
        ("a:\n  - >= 5", 2, 'put it in quotes: ">= 5"'),
        ("a: %5", 1, 'put it in quotes: "%5"'),
        ("a: @robin", 1, 'put it in quotes: "@robin"'),
        ("a: `b`.c", 1, 'put it in quotes: "`b`.c"'),
        ("a: Lost: rows", 1, 'put it in quotes: "Lost: rows"'),
        ('a: b: "it\'s"', 1, "put it in quotes: 'b: \"it''s\"'"),
        ("a:\n\tb: c", 2, "indent with blanks, not tabs"),
        ("a:\n  b: c\n  \td: e", 3, "indent with blanks, not tabs"),
        ("a: [1\nb: c", 1, "a [ or { is opened here and not closed, or a comma is missing"),
        ('a: b\nc: "d\ne: f\n', 2, "a quote or bracket is opened here and not closed"),
        ("a: b\n c: d", 2, "a colon does not fit here: indent this line as those above it, or put the value in quotes"),
        ("a:\n   b: c\n  d: e", 3, "this line is indented unlike those above it"),
        ("a: 'it's'", 1, "a quote ends before the value does: put the whole value in quotes"),
        ("a: b\nwarn\nc: d", 2, "a colon with a blank behind it is missing"),
        ('a: "\\d"', 1, r"a backslash in double quotes begins a character: write \\ or use single quotes"),
        ("a: b\n---\nc: d", 2, "there is a second document: leave --- out"),
        ("? [a, b]\n: c", 1, "a list, begun by [, cannot be a key: put it in quotes if it is text"),
        ("a: b\nc: d\x00e", 2, "has a control character (U+0000): write the line anew"),
        ("a: b\nc: é\x07e", 2, "has a control character (U+0007): write the line anew"),
        ("a: 'b' 'c'\n", 1, "a quote ends before the value does: put the whole value in quotes"),
        ("a: b\rc: > 5\r", 2, 'put it in quotes: "> 5"'),
        ("a: b\r\nc: > 5\r\n", 2, 'put it in quotes: "> 5"'),
        ("a: b\rc: d\x00e", 2, "has a control character (U+0000): write the line anew"),
        ("a: ]", 1, "the value cannot be read: put it in quotes"),
    ],
)
@pytest.mark.parametrize("parser", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_what_is_not_yaml_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parser: type, text: str, line: int, said: str
) -> None:
    monkeypatch.setattr(yaml_lines, "_Loader", type("Loader", (parser,), {"yaml_implicit_resolvers": RESOLVERS}))
    (path := tmp_path / "a.yml").write_bytes(text.encode())
    with pytest.raises(ConfigurationError) as found:
        read_yaml(path)
    assert found.value.problems == [f"a.yml:{line}: not YAML: {said}"]


@pytest.mark.parametrize("zone", ["localtime", "Factory", "posixrules", "posix/Europe/Rome", "right/Europe/Rome"])
def test_a_zone_that_is_another_on_another_machine_is_refused(problems: Problems, zone: str) -> None:
    [problem] = problems(("America/Los_Angeles", zone))
    assert problem.startswith(f'pipeline.yml:2: zone: there is no time zone "{zone}": ')
    assert f'mean "{zone}"' not in problem


@pytest.mark.parametrize("place", ['tick: "٥m"', 'digest: "٠٣:٠٠"', "idle_floor: 366d"])
def test_digits_of_other_scripts_and_spans_beyond_a_year_are_refused(problems: Problems, place: str) -> None:
    [problem] = problems(("tables: {}", f"schedule: {{{place}}}"))
    assert problem.startswith(f"pipeline.yml:16: schedule.{place.split(':')[0]}: ")


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\u3164", "\uffa0", "\u115f", "\u1160", "\u2800", "\ue000"])
def test_a_character_that_nobody_sees_is_refused(problems: Problems, character: str) -> None:
    for written in (f'"Sync{character}A"', f'"Sync\\u{ord(character):04X}A"'):
        [problem] = problems(("name: Sync A", f"name: {written}"))
        assert problem.startswith(f"pipeline.yml:8: has a character that cannot be seen (U+{ord(character):04X})")


@pytest.mark.parametrize("name", [" Sync A", "Sync A ", "Sync  A", "Sync\\nA", "Sync\\u00A0A"])
def test_a_sync_whose_name_has_odd_blanks_is_told_how_to_write_it(problems: Problems, name: str) -> None:
    [problem] = problems(("name: Sync A", f'name: "{name}"'))
    said = 'has extra or unusual spaces: write "Sync A"'
    assert problem == f"pipeline.yml:8: syncs.name: {said}"


@pytest.mark.parametrize("name", ["all", "All"])
def test_no_sync_has_the_word_that_means_every_sync(problems: Problems, name: str) -> None:
    [problem] = problems(("name: Sync A", f"name: {name}"))
    said = f'"{name}" means every sync in Slack ("pause all"): write another name'
    assert problem == f"pipeline.yml:8: syncs.name: {said}"


@pytest.mark.parametrize("every", ["4m", "0", "366d", "soon", "6"])
def test_the_time_between_two_runs_is_bounded_like_other_durations(problems: Problems, every: str) -> None:
    [problem] = problems(("name: Sync A", f"name: Sync A\n    expect_every: {every}"))
    assert problem.startswith("pipeline.yml:9: syncs.expect_every: ")


@pytest.mark.parametrize(
    ("second", "refused"),
    [
        ('{when: "a < 1", label: no name}', True),
        ('{when: "a < 1", label: no names}', False),
        ('"name IS NULL"', False),
    ],
)
def test_two_suspect_conditions_of_a_sync_have_different_labels(problems: Problems, second: str, refused: bool) -> None:
    queue = "    queue: crm.sfdc_dbx.properties_to_update\n"
    written = f'{queue}    suspect:\n      - {{when: "name IS NULL", label: no name}}\n      - {second}\n'
    found = problems((queue, written), ("limits: {}", "limits: {nothing: {warn: 1}}"))  # which is refused anyway
    said = 'another condition of Sync B has the label "no name": write a label that differs'
    assert (f"pipeline.yml:18: syncs.suspect: {said}" in found) is refused


@pytest.mark.parametrize(
    ("written", "shown"),
    [("Observe", '"Observe"'), ("read-only", '"read-only"'), ("true", "true"), ("[act]", "a list")],
)
def test_a_mode_that_is_none_is_refused_with_those_there_are(problems: Problems, written: str, shown: str) -> None:
    [said] = problems(("channel:", f"mode: {written}\nchannel:"))
    assert said.endswith(f"pipeline.yml:3: mode: {shown} is no mode: write observe or act")
