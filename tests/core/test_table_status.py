"""The life of tables and indexes: every step, and what each state refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stator_core.errors import (
    DynamoDBError,
    ResourceInUseException,
    ResourceNotFoundException,
    ValidationException,
)
from stator_core.table import StreamSpecification, Table
from stator_core.table_status import (
    BLOCKED,
    Change,
    awaits_table_active,
    check_absent,
    check_change_allowed,
    check_changeable,
    check_deletable,
    check_index_free,
    check_serves_data,
    index_active,
    index_backfilling,
    index_removed,
    not_found,
    table_active,
    table_deleting,
    with_index,
)
from table_bodies import active, create_body, created, index, ranged_body, with_two_indexes

IN_USE = "Attempt to change a resource which is still in use: "
PLAIN = active(create_body())


def busy(change: Any) -> Table:
    return PLAIN.changed(
        status="UPDATING",
        change_under_way=change,
        stream=StreamSpecification(True, "KEYS_ONLY"),
        latest_stream_label="2023-11-14T22:13:20.250",
        table_class="STANDARD_INFREQUENT_ACCESS",
    )


def with_index_in(status: str, backfilling: bool | None = None) -> Table:
    table = with_two_indexes()
    changed = replace(table.global_indexes[0], status=status, backfilling=backfilling)
    return with_index(table, changed).changed(status="UPDATING")


def refusal(check: Any, *arguments: Any, **options: Any) -> DynamoDBError:
    with pytest.raises(DynamoDBError) as caught:
        check(*arguments, **options)
    return caught.value


def test_a_new_table_and_its_indexes_become_active_together() -> None:
    table = created(
        ranged_body(
            LocalSecondaryIndexes=[index("local", "pk", "b")],
            GlobalSecondaryIndexes=[index("by-a", "a")],
        )
    )
    assert awaits_table_active(table)
    table = table_active(table)

    assert [table.status, *(one.status for one in table.indexes)] == ["ACTIVE"] * 3
    assert not awaits_table_active(table)


def test_a_changed_table_and_its_changed_indexes_become_active_together() -> None:
    table = with_index_in("UPDATING").changed(change_under_way="BILLING_MODE")
    assert awaits_table_active(table)
    table = table_active(table)

    assert (table.status, table.change_under_way) == ("ACTIVE", None)
    assert table.global_indexes[0].status == "ACTIVE"


@pytest.mark.parametrize("backfilling", [False, True])
def test_a_settled_table_leaves_a_new_index_where_it_is(backfilling: bool) -> None:
    table = table_active(with_index_in("CREATING", backfilling).changed(change_under_way="STREAM"))

    assert table.global_indexes[0].status == "CREATING"
    assert table.status == ("ACTIVE" if backfilling else "UPDATING")
    assert not awaits_table_active(table)


def test_an_index_on_its_way_keeps_the_table_updating_while_a_change_lasts() -> None:
    table = with_index_in("CREATING", False).changed(change_under_way="BILLING_MODE")

    assert index_backfilling(table, "by-a").status == "UPDATING"
    assert index_backfilling(table_active(table), "by-a").status == "ACTIVE"


def test_an_index_may_be_active_without_having_been_seen_backfilling() -> None:
    table = index_active(with_index_in("CREATING", False), "by-a")

    assert (table.status, table.global_indexes[0].status) == ("ACTIVE", "ACTIVE")
    assert table.global_indexes[0].backfilling is None


def test_a_removed_index_leaves_no_definition_that_nobody_uses() -> None:
    table = index_removed(with_index_in("DELETING"), "by-a")

    assert [one.name for one in table.global_indexes] == ["by-b"]
    assert [one.name for one in table.attribute_definitions] == ["b", "pk", "sk"]
    assert table.status == "ACTIVE"


def test_a_table_is_deleted_only_once() -> None:
    deleting = table_deleting(PLAIN)

    assert deleting.status == "DELETING"
    with pytest.raises(KeyError):
        table_deleting(deleting)


def test_a_name_is_taken_in_every_state() -> None:
    check_absent(None)

    assert refusal(check_absent, created(create_body())).message == (
        IN_USE + "Table is being created: Music"
    )
    for table in (PLAIN, table_deleting(PLAIN), busy("STREAM")):
        error = refusal(check_absent, table)
        assert isinstance(error, ResourceInUseException)
        assert error.message == "Table already exists: Music"


def test_an_absent_table_is_named_by_the_control_plane() -> None:
    """15.7"""
    error = not_found("Music")

    assert isinstance(error, ResourceNotFoundException)
    assert error.message == "Requested resource not found: Table: Music not found"


def test_item_operations_find_no_table_in_creating_or_deleting() -> None:
    """15.8"""
    check_serves_data(PLAIN)
    check_serves_data(busy("BILLING_MODE"))
    for table in (created(create_body()), table_deleting(PLAIN)):
        error = refusal(check_serves_data, table)
        assert isinstance(error, ResourceNotFoundException)
        assert error.message == "Requested resource not found"


def test_nothing_changes_in_creating_or_deleting() -> None:
    """17.3"""
    check_changeable(PLAIN)
    check_changeable(busy("STREAM"))

    assert refusal(check_changeable, created(create_body())).message == (
        IN_USE + "Table is being created: Music"
    )
    assert refusal(check_changeable, table_deleting(PLAIN)).message == (
        IN_USE + "Table is being deleted: Music"
    )


STREAM_TAIL = " Table: Music Stream: 2023-11-14T22:13:20.250 Operation: ENABLE"
CLASS_TAIL = " Table: Music TableClassUpdateInProgress: STANDARD_INFREQUENT_ACCESS"


@pytest.mark.parametrize(
    "table, change, detail",
    [
        (
            busy("THROUGHPUT"),
            "INDEX",
            "Can't create or delete indexes while table IOPS are being updated. Table: Music",
        ),
        (
            busy("BILLING_MODE"),
            "ON_DEMAND_THROUGHPUT",
            "OnDemandThroughput cannot be updated while BillingMode update is in progress",
        ),
        (
            busy("STREAM"),
            "THROUGHPUT",
            "Can't change table IOPS when stream status is being updated." + STREAM_TAIL,
        ),
        (
            busy("STREAM"),
            "STREAM",
            "A stream status change is currently in progress." + STREAM_TAIL,
        ),
        (
            busy("TABLE_CLASS"),
            "TABLE_CLASS",
            "Can't update table class when a table class update is in progress." + CLASS_TAIL,
        ),
        (
            with_index_in("CREATING", False),
            "STREAM",
            (
                "Can't change stream status when an index is being created. Table: Music Indexes: "
                "[by-a]"
            ),
        ),
        (
            with_index_in("CREATING", False),
            "ON_DEMAND_THROUGHPUT",
            (
                "OnDemandThroughput cannot be updated while index creation is in progress for "
                "indexes: [by-a]"
            ),
        ),
        (
            with_index_in("DELETING"),
            "THROUGHPUT",
            "Can't change table IOPS when an index is being deleted. Table: Music Indexes: [by-a]",
        ),
        (
            with_index_in("DELETING"),
            "ON_DEMAND_THROUGHPUT",
            (
                "OnDemandThroughput cannot be updated while index deletion is in progress for "
                "indexes: [by-a]"
            ),
        ),
    ],
)
def test_what_is_under_way_blocks_what_cannot_start_beside_it(
    table: Table, change: Change, detail: str
) -> None:
    error = refusal(check_change_allowed, table, change)

    assert isinstance(error, ResourceInUseException)
    assert error.message == IN_USE + detail


def test_a_stream_that_goes_is_named_as_disabled() -> None:
    table = busy("STREAM").changed(stream=None)

    assert str(refusal(check_change_allowed, table, "STREAM").message).endswith("DISABLE")


def test_every_blocked_pair_fills_its_text_and_every_other_pair_is_allowed() -> None:
    changes: tuple[Change, ...] = (
        "THROUGHPUT",
        "ON_DEMAND_THROUGHPUT",
        "STREAM",
        "TABLE_CLASS",
        "INDEX",
    )
    tables = {
        "THROUGHPUT": busy("THROUGHPUT"),
        "BILLING_MODE": busy("BILLING_MODE"),
        "STREAM": busy("STREAM"),
        "TABLE_CLASS": busy("TABLE_CLASS"),
        "INDEX_CREATION": with_index_in("CREATING", False),
        "INDEX_DELETION": with_index_in("DELETING"),
    }
    for under_way, table in tables.items():
        for change in changes:
            if (under_way, change) in BLOCKED:
                assert "{" not in str(refusal(check_change_allowed, table, change).message)
            else:
                check_change_allowed(table, change)
    for change in changes:
        check_change_allowed(PLAIN, change)
        check_change_allowed(with_index_in("CREATING", True), change)


def test_an_index_between_two_states_is_not_touched() -> None:
    def index_of(table: Table) -> Any:
        return table.global_indexes[0]

    for table, delete, words in (
        (with_index_in("DELETING"), True, "Index is being deleted."),
        (with_index_in("UPDATING"), False, "Index is being updated."),
        (
            with_index_in("CREATING", False),
            False,
            "Index is being created but is not backfilling yet.",
        ),
    ):
        error = refusal(check_index_free, table, index_of(table), delete=delete)
        assert error.message == f"{IN_USE}{words} Table: Music Index: by-a"
    backfilling = with_index_in("CREATING", True)
    check_index_free(backfilling, index_of(backfilling), delete=True)


def test_a_table_is_deleted_when_it_rests_and_is_not_protected() -> None:
    """17.9"""
    check_deletable(PLAIN)
    protected = refusal(check_deletable, PLAIN.changed(deletion_protection=True))
    assert isinstance(protected, ValidationException)
    assert protected.message == (
        "Resource cannot be deleted as it is currently protected against deletion. Disable "
        "deletion protection first."
    )


@pytest.mark.parametrize(
    "table, detail",
    [
        (created(create_body()), "Table is being created: Music"),
        (table_deleting(PLAIN), "Table is being deleted: Music"),
        (busy("THROUGHPUT"), "Table: Music is in the process of being updated."),
        (busy("STREAM"), "Cannot delete table while stream is being enabled/disabled."),
        (
            index_backfilling(with_index_in("CREATING", False), "by-a"),
            "Cannot delete table while indexes are being created, updated, or deleted.",
        ),
        (
            with_index_in("UPDATING"),
            "Cannot delete table while indexes are being created, updated, or deleted.",
        ),
    ],
)
def test_a_table_that_is_busy_is_not_deleted(table: Table, detail: str) -> None:
    """17.9, 26.112"""
    error = refusal(check_deletable, table)

    assert isinstance(error, ResourceInUseException)
    assert error.message == IN_USE + detail
