"""The three throughputs of a table or index: provisioned, on-demand caps, warm.

In: members of CreateTable and UpdateTable whose types and constraints were checked. Out: typed
values, or the refusal of one that does not fit the billing mode or lies out of range. Called by
`create_table.py`, `update_table.py` and `index_updates.py`; "table" or "index i" in the words is
the caller's `target`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from stator_core.errors import LimitExceededException, ValidationException
from stator_core.limits import THROUGHPUT_DECREASES_AT_ONCE_MAX, THROUGHPUT_UNITS_VALUE_MAX
from stator_core.table import OnDemandThroughput, Throughput
from stator_core.table_description import decreases_today

INVALID = "One or more parameter values were invalid: "
GUIDE = (
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher "
    "limits."
)
INITIAL_THROUGHPUT_PAGE = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
)
DECREASE_PAUSE_SECONDS = 3_600
REMOVE_CAP = -1  # what UpdateTable takes for "no cap any more"


@dataclass(frozen=True, slots=True)
class Units:
    """Requested provisioned units per second."""

    read: int
    write: int


@dataclass(frozen=True, slots=True)
class WarmUnits:
    """Requested warm units per second; None keeps what is there."""

    read: int | None
    write: int | None

    def over(self, present: tuple[int, int]) -> tuple[int, int]:
        """The (read, write) units after the request, from the present ones."""
        return (
            present[0] if self.read is None else self.read,
            present[1] if self.write is None else self.write,
        )


def parse_units(members: dict[str, Any] | None, index: str | None = None) -> Units | None:
    """ProvisionedThroughput; `index` names the index it is for. The read units are named first."""
    if members is None:
        return None
    units = Units(members["ReadCapacityUnits"], members["WriteCapacityUnits"])
    tail = "" if index is None else f" for index {index}"
    for name, value in (("Read", units.read), ("Write", units.write)):
        if value > THROUGHPUT_UNITS_VALUE_MAX:
            raise ValidationException(
                f"Given value {value} for {name}CapacityUnits is out of bounds{tail}"
            )
    return units


def parse_on_demand(members: dict[str, Any] | None) -> OnDemandThroughput | None:
    """OnDemandThroughput; without members it is as if it were not there."""
    if not members:
        return None
    caps = OnDemandThroughput(
        members.get("MaxReadRequestUnits"), members.get("MaxWriteRequestUnits")
    )
    return None if caps == OnDemandThroughput() else caps


def parse_warm(members: dict[str, Any] | None) -> WarmUnits | None:
    """WarmThroughput; without members it is as if it were not there."""
    if not members:
        return None
    units = WarmUnits(members.get("ReadUnitsPerSecond"), members.get("WriteUnitsPerSecond"))
    return None if units == WarmUnits(None, None) else units


def check_on_demand_mode(
    caps: OnDemandThroughput | None, billing_mode: str, between: str, ending: str
) -> None:
    """Caps need PAY_PER_REQUEST. The first member is named, read before write.

    `between` and `ending`: the words around `cannot be specified when`, which differ by operation.
    """
    if caps is None or billing_mode == "PAY_PER_REQUEST":
        return
    name = "Read" if caps.max_read_request_units is not None else "Write"
    raise ValidationException(
        f"{INVALID}Max{name}RequestUnits for OnDemandThroughput{between} cannot be specified when "
        f"{ending}"
    )


def check_on_demand_range(caps: OnDemandThroughput | None, target: str, *, removable: bool) -> None:
    """Caps are 1 or more; `removable`: or -1, which takes one away.

    `target`: `table` or `index : i`.
    """
    if caps is None:
        return
    for name, units in (
        ("Read", caps.max_read_request_units),
        ("Write", caps.max_write_request_units),
    ):
        if units is None or units >= 1 or (removable and units == REMOVE_CAP):
            continue
        raise ValidationException(
            f"{INVALID}Requested Max{name}RequestUnits for OnDemandThroughput for {target} is "
            "outside of valid range"
        )


def merged_caps(
    present: OnDemandThroughput | None, requested: OnDemandThroughput
) -> OnDemandThroughput:
    """The caps member by member, the requested over the present; a -1 is kept as given."""
    present = present or OnDemandThroughput()
    read, write = requested.max_read_request_units, requested.max_write_request_units
    return OnDemandThroughput(
        present.max_read_request_units if read is None else read,
        present.max_write_request_units if write is None else write,
    )


def caps_in_force(merged: OnDemandThroughput) -> OnDemandThroughput | None:
    """The caps without those that -1 takes away; None if none is left."""
    read, write = merged.max_read_request_units, merged.max_write_request_units
    caps = OnDemandThroughput(
        None if read == REMOVE_CAP else read, None if write == REMOVE_CAP else write
    )
    return None if caps == OnDemandThroughput() else caps


def check_initial_warm(
    warm: WarmUnits | None, floor: tuple[int, int], billing_mode: str, target: str
) -> None:
    """CreateTable, or a new index: warm units are no lower than what it begins with anyway."""
    if warm is None:
        return
    for name, requested, least in (
        ("Read", warm.read, floor[0]),
        ("Write", warm.write, floor[1]),
    ):
        if requested is None or requested >= least:
            continue
        if billing_mode == "PAY_PER_REQUEST":
            reason = f"initial throughput for OnDemand. See: {INITIAL_THROUGHPUT_PAGE}"
        else:
            reason = f"{name}CapacityUnits of ProvisionedThroughput"
        raise ValidationException(
            f"{INVALID}Requested {name}UnitsPerSecond for WarmThroughput for {target} is lower "
            f"than {reason}"
        )


def check_warm_increase(warm: WarmUnits, present: tuple[int, int], target: str) -> None:
    """UpdateTable: warm units never go down."""
    for name, requested, current in (
        ("Read", warm.read, present[0]),
        ("Write", warm.write, present[1]),
    ):
        if requested is not None and requested < current:
            raise ValidationException(
                f"{INVALID}Requested {name}UnitsPerSecond for WarmThroughput for {target} is lower "
                "than current WarmThroughput, decreasing WarmThroughput is not supported"
            )


def check_changes(present: Throughput, units: Units, target: str) -> None:
    """Refuse provisioned units that are the present ones. `target`: `the table`, `index i`."""
    if (units.read, units.write) != (present.read_capacity_units, present.write_capacity_units):
        return
    subject = target if target == "the table" else f"the {target}"
    raise ValidationException(
        f"The provisioned throughput for {subject} will not change. The requested value equals the "
        f"current value. Current ReadCapacityUnits provisioned for {target}: "
        f"{present.read_capacity_units}. Requested ReadCapacityUnits: {units.read}. Current "
        f"WriteCapacityUnits provisioned for {target}: {present.write_capacity_units}. Requested "
        f"WriteCapacityUnits: {units.write}. {GUIDE}"
    )


def changed_throughput(present: Throughput, units: Units, now: float) -> Throughput:
    """The throughput after a change at `now` (epoch seconds).

    Raises LimitExceededException for a decrease beyond the fourth of the UTC day within an hour of
    the last one (AWS: Service, account, and table quotas, "Decreasing provisioned throughput").
    """
    raised = units.read > present.read_capacity_units or units.write > present.write_capacity_units
    lowered = units.read < present.read_capacity_units or units.write < present.write_capacity_units
    count = decreases_today(present, now)
    if lowered:
        _check_decrease(present, count, now)
        count += 1
    return replace(
        present,
        read_capacity_units=units.read,
        write_capacity_units=units.write,
        last_increase=now if raised else present.last_increase,
        last_decrease=now if lowered else present.last_decrease,
        decreases_today=count,
    )


def _check_decrease(present: Throughput, count: int, now: float) -> None:
    last = present.last_decrease
    if last is None or count < THROUGHPUT_DECREASES_AT_ONCE_MAX:
        return
    if now - last >= DECREASE_PAUSE_SECONDS:
        return
    moment = datetime.fromtimestamp(last, UTC)
    raise LimitExceededException(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
        f"UTC day. After the first {THROUGHPUT_DECREASES_AT_ONCE_MAX} decreases, each subsequent "
        "decrease in the same UTC day can be performed at most once every "
        f"{DECREASE_PAUSE_SECONDS} seconds. Number of decreases today: {count}. Last decrease at "
        f"{_spoken(moment)}. Next decrease can be made at "
        f"{_spoken(moment + timedelta(seconds=DECREASE_PAUSE_SECONDS))}"
    )


def _spoken(moment: datetime) -> str:
    """`Wednesday, July 25, 2018 8:48:14 PM UTC`."""
    hour = moment.hour % 12 or 12
    return f"{moment:%A}, {moment:%B} {moment.day}, {moment.year} {hour}:{moment:%M:%S %p} UTC"
