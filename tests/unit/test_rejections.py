"""What Salesforce says of a rejected row → its cause; what the row holds goes nowhere."""

import re
import string
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.alerts import rejections
from bot.alerts.rejections import BAD_KEY, Cause, CauseGroup, Known, Needs, Reason, Rejection
from bot.runtime.composition import settings_from

KNOWN = settings_from({}).rejections
CODES = KNOWN.meaning

FLOW, PICKLIST = "CANNOT_EXECUTE_FLOW_TRIGGER", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def reason_of(message: str, status: str = "rejected") -> Reason:
    """Of a message that holds one error."""
    [reason] = rejections.reasons_of(message, KNOWN, status)
    return reason


def cause_of(message: str, status: str = "rejected") -> Cause:
    return reason_of(message, status).cause


def group_by_cause(rows: Iterable[Rejection]) -> tuple[CauseGroup, ...]:
    return rejections.group_by_cause(rows, KNOWN)


BY_FLOW = (
    "CANNOT_EXECUTE_FLOW_TRIGGER: We can't save this record because the “Product Property Rollup” process failed. "
    "Give your Salesforce admin these details. This error occurred when the flow tried to update records: {inner}. "
    "You can look up ExceptionCode values in the SOAP API Developer Guide. Error ID: {a}-{b} ({c}):--"
)
BAD_VALUE = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: {field}: bad value for restricted picklist field: {value}"
APEX = (
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:PropertyTrigger: execution of AfterUpdate\ncaused by: System.DmlException: "
    "Update failed. First exception on row 0 with id a0X000000000001AAA; first error: {inner}\nTrigger.Property: "
    "line 12, column 1:--"
)
# message → code, field, value, via
SAID = {
    BY_FLOW.format(inner=BAD_VALUE.format(field="Property Status", value="LEASE_UP"), a=1, b=2, c=3): (
        PICKLIST,
        "Property Status",
        "LEASE_UP",
        (FLOW,),
    ),
    BY_FLOW.format(inner=BAD_VALUE.format(field="City", value="St. Louis: North"), a=1, b=2, c=3): (
        PICKLIST,
        "City",
        "St. Louis: North",
        (FLOW,),
    ),
    f"{PICKLIST}:State: bad value for restricted picklist field: Calif:State__c --": (
        PICKLIST,
        "State__c",
        "Calif",
        (),
    ),
    f"{PICKLIST}:bad value for restricted picklist field: X:State__c --": (PICKLIST, "State__c", "X", ()),
    f"{PICKLIST}: bad value for restricted picklist field: UNABLE_TO_LOCK_ROW": (
        PICKLIST,
        None,
        "UNABLE_TO_LOCK_ROW",
        (),
    ),
    f"first error: {PICKLIST}, Action: bad value for restricted picklist field: Delete: [Action__c]": (
        PICKLIST,
        "Action__c",
        "Delete",
        (),
    ),
    "REQUIRED_FIELD_MISSING:Required fields are missing: [Name, Owner__c]:Name, Owner__c --": (
        "REQUIRED_FIELD_MISSING",
        "Name, Owner__c",
        None,
        (),
    ),
    BY_FLOW.format(inner="REQUIRED_FIELD_MISSING: Required fields are missing: [Name]", a=1, b=2, c=3): (
        "REQUIRED_FIELD_MISSING",
        "Name",
        None,
        (FLOW,),
    ),
    "STRING_TOO_LONG:Name: data value too large: Sunny & Sons (max length=3):Name --": (
        "STRING_TOO_LONG",
        "Name",
        None,
        (),
    ),
    "STRING_TOO_LONG:data value too large: UNABLE_TO_LOCK_ROW: [Secret__c] (max length=3):--": (
        "STRING_TOO_LONG",
        None,
        None,
        (),
    ),
    "DUPLICATE_VALUE:duplicate value found: Snappt_Property_ID__c duplicates value on record with id: a0X1:--": (
        "DUPLICATE_VALUE",
        "Snappt_Property_ID__c",
        None,
        (),
    ),
    "INVALID_FIELD:No such column 'Gone__c' on sobject of type Product_Property__c:--": (
        "INVALID_FIELD",
        "Gone__c",
        None,
        (),
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: Name. Please check the security settings:--": (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "Name",
        None,
        (),
    ),
    "INVALID_EMAIL_ADDRESS:Email: invalid email address: jane@example:Email__c --": (
        "INVALID_EMAIL_ADDRESS",
        "Email__c",
        None,
        (),
    ),
    APEX.format(inner="FIELD_CUSTOM_VALIDATION_EXCEPTION, Jane has no unit: []"): (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        None,
        None,
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",),
    ),
    "UNABLE_TO_LOCK_ROW": ("UNABLE_TO_LOCK_ROW", None, None, ()),
    f"{FLOW}: … tried to update records: INVALID_OR_NULL_FOR_RESTR…": (PICKLIST, None, None, (FLOW,)),
    f"{FLOW}: … tried to update records: INVALID_": (FLOW, None, None, ()),
    f"{FLOW}: … tried to update records: INSUFFICIENT_ACCESS_OR": (
        "INSUFFICIENT_ACCESS_OR_READONLY",
        None,
        None,
        (FLOW,),
    ),
    "NEW_KIND_OF_ERROR:words:--": ("NEW_KIND_OF_ERROR", None, None, ()),
    "Field Name is required in Census": (None, None, None, ()),
    "": (None, None, None, ()),
}


@pytest.mark.parametrize("message", SAID)
def test_the_innermost_cause_is_found_with_its_field_and_a_picklist_s_value(message: str) -> None:
    reason = reason_of(message)
    cause = reason.cause
    assert (cause.code, cause.field, reason.value, cause.via) == SAID[message]


@pytest.mark.parametrize("code", CODES)
def test_every_known_code_is_found_inside_a_flow_and_has_a_sentence_that_helps(code: str) -> None:
    cause = cause_of(BY_FLOW.format(inner=f"{code}: words about it", a=1, b=2, c=3))
    assert cause.code == code
    assert (cause.needs, cause.remedy) == CODES[code]
    assert cause.flow == "Product Property Rollup"
    assert cause.via == (() if code == FLOW else (FLOW,))
    assert re.fullmatch(r"[A-Z].{15,}[^.]", cause.remedy)


def test_a_rerun_helps_where_it_passes_by_itself_and_nowhere_else() -> None:
    helps = {code for code in CODES if cause_of(f"{code}:x:--").needs is Needs.TRANSIENT}
    assert {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"} < helps
    assert helps == {code for code, (needs, _) in CODES.items() if needs is Needs.TRANSIENT}
    assert not {"REQUEST_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED", PICKLIST, FLOW} & helps
    assert cause_of("whatever").needs is not Needs.TRANSIENT


@pytest.mark.parametrize("status", ["invalid", "null", "duplicate"])
def test_a_row_that_census_itself_refused_has_a_bad_key(status: str) -> None:
    assert cause_of("Identifier of jane@example.com", status) == Cause(status.upper(), Needs.SOURCE, BAD_KEY)
    assert cause_of("STRING_TOO_LONG:x:Name --", status).needs is Needs.DATA


def test_the_real_mixture_is_two_causes_the_frequent_one_first_with_three_examples() -> None:
    value = BAD_VALUE.format(field="Status", value="LEASE_UP")
    rows = [Rejection("7", "rejected", "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access: 001000000000001:--")]
    rows += [
        Rejection(f"a0X{n:015}", "rejected", BY_FLOW.format(inner=value, a=1_000_000 + n, b=n, c=n)) for n in range(617)
    ]
    often, once = group_by_cause(rows)
    assert (often.cause.code, often.records, often.examples) == (PICKLIST, 617, tuple(f"a0X{n:015}" for n in range(3)))
    assert (once.cause.code, once.records, once.examples) == ("UNABLE_TO_LOCK_ROW", 1, ("7",))


def test_unknown_messages_are_one_group_that_says_so() -> None:
    [group] = group_by_cause([Rejection(str(n), "rejected", f"Somebody {n} said no") for n in range(9)])
    assert (group.cause.code, group.cause.needs, group.records) == (None, Needs.UNKNOWN, 9)


def test_unknown_messages_say_what_they_are_about_without_the_record() -> None:
    rows = [Rejection("1", "rejected", f"Field Name is required for {one}") for one in ("Jane Doe", "jane@example.com")]
    [group] = group_by_cause(rows)
    assert (group.cause.code, group.cause.text) == (None, "Field Name is required for …")
    assert group.cause.remedy == rejections.UNKNOWN


def test_examples_are_ids_each_once_and_an_address_or_a_sentence_is_none() -> None:
    ids = ["", "jane@example.com", "Jane Doe", "1", "1", "x" * 41, "a`b", "<!channel>", "2", "3", "4"]
    [group] = group_by_cause(Rejection(one, "rejected", "") for one in ids)
    assert (group.records, group.examples) == (11, ("1", "2", "3"))


def test_neither_message_nor_payload_is_in_what_a_rejection_shows_of_itself() -> None:
    assert "Jane" not in repr(Rejection("1", "rejected", "STRING_TOO_LONG: Jane"))


PERSONAL = [
    "jane.doe@example.com",
    "'Jane'<jane@example.com>",
    "https://example.com/jane",
    "a0X000000000001",
    "a0X000000000001AAA",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "+1 (415) 555-0100",
    "415 555 0100jane@example.com",
]


@pytest.mark.parametrize("personal", PERSONAL)
def test_a_picklist_s_value_is_shown_without_what_names_a_person_or_a_row(personal: str) -> None:
    for value in (personal, f"before {personal} after"):
        shown = reason_of(f"{PICKLIST}: X: bad value for restricted picklist field: {value}:X__c --").value or ""
        assert not re.search(r"jane|example|a0X|0f8f|555|7086", shown), shown
        assert ("before" in shown) == ("after" in shown) == ("before" in value)


def test_a_long_value_is_cut() -> None:
    value = reason_of(f"{PICKLIST}: X: bad value for restricted picklist field: {'long ' * 5000}:X__c --").value
    assert value is not None
    assert len(value) == 60


# What a row may hold, in the places of a message where Salesforce quotes it.
QUOTING = (
    "STRING_TOO_LONG:Name: data value too large: {} (max length=80):Name --",
    "INVALID_EMAIL_ADDRESS:Email: invalid email address: {}:Email --",
    "MALFORMED_ID:Account: id value of incorrect type: {}:Account__c --",
    "INVALID_TYPE_ON_FIELD_IN_RECORD:Active: value not of required type: {}:Active__c --",
    "NUMBER_OUTSIDE_VALID_RANGE:Units: value outside of valid range on numeric field: {}:Units__c --",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION:{} is not allowed here:Name --",
    "DUPLICATES_DETECTED:{} looks like another row:--",
    "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to {}:--",
    "STRING_TOO_LONG:data value too large: it ended in the middle of {}[Jane]",
    "Somebody refused {}",
)
held = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)


@pytest.mark.parametrize("template", QUOTING)
@given(held)
@example(": UNABLE_TO_LOCK_ROW: x")
@example("the “Jane” process failed")
@example("[Jane]")
def test_nothing_that_a_row_holds_gets_through(template: str, text: str) -> None:
    secret = f"Jane Q. {text} Doe of 7 Elm St"
    reason = reason_of(template.format(secret))
    cause = reason.cause
    words = (cause.code, cause.flow, cause.field, reason.value, *cause.via)
    allowed = {None, *CODES, "Name", "Email", "Account__c", "Active__c", "Units__c"}
    assert set(words) <= allowed
    assert not re.search(r"Jane|Doe\b|Elm", cause.text or "")


@pytest.mark.full
@given(st.emails(), held)
@example("jane@example.com", "x")
def test_an_address_gets_through_nowhere(address: str, text: str) -> None:
    value = BAD_VALUE.format(field=address, value=f"{address} {text}")
    message = BY_FLOW.format(inner=value, a=1, b=2, c=3).replace("Product Property Rollup", address)
    shown = repr(group_by_cause([Rejection(address, "rejected", message)]))
    assert address not in shown
    assert address.rpartition("@")[2] not in shown


sf_ids = st.text(string.ascii_letters + string.digits, min_size=12, max_size=15).map(lambda rest: f"a0X{rest}")
fifteen_or_eighteen = sf_ids.filter(lambda one: len(one) in (15, 18))


@pytest.mark.full
@pytest.mark.parametrize("inner", [BAD_VALUE, f"{PICKLIST}: bad value for restricted picklist field: {{value}}"])
@given(fifteen_or_eighteen, st.integers(0, 10**10), st.integers(0, 10**6), st.uuids())
def test_grouping_is_blind_to_ids_and_error_numbers(
    inner: str, id_: str, first: int, second: int, unique: object
) -> None:
    def row(id_: str, a: int, b: int, unique: object) -> Rejection:
        value = inner.format(field="Status", value=f"for {id_} and {unique}")
        return Rejection(id_, "rejected", BY_FLOW.format(inner=value, a=1_000_000 + a, b=100_000 + b, c=b))

    groups = group_by_cause(
        [row(id_, first, second, unique), row("a0X000000000001", 1, 2, "0f8fad5b-d9cb-469f-a165-70867728950e")]
    )
    assert [group.records for group in groups] == [2]
    assert groups[0].values == (("for … and …", 2),)


@given(st.text())
def test_any_words_at_all_have_a_cause_that_is_short_and_said_in_one_line(words: str) -> None:
    for message in (
        words,
        f"{PICKLIST}: {words}",
        BY_FLOW.format(inner=BAD_VALUE.format(field=words, value=words), a=1, b=2, c=3),
    ):
        for reason in rejections.reasons_of(message, KNOWN):
            said = (reason.cause.field or "", reason.value or "", reason.cause.remedy)
            assert all(len(one) <= 120 and "\n" not in one for one in said)


def test_several_errors_in_one_message_are_read_one_by_one() -> None:
    message = (
        "STRING_TOO_LONG:Name: data value too large: Jane (max length=3):Name --"
        f"{PICKLIST}:State: bad value for restricted picklist field: Calif:State__c --UNABLE_TO_LOCK_ROW:unable:--"
    )
    found = rejections.reasons_of(message, KNOWN)
    assert [(one.cause.code, one.cause.field, one.value) for one in found] == [
        ("STRING_TOO_LONG", "Name", None),
        (PICKLIST, "State__c", "Calif"),
        ("UNABLE_TO_LOCK_ROW", None, None),
    ]
    groups = group_by_cause(
        [Rejection("1", "rejected", message), Rejection("2", "rejected", "UNABLE_TO_LOCK_ROW:x:--")]
    )
    assert [(group.cause.code, group.records) for group in groups] == [
        ("UNABLE_TO_LOCK_ROW", 2),
        ("STRING_TOO_LONG", 1),
        (PICKLIST, 1),
    ]


def test_dashes_in_a_value_do_not_begin_another_error() -> None:
    reason = reason_of("STRING_TOO_LONG:Name: data value too large: a --SOME_THING: Jane:Name --")
    assert (reason.cause.code, reason.cause.field) == ("STRING_TOO_LONG", "Name")


def test_46_records_with_many_values_have_one_cause() -> None:
    values = ["Calif"] * 40 + ["Texass"] * 5 + ["Nevda"]
    said = f"{PICKLIST}:State: bad value for restricted picklist field: {{}}:State__c --"
    rows = [Rejection(str(n), "rejected", said.format(one)) for n, one in enumerate(values)]
    [group] = group_by_cause(rows)
    assert (group.records, group.values) == (46, (("Calif", 40), ("Texass", 5), ("Nevda", 1)))


@pytest.mark.parametrize("template", [one for one in QUOTING if one != "Somebody refused {}"])
@given(held, held)
def test_what_a_record_holds_never_tells_causes_apart(template: str, one: str, other: str) -> None:
    rows = [Rejection("1", "rejected", template.format(f"Jane {text} Doe")) for text in (one, other)]
    assert [group.records for group in group_by_cause(rows)] == [2]


@pytest.mark.parametrize(
    ("message", "code", "needs", "field"),
    [
        ("INVALID_FIELD:Foreign key external ID: 4711 not found for field Account_Id__c in entity Account:--",
         "INVALID_FIELD", Needs.IDENTITY, "Account_Id__c"),
        ("INVALID_FIELD:No such column 'Gone__c' on sobject of type X:--", "INVALID_FIELD", Needs.MAPPING, "Gone__c"),
        ("UNKNOWN_EXCEPTION:portal account owner must have a role:--", "UNKNOWN_EXCEPTION", Needs.PERMISSION, None),
        ("UNKNOWN_EXCEPTION:An unexpected error. ErrorId: 1-2:--", "UNKNOWN_EXCEPTION", Needs.TRANSIENT, None),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:T: System.LimitException: Apex CPU time limit exceeded:--",
         "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Needs.BATCH, None),
        (BY_FLOW.format(inner="Apex heap size too large: 6000001", a=1, b=2, c=3), FLOW, Needs.BATCH, None),
        ("Apex CPU time limit exceeded", None, Needs.BATCH, None),
        ("UNABLE_TO_LOCK_ROW:Apex heap size too large:--", "UNABLE_TO_LOCK_ROW", Needs.BATCH, None),
        ("unable to obtain exclusive access to this record", "UNABLE_TO_LOCK_ROW", Needs.TRANSIENT, None),
        ("Required fields are missing: [Name]", "REQUIRED_FIELD_MISSING", Needs.DATA, "Name"),
        ("CANNOT_UPDATE_CONVERTED_LEAD:cannot:--", "CANNOT_UPDATE_CONVERTED_LEAD", Needs.DATA, None),
        ("TRANSFER_REQUIRES_READ:The new owner must read:--", "TRANSFER_REQUIRES_READ", Needs.PERMISSION, None),
        ("APEX_DATA_ACCESS_RESTRICTION:Apex denied access:--", "APEX_DATA_ACCESS_RESTRICTION", Needs.PERMISSION, None),
    ],
)  # fmt: skip
def test_words_say_more_than_the_code_before_them(message: str, code: str, needs: Needs, field: str | None) -> None:
    cause = cause_of(message)
    assert (cause.code, cause.needs, cause.field) == (code, needs, field)


def test_a_value_that_quotes_such_words_is_a_value() -> None:
    reason = reason_of(f"{PICKLIST}: X: bad value for restricted picklist field: Apex heap size:X__c --")
    assert (reason.cause.needs, reason.value) == (Needs.DATA, "Apex heap size")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"codes": {"data": {"A_B": "x"}, "quota": {"A_B": "y"}}}, "A_B stands in two classes"),
        ({"codes": {}, "without_code": {"words": "A_B"}}, "names A_B, which is not among the codes"),
        ({"codes": {"nobody": {}}}, "codes"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(data: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Known.model_validate(data)
