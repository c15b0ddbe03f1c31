"""Every limit that DynamoDB states, once: the unit is in the name, the source in the heading.

Read by all validation of the core and by the doors; nothing here depends on anything. Limits of our
own (queue lengths, deadlines) stand with the shell that owns them. The relations at the end hold
for any set of numbers that makes sense together.
"""

from __future__ import annotations

from typing import Final

# AWS: Service, account, and table quotas, "Items", "Attributes", "Data types".
ITEM_SIZE_BYTES_MAX: Final = 409_600
ATTRIBUTE_NAME_BYTES_MAX: Final = 65_535
KEY_ATTRIBUTE_NAME_BYTES_MAX: Final = 255  # also index keys and INCLUDE attributes
HASH_KEY_BYTES_MAX: Final = 2_048
RANGE_KEY_BYTES_MAX: Final = 1_024
NESTING_LEVELS_MAX: Final = 32
# From this depth on DynamoDB's older validation layer reads the whole request (captured 2026-10).
OLD_LAYER_NESTING_LEVELS: Final = 63
NUMBER_DIGITS_MAX: Final = 38
NUMBER_EXPONENT_MAX: Final = 125  # of the leading digit: 9.99...E+125
NUMBER_EXPONENT_MIN: Final = -130

# AWS: API reference, Query, Scan, BatchGetItem, BatchWriteItem, Transact*.
PAGE_BYTES_MAX: Final = 1_048_576
REQUEST_BYTES_MAX: Final = 16 * 1_048_576
BATCH_GET_KEYS_MAX: Final = 100
BATCH_GET_ANSWER_BYTES_MAX: Final = 16 * 1_048_576
BATCH_WRITE_REQUESTS_MAX: Final = 25
BATCH_WRITE_REQUEST_BYTES_MAX: Final = 16 * 1_048_576
TRANSACTION_ACTIONS_MAX: Final = 100
TRANSACTION_BYTES_MAX: Final = 4 * 1_048_576
TOTAL_SEGMENTS_MAX: Final = 1_000_000
SEGMENT_MAX: Final = TOTAL_SEGMENTS_MAX - 1
CLIENT_REQUEST_TOKEN_CHARACTERS_MAX: Final = 36
CLIENT_REQUEST_TOKEN_SECONDS: Final = 600

# AWS: Service, account, and table quotas, "Expression parameters".
EXPRESSION_BYTES_MAX: Final = 4_096
EXPRESSION_OPERATORS_MAX: Final = 300
IN_OPERANDS_MAX: Final = 100
SUBSTITUTION_BYTES_MAX: Final = 255  # a `#name` or `:value` placeholder with its sign
SUBSTITUTIONS_TOTAL_BYTES_MAX: Final = 2 * 1_048_576
PATH_ELEMENTS_MAX: Final = 32
CONSTRAINT_VIOLATIONS_SHOWN_MAX: Final = 10

# AWS: Service, account, and table quotas, "Tables", "Secondary indexes", "Naming rules".
TABLE_NAME_CHARACTERS_MIN: Final = 3
TABLE_NAME_CHARACTERS_MAX: Final = 255
TABLE_ARN_CHARACTERS_MAX: Final = 1_024
INDEX_NAME_CHARACTERS_MIN: Final = 3
INDEX_NAME_CHARACTERS_MAX: Final = 255
TABLES_MAX: Final = 2_500
LOCAL_INDEXES_MAX: Final = 5
GLOBAL_INDEXES_MAX: Final = 20
INDEX_HASH_ATTRIBUTES_MAX: Final = 4
INDEX_RANGE_ATTRIBUTES_MAX: Final = 4
TABLE_KEY_ATTRIBUTES_MAX: Final = 2
PROJECTED_ATTRIBUTES_PER_INDEX_MAX: Final = 20
PROJECTED_ATTRIBUTES_PER_TABLE_MAX: Final = 100
ITEM_COLLECTION_BYTES_MAX: Final = 10 * 1_073_741_824
ONLINE_INDEX_CHANGES_MAX: Final = 1
CONTROL_PLANE_OPERATIONS_MAX: Final = 500

# AWS: Service, account, and table quotas, "Throughput default quotas", "Capacity units".
READ_UNIT_BYTES: Final = 4_096
WRITE_UNIT_BYTES: Final = 1_024
TABLE_READ_UNITS_MAX: Final = 40_000
TABLE_WRITE_UNITS_MAX: Final = 40_000
ACCOUNT_READ_UNITS_MAX: Final = 80_000
ACCOUNT_WRITE_UNITS_MAX: Final = 80_000
THROUGHPUT_UNITS_VALUE_MAX: Final = 1_000_000_000_000
PARTITION_READ_UNITS_PER_SECOND: Final = 3_000
PARTITION_WRITE_UNITS_PER_SECOND: Final = 1_000
THROUGHPUT_DECREASES_AT_ONCE_MAX: Final = 4
BURST_SECONDS: Final = 300

# AWS: API reference, ListTables, TagResource, UpdateTimeToLive, PutResourcePolicy.
LIST_TABLES_LIMIT_MAX: Final = 100
TAGS_PER_RESOURCE_MAX: Final = 50
TAG_KEY_CHARACTERS_MAX: Final = 128
TAG_VALUE_CHARACTERS_MAX: Final = 256
TIME_TO_LIVE_NAME_CHARACTERS_MAX: Final = 255
RESOURCE_POLICY_BYTES_MAX: Final = 20_480

# AWS: API reference, ListStreams, DescribeStream, GetShardIterator, GetRecords; Developer Guide,
# "Change data capture for DynamoDB Streams".
LIST_STREAMS_LIMIT_MAX: Final = 100
DESCRIBE_STREAM_LIMIT_MAX: Final = 100
STREAM_ARN_CHARACTERS_MAX: Final = 1_024
SHARD_ID_CHARACTERS_MIN: Final = 28
SHARD_ID_CHARACTERS_MAX: Final = 65
SEQUENCE_NUMBER_CHARACTERS_MIN: Final = 21
SEQUENCE_NUMBER_CHARACTERS_MAX: Final = 40
SHARD_ITERATOR_CHARACTERS_MAX: Final = 2_048
SHARD_ITERATOR_SECONDS: Final = 15 * 60
GET_RECORDS_LIMIT_MAX: Final = 1_000
GET_RECORDS_BYTES_MAX: Final = 1_048_576
SHARD_READERS_MAX: Final = 2
STREAM_RETENTION_SECONDS: Final = 24 * 3_600
SHARD_ROLL_SECONDS: Final = 4 * 3_600

assert HASH_KEY_BYTES_MAX + RANGE_KEY_BYTES_MAX < ITEM_SIZE_BYTES_MAX
assert ITEM_SIZE_BYTES_MAX < PAGE_BYTES_MAX < REQUEST_BYTES_MAX
assert BATCH_WRITE_REQUESTS_MAX * ITEM_SIZE_BYTES_MAX <= BATCH_WRITE_REQUEST_BYTES_MAX
assert (
    BATCH_GET_KEYS_MAX * ITEM_SIZE_BYTES_MAX > BATCH_GET_ANSWER_BYTES_MAX
)  # hence UnprocessedKeys
assert KEY_ATTRIBUTE_NAME_BYTES_MAX < ATTRIBUTE_NAME_BYTES_MAX < ITEM_SIZE_BYTES_MAX
assert NESTING_LEVELS_MAX < OLD_LAYER_NESTING_LEVELS
# The order-preserving form of a number holds its exponent in one byte.
assert NUMBER_EXPONENT_MAX - NUMBER_EXPONENT_MIN == 255
assert WRITE_UNIT_BYTES < READ_UNIT_BYTES
assert ACCOUNT_READ_UNITS_MAX >= TABLE_READ_UNITS_MAX
assert SHARD_ITERATOR_SECONDS < SHARD_ROLL_SECONDS < STREAM_RETENTION_SECONDS
