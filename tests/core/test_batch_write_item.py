"""BatchWriteItem: refusals in order and words; its writes are those of the single operations."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sample_values import global_index, schema, table
from stator_core.errors import DynamoDBError, SerializationException, ValidationException
from stator_core.requests import batch_write_item
from stator_core.requests.batch_write_item import BatchWriteAnswer, parse
from stator_core.requests.delete_item import DeleteItem
from stator_core.requests.put_item import PutItem

ENVELOPE = "1 validation error detected: "
TABLE = table("S", "N", global_index(schema("S", names="x_"), name="global"))
DUPLICATES = "Provided list of item keys contains duplicates"
MISMATCH = "The provided key element does not match the schema"


def put(h: str = "a", r: str = "1", **attributes: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"h": {"S": h}, "r": {"N": r}, **attributes}}}


def delete(h: str = "a", r: str = "1", **attributes: Any) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": {"h": {"S": h}, "r": {"N": r}, **attributes}}}


def body(tables: Any = ..., **members: Any) -> dict[str, Any]:
    wanted = {"Music": [put()]} if tables is ... else tables
    return copy.deepcopy({"RequestItems": wanted, **members})


def refusal(tables: Any = ..., **members: Any) -> str | None:
    with pytest.raises(ValidationException) as caught:
        parse(body(tables, **members))
    return caught.value.message


def test_puts_and_deletes_are_the_requests_of_the_single_operations() -> None:
    request = parse(
        body(
            {"Music": [put(r="+1.0"), delete("b")]},
            ReturnConsumedCapacity="TOTAL",
            ReturnItemCollectionMetrics="SIZE",
        )
    )
    (music,) = request.tables
    options = {"return_consumed_capacity": "TOTAL", "return_item_collection_metrics": "SIZE"}
    item, key = put()["PutRequest"]["Item"], delete("b")["DeleteRequest"]["Key"]
    assert music.writes == [
        PutItem("Music", item, 5, **options),  # type: ignore[arg-type]
        DeleteItem("Music", key, **options),  # type: ignore[arg-type]
    ]
    assert request.return_consumed_capacity == "TOTAL"
    assert request.return_item_collection_metrics == "SIZE"


@pytest.mark.parametrize(
    "tables, message",
    [
        (None, "The requestItems parameter is required for BatchWriteItem"),
        ({}, "The requestItems parameter is required for BatchWriteItem"),
        (
            {"Music": []},
            ENVELOPE + "Value '{Music=[WriteRequest]}' at 'requestItems' failed to satisfy "
            "constraint: Map value must satisfy constraint: [Member must have length less than or "
            "equal to 25, Member must have length greater than or equal to 1]",
        ),
        (
            {"Music": [put(str(number)) for number in range(26)]},
            ENVELOPE + "Value '{Music=[WriteRequest]}' at 'requestItems' failed to satisfy "
            "constraint: Map value must satisfy constraint: [Member must have length less than or "
            "equal to 25, Member must have length greater than or equal to 1]",
        ),
        (
            {name: [put(str(number)) for number in range(13)] for name in ("Music", "Films")},
            "Too many items requested for the BatchWriteItem call",
        ),
        (
            {"Music": [{**put(), **delete()}]},
            (
                "Supplied AttributeValue has more than one datatypes set, must contain exactly "
                "one of "
                "the supported datatypes"
            ),
        ),
        (
            {"Music": [{}]},
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            {"Music": [put(x={"SS": ["b", "a", "b"]})]},
            (
                "One or more parameter values were invalid: Input collection [b, a, b] contains "
                "duplicates."
            ),
        ),
        ({"Music": [put(x={"N": ""})]}, "The parameter cannot be converted to a numeric value"),
        ({"Music": [put(), put("b", **{"": {"S": "a"}})]}, "Empty attribute name"),
        (
            {"Music": [put(x={"S": "x" * 409_600})]},
            "Item size has exceeded the maximum allowed size",
        ),
        (
            {"Music": [{"PutRequest": {}}]},
            ENVELOPE + "Value null at 'requestItems.Music.member.1.member.putRequest.item' failed "
            "to satisfy constraint: Member must not be null",
        ),
    ],
)
def test_refusals_have_dynamodbs_words(tables: Any, message: str) -> None:
    assert refusal(tables) == message


def test_lists_and_enum_members_are_joined_before_table_names() -> None:
    joined = refusal(
        {"a!": []}, ReturnConsumedCapacity="?", ReturnItemCollectionMetrics="?"
    )  # fmt: skip
    assert joined is not None
    assert joined.startswith("3 validation errors detected: Value '{a!=[WriteRequest]}'")
    assert "Value '?' at 'returnConsumedCapacity'" in joined
    assert joined.endswith("Member must satisfy enum value set: [SIZE, NONE]")

    alone = refusal({"a!": [put()]})
    assert alone is not None and alone.startswith(ENVELOPE) and "Map keys must satisfy" in alone


def test_wrong_json_types_come_before_everything() -> None:
    with pytest.raises(SerializationException):
        parse(body({"Music": [put(x={"N": 1})]}, ReturnConsumedCapacity="?"))


@pytest.mark.parametrize(
    "writes, message",
    [
        ([put(), delete()], DUPLICATES),
        ([put(r="1"), put(r="1.0")], DUPLICATES),
        ([{"PutRequest": {"Item": {"h": {"S": "a"}}}}], MISMATCH),
        ([{"PutRequest": {"Item": {"h": {"N": "1"}, "r": {"N": "1"}}}}], MISMATCH),
        ([delete(x={"S": "b"})], MISMATCH),
        (
            [put("")],
            (
                "One or more parameter values are not valid. The AttributeValue for a key "
                "attribute "
                "cannot contain an empty string value. Key: h"
            ),
        ),
        (
            [put(x={"N": "1"})],
            (
                "One or more parameter values were invalid: Type mismatch for Index Key x "
                "Expected: S Actual: N IndexName: global"
            ),
        ),
    ],
)
def test_keys_are_held_against_the_table(writes: list[Any], message: str) -> None:
    (wanted,) = parse(body({"Music": writes})).tables
    with pytest.raises(ValidationException) as caught:
        wanted.check(TABLE)
    assert caught.value.message == message


def test_different_items_may_be_written_together() -> None:
    (wanted,) = parse(body({"Music": [put(), put(r="2"), delete("b")]})).tables
    wanted.check(TABLE)


def test_what_was_not_written_goes_back_as_it_was_sent() -> None:
    request = parse(body({"Music": [put(), delete("b")], "Films": [put()]}))
    answer = BatchWriteAnswer(request)
    assert answer.response() == b'{"UnprocessedItems":{}}'
    assert answer.response(None, {}) == b'{"UnprocessedItems":{}}'

    answer.leave(0, 1)
    metrics = {"Music": [{"ItemCollectionKey": {"h": {"S": "a"}}, "SizeEstimateRangeGB": [0, 1]}]}
    consumed = [{"TableName": "Music", "CapacityUnits": 1.0}]
    assert orjson.loads(answer.response(consumed, metrics)) == {
        "UnprocessedItems": {"Music": [delete("b")]},
        "ItemCollectionMetrics": metrics,
        "ConsumedCapacity": consumed,
    }


@given(
    st.dictionaries(
        st.sampled_from(["Music", "Films", "ab"]),
        st.lists(
            st.sampled_from(
                [
                    put(),
                    delete(),
                    put(r="1.0"),
                    put(x={"S": "a", "N": "1"}),
                    {**put(), **delete()},
                    {},
                    None,
                    7,
                    {"PutRequest": None},
                    {"PutRequest": {}},
                    {"Unknown": {}, **put()},
                    put(x={"BOOL": "yes"}),
                    put(x={"N": 1}),
                    {"PutRequest": None, **delete()},
                ]
            ),
            max_size=3,
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
        read = [(each.sent_name, each.writes) for each in request.tables]
        return read, request.return_consumed_capacity

    assert outcome(parse) == outcome(batch_write_item._parse_in_order)
