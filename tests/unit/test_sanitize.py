"""Outside text: what is left of it where it enters, and what of an error text may be shown."""

import json
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.sanitize import HIDDEN, MOST, redact, sanitize, shown_id

anything = st.text(st.characters(), max_size=200)  # lone surrogates, too


@given(anything, st.integers(1, 80))
@example("half an emoji \ud83d", 80)
@example("a\u202eb\u200bc\x1b[31md\r\ne\u2028f", 80)
@settings(deadline=None)
def test_sanitized_text_is_one_visible_line_that_everything_can_store(text: str, most: int) -> None:
    line = sanitize(text, most)
    line.encode()
    assert len(line) <= most
    assert {unicodedata.category(character) for character in line}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert line == line.strip()
    assert bool(line) == bool(text)


def test_sanitizing_leaves_good_text_as_it_is() -> None:
    for text in ("", "Sync B (EU)", "Größe ≥ 5 · 日本語 🔥", "a_b `c` *d* <e> & f"):
        assert sanitize(text, 100) == text
    assert sanitize("one\n two\tthree", 100) == "one two three"
    assert sanitize("pay\u202efdp.exe\u200b", 100) == "payfdp.exe"
    assert sanitize("\u200b\n", 100) == "…"
    assert sanitize("abcdef ghij", 8) == "abcdef…"


HELPFUL = {  # as the vendors write them → what somebody reads at three in the morning
    '[CAST_INVALID_INPUT] The value \'Jane Doe, 12 Main St\' of the type "STRING" cannot be cast to "INT" because it '
    "is malformed. SQLSTATE: 22018": '[CAST_INVALID_INPUT] The value … of the type "STRING" cannot be cast to "INT" '
    "because it is malformed. SQLSTATE: 22018",
    "[TABLE_OR_VIEW_NOT_FOUND] The table or view `crm`.`sfdc_dbx`.`properties_to_update` cannot be found. SQLSTATE: "
    "42P01; line 3 pos 14": "[TABLE_OR_VIEW_NOT_FOUND] The table or view `crm`.`sfdc_dbx`.`properties_to_update` "
    "cannot be found. SQLSTATE: 42P01; line 3 pos 14",
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `paid_at` cannot be resolved. Did you mean one of the "
    "following? [`a`.`pays_at`, `id`].": "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with name `paid_at` cannot be "
    "resolved. Did you mean one of the following? [`a`.`pays_at`, `id`].",
    "[DELTA_CONCURRENT_APPEND] ConcurrentAppendException: Files were added by a concurrent update.": "[DELTA_CONCURRENT"
    "_APPEND] ConcurrentAppendException: Files were added by a concurrent update.",
    "Conversion Error: Could not convert string 'Jane O'Brien, 12 Main St' to INT32 when casting from source column "
    "company_name": "Conversion Error: Could not convert string … to INT32 when casting from source column "
    "company_name",
    'Catalog Error: Table with name properties does not exist! Did you mean "crm.sfdc_dbx.properties_to_create"?': ""
    'Catalog Error: Table with name properties does not exist! Did you mean "crm.sfdc_dbx.properties_to_create"?',
    'Binder Error: Referenced column "nmae" not found in FROM clause!': 'Binder Error: Referenced column "nmae" not '
    "found in FROM clause!",
    'IO Error: Could not set lock on file "/home/jane/crm.duckdb": held in python3 (PID 4242) by user jane': ""
    "IO Error: Could not set lock on file …: held in … (PID 4242) by user …",
    "INVALID_SESSION_ID: Session expired or invalid": "INVALID_SESSION_ID: Session expired or invalid",
    "Sync failed with INVALID_SESSION_ID": "Sync failed with INVALID_SESSION_ID",
    "REQUIRED_FIELD_MISSING:Required fields are missing: [Company_Name__c]:Company_Name__c --": ""
    "REQUIRED_FIELD_MISSING:Required fields are missing: [Company_Name__c]:Company_Name__c --",
    "INVALID_X: Status: bad value for restricted picklist field: LEASE_UP: [Status__c]": ""
    "INVALID_X: Status: bad value for restricted picklist field: … [Status__c]",
    "60 records of 1,200 rows were rejected, HTTP 422": "60 records of 1,200 rows were rejected, HTTP 422",
    "[Errno 28] No space left on device: '/var/lib/jane/state.db'": "[Errno 28] No space left on device: …",
    "database is locked": "database is locked",
}


@pytest.mark.parametrize("text", HELPFUL)
def test_what_is_left_of_an_error_still_says_what_is_wrong_and_where(text: str) -> None:
    assert redact(text) == HELPFUL[text]
    assert redact(redact(text)) == redact(text)


PERSONAL = [  # an error text, and what must not be left of it
    ("Record 123-45-6789 is invalid", "6789"),
    ("run 4155550 failed", "4155550"),
    ("1 415 555 0123 rows", "0123"),
    ("415 555 0123 records", "0123"),
    ("http 415 555 0123", "415"),
    ("status +1 (555) 010-2030", "555"),
    ("task 555.010.2030", "555"),
    ("card 4111 1111 1111 1111", "1111"),
    ("key (jane@acme.example) already exists", "jane"),
    ("for <jane.doe@acme.example>", "jane"),
    ("near DE89 3704 0044 0532 0130 00", "3704"),
    ("near 12 Elm Street", "Elm"),
    ("date 01/02/1980", "1980"),
    ("[{'name': 'Jane'}]", "Jane"),
    ('{"phone": "4155550123"}', "415"),
    ("name=Jane", "Jane"),
    ("value `Jane` is wrong", "Jane"),
    ("SQLSTATE: JANED", "JANED"),
]


@pytest.mark.parametrize(("text", "value"), PERSONAL)
def test_what_is_about_a_person_is_not_left(text: str, value: str) -> None:
    assert value not in redact(text)


@pytest.mark.parametrize(
    "id_",
    [
        1,
        501234,
        "501234",
        7912345678901,  # a number of the database's own
        "0010x00000AbCdE",
        "0010x00000AbCdEAAV",
        "a0XDEMO00000008610",
        "5003000000D8cuIAAR",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ],
)
def test_an_id_is_shown(id_: object) -> None:
    assert shown_id(id_) == str(id_)


@pytest.mark.parametrize(
    "value",
    [
        "123-45-6789",
        "123456789",
        "415-555-0123",
        "4155550123",
        "14155550123",
        "+14155550123",
        "4111111111111111",  # cards: 16 digits, and 15 of others
        "378282246310005",
        "robin1985",
        "jane_doe_80",
        "robinhood1985xy",  # 15 letters and digits
        "margaret1985thatcher",
        "Jane",
        "Jane Doe",
        "j@x.example",
        "XXXXXXXXXXXXXXX",  # the placeholder
        "",
        None,
        True,
        -1,
        1.5,
    ],
)
def test_what_does_not_look_like_an_id_is_not_shown(value: object) -> None:
    assert shown_id(value) == HIDDEN


# -- what people and secrets look like

FIRST = st.sampled_from(["Jane", "Sören", "Mary-Ann", "O'Neil", "Grant", "Will"])
LAST = st.sampled_from(["Doe", "O'Brien", "Müller", "de la Cruz", "Mark"])
STREET = st.sampled_from(["Main St", "Elm Street", "Park Ave", "Großer Weg"])
DIGITS = st.text("0123456789", min_size=4, max_size=4)
NAME = st.builds("{} {}".format, FIRST, LAST)
ADDRESS = st.builds("{} {}, Apt {}".format, st.integers(1, 99999), STREET, DIGITS)
MAIL = st.builds("{}.x{}@{}.example".format, st.sampled_from(["jane", "j_doe"]), DIGITS, st.sampled_from(["a", "b-c"]))
PHONE = st.builds("{}555{}0{}".format, st.sampled_from(["+1 415 ", "(415) ", "415-", "0049."]), st.just("-"), DIGITS)
TOKEN = st.builds("{}{}".format, st.sampled_from(["xoxb-", "dapi", "Bearer ", "tok_", "eyJ"]), st.uuids().map(str))
SECRET = st.one_of(NAME, ADDRESS, MAIL, PHONE, TOKEN, TOKEN.map(lambda token: token.replace("-", "")))
FRAMES = [
    "[CAST_INVALID_INPUT] The value '{}' of the type \"STRING\" cannot be cast. SQLSTATE: 22018",
    "Row rejected: {}",
    "Unknown postal code {}",
    'Conversion Error: Could not convert string "{}" to INT32',
    "Conversion Error: Could not convert string '{}",  # cut off in the middle of it
    'Constraint Error: Duplicate key "company_name: {}" violates unique constraint',
    "duplicate value found: Id__c duplicates value on record with id: {}",
    "STRING_TOO_LONG: Name: data value too large: {} (max length=20)",
    "INVALID_EMAIL_ADDRESS: Email: invalid email address: {}",
    '{{"message": "no", "authorization": "{}"}}',
    "HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: /api?token={}",
    "<html>proxy says no to Authorization: {}</html>",
    "[Errno 2] No such file or directory: '/home/{}/x'",
    "“{}” «{}» ‘{}’",
    "`{}` is wrong",
    "key={}; Bearer {}",
    "{}",
]


@pytest.mark.parametrize("frame", FRAMES)
@given(SECRET)
@settings(deadline=None, max_examples=60)
def test_no_value_of_a_row_and_no_secret_is_left_in_an_error(frame: str, secret: str) -> None:
    shown = redact(frame.format(*[secret] * 3))
    for piece in secret.replace("-", " ").replace(",", " ").replace("@", " ").split():
        if len(piece) > 2 and piece not in frame:  # "Bearer", and by chance "ceed" of "exceeded"
            assert piece not in shown.replace("INT32", ""), (piece, shown)


@given(anything)
@example("'" * 5000)
@example("@" * 5000)
@example("`a1" * 2000)
@example("column " * 800 + "a_" * 800)
@settings(deadline=None)
def test_every_text_can_be_redacted_and_what_comes_of_it_fits(text: str) -> None:
    shown = redact(text)
    assert len(shown) <= MOST
    assert json.loads(json.dumps(shown)) == shown
