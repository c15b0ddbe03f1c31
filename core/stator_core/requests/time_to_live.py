"""UpdateTimeToLive and DescribeTimeToLive: the setting; what expires is the sweeper's business.

In: a request body, then the table. Out: the table with its setting changed, or the answer. A change
is in force at once: DynamoDB shows no ENABLING or DISABLING at a resolution of a second either
(captured 2026-10). The cooldown is the caller's, since a laptop wants none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stator_core.errors import ResourceInUseException, ValidationException
from stator_core.limits import TIME_TO_LIVE_NAME_CHARACTERS_MAX
from stator_core.requests.constraints import Violations
from stator_core.requests.shapes import BOOLEAN, STRING, Structure, check
from stator_core.requests.table_members import read_table_name
from stator_core.table import Table, TimeToLive
from stator_core.table_status import IN_USE

UPDATE_SHAPE = Structure(
    "UpdateTimeToLiveInput",
    {
        "TableName": STRING,
        "TimeToLiveSpecification": Structure(
            "TimeToLiveSpecification", {"Enabled": BOOLEAN, "AttributeName": STRING}
        ),
    },
)
DESCRIBE_SHAPE = Structure("DescribeTimeToLiveInput", {"TableName": STRING})


@dataclass(frozen=True, slots=True)
class UpdateTimeToLive:
    table_name: str
    attribute_name: str
    enabled: bool

    def apply(self, table: Table, now: float, cooldown_seconds: float) -> Table:
        """The table with the setting changed at `now` (epoch seconds).

        Raises ValidationException where nothing would change, another attribute is in force, or the
        last change is younger than the cooldown; ResourceInUseException in CREATING and DELETING.
        """
        self._check_state(table)
        present = table.time_to_live
        in_force = present is not None and present.status == "ENABLED"
        if not in_force and not self.enabled:
            raise ValidationException("TimeToLive is already disabled")
        if in_force:
            assert present is not None
            if present.attribute_name != self.attribute_name:
                raise ValidationException(
                    "TimeToLive is active on a different AttributeName: current AttributeName is "
                    f"{present.attribute_name}"
                )
            if self.enabled:
                raise ValidationException("TimeToLive is already enabled")
        if present is not None and now - present.modified < cooldown_seconds:
            raise ValidationException(
                "Time to live has been modified multiple times within a fixed interval"
            )
        status = TimeToLive(self.attribute_name, "ENABLED" if self.enabled else "DISABLED", now)
        return table.changed(time_to_live=status)

    def answer(self) -> dict[str, Any]:
        """The setting as it was asked for."""
        return {
            "TimeToLiveSpecification": {
                "Enabled": self.enabled,
                "AttributeName": self.attribute_name,
            }
        }

    def _check_state(self, table: Table) -> None:
        if table.status == "CREATING":
            raise ResourceInUseException(f"{IN_USE}: Table {table.name} is being created")
        if table.status == "DELETING":  # DynamoDB takes it for a moment, then no longer.
            raise ResourceInUseException(f"{IN_USE}: Table {table.name} is being deleted")


@dataclass(frozen=True, slots=True)
class DescribeTimeToLive:
    table_name: str

    def answer(self, table: Table) -> dict[str, Any]:
        """The setting in force. One that was disabled is shown as one that never was."""
        if table.status in ("CREATING", "DELETING"):
            raise ValidationException(
                f"Cannot describe time to live while table is in {table.status} state: Current "
                f"table state is {table.status}"
            )
        setting = table.time_to_live
        if setting is None or setting.status == "DISABLED":
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {
            "TimeToLiveDescription": {
                "TimeToLiveStatus": setting.status,
                "AttributeName": setting.attribute_name,
            }
        }


def parse_update_time_to_live(body: dict[str, Any]) -> UpdateTimeToLive:
    check(body, UPDATE_SHAPE)
    table_name = read_table_name(body)
    violations = Violations()
    specification = body.get("TimeToLiveSpecification")
    violations.require("timeToLiveSpecification", specification)
    if specification is not None:
        name = specification.get("AttributeName")
        violations.require("timeToLiveSpecification.attributeName", name)
        violations.length(
            "timeToLiveSpecification.attributeName", name, 1, TIME_TO_LIVE_NAME_CHARACTERS_MAX
        )
        violations.require("timeToLiveSpecification.enabled", specification.get("Enabled"))
    violations.raise_any()
    assert specification is not None
    return UpdateTimeToLive(table_name, specification["AttributeName"], specification["Enabled"])


def parse_describe_time_to_live(body: dict[str, Any]) -> DescribeTimeToLive:
    check(body, DESCRIBE_SHAPE)
    return DescribeTimeToLive(read_table_name(body))
