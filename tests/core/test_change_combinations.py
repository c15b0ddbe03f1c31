"""Which changes may share an UpdateTable call, pair by pair, as DynamoDB answers."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from stator_core.errors import ValidationException
from stator_core.requests.change_combinations import (
    CHANGES,
    check_combination,
    wanted_changes,
)

P = "One or more parameter values were invalid: "
MUST_BE_ALONE = " must be the only operation in the request"


def refusal(
    *wanted: str, billing_mode: str | None = None, index_change: bool = False
) -> str | None:
    with pytest.raises(ValidationException) as caught:
        check_combination(set(wanted), billing_mode, index_change)
    return caught.value.message


@pytest.mark.parametrize(
    "members, wanted",
    [
        ({}, set()),
        (
            {"OnDemandThroughput": {}, "WarmThroughput": {}, "GlobalSecondaryIndexUpdates": []},
            set(),
        ),
        ({"DeletionProtectionEnabled": False}, {"DeletionProtectionEnabled"}),
        ({"SSESpecification": {}}, {"SSESpecification"}),
        ({"TableClass": "", "AttributeDefinitions": []}, {"TableClass"}),
    ],
)
def test_members_that_ask_for_something_are_wanted(members: Any, wanted: set[str]) -> None:
    assert wanted_changes(members) == wanted


def test_every_change_may_come_alone() -> None:
    for change in CHANGES:
        check_combination({change}, None, False)


def test_some_members_stand_alone_and_the_first_of_them_is_named() -> None:
    named = {
        "SSESpecification": "Server-Side Encryption modification",
        "TableClass": "TableClass modification",
        "DeletionProtectionEnabled": "DeletionProtection modification",
        "WarmThroughput": "WarmThroughput",
    }
    alone = list(named)
    for first, second in combinations(alone, 2):
        assert refusal(first, second) == P + named[first] + MUST_BE_ALONE
    for member in alone:
        for other in ("BillingMode", "StreamSpecification", "OnDemandThroughput"):
            assert refusal(member, other) == P + named[member] + MUST_BE_ALONE


def test_the_billing_mode_takes_company() -> None:
    for companion in ("StreamSpecification", "OnDemandThroughput", "GlobalSecondaryIndexUpdates"):
        check_combination({"BillingMode", companion}, "PAY_PER_REQUEST", False)
    iops = {"BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexUpdates"}
    check_combination(iops, "PROVISIONED", False)
    check_combination({"BillingMode", "GlobalSecondaryIndexUpdates"}, "PAY_PER_REQUEST", True)


def test_caps_come_with_the_billing_mode_only() -> None:
    for other in ("StreamSpecification", "GlobalSecondaryIndexUpdates", "ProvisionedThroughput"):
        assert refusal("OnDemandThroughput", other) == (
            P + "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"
        )


def test_streams_indexes_and_units_keep_apart() -> None:
    message = P + "You cannot modify stream status while updating table IOPS"
    assert refusal("StreamSpecification", "ProvisionedThroughput") == message
    assert refusal("StreamSpecification", "BillingMode", billing_mode="PROVISIONED") == message

    assert refusal("GlobalSecondaryIndexUpdates", "ProvisionedThroughput", index_change=True) == (
        P + "You cannot create or delete index while updating table IOPS"
    )
    check_combination({"GlobalSecondaryIndexUpdates", "ProvisionedThroughput"}, None, False)
    assert refusal("GlobalSecondaryIndexUpdates", "StreamSpecification", index_change=True) == (
        P + "You cannot create or delete index while changing stream status"
    )
    assert refusal("GlobalSecondaryIndexUpdates", "WarmThroughput", index_change=True) == (
        P + "Create global secondary index cannot be specified when updating WarmThroughput"
    )
