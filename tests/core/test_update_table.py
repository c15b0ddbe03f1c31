"""UpdateTable: what may change, what is refused and how, and the table right after the call."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from stator_core.errors import (
    DynamoDBError,
    LimitExceededException,
    ResourceInUseException,
    SerializationException,
    ValidationException,
)
from stator_core.requests.update_table import parse
from stator_core.table import OnDemandThroughput, Table
from stator_core.table_status import table_active, table_deleting
from table_bodies import (
    DAY,
    HOUR,
    NOW,
    UNITS,
    active,
    attributes,
    create_body,
    created,
    index,
    new_index,
    provisioned_body,
    ranged_body,
    update_answer,
    updated,
    with_two_indexes,
)

P = "One or more parameter values were invalid: "
IN_USE = "Attempt to change a resource which is still in use: "
ENVELOPE = "1 validation error detected: "
ON_DEMAND = active(create_body())
PROVISIONED = active(provisioned_body())
STREAM = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
SWITCH = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def refusal(table: Table, **members: Any) -> DynamoDBError:
    with pytest.raises(DynamoDBError) as caught:
        updated(table, **members)
    return caught.value


def invalid(table: Table, **members: Any) -> str | None:
    error = refusal(table, **members)
    assert isinstance(error, ValidationException)
    return error.message


def test_the_table_s_name_comes_first_and_an_arn_will_do() -> None:
    with pytest.raises(ValidationException) as caught:
        parse({"BillingMode": "X"})
    assert caught.value.message == (
        "The parameter 'TableName' is required but was not present in the request"
    )

    arn = "arn:aws:dynamodb:eu-west-2:123456789012:table/Music"
    assert parse({"TableName": arn, "DeletionProtectionEnabled": True}).table_name == "Music"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"AttributeDefinitions": attributes(pk="S")},
        {"GlobalSecondaryIndexUpdates": []},
        {"OnDemandThroughput": {}},
        {"WarmThroughput": {}},
        {"KeySchema": "not a list"},
    ],
)
def test_a_call_that_asks_for_nothing_is_refused(members: dict[str, Any]) -> None:
    """17.3"""
    assert invalid(ON_DEMAND, **members) == (
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
        "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
        "OnDemandThroughput, WarmThroughput or TableClass is required"
    )


def test_a_table_in_creating_or_deleting_does_not_change() -> None:
    """17.3"""
    creating = refusal(created(create_body()), DeletionProtectionEnabled=True)
    deleting = refusal(table_deleting(ON_DEMAND), DeletionProtectionEnabled=True)

    assert isinstance(creating, ResourceInUseException)
    assert creating.message == IN_USE + "Table is being created: Music"
    assert isinstance(deleting, ResourceInUseException)
    assert deleting.message == IN_USE + "Table is being deleted: Music"


def test_units_equal_to_the_present_ones_are_refused() -> None:
    """17.7"""
    message = (
        "The provisioned throughput for the table will not change. The requested value equals the "
        "current value. Current ReadCapacityUnits provisioned for the table: 5. Requested "
        "ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned for the table: 5. Requested "
        "WriteCapacityUnits: 5. Refer to the Amazon DynamoDB Developer Guide for current limits "
        "and how to request higher limits."
    )

    assert invalid(PROVISIONED, ProvisionedThroughput=UNITS) == message
    assert invalid(PROVISIONED, **SWITCH) == message


def test_units_change_up_and_down_with_their_times() -> None:
    raised = updated(PROVISIONED, ProvisionedThroughput=units(6, 6))
    assert (raised.status, raised.change_under_way) == ("UPDATING", "THROUGHPUT")
    assert raised.throughput.last_increase == NOW + HOUR
    assert raised.throughput.last_decrease is None
    assert raised.warm_throughput == (6, 6)

    mixed = updated(table_active(raised), now=NOW + DAY, ProvisionedThroughput=units(7, 1))
    assert mixed.throughput.last_increase == NOW + DAY
    assert mixed.throughput.last_decrease == NOW + DAY
    assert mixed.throughput.decreases_today == 1
    assert mixed.warm_throughput == (7, 6)


def test_the_answer_still_shows_the_old_units_but_the_new_time() -> None:
    shown = update_answer(PROVISIONED, ProvisionedThroughput=units(9, 9))

    assert shown["TableStatus"] == "UPDATING"
    assert shown["ProvisionedThroughput"] == {
        "LastIncreaseDateTime": NOW + HOUR,
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 5,
        "WriteCapacityUnits": 5,
    }


def test_the_fifth_decrease_within_an_hour_of_the_fourth_waits() -> None:
    table = active(provisioned_body(ProvisionedThroughput=units(9, 9)))
    for size in (8, 7, 6, 5):
        table = table_active(updated(table, ProvisionedThroughput=units(size, size)))

    error = refusal(table, now=NOW + HOUR + 60, ProvisionedThroughput=units(4, 4))
    assert isinstance(error, LimitExceededException)
    assert error.message == (
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
        "UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be "
        "performed at most once every 3600 seconds. Number of decreases today: 4. Last decrease at "
        "Tuesday, November 14, 2023 11:13:20 PM UTC. Next decrease can be made at Wednesday, "
        "November 15, 2023 12:13:20 AM UTC"
    )
    midnight = updated(table, now=NOW + 2 * HOUR - 10, ProvisionedThroughput=units(4, 4))
    assert midnight.throughput.decreases_today == 1


@pytest.mark.parametrize(
    "table, members, message",
    [
        pytest.param(
            ON_DEMAND,
            {"ProvisionedThroughput": UNITS},
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST",
            id="units for an on-demand table",
        ),
        pytest.param(
            PROVISIONED,
            {"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": UNITS},
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST",
            id="units with a switch to on-demand",
        ),
        pytest.param(
            ON_DEMAND,
            {"BillingMode": "PROVISIONED"},
            "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            id="a switch to provisioned without units",
        ),
        pytest.param(
            with_two_indexes(),
            SWITCH,
            "ProvisionedThroughput must be specified for index: by-a,by-b",
            id="a switch to provisioned without the indexes' units",
        ),
        pytest.param(
            PROVISIONED,
            {"OnDemandThroughput": {"MaxReadRequestUnits": 5}},
            "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table "
            "BillingMode is PROVISIONED",
            id="26.100: caps for a provisioned table",
        ),
        pytest.param(
            ON_DEMAND,
            {"OnDemandThroughput": {"MaxReadRequestUnits": -2}},
            "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid "
            "range",
            id="26.100: caps below -1",
        ),
        pytest.param(
            ON_DEMAND,
            {"OnDemandThroughput": {"MaxWriteRequestUnits": 0}},
            "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid "
            "range",
            id="26.100: a cap of nothing",
        ),
        pytest.param(
            ON_DEMAND,
            {"WarmThroughput": {"ReadUnitsPerSecond": 11_999}},
            "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current "
            "WarmThroughput, decreasing WarmThroughput is not supported",
            id="warm units go up only",
        ),
        pytest.param(
            ON_DEMAND,
            {"StreamSpecification": {"StreamEnabled": True}},
            "If stream is being enabled then UpdateViewType is required",
            id="a stream without a view type",
        ),
        pytest.param(
            ON_DEMAND,
            {"StreamSpecification": {"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}},
            "If stream is being disabled, then UpdateViewType must not be specified",
            id="no stream with a view type",
        ),
        pytest.param(
            ON_DEMAND,
            {"SSESpecification": {"Enabled": False}},
            "Table is already encrypted by default",
            id="no encryption where there is none",
        ),
        pytest.param(
            ON_DEMAND,
            {"ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]},
            "ReplicaUpdates is not supported yet",
            id="replicas are refused, not ignored",
        ),
        pytest.param(
            ON_DEMAND,
            {"VectorIndexUpdates": [], "DeletionProtectionEnabled": True},
            "VectorIndexUpdates is not supported yet",
            id="vector indexes are refused, not ignored",
        ),
    ],
)
def test_each_rule_of_a_change_has_its_own_refusal(
    table: Table, members: dict[str, Any], message: str
) -> None:
    assert invalid(table, **members) == P + message


def test_a_table_becomes_on_demand_and_back() -> None:
    on_demand = updated(PROVISIONED, BillingMode="PAY_PER_REQUEST")
    assert (on_demand.status, on_demand.change_under_way) == ("UPDATING", "BILLING_MODE")
    assert on_demand.last_update_to_pay_per_request == NOW + HOUR
    assert on_demand.throughput.read_capacity_units == 0
    assert on_demand.warm_throughput == (12_000, 4_000)

    capped = table_active(on_demand).changed(on_demand_throughput=OnDemandThroughput(9, 9))
    back = updated(capped, now=NOW + DAY, **SWITCH)
    assert back.billing_mode == "PROVISIONED"
    assert back.throughput.read_capacity_units == 5
    assert back.throughput.last_increase is None
    assert back.on_demand_throughput is None  # 26.101: the switch clears the caps.
    assert back.warm_throughput == (12_000, 4_000)
    assert back.last_update_to_pay_per_request == NOW + HOUR


def test_a_switch_to_on_demand_may_bring_caps_and_its_answer_has_no_date() -> None:
    members: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "OnDemandThroughput": {"MaxReadRequestUnits": 3},
    }
    shown = update_answer(PROVISIONED, **members)

    assert updated(PROVISIONED, **members).on_demand_throughput == OnDemandThroughput(3)
    assert shown["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert shown["OnDemandThroughput"] == {"MaxReadRequestUnits": 3}


def test_the_indexes_follow_the_mode_of_their_table() -> None:
    update = {"ProvisionedThroughput": units(2, 2)}
    table = updated(
        with_two_indexes(),
        **SWITCH,
        GlobalSecondaryIndexUpdates=[
            {"Update": {"IndexName": name, **update}} for name in ("by-a", "by-b")
        ],
    )
    assert [one.throughput.read_capacity_units for one in table.global_indexes] == [2, 2]
    assert [one.throughput.last_increase for one in table.global_indexes] == [None, None]
    assert {one.status for one in table.global_indexes} == {"UPDATING"}

    back = updated(table_active(table), now=NOW + DAY, BillingMode="PAY_PER_REQUEST")
    assert [one.throughput.read_capacity_units for one in back.global_indexes] == [0, 0]
    assert back.global_indexes[0].warm_throughput == (12_000, 4_000)


def test_the_present_mode_is_taken_and_changes_nothing() -> None:
    assert updated(ON_DEMAND, BillingMode="PAY_PER_REQUEST") == ON_DEMAND
    assert update_answer(ON_DEMAND, BillingMode="PAY_PER_REQUEST")["TableStatus"] == "UPDATING"


def test_caps_are_merged_member_by_member_and_removed_by_minus_one() -> None:
    """26.101"""
    table = updated(
        ON_DEMAND, OnDemandThroughput={"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5}
    )
    assert table.status == "ACTIVE"
    table = updated(table, OnDemandThroughput={"MaxReadRequestUnits": 20})
    assert table.on_demand_throughput == OnDemandThroughput(20, 5)

    shown = update_answer(table, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert shown["OnDemandThroughput"] == {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 5}
    table = updated(table, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert table.on_demand_throughput == OnDemandThroughput(None, 5)
    table = updated(table, OnDemandThroughput={"MaxWriteRequestUnits": -1})
    assert table.on_demand_throughput is None


def test_warm_units_are_raised_at_once() -> None:
    table = updated(ON_DEMAND, WarmThroughput={"WriteUnitsPerSecond": 4_001})

    assert (table.status, table.warm_throughput) == ("ACTIVE", (12_000, 4_001))
    assert updated(table, WarmThroughput={"WriteUnitsPerSecond": 4_001}) == table


def test_a_stream_is_enabled_once_and_disabled_once() -> None:
    """17.8"""
    table = updated(ON_DEMAND, StreamSpecification=STREAM)
    assert (table.status, table.change_under_way) == ("UPDATING", "STREAM")
    assert table.latest_stream_label == "2023-11-14T23:13:20.250"
    table = table_active(table)
    other = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    for again in (STREAM, other):
        assert invalid(table, StreamSpecification=again) == (
            "Table already has an enabled stream: TableName: Music"
        )

    table = table_active(updated(table, StreamSpecification={"StreamEnabled": False}))
    assert (table.stream, table.latest_stream_label) == (None, "2023-11-14T23:13:20.250")
    assert invalid(table, StreamSpecification={"StreamEnabled": False}) == (
        "Table has no stream to disable: TableName: Music"
    )

    table = updated(table, now=NOW + DAY, StreamSpecification=STREAM)
    assert table.latest_stream_label == "2023-11-15T22:13:20.250"


def test_encryption_changes_at_once_and_its_own_key_again_is_refused() -> None:
    key = "arn:aws:kms:eu-west-2:123456789012:key/k"
    wanted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    table = updated(ON_DEMAND, SSESpecification=wanted)
    assert table.status == "ACTIVE"
    assert table.sse == wanted
    assert invalid(table, SSESpecification=wanted) == (
        P + "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if "
        "you want to change Master Key"
    )
    assert updated(table, SSESpecification={"Enabled": True}).sse == {
        "Enabled": True,
        "SSEType": "KMS",
    }
    assert updated(table, SSESpecification={"Enabled": False}).sse is None


def test_the_class_changes_with_its_time_and_the_answer_shows_the_old_one() -> None:
    """17.14"""
    infrequent = {"TableClass": "STANDARD_INFREQUENT_ACCESS"}
    table = updated(ON_DEMAND, **infrequent)
    assert (table.status, table.change_under_way) == ("UPDATING", "TABLE_CLASS")
    assert table.table_class_updated == NOW + HOUR
    assert "TableClassSummary" not in update_answer(ON_DEMAND, **infrequent)

    table = table_active(table)
    shown = update_answer(table, now=NOW + DAY, TableClass="STANDARD")
    assert shown["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert updated(table, TableClass="STANDARD").table_class == "STANDARD"
    assert updated(ON_DEMAND, TableClass="STANDARD") == ON_DEMAND
    assert invalid(ON_DEMAND, TableClass="GLACIER") == (
        "Invalid table-class parameter provided. Please try again with a valid table-class value: "
        "[STANDARD, STANDARD_INFREQUENT_ACCESS]."
    )


def test_protection_is_there_at_once_and_given_again_for_nothing() -> None:
    table = updated(ON_DEMAND, DeletionProtectionEnabled=True)

    assert (table.status, table.deletion_protection) == ("ACTIVE", True)
    assert updated(table, DeletionProtectionEnabled=True) == table
    assert not updated(table, DeletionProtectionEnabled=False).deletion_protection


def test_attribute_definitions_beside_another_change_are_ignored() -> None:
    """26.99"""
    retyped = attributes(pk="N", spare="B")
    table = updated(ON_DEMAND, AttributeDefinitions=retyped, DeletionProtectionEnabled=True)

    assert table.attribute_definitions == ON_DEMAND.attribute_definitions


def test_an_empty_list_of_index_changes_beside_another_change_is_refused() -> None:
    assert invalid(ON_DEMAND, GlobalSecondaryIndexUpdates=[], DeletionProtectionEnabled=True) == (
        P + "List of GlobalSecondaryIndexUpdates is empty"
    )


def test_wrong_members_are_listed_together() -> None:
    tail = " failed to satisfy constraint: Member must "

    assert invalid(
        ON_DEMAND,
        ProvisionedThroughput={},
        GlobalSecondaryIndexUpdates=[
            {"Update": {"IndexName": "a", "ProvisionedThroughput": units(1, 0)}},
            {"Delete": {}},
        ],
        StreamSpecification={"StreamViewType": "ALL"},
        SSESpecification={"KMSMasterKeyId": ""},
    ) == (
        "8 validation errors detected: "
        f"Value null at 'provisionedThroughput.writeCapacityUnits'{tail}not be null; "
        f"Value null at 'provisionedThroughput.readCapacityUnits'{tail}not be null; "
        f"Value 'a' at 'globalSecondaryIndexUpdates.1.member.update.indexName'{tail}have length "
        "greater than or equal to 3; Value '0' at 'globalSecondaryIndexUpdates.1.member.update."
        f"provisionedThroughput.writeCapacityUnits'{tail}have value greater than or equal to 1; "
        f"Value null at 'globalSecondaryIndexUpdates.2.member.delete.indexName'{tail}not be null; "
        f"Value null at 'streamSpecification.streamEnabled'{tail}not be null; "
        f"Value 'ALL' at 'streamSpecification.streamViewType'{tail}satisfy enum value set: "
        "[OLD_IMAGE, KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE]; "
        f"Value '' at 'sSESpecification.kMSMasterKeyId'{tail}have length greater than or equal to 1"
    )


def test_types_come_before_constraints() -> None:
    with pytest.raises(SerializationException) as caught:
        parse({"TableName": "x", "GlobalSecondaryIndexUpdates": {}})

    assert caught.value.message == "Start of structure or map found where not expected"


def test_a_change_while_another_is_under_way_is_refused_by_what_it_is() -> None:
    table = updated(PROVISIONED, ProvisionedThroughput=units(6, 6))

    error = refusal(table, ProvisionedThroughput=units(7, 7))
    assert isinstance(error, ResourceInUseException)
    assert error.message == IN_USE + "Table IOPS are currently being updated. Table: Music"
    assert refusal(table, BillingMode="PAY_PER_REQUEST").message == error.message
    assert refusal(table, StreamSpecification=STREAM).message == (
        IN_USE + "Can't enable or disable stream while table IOPS are being updated. Table: Music"
    )
    protected = updated(table, DeletionProtectionEnabled=True)
    assert protected.deletion_protection
    assert (protected.status, protected.change_under_way) == ("UPDATING", "THROUGHPUT")


def test_a_new_index_holds_the_table_and_its_throughput_while_it_is_allocated() -> None:
    table = updated(PROVISIONED, **new_index("by-a", "a", ProvisionedThroughput=UNITS))
    assert table.status == "UPDATING"

    assert refusal(table, ProvisionedThroughput=units(9, 9)).message == (
        IN_USE + "Can't change table IOPS when an index is being created. Table: Music Indexes: "
        "[by-a]"
    )


def test_applying_twice_gives_the_same_table() -> None:
    request = parse({"TableName": "Music", **new_index("by-a", "a")})

    assert request.apply(ON_DEMAND, NOW, count(9)) == request.apply(ON_DEMAND, NOW, count(9))


def test_a_switch_may_bring_a_new_index_along() -> None:
    table = updated(PROVISIONED, BillingMode="PAY_PER_REQUEST", **new_index("by-a", "a"))

    assert table.billing_mode == "PAY_PER_REQUEST"
    assert table.global_indexes[0].status == "CREATING"
    still_held = table_active(table)
    assert (still_held.status, still_held.change_under_way) == ("UPDATING", None)


def test_the_answer_shows_the_old_units_of_a_changed_index() -> None:
    table = active(
        provisioned_body(
            AttributeDefinitions=attributes(pk="S", a="S"),
            GlobalSecondaryIndexes=[index("by-a", "a", ProvisionedThroughput=UNITS)],
        )
    )
    change = {"Update": {"IndexName": "by-a", "ProvisionedThroughput": units(6, 6)}}
    shown = update_answer(table, GlobalSecondaryIndexUpdates=[change])

    assert shown["TableStatus"] == "ACTIVE"
    assert shown["GlobalSecondaryIndexes"][0]["IndexStatus"] == "UPDATING"
    assert shown["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 5


def test_local_indexes_stay_as_they_are() -> None:
    table = active(
        ranged_body(
            AttributeDefinitions=attributes(pk="S", sk="S", a="S"),
            LocalSecondaryIndexes=[index("local", "pk", "a")],
        )
    )

    assert updated(table, BillingMode="PROVISIONED", ProvisionedThroughput=UNITS).local_indexes == (
        table.local_indexes
    )
