"""GlobalSecondaryIndexUpdates: an index comes, changes and goes, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stator_core.errors import (
    DynamoDBError,
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
    ValidationException,
)
from stator_core.requests.index_updates import (
    CreateIndex,
    DeleteIndex,
    UpdateIndex,
    creates_or_deletes,
    parse_index_updates,
)
from stator_core.table import Index, KeyAttribute, OnDemandThroughput, Table
from stator_core.table_status import (
    index_active,
    index_backfilling,
    index_removed,
    table_active,
    with_index,
)
from table_bodies import (
    HOUR,
    NOW,
    UNITS,
    active,
    attributes,
    create_body,
    index,
    keys,
    new_index,
    provisioned_body,
    ranged_body,
    updated,
    with_two_indexes,
)

P = "One or more parameter values were invalid: "
IN_USE = "Attempt to change a resource which is still in use: "
ONE_AT_A_TIME = (
    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
    "table"
)
ON_DEMAND = active(create_body())
PROVISIONED = active(
    provisioned_body(
        AttributeDefinitions=attributes(pk="S", a="S"),
        GlobalSecondaryIndexes=[index("by-a", "a", ProvisionedThroughput=UNITS)],
    )
)


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def changes(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"GlobalSecondaryIndexUpdates": list(entries)}


def update(name: str, **members: Any) -> dict[str, Any]:
    return {"Update": {"IndexName": name, **members}}


def delete(name: str) -> dict[str, Any]:
    return {"Delete": {"IndexName": name}}


def refusal(table: Table, **members: Any) -> DynamoDBError:
    with pytest.raises(DynamoDBError) as caught:
        updated(table, **members)
    return caught.value


def named(table: Table, name: str) -> Index:
    found = table.index(name)
    assert found is not None
    return found


def test_each_entry_is_exactly_one_change() -> None:
    """17.4"""
    for table in (ON_DEMAND, with_two_indexes()):
        assert refusal(table, **changes({})).message == (
            P + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
            "GlobalSecondaryIndexUpdate.Delete must not be null"
        )
    both = {**update("by-a"), **delete("by-a")}
    assert refusal(with_two_indexes(), **changes(both)).message == (
        P + "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
        "object"
    )


def test_an_index_is_named_once() -> None:
    """17.4"""
    assert refusal(with_two_indexes(), **changes(delete("by-a"), delete("by-a"))).message == (
        P + "Only one global secondary index update per index is allowed simultaneously. Index: "
        "by-a"
    )


def test_one_index_is_created_or_deleted_at_a_time() -> None:
    """17.4"""
    table = with_two_indexes()
    in_one_call = refusal(table, **changes(delete("by-a"), delete("by-b")))
    assert isinstance(in_one_call, LimitExceededException)
    assert in_one_call.message == ONE_AT_A_TIME

    creating = updated(table, **new_index("by-c", "c"))
    assert refusal(creating, **changes(delete("by-a"))).message == ONE_AT_A_TIME
    assert refusal(creating, **new_index("by-d", "d")).message == ONE_AT_A_TIME
    backfilling = index_backfilling(creating, "by-c")
    assert refusal(backfilling, **new_index("by-d", "d")).message == ONE_AT_A_TIME
    deleting = updated(table, **changes(delete("by-a")))
    assert refusal(deleting, **changes(delete("by-b"))).message == ONE_AT_A_TIME


def test_a_name_that_is_taken_and_one_that_is_unknown() -> None:
    """17.4"""
    table = with_two_indexes()
    taken = refusal(table, **new_index("by-a", "a"))
    assert isinstance(taken, ValidationException)
    assert taken.message == "Attempting to create an index which already exists"

    for entry in (delete("ghost"), update("ghost", OnDemandThroughput={"MaxReadRequestUnits": 1})):
        unknown = refusal(table, **changes(entry))
        assert isinstance(unknown, ResourceNotFoundException)
        assert unknown.message == "Requested resource not found: Index ghost for table Music"


def test_a_local_index_neither_changes_nor_goes() -> None:
    """17.4"""
    table = active(
        ranged_body(
            AttributeDefinitions=attributes(pk="S", sk="S", a="S"),
            LocalSecondaryIndexes=[index("local", "pk", "a")],
        )
    )

    for verb, entry in (
        ("delete", delete("local")),
        ("update", update("local", WarmThroughput={"ReadUnitsPerSecond": 20_000})),
    ):
        error = refusal(table, **changes(entry))
        assert isinstance(error, ValidationException)
        assert error.message == (
            f"Cannot {verb} an index that is not a GlobalSecondaryIndex: local"
        )
    assert refusal(table, **new_index("local", "b")).message == (
        "Attempting to create an index which already exists"
    )


def test_the_keys_of_a_new_index_are_defined_in_the_request() -> None:
    """17.5"""
    create = {"Create": index("by-a", "a")}
    assert refusal(with_two_indexes(), **changes(create)).message == (
        P + "AttributeDefinitions is not specified for index: by-a"
    )
    assert refusal(
        ON_DEMAND, AttributeDefinitions=attributes(z="S"), **changes(create)
    ).message == (
        P + "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], "
        "AttributeDefinitions: [z]"
    )
    assert refusal(ON_DEMAND, AttributeDefinitions=[], **changes(create)).message == (
        "Invalid KeySchema: Some index key attribute have no definition"
    )


def test_definitions_merge_and_the_stored_type_stays() -> None:
    """26.99"""
    table = updated(
        with_two_indexes(),
        AttributeDefinitions=attributes(b="S", unused="S", c="B"),
        **changes({"Create": index("by-b-c", "b", "c")}),
    )

    assert [(one.name, one.type) for one in table.attribute_definitions] == [
        ("a", "S"),
        ("b", "N"),
        ("c", "B"),
        ("pk", "S"),
        ("sk", "S"),
    ]
    assert named(table, "by-b-c").key_schema.hash == (KeyAttribute("b", "N"),)


def test_a_new_index_goes_from_allocation_over_backfill_to_active() -> None:
    """17.6"""
    table = updated(ON_DEMAND, **new_index("by-a", "a"))
    assert (table.status, named(table, "by-a").status) == ("UPDATING", "CREATING")
    assert named(table, "by-a").backfilling is False
    assert named(table, "by-a").identifier == 100

    table = index_backfilling(table, "by-a")
    assert (table.status, named(table, "by-a").backfilling) == ("ACTIVE", True)

    table = index_active(table, "by-a")
    assert (table.status, named(table, "by-a").status) == ("ACTIVE", "ACTIVE")
    assert named(table, "by-a").backfilling is None


def test_a_new_index_can_be_deleted_while_it_backfills_and_not_before() -> None:
    """17.6"""
    table = updated(ON_DEMAND, **new_index("by-a", "a"))
    error = refusal(table, **changes(delete("by-a")))
    assert isinstance(error, ResourceInUseException)
    assert error.message == (
        IN_USE + "Index creation is in resource allocation phase. Retry deletion during "
        "backfilling phase or when the index is active. Table: Music Index: by-a"
    )

    table = updated(index_backfilling(table, "by-a"), **changes(delete("by-a")))
    assert (table.status, named(table, "by-a").status) == ("UPDATING", "DELETING")
    assert named(table, "by-a").backfilling is None


def test_a_deleted_index_takes_its_definitions_along() -> None:
    """26.99"""
    table = updated(with_two_indexes(), **changes(delete("by-a")))
    assert (table.status, named(table, "by-a").status) == ("UPDATING", "DELETING")
    again = refusal(table, **changes(delete("by-a")))
    assert again.message == IN_USE + "Index is being deleted. Table: Music Index: by-a"
    recreated = refusal(table, **new_index("by-a", "a"))
    assert recreated.message == again.message

    table = index_removed(table, "by-a")
    assert table.status == "ACTIVE"
    assert [one.name for one in table.global_indexes] == ["by-b"]
    assert [one.name for one in table.attribute_definitions] == ["b", "pk", "sk"]


def test_the_twenty_first_index_is_over_the_limit() -> None:
    many = [index(f"index{number}", "a") for number in range(20)]
    table = active(
        create_body(AttributeDefinitions=attributes(pk="S", a="S"), GlobalSecondaryIndexes=many)
    )
    error = refusal(table, **new_index("another", "a"))

    assert isinstance(error, LimitExceededException)
    assert error.message == (
        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of "
        "20"
    )


@pytest.mark.parametrize(
    "table, entry, message",
    [
        (
            PROVISIONED,
            {"Create": index("by-b", "b")},
            "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: by-b",
        ),
        (
            ON_DEMAND,
            {"Create": index("by-b", "b", ProvisionedThroughput=UNITS)},
            (
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: by-b "
                "when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (
            ON_DEMAND,
            {"Create": index("by-b", "b", OnDemandThroughput={"MaxReadRequestUnits": -1})},
            (
                "Requested MaxReadRequestUnits for OnDemandThroughput for index : by-b is outside "
                "of valid range"
            ),
        ),
        (
            ON_DEMAND,
            {"Create": index("by-b", "b", WarmThroughput={"WriteUnitsPerSecond": 1})},
            (
                "Requested WriteUnitsPerSecond for WarmThroughput for index by-b is lower than "
                "initial throughput for OnDemand. See: "
                "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
                "on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
            ),
        ),
        (
            ON_DEMAND,
            {"Create": {**index("by-b", "b"), "Projection": {"ProjectionType": "INCLUDE"}}},
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            with_two_indexes(),
            update("by-a", ProvisionedThroughput=UNITS),
            (
                "The only Updates for index: by-a when TableThroughputMode is PAY_PER_REQUEST can "
                "be to OnDemandThroughput, WarmThroughput"
            ),
        ),
        (
            with_two_indexes(),
            update("by-a", OnDemandThroughput={}),
            (
                "The only Updates for index: by-a when TableThroughputMode is PAY_PER_REQUEST can "
                "be to OnDemandThroughput, WarmThroughput"
            ),
        ),
        (
            with_two_indexes(),
            update("by-a", WarmThroughput={"ReadUnitsPerSecond": 1}),
            (
                "Requested ReadUnitsPerSecond for WarmThroughput for index by-a is lower than "
                "current WarmThroughput, decreasing WarmThroughput is not supported"
            ),
        ),
        (
            with_two_indexes(),
            update("by-a", WarmThroughput={}),
            (
                "WarmThroughput must have at least one of ReadUnitsPerSecond or "
                "WriteUnitsPerSecond specified for index: by-a"
            ),
        ),
        (
            PROVISIONED,
            update("by-a"),
            "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: by-a",
        ),
        (
            PROVISIONED,
            update("by-a", OnDemandThroughput={"MaxReadRequestUnits": 1}),
            (
                "MaxReadRequestUnits for OnDemandThroughput for index : by-a cannot be specified "
                "when the table BillingMode is PROVISIONED"
            ),
        ),
    ],
)
def test_each_rule_of_an_index_has_its_own_refusal(
    table: Table, entry: dict[str, Any], message: str
) -> None:
    assert (
        refusal(table, AttributeDefinitions=attributes(b="S"), **changes(entry)).message
        == P + message
    )


def test_units_of_an_index_change_and_equal_ones_do_not() -> None:
    table = updated(PROVISIONED, **changes(update("by-a", ProvisionedThroughput=units(6, 5))))
    assert (table.status, named(table, "by-a").status) == ("ACTIVE", "UPDATING")
    assert named(table, "by-a").throughput.last_increase == NOW + HOUR
    assert named(table, "by-a").warm_throughput == (6, 5)
    busy = refusal(table, **changes(update("by-a", ProvisionedThroughput=units(9, 9))))
    assert busy.message == IN_USE + "Index is being updated. Table: Music Index: by-a"
    assert named(table_active(table), "by-a").status == "ACTIVE"

    same = refusal(PROVISIONED, **changes(update("by-a", ProvisionedThroughput=UNITS)))
    assert same.message == (
        "The provisioned throughput for the index by-a will not change. The requested value equals "
        "the current value. Current ReadCapacityUnits provisioned for index by-a: 5. Requested "
        "ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for index by-a: 5. Requested "
        "WriteCapacityUnits: 5. Refer to the Amazon DynamoDB Developer Guide for current limits "
        "and how to request higher limits."
    )


def test_caps_and_warm_units_of_an_index_change() -> None:
    table = updated(
        with_two_indexes(),
        **changes(
            update("by-a", OnDemandThroughput={"MaxReadRequestUnits": 4}),
            update("by-b", WarmThroughput={"ReadUnitsPerSecond": 13_000}),
        ),
    )
    assert named(table, "by-a").on_demand_throughput == OnDemandThroughput(4)
    assert named(table, "by-a").status == "UPDATING"
    assert named(table, "by-b").warm_throughput == (13_000, 4_000)
    assert named(table, "by-b").status == "ACTIVE"

    table = updated(
        table_active(table),
        **changes(update("by-a", OnDemandThroughput={"MaxReadRequestUnits": -1})),
    )
    assert named(table, "by-a").on_demand_throughput is None


def test_an_index_that_is_allocated_does_not_change_but_another_does() -> None:
    table = updated(with_two_indexes(), **new_index("by-c", "c"))
    caps = {"OnDemandThroughput": {"MaxReadRequestUnits": 4}}

    assert refusal(table, **changes(update("by-c", **caps))).message == (
        IN_USE + "Index is being created but is not backfilling yet. Table: Music Index: by-c"
    )
    assert named(updated(table, **changes(update("by-a", **caps))), "by-a").status == "UPDATING"


def test_projected_attributes_are_counted_over_all_indexes() -> None:
    names = [f"n{number}" for number in range(20)]
    included = {"ProjectionType": "INCLUDE", "NonKeyAttributes": names}
    table = with_two_indexes()
    for number in range(5):
        copied = replace(
            named(table, "by-a"),
            name=f"copy{number}",
            projection=replace(
                named(table, "by-a").projection, type="INCLUDE", non_key_attributes=tuple(names)
            ),
        )
        table = table.changed(global_indexes=(*table.global_indexes, copied))

    error = refusal(table, **new_index("one-more", "c", Projection=included))
    assert error.message == (
        P + "Number of projected NonKeyAttributes exceeds per-table limit of 100"
    )


def test_entries_become_typed_changes() -> None:
    entries = [
        {"Create": index("by-a", "a")},
        update("by-b", ProvisionedThroughput=UNITS),
        delete("by-c"),
    ]
    parsed = parse_index_updates(entries, attributes(a="S"))

    assert [type(one) for one in parsed] == [CreateIndex, UpdateIndex, DeleteIndex]
    assert [one.name for one in parsed] == ["by-a", "by-b", "by-c"]
    assert creates_or_deletes(parsed) == 2


def test_the_key_of_a_new_index_may_have_many_attributes() -> None:
    """26.98"""
    schema = keys("a", "b", "c", types=("HASH", "HASH", "RANGE"))
    table = updated(
        ON_DEMAND,
        AttributeDefinitions=attributes(a="S", b="S", c="N"),
        **changes({"Create": {**index("many"), "KeySchema": schema}}),
    )

    assert named(table, "many").key_schema.names == ("a", "b", "c")
    assert with_index(table, named(table, "many")) == table
