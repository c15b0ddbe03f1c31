"""The constraint envelope: what it lists, in which words, and how many."""

from __future__ import annotations

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.constraints import (
    RETURN_CONSUMED_CAPACITY,
    Violations,
    check_empty_table_name,
    check_table_name,
    echo,
    enveloped,
    is_table_name,
    length_at_least,
    table_name_of,
)


def message_of(violations: Violations) -> str:
    with pytest.raises(ValidationException) as caught:
        violations.raise_any()
    assert caught.value.message is not None
    return caught.value.message


def test_nothing_found_raises_nothing() -> None:
    violations = Violations()
    violations.enum("returnConsumedCapacity", "TOTAL", RETURN_CONSUMED_CAPACITY)
    violations.enum("returnConsumedCapacity", None, RETURN_CONSUMED_CAPACITY)
    violations.length("keys", ["k"], 1, 2)
    violations.range("limit", 1, 1)
    violations.raise_any()
    assert not violations


def test_one_violation_is_singular_and_several_are_joined_in_order() -> None:
    violations = Violations()
    violations.require("key", None)

    assert message_of(violations) == (
        "1 validation error detected: Value null at 'key' failed to satisfy constraint: "
        "Member must not be null"
    )

    violations.enum("returnConsumedCapacity", "ALL", RETURN_CONSUMED_CAPACITY)

    assert message_of(violations) == (
        "2 validation errors detected: Value null at 'key' failed to satisfy constraint: "
        "Member must not be null; Value 'ALL' at 'returnConsumedCapacity' failed to satisfy "
        "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
    )


def test_at_most_ten_violations_are_listed() -> None:
    violations = Violations()
    for number in range(12):
        violations.range(f"member{number}", 0, 1)

    message = message_of(violations)

    assert message.startswith("10 validation errors detected: Value '0' at 'member0'")
    assert message.count("failed to satisfy") == 10
    assert "member10" not in message


def test_new_wording_of_lengths_and_ranges_has_no_value() -> None:
    violations = Violations()
    violations.add_without_value("Limit", "have value greater than or equal to 1")

    assert message_of(violations) == (
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


@pytest.mark.parametrize(
    "name, both, rules",
    [
        ("ab", False, ["have length greater than or equal to 3"]),
        ("a" * 256, False, ["have length less than or equal to 255"]),
        ("a b c", False, ["satisfy regular expression pattern: [a-zA-Z0-9_.-]+"]),
        ("a!", False, ["have length greater than or equal to 3"]),
        (
            "a!",
            True,
            [
                "satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                "have length greater than or equal to 3",
            ],
        ),
    ],
)
def test_a_misspelt_table_name_gives_one_violation_length_first_or_both_pattern_first(
    name: str, both: bool, rules: list[str]
) -> None:
    violations = Violations()
    check_table_name(violations, name, both=both)

    assert violations.sentences == [
        f"Value '{name}' at 'tableName' failed to satisfy constraint: Member must {rule}"
        for rule in rules
    ]


def test_a_missing_table_name_is_null_and_an_empty_one_has_the_new_words() -> None:
    missing, empty = Violations(), Violations()
    check_table_name(missing, None)
    check_table_name(empty, "")
    assert not empty
    check_empty_table_name(empty, "")

    assert missing.sentences == [
        "Value null at 'tableName' failed to satisfy constraint: Member must not be null"
    ]
    assert empty.sentences == [
        (
            "Value at 'TableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    ]


def test_a_table_arn_is_a_table_name() -> None:
    arn = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"
    violations = Violations()
    check_table_name(violations, arn)

    assert not violations
    assert table_name_of(arn) == "Music"
    assert table_name_of("Music") == "Music"
    assert not is_table_name(arn)
    assert is_table_name("Music")


def test_a_trailing_newline_is_not_part_of_a_name() -> None:
    assert not is_table_name("Music\n")


def test_values_are_printed_as_java_prints_them() -> None:
    assert echo(["a", None, True]) == "[a, null, true]"
    assert echo({"T": ["x"], "U": {}}) == "{T=[x], U={}}"
    assert echo(False) == "false"


def test_the_envelope_goes_before_a_bare_text() -> None:
    error = enveloped(ValidationException("Invalid FilterExpression: text"))

    assert error.message == "1 validation error detected: Invalid FilterExpression: text"


def test_length_rules_count_members_of_lists_and_maps() -> None:
    violations = Violations()
    violations.length("keys", [], 1)
    violations.length("tags", ["a", "b"], 0, 1)

    assert violations.sentences == [
        f"Value '[]' at 'keys' failed to satisfy constraint: Member must {length_at_least(1)}",
        (
            "Value '[a, b]' at 'tags' failed to satisfy constraint: "
            "Member must have length less than or equal to 1"
        ),
    ]
