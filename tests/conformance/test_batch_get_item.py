"""BatchGetItem reads up to a hundred items of several tables by their keys, in no promised order.

What is not there is left out; what has no room in 16 MB comes back as UnprocessedKeys. Each table
has its own projection and consistency. AWS: API reference, BatchGetItem; error texts as DynamoDB
answers (captured 2026-10).
"""

from __future__ import annotations

from typing import Any

import pytest

from item_table import (
    NOT_FOUND,
    PARAMETER,
    WRONG_KEY,
    ItemTable,
    constraint,
    constraint_without_value,
    enum,
    invalid,
    member_errors,
    refusal_of,
)

CONSUMED = constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE"))
DUPLICATES = invalid("Provided list of item keys contains duplicates")
MIXING = invalid(
    "Can not use both expression and non-expression parameters in the same request: "
    "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"
)
NAME_RULES = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
    "Member must have length greater than or equal to 3, Member must satisfy regular expression "
    "pattern: [a-zA-Z0-9_.-]+]"
)


@pytest.fixture(scope="module")
def other(make_table) -> ItemTable:
    return make_table("N")


@pytest.fixture(scope="module")
def large(make_table) -> ItemTable:
    """Forty-two items of 400,000 bytes: more than 16 MB."""
    made = make_table()
    for number in range(42):
        made.put({"pk": {"S": f"{number:02}"}, "fill": {"S": "f" * (400_000 - 8)}})
    return made


def get(table: ItemTable, wanted: dict[str, Any], **members: Any) -> dict[str, Any]:
    answer = table.client.batch_get_item(RequestItems=wanted, **members)
    del answer["ResponseMetadata"]
    return dict(answer)


def refusal(table: ItemTable, wanted: Any, **members: Any) -> str:
    return refusal_of(table.connection.call("BatchGetItem", {"RequestItems": wanted, **members}))


def by_key(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: str(item["pk"]))


def test_items_of_several_tables_are_read_at_once(table, other):
    keys = [table.stored(a={"N": str(number)}) for number in range(3)]
    other.put({"pk": {"N": "7"}})

    answer = get(table, {table.name: {"Keys": keys}, other.name: {"Keys": [{"pk": {"N": "7.0"}}]}})

    assert by_key(answer["Responses"][table.name]) == by_key(
        [key | {"a": {"N": str(number)}} for number, key in enumerate(keys)]
    )
    assert answer["Responses"][other.name] == [{"pk": {"N": "7"}}]
    assert answer["UnprocessedKeys"] == {}


def test_what_is_not_there_is_left_out(table):
    key = table.stored()

    answer = get(table, {table.name: {"Keys": [key, table.new_key(), table.new_key()]}})

    assert answer == {"Responses": {table.name: [key]}, "UnprocessedKeys": {}}
    answer = get(table, {table.name: {"Keys": [table.new_key()]}})
    assert answer == {"Responses": {table.name: []}, "UnprocessedKeys": {}}


def test_each_table_has_its_own_projection(table, other):
    key = table.stored(a={"S": "a"}, m={"M": {"b": {"S": "b"}, "c": {"S": "c"}}})
    other.put({"pk": {"N": "8"}, "a": {"S": "a"}})

    answer = get(
        table,
        {
            table.name: {
                "Keys": [key],
                "ProjectionExpression": "#m.c",
                "ExpressionAttributeNames": {"#m": "m"},
            },
            other.name: {"Keys": [{"pk": {"N": "8"}}]},
        },
    )

    assert answer["Responses"] == {
        table.name: [{"m": {"M": {"c": {"S": "c"}}}}],
        other.name: [{"pk": {"N": "8"}, "a": {"S": "a"}}],
    }


def test_attributes_to_get_is_the_older_projection(table):
    key = table.stored(a={"S": "a"}, b={"S": "b"})

    answer = get(table, {table.name: {"Keys": [key], "AttributesToGet": ["a", "none"]}})

    assert answer["Responses"][table.name] == [{"a": {"S": "a"}}]


@pytest.mark.parametrize("written", [True, "true", "yes", "1"])
def test_each_table_has_its_own_consistency(table, other, written):
    """As the capacity shows; DynamoDB reads words as booleans too."""
    wanted = {
        table.name: {"Keys": [table.new_key()], "ConsistentRead": written},
        other.name: {"Keys": [{"pk": {"N": "0"}}]},
    }
    body = {"RequestItems": wanted, "ReturnConsumedCapacity": "TOTAL"}

    answer = table.connection.call("BatchGetItem", body).body

    consumed = {each["TableName"]: each["CapacityUnits"] for each in answer["ConsumedCapacity"]}
    assert consumed == {table.name: 1.0, other.name: 0.5}


def test_a_table_is_also_found_by_its_arn(table):
    arn = table.client.describe_table(TableName=table.name)["Table"]["TableArn"]
    key = table.stored()

    assert get(table, {arn: {"Keys": [key]}})["Responses"] == {arn: [key]}


def test_a_hundred_keys_are_the_most(table):
    keys = [table.new_key() for _ in range(101)]

    assert get(table, {table.name: {"Keys": keys[:100]}})["Responses"] == {table.name: []}
    assert refusal(table, {table.name: {"Keys": keys}}) == member_errors(
        constraint_without_value(
            f"RequestItems.{table.name}.member.Keys", "have length less than or equal to 100"
        )
    )


def test_over_several_tables_too(table, other):
    keys = [table.new_key() for _ in range(60)]
    numbered = [{"pk": {"N": str(number)}} for number in range(60)]

    answered = refusal(table, {table.name: {"Keys": keys}, other.name: {"Keys": numbered}})

    assert answered == invalid("Too many items requested for the BatchGetItem call")


def test_what_has_no_room_in_the_answer_can_be_asked_for_again(large):
    keys = [{"pk": {"S": f"{number:02}"}} for number in range(42)]
    wanted = {large.name: {"Keys": keys, "ProjectionExpression": "pk", "ConsistentRead": True}}

    answer = get(large, wanted)

    left = answer["UnprocessedKeys"][large.name]
    assert 0 < len(left["Keys"]) < 42
    assert left["ProjectionExpression"] == "pk"
    assert left["ConsistentRead"] is True
    rest = get(large, answer["UnprocessedKeys"])
    found = answer["Responses"][large.name] + rest["Responses"][large.name]
    assert by_key(found) == keys
    assert rest["UnprocessedKeys"] == {}


def test_sixteen_megabytes_of_items_fit(large):
    keys = [{"pk": {"S": f"{number:02}"}} for number in range(41)]

    assert get(large, {large.name: {"Keys": keys}})["UnprocessedKeys"] == {}


# ----------------------------------------------------------------------------------------- errors


def test_request_items_are_required(table):
    assert refusal(table, {}) == member_errors(
        constraint_without_value("RequestItems", "have length greater than or equal to 1")
    )
    assert refusal(table, None) == member_errors(constraint("requestItems", None, "not be null"))


def test_keys_are_required(table):
    """The empty list is reported alone."""
    assert refusal(table, {table.name: {"Keys": []}}, ReturnConsumedCapacity="x") == member_errors(
        constraint_without_value(
            f"RequestItems.{table.name}.member.Keys", "have length greater than or equal to 1"
        )
    )
    assert refusal(table, {table.name: {}}) == member_errors(
        constraint(f"requestItems.{table.name}.member.keys", None, "not be null")
    )


@pytest.mark.parametrize("name", ["ab", "a!bc", "x" * 256])
def test_table_names_are_map_keys(table, name):
    """The map is echoed in a form that varies; the rule does not. Joined with a wrong mode."""
    answered = refusal(table, {name: {"Keys": [{"pk": {"S": "a"}}] * 101}})
    assert answered.startswith(invalid("1 validation error detected: Value '{"))
    assert answered.endswith(f"}}' at 'requestItems' failed to satisfy constraint: {NAME_RULES}")

    answered = refusal(table, {name: {"Keys": [{"pk": {"S": "a"}}]}}, ReturnConsumedCapacity="x")
    assert answered.startswith(invalid("2 validation errors detected: "))
    assert CONSUMED in answered
    assert NAME_RULES in answered


def test_an_unknown_mode_of_capacity_is_refused(table):
    assert refusal(
        table, {table.name: {"Keys": [table.new_key()]}}, ReturnConsumedCapacity="x"
    ) == member_errors(CONSUMED)


def test_no_key_may_be_named_twice(table):
    key = table.stored()

    assert refusal(table, {table.name: {"Keys": [key, table.new_key(), key]}}) == DUPLICATES


def test_numbers_are_compared_as_they_are_written(other):
    """As DynamoDB answers (captured 2026-10): `1` and `1.0` are two keys here, and one item."""
    other.put({"pk": {"N": "1"}})
    keys = [{"pk": {"N": "1"}}, {"pk": {"N": "1.0"}}]

    answer = get(other, {other.name: {"Keys": keys}})

    assert answer["Responses"][other.name] == [{"pk": {"N": "1"}}] * 2
    assert refusal(other, {other.name: {"Keys": [keys[1], keys[1]]}}) == DUPLICATES


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({}, id="empty"),
        pytest.param({"pk": {"N": "1"}}, id="another type"),
        pytest.param({"pk": {"S": "a"}, "b": {"S": "a"}}, id="an attribute too many"),
        pytest.param({"b": {"S": "a"}}, id="another name"),
    ],
)
def test_a_key_must_match_the_schema(table, key):
    assert refusal(table, {table.name: {"Keys": [table.new_key(), key]}}) == WRONG_KEY


def test_a_missing_table_fails_all_of_it(table):
    key = table.stored()

    assert refusal(table, {table.name: {"Keys": [key]}, "none": {"Keys": [key]}}) == NOT_FOUND


@pytest.mark.parametrize(
    "settings, text",
    [
        pytest.param(
            {"ProjectionExpression": ""},
            "Invalid ProjectionExpression: The expression can not be empty;",
            id="empty projection",
        ),
        pytest.param(
            {"ProjectionExpression": "a, a.b"},
            "Invalid ProjectionExpression: Two document paths overlap with each other; must "
            "remove or rewrite one of these paths; path one: [a], path two: [a, b]",
            id="overlapping paths",
        ),
        pytest.param(
            {"ExpressionAttributeNames": {"#a": "a"}},
            "ExpressionAttributeNames can only be specified when using expressions",
            id="names without a projection",
        ),
        pytest.param(
            {"ExpressionAttributeNames": {"#a": ""}},
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a",
            id="an empty name without a projection",
        ),
        pytest.param(
            {"ProjectionExpression": "a", "ExpressionAttributeNames": {"#a": "a"}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
            id="unused name",
        ),
        pytest.param(
            {"AttributesToGet": ["a", "a"]},
            PARAMETER + "Duplicate value in attribute name: a",
            id="an attribute twice",
        ),
    ],
)
def test_a_wrong_projection_is_refused_before_the_lookup(table, settings, text):
    wanted = {"none": {"Keys": [table.new_key()], **settings}}

    assert refusal(table, wanted) == invalid(text)


def test_the_values_of_keys_are_checked_before_the_projection(table):
    wanted = {"Keys": [{"pk": {"N": "1e126"}}], "ProjectionExpression": "not one"}

    assert refusal(table, {"none": wanted}) == invalid(
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )


def test_both_kinds_of_projection_do_not_go_together_over_tables_either(table, other):
    key = table.new_key()
    both = {"Keys": [key], "AttributesToGet": ["a"], "ProjectionExpression": "a"}

    assert refusal(table, {table.name: both}) == MIXING
    assert (
        refusal(
            table,
            {
                table.name: {"Keys": [key], "AttributesToGet": ["a"]},
                other.name: {"Keys": [{"pk": {"N": "1"}}], "ProjectionExpression": "a"},
            },
        )
        == MIXING
    )


@pytest.mark.parametrize(
    "value, text",
    [
        ({"N": "x"}, "The parameter cannot be converted to a numeric value: x"),
        ({"SS": ["a", "a"]}, PARAMETER + 'Input collection ["a", "a"] contains duplicates.'),
        ({"NULL": False}, PARAMETER + "Null attribute value types must have the value of true"),
    ],
    ids=["number", "duplicates in a set", "NULL that is false"],
)
def test_refused_values_are_bare(table, value, text):
    assert refusal(table, {"none": {"Keys": [{"pk": value}]}}) == invalid(text)


def test_an_empty_name_is_refused_before_everything_about_the_table(table):
    assert refusal(table, {"none": {"Keys": [{"": {"S": "a"}}]}}) == invalid("Empty attribute name")
