"""Changes of objects that the API server takes and refuses, and pools and partitions for tests.

`table_specs.py` has what is refused of a new Table; together they meet every rule of every
resource, which `test_custom_resource.py` counts.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import table_specs
from table_specs import Spec, index, key

Object = dict[str, Any]
Start = Callable[[], Object]


def an_object(kind: str, spec: Spec, name: str = "one", status: Spec | None = None) -> Object:
    made = {
        "apiVersion": "stator.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    return made if status is None else {**made, "status": status}


def table(spec: Spec | None = None, name: str = "one") -> Object:
    return an_object("Table", spec or table_specs.plain(), name)


def rich_table() -> Object:
    return table(table_specs.with_indexes())


def own_storage() -> Object:
    spec = table_specs.plain() | {"storage": pool_spec()}
    del spec["pool"]
    return table(spec)


def pool_spec() -> Spec:
    return {"zones": ["a", "b", "c"], "volume": {"size": "10Gi", "storageClassName": "fast"}}


def pool() -> Object:
    return an_object("StoragePool", pool_spec())


def full_pool() -> Object:
    """Everything that a StoragePool can say."""
    toleration = {"key": "database", "operator": "Exists", "effect": "NoSchedule"}
    return an_object(
        "StoragePool",
        pool_spec()
        | {
            "zoneKey": "example.com/rack",
            "podsPerZone": 2,
            "resources": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
            "image": "registry.example.com/stator:1",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [toleration],
            "gateway": {"replicas": 3, "tlsSecretName": "default-tls"},
            "tls": {"issuedBy": "CertManager", "issuer": {"name": "inner"}, "certificateDays": 30},
            "replaceAfterSeconds": 3_600,
            "suspend": True,
        },
    )


def partition() -> Object:
    spec = {"pool": "default", "partitionId": 7, "tableName": "Music"}
    return an_object("Partition", spec, status=partition_status())


def partition_status() -> Spec:
    whole = {"start": "0" * 16, "end": "f" * 16}
    replica = {"nodeId": "n1", "pod": "default-a-0", "zone": "a", "role": "Leader", "lag": 0}
    return {"range": whole, "rangeEpoch": 2, "membersEpoch": 3, "replicas": [replica]}


@dataclass(frozen=True)
class Case:
    """An object, a change of it, and words of the refusal; None: it is taken."""

    name: str
    start: Start
    change: Callable[[Object], object]
    words: str | None = None

    def changed(self) -> Object:
        made = copy.deepcopy(self.start())
        self.change(made)
        return made


def global_indexes(made: Object) -> list[Spec]:
    indexes: list[Spec] = made["spec"]["globalSecondaryIndexes"]
    return indexes


def _set(path: str, value: Any) -> Callable[[Object], object]:
    """Set a member, by its path below the spec or, from `metadata` or `status` on, the object."""
    names = path.split(".")

    def change(made: Object) -> None:
        place = made if names[0] in ("metadata", "status") else made["spec"]
        for name in names[:-1]:
            place = place.setdefault(name, {})
        place[names[-1]] = value

    return change


def _drop(name: str) -> Callable[[Object], object]:
    return lambda made: made["spec"].pop(name)


def _stream(view_type: str | None) -> Spec:
    return {"streamEnabled": bool(view_type)} | ({"streamViewType": view_type} if view_type else {})


def _streaming() -> Object:
    return table(table_specs.plain() | {"streamSpecification": _stream("NEW_IMAGE")})


def _expiring() -> Object:
    return table(table_specs.plain() | {"timeToLive": {"attributeName": "Ends", "enabled": True}})


# Of a new object. What is refused of a Table's spec is in table_specs.REFUSED.
NEW = (
    Case("a plain table", table, lambda made: None),
    Case("a rich table", lambda: table(table_specs.rich()), lambda made: None),
    Case("a table with indexes", rich_table, lambda made: None),
    Case("a table with storage", own_storage, lambda made: None),
    Case("a long name without storage", table, _set("metadata.name", "t" * 31)),
    Case(
        "a long name with storage",
        own_storage,
        _set("metadata.name", "t" * 31),
        "the name of a Table with storage of its own",
    ),
    Case("a pool", pool, lambda made: None),
    Case("a pool with everything", full_pool, lambda made: None),
    Case("a pool's long name", pool, _set("metadata.name", "p" * 31), "a pool's name has at most"),
    Case(
        "a pool's name with a dot", pool, _set("metadata.name", "a.b"), "a pool's name has at most"
    ),
    Case("two zones", pool, _set("zones", ["a", "b"]), "should have at least 3 items"),
    Case("one zone twice", pool, _set("zones", ["a", "b", "b"]), "Duplicate value"),
    Case("no size", pool, _set("volume", {}), "size: Required value"),
    Case("no quantity", pool, _set("volume.size", "much"), "must be a quantity"),
    Case("a tiny volume", pool, _set("volume.size", "1Mi"), "a volume has at least 1Gi"),
    Case(
        "a value of anything",
        full_pool,
        lambda made: made["spec"]["tolerations"][0].update(value="x"),
        "with the operator Exists there is no value",
    ),
    Case("certificates of nobody", pool, _set("tls", {"issuedBy": "None"})),
    Case(
        "no issuer for cert-manager",
        pool,
        _set("tls", {"issuedBy": "CertManager"}),
        "an issuer is named with issuedBy CertManager, and only with it",
    ),
    Case(
        "an issuer that nobody asks",
        pool,
        _set("tls", {"issuer": {"name": "inner"}}),
        "an issuer is named with issuedBy CertManager, and only with it",
    ),
    Case(
        "certificates of no days",
        pool,
        _set("tls", {"certificateDays": 0}),
        "should be greater than or equal to 1",
    ),
    Case("a partition", partition, lambda made: None),
    Case("a partition of no table", partition, _drop("tableName"), "tableName: Required value"),
)

# Of an object that is there. `status` is changed by its own door.
CHANGES = (
    Case("a global index more", rich_table, lambda made: global_indexes(made).append(
        index("ByYearOfAll", ("Year", "HASH"))
    )),
    Case("a global index less", rich_table, lambda made: (
        _drop("globalSecondaryIndexes")(made), made["spec"]["attributeDefinitions"].pop()
    )),
    Case("another billing mode", table, lambda made: made["spec"].update(
        billingMode="PROVISIONED",
        provisionedThroughput={"readCapacityUnits": 1, "writeCapacityUnits": 1},
    )),
    Case("another name", table, _set("tableName", "Other"), "tableName cannot be changed"),
    Case("another pool", table, _set("pool", "other"), "pool cannot be changed"),
    Case("a pool of its own now", table, lambda made: (
        _drop("pool")(made), made["spec"].update(storage=pool_spec())
    ), "storage can only be set at creation"),
    Case("another key", rich_table, _set("keySchema", key(("Artist", "HASH"), ("Year", "RANGE"))),
         "a table's key cannot be changed"),
    Case("another type", table, _set("attributeDefinitions", [
        {"attributeName": "Artist", "attributeType": "B"}
    ]), "attributeType cannot be changed"),
    Case("no local index any more", rich_table, _drop("localSecondaryIndexes"),
         "local secondary indexes can only be set at creation"),
    Case("another local index", rich_table, lambda made: made["spec"].update(
        localSecondaryIndexes=[index("ByYear2", ("Artist", "HASH"), ("Year", "RANGE"))]
    ), "a local secondary index cannot be changed"),
    Case("another key of an index", rich_table, lambda made: global_indexes(made)[0].update(
        keySchema=key(("Year", "HASH"), ("Label", "RANGE"))
    ), "the key of an index cannot be changed"),
    Case("another projection", rich_table, lambda made: global_indexes(made)[0].update(
        projection={"projectionType": "KEYS_ONLY"}
    ), "an index's projection cannot be changed"),
    Case("no stream any more", _streaming, _set("streamSpecification", _stream(None))),
    Case("another stream", _streaming, _set("streamSpecification", _stream("KEYS_ONLY")),
         "streamViewType cannot be changed"),
    Case("no end of items any more", _expiring, _set("timeToLive.enabled", False)),
    Case("another end of items", _expiring, _set("timeToLive.attributeName", "Dies"),
         "attributeName cannot be changed"),
    Case("one zone more", pool, _set("zones", ["a", "b", "c", "d"])),
    Case("another zone", pool, _set("zones", ["a", "b", "d"]), "a zone cannot be taken away"),
    Case("another zone of a table", own_storage, _set("storage.zones", ["a", "b", "d"]),
         "a zone cannot be taken away"),
    Case("longer certificates", pool, _set("tls", {"certificateDays": 365})),
    Case("another maker of certificates", pool, _set("tls", {"issuedBy": "None"}),
         "issuedBy cannot be changed"),
    Case("more pods", pool, _set("podsPerZone", 3)),
    Case("fewer pods", full_pool, _set("podsPerZone", 1)),
    Case("another label of zones", pool, _set("zoneKey", "rack"), "zoneKey cannot be changed"),
    Case("a larger volume", pool, _set("volume.size", "11Gi")),
    Case("a smaller volume", pool, _set("volume.size", "9Gi"), "volumes cannot shrink"),
    Case("another class", pool, _set("volume.storageClassName", "slow"),
         "storageClassName cannot be changed"),
    Case("no class", pool, _set("volume", {"size": "10Gi"}),
         "storageClassName can only be set at creation"),
    Case("another partition", partition, _set("partitionId", 8), "a partition cannot be changed"),
    Case("a later epoch", partition, _set("status.rangeEpoch", 3)),
    Case("an earlier epoch", partition, _set("status.rangeEpoch", 1), "an epoch only grows"),
    Case("a range that ends before it starts", partition, _set(
        "status.range", {"start": "f" * 16, "end": "0" * 16}
    ), "a range starts before it ends"),
)  # fmt: skip
