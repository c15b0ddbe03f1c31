"""Which changes may share one UpdateTable call.

In: the members of a request. Out: nothing, or DynamoDB's refusal. Called by `update_table.py`
before the table is looked up. DynamoDB takes nearly one concern at a time: the billing mode and
what belongs to it go together, everything else goes alone (as DynamoDB answers, captured 2026-10).
"""

from __future__ import annotations

from typing import Any

from stator_core.errors import ValidationException

INVALID = "One or more parameter values were invalid: "
NO_CHANGE = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
    "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
    "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, "
    "WarmThroughput or TableClass is required"
)
# Members that stand alone, in the order in which DynamoDB names them, and how it names them.
ALONE = (
    ("SSESpecification", "Server-Side Encryption modification"),
    ("TableClass", "TableClass modification"),
    ("DeletionProtectionEnabled", "DeletionProtection modification"),
    ("WarmThroughput", "WarmThroughput"),
)
CHANGES = (
    "ProvisionedThroughput",
    "BillingMode",
    "StreamSpecification",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
    "TableClass",
)


def wanted_changes(body: dict[str, Any]) -> set[str]:
    """The members that ask for something. An empty list or throughput asks for nothing.

    (DynamoDB answers an empty throughput that is alone with an HTTP 500; here it is no change.)
    """
    members = {name: body.get(name) for name in CHANGES}
    for name in ("OnDemandThroughput", "WarmThroughput", "GlobalSecondaryIndexUpdates"):
        members[name] = members[name] or None
    return {name for name, member in members.items() if member is not None}


def check_combination(wanted: set[str], billing_mode: str | None, index_change: bool) -> None:
    """Which changes may share a call: those around the billing mode, and few else."""
    for member, words in ALONE:
        if member not in wanted or len(wanted) == 1:
            continue
        if member == "WarmThroughput" and index_change:
            raise ValidationException(
                f"{INVALID}Create global secondary index cannot be specified when updating "
                "WarmThroughput"
            )
        raise ValidationException(f"{INVALID}{words} must be the only operation in the request")
    if "OnDemandThroughput" in wanted and wanted - {"OnDemandThroughput", "BillingMode"}:
        raise ValidationException(
            f"{INVALID}OnDemandThroughput can only be combined with BillingMode in an UpdateTable "
            "request"
        )
    iops = "ProvisionedThroughput" in wanted or billing_mode == "PROVISIONED"
    if "StreamSpecification" in wanted and iops:
        raise ValidationException(
            f"{INVALID}You cannot modify stream status while updating table IOPS"
        )
    if index_change and "ProvisionedThroughput" in wanted and billing_mode is None:
        raise ValidationException(
            f"{INVALID}You cannot create or delete index while updating table IOPS"
        )
    if index_change and "StreamSpecification" in wanted:
        raise ValidationException(
            f"{INVALID}You cannot create or delete index while changing stream status"
        )
