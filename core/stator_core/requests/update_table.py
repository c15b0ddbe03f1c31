"""UpdateTable: one change to a table that lives, and the table that comes of it.

In: a request body, then the table. Out: `UpdateTable`, then the changed `Table`, whose status says
what the shell has yet to finish: `table_status.table_active` for the table itself, and
`index_backfilling`, `index_active` or `index_removed` for an index. Which changes may share a call
is `change_combinations.py`'s, indexes are `index_updates.py`'s.

A change that would change nothing is refused in some members and taken in others (as DynamoDB
answers, captured 2026-10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from stator_core.errors import ValidationException
from stator_core.requests.change_combinations import (
    NO_CHANGE,
    check_combination,
    wanted_changes,
)
from stator_core.requests.constraints import Violations
from stator_core.requests.index_updates import (
    INDEX_UPDATES,
    IndexUpdate,
    UpdateIndex,
    check_index_updates,
    collect_index_updates,
    creates_or_deletes,
    parse_index_updates,
    updated_indexes,
)
from stator_core.requests.shapes import Structure, check
from stator_core.requests.table_members import (
    INVALID,
    TABLE_MEMBERS,
    collect_attribute_definitions,
    collect_billing_mode,
    collect_settings,
    collect_throughput,
    read_table_name,
    refuse_unsupported,
)
from stator_core.requests.table_settings import (
    STANDARD,
    check_encryption_changes,
    check_stream_changes,
    check_table_class,
    encryption_of,
    stream_of_update,
)
from stator_core.requests.throughput import (
    Units,
    WarmUnits,
    caps_in_force,
    changed_throughput,
    check_changes,
    check_on_demand_mode,
    check_on_demand_range,
    check_warm_increase,
    merged_caps,
    parse_on_demand,
    parse_units,
    parse_warm,
)
from stator_core.table import Index, OnDemandThroughput, StreamSpecification, Table, Throughput
from stator_core.table_description import (
    NOTHING_COUNTED,
    ON_DEMAND_WARM_READ_UNITS,
    ON_DEMAND_WARM_WRITE_UNITS,
    TableStatistics,
    description,
    effective_warm_throughput,
    on_demand_members,
    stream_label,
)
from stator_core.table_status import (
    TABLE_TRANSITIONS,
    check_change_allowed,
    check_changeable,
)

SHAPE = Structure(
    "UpdateTableInput", {**TABLE_MEMBERS, "GlobalSecondaryIndexUpdates": INDEX_UPDATES}
)
UNSUPPORTED = (
    "ReplicaUpdates",
    "MultiRegionConsistency",
    "GlobalTableWitnessUpdates",
    "GlobalTableSettingsReplicationMode",
    "DisassociationProtectionEnabled",
    "VectorIndexUpdates",
)

ON_DEMAND_START = Units(ON_DEMAND_WARM_READ_UNITS, ON_DEMAND_WARM_WRITE_UNITS)


@dataclass(frozen=True, slots=True)
class UpdateTable:
    """The wanted change. `sse_given` tells the service's own key (`sse` None) from no change."""

    table_name: str
    throughput: Units | None
    billing_mode: str | None
    index_updates: tuple[IndexUpdate, ...]
    stream: StreamSpecification | None
    sse_given: bool
    sse: dict[str, Any] | None
    table_class: str | None
    deletion_protection: bool | None
    on_demand_throughput: OnDemandThroughput | None
    warm_throughput: WarmUnits | None

    def apply(self, table: Table, now: float, identifiers: Iterator[int]) -> Table:
        """The table after the change began, at `now` (epoch seconds).

        `identifiers` gives a number that no table or index ever had, for a new index. Raises
        ResourceInUseException by what is under way, ResourceNotFoundException for an index that
        does not exist, LimitExceededException for a second index at a time, ValidationException
        for the rest. Pure: the same table, time and identifiers give the same result.
        """
        check_changeable(table)
        self._check_fits(table)
        check_index_updates(table, self.index_updates)
        self._check_allowed(table)
        before = table
        table = self._with_throughput(table, now)
        table = updated_indexes(
            table, self.index_updates, identifiers, now, mode_before=before.billing_mode
        )
        table = self._with_settings(table, now)
        if table == before or not self._takes_time(before, table):
            return table
        return table.changed(status=TABLE_TRANSITIONS[table.status, "change begun"])

    def answer(
        self, before: Table, after: Table, statistics: TableStatistics = NOTHING_COUNTED
    ) -> dict[str, Any]:
        """The table as UpdateTable answers, which is not yet as DescribeTable will show it.

        Provisioned units and the class are still the old ones, a cap that goes is shown as -1, and
        a mode or class that was the same already shows the table UPDATING for once.
        """
        shown = description(after, statistics)
        switched = self.billing_mode is not None
        if switched or self.table_class is not None:
            shown["TableStatus"] = "UPDATING"
        if switched and "BillingModeSummary" in shown:
            shown["BillingModeSummary"].pop("LastUpdateToPayPerRequestDateTime", None)
        if self.throughput is not None and not switched:
            _show_old_units(shown["ProvisionedThroughput"], before.throughput)
        if self.on_demand_throughput is not None:
            shown["OnDemandThroughput"] = on_demand_members(
                merged_caps(before.on_demand_throughput, self.on_demand_throughput)
            )
        if self.table_class is not None:
            shown.pop("TableClassSummary", None)
            if "TableClassSummary" in (old := description(before)):
                shown["TableClassSummary"] = old["TableClassSummary"]
        for update in self.index_updates:
            if isinstance(update, UpdateIndex) and update.throughput is not None and not switched:
                index = before.index(update.name)
                assert index is not None
                for members in shown["GlobalSecondaryIndexes"]:
                    if members["IndexName"] == update.name:
                        _show_old_units(members["ProvisionedThroughput"], index.throughput)
        return {"TableDescription": shown}

    def _check_fits(self, table: Table) -> None:
        """The members against the billing mode, before anything that is under way."""
        mode = self.billing_mode or table.billing_mode
        if mode == "PAY_PER_REQUEST" and self.throughput is not None:
            raise _units_on_demand()
        check_on_demand_mode(
            self.on_demand_throughput, mode, "", "the table BillingMode is PROVISIONED"
        )
        check_on_demand_range(self.on_demand_throughput, "table", removable=True)

    def _check_allowed(self, table: Table) -> None:
        """Each kind of change against what is under way."""
        if self.throughput is not None or self._switches(table):
            check_change_allowed(table, "THROUGHPUT")
        if self.on_demand_throughput is not None:
            check_change_allowed(table, "ON_DEMAND_THROUGHPUT")
        if self.stream is not None:
            check_change_allowed(table, "STREAM")
        if self.table_class is not None:
            check_change_allowed(table, "TABLE_CLASS")
        if creates_or_deletes(self.index_updates):
            check_change_allowed(table, "INDEX")

    def _switches(self, table: Table) -> bool:
        return self.billing_mode is not None and self.billing_mode != table.billing_mode

    def _takes_time(self, before: Table, after: Table) -> bool:
        """Whether the table itself is UPDATING for a while; some changes are there at once."""
        return after.change_under_way is not None or creates_or_deletes(self.index_updates) > 0

    def _with_throughput(self, table: Table, now: float) -> Table:
        """Provisioned, on-demand and warm units of the table, and the switch between modes."""
        ready_for = effective_warm_throughput(
            table.billing_mode, table.throughput, table.warm_throughput
        )
        if self._switches(table):
            return self._switched(table, ready_for, now)
        if self.throughput is not None:
            check_changes(table.throughput, self.throughput, "the table")
            table = table.changed(
                throughput=changed_throughput(table.throughput, self.throughput, now),
                warm_throughput=_higher(ready_for, self.throughput),
                change_under_way="THROUGHPUT",
            )
        if self.on_demand_throughput is not None:
            merged = merged_caps(table.on_demand_throughput, self.on_demand_throughput)
            table = table.changed(on_demand_throughput=caps_in_force(merged))
        if self.warm_throughput is not None:
            check_warm_increase(self.warm_throughput, ready_for, "table")
            table = table.changed(warm_throughput=self.warm_throughput.over(ready_for))
        return table

    def _switched(self, table: Table, ready_for: tuple[int, int], now: float) -> Table:
        """The table in its new billing mode, its indexes with it."""
        if self.billing_mode == "PAY_PER_REQUEST":
            indexes = tuple(_on_demand_index(index) for index in table.global_indexes)
            return table.changed(
                billing_mode="PAY_PER_REQUEST",
                last_update_to_pay_per_request=now,
                throughput=_no_units(table.throughput),
                on_demand_throughput=self.on_demand_throughput
                and caps_in_force(self.on_demand_throughput),
                warm_throughput=_higher(ready_for, ON_DEMAND_START),
                global_indexes=indexes,
                change_under_way="BILLING_MODE",
            )
        assert self.throughput is not None  # parse() has seen to it.
        given = {
            update.name
            for update in self.index_updates
            if not isinstance(update, UpdateIndex) or update.throughput is not None
        }
        missing = [index.name for index in table.global_indexes if index.name not in given]
        if missing:
            raise ValidationException(
                f"{INVALID}ProvisionedThroughput must be specified for index: {','.join(missing)}"
            )
        units = self.throughput
        return table.changed(
            billing_mode="PROVISIONED",
            throughput=replace(
                table.throughput, read_capacity_units=units.read, write_capacity_units=units.write
            ),
            on_demand_throughput=None,
            warm_throughput=_higher(ready_for, units),
            global_indexes=tuple(
                replace(index, on_demand_throughput=None) for index in table.global_indexes
            ),
            change_under_way="BILLING_MODE",
        )

    def _with_settings(self, table: Table, now: float) -> Table:
        """Stream, encryption, class and protection."""
        if self.stream is not None:
            check_stream_changes(table, self.stream)
            enabled = self.stream.enabled
            table = table.changed(
                stream=self.stream if enabled else None,
                latest_stream_label=stream_label(now) if enabled else table.latest_stream_label,
                change_under_way=table.change_under_way or "STREAM",
            )
        if self.sse_given:
            check_encryption_changes(table, self.sse)
            table = table.changed(sse=self.sse)
        if self.table_class is not None and self.table_class != (table.table_class or STANDARD):
            table = table.changed(
                table_class=self.table_class,
                table_class_updated=now,
                change_under_way="TABLE_CLASS",
            )
        if self.deletion_protection is not None:
            table = table.changed(deletion_protection=self.deletion_protection)
        return table


def parse(body: dict[str, Any]) -> UpdateTable:
    """Raises SerializationException, then ValidationException, before any table is looked up."""
    check(body, SHAPE)
    table_name = read_table_name(body)
    _check_members(body)
    refuse_unsupported(body, UNSUPPORTED)
    on_demand = parse_on_demand(body.get("OnDemandThroughput"))
    warm = parse_warm(body.get("WarmThroughput"))
    wanted = wanted_changes(body)
    entries = body.get("GlobalSecondaryIndexUpdates")
    index_updates = parse_index_updates(entries or [], body.get("AttributeDefinitions"))
    if not wanted:
        raise ValidationException(NO_CHANGE)
    if entries == []:
        raise ValidationException(f"{INVALID}List of GlobalSecondaryIndexUpdates is empty")
    billing_mode = body.get("BillingMode")
    check_combination(wanted, billing_mode, creates_or_deletes(index_updates) > 0)
    check_table_class(body.get("TableClass"))
    return UpdateTable(
        table_name=table_name,
        throughput=_billed_units(body, billing_mode),
        billing_mode=billing_mode,
        index_updates=index_updates,
        stream=stream_of_update(body.get("StreamSpecification")),
        sse_given="SSESpecification" in body,
        sse=encryption_of(body.get("SSESpecification")),
        table_class=body.get("TableClass"),
        deletion_protection=body.get("DeletionProtectionEnabled"),
        on_demand_throughput=on_demand,
        warm_throughput=warm,
    )


def _check_members(body: dict[str, Any]) -> None:
    violations = Violations()
    collect_attribute_definitions(violations, body.get("AttributeDefinitions"), required=False)
    collect_billing_mode(violations, body)
    collect_throughput(violations, "provisionedThroughput", body.get("ProvisionedThroughput"))
    collect_index_updates(violations, body.get("GlobalSecondaryIndexUpdates"))
    collect_settings(violations, body)
    violations.raise_any()


def _billed_units(body: dict[str, Any], billing_mode: str | None) -> Units | None:
    members = body.get("ProvisionedThroughput")
    if billing_mode == "PAY_PER_REQUEST" and members is not None:
        raise _units_on_demand()
    if billing_mode == "PROVISIONED" and members is None:
        raise ValidationException(
            f"{INVALID}ProvisionedThroughput must be specified when BillingMode is PROVISIONED"
        )
    return parse_units(members)


def _units_on_demand() -> ValidationException:
    return ValidationException(
        f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
        "BillingMode is PAY_PER_REQUEST"
    )


def _higher(ready_for: tuple[int, int], units: Units) -> tuple[int, int]:
    """Warm units after a change: they only go up."""
    return max(ready_for[0], units.read), max(ready_for[1], units.write)


def _on_demand_index(index: Index) -> Index:
    """An index as its table becomes PAY_PER_REQUEST."""
    ready_for = effective_warm_throughput("PROVISIONED", index.throughput, index.warm_throughput)
    return replace(
        index,
        throughput=_no_units(index.throughput),
        warm_throughput=_higher(ready_for, ON_DEMAND_START),
    )


def _no_units(throughput: Throughput) -> Throughput:
    return replace(throughput, read_capacity_units=0, write_capacity_units=0)


def _show_old_units(shown: dict[str, Any], old: Throughput) -> None:
    shown["ReadCapacityUnits"] = old.read_capacity_units
    shown["WriteCapacityUnits"] = old.write_capacity_units
    shown["NumberOfDecreasesToday"] = old.decreases_today
