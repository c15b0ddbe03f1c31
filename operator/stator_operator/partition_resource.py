"""Partition: a view of one partition, for people. Written by the operator alone.

What a partition is, is decided by its own Raft log; nothing reads this object to act on it. So its
status may be a minute old, and whoever deletes it deletes a view.
"""

from __future__ import annotations

from stator_core.limits import INDEX_NAME_CHARACTERS_MAX, TABLE_NAME_CHARACTERS_MAX
from stator_operator.custom_resource import Column, Resource, condition
from stator_operator.naming import POOL_NAME_CHARACTERS_MAX
from stator_operator.schema import (
    CONDITIONS,
    ListOf,
    Rule,
    Structure,
    Text,
    Whole,
    unchangeable,
)

PARTITION_ID_MAX = (1 << 53) - 1  # what every JSON reader keeps exactly
MEMBERS_MAX = 9
NODE_ID_CHARACTERS_MAX = 64
HASH_PATTERN = "^[0-9a-f]{16}$"


def _epoch(what: str) -> Whole:
    rule = Rule("self >= oldSelf", "an epoch only grows")
    return Whole(what, 0, rules=(rule,))


SPEC = Structure(
    "Which partition it is.",
    {
        "pool": Text("The StoragePool that it lies in.", POOL_NAME_CHARACTERS_MAX, 1),
        "partitionId": Whole("Its number in the pool.", 1, PARTITION_ID_MAX),
        "tableName": Text("The table.", TABLE_NAME_CHARACTERS_MAX, 1),
        "indexName": Text(
            "The global secondary index whose entries it holds.", INDEX_NAME_CHARACTERS_MAX
        ),
        "parentId": Whole("The partition that it was split from.", 1, PARTITION_ID_MAX),
    },
    required=("pool", "partitionId", "tableName"),
    rules=(unchangeable("a partition"),),
)

REPLICAS = ListOf(
    "Its replicas.",
    Structure(
        "One replica.",
        {
            "nodeId": Text("Who holds it, by the identity on the volume.", NODE_ID_CHARACTERS_MAX),
            "pod": Text("The pod of that identity at present.", 63),
            "zone": Text("The zone of that pod.", 63),
            "role": Text("What it is.", values=("Leader", "Follower", "Learner")),
            "lag": Whole("How many entries of the log it lacks.", 0),
        },
        required=("nodeId", "role"),
    ),
    items_max=MEMBERS_MAX,
    keys=("nodeId",),
)

STATUS = Structure(
    "How it was last seen.",
    {
        "range": Structure(
            "The hashes of the partition keys that it holds; both ends are held.",
            {
                "start": Text("The first hash.", 16, 16, HASH_PATTERN),
                "end": Text("The last hash.", 16, 16, HASH_PATTERN),
            },
            required=("start", "end"),
            rules=(Rule("self.start <= self.end", "a range starts before it ends"),),
        ),
        "rangeEpoch": _epoch("Grows with each change of the range."),
        "membersEpoch": _epoch("Grows with each change of the replicas."),
        "leader": Text("The pod that leads it.", 63),
        "replicas": REPLICAS,
        "sizeBytes": Whole("The size of its items.", 0),
        "itemCount": Whole("How many items it holds.", 0),
        "operationsPerSecond": Whole("Its recent traffic.", 0),
        "sampledAt": Text("When size and traffic were looked at.", format="date-time"),
        "conditions": CONDITIONS,
    },
)

PARTITION = Resource(
    kind="Partition",
    plural="partitions",
    short_name="part",
    description="A view of one partition of a table, written by the operator.",
    spec=SPEC,
    status=STATUS,
    columns=(
        Column("Table", ".spec.tableName"),
        Column("Index", ".spec.indexName"),
        Column("Start", ".status.range.start"),
        Column("Leader", ".status.leader"),
        Column("Replicated", condition("FullyReplicated", "status")),
        Column("Size", ".status.sizeBytes", "integer"),
        Column("Operations", ".status.operationsPerSecond", "integer"),
        Column("End", ".status.range.end", wide=True),
        Column("Range Epoch", ".status.rangeEpoch", "integer", wide=True),
        Column("Pool", ".spec.pool", wide=True),
    ),
    selectable=(".spec.tableName", ".spec.pool"),
)
