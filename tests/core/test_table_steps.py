"""From any table to any other of its key, one accepted request after the other, to an end.

The requests are applied by the core itself, and its states settle as the shell has them settle.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_core import desired_table, table_status
from stator_core.desired_table import body_of, parse
from stator_core.requests import create_table, tags, time_to_live, update_table
from stator_core.table import Table
from stator_core.table_steps import Step, Waiting, contradiction, next_step
from table_bodies import (
    ACCOUNT,
    DAY,
    NOW,
    REGION,
    TABLE_ID,
    UNITS,
    active,
    attributes,
    create_body,
    created,
    index,
    keys,
    provisioned_body,
    ranged_body,
    updated,
    with_two_indexes,
)

STEPS_MAX = 60
NAMES = ("a", "b", "c", "d")
VIEWS = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")


class World:
    """One table and DynamoDB's rules. Time goes a day on with each request, for the decreases."""

    def __init__(self) -> None:
        self.table: Table | None = None
        self.now = NOW
        self.identifiers = count(1)

    def carry_out(self, step: Step) -> None:
        """Raises DynamoDBError where the core would refuse."""
        self.now += DAY
        body = step.body
        if step.operation == "CreateTable":
            table_status.check_absent(self.table)
            request = create_table.parse(body)
            self.table = request.table(self.identifiers, TABLE_ID, self.now, REGION, ACCOUNT)
            return
        assert self.table is not None
        if step.operation == "UpdateTable":
            self.table = update_table.parse(body).apply(self.table, self.now, self.identifiers)
        elif step.operation == "UpdateTimeToLive":
            setting = time_to_live.parse_update_time_to_live(body)
            self.table = setting.apply(self.table, self.now, 0.0)
        elif step.operation == "TagResource":
            self.table = tags.parse_tag_resource(body).apply(self.table)
        else:
            assert step.operation == "UntagResource"
            self.table = tags.parse_untag_resource(body).apply(self.table)

    def settle_one(self) -> None:
        """What the shell does next for a table that is between two states."""
        table = self.table
        assert table is not None
        if table_status.awaits_table_active(table):
            self.table = table_status.table_active(table)
            return
        for each in table.global_indexes:
            if each.status == "DELETING":
                self.table = table_status.index_removed(table, each.name)
                return
            if each.status == "CREATING":
                filling = table_status.index_backfilling
                if each.backfilling:
                    filling = table_status.index_active
                self.table = filling(table, each.name)
                return
        raise AssertionError("the steps wait for a table at rest")

    def converge(self, body: dict[str, Any]) -> list[str]:
        """Follow the steps to their end. Returns the operations."""
        desired, operations = parse(body), []
        for _ in range(STEPS_MAX):
            step = next_step(desired, self.table)
            if step is None:
                return operations
            if isinstance(step, Waiting):
                self.settle_one()
            else:
                operations.append(step.operation)
                self.carry_out(step)
        raise AssertionError(f"no end after {operations}")


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Tables of one key and name, otherwise of every kind."""
    kinds = {name: draw(st.sampled_from("SNB")) for name in NAMES}
    provisioned = draw(st.booleans())

    def units() -> dict[str, Any]:
        if not provisioned:
            return {}
        amounts = st.integers(1, 4)
        drawn = {"ReadCapacityUnits": draw(amounts), "WriteCapacityUnits": draw(amounts)}
        return {"ProvisionedThroughput": drawn}

    indexes = []
    for name in draw(st.lists(st.sampled_from(("one", "two", "six")), unique=True)):
        attribute = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
        projection: dict[str, Any] = {"ProjectionType": draw(st.sampled_from(("ALL", "KEYS_ONLY")))}
        if draw(st.booleans()):
            more = draw(st.lists(st.sampled_from("xyz"), min_size=1, unique=True))
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": more}
        indexes.append(index(name, *attribute, Projection=projection, **units()))
    used = {element["AttributeName"] for each in indexes for element in each["KeySchema"]}
    body = create_body(
        AttributeDefinitions=attributes(pk="S", **{name: kinds[name] for name in sorted(used)}),
        BillingMode="PROVISIONED" if provisioned else "PAY_PER_REQUEST",
        GlobalSecondaryIndexes=indexes or None,
        DeletionProtectionEnabled=draw(st.booleans()),
        **units(),
    )
    if draw(st.booleans()):
        view = draw(st.sampled_from(VIEWS))
        body["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    if draw(st.booleans()):
        ends, enabled = draw(st.sampled_from(("ends", "until"))), draw(st.booleans())
        body["TimeToLiveSpecification"] = {"AttributeName": ends, "Enabled": enabled}
    given_tags = draw(st.dictionaries(st.sampled_from("tuvw"), st.sampled_from("12")))
    body["Tags"] = [{"Key": key, "Value": value} for key, value in given_tags.items()]
    return body


def in_order(body: dict[str, Any]) -> dict[str, Any]:
    """Without the orders that say nothing."""
    orders = {
        "AttributeDefinitions": "AttributeName",
        "GlobalSecondaryIndexes": "IndexName",
        "Tags": "Key",
    }
    result = dict(body)
    for member, name in orders.items():
        if member in result:
            result[member] = sorted(result[member], key=lambda each: each[name])
    for each in result.get("GlobalSecondaryIndexes", ()):
        each["Projection"].get("NonKeyAttributes", []).sort()
    return result


@given(bodies(), bodies(), st.integers(0, 8))
def test_the_steps_lead_from_any_table_to_any_other(
    first: dict[str, Any], second: dict[str, Any], broken_off_after: int
) -> None:
    """Also where the wish changes while the first one is still being carried out."""
    world = World()
    for _ in range(broken_off_after):
        step = next_step(parse(first), world.table)
        if isinstance(step, Step):
            world.carry_out(step)
        elif isinstance(step, Waiting):
            world.settle_one()
    world.converge(second)

    fresh = World()
    fresh.converge(second)
    assert world.table is not None
    assert fresh.table is not None
    assert in_order(body_of(world.table)) == in_order(body_of(fresh.table))
    assert world.table.status == "ACTIVE"
    assert all(each.status == "ACTIVE" for each in world.table.global_indexes)
    assert world.converge(second) == []


@given(bodies())
def test_what_is_said_of_a_table_leads_to_that_table(body: dict[str, Any]) -> None:
    world = World()
    world.converge(body)
    assert world.table is not None

    other = World()
    other.converge(body_of(world.table))
    assert other.table is not None
    assert in_order(body_of(other.table)) == in_order(body_of(world.table))
    assert next_step(parse(body_of(world.table)), world.table) is None


def step(body: dict[str, Any], present: Table | None) -> Step | Waiting | None:
    return next_step(parse(body), present)


def test_a_table_that_is_not_there_is_made_without_its_time_to_live() -> None:
    body = create_body(TimeToLiveSpecification={"AttributeName": "ends", "Enabled": True})

    assert step(body, None) == Step("CreateTable", create_body())


def test_one_change_at_a_time_and_what_takes_no_time_first() -> None:
    present = with_two_indexes()
    body = create_body(
        DeletionProtectionEnabled=True, Tags=[{"Key": "a", "Value": "1"}], KeySchema=keys("pk")
    )
    body |= {
        "KeySchema": keys("pk", "sk"),
        "AttributeDefinitions": attributes(pk="S", sk="S"),
    }

    assert step(body, present) == Step(
        "UpdateTable", {"TableName": "Music", "DeletionProtectionEnabled": True}
    )
    present = updated(present, DeletionProtectionEnabled=True)
    assert step(body, present) == Step(
        "TagResource", {"ResourceArn": present.arn, "Tags": [{"Key": "a", "Value": "1"}]}
    )
    present = present.changed(tags=(("a", "1"),))
    deleting = {"Delete": {"IndexName": "by-a"}}
    assert step(body, present) == Step(
        "UpdateTable", {"TableName": "Music", "GlobalSecondaryIndexUpdates": [deleting]}
    )
    present = updated(present, GlobalSecondaryIndexUpdates=[deleting])
    assert step(body, present) == Waiting("index by-a is DELETING")


def test_a_table_that_is_made_or_taken_away_is_waited_for() -> None:
    assert step(create_body(), created(create_body())) == Waiting("the table is CREATING")
    gone = table_status.table_deleting(active(create_body()))
    assert step(create_body(), gone) == Waiting("the table is DELETING")


def test_a_change_that_waits_does_not_hold_up_what_takes_no_time() -> None:
    present = updated(
        with_two_indexes(), GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-a"}}]
    )
    body = body_of(present) | {"Tags": [{"Key": "a", "Value": "1"}]}

    assert isinstance(step(body, present), Step)


def test_provisioned_units_come_with_the_billing_mode_and_alone_afterwards() -> None:
    assert step(provisioned_body(), active(create_body())) == Step(
        "UpdateTable",
        {"TableName": "Music", "BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS},
    )
    more = {"ReadCapacityUnits": 9, "WriteCapacityUnits": 9}
    assert step(provisioned_body(ProvisionedThroughput=more), active(provisioned_body())) == Step(
        "UpdateTable", {"TableName": "Music", "ProvisionedThroughput": more}
    )


@pytest.mark.parametrize(
    "body, words",
    [
        (create_body(AttributeDefinitions=attributes(pk="N")), "it is pk (S, HASH) and sk (S, RA"),
        (create_body(), "the key of a table cannot be changed"),
        (
            ranged_body(AttributeDefinitions=attributes(pk="S", sk="S")),
            "local secondary indexes cannot be changed: there is local",
        ),
    ],
)
def test_what_cannot_be_changed_is_told(body: dict[str, Any], words: str) -> None:
    present = active(
        ranged_body(
            AttributeDefinitions=attributes(pk="S", sk="S", b="N"),
            LocalSecondaryIndexes=[index("local", "pk", "b")],
        )
    )

    found = contradiction(desired_table.parse(body), present)
    assert found is not None
    assert words in found
