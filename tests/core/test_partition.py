"""The partition: what one write stores and answers, decided from bytes and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from stator_core import expiry, item_format, keys
from stator_core.change_format import Change, ChangeFlag, change_key, decode
from stator_core.errors import (
    ConditionalCheckFailedException,
    ItemCollectionSizeLimitExceededException,
)
from stator_core.item_format import Damaged
from stator_core.limits import ITEM_COLLECTION_BYTES_MAX
from stator_core.partition import GIGABYTE, View, answer_get, evaluate_write
from stator_core.requests import delete_item, get_item, put_item, update_item
from stator_core.table import StreamSpecification, Table, TimeToLive
from table_bodies import active, attributes, create_body, index
from table_bodies import keys as key_schema

PLAIN = active(
    create_body(KeySchema=key_schema("pk", "sk"), AttributeDefinitions=attributes(pk="S", sk="S"))
)
LOCAL = {"LocalSecondaryIndexes": [index("by-a", "pk", "a")]}
GLOBAL = {"GlobalSecondaryIndexes": [index("of-a", "a")]}


def indexed(**indexes: Any) -> Table:
    return active(
        create_body(
            KeySchema=key_schema("pk", "sk"),
            AttributeDefinitions=attributes(pk="S", sk="S", a="S"),
            **indexes,
        )
    )


def item(sk: str = "1", **more: str) -> dict[str, Any]:
    texts = {"pk": "a", "sk": sk, **more}
    return {name: {"S": text} for name, text in texts.items()}


class Stored:
    """A partition's bytes, and what writes make of them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.items: dict[bytes, bytes] = {}
        self.indexes: dict[bytes, bytes] = {}
        self.reads = 0
        self.stamp = 0

    def view(self) -> View:
        def item_of(key: bytes) -> bytes | None:
            self.reads += 1
            return self.items.get(key)

        return View(item_of, self.indexes.get)

    def write(self, request: Any) -> dict[str, Any]:
        """Evaluate a write, store it, and give its answer."""
        request.check(self.table)
        self.stamp += 1
        evaluation = evaluate_write(self.table, request, self.view(), self.stamp)
        again = evaluate_write(self.table, request, self.view(), self.stamp)
        assert evaluation == again, "evaluating changes nothing and may be repeated"
        for family, key, value in (
            ("items", evaluation.key, evaluation.value),
            *evaluation.beside,
        ):
            place = self.items if family == "items" else self.indexes
            if value is None:
                place.pop(key, None)
            else:
                place[key] = value
        answer: dict[str, Any] = orjson.loads(evaluation.answer)
        return answer

    def put(self, content: dict[str, Any], **members: Any) -> dict[str, Any]:
        return self.write(put_item.parse({"TableName": "Music", "Item": content, **members}))

    def delete(self, sk: str = "1", **members: Any) -> dict[str, Any]:
        return self.write(delete_item.parse({"TableName": "Music", "Key": item(sk), **members}))

    def update(self, expression: str, sk: str = "1", **members: Any) -> dict[str, Any]:
        return self.write(
            update_item.parse(
                {
                    "TableName": "Music",
                    "Key": item(sk),
                    "UpdateExpression": expression,
                    **members,
                }
            )
        )

    def get(self, sk: str = "1", **members: Any) -> dict[str, Any]:
        request = get_item.parse({"TableName": "Music", "Key": item(sk), **members})
        key = keys.item_key(self.table, item(sk))
        answer: dict[str, Any] = orjson.loads(answer_get(request, key, self.items.get(key)))
        return answer

    def entries(self, number: int = 0) -> list[dict[str, Any]]:
        """The contents of an index, in order."""
        one = self.table.indexes[number]
        place = self.items if one.is_global else self.indexes
        ((start, end),) = keys.scan_bounds(self.table, one, 0, 1)
        return [
            orjson.loads(item_format.payload_of(key, place[key]))
            for key in sorted(place)
            if start <= key < end and (one.is_global or keys.is_entry_of(one, key))
        ]

    def collection_bytes(self) -> int | None:
        stored = self.indexes.get(keys.collection_counter_key(self.table, item()))
        return None if stored is None else int.from_bytes(stored, "big")


def test_a_plain_put_is_blind() -> None:
    """It costs no read: nothing of its answer depends on the item before."""
    stored = Stored(PLAIN)
    assert stored.put(item(v="1")) == {}
    assert stored.put(item(v="2")) == {}
    assert stored.reads == 0
    assert stored.get() == {"Item": item(v="2")}


@pytest.mark.parametrize(
    "members",
    [
        {"ReturnValues": "ALL_OLD"},
        {"ConditionExpression": "attribute_exists(pk)"},
        {"ReturnConsumedCapacity": "TOTAL"},
    ],
)
def test_a_put_reads_the_item_where_its_answer_depends_on_it(members: dict[str, Any]) -> None:
    stored = Stored(PLAIN)
    stored.put(item(v="1"))
    stored.put(item(v="2"), **members)
    assert stored.reads > 0


def test_the_stored_item_carries_its_size_and_its_stamp() -> None:
    stored = Stored(PLAIN)
    stored.put(item(v="xyz"))
    ((key, value),) = stored.items.items()
    found = item_format.read(key, value)
    assert (found.size, found.timestamp) == (2 + 1 + 2 + 1 + 1 + 3, 1)
    assert orjson.loads(found.payload) == item(v="xyz")


def test_a_false_condition_writes_nothing() -> None:
    stored = Stored(indexed(**LOCAL, **GLOBAL))
    stored.put(item(a="x"))
    before = dict(stored.items), dict(stored.indexes)
    with pytest.raises(ConditionalCheckFailedException):
        stored.put(item(a="y"), ConditionExpression="attribute_not_exists(pk)")
    assert (stored.items, stored.indexes) == before


def test_deleting_what_is_not_there_changes_nothing() -> None:
    for table in (PLAIN, indexed(**LOCAL)):
        stored = Stored(table)
        request = delete_item.parse(
            {"TableName": "Music", "Key": item(), "ReturnValues": "ALL_OLD"}
        )
        evaluation = evaluate_write(table, request, stored.view(), 1)
        assert evaluation.unchanged
        assert evaluation.beside == []
        assert evaluation.answer == b"{}"


@pytest.mark.parametrize("indexes", [LOCAL, GLOBAL, LOCAL | GLOBAL])
def test_item_and_index_entries_leave_in_one_evaluation(indexes: dict[str, Any]) -> None:
    stored = Stored(indexed(**indexes))
    every = range(len(stored.table.indexes))
    stored.put(item(a="x"))
    stored.put(item("2", a="w"))
    stored.put(item("3"))  # Without `a`: no entry.
    for number in every:
        assert [entry["a"]["S"] for entry in stored.entries(number)] in (["w", "x"], ["x", "w"])
    stored.put(item(a="y"))  # The entry moves.
    stored.update("REMOVE a", sk="2")  # The entry goes.
    for number in every:
        assert stored.entries(number) == [item(a="y")]
    stored.delete()
    for number in every:
        assert stored.entries(number) == []


def test_an_index_entry_that_stays_the_same_is_not_written_again() -> None:
    projection = {"ProjectionType": "KEYS_ONLY"}
    table = indexed(GlobalSecondaryIndexes=[index("of-a", "a", Projection=projection)])
    stored = Stored(table)
    stored.put(item(a="x", v="1"))
    request = put_item.parse({"TableName": "Music", "Item": item(a="x", v="2")})
    assert evaluate_write(table, request, stored.view(), 2).beside == []


# ------------------------------------------------------------------------------------ the feed


def streamed(view_type: str | None, **indexes: Any) -> Table:
    stream = None if view_type is None else StreamSpecification(True, view_type)
    table = indexed(**indexes) if indexes else PLAIN
    return table.changed(stream=stream, latest_stream_label="label")


def changes_of(
    table: Table, request: Any, before: dict[str, Any] | None = None, **view: Any
) -> list[Change]:
    """What a write to an item leaves in the feed."""
    stored = Stored(table)
    if before is not None:
        stored.put(before)
    request.check(table)
    seen = replace(stored.view(), **view)
    beside = evaluate_write(table, request, seen, 9).beside
    return [decode(key, value or b"") for family, key, value in beside if family == "changes"]


def put(**attributes: str) -> Any:
    return put_item.parse({"TableName": "Music", "Item": item(**attributes)})


def delete() -> Any:
    return delete_item.parse({"TableName": "Music", "Key": item()})


@pytest.mark.parametrize(
    "view_type, old, new",
    [
        ("KEYS_ONLY", False, False),
        ("OLD_IMAGE", True, False),
        ("NEW_IMAGE", False, True),
        ("NEW_AND_OLD_IMAGES", True, True),
    ],
)
def test_a_stream_s_view_says_which_images_are_kept(view_type: str, old: bool, new: bool) -> None:
    table = streamed(view_type)
    key = keys.item_key(table, item())
    before, after = orjson.dumps(item(v="1")), orjson.dumps(item(v="2"))
    both = ChangeFlag.EXISTED | ChangeFlag.EXISTS

    (modified,) = changes_of(table, put(v="2"), item(v="1"))
    assert modified == Change(9, both, key, before if old else b"", after if new else b"")
    (inserted,) = changes_of(table, put(v="2"))
    assert inserted == Change(9, ChangeFlag.EXISTS, key, b"", after if new else b"")
    (removed,) = changes_of(table, delete(), item(v="1"))
    assert removed == Change(9, ChangeFlag.EXISTED, key, before if old else b"", b"")


def test_a_write_that_changes_nothing_leaves_no_record() -> None:
    table = streamed("NEW_AND_OLD_IMAGES")

    assert changes_of(table, put(v="1"), item(v="1")) == []
    assert changes_of(table, delete()) == []
    assert changes_of(indexed(**GLOBAL), put(v="2"), item(v="1")) == [], "nobody follows"


def test_where_indexes_follow_the_feed_both_images_are_kept_and_no_entry_is_written() -> None:
    table = streamed(None, **GLOBAL, **LOCAL)
    (change,) = changes_of(table, put(a="y"), item(a="x"), feeds_indexes=True, partition_id=77)
    assert (change.before, change.after) == (orjson.dumps(item(a="x")), orjson.dumps(item(a="y")))

    request = put(a="y")
    view = replace(Stored(table).view(), feeds_indexes=True, partition_id=77)
    beside = evaluate_write(table, request, view, 9).beside
    assert {family for family, _, _ in beside} == {"indexes", "changes"}, "local ones at once"
    assert [key for family, key, _ in beside if family == "changes"] == [change_key(77, 9)]


def test_a_table_s_identifier_names_the_feed_where_one_process_holds_all_tables() -> None:
    table = streamed("KEYS_ONLY")
    beside = evaluate_write(table, put(v="2"), Stored(table).view(), 9).beside
    assert [key for _, key, _ in beside] == [change_key(table.identifier, 9)]


def test_a_write_moves_the_entry_of_the_item_by_its_expiry() -> None:
    """One batch has both, so the index by expiry never differs from the items."""
    table = replace(PLAIN, time_to_live=TimeToLive("ends", "ENABLED", 1.0))
    key = keys.item_key(table, item())

    def moved(before: dict[str, Any] | None, request: Any) -> list[Any]:
        stored = None if before is None else item_format.encode(key, orjson.dumps(before), 9, 1)
        view = View(lambda _: stored, lambda _: None, partition_id=7)
        return evaluate_write(table, request, view, 5).beside

    def ending(second: int) -> dict[str, Any]:
        return {**item(), "ends": {"N": str(second)}}

    def put_ending(second: int) -> Any:
        return put_item.parse({"TableName": "Music", "Item": ending(second)})

    assert moved(None, put_ending(50)) == expiry.changes(7, key, None, 50)
    assert moved(ending(50), put_ending(60)) == expiry.changes(7, key, 50, 60)
    assert moved(ending(50), put_ending(50)) == []
    assert moved(ending(50), put()) == moved(ending(50), delete())
    assert moved(ending(50), delete()) == expiry.changes(7, key, 50, None)
    assert moved(None, delete()) == []


def test_capacity_counts_the_larger_item_and_every_index_changed() -> None:
    stored = Stored(indexed(**LOCAL, **GLOBAL))
    stored.put(item(a="x", v="v" * 3000))
    consumed = stored.put(item(a="y"), ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]
    # 3,010 bytes before: 3 units for the item; each index pays for a delete of 3 and a put of 1.
    assert consumed == {
        "TableName": "Music",
        "CapacityUnits": 11.0,
        "Table": {"CapacityUnits": 3.0},
        "LocalSecondaryIndexes": {"by-a": {"CapacityUnits": 4.0}},
        "GlobalSecondaryIndexes": {"of-a": {"CapacityUnits": 4.0}},
    }


def test_reads_cost_by_size_and_consistency_and_half_a_unit_for_nothing() -> None:
    stored = Stored(PLAIN)
    stored.put(item(v="v" * 5000))

    def units(sk: str, consistent: bool) -> float:
        members = {"ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL"}
        return float(stored.get(sk, **members)["ConsumedCapacity"]["CapacityUnits"])

    assert [units("1", True), units("1", False)] == [2.0, 1.0]
    assert [units("none", True), units("none", False)] == [1.0, 0.5]


def test_a_projection_answers_what_it_names_and_nothing_for_nothing() -> None:
    stored = Stored(PLAIN)
    stored.put(item(v="1", w="2"))
    assert stored.get(ProjectionExpression="v") == {"Item": {"v": {"S": "1"}}}
    assert stored.get("none", ProjectionExpression="v") == {}
    assert stored.get("none") == {}


def test_the_size_of_a_collection_is_its_items_with_their_local_entries() -> None:
    stored = Stored(indexed(**LOCAL, **GLOBAL))
    item_bytes = 2 + 1 + 2 + 1
    stored.put(item())
    assert stored.collection_bytes() == item_bytes
    stored.put(item("2", a="xyz"))
    assert stored.collection_bytes() == item_bytes + 2 * (item_bytes + 4)
    stored.update("SET a = :a", sk="2", ExpressionAttributeValues={":a": {"S": "x"}})
    assert stored.collection_bytes() == item_bytes + 2 * (item_bytes + 2)
    stored.delete("2")
    stored.delete("1")
    assert stored.collection_bytes() is None, "an empty collection leaves nothing behind"


def test_no_collection_is_counted_without_local_indexes() -> None:
    stored = Stored(indexed(**GLOBAL))
    stored.put(item(a="x"), ReturnItemCollectionMetrics="SIZE")
    assert stored.indexes == {}


def with_collection_of(bytes_kept: int) -> Stored:
    stored = Stored(indexed(**LOCAL))
    stored.put(item())
    key = keys.collection_counter_key(stored.table, item())
    stored.indexes[key] = bytes_kept.to_bytes(8, "big")
    return stored


def test_a_collection_over_ten_gigabytes_takes_no_more_but_gives_and_shrinks() -> None:
    stored = with_collection_of(ITEM_COLLECTION_BYTES_MAX)
    grow: list[Callable[[], Any]] = [
        lambda: stored.put(item("2")),
        lambda: stored.put(item(v="more")),
        lambda: stored.update("SET v = :v", ExpressionAttributeValues={":v": {"S": "x"}}),
    ]
    for write in grow:
        with pytest.raises(ItemCollectionSizeLimitExceededException):
            write()
    assert stored.put(item()) == {}
    assert stored.get() == {"Item": item()}
    stored.delete()
    assert stored.collection_bytes() == ITEM_COLLECTION_BYTES_MAX - 6
    stored.put(item())
    assert stored.collection_bytes() == ITEM_COLLECTION_BYTES_MAX


def test_collection_metrics_name_the_collection_and_its_gigabytes() -> None:
    stored = with_collection_of(3 * GIGABYTE + 5)
    answer = stored.put(item("2"), ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"pk": {"S": "a"}},
        "SizeEstimateRangeGB": [3.0, 4.0],
    }


def test_a_damaged_item_is_neither_read_nor_written_over_unseen() -> None:
    stored = Stored(PLAIN)
    stored.put(item(v="1"))
    ((key, value),) = stored.items.items()
    stored.items[key] = value[:-3] + b"?" + value[-2:]
    with pytest.raises(Damaged):
        stored.get()
    with pytest.raises(Damaged):
        stored.update("SET v = :v", ExpressionAttributeValues={":v": {"S": "x"}})
    stored.put(item(v="2"))  # A blind put heals it.
    assert stored.get() == {"Item": item(v="2")}
