"""BatchGetItem: refusals in order and words, and an answer that never passes 16 MB."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import table
from stator_core.errors import DynamoDBError, SerializationException, ValidationException
from stator_core.limits import BATCH_GET_ANSWER_BYTES_MAX, ITEM_SIZE_BYTES_MAX
from stator_core.requests import batch_get_item
from stator_core.requests.batch_get_item import BatchGetAnswer, parse

ENVELOPE = "1 validation error detected: "
TABLE = table("S", "N")
ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/Music"


def key(h: str, r: str = "1") -> dict[str, Any]:
    return {"h": {"S": h}, "r": {"N": r}}


def body(tables: Any = ..., **members: Any) -> dict[str, Any]:
    wanted = {"Music": {"Keys": [key("a")]}} if tables is ... else tables
    return copy.deepcopy({"RequestItems": wanted, **members})


def refusal(tables: Any = ..., **members: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body(tables, **members))
    return caught.value.message


def test_each_table_has_its_own_settings() -> None:
    request = parse(
        body(
            {
                "Music": {"Keys": [key("a", "+1.0"), key("b")], "ConsistentRead": True},
                ARN: {"Keys": [key("a")], "AttributesToGet": ["h"]},
            },
            ReturnConsumedCapacity="TOTAL",
        )
    )
    music, by_arn = request.tables
    assert music.keys == [key("a"), key("b")]
    assert (music.table_name, music.consistent_read, music.projection) == ("Music", True, None)
    assert (by_arn.table_name, by_arn.sent_name, by_arn.consistent_read) == ("Music", ARN, False)
    assert by_arn.project(b'{"h":{"S":"a"},"x":{"S":"b"}}') == b'{"h":{"S":"a"}}'
    assert request.return_consumed_capacity == "TOTAL"


@pytest.mark.parametrize(
    "tables, message",
    [
        (
            None,
            ENVELOPE + "Value null at 'requestItems' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            {},
            ENVELOPE + "Value at 'RequestItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            {"Music": {"Keys": []}, "a": {"Keys": []}},
            (
                "2 validation errors detected: Value at 'RequestItems.Music.member.Keys' failed to "
                "satisfy constraint: Member must have length greater than or equal to 1; Value at "
                "'RequestItems.a.member.Keys' failed to satisfy constraint: Member must have "
                "length "
                "greater than or equal to 1"
            ),
        ),
        (
            {"Music": {"Keys": [key(str(number)) for number in range(101)]}},
            ENVELOPE + "Value at 'RequestItems.Music.member.Keys' failed to satisfy constraint: "
            "Member must have length less than or equal to 100",
        ),
        (
            {
                "Music": {"Keys": [key(str(number)) for number in range(51)]},
                "Films": {"Keys": [key(str(number)) for number in range(50)]},
            },
            "Too many items requested for the BatchGetItem call",
        ),
        (
            {"Music": {"Keys": [key("a"), key("b"), key("a")]}},
            "Provided list of item keys contains duplicates",
        ),
        (
            {
                "Music": {"Keys": [key("a")], "AttributesToGet": ["a"]},
                "Films": {"Keys": [key("a")], "ProjectionExpression": "a"},
            },
            (
                "Can not use both expression and non-expression parameters in the same request: "
                "Non-expression parameters: {AttributesToGet} "
                "Expression parameters: {ProjectionExpression}"
            ),
        ),
        (
            {"Music": {"Keys": [key("a")], "ExpressionAttributeNames": {"#a": "a"}}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
        (
            {"Music": {"Keys": [key("a")], "AttributesToGet": ["a", "a"]}},
            "One or more parameter values were invalid: Duplicate value in attribute name: a",
        ),
        ({"Music": {"Keys": [{"": {"S": "a"}}]}}, "Empty attribute name"),
        (
            {"Music": {"Keys": [key("a", "x")]}},
            "The parameter cannot be converted to a numeric value: x",
        ),
        (
            {"Music": {"Keys": [key("a", "x")], "ProjectionExpression": "not one"}},
            "The parameter cannot be converted to a numeric value: x",
        ),
        (
            {"Music": {"Keys": [key("a")], "ExpressionAttributeNames": {"#a": ""}}},
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a",
        ),
    ],
)
def test_refusals_have_dynamodbs_words(tables: Any, message: str) -> None:
    assert refusal(tables) == message


def test_numbers_written_differently_are_no_duplicates_here() -> None:
    assert (
        len(parse(body({"Music": {"Keys": [key("a", "1"), key("a", "1.0")]}})).tables[0].keys) == 2
    )


def test_a_bad_table_name_is_joined_with_a_bad_enum_and_hides_too_many_keys() -> None:
    many = {"Keys": [key(str(number)) for number in range(101)]}
    message = refusal({"a!": many}, ReturnConsumedCapacity="?") or ""
    assert message.startswith("2 validation errors detected: Value '?' at 'returnConsumedCapacity'")
    assert "Value '{a!=KeysAndAttributes}' at 'requestItems' failed" in message


def test_wrong_json_types_come_before_everything() -> None:
    with pytest.raises(SerializationException):
        parse(body({"Music": {"Keys": [{"h": {"N": 1}}]}}, ReturnConsumedCapacity="?"))


def test_keys_and_projection_are_held_against_the_table() -> None:
    parse(body()).tables[0].check(TABLE)
    for tables in (
        {"Music": {"Keys": [key("a"), {"h": {"S": "a"}}]}},
        {"Music": {"Keys": [{**key("a"), "x": {"S": "b"}}]}},
    ):
        (wanted,) = parse(body(tables)).tables
        with pytest.raises(ValidationException, match="does not match the schema"):
            wanted.check(TABLE)
    nested = {"Music": {"Keys": [key("a")], "ProjectionExpression": "h.a"}}
    (wanted,) = parse(body(nested)).tables
    with pytest.raises(ValidationException, match="Key attributes must be scalars"):
        wanted.check(TABLE)


def test_found_items_are_answered_as_stored_and_missing_ones_left_out() -> None:
    tables = {
        "Music": {"Keys": [key("a"), key("b")], "ConsistentRead": True},
        "Films": {"Keys": [key("c")], "ProjectionExpression": "r"},
    }
    answer = BatchGetAnswer(parse(body(tables, ReturnConsumedCapacity="TOTAL")))

    assert answer.feed(1, 0, orjson.dumps(key("c")), 5000)
    assert answer.feed(0, 1, None, 0)
    assert answer.feed(0, 0, orjson.dumps(key("a")), 20)
    assert orjson.loads(answer.response()) == {
        "Responses": {"Music": [key("a")], "Films": [{"r": {"N": "1"}}]},
        "UnprocessedKeys": {},
        "ConsumedCapacity": [
            {"TableName": "Music", "CapacityUnits": 2.0},
            {"TableName": "Films", "CapacityUnits": 1.0},
        ],
    }


def test_an_answer_without_capacity_has_no_such_member() -> None:
    answer = BatchGetAnswer(parse(body()))
    answer.feed(0, 0, None, 0)
    assert answer.response() == b'{"Responses":{"Music":[]},"UnprocessedKeys":{}}'


def test_what_passes_sixteen_megabytes_goes_back_with_its_settings() -> None:
    wanted = {
        "Keys": [key(str(number)) for number in range(50)],
        "ConsistentRead": True,
        "ProjectionExpression": "#h",
        "ExpressionAttributeNames": {"#h": "h"},
    }
    request = parse(body({"Music": wanted}))
    answer = BatchGetAnswer(request)
    taken = [answer.feed(0, number, b"{}", ITEM_SIZE_BYTES_MAX) for number in range(50)]

    fitting = BATCH_GET_ANSWER_BYTES_MAX // ITEM_SIZE_BYTES_MAX
    assert taken == [True] * fitting + [False] * (50 - fitting)
    assert answer.full
    parsed = orjson.loads(answer.response())
    assert len(parsed["Responses"]["Music"]) == fitting
    assert parsed["UnprocessedKeys"] == {"Music": {**wanted, "Keys": wanted["Keys"][fitting:]}}
    again = parse({"RequestItems": parsed["UnprocessedKeys"]})
    assert len(again.tables[0].keys) == 50 - fitting


def test_a_key_that_was_not_read_is_not_paid_for() -> None:
    answer = BatchGetAnswer(parse(body(ReturnConsumedCapacity="TOTAL")))
    answer.leave(0, 0)
    parsed = orjson.loads(answer.response())
    assert parsed["UnprocessedKeys"] == {"Music": {"Keys": [key("a")]}}
    assert parsed["ConsumedCapacity"][0]["CapacityUnits"] == 0.0


@given(
    st.dictionaries(
        st.sampled_from(["Music", "Films", "ab", ARN]),
        st.fixed_dictionaries(
            {
                "Keys": st.lists(
                    st.sampled_from([key("a"), key("a", "1.0"), {}, {"h": {}}, None, 7])
                )
            },
            optional={
                "ConsistentRead": st.sampled_from([True, "no", 7, None]),
                "ProjectionExpression": st.sampled_from(["h", "#h", "", 7, None]),
                "AttributesToGet": st.sampled_from([["h"], ["h", "h"], [], [None], None]),
                "ExpressionAttributeNames": st.sampled_from([{"#h": "h"}, {}, {"h": "h"}, None]),
            },
        ),
        max_size=2,
    ),
    st.sampled_from(["NONE", "TOTAL", "?", None, 7]),
)
def test_both_lanes_take_and_refuse_the_same(tables: dict[str, Any], mode: Any) -> None:
    def outcome(lane: Any) -> object:
        try:
            request = lane(copy.deepcopy(body(tables, ReturnConsumedCapacity=mode)))
        except DynamoDBError as error:
            return type(error), error.message
        read = [(each.sent_name, each.keys, each.consistent_read) for each in request.tables]
        return read, request.return_consumed_capacity

    assert outcome(parse) == outcome(batch_get_item._parse_in_order)
