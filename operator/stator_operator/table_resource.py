"""Table: a DynamoDB table as an object, in DynamoDB's own shape with Kubernetes' spelling.

`attributeDefinitions` is AttributeDefinitions and so on, values are DynamoDB's (`HASH`,
`PAY_PER_REQUEST`), so that `table_request.py` turns one into the other without a table of its own.
Invariant: what CreateTable would refuse for a reason that a schema can know, the API server
refuses; `tests/operator/test_table_resource.py` compares the two.

AWS: API reference, CreateTable, UpdateTable; Service, account, and table quotas.
"""

from __future__ import annotations

from stator_core.limits import (
    GLOBAL_INDEXES_MAX,
    INDEX_HASH_ATTRIBUTES_MAX,
    INDEX_NAME_CHARACTERS_MAX,
    INDEX_NAME_CHARACTERS_MIN,
    INDEX_RANGE_ATTRIBUTES_MAX,
    KEY_ATTRIBUTE_NAME_BYTES_MAX,
    LOCAL_INDEXES_MAX,
    PROJECTED_ATTRIBUTES_PER_INDEX_MAX,
    PROJECTED_ATTRIBUTES_PER_TABLE_MAX,
    TABLE_KEY_ATTRIBUTES_MAX,
    TABLE_NAME_CHARACTERS_MAX,
    TABLE_NAME_CHARACTERS_MIN,
    TAG_KEY_CHARACTERS_MAX,
    TAG_VALUE_CHARACTERS_MAX,
    TAGS_PER_RESOURCE_MAX,
    THROUGHPUT_UNITS_VALUE_MAX,
    TIME_TO_LIVE_NAME_CHARACTERS_MAX,
)
from stator_operator import storage_pool_resource
from stator_operator.custom_resource import Column, Resource, Scale, condition
from stator_operator.naming import POOL_NAME_CHARACTERS_MAX, POOL_NAME_PATTERN
from stator_operator.schema import (
    CONDITIONS,
    OBSERVED_GENERATION,
    ListOf,
    Rule,
    Structure,
    Text,
    Truth,
    Whole,
    stays_or_stays_away,
    unchangeable,
)

NAME_PATTERN = "^[A-Za-z0-9_.-]+$"
INDEX_KEY_ATTRIBUTES_MAX = INDEX_HASH_ATTRIBUTES_MAX + INDEX_RANGE_ATTRIBUTES_MAX
# The table's two, one more for each local index, all of each global one.
DEFINITIONS_MAX = (
    TABLE_KEY_ATTRIBUTES_MAX + LOCAL_INDEXES_MAX + GLOBAL_INDEXES_MAX * INDEX_KEY_ATTRIBUTES_MAX
)
_ATTRIBUTE_NAME_MAX = KEY_ATTRIBUTE_NAME_BYTES_MAX

_NO_NAME_TWICE = Rule(
    "self.all(one, self.exists_one(other, other.attributeName == one.attributeName))",
    "no attribute stands in a key twice",
)
_SIMPLE_KEY_RULES = (
    Rule("self[0].keyType == 'HASH'", "the first attribute of a key is HASH"),
    Rule("size(self) < 2 || self[1].keyType == 'RANGE'", "the second attribute of a key is RANGE"),
    _NO_NAME_TWICE,
)
_GLOBAL_KEY_RULES = (
    Rule("self[0].keyType == 'HASH'", "the first attribute of a key is HASH"),
    # By numbers: of words the API server does not know how long they may be.
    Rule(
        "self.map(one, one.keyType == 'HASH' ? 0 : 1).isSorted()",
        "HASH attributes stand before RANGE attributes",
    ),
    Rule(
        f"self.filter(one, one.keyType == 'HASH').size() <= {INDEX_HASH_ATTRIBUTES_MAX}"
        f" && self.filter(one, one.keyType == 'RANGE').size() <= {INDEX_RANGE_ATTRIBUTES_MAX}",
        f"a key has at most {INDEX_HASH_ATTRIBUTES_MAX} HASH and {INDEX_RANGE_ATTRIBUTES_MAX}"
        " RANGE attributes",
    ),
    _NO_NAME_TWICE,
)


def key_schema(attributes_max: int, rules: tuple[Rule, ...], what: str) -> ListOf:
    """A key: its attributes in order. It cannot be changed."""
    return ListOf(
        "The attributes of the key, in order.",
        Structure(
            "An attribute of the key.",
            {
                "attributeName": Text("Its name.", _ATTRIBUTE_NAME_MAX, 1),
                "keyType": Text("Its part in the key.", values=("HASH", "RANGE")),
            },
            required=("attributeName", "keyType"),
        ),
        items_min=1,
        items_max=attributes_max,
        rules=(*rules, unchangeable(what)),
    )


def _index_name() -> Text:
    return Text(
        "The name of the index.",
        INDEX_NAME_CHARACTERS_MAX,
        INDEX_NAME_CHARACTERS_MIN,
        NAME_PATTERN,
    )


PROJECTION = Structure(
    "What an entry of the index holds beside the keys.",
    {
        "projectionType": Text("How much.", values=("ALL", "KEYS_ONLY", "INCLUDE")),
        "nonKeyAttributes": ListOf(
            "The attributes of INCLUDE.",
            Text("An attribute.", _ATTRIBUTE_NAME_MAX, 1),
            items_min=1,
            items_max=PROJECTED_ATTRIBUTES_PER_INDEX_MAX,
            is_set=True,
        ),
    },
    required=("projectionType",),
    rules=(
        Rule(
            "(self.projectionType == 'INCLUDE') == has(self.nonKeyAttributes)",
            "INCLUDE names its nonKeyAttributes, other projections name none",
            at=".nonKeyAttributes",
        ),
        Rule("self == oldSelf", "an index's projection cannot be changed: give the index up first"),
    ),
)


def _units(what: str) -> Whole:
    return Whole(f"{what} units per second.", 1, THROUGHPUT_UNITS_VALUE_MAX)


PROVISIONED_THROUGHPUT = Structure(
    "What it is provisioned for, with the billing mode PROVISIONED.",
    {"readCapacityUnits": _units("Read"), "writeCapacityUnits": _units("Write")},
    required=("readCapacityUnits", "writeCapacityUnits"),
)

LOCAL_INDEXES = ListOf(
    "Local secondary indexes. They are made with the table and stay.",
    Structure(
        "A local secondary index.",
        {
            "indexName": _index_name(),
            "keySchema": key_schema(
                TABLE_KEY_ATTRIBUTES_MAX,
                (
                    *_SIMPLE_KEY_RULES,
                    Rule("size(self) == 2", "the key of a local index has a RANGE attribute"),
                ),
                "the key of an index",
            ),
            "projection": PROJECTION,
        },
        required=("indexName", "keySchema", "projection"),
    ),
    items_min=1,
    items_max=LOCAL_INDEXES_MAX,
    keys=("indexName",),
    rules=(unchangeable("a local secondary index"),),
)

GLOBAL_INDEXES = ListOf(
    "Global secondary indexes. They can be added and given up.",
    Structure(
        "A global secondary index.",
        {
            "indexName": _index_name(),
            "keySchema": key_schema(
                INDEX_KEY_ATTRIBUTES_MAX, _GLOBAL_KEY_RULES, "the key of an index"
            ),
            "projection": PROJECTION,
            "provisionedThroughput": PROVISIONED_THROUGHPUT,
        },
        required=("indexName", "keySchema", "projection"),
    ),
    items_min=1,
    items_max=GLOBAL_INDEXES_MAX,
    keys=("indexName",),
)

STREAM = Structure(
    "The stream of changes.",
    {
        "streamEnabled": Truth("Whether there is one."),
        "streamViewType": Text(
            "What a record shows of an item.",
            values=("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"),
        ),
    },
    required=("streamEnabled",),
    rules=(
        Rule(
            "self.streamEnabled == has(self.streamViewType)",
            "an enabled stream has a streamViewType, a disabled one has none",
            at=".streamViewType",
        ),
        Rule(
            "!self.streamEnabled || !oldSelf.streamEnabled"
            " || self.streamViewType == oldSelf.streamViewType",
            "streamViewType cannot be changed: disable the stream first",
            at=".streamViewType",
        ),
    ),
)

TIME_TO_LIVE = Structure(
    "Items are deleted when their time has come.",
    {
        "attributeName": Text(
            "The attribute with the time, in seconds since 1970.",
            TIME_TO_LIVE_NAME_CHARACTERS_MAX,
            1,
        ),
        "enabled": Truth("Whether they are.", default=True),
    },
    required=("attributeName",),
    rules=(
        Rule(
            "self.attributeName == oldSelf.attributeName || !self.enabled || !oldSelf.enabled",
            "attributeName cannot be changed: disable timeToLive first",
            at=".attributeName",
        ),
    ),
)

TAGS = ListOf(
    "DynamoDB's tags of the table.",
    Structure(
        "A tag.",
        {
            "key": Text(
                "Its key.",
                TAG_KEY_CHARACTERS_MAX,
                1,
                rules=(
                    Rule("!self.startsWith('aws:')", "keys that begin with aws: are AWS's own"),
                ),
            ),
            "value": Text("Its value.", TAG_VALUE_CHARACTERS_MAX),
        },
        required=("key", "value"),
    ),
    items_max=TAGS_PER_RESOURCE_MAX,
    keys=("key",),
)


def _defined(indexes: str) -> Rule:
    return Rule(
        f"!has(self.{indexes}) || self.{indexes}.all(index, index.keySchema.all(key,"
        " self.attributeDefinitions.exists(one, one.attributeName == key.attributeName)))",
        "every attribute of an index's key is defined in attributeDefinitions",
        at=f".{indexes}",
    )


def _used_by(indexes: str) -> str:
    return (
        f"(has(self.{indexes}) && self.{indexes}.exists(index, index.keySchema.exists(key,"
        " key.attributeName == one.attributeName)))"
    )


def _projected(indexes: str) -> str:
    counts = (
        "map(index, has(index.projection.nonKeyAttributes)"
        " ? size(index.projection.nonKeyAttributes) : 0).sum()"
    )
    return f"(has(self.{indexes}) ? self.{indexes}.{counts} : 0)"


_ATTRIBUTE_RULES = (
    Rule(
        "self.keySchema.all(key,"
        " self.attributeDefinitions.exists(one, one.attributeName == key.attributeName))",
        "every attribute of the key is defined in attributeDefinitions",
        at=".keySchema",
    ),
    _defined("localSecondaryIndexes"),
    _defined("globalSecondaryIndexes"),
    Rule(
        "self.attributeDefinitions.all(one,"
        " self.keySchema.exists(key, key.attributeName == one.attributeName)"
        f" || {_used_by('localSecondaryIndexes')} || {_used_by('globalSecondaryIndexes')})",
        "attributeDefinitions has attributes of keys only, and no key has one of these",
        at=".attributeDefinitions",
    ),
    Rule(
        "!has(self.localSecondaryIndexes) || size(self.keySchema) == 2",
        "a table with local indexes has a RANGE attribute in its key",
        at=".keySchema",
    ),
    Rule(
        "!has(self.localSecondaryIndexes) || self.localSecondaryIndexes.all(index,"
        " index.keySchema[0].attributeName == self.keySchema[0].attributeName)",
        "a local index has the HASH attribute of its table",
        at=".localSecondaryIndexes",
    ),
    Rule(
        "!has(self.localSecondaryIndexes) || !has(self.globalSecondaryIndexes)"
        " || !self.localSecondaryIndexes.exists(one,"
        " self.globalSecondaryIndexes.exists(other, other.indexName == one.indexName))",
        "no two indexes have one name",
        at=".globalSecondaryIndexes",
    ),
    Rule(
        f"{_projected('localSecondaryIndexes')} + {_projected('globalSecondaryIndexes')}"
        f" <= {PROJECTED_ATTRIBUTES_PER_TABLE_MAX}",
        f"all indexes together have at most {PROJECTED_ATTRIBUTES_PER_TABLE_MAX} nonKeyAttributes",
    ),
)
_BILLING_RULES = (
    Rule(
        "(self.billingMode == 'PROVISIONED') == has(self.provisionedThroughput)",
        "PROVISIONED has a provisionedThroughput, PAY_PER_REQUEST has none",
        at=".provisionedThroughput",
    ),
    Rule(
        "!has(self.globalSecondaryIndexes) || self.globalSecondaryIndexes.all(index,"
        " (self.billingMode == 'PROVISIONED') == has(index.provisionedThroughput))",
        "indexes of PROVISIONED have a provisionedThroughput, those of PAY_PER_REQUEST have none",
        at=".globalSecondaryIndexes",
    ),
)
_PLACE_RULES = (
    Rule("has(self.pool) != has(self.storage)", "a table has either a pool or storage of its own"),
    stays_or_stays_away("storage", "storage"),
    stays_or_stays_away("localSecondaryIndexes", "local secondary indexes"),
)

SPEC = Structure(
    "The table that is wanted.",
    {
        "tableName": Text(
            "The table's name in DynamoDB's API.",
            TABLE_NAME_CHARACTERS_MAX,
            TABLE_NAME_CHARACTERS_MIN,
            NAME_PATTERN,
            rules=(unchangeable("tableName"),),
        ),
        "pool": Text(
            "The StoragePool that the table lies in, of the same namespace.",
            POOL_NAME_CHARACTERS_MAX,
            1,
            rules=(unchangeable("pool"),),
        ),
        "storage": storage_pool_resource.SPEC,
        "attributeDefinitions": ListOf(
            "The types of all attributes that stand in keys.",
            Structure(
                "An attribute.",
                {
                    "attributeName": Text("Its name.", _ATTRIBUTE_NAME_MAX, 1),
                    "attributeType": Text(
                        'Its type: string, number or binary. In YAML, "N" needs its quotes.',
                        values=("S", "N", "B"),
                        rules=(unchangeable("attributeType"),),
                    ),
                },
                required=("attributeName", "attributeType"),
            ),
            items_min=1,
            items_max=DEFINITIONS_MAX,
            keys=("attributeName",),
        ),
        "keySchema": key_schema(TABLE_KEY_ATTRIBUTES_MAX, _SIMPLE_KEY_RULES, "a table's key"),
        "localSecondaryIndexes": LOCAL_INDEXES,
        "globalSecondaryIndexes": GLOBAL_INDEXES,
        "billingMode": Text(
            "How capacity is counted.",
            values=("PAY_PER_REQUEST", "PROVISIONED"),
            default="PAY_PER_REQUEST",
        ),
        "provisionedThroughput": PROVISIONED_THROUGHPUT,
        "streamSpecification": STREAM,
        "timeToLive": TIME_TO_LIVE,
        "tags": TAGS,
        "deletionProtectionEnabled": Truth("Whether nobody may delete the table.", default=False),
        "deletionPolicy": Text(
            "What becomes of the items when this object is deleted.",
            values=("Retain", "Delete"),
            default="Retain",
        ),
    },
    required=("tableName", "attributeDefinitions", "keySchema"),
    rules=(*_PLACE_RULES, *_ATTRIBUTE_RULES, *_BILLING_RULES),
)

_INDEX_STATUS = Structure(
    "An index.",
    {
        "indexName": Text("Its name.", INDEX_NAME_CHARACTERS_MAX),
        "indexStatus": Text("DynamoDB's IndexStatus.", 32),
        "backfilling": Truth("Whether it is being filled."),
    },
    required=("indexName",),
)

STATUS = Structure(
    "What there is.",
    {
        "observedGeneration": OBSERVED_GENERATION,
        "tableStatus": Text("DynamoDB's TableStatus.", 32),
        "tableId": Text("DynamoDB's TableId.", 64),
        "tableArn": Text("DynamoDB's TableArn.", 1_024),
        "latestStreamArn": Text("DynamoDB's LatestStreamArn.", 1_024),
        "pool": Text("The StoragePool that the table lies in.", POOL_NAME_CHARACTERS_MAX),
        "podsPerZone": Whole("Storage pods per zone, of a table with storage of its own.", 0),
        "selector": Text("The labels of those pods.", 1_024),
        "itemCount": Whole("How many items it has.", 0),
        "tableSizeBytes": Whole("Their size.", 0),
        "partitions": Structure(
            "Its partitions.",
            {
                "total": Whole("How many there are.", 0),
                "leaderless": Whole("How many have no leader.", 0),
                "underReplicated": Whole("How many lack a replica.", 0),
            },
        ),
        "globalSecondaryIndexes": ListOf(
            "Its global secondary indexes.",
            _INDEX_STATUS,
            items_max=GLOBAL_INDEXES_MAX,
            keys=("indexName",),
        ),
        "conditions": CONDITIONS,
    },
)

# The pool of its own has the table object's name.
NAME_RULE = Rule(
    "!has(self.spec.storage)"
    f" || (self.metadata.name.size() <= {POOL_NAME_CHARACTERS_MAX}"
    f" && self.metadata.name.matches('{POOL_NAME_PATTERN}'))",
    "the name of a Table with storage of its own has at most"
    f" {POOL_NAME_CHARACTERS_MAX} characters: lower-case letters, digits and hyphens, a letter"
    " first",
)

TABLE = Resource(
    kind="Table",
    plural="tables",
    short_name="tbl",
    description="A table that DynamoDB's clients read and write.",
    spec=SPEC,
    status=STATUS,
    columns=(
        Column("Table", ".spec.tableName"),
        Column("Status", ".status.tableStatus"),
        Column("Ready", condition("Ready", "status")),
        Column("Pool", ".status.pool"),
        Column("Partitions", ".status.partitions.total", "integer"),
        Column("Lacking", ".status.partitions.underReplicated", "integer"),
        Column("Items", ".status.itemCount", "integer"),
        Column("Generation", ".metadata.generation", "integer", wide=True),
        Column("Observed", ".status.observedGeneration", "integer", wide=True),
        Column("Reason", condition("Ready", "reason"), wide=True),
    ),
    selectable=(".spec.tableName", ".spec.pool"),
    scale=Scale(".spec.storage.podsPerZone", ".status.podsPerZone", ".status.selector"),
    rules=(NAME_RULE,),
)
