"""TableDescription: how DynamoDB shows a table to its clients.

In: a descriptor, and what the shell counted (items, bytes). Out: the JSON object that CreateTable,
UpdateTable, DeleteTable and DescribeTable answer with; the request modules put it under its member.
Members that DynamoDB leaves out are left out (AWS: API reference, TableDescription; as DynamoDB
answers, captured 2026-10). Times are epoch seconds, rounded to milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stator_core.arn import index_arn, kms_key_arn, stream_arn
from stator_core.table import (
    Index,
    IndexProjection,
    KeySchema,
    OnDemandThroughput,
    Table,
    Throughput,
)

# AWS: Developer Guide, "Initial throughput for on-demand capacity mode", per second.
ON_DEMAND_WARM_READ_UNITS = 12_000
ON_DEMAND_WARM_WRITE_UNITS = 4_000
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class IndexStatistics:
    item_count: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """What was counted of a table; `indexes` by name. DynamoDB refreshes them every six hours."""

    item_count: int = 0
    size_bytes: int = 0
    indexes: Mapping[str, IndexStatistics] = field(default_factory=dict)


NOTHING_COUNTED = TableStatistics()
NO_ENTRIES = IndexStatistics()


def description(
    table: Table, statistics: TableStatistics = NOTHING_COUNTED, now: float | None = None
) -> dict[str, Any]:
    """The TableDescription of `table`.

    `now` (epoch seconds): NumberOfDecreasesToday starts again at midnight UTC; without it the
    stored count is shown.
    """
    shown: dict[str, Any] = {
        "AttributeDefinitions": [
            {"AttributeName": attribute.name, "AttributeType": attribute.type}
            for attribute in table.attribute_definitions
        ],
        "TableName": table.name,
        "KeySchema": key_schema_members(table.key_schema),
        "TableStatus": table.status,
        "CreationDateTime": milliseconds(table.created),
        "ProvisionedThroughput": _throughput(table.throughput, now),
        "TableSizeBytes": statistics.size_bytes,
        "ItemCount": statistics.item_count,
        "TableArn": table.arn,
        "TableId": table.table_id,
    }
    _add_billing_mode(shown, table)
    _add_indexes(shown, table, statistics, now)
    _add_stream(shown, table)
    _add_encryption_and_class(shown, table)
    shown["DeletionProtectionEnabled"] = table.deletion_protection
    on_demand = on_demand_members(table.on_demand_throughput)
    if on_demand:
        shown["OnDemandThroughput"] = on_demand
    warm = _table_warm_throughput(table)
    if warm is not None:
        shown["WarmThroughput"] = warm
    return shown


def effective_warm_throughput(
    billing_mode: str, throughput: Throughput, raised: tuple[int, int] | None
) -> tuple[int, int]:
    """The (read, write) units per second that a table or index is ready for at once.

    Until something raises it: what on-demand begins with, or what is provisioned.
    """
    if raised is not None:
        return raised
    if billing_mode == "PAY_PER_REQUEST":
        return ON_DEMAND_WARM_READ_UNITS, ON_DEMAND_WARM_WRITE_UNITS
    return throughput.read_capacity_units, throughput.write_capacity_units


def key_schema_members(schema: KeySchema) -> list[dict[str, str]]:
    return [{"AttributeName": attribute.name, "KeyType": "HASH"} for attribute in schema.hash] + [
        {"AttributeName": attribute.name, "KeyType": "RANGE"} for attribute in schema.range
    ]


def on_demand_members(caps: OnDemandThroughput | None) -> dict[str, int]:
    """The caps that are set; -1, which takes a cap away, is shown as given."""
    if caps is None:
        return {}
    members = {
        "MaxReadRequestUnits": caps.max_read_request_units,
        "MaxWriteRequestUnits": caps.max_write_request_units,
    }
    return {name: units for name, units in members.items() if units is not None}


def milliseconds(moment: float) -> float:
    return round(moment, 3)


def stream_label(moment: float) -> str:
    """The label of a stream enabled at `moment`: `2026-01-31T12:00:00.000`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def decreases_today(throughput: Throughput, now: float | None) -> int:
    """How often the throughput was lowered since midnight UTC."""
    last = throughput.last_decrease
    if last is not None and now is not None and last // DAY_SECONDS != now // DAY_SECONDS:
        return 0
    return throughput.decreases_today


def _throughput(throughput: Throughput, now: float | None) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if throughput.last_increase is not None:
        shown["LastIncreaseDateTime"] = milliseconds(throughput.last_increase)
    if throughput.last_decrease is not None:
        shown["LastDecreaseDateTime"] = milliseconds(throughput.last_decrease)
    shown["NumberOfDecreasesToday"] = decreases_today(throughput, now)
    shown["ReadCapacityUnits"] = throughput.read_capacity_units
    shown["WriteCapacityUnits"] = throughput.write_capacity_units
    return shown


def _add_billing_mode(shown: dict[str, Any], table: Table) -> None:
    changed = table.last_update_to_pay_per_request
    if changed is None:
        return  # A table that was always PROVISIONED says nothing of its mode.
    summary: dict[str, Any] = {"BillingMode": table.billing_mode}
    if table.status != "CREATING":
        summary["LastUpdateToPayPerRequestDateTime"] = milliseconds(changed)
    shown["BillingModeSummary"] = summary


def _add_indexes(
    shown: dict[str, Any], table: Table, statistics: TableStatistics, now: float | None
) -> None:
    if table.local_indexes:
        shown["LocalSecondaryIndexes"] = [
            _index(table, index, statistics) for index in table.local_indexes
        ]
    if table.global_indexes:
        shown["GlobalSecondaryIndexes"] = [
            _global_index(table, index, statistics, now) for index in table.global_indexes
        ]


def _index(table: Table, index: Index, statistics: TableStatistics) -> dict[str, Any]:
    counted = statistics.indexes.get(index.name, NO_ENTRIES)
    return {
        "IndexName": index.name,
        "KeySchema": key_schema_members(index.key_schema),
        "Projection": _projection(index.projection),
        "IndexSizeBytes": counted.size_bytes,
        "ItemCount": counted.item_count,
        "IndexArn": index_arn(table.arn, index.name),
    }


def _global_index(
    table: Table, index: Index, statistics: TableStatistics, now: float | None
) -> dict[str, Any]:
    shown = _index(table, index, statistics)
    shown["IndexStatus"] = index.status
    if index.backfilling is not None:
        shown["Backfilling"] = index.backfilling
    shown["ProvisionedThroughput"] = _throughput(index.throughput, now)
    on_demand = on_demand_members(index.on_demand_throughput)
    if on_demand:
        shown["OnDemandThroughput"] = on_demand
    if table.status != "CREATING":  # CreateTable's own answer has none on its indexes.
        read, write = effective_warm_throughput(
            table.billing_mode, index.throughput, index.warm_throughput
        )
        settled = index.status != "CREATING" or index.warm_throughput is None
        shown["WarmThroughput"] = _warm(read, write, "ACTIVE" if settled else "UPDATING")
    return shown


def _projection(projection: IndexProjection) -> dict[str, Any]:
    shown: dict[str, Any] = {"ProjectionType": projection.type}
    if projection.non_key_attributes:
        shown["NonKeyAttributes"] = list(projection.non_key_attributes)
    return shown


def _add_stream(shown: dict[str, Any], table: Table) -> None:
    if table.stream is not None and table.stream.enabled:
        shown["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": table.stream.view_type,
        }
    if table.latest_stream_label is not None:
        shown["LatestStreamLabel"] = table.latest_stream_label
        shown["LatestStreamArn"] = stream_arn(table.arn, table.latest_stream_label)


def _add_encryption_and_class(shown: dict[str, Any], table: Table) -> None:
    if table.sse is not None:
        shown["SSEDescription"] = {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": kms_key_arn(table.arn, table.sse.get("KMSMasterKeyId")),
        }
    if table.table_class is not None:
        summary: dict[str, Any] = {"TableClass": table.table_class}
        if table.table_class_updated is not None:
            summary["LastUpdateDateTime"] = milliseconds(table.table_class_updated)
        shown["TableClassSummary"] = summary


def _table_warm_throughput(table: Table) -> dict[str, Any] | None:
    if table.status == "CREATING":
        if table.warm_throughput is None:
            return None  # CreateTable's own answer has it only if the request had it.
        return _warm(*table.warm_throughput, "UPDATING")
    read, write = effective_warm_throughput(
        table.billing_mode, table.throughput, table.warm_throughput
    )
    return _warm(read, write, "ACTIVE")


def _warm(read: int, write: int, status: str) -> dict[str, Any]:
    return {"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write, "Status": status}
