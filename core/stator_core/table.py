"""The table descriptor: what CreateTable made and everything that follows from it.

Made by `requests/create_table.py`, changed by `requests/update_table.py`, stored by the catalog as
JSON (`to_json`, `from_json`; version 1), read by every item request. Descriptors are immutable: a
change makes a new one. Invariant: an index that the descriptor names has an identifier that no
other table or index ever had, so a key on disk says which definition wrote it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

KeyType = Literal["S", "N", "B"]
# What keeps a table UPDATING, apart from its indexes: `table_status.py` refuses changes by it.
ChangeUnderWay = Literal["THROUGHPUT", "BILLING_MODE", "STREAM", "TABLE_CLASS"]
DESCRIPTOR_VERSION = 1


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key, with the type that AttributeDefinitions give it."""

    name: str
    type: KeyType


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The HASH attributes and the RANGE attributes of a table or an index, in order.

    A table or a local index has one HASH and at most one RANGE attribute; a global index has up to
    four of each.
    """

    hash: tuple[KeyAttribute, ...]
    range: tuple[KeyAttribute, ...] = ()

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        return self.hash + self.range

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(attribute.name for attribute in self.hash + self.range)


@dataclass(frozen=True, slots=True)
class IndexProjection:
    """What of an item an index entry holds, beside the keys of index and table."""

    type: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    non_key_attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Throughput:
    """Provisioned units per second, and the times of their last changes (epoch seconds)."""

    read_capacity_units: int = 0
    write_capacity_units: int = 0
    last_increase: float | None = None
    last_decrease: float | None = None
    decreases_today: int = 0


@dataclass(frozen=True, slots=True)
class OnDemandThroughput:
    """Caps of an on-demand table or index; None where the caller set none."""

    max_read_request_units: int | None = None
    max_write_request_units: int | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index. `identifier` stands in the keys of its entries."""

    name: str
    kind: Literal["LOCAL", "GLOBAL"]
    identifier: int
    key_schema: KeySchema
    projection: IndexProjection
    status: str = "ACTIVE"
    backfilling: bool | None = None
    throughput: Throughput = Throughput()
    on_demand_throughput: OnDemandThroughput | None = None
    warm_throughput: tuple[int, int] | None = None  # (read units, write units) per second

    @property
    def is_global(self) -> bool:
        return self.kind == "GLOBAL"


@dataclass(frozen=True, slots=True)
class StreamSpecification:
    enabled: bool
    view_type: str | None = None


@dataclass(frozen=True, slots=True)
class TimeToLive:
    """The TTL setting. `status` is DynamoDB's; `modified` is the time of the last change."""

    attribute_name: str
    status: Literal["ENABLING", "ENABLED", "DISABLING", "DISABLED"]
    modified: float


@dataclass(frozen=True)
class Table:
    """Everything known of a table but its items. Times are epoch seconds with a fraction of ms."""

    name: str
    identifier: int
    table_id: str  # a UUID, as DescribeTable shows it
    arn: str
    key_schema: KeySchema
    attribute_definitions: tuple[KeyAttribute, ...]
    created: float
    status: str = "CREATING"
    local_indexes: tuple[Index, ...] = ()
    global_indexes: tuple[Index, ...] = ()
    billing_mode: str = "PROVISIONED"
    # When the table last became PAY_PER_REQUEST; shown as BillingModeSummary. A table that was
    # always PROVISIONED has none (as DynamoDB answers, captured 2026-10).
    last_update_to_pay_per_request: float | None = None
    throughput: Throughput = Throughput()
    on_demand_throughput: OnDemandThroughput | None = None
    # (read, write) units per second, once anything raised them over what the billing mode implies.
    warm_throughput: tuple[int, int] | None = None
    stream: StreamSpecification | None = None  # None: no stream, or one that was disabled
    latest_stream_label: str | None = None  # outlives the stream, as DescribeTable shows it
    table_class: str | None = None  # None: never set, shown as nothing
    table_class_updated: float | None = None
    deletion_protection: bool = False
    sse: dict[str, Any] | None = None  # SSESpecification as given
    time_to_live: TimeToLive | None = None
    tags: tuple[tuple[str, str], ...] = ()
    resource_policy: str | None = None
    change_under_way: ChangeUnderWay | None = None

    # Derived values, filled once: the hot path asks for them on every request.
    indexes: tuple[Index, ...] = field(init=False, compare=False, repr=False)
    key_attributes: tuple[KeyAttribute, ...] = field(init=False, compare=False, repr=False)
    key_names: tuple[str, ...] = field(init=False, compare=False, repr=False)
    hash_key: KeyAttribute = field(init=False, compare=False, repr=False)
    range_key: KeyAttribute | None = field(init=False, compare=False, repr=False)
    stream_view: str | None = field(init=False, compare=False, repr=False)  # None: no stream
    # The attribute whose times the service deletes by; None: it deletes nothing.
    expires_by: str | None = field(init=False, compare=False, repr=False)
    is_plain: bool = field(init=False, compare=False, repr=False)  # nothing follows from a write

    def __post_init__(self) -> None:
        assert len(self.key_schema.hash) == 1
        assert len(self.key_schema.range) <= 1
        set_derived = object.__setattr__  # The class is frozen; these follow from the fields above.
        set_derived(self, "indexes", self.local_indexes + self.global_indexes)
        set_derived(self, "key_attributes", self.key_schema.attributes)
        set_derived(self, "key_names", self.key_schema.names)
        set_derived(self, "hash_key", self.key_schema.hash[0])
        set_derived(self, "range_key", self.key_schema.range[0] if self.key_schema.range else None)
        stream = self.stream
        set_derived(self, "stream_view", stream.view_type if stream and stream.enabled else None)
        ttl = self.time_to_live
        in_force = ttl is not None and ttl.status in ("ENABLING", "ENABLED")
        set_derived(self, "expires_by", ttl.attribute_name if ttl and in_force else None)
        plain = not self.indexes and self.stream_view is None and self.expires_by is None
        set_derived(self, "is_plain", plain)

    def index(self, name: str) -> Index | None:
        """The index of that name, or None."""
        for index in self.indexes:
            if index.name == name:
                return index
        return None

    def changed(self, **changes: Any) -> Table:
        """A copy with these fields changed."""
        return replace(self, **changes)


_DERIVED = tuple(each.name for each in fields(Table) if not each.init)


def to_json(table: Table) -> dict[str, Any]:
    """The stored form: the fields by name, with the descriptor version."""
    stored = asdict(table)
    for derived in _DERIVED:
        del stored[derived]
    stored["descriptor_version"] = DESCRIPTOR_VERSION
    return stored


def from_json(stored: dict[str, Any]) -> Table:
    """Read what `to_json` wrote. Raises ValueError for a version that this code does not know."""
    version = stored.get("descriptor_version")
    if version != DESCRIPTOR_VERSION:
        raise ValueError(
            f"table descriptor version {version!r}, this code reads {DESCRIPTOR_VERSION}"
        )
    members = {name: value for name, value in stored.items() if name != "descriptor_version"}
    members["key_schema"] = _key_schema(members["key_schema"])
    members["attribute_definitions"] = tuple(
        KeyAttribute(**attribute) for attribute in members["attribute_definitions"]
    )
    for name in ("local_indexes", "global_indexes"):
        members[name] = tuple(_index(index) for index in members[name])
    members["throughput"] = Throughput(**members["throughput"])
    members["on_demand_throughput"] = _on_demand(members["on_demand_throughput"])
    members["warm_throughput"] = _pair(members["warm_throughput"])
    if members["stream"] is not None:
        members["stream"] = StreamSpecification(**members["stream"])
    if members["time_to_live"] is not None:
        members["time_to_live"] = TimeToLive(**members["time_to_live"])
    members["tags"] = tuple((key, value) for key, value in members["tags"])
    return Table(**members)


def _key_schema(stored: dict[str, Any]) -> KeySchema:
    return KeySchema(
        hash=tuple(KeyAttribute(**attribute) for attribute in stored["hash"]),
        range=tuple(KeyAttribute(**attribute) for attribute in stored["range"]),
    )


def _index(stored: dict[str, Any]) -> Index:
    projection = stored["projection"]
    return Index(
        **{
            **stored,
            "key_schema": _key_schema(stored["key_schema"]),
            "projection": IndexProjection(
                projection["type"], tuple(projection["non_key_attributes"])
            ),
            "throughput": Throughput(**stored["throughput"]),
            "on_demand_throughput": _on_demand(stored["on_demand_throughput"]),
            "warm_throughput": _pair(stored["warm_throughput"]),
        }
    )


def _on_demand(stored: dict[str, Any] | None) -> OnDemandThroughput | None:
    return None if stored is None else OnDemandThroughput(**stored)


def _pair(stored: list[int] | None) -> tuple[int, int] | None:
    return None if stored is None else (stored[0], stored[1])
