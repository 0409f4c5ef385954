"""What destinations without a table of codes answer → equal problems are one group, and nobody is in its label."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerts.error_text import error_texts
from bot.alerts.rejections import BAD_KEY, Cause, CauseGroup, Needs, Rejection, group_by_cause, reasons_of
from bot.answers.syncs import SyncErrors
from bot.config.load import rejections_of
from bot.messages.errors import errors_message
from tests.unit.samples import NOW, ZONE, run

GENERIC = rejections_of("HubSpot")


def causes_of(message: str, status: str = "rejected") -> list[Cause]:
    return [reason.cause for reason in reasons_of(message, GENERIC, status)]


def grouped(*messages: str) -> tuple[CauseGroup, ...]:
    return group_by_cause([Rejection(str(n), "rejected", one) for n, one in enumerate(messages)], GENERIC)


def rendered(*messages: str) -> str:
    sync = SyncErrors("Contacts", run(), len(messages), 0, len(messages), grouped(*messages))
    return json.dumps(errors_message([sync], ZONE, NOW).payload(), ensure_ascii=False)


def hubspot(message: str, **more: Any) -> str:
    return json.dumps(
        {"status": "error", "message": message, "correlationId": "b6881283-187e-4088-a778-5c933a14547c"}
        | {"category": "VALIDATION_ERROR"}
        | more
    )


def not_valid(message: str, error: str, name: str) -> str:
    inner = [{"isValid": False, "message": message, "error": error, "name": name, "localizedErrorMessage": message}]
    return hubspot(f"Property values were not valid: {json.dumps(inner)}")


OPTION = not_valid(
    "Less than 5,000 (does not qualify) was not one of the allowed options: [LEAD, CUSTOMER]",
    "INVALID_OPTION",
    "lifecyclestage",
)
EXISTS = hubspot(
    "Contact already exists. Existing ID: 2926551",
    identityProfile={"vid": 2926551, "identity": [{"value": "jane@canary.example", "type": "EMAIL"}]},
    errors=[{"message": "A contact with email jane@canary.example already exists. Existing ID: 29", "in": "email"}],
    error="CONTACT_EXISTS",
)
BRAZE = '{"message":"success","errors":[{"type":"%s","input_array":"attributes","index":3}]}'
INTERCOM = '{"type":"error.list","request_id":"b2f","errors":[{"code":"%s","message":"%s"}]}'
KEY = "duplicate key value violates unique constraint “contacts_email_key”".replace("“", '"').replace("”", '"')
ROW = "DETAIL:  Failing row contains (12, Jane Canary, null)."

# message → code, text, field, who or what can help
SAID: dict[str, tuple[str | None, str | None, str | None, Needs]] = {
    OPTION: ("INVALID_OPTION", "… is not one of the allowed values", "lifecyclestage", Needs.DATA),
    f"HubSpot POST /crm/v3/objects/tickets -> 400: {OPTION}": (
        *("INVALID_OPTION", "… is not one of the allowed values", "lifecyclestage"),
        Needs.DATA,
    ),
    OPTION[:150]: (None, "… is not one of the allowed values", None, Needs.DATA),
    not_valid('Property "favorite_color" does not exist', "PROPERTY_DOESNT_EXIST", "favorite_color"): (
        *("PROPERTY_DOESNT_EXIST", "Property favorite_color does not exist", None),
        Needs.MAPPING,
    ),
    not_valid("Email address jane@canary.example is invalid", "INVALID_EMAIL", "email"): (
        *("INVALID_EMAIL", "Email address … is invalid", "email"),
        Needs.DATA,
    ),
    EXISTS: (
        *("CONTACT_EXISTS", "A contact with email … already exists", None),
        Needs.IDENTITY,
    ),
    "Contact already exists. Existing ID: 123": (
        *(None, "Contact already exists", None),
        Needs.IDENTITY,
    ),
    hubspot("You have reached your secondly limit.", category="RATE_LIMITS", policyName="SECONDLY"): (
        *("RATE_LIMITS", "You have reached your secondly limit", None),
        Needs.TRANSIENT,
    ),
    hubspot("You have reached your daily limit.", category="RATE_LIMITS"): (
        *("RATE_LIMITS", "You have reached your daily limit", None),
        Needs.QUOTA,
    ),
    hubspot(
        "This app hasn't been granted all required scopes.",
        category="MISSING_SCOPES",
        errors=[{"message": "One or more of the following scopes are required.", "context": {"scopes": ["a.b"]}}],
    ): ("MISSING_SCOPES", "One or more of the following scopes are required", None, Needs.PERMISSION),
    BRAZE % "'external_id' or 'braze_id' or 'user_alias' is required": (
        *(None, "external_id or braze_id or user_alias is required", None),
        Needs.DATA,
    ),
    BRAZE % "The value 'Jane Canary' for 'dob' is not a valid date": (None, "… is not a valid date", None, Needs.DATA),
    '{"message":"Invalid API key","errors":[]}': (None, "Invalid API key", None, Needs.PERMISSION),
    '{"msg":"Invalid email: jane@canary exam","code":"InvalidEmailAddressError","params":{"email":"jane@canary"}}': (
        *("InvalidEmailAddressError", "Invalid email: …", None),
        Needs.DATA,
    ),
    '{"msg":"User jane@canary.example has been forgotten","code":"ForgottenUserError"}': (
        *("ForgottenUserError", "User … has been forgotten", None),
        Needs.DATA,
    ),
    INTERCOM % ("unique_user_constraint", "A contact matching those details already exists with id=5f3c1a7e"): (
        *("unique_user_constraint", "A contact … already exists with id: …", None),
        Needs.IDENTITY,
    ),
    INTERCOM % ("parameter_invalid", "Custom attribute 'plan_tier' does not exist"): (
        *("parameter_invalid", "Custom attribute plan_tier does not exist", None),
        Needs.MAPPING,
    ),
    '{"id":1,"status":"skipped","reasons":[{"code":"1006","message":"Field \'favoriteColor\' not found"}]}': (
        *(None, "Field favoriteColor not found", None),
        Needs.MAPPING,
    ),
    '{"errors":[{"code":"606","message":"Max rate limit \'100\' exceeded with in \'20\' secs"}]}': (
        *(None, "Max rate limit … exceeded with in …", None),
        Needs.TRANSIENT,
    ),
    '{"errors":[{"code":"601","message":"Access token invalid"}]}': (
        *(None, "Access token invalid", None),
        Needs.PERMISSION,
    ),
    f"{KEY} DETAIL: Key (email)=(jane@canary.example) already exists.": (
        *(None, "duplicate key value violates unique constraint contacts_email_key", "email"),
        Needs.IDENTITY,
    ),
    f"PG::UniqueViolation: ERROR:  {KEY}\nDETAIL:  Key (email)=(jane@canary.example) already exists.": (
        *(None, "duplicate key value violates unique constraint contacts_email_key", "email"),
        Needs.IDENTITY,
    ),
    f'null value in column "email" of relation "contacts" violates not-null constraint {ROW}': (
        *(None, "null value in column email of relation contacts violates not-null constraint", None),
        Needs.DATA,
    ),
    'invalid input syntax for type integer: "twelve Canary"': (
        *(None, "invalid input syntax for type integer: …", None),
        Needs.DATA,
    ),
    "permission denied for table contacts": (None, "permission denied for table contacts", None, Needs.PERMISSION),
    '{"message":"Phone number has already been taken","attributes":["phone_number"]}': (
        *(None, "Phone number has already been taken", None),
        Needs.IDENTITY,
    ),
    "Missing required fields: email, external_id": (
        *(None, "Missing required fields: email, external_id", None),
        Needs.DATA,
    ),
    "Some required properties were not set: [domain, name]": (
        *(None, "Some required properties were not set: [domain, name]", None),
        Needs.DATA,
    ),
    "429 Too Many Requests": (None, "429 Too Many Requests", None, Needs.TRANSIENT),
    "Request timed out after 30000 ms": (None, "Request timed out after …", None, Needs.TRANSIENT),
    '{"statusCode":503,"message":"Unavailable"}': (None, "HTTP 503", None, Needs.TRANSIENT),
    '{"statusCode":403,"message":"Forbidden"}': (None, "HTTP 403", None, Needs.PERMISSION),
    "401 Unauthorized": (None, "401 Unauthorized", None, Needs.PERMISSION),
    "Contact Jane Canary not found": (None, "Contact … not found", None, Needs.IDENTITY),
    "NEW_KIND_OF_ERROR: about Jane Canary": ("NEW_KIND_OF_ERROR", None, None, Needs.UNKNOWN),
    "The moon is in the wrong house": (None, "… is in the wrong …", None, Needs.UNKNOWN),
    '{"email":"jane@canary.example","name":"Jane Canary"}': (None, None, None, Needs.UNKNOWN),
    "Jane Canary": (None, None, None, Needs.UNKNOWN),
    "": (None, None, None, Needs.UNKNOWN),
}


@pytest.mark.parametrize("message", SAID)
def test_an_error_of_any_destination_is_shown_as_what_it_says_and_has_a_next_step(message: str) -> None:
    [cause] = causes_of(message)
    assert (cause.code, cause.text, cause.field, cause.needs) == SAID[message]
    assert re.fullmatch(r"[A-Z].{15,}[^.]", cause.remedy)
    assert "{" not in cause.remedy


def test_each_error_of_a_body_is_a_cause_by_field_too() -> None:
    several = '{"errors":{"email":["has already been taken"],"phone":["is too short","is invalid"]}}'
    assert [(one.field, one.text) for one in causes_of(several)] == [
        ("email", "has already been taken"),
        ("phone", "is too short"),
        ("phone", "is invalid"),
    ]


def test_what_is_transient_is_worth_a_rerun_and_nothing_else_is() -> None:
    helps = {message for message in SAID if causes_of(message)[0].needs is Needs.TRANSIENT}
    assert helps == {message for message, (*_, needs) in SAID.items() if needs is Needs.TRANSIENT}


@pytest.mark.parametrize("status", ["invalid", "null", "duplicate"])
def test_a_record_that_census_itself_refused_has_a_bad_key_whatever_the_destination(status: str) -> None:
    assert causes_of("Identifier jane@canary.example", status) == [Cause(status.upper(), Needs.SOURCE, BAD_KEY)]


# Where a message quotes the record.
QUOTING = (
    "{} was not one of the allowed options: [LEAD, CUSTOMER]",
    "Property values were not valid: {} was not one of the allowed options: [label: {}]",
    not_valid("{} was not one of the allowed options", "INVALID_OPTION", "hs_ticket_category").replace("{}", "@@"),
    "Email address {} is invalid",
    "Invalid email address: {}",
    "Invalid value for property: {}",
    "Invalid country: {}",
    'Invalid value "{}" for property "lifecyclestage"',
    "Property 'phone' has value '{}' which is not valid",
    "A contact with email {} already exists. Existing ID: 12",
    "Contact already exists. Existing ID: {}",
    'duplicate key value violates unique constraint "contacts_email_key" DETAIL: Key (email)=({}) already exists.',
    'null value in column "name" violates not-null constraint DETAIL: Failing row contains (1, {}, null).',
    'invalid input syntax for type integer: "{}"',
    "User {} not found",
    "No user matches {} here",
    'Cannot process record {{"name": "{}", "id": 3}}',
    '{{"message": "Invalid record for {}", "payload": {{"name": "{}"}}, "error": "{}"}}',
    '{{"message": "User {} is archived", "code": "{}"}}',
    INTERCOM.replace("%s", "conflict", 1) % "Multiple existing users match this email address @@ - use user_id",
    BRAZE % "The value '@@' for 'dob' is not a valid date",
    "See https://app.example.com/contacts/{} for details",
    "Timeout while writing {}",
    "{}: not found",
    "{}",
)
PEOPLE = (
    "jane.canary@quillfeather.example",
    "Jane Canary",
    "Janequin O'Canary-Quillfeather",
    "Bank of Quillfeather, N.A.",
    "The Quillfeather Depot",
    "7 Quillfeather Lane, St. Canary 94107",
    "+1 (415) 555-0100",
    "4155550100",
    "123-45-6789",
    "2026-03-01T12:00:00Z",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "0015000000XyZabAAA",
    "jane_canary",
    "JANE_CANARY",
    "janeCanary",
    "quillfeather.example.com",
    "-".join(("xoxb", "1234567890", "canaryquill")),  # no scanner shall take it for a token
    "$1,234.56",
    "Žofie Čanary",
    "王小明",
)
PERSONAL = re.compile(r"jane|canary|quill|depot|lane\b|žofie|čanary|王|\d{3}|6789|xoxb|0f8fad|\b7\b", re.IGNORECASE)


def filled(template: str, value: str) -> str:
    if "@@" in template:
        return template.replace("@@", value)
    return template.replace("{}", value).replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize("template", QUOTING)
def test_nobody_is_in_a_label_nor_anywhere_in_the_message(template: str) -> None:
    for value in PEOPLE:
        for cause in causes_of(filled(template, value)):
            for shown in (cause.code, cause.text, cause.field):
                assert not PERSONAL.search(shown or ""), value
        body = re.sub(r"<!date.*?>", "", rendered(filled(template, value)))
        assert not re.search(r"jane|canary|quill|žofie|王|555|6789|xoxb|0f8fad", body, re.IGNORECASE), value


@pytest.mark.parametrize("template", QUOTING)
def test_equal_problems_of_other_records_are_one_group(template: str) -> None:
    groups = grouped(*(filled(template, value) for value in PEOPLE))
    assert [group.records for group in groups] == [len(PEOPLE)], [group.cause.text for group in groups]


secrets = st.text("qzxj", min_size=3, max_size=8)
held = st.lists(secrets | st.integers(0, 10**12).map(str) | st.emails(), min_size=1, max_size=4).map(" ".join)


@pytest.mark.full
@pytest.mark.parametrize("template", QUOTING)
@settings(deadline=None)
@given(held, held)
def test_any_value_at_all_is_hidden_and_splits_no_group(template: str, one: str, other: str) -> None:
    one, other = (json.dumps(text)[1:-1].replace("{", "").replace("}", "") for text in (one, other))
    messages = [filled(template, f"{text} Quillfeather") for text in (one, other)]
    assert [group.records for group in grouped(*messages)] == [2]
    shown = " ".join(f"{error.text} {error.field} {error.code}" for text in messages for error in error_texts(text))
    assert not any(word in shown.split() for word in (*one.split(), *other.split(), "Quillfeather"))


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_at_all_has_a_label_of_one_short_line_without_an_address(text: str) -> None:
    for message in (text, f'{{"message": "{text} x', hubspot(text), f"Invalid value: {text}"):
        for error in error_texts(message):
            shown = f"{error.code} {error.text} {error.field}"
            assert len(error.text or "") <= 120
            assert "\n" not in shown
            assert "@" not in shown
            assert not re.search(r"\d{4}", shown)


def test_a_value_that_quotes_such_words_changes_neither_label_nor_next_step() -> None:
    said = "Invalid value for property: {}"
    assert len({causes_of(said.format(value))[0] for value in ("rate limit LLC", "Timeout Inc.", "x")}) == 1


def test_other_fields_and_other_codes_are_other_causes() -> None:
    assert len(grouped('Property "plan" does not exist', 'Property "tier" does not exist')) == 2
    assert len(grouped(not_valid("x y", "INVALID_DATE", "a"), not_valid("x y", "INVALID_LONG", "a"))) == 2


@pytest.mark.parametrize("shown", ["external_id", "emailAddress", "custom_attributes"])
@pytest.mark.parametrize("hidden", ["jane_canary", "janeCanary", "user_id42", "user_a7", "JANE_CANARY", "plan_canary"])
def test_names_of_fields_stand_in_a_sentence_where_each_part_is_a_known_word(shown: str, hidden: str) -> None:
    [error] = error_texts(f"{shown} is missing, {hidden} is invalid")
    assert error.text == f"{shown} is missing, … is invalid"


NASTY = ["a.", "'a", '"a', "a@", "{", '{"', "[{", "\\", '\\"', "_a", "aA", ": a", "… ", "(", "is not "]


@pytest.mark.parametrize("piece", NASTY)
def test_a_nasty_message_is_read_in_no_time(piece: str) -> None:
    begun = time.process_time()
    for message in (piece * 4000, f'{{"message": "{piece * 4000}', f'{{"message": "a {piece * 800}"}}'):
        error_texts(message)
    assert time.process_time() - begun < 1


def test_json_in_json_in_json_ends() -> None:
    message = "deep Canary is invalid"
    for _ in range(12):
        message = json.dumps({"message": f"Outer is invalid: {message}"})
    assert len(causes_of(message)) == 1
    assert len(causes_of("[" * 5000 + '{"message": "x is invalid"')) == 1


@pytest.mark.parametrize(
    ("destination", "by_code"),
    [
        ("Salesforce", True),
        ("salesforce", True),
        ("SALESFORCE", True),
        ("destination", True),
        ("HubSpot", False),
        ("Braze", False),
        ("generic", False),
        ("../rejections/salesforce", False),
        ("Salesforce Marketing Cloud", False),
    ],
)
def test_the_codes_of_salesforce_hold_for_salesforce_and_where_an_earlier_version_named_no_destination(
    destination: str, by_code: bool
) -> None:
    known = rejections_of(destination, earlier=destination == "destination")
    [reason] = reasons_of("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--", known)
    assert (reason.cause.needs is Needs.TRANSIENT) is by_code
    assert not by_code or reason.cause.text is None


def test_the_next_steps_name_the_destination() -> None:
    [cause] = causes_of("401 Unauthorized")
    assert cause.remedy == "HubSpot refused the login of Census: connect HubSpot again in Census"
