"""UpdateItem changes some attributes of an item, or makes the item, and leaves the rest alone.

It may not touch the key, nor give the keys of indexes values that no index takes, nor let the item
or the request grow over 400 KB. AWS: API reference, UpdateItem.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

import blackbox
from item_table import (
    FAILED_CONDITION,
    NOT_FOUND,
    PARAMETER,
    WRONG_KEY,
    ItemTable,
    constraint,
    enum,
    enveloped,
    invalid,
    member_errors,
)

ITEM_BYTES_MAX = 409_600
WRITERS = 4
UPDATES_EACH = 25
RETURN_VALUES = (
    "Failed to satisfy constraint: Member must satisfy enum value set: "
    "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
RETURN_VALUES_OLD = constraint(
    "returnValues", "x", enum("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
)
CONSUMED = constraint("returnConsumedCapacity", "x", enum("INDEXES", "TOTAL", "NONE"))
METRICS = constraint("returnItemCollectionMetrics", "x", enum("SIZE", "NONE"))
ON_FAILURE = constraint("returnValuesOnConditionCheckFailure", "x", enum("ALL_OLD", "NONE"))
TOO_LARGE = invalid("Item size to update has exceeded the maximum allowed size")


@pytest.fixture(scope="module")
def ranged(make_table) -> ItemTable:
    return make_table(range_key="N")


@pytest.fixture(scope="module")
def indexed(make_table) -> ItemTable:
    """A table with a global index on `name` (S) and `rank` (N)."""
    return make_table(
        more_keys={"name": "S", "rank": "N"},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-name",
                "KeySchema": [
                    {"AttributeName": "name", "KeyType": "HASH"},
                    {"AttributeName": "rank", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


# ------------------------------------------------------------------------------- making the item


def test_an_update_answers_an_empty_object_unless_asked(table):
    answer = table.send("UpdateItem", Key=table.new_key(), UpdateExpression="REMOVE a")

    assert (answer.status, answer.text) == (200, b"{}")


def test_an_update_keeps_what_it_does_not_name(table):
    key = table.stored(a={"N": "1"}, b={"S": "b"})

    table.update(key, "SET a = :v", ExpressionAttributeValues={":v": {"N": "2"}})

    assert table.attributes(key) == {"a": {"N": "2"}, "b": {"S": "b"}}


@pytest.mark.parametrize(
    "members",
    [pytest.param({}, id="nothing to do"), pytest.param({"AttributeUpdates": {}}, id="empty map")],
)
def test_an_update_that_does_nothing_makes_an_item_of_the_key_alone(table, members):
    key = table.new_key()

    table.call("UpdateItem", Key=key, **members)

    assert table.get(key) == key


def test_an_update_that_does_nothing_leaves_an_item_as_it_is(table):
    key = table.stored(a={"N": "1"})

    table.call("UpdateItem", Key=key)

    assert table.attributes(key) == {"a": {"N": "1"}}


@pytest.mark.parametrize(
    "expression, made",
    [
        pytest.param("SET a = :n", {"a": {"N": "1"}}, id="SET"),
        pytest.param("ADD a :n", {"a": {"N": "1"}}, id="ADD a number"),
        pytest.param("ADD a :s", {"a": {"SS": ["x"]}}, id="ADD a set"),
        pytest.param("REMOVE b SET a = :n", {"a": {"N": "1"}}, id="REMOVE beside SET"),
    ],
)
def test_an_update_of_an_absent_item_makes_it(table, expression, made):
    key = table.new_key()
    values = {":n": {"N": "1"}, ":s": {"SS": ["x"]}}

    table.update(
        key,
        expression,
        ExpressionAttributeValues={name: v for name, v in values.items() if name in expression},
    )

    assert table.attributes(key) == made


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"UpdateExpression": "REMOVE a"}, id="REMOVE"),
        pytest.param({"UpdateExpression": "REMOVE a.b.c, d[3]"}, id="REMOVE below missing parents"),
        pytest.param({"AttributeUpdates": {"a": {"Action": "DELETE"}}}, id="legacy DELETE"),
    ],
)
def test_an_update_that_only_removes_makes_nothing(table, members):
    key = table.new_key()

    assert table.call("UpdateItem", Key=key, **members) == {}
    assert table.get(key) is None


def test_deleting_from_a_set_of_an_absent_item_makes_nothing(table):
    """(unconfirmed)"""
    key = table.new_key()

    table.update(key, "DELETE a :s", ExpressionAttributeValues={":s": {"SS": ["x"]}})

    assert table.get(key) is None


def test_updates_of_one_item_never_lose_each_other(table, url):
    """Writes of one item are done one after the other, wherever they come from."""
    key = table.new_key()

    def count() -> None:
        own = ItemTable(table.client, blackbox.Connection(url), table.name)
        for _ in range(UPDATES_EACH):
            answer = own.send(
                "UpdateItem",
                Key=key,
                UpdateExpression="ADD visits :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
            assert answer.error is None
        own.connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        for writer in [pool.submit(count) for _ in range(WRITERS)]:
            writer.result()

    assert table.attributes(key) == {"visits": {"N": str(WRITERS * UPDATES_EACH)}}


# ------------------------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"pk": {"S": "a"}}, id="an attribute less"),
        pytest.param({"pk": {"S": "a"}, "sk": {"N": "1"}, "b": {"S": "a"}}, id="one too many"),
        pytest.param({"pk": {"S": "a"}, "sk": {"S": "1"}}, id="another type"),
    ],
)
def test_a_key_must_match_the_schema(ranged, key):
    assert ranged.refusal("UpdateItem", Key=key) == WRONG_KEY


def test_a_key_value_must_be_within_the_limits(table):
    assert table.refusal("UpdateItem", Key={"pk": {"S": ""}}) == invalid(
        "One or more parameter values are not valid. The AttributeValue for a key attribute "
        "cannot contain an empty string value. Key: pk"
    )
    assert table.refusal("UpdateItem", Key={"pk": {"S": "h" * 2049}}) == invalid(
        PARAMETER + "Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )


@pytest.mark.parametrize(
    "members",
    [
        pytest.param(
            {
                "UpdateExpression": "SET sk = :v",
                "ExpressionAttributeValues": {":v": {"N": "1"}},
            },
            id="SET",
        ),
        pytest.param({"UpdateExpression": "REMOVE #k"}, id="REMOVE"),
        pytest.param(
            {"UpdateExpression": "ADD sk :v", "ExpressionAttributeValues": {":v": {"N": "1"}}},
            id="ADD",
        ),
        pytest.param(
            {"AttributeUpdates": {"sk": {"Action": "PUT", "Value": {"N": "1"}}}}, id="legacy PUT"
        ),
    ],
)
def test_the_key_cannot_be_updated_not_even_to_its_own_value(ranged, members):
    names = (
        {"ExpressionAttributeNames": {"#k": "sk"}}
        if "#k" in members.get("UpdateExpression", "")
        else {}
    )

    refusal = ranged.refusal("UpdateItem", Key=ranged.new_key(sk={"N": "1"}), **members, **names)

    assert refusal == invalid(
        PARAMETER + "Cannot update attribute sk. This attribute is part of the key"
    )


@pytest.mark.parametrize(
    "attribute, value, text",
    [
        pytest.param(
            "name",
            {"N": "1"},
            "The update expression attempted to update the secondary index key to unsupported type",
            id="another type",
        ),
        pytest.param(
            "rank",
            {"S": "1"},
            "The update expression attempted to update the secondary index key to unsupported type",
            id="another type of the RANGE key",
        ),
        pytest.param(
            "name",
            {"S": ""},
            "One or more parameter values are not valid. The update expression attempted to "
            "update a secondary index key to a value that is not supported. The AttributeValue "
            "for a key attribute cannot contain an empty string value.",
            id="empty",
        ),
        pytest.param(
            "name",
            {"S": "x" * 2049},
            "The update expression attempted to update the secondary index key beyond allowed "
            "size limits",
            id="too long",
        ),
    ],
)
def test_the_key_of_an_index_cannot_become_what_no_index_takes(indexed, attribute, value, text):
    key = indexed.stored(name={"S": "a"}, rank={"N": "1"})

    refusal = indexed.refusal(
        "UpdateItem",
        Key=key,
        UpdateExpression="SET #a = :v",
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues={":v": value},
    )

    assert refusal == invalid(text)
    assert indexed.attributes(key) == {"name": {"S": "a"}, "rank": {"N": "1"}}


def test_the_key_of_an_index_can_be_removed(indexed):
    key = indexed.stored(name={"S": "a"}, rank={"N": "1"})

    indexed.update(key, "REMOVE #n", ExpressionAttributeNames={"#n": "name"})

    assert indexed.attributes(key) == {"rank": {"N": "1"}}


@pytest.mark.parametrize("changed", ["other", "second"])
def test_keys_of_indexes_are_checked_only_if_they_change(make_table, changed):
    """An index may be added while an item holds a value that the index leaves out."""
    grown = make_table()
    key = grown.stored(first={"N": "1"})
    grown.client.update_table(
        TableName=grown.name,
        AttributeDefinitions=[
            {"AttributeName": "first", "AttributeType": "S"},
            {"AttributeName": "second", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "late",
                    "KeySchema": [
                        {"AttributeName": "first", "KeyType": "HASH"},
                        {"AttributeName": "second", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )

    grown.update(
        key,
        "SET #c = :v",
        ExpressionAttributeNames={"#c": changed},
        ExpressionAttributeValues={":v": {"S": "x"}},
    )

    assert grown.attributes(key) == {"first": {"N": "1"}, changed: {"S": "x"}}


def test_keys_are_scalars_in_paths_too(indexed):
    """`pk.a` and `name[0]` reach into attributes that have no inside."""
    key = indexed.new_key()
    for expression, role in (
        ("SET a = pk.a", "Key: pk"),
        ("REMOVE #n[0]", "IndexKey: name"),
    ):
        names = {"ExpressionAttributeNames": {"#n": "name"}} if "#n" in expression else {}
        assert indexed.refusal(
            "UpdateItem", Key=key, UpdateExpression=expression, **names
        ) == invalid(
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
            f"allowed: {role}"
        )


# ----------------------------------------------------------------------------------------- sizes


def test_an_update_may_not_let_the_item_grow_over_400_kb(table):
    key = table.stored(a={"S": "x" * 300_000})

    refusal = table.refusal(
        "UpdateItem",
        Key=key,
        UpdateExpression="SET b = :v",
        ExpressionAttributeValues={":v": {"S": "x" * 120_000}},
    )

    assert refusal == TOO_LARGE
    assert list(table.attributes(key)) == ["a"]


def test_attribute_updates_are_held_to_the_size_of_the_finished_item_alone(table):
    """The largest item: `pk`, its key and `a` with its text make 409,600 bytes to the byte."""
    key = table.new_key()
    room = ITEM_BYTES_MAX - len("pk") - len(key["pk"]["S"]) - len("a")

    def put(size: int) -> dict[str, dict[str, object]]:
        return {"a": {"Action": "PUT", "Value": {"S": "x" * size}}}

    table.call("UpdateItem", Key=key, AttributeUpdates=put(room))

    assert table.refusal("UpdateItem", Key=key, AttributeUpdates=put(room + 1)) == TOO_LARGE


# An UpdateExpression is charged 3 bytes, and for each SET 19, its target and its operands.
@pytest.mark.parametrize(
    "expression, charge",
    [
        pytest.param("SET a = :v", 3 + 19 + 1, id="SET of a value"),
        pytest.param("SET abc.d = :v", 3 + 19 + 3 + 4 + 1, id="a nested target"),
        pytest.param("SET l[10] = :v", 3 + 19 + 1 + 4 + 2, id="a list index counts its digits"),
        pytest.param("SET a = :v REMOVE bcd", 3 + 19 + 1 + 1 + 3, id="REMOVE beside it"),
        pytest.param(
            "SET a = if_not_exists(bc, :v)", 3 + 19 + 1 + 39 + (1 + 14 + 2), id="if_not_exists"
        ),
        pytest.param(
            "SET a = :v, b = c + :one",
            3 + (19 + 1) + (19 + 1 + 34 + (1 + 14 + 1) + 2),
            id="addition",
        ),
        pytest.param(
            "SET a = :v, b = c - :one",
            3 + (19 + 1) + (19 + 1 + 37 + (1 + 14 + 1) + 2),
            id="subtraction",
        ),
    ],
)
def test_an_update_is_charged_for_what_it_says_before_its_condition_is_asked(
    table, expression, charge
):
    """Both the finished item and the request must stay within 409,600 bytes (captured 2026)."""
    longest = ITEM_BYTES_MAX - charge

    def refusal(size: int) -> str:
        values = {":v": {"S": "x" * size}, ":false": {"S": "none"}, ":one": {"N": "1"}}
        return table.refusal(
            "UpdateItem",
            Key=table.new_key(),
            UpdateExpression=expression,
            ConditionExpression="pk = :false",
            ExpressionAttributeValues={
                name: value
                for name, value in values.items()
                if name in expression or name == ":false"
            },
        )

    assert refusal(longest) == FAILED_CONDITION
    assert refusal(longest + 1) == TOO_LARGE


def test_the_charge_of_add_and_list_append(table):
    def refusal(expression: str, value: dict[str, object]) -> str:
        return table.refusal(
            "UpdateItem",
            Key=table.new_key(),
            UpdateExpression=expression,
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":v": value},
        )

    added = ITEM_BYTES_MAX - (3 + 19 + 1)
    appended = ITEM_BYTES_MAX - (3 + 19 + 1 + 37 + (1 + 14 + 1)) - 3 - 1
    for expression, kind, longest in (
        ("ADD a :v", lambda size: {"SS": ["x" * size]}, added),
        ("SET a = list_append(a, :v)", lambda size: {"L": [{"S": "x" * size}]}, appended),
    ):
        assert refusal(expression, kind(longest)) == FAILED_CONDITION
        assert refusal(expression, kind(longest + 1)) == TOO_LARGE


# --------------------------------------------------------------------------------- member errors


@pytest.mark.parametrize(
    "members, text",
    [
        pytest.param(
            {"TableName": None},
            member_errors(constraint("tableName", None, "not be null")),
            id="no table name",
        ),
        pytest.param(
            {"TableName": None, "ReturnValues": "x"},
            member_errors(constraint("tableName", None, "not be null"), RETURN_VALUES_OLD),
            id="no table name, joined with ReturnValues in the words of the old layer",
        ),
        pytest.param(
            {"TableName": "ab", "ReturnValues": "x"},
            member_errors(constraint("tableName", "ab", "have length greater than or equal to 3")),
            id="a short table name stands alone",
        ),
        pytest.param(
            {"TableName": "a!"},
            member_errors(
                constraint(
                    "tableName", "a!", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
                ),
                constraint("tableName", "a!", "have length greater than or equal to 3"),
            ),
            id="pattern, then length",
        ),
        pytest.param({"ReturnValues": "x"}, enveloped(RETURN_VALUES), id="ReturnValues"),
        pytest.param(
            {
                "ReturnValues": "x",
                "ReturnValuesOnConditionCheckFailure": "x",
                "ReturnItemCollectionMetrics": "x",
                "ReturnConsumedCapacity": "x",
            },
            enveloped(RETURN_VALUES),
            id="ReturnValues is the first bad option",
        ),
        pytest.param(
            {
                "ReturnValuesOnConditionCheckFailure": "x",
                "ReturnItemCollectionMetrics": "x",
                "ReturnConsumedCapacity": "x",
            },
            invalid(ON_FAILURE),
            id="ReturnValuesOnConditionCheckFailure is the second, and bare",
        ),
        pytest.param(
            {"ReturnItemCollectionMetrics": "x", "ReturnConsumedCapacity": "x"},
            enveloped(METRICS),
            id="ReturnItemCollectionMetrics is the third",
        ),
        pytest.param(
            {"ReturnConsumedCapacity": "x"},
            invalid(CONSUMED),
            id="ReturnConsumedCapacity is the last, and bare",
        ),
        pytest.param(
            {"Key": None},
            member_errors(constraint("key", None, "not be null")),
            id="no key",
        ),
        pytest.param(
            {
                "TableName": None,
                "Key": None,
                "ReturnConsumedCapacity": "x",
                "ReturnValues": "x",
                "ReturnValuesOnConditionCheckFailure": "x",
                "ReturnItemCollectionMetrics": "x",
            },
            member_errors(
                CONSUMED,
                constraint("tableName", None, "not be null"),
                RETURN_VALUES_OLD,
                ON_FAILURE,
                METRICS,
                constraint("key", None, "not be null"),
            ),
            id="without a key the old layer lists everything",
        ),
    ],
)
def test_update_item_reports_members_in_a_way_of_its_own(table, members, text):
    body = {"Key": {"pk": {"S": "a"}}} | members

    assert table.sent_refusal("UpdateItem", **body) == text


def test_a_missing_table_is_reported_after_unused_values(table):
    members = {"Key": table.new_key(), "UpdateExpression": "REMOVE a"}

    assert table.refusal("UpdateItem", TableName="none", **members) == NOT_FOUND
    assert table.refusal(
        "UpdateItem", TableName="none", **members, ExpressionAttributeValues={":v": {"N": "1"}}
    ) == enveloped("Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}")


def test_a_value_refused_in_the_key_stands_in_the_envelope(table):
    refusal = table.sent_refusal("UpdateItem", Key={"pk": {"N": "x"}})

    assert refusal == enveloped("The parameter cannot be converted to a numeric value: x")


def test_the_old_layer_names_the_value_that_it_refuses(table):
    """A boolean written as a string sends the whole request there; nothing is enveloped then."""
    refusal = table.sent_refusal(
        "UpdateItem",
        Key=table.new_key(),
        UpdateExpression="SET a = :a, b = :b",
        ExpressionAttributeValues={":a": {"BOOL": "true"}, ":b": {"N": "x"}},
    )

    assert refusal == invalid(
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a "
        "numeric value: x for key :b"
    )
