"""An item has 409,600 bytes at most: the UTF-8 bytes of its names and the sizes of its values.

Every byte is shown at the limit: an item that just fits, and the one that is a byte larger.
AWS: Developer Guide, DynamoDB item sizes and formats.
"""

from __future__ import annotations

import pytest

from item_table import invalid, refusal_of

ITEM_BYTES_MAX = 409_600
TOO_LARGE = invalid("Item size has exceeded the maximum allowed size")


@pytest.mark.parametrize(
    "value, size",
    [
        pytest.param({"S": "é" * 10}, 20, id="a string: its UTF-8 bytes"),
        pytest.param({"B": "eHh4"}, 3, id="binary: its bytes before base64"),
        pytest.param({"BOOL": True}, 1, id="a boolean"),
        pytest.param({"NULL": True}, 1, id="a null"),
        pytest.param({"N": "0"}, 1, id="zero"),
        pytest.param({"N": "-0"}, 1, id="minus zero"),
        pytest.param({"N": "7"}, 2, id="one digit"),
        pytest.param({"N": "12"}, 2, id="two digits"),
        pytest.param({"N": "123"}, 3, id="three digits"),
        pytest.param({"N": "-123"}, 4, id="a minus"),
        pytest.param({"N": "100"}, 2, id="trailing zeros do not count"),
        pytest.param({"N": "1200"}, 2, id="pairs of them neither"),
        pytest.param({"N": "0.005"}, 2, id="leading zeros do not count"),
        pytest.param({"N": "1.5"}, 3, id="digits on both sides of the point"),
        pytest.param({"N": "9" * 38}, 20, id="38 digits"),
        pytest.param({"SS": ["a", "bcd"]}, 4, id="a set: its elements"),
        pytest.param({"NS": ["1", "123"]}, 5, id="a number set"),
        pytest.param({"L": []}, 3, id="a list: three bytes"),
        pytest.param({"L": [{"S": "ab"}, {"BOOL": True}]}, 3 + 3 + 2, id="and one per element"),
        pytest.param({"M": {}}, 3, id="a map: three bytes"),
        pytest.param({"M": {"key": {"S": "ab"}}}, 3 + 3 + 2 + 1, id="a map's names count"),
    ],
)
def test_the_size_of_a_value(table, value, size):
    """Found where the item with a filler beside it just fits: 409,600 bytes with all names."""
    key = table.new_key()
    rest = len("pk") + len(key["pk"]["S"]) + len("v") + size + len("filler")

    def fits(spare: int) -> bool:
        item = key | {"v": value, "filler": {"S": "x" * (ITEM_BYTES_MAX - rest + spare)}}
        answer = table.send("PutItem", Item=item)
        assert answer.error is None or refusal_of(answer) == TOO_LARGE
        return answer.error is None

    assert (fits(0), fits(1)) == (True, False)


def test_the_largest_item_comes_back(table):
    key = table.new_key()
    item = key | {"a": {"S": "x" * (ITEM_BYTES_MAX - len("pk") - len(key["pk"]["S"]) - 1)}}

    table.put(item)

    assert table.get(key) == item
    assert table.refusal("PutItem", Item=item | {"b": {"S": ""}}) == TOO_LARGE


def test_an_item_shares_its_400_kb_with_its_local_index_entries(make_table):
    """An entry of a local index holds copies of what it projects."""
    indexed = make_table(
        range_key="S",
        more_keys={"local": "S"},
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-local",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "local", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    item = indexed.new_key(sk={"S": "a"}) | {"big": {"S": "x" * 250_000}}

    indexed.put(item)

    assert indexed.refusal("PutItem", Item=item | {"local": {"S": "here"}}) == TOO_LARGE
