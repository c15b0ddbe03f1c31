import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReturnValue(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_VALUE_UNSPECIFIED: _ClassVar[ReturnValue]
    RETURN_VALUE_NONE: _ClassVar[ReturnValue]
    RETURN_VALUE_ALL_OLD: _ClassVar[ReturnValue]
    RETURN_VALUE_UPDATED_OLD: _ClassVar[ReturnValue]
    RETURN_VALUE_ALL_NEW: _ClassVar[ReturnValue]
    RETURN_VALUE_UPDATED_NEW: _ClassVar[ReturnValue]

class ReturnConsumedCapacity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_CONSUMED_CAPACITY_UNSPECIFIED: _ClassVar[ReturnConsumedCapacity]
    RETURN_CONSUMED_CAPACITY_INDEXES: _ClassVar[ReturnConsumedCapacity]
    RETURN_CONSUMED_CAPACITY_TOTAL: _ClassVar[ReturnConsumedCapacity]
    RETURN_CONSUMED_CAPACITY_NONE: _ClassVar[ReturnConsumedCapacity]

class ReturnItemCollectionMetrics(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_ITEM_COLLECTION_METRICS_UNSPECIFIED: _ClassVar[ReturnItemCollectionMetrics]
    RETURN_ITEM_COLLECTION_METRICS_SIZE: _ClassVar[ReturnItemCollectionMetrics]
    RETURN_ITEM_COLLECTION_METRICS_NONE: _ClassVar[ReturnItemCollectionMetrics]

class ReturnValuesOnConditionCheckFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_UNSPECIFIED: _ClassVar[ReturnValuesOnConditionCheckFailure]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD: _ClassVar[ReturnValuesOnConditionCheckFailure]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_NONE: _ClassVar[ReturnValuesOnConditionCheckFailure]

class Select(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELECT_UNSPECIFIED: _ClassVar[Select]
    SELECT_ALL_ATTRIBUTES: _ClassVar[Select]
    SELECT_ALL_PROJECTED_ATTRIBUTES: _ClassVar[Select]
    SELECT_SPECIFIC_ATTRIBUTES: _ClassVar[Select]
    SELECT_COUNT: _ClassVar[Select]

class ScalarAttributeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCALAR_ATTRIBUTE_TYPE_UNSPECIFIED: _ClassVar[ScalarAttributeType]
    SCALAR_ATTRIBUTE_TYPE_S: _ClassVar[ScalarAttributeType]
    SCALAR_ATTRIBUTE_TYPE_N: _ClassVar[ScalarAttributeType]
    SCALAR_ATTRIBUTE_TYPE_B: _ClassVar[ScalarAttributeType]

class KeyType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_TYPE_UNSPECIFIED: _ClassVar[KeyType]
    KEY_TYPE_HASH: _ClassVar[KeyType]
    KEY_TYPE_RANGE: _ClassVar[KeyType]

class ProjectionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROJECTION_TYPE_UNSPECIFIED: _ClassVar[ProjectionType]
    PROJECTION_TYPE_ALL: _ClassVar[ProjectionType]
    PROJECTION_TYPE_KEYS_ONLY: _ClassVar[ProjectionType]
    PROJECTION_TYPE_INCLUDE: _ClassVar[ProjectionType]

class BillingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BILLING_MODE_UNSPECIFIED: _ClassVar[BillingMode]
    BILLING_MODE_PROVISIONED: _ClassVar[BillingMode]
    BILLING_MODE_PAY_PER_REQUEST: _ClassVar[BillingMode]

class StreamViewType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_VIEW_TYPE_UNSPECIFIED: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_NEW_IMAGE: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_OLD_IMAGE: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES: _ClassVar[StreamViewType]
    STREAM_VIEW_TYPE_KEYS_ONLY: _ClassVar[StreamViewType]

class StreamStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_STATUS_UNSPECIFIED: _ClassVar[StreamStatus]
    STREAM_STATUS_ENABLING: _ClassVar[StreamStatus]
    STREAM_STATUS_ENABLED: _ClassVar[StreamStatus]
    STREAM_STATUS_DISABLING: _ClassVar[StreamStatus]
    STREAM_STATUS_DISABLED: _ClassVar[StreamStatus]

class ShardFilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_FILTER_TYPE_UNSPECIFIED: _ClassVar[ShardFilterType]
    SHARD_FILTER_TYPE_CHILD_SHARDS: _ClassVar[ShardFilterType]

class ShardIteratorType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARD_ITERATOR_TYPE_UNSPECIFIED: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_TRIM_HORIZON: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_LATEST: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: _ClassVar[ShardIteratorType]
    SHARD_ITERATOR_TYPE_AT_TIMESTAMP: _ClassVar[ShardIteratorType]

class OperationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_TYPE_UNSPECIFIED: _ClassVar[OperationType]
    OPERATION_TYPE_INSERT: _ClassVar[OperationType]
    OPERATION_TYPE_MODIFY: _ClassVar[OperationType]
    OPERATION_TYPE_REMOVE: _ClassVar[OperationType]

class SSEType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SSE_TYPE_UNSPECIFIED: _ClassVar[SSEType]
    SSE_TYPE_AES256: _ClassVar[SSEType]
    SSE_TYPE_KMS: _ClassVar[SSEType]

class SSEStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SSE_STATUS_UNSPECIFIED: _ClassVar[SSEStatus]
    SSE_STATUS_ENABLING: _ClassVar[SSEStatus]
    SSE_STATUS_ENABLED: _ClassVar[SSEStatus]
    SSE_STATUS_DISABLING: _ClassVar[SSEStatus]
    SSE_STATUS_DISABLED: _ClassVar[SSEStatus]
    SSE_STATUS_UPDATING: _ClassVar[SSEStatus]

class TableClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TABLE_CLASS_UNSPECIFIED: _ClassVar[TableClass]
    TABLE_CLASS_STANDARD: _ClassVar[TableClass]
    TABLE_CLASS_STANDARD_INFREQUENT_ACCESS: _ClassVar[TableClass]

class TableStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TABLE_STATUS_UNSPECIFIED: _ClassVar[TableStatus]
    TABLE_STATUS_CREATING: _ClassVar[TableStatus]
    TABLE_STATUS_UPDATING: _ClassVar[TableStatus]
    TABLE_STATUS_DELETING: _ClassVar[TableStatus]
    TABLE_STATUS_ACTIVE: _ClassVar[TableStatus]
    TABLE_STATUS_INACCESSIBLE_ENCRYPTION_CREDENTIALS: _ClassVar[TableStatus]
    TABLE_STATUS_ARCHIVING: _ClassVar[TableStatus]
    TABLE_STATUS_ARCHIVED: _ClassVar[TableStatus]
    TABLE_STATUS_REPLICATION_NOT_AUTHORIZED: _ClassVar[TableStatus]

class IndexStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_STATUS_UNSPECIFIED: _ClassVar[IndexStatus]
    INDEX_STATUS_CREATING: _ClassVar[IndexStatus]
    INDEX_STATUS_UPDATING: _ClassVar[IndexStatus]
    INDEX_STATUS_DELETING: _ClassVar[IndexStatus]
    INDEX_STATUS_ACTIVE: _ClassVar[IndexStatus]

class TimeToLiveStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_TO_LIVE_STATUS_UNSPECIFIED: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_ENABLING: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_DISABLING: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_ENABLED: _ClassVar[TimeToLiveStatus]
    TIME_TO_LIVE_STATUS_DISABLED: _ClassVar[TimeToLiveStatus]
RETURN_VALUE_UNSPECIFIED: ReturnValue
RETURN_VALUE_NONE: ReturnValue
RETURN_VALUE_ALL_OLD: ReturnValue
RETURN_VALUE_UPDATED_OLD: ReturnValue
RETURN_VALUE_ALL_NEW: ReturnValue
RETURN_VALUE_UPDATED_NEW: ReturnValue
RETURN_CONSUMED_CAPACITY_UNSPECIFIED: ReturnConsumedCapacity
RETURN_CONSUMED_CAPACITY_INDEXES: ReturnConsumedCapacity
RETURN_CONSUMED_CAPACITY_TOTAL: ReturnConsumedCapacity
RETURN_CONSUMED_CAPACITY_NONE: ReturnConsumedCapacity
RETURN_ITEM_COLLECTION_METRICS_UNSPECIFIED: ReturnItemCollectionMetrics
RETURN_ITEM_COLLECTION_METRICS_SIZE: ReturnItemCollectionMetrics
RETURN_ITEM_COLLECTION_METRICS_NONE: ReturnItemCollectionMetrics
RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_UNSPECIFIED: ReturnValuesOnConditionCheckFailure
RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_ALL_OLD: ReturnValuesOnConditionCheckFailure
RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_NONE: ReturnValuesOnConditionCheckFailure
SELECT_UNSPECIFIED: Select
SELECT_ALL_ATTRIBUTES: Select
SELECT_ALL_PROJECTED_ATTRIBUTES: Select
SELECT_SPECIFIC_ATTRIBUTES: Select
SELECT_COUNT: Select
SCALAR_ATTRIBUTE_TYPE_UNSPECIFIED: ScalarAttributeType
SCALAR_ATTRIBUTE_TYPE_S: ScalarAttributeType
SCALAR_ATTRIBUTE_TYPE_N: ScalarAttributeType
SCALAR_ATTRIBUTE_TYPE_B: ScalarAttributeType
KEY_TYPE_UNSPECIFIED: KeyType
KEY_TYPE_HASH: KeyType
KEY_TYPE_RANGE: KeyType
PROJECTION_TYPE_UNSPECIFIED: ProjectionType
PROJECTION_TYPE_ALL: ProjectionType
PROJECTION_TYPE_KEYS_ONLY: ProjectionType
PROJECTION_TYPE_INCLUDE: ProjectionType
BILLING_MODE_UNSPECIFIED: BillingMode
BILLING_MODE_PROVISIONED: BillingMode
BILLING_MODE_PAY_PER_REQUEST: BillingMode
STREAM_VIEW_TYPE_UNSPECIFIED: StreamViewType
STREAM_VIEW_TYPE_NEW_IMAGE: StreamViewType
STREAM_VIEW_TYPE_OLD_IMAGE: StreamViewType
STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES: StreamViewType
STREAM_VIEW_TYPE_KEYS_ONLY: StreamViewType
STREAM_STATUS_UNSPECIFIED: StreamStatus
STREAM_STATUS_ENABLING: StreamStatus
STREAM_STATUS_ENABLED: StreamStatus
STREAM_STATUS_DISABLING: StreamStatus
STREAM_STATUS_DISABLED: StreamStatus
SHARD_FILTER_TYPE_UNSPECIFIED: ShardFilterType
SHARD_FILTER_TYPE_CHILD_SHARDS: ShardFilterType
SHARD_ITERATOR_TYPE_UNSPECIFIED: ShardIteratorType
SHARD_ITERATOR_TYPE_TRIM_HORIZON: ShardIteratorType
SHARD_ITERATOR_TYPE_LATEST: ShardIteratorType
SHARD_ITERATOR_TYPE_AT_SEQUENCE_NUMBER: ShardIteratorType
SHARD_ITERATOR_TYPE_AFTER_SEQUENCE_NUMBER: ShardIteratorType
SHARD_ITERATOR_TYPE_AT_TIMESTAMP: ShardIteratorType
OPERATION_TYPE_UNSPECIFIED: OperationType
OPERATION_TYPE_INSERT: OperationType
OPERATION_TYPE_MODIFY: OperationType
OPERATION_TYPE_REMOVE: OperationType
SSE_TYPE_UNSPECIFIED: SSEType
SSE_TYPE_AES256: SSEType
SSE_TYPE_KMS: SSEType
SSE_STATUS_UNSPECIFIED: SSEStatus
SSE_STATUS_ENABLING: SSEStatus
SSE_STATUS_ENABLED: SSEStatus
SSE_STATUS_DISABLING: SSEStatus
SSE_STATUS_DISABLED: SSEStatus
SSE_STATUS_UPDATING: SSEStatus
TABLE_CLASS_UNSPECIFIED: TableClass
TABLE_CLASS_STANDARD: TableClass
TABLE_CLASS_STANDARD_INFREQUENT_ACCESS: TableClass
TABLE_STATUS_UNSPECIFIED: TableStatus
TABLE_STATUS_CREATING: TableStatus
TABLE_STATUS_UPDATING: TableStatus
TABLE_STATUS_DELETING: TableStatus
TABLE_STATUS_ACTIVE: TableStatus
TABLE_STATUS_INACCESSIBLE_ENCRYPTION_CREDENTIALS: TableStatus
TABLE_STATUS_ARCHIVING: TableStatus
TABLE_STATUS_ARCHIVED: TableStatus
TABLE_STATUS_REPLICATION_NOT_AUTHORIZED: TableStatus
INDEX_STATUS_UNSPECIFIED: IndexStatus
INDEX_STATUS_CREATING: IndexStatus
INDEX_STATUS_UPDATING: IndexStatus
INDEX_STATUS_DELETING: IndexStatus
INDEX_STATUS_ACTIVE: IndexStatus
TIME_TO_LIVE_STATUS_UNSPECIFIED: TimeToLiveStatus
TIME_TO_LIVE_STATUS_ENABLING: TimeToLiveStatus
TIME_TO_LIVE_STATUS_DISABLING: TimeToLiveStatus
TIME_TO_LIVE_STATUS_ENABLED: TimeToLiveStatus
TIME_TO_LIVE_STATUS_DISABLED: TimeToLiveStatus

class AttributeValue(_message.Message):
    __slots__ = ("s", "n", "b", "ss", "ns", "bs", "m", "l", "bool", "null")
    S_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    SS_FIELD_NUMBER: _ClassVar[int]
    NS_FIELD_NUMBER: _ClassVar[int]
    BS_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    L_FIELD_NUMBER: _ClassVar[int]
    BOOL_FIELD_NUMBER: _ClassVar[int]
    NULL_FIELD_NUMBER: _ClassVar[int]
    s: str
    n: str
    b: bytes
    ss: StringSet
    ns: NumberSet
    bs: BinarySet
    m: AttributeMap
    l: AttributeList
    bool: bool
    null: bool
    def __init__(self, s: _Optional[str] = ..., n: _Optional[str] = ..., b: _Optional[bytes] = ..., ss: _Optional[_Union[StringSet, _Mapping]] = ..., ns: _Optional[_Union[NumberSet, _Mapping]] = ..., bs: _Optional[_Union[BinarySet, _Mapping]] = ..., m: _Optional[_Union[AttributeMap, _Mapping]] = ..., l: _Optional[_Union[AttributeList, _Mapping]] = ..., bool: _Optional[bool] = ..., null: _Optional[bool] = ...) -> None: ...

class StringSet(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class NumberSet(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class BinarySet(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, values: _Optional[_Iterable[bytes]] = ...) -> None: ...

class AttributeMap(_message.Message):
    __slots__ = ("attributes",)
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    attributes: _containers.MessageMap[str, AttributeValue]
    def __init__(self, attributes: _Optional[_Mapping[str, AttributeValue]] = ...) -> None: ...

class AttributeList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[AttributeValue]
    def __init__(self, values: _Optional[_Iterable[_Union[AttributeValue, _Mapping]]] = ...) -> None: ...

class ItemList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    def __init__(self, items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ...) -> None: ...

class Capacity(_message.Message):
    __slots__ = ("read_capacity_units", "write_capacity_units", "capacity_units")
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    read_capacity_units: float
    write_capacity_units: float
    capacity_units: float
    def __init__(self, read_capacity_units: _Optional[float] = ..., write_capacity_units: _Optional[float] = ..., capacity_units: _Optional[float] = ...) -> None: ...

class ConsumedCapacity(_message.Message):
    __slots__ = ("table_name", "capacity_units", "read_capacity_units", "write_capacity_units", "table", "local_secondary_indexes", "global_secondary_indexes")
    class LocalSecondaryIndexesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Capacity
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Capacity, _Mapping]] = ...) -> None: ...
    class GlobalSecondaryIndexesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Capacity
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Capacity, _Mapping]] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    capacity_units: float
    read_capacity_units: float
    write_capacity_units: float
    table: Capacity
    local_secondary_indexes: _containers.MessageMap[str, Capacity]
    global_secondary_indexes: _containers.MessageMap[str, Capacity]
    def __init__(self, table_name: _Optional[str] = ..., capacity_units: _Optional[float] = ..., read_capacity_units: _Optional[float] = ..., write_capacity_units: _Optional[float] = ..., table: _Optional[_Union[Capacity, _Mapping]] = ..., local_secondary_indexes: _Optional[_Mapping[str, Capacity]] = ..., global_secondary_indexes: _Optional[_Mapping[str, Capacity]] = ...) -> None: ...

class ItemCollectionMetrics(_message.Message):
    __slots__ = ("item_collection_key", "size_estimate_range_gb")
    ITEM_COLLECTION_KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_ESTIMATE_RANGE_GB_FIELD_NUMBER: _ClassVar[int]
    item_collection_key: AttributeMap
    size_estimate_range_gb: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, item_collection_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., size_estimate_range_gb: _Optional[_Iterable[float]] = ...) -> None: ...

class ItemCollectionMetricsList(_message.Message):
    __slots__ = ("metrics",)
    METRICS_FIELD_NUMBER: _ClassVar[int]
    metrics: _containers.RepeatedCompositeFieldContainer[ItemCollectionMetrics]
    def __init__(self, metrics: _Optional[_Iterable[_Union[ItemCollectionMetrics, _Mapping]]] = ...) -> None: ...

class PutItemRequest(_message.Message):
    __slots__ = ("table_name", "item", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_consumed_capacity", "return_item_collection_metrics", "return_values_on_condition_check_failure")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ExpressionAttributeValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    item: AttributeMap
    condition_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    expression_attribute_values: _containers.MessageMap[str, AttributeValue]
    return_values: ReturnValue
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure
    def __init__(self, table_name: _Optional[str] = ..., item: _Optional[_Union[AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ..., expression_attribute_values: _Optional[_Mapping[str, AttributeValue]] = ..., return_values: _Optional[_Union[ReturnValue, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValuesOnConditionCheckFailure, str]] = ...) -> None: ...

class PutItemResponse(_message.Message):
    __slots__ = ("attributes", "consumed_capacity", "item_collection_metrics")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    consumed_capacity: ConsumedCapacity
    item_collection_metrics: ItemCollectionMetrics
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetrics, _Mapping]] = ...) -> None: ...

class GetItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "consistent_read", "projection_expression", "expression_attribute_names", "return_consumed_capacity")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    consistent_read: bool
    projection_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    return_consumed_capacity: ReturnConsumedCapacity
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consistent_read: _Optional[bool] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ...) -> None: ...

class GetItemResponse(_message.Message):
    __slots__ = ("item", "consumed_capacity")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    item: AttributeMap
    consumed_capacity: ConsumedCapacity
    def __init__(self, item: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ...) -> None: ...

class UpdateItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "update_expression", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_consumed_capacity", "return_item_collection_metrics", "return_values_on_condition_check_failure")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ExpressionAttributeValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    update_expression: str
    condition_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    expression_attribute_values: _containers.MessageMap[str, AttributeValue]
    return_values: ReturnValue
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., update_expression: _Optional[str] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ..., expression_attribute_values: _Optional[_Mapping[str, AttributeValue]] = ..., return_values: _Optional[_Union[ReturnValue, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValuesOnConditionCheckFailure, str]] = ...) -> None: ...

class UpdateItemResponse(_message.Message):
    __slots__ = ("attributes", "consumed_capacity", "item_collection_metrics")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    consumed_capacity: ConsumedCapacity
    item_collection_metrics: ItemCollectionMetrics
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetrics, _Mapping]] = ...) -> None: ...

class DeleteItemRequest(_message.Message):
    __slots__ = ("table_name", "key", "condition_expression", "expression_attribute_names", "expression_attribute_values", "return_values", "return_consumed_capacity", "return_item_collection_metrics", "return_values_on_condition_check_failure")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ExpressionAttributeValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    RETURN_VALUES_ON_CONDITION_CHECK_FAILURE_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    key: AttributeMap
    condition_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    expression_attribute_values: _containers.MessageMap[str, AttributeValue]
    return_values: ReturnValue
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure
    def __init__(self, table_name: _Optional[str] = ..., key: _Optional[_Union[AttributeMap, _Mapping]] = ..., condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ..., expression_attribute_values: _Optional[_Mapping[str, AttributeValue]] = ..., return_values: _Optional[_Union[ReturnValue, str]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ..., return_values_on_condition_check_failure: _Optional[_Union[ReturnValuesOnConditionCheckFailure, str]] = ...) -> None: ...

class DeleteItemResponse(_message.Message):
    __slots__ = ("attributes", "consumed_capacity", "item_collection_metrics")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    attributes: AttributeMap
    consumed_capacity: ConsumedCapacity
    item_collection_metrics: ItemCollectionMetrics
    def __init__(self, attributes: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ..., item_collection_metrics: _Optional[_Union[ItemCollectionMetrics, _Mapping]] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("table_name", "index_name", "key_condition_expression", "filter_expression", "projection_expression", "expression_attribute_names", "expression_attribute_values", "select", "limit", "consistent_read", "scan_index_forward", "exclusive_start_key", "return_consumed_capacity")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ExpressionAttributeValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    SCAN_INDEX_FORWARD_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_KEY_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    index_name: str
    key_condition_expression: str
    filter_expression: str
    projection_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    expression_attribute_values: _containers.MessageMap[str, AttributeValue]
    select: Select
    limit: int
    consistent_read: bool
    scan_index_forward: bool
    exclusive_start_key: AttributeMap
    return_consumed_capacity: ReturnConsumedCapacity
    def __init__(self, table_name: _Optional[str] = ..., index_name: _Optional[str] = ..., key_condition_expression: _Optional[str] = ..., filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ..., expression_attribute_values: _Optional[_Mapping[str, AttributeValue]] = ..., select: _Optional[_Union[Select, str]] = ..., limit: _Optional[int] = ..., consistent_read: _Optional[bool] = ..., scan_index_forward: _Optional[bool] = ..., exclusive_start_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ...) -> None: ...

class QueryResponse(_message.Message):
    __slots__ = ("items", "count", "scanned_count", "last_evaluated_key", "consumed_capacity")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SCANNED_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    count: int
    scanned_count: int
    last_evaluated_key: AttributeMap
    consumed_capacity: ConsumedCapacity
    def __init__(self, items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., count: _Optional[int] = ..., scanned_count: _Optional[int] = ..., last_evaluated_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("table_name", "index_name", "filter_expression", "projection_expression", "expression_attribute_names", "expression_attribute_values", "select", "limit", "consistent_read", "segment", "total_segments", "exclusive_start_key", "return_consumed_capacity")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ExpressionAttributeValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    SELECT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_KEY_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    index_name: str
    filter_expression: str
    projection_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    expression_attribute_values: _containers.MessageMap[str, AttributeValue]
    select: Select
    limit: int
    consistent_read: bool
    segment: int
    total_segments: int
    exclusive_start_key: AttributeMap
    return_consumed_capacity: ReturnConsumedCapacity
    def __init__(self, table_name: _Optional[str] = ..., index_name: _Optional[str] = ..., filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ..., expression_attribute_values: _Optional[_Mapping[str, AttributeValue]] = ..., select: _Optional[_Union[Select, str]] = ..., limit: _Optional[int] = ..., consistent_read: _Optional[bool] = ..., segment: _Optional[int] = ..., total_segments: _Optional[int] = ..., exclusive_start_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ...) -> None: ...

class ScanResponse(_message.Message):
    __slots__ = ("items", "count", "scanned_count", "last_evaluated_key", "consumed_capacity")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SCANNED_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    count: int
    scanned_count: int
    last_evaluated_key: AttributeMap
    consumed_capacity: ConsumedCapacity
    def __init__(self, items: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., count: _Optional[int] = ..., scanned_count: _Optional[int] = ..., last_evaluated_key: _Optional[_Union[AttributeMap, _Mapping]] = ..., consumed_capacity: _Optional[_Union[ConsumedCapacity, _Mapping]] = ...) -> None: ...

class KeysAndAttributes(_message.Message):
    __slots__ = ("keys", "consistent_read", "projection_expression", "expression_attribute_names")
    class ExpressionAttributeNamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KEYS_FIELD_NUMBER: _ClassVar[int]
    CONSISTENT_READ_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[AttributeMap]
    consistent_read: bool
    projection_expression: str
    expression_attribute_names: _containers.ScalarMap[str, str]
    def __init__(self, keys: _Optional[_Iterable[_Union[AttributeMap, _Mapping]]] = ..., consistent_read: _Optional[bool] = ..., projection_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Mapping[str, str]] = ...) -> None: ...

class BatchGetItemRequest(_message.Message):
    __slots__ = ("request_items", "return_consumed_capacity")
    class RequestItemsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: KeysAndAttributes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[KeysAndAttributes, _Mapping]] = ...) -> None: ...
    REQUEST_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    request_items: _containers.MessageMap[str, KeysAndAttributes]
    return_consumed_capacity: ReturnConsumedCapacity
    def __init__(self, request_items: _Optional[_Mapping[str, KeysAndAttributes]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ...) -> None: ...

class BatchGetItemResponse(_message.Message):
    __slots__ = ("responses", "unprocessed_keys", "consumed_capacity")
    class ResponsesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ItemList
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ItemList, _Mapping]] = ...) -> None: ...
    class UnprocessedKeysEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: KeysAndAttributes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[KeysAndAttributes, _Mapping]] = ...) -> None: ...
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    UNPROCESSED_KEYS_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.MessageMap[str, ItemList]
    unprocessed_keys: _containers.MessageMap[str, KeysAndAttributes]
    consumed_capacity: _containers.RepeatedCompositeFieldContainer[ConsumedCapacity]
    def __init__(self, responses: _Optional[_Mapping[str, ItemList]] = ..., unprocessed_keys: _Optional[_Mapping[str, KeysAndAttributes]] = ..., consumed_capacity: _Optional[_Iterable[_Union[ConsumedCapacity, _Mapping]]] = ...) -> None: ...

class PutRequest(_message.Message):
    __slots__ = ("item",)
    class ItemEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    ITEM_FIELD_NUMBER: _ClassVar[int]
    item: _containers.MessageMap[str, AttributeValue]
    def __init__(self, item: _Optional[_Mapping[str, AttributeValue]] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("key",)
    class KeyEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: _containers.MessageMap[str, AttributeValue]
    def __init__(self, key: _Optional[_Mapping[str, AttributeValue]] = ...) -> None: ...

class WriteRequest(_message.Message):
    __slots__ = ("put_request", "delete_request")
    PUT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    DELETE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    put_request: PutRequest
    delete_request: DeleteRequest
    def __init__(self, put_request: _Optional[_Union[PutRequest, _Mapping]] = ..., delete_request: _Optional[_Union[DeleteRequest, _Mapping]] = ...) -> None: ...

class WriteRequestList(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[WriteRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[WriteRequest, _Mapping]]] = ...) -> None: ...

class BatchWriteItemRequest(_message.Message):
    __slots__ = ("request_items", "return_consumed_capacity", "return_item_collection_metrics")
    class RequestItemsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: WriteRequestList
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[WriteRequestList, _Mapping]] = ...) -> None: ...
    REQUEST_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RETURN_CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RETURN_ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    request_items: _containers.MessageMap[str, WriteRequestList]
    return_consumed_capacity: ReturnConsumedCapacity
    return_item_collection_metrics: ReturnItemCollectionMetrics
    def __init__(self, request_items: _Optional[_Mapping[str, WriteRequestList]] = ..., return_consumed_capacity: _Optional[_Union[ReturnConsumedCapacity, str]] = ..., return_item_collection_metrics: _Optional[_Union[ReturnItemCollectionMetrics, str]] = ...) -> None: ...

class BatchWriteItemResponse(_message.Message):
    __slots__ = ("unprocessed_items", "item_collection_metrics", "consumed_capacity")
    class UnprocessedItemsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: WriteRequestList
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[WriteRequestList, _Mapping]] = ...) -> None: ...
    class ItemCollectionMetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ItemCollectionMetricsList
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ItemCollectionMetricsList, _Mapping]] = ...) -> None: ...
    UNPROCESSED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ITEM_COLLECTION_METRICS_FIELD_NUMBER: _ClassVar[int]
    CONSUMED_CAPACITY_FIELD_NUMBER: _ClassVar[int]
    unprocessed_items: _containers.MessageMap[str, WriteRequestList]
    item_collection_metrics: _containers.MessageMap[str, ItemCollectionMetricsList]
    consumed_capacity: _containers.RepeatedCompositeFieldContainer[ConsumedCapacity]
    def __init__(self, unprocessed_items: _Optional[_Mapping[str, WriteRequestList]] = ..., item_collection_metrics: _Optional[_Mapping[str, ItemCollectionMetricsList]] = ..., consumed_capacity: _Optional[_Iterable[_Union[ConsumedCapacity, _Mapping]]] = ...) -> None: ...

class AttributeDefinition(_message.Message):
    __slots__ = ("attribute_name", "attribute_type")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_TYPE_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    attribute_type: ScalarAttributeType
    def __init__(self, attribute_name: _Optional[str] = ..., attribute_type: _Optional[_Union[ScalarAttributeType, str]] = ...) -> None: ...

class KeySchemaElement(_message.Message):
    __slots__ = ("attribute_name", "key_type")
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_TYPE_FIELD_NUMBER: _ClassVar[int]
    attribute_name: str
    key_type: KeyType
    def __init__(self, attribute_name: _Optional[str] = ..., key_type: _Optional[_Union[KeyType, str]] = ...) -> None: ...

class Projection(_message.Message):
    __slots__ = ("projection_type", "non_key_attributes")
    PROJECTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    NON_KEY_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    projection_type: ProjectionType
    non_key_attributes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, projection_type: _Optional[_Union[ProjectionType, str]] = ..., non_key_attributes: _Optional[_Iterable[str]] = ...) -> None: ...

class ProvisionedThroughput(_message.Message):
    __slots__ = ("read_capacity_units", "write_capacity_units")
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    read_capacity_units: int
    write_capacity_units: int
    def __init__(self, read_capacity_units: _Optional[int] = ..., write_capacity_units: _Optional[int] = ...) -> None: ...

class OnDemandThroughput(_message.Message):
    __slots__ = ("max_read_request_units", "max_write_request_units")
    MAX_READ_REQUEST_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAX_WRITE_REQUEST_UNITS_FIELD_NUMBER: _ClassVar[int]
    max_read_request_units: int
    max_write_request_units: int
    def __init__(self, max_read_request_units: _Optional[int] = ..., max_write_request_units: _Optional[int] = ...) -> None: ...

class WarmThroughput(_message.Message):
    __slots__ = ("read_units_per_second", "write_units_per_second")
    READ_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WRITE_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    read_units_per_second: int
    write_units_per_second: int
    def __init__(self, read_units_per_second: _Optional[int] = ..., write_units_per_second: _Optional[int] = ...) -> None: ...

class LocalSecondaryIndex(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ...) -> None: ...

class GlobalSecondaryIndex(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection", "provisioned_throughput", "on_demand_throughput", "warm_throughput")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ...) -> None: ...

class StreamSpecification(_message.Message):
    __slots__ = ("stream_enabled", "stream_view_type")
    STREAM_ENABLED_FIELD_NUMBER: _ClassVar[int]
    STREAM_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    stream_enabled: bool
    stream_view_type: StreamViewType
    def __init__(self, stream_enabled: _Optional[bool] = ..., stream_view_type: _Optional[_Union[StreamViewType, str]] = ...) -> None: ...

class SSESpecification(_message.Message):
    __slots__ = ("enabled", "sse_type", "kms_master_key_id")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    SSE_TYPE_FIELD_NUMBER: _ClassVar[int]
    KMS_MASTER_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    sse_type: SSEType
    kms_master_key_id: str
    def __init__(self, enabled: _Optional[bool] = ..., sse_type: _Optional[_Union[SSEType, str]] = ..., kms_master_key_id: _Optional[str] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ProvisionedThroughputDescription(_message.Message):
    __slots__ = ("last_increase_date_time", "last_decrease_date_time", "number_of_decreases_today", "read_capacity_units", "write_capacity_units")
    LAST_INCREASE_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_DECREASE_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_OF_DECREASES_TODAY_FIELD_NUMBER: _ClassVar[int]
    READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    last_increase_date_time: _timestamp_pb2.Timestamp
    last_decrease_date_time: _timestamp_pb2.Timestamp
    number_of_decreases_today: int
    read_capacity_units: int
    write_capacity_units: int
    def __init__(self, last_increase_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_decrease_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., number_of_decreases_today: _Optional[int] = ..., read_capacity_units: _Optional[int] = ..., write_capacity_units: _Optional[int] = ...) -> None: ...

class BillingModeSummary(_message.Message):
    __slots__ = ("billing_mode", "last_update_to_pay_per_request_date_time")
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_TO_PAY_PER_REQUEST_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    billing_mode: BillingMode
    last_update_to_pay_per_request_date_time: _timestamp_pb2.Timestamp
    def __init__(self, billing_mode: _Optional[_Union[BillingMode, str]] = ..., last_update_to_pay_per_request_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LocalSecondaryIndexDescription(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection", "index_size_bytes", "item_count", "index_arn")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    INDEX_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    INDEX_ARN_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    index_size_bytes: int
    item_count: int
    index_arn: str
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ..., index_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ..., index_arn: _Optional[str] = ...) -> None: ...

class GlobalSecondaryIndexWarmThroughputDescription(_message.Message):
    __slots__ = ("read_units_per_second", "write_units_per_second", "status")
    READ_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WRITE_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    read_units_per_second: int
    write_units_per_second: int
    status: IndexStatus
    def __init__(self, read_units_per_second: _Optional[int] = ..., write_units_per_second: _Optional[int] = ..., status: _Optional[_Union[IndexStatus, str]] = ...) -> None: ...

class GlobalSecondaryIndexDescription(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection", "index_status", "backfilling", "provisioned_throughput", "index_size_bytes", "item_count", "index_arn", "on_demand_throughput", "warm_throughput")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    INDEX_STATUS_FIELD_NUMBER: _ClassVar[int]
    BACKFILLING_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    INDEX_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    INDEX_ARN_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    index_status: IndexStatus
    backfilling: bool
    provisioned_throughput: ProvisionedThroughputDescription
    index_size_bytes: int
    item_count: int
    index_arn: str
    on_demand_throughput: OnDemandThroughput
    warm_throughput: GlobalSecondaryIndexWarmThroughputDescription
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ..., index_status: _Optional[_Union[IndexStatus, str]] = ..., backfilling: _Optional[bool] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughputDescription, _Mapping]] = ..., index_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ..., index_arn: _Optional[str] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[GlobalSecondaryIndexWarmThroughputDescription, _Mapping]] = ...) -> None: ...

class TableWarmThroughputDescription(_message.Message):
    __slots__ = ("read_units_per_second", "write_units_per_second", "status")
    READ_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WRITE_UNITS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    read_units_per_second: int
    write_units_per_second: int
    status: TableStatus
    def __init__(self, read_units_per_second: _Optional[int] = ..., write_units_per_second: _Optional[int] = ..., status: _Optional[_Union[TableStatus, str]] = ...) -> None: ...

class SSEDescription(_message.Message):
    __slots__ = ("status", "sse_type", "kms_master_key_arn", "inaccessible_encryption_date_time")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SSE_TYPE_FIELD_NUMBER: _ClassVar[int]
    KMS_MASTER_KEY_ARN_FIELD_NUMBER: _ClassVar[int]
    INACCESSIBLE_ENCRYPTION_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    status: SSEStatus
    sse_type: SSEType
    kms_master_key_arn: str
    inaccessible_encryption_date_time: _timestamp_pb2.Timestamp
    def __init__(self, status: _Optional[_Union[SSEStatus, str]] = ..., sse_type: _Optional[_Union[SSEType, str]] = ..., kms_master_key_arn: _Optional[str] = ..., inaccessible_encryption_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TableClassSummary(_message.Message):
    __slots__ = ("table_class", "last_update_date_time")
    TABLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    table_class: TableClass
    last_update_date_time: _timestamp_pb2.Timestamp
    def __init__(self, table_class: _Optional[_Union[TableClass, str]] = ..., last_update_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TableDescription(_message.Message):
    __slots__ = ("attribute_definitions", "table_name", "key_schema", "table_status", "creation_date_time", "provisioned_throughput", "table_size_bytes", "item_count", "table_arn", "table_id", "billing_mode_summary", "local_secondary_indexes", "global_secondary_indexes", "stream_specification", "latest_stream_label", "latest_stream_arn", "sse_description", "table_class_summary", "deletion_protection_enabled", "on_demand_throughput", "warm_throughput")
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLE_STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATION_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    TABLE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    LATEST_STREAM_LABEL_FIELD_NUMBER: _ClassVar[int]
    LATEST_STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    SSE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_SUMMARY_FIELD_NUMBER: _ClassVar[int]
    DELETION_PROTECTION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    table_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    table_status: TableStatus
    creation_date_time: _timestamp_pb2.Timestamp
    provisioned_throughput: ProvisionedThroughputDescription
    table_size_bytes: int
    item_count: int
    table_arn: str
    table_id: str
    billing_mode_summary: BillingModeSummary
    local_secondary_indexes: _containers.RepeatedCompositeFieldContainer[LocalSecondaryIndexDescription]
    global_secondary_indexes: _containers.RepeatedCompositeFieldContainer[GlobalSecondaryIndexDescription]
    stream_specification: StreamSpecification
    latest_stream_label: str
    latest_stream_arn: str
    sse_description: SSEDescription
    table_class_summary: TableClassSummary
    deletion_protection_enabled: bool
    on_demand_throughput: OnDemandThroughput
    warm_throughput: TableWarmThroughputDescription
    def __init__(self, attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ..., table_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., table_status: _Optional[_Union[TableStatus, str]] = ..., creation_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughputDescription, _Mapping]] = ..., table_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ..., table_arn: _Optional[str] = ..., table_id: _Optional[str] = ..., billing_mode_summary: _Optional[_Union[BillingModeSummary, _Mapping]] = ..., local_secondary_indexes: _Optional[_Iterable[_Union[LocalSecondaryIndexDescription, _Mapping]]] = ..., global_secondary_indexes: _Optional[_Iterable[_Union[GlobalSecondaryIndexDescription, _Mapping]]] = ..., stream_specification: _Optional[_Union[StreamSpecification, _Mapping]] = ..., latest_stream_label: _Optional[str] = ..., latest_stream_arn: _Optional[str] = ..., sse_description: _Optional[_Union[SSEDescription, _Mapping]] = ..., table_class_summary: _Optional[_Union[TableClassSummary, _Mapping]] = ..., deletion_protection_enabled: _Optional[bool] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[TableWarmThroughputDescription, _Mapping]] = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("attribute_definitions", "table_name", "key_schema", "local_secondary_indexes", "global_secondary_indexes", "billing_mode", "provisioned_throughput", "stream_specification", "sse_specification", "tags", "table_class", "deletion_protection_enabled", "on_demand_throughput", "warm_throughput")
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEXES_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    SSE_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    DELETION_PROTECTION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    table_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    local_secondary_indexes: _containers.RepeatedCompositeFieldContainer[LocalSecondaryIndex]
    global_secondary_indexes: _containers.RepeatedCompositeFieldContainer[GlobalSecondaryIndex]
    billing_mode: BillingMode
    provisioned_throughput: ProvisionedThroughput
    stream_specification: StreamSpecification
    sse_specification: SSESpecification
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    table_class: TableClass
    deletion_protection_enabled: bool
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    def __init__(self, attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ..., table_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., local_secondary_indexes: _Optional[_Iterable[_Union[LocalSecondaryIndex, _Mapping]]] = ..., global_secondary_indexes: _Optional[_Iterable[_Union[GlobalSecondaryIndex, _Mapping]]] = ..., billing_mode: _Optional[_Union[BillingMode, str]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., stream_specification: _Optional[_Union[StreamSpecification, _Mapping]] = ..., sse_specification: _Optional[_Union[SSESpecification, _Mapping]] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., table_class: _Optional[_Union[TableClass, str]] = ..., deletion_protection_enabled: _Optional[bool] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ...) -> None: ...

class CreateTableResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: TableDescription
    def __init__(self, table_description: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

class DescribeTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DescribeTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: TableDescription
    def __init__(self, table: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

class ListTablesRequest(_message.Message):
    __slots__ = ("exclusive_start_table_name", "limit")
    EXCLUSIVE_START_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    exclusive_start_table_name: str
    limit: int
    def __init__(self, exclusive_start_table_name: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListTablesResponse(_message.Message):
    __slots__ = ("table_names", "last_evaluated_table_name")
    TABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_names: _containers.RepeatedScalarFieldContainer[str]
    last_evaluated_table_name: str
    def __init__(self, table_names: _Optional[_Iterable[str]] = ..., last_evaluated_table_name: _Optional[str] = ...) -> None: ...

class UpdateGlobalSecondaryIndexAction(_message.Message):
    __slots__ = ("index_name", "provisioned_throughput", "on_demand_throughput", "warm_throughput")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    def __init__(self, index_name: _Optional[str] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ...) -> None: ...

class CreateGlobalSecondaryIndexAction(_message.Message):
    __slots__ = ("index_name", "key_schema", "projection", "provisioned_throughput", "on_demand_throughput", "warm_throughput")
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    projection: Projection
    provisioned_throughput: ProvisionedThroughput
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    def __init__(self, index_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., projection: _Optional[_Union[Projection, _Mapping]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ...) -> None: ...

class DeleteGlobalSecondaryIndexAction(_message.Message):
    __slots__ = ("index_name",)
    INDEX_NAME_FIELD_NUMBER: _ClassVar[int]
    index_name: str
    def __init__(self, index_name: _Optional[str] = ...) -> None: ...

class GlobalSecondaryIndexUpdate(_message.Message):
    __slots__ = ("update", "create", "delete")
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    update: UpdateGlobalSecondaryIndexAction
    create: CreateGlobalSecondaryIndexAction
    delete: DeleteGlobalSecondaryIndexAction
    def __init__(self, update: _Optional[_Union[UpdateGlobalSecondaryIndexAction, _Mapping]] = ..., create: _Optional[_Union[CreateGlobalSecondaryIndexAction, _Mapping]] = ..., delete: _Optional[_Union[DeleteGlobalSecondaryIndexAction, _Mapping]] = ...) -> None: ...

class UpdateTableRequest(_message.Message):
    __slots__ = ("attribute_definitions", "table_name", "billing_mode", "provisioned_throughput", "global_secondary_index_updates", "stream_specification", "sse_specification", "table_class", "deletion_protection_enabled", "on_demand_throughput", "warm_throughput")
    ATTRIBUTE_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    BILLING_MODE_FIELD_NUMBER: _ClassVar[int]
    PROVISIONED_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    GLOBAL_SECONDARY_INDEX_UPDATES_FIELD_NUMBER: _ClassVar[int]
    STREAM_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    SSE_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    TABLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    DELETION_PROTECTION_ENABLED_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    WARM_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    attribute_definitions: _containers.RepeatedCompositeFieldContainer[AttributeDefinition]
    table_name: str
    billing_mode: BillingMode
    provisioned_throughput: ProvisionedThroughput
    global_secondary_index_updates: _containers.RepeatedCompositeFieldContainer[GlobalSecondaryIndexUpdate]
    stream_specification: StreamSpecification
    sse_specification: SSESpecification
    table_class: TableClass
    deletion_protection_enabled: bool
    on_demand_throughput: OnDemandThroughput
    warm_throughput: WarmThroughput
    def __init__(self, attribute_definitions: _Optional[_Iterable[_Union[AttributeDefinition, _Mapping]]] = ..., table_name: _Optional[str] = ..., billing_mode: _Optional[_Union[BillingMode, str]] = ..., provisioned_throughput: _Optional[_Union[ProvisionedThroughput, _Mapping]] = ..., global_secondary_index_updates: _Optional[_Iterable[_Union[GlobalSecondaryIndexUpdate, _Mapping]]] = ..., stream_specification: _Optional[_Union[StreamSpecification, _Mapping]] = ..., sse_specification: _Optional[_Union[SSESpecification, _Mapping]] = ..., table_class: _Optional[_Union[TableClass, str]] = ..., deletion_protection_enabled: _Optional[bool] = ..., on_demand_throughput: _Optional[_Union[OnDemandThroughput, _Mapping]] = ..., warm_throughput: _Optional[_Union[WarmThroughput, _Mapping]] = ...) -> None: ...

class UpdateTableResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: TableDescription
    def __init__(self, table_description: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

class DeleteTableRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class DeleteTableResponse(_message.Message):
    __slots__ = ("table_description",)
    TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    table_description: TableDescription
    def __init__(self, table_description: _Optional[_Union[TableDescription, _Mapping]] = ...) -> None: ...

class TagResourceRequest(_message.Message):
    __slots__ = ("resource_arn", "tags")
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    resource_arn: str
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    def __init__(self, resource_arn: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ...) -> None: ...

class TagResourceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UntagResourceRequest(_message.Message):
    __slots__ = ("resource_arn", "tag_keys")
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    TAG_KEYS_FIELD_NUMBER: _ClassVar[int]
    resource_arn: str
    tag_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, resource_arn: _Optional[str] = ..., tag_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class UntagResourceResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTagsOfResourceRequest(_message.Message):
    __slots__ = ("resource_arn", "next_token")
    RESOURCE_ARN_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    resource_arn: str
    next_token: str
    def __init__(self, resource_arn: _Optional[str] = ..., next_token: _Optional[str] = ...) -> None: ...

class ListTagsOfResourceResponse(_message.Message):
    __slots__ = ("tags", "next_token")
    TAGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    next_token: str
    def __init__(self, tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., next_token: _Optional[str] = ...) -> None: ...

class DescribeLimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeLimitsResponse(_message.Message):
    __slots__ = ("account_max_read_capacity_units", "account_max_write_capacity_units", "table_max_read_capacity_units", "table_max_write_capacity_units")
    ACCOUNT_MAX_READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_MAX_WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    TABLE_MAX_READ_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    TABLE_MAX_WRITE_CAPACITY_UNITS_FIELD_NUMBER: _ClassVar[int]
    account_max_read_capacity_units: int
    account_max_write_capacity_units: int
    table_max_read_capacity_units: int
    table_max_write_capacity_units: int
    def __init__(self, account_max_read_capacity_units: _Optional[int] = ..., account_max_write_capacity_units: _Optional[int] = ..., table_max_read_capacity_units: _Optional[int] = ..., table_max_write_capacity_units: _Optional[int] = ...) -> None: ...

class DescribeEndpointsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Endpoint(_message.Message):
    __slots__ = ("address", "cache_period_in_minutes")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CACHE_PERIOD_IN_MINUTES_FIELD_NUMBER: _ClassVar[int]
    address: str
    cache_period_in_minutes: int
    def __init__(self, address: _Optional[str] = ..., cache_period_in_minutes: _Optional[int] = ...) -> None: ...

class DescribeEndpointsResponse(_message.Message):
    __slots__ = ("endpoints",)
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    def __init__(self, endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ...) -> None: ...

class TimeToLiveSpecification(_message.Message):
    __slots__ = ("enabled", "attribute_name")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    attribute_name: str
    def __init__(self, enabled: _Optional[bool] = ..., attribute_name: _Optional[str] = ...) -> None: ...

class UpdateTimeToLiveRequest(_message.Message):
    __slots__ = ("table_name", "time_to_live_specification")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_LIVE_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    time_to_live_specification: TimeToLiveSpecification
    def __init__(self, table_name: _Optional[str] = ..., time_to_live_specification: _Optional[_Union[TimeToLiveSpecification, _Mapping]] = ...) -> None: ...

class UpdateTimeToLiveResponse(_message.Message):
    __slots__ = ("time_to_live_specification",)
    TIME_TO_LIVE_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    time_to_live_specification: TimeToLiveSpecification
    def __init__(self, time_to_live_specification: _Optional[_Union[TimeToLiveSpecification, _Mapping]] = ...) -> None: ...

class DescribeTimeToLiveRequest(_message.Message):
    __slots__ = ("table_name",)
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    def __init__(self, table_name: _Optional[str] = ...) -> None: ...

class TimeToLiveDescription(_message.Message):
    __slots__ = ("time_to_live_status", "attribute_name")
    TIME_TO_LIVE_STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_NAME_FIELD_NUMBER: _ClassVar[int]
    time_to_live_status: TimeToLiveStatus
    attribute_name: str
    def __init__(self, time_to_live_status: _Optional[_Union[TimeToLiveStatus, str]] = ..., attribute_name: _Optional[str] = ...) -> None: ...

class DescribeTimeToLiveResponse(_message.Message):
    __slots__ = ("time_to_live_description",)
    TIME_TO_LIVE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    time_to_live_description: TimeToLiveDescription
    def __init__(self, time_to_live_description: _Optional[_Union[TimeToLiveDescription, _Mapping]] = ...) -> None: ...

class Stream(_message.Message):
    __slots__ = ("stream_arn", "table_name", "stream_label")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    STREAM_LABEL_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    table_name: str
    stream_label: str
    def __init__(self, stream_arn: _Optional[str] = ..., table_name: _Optional[str] = ..., stream_label: _Optional[str] = ...) -> None: ...

class ListStreamsRequest(_message.Message):
    __slots__ = ("table_name", "limit", "exclusive_start_stream_arn")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    limit: int
    exclusive_start_stream_arn: str
    def __init__(self, table_name: _Optional[str] = ..., limit: _Optional[int] = ..., exclusive_start_stream_arn: _Optional[str] = ...) -> None: ...

class ListStreamsResponse(_message.Message):
    __slots__ = ("streams", "last_evaluated_stream_arn")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[Stream]
    last_evaluated_stream_arn: str
    def __init__(self, streams: _Optional[_Iterable[_Union[Stream, _Mapping]]] = ..., last_evaluated_stream_arn: _Optional[str] = ...) -> None: ...

class SequenceNumberRange(_message.Message):
    __slots__ = ("starting_sequence_number", "ending_sequence_number")
    STARTING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENDING_SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    starting_sequence_number: str
    ending_sequence_number: str
    def __init__(self, starting_sequence_number: _Optional[str] = ..., ending_sequence_number: _Optional[str] = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("shard_id", "sequence_number_range", "parent_shard_id")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_RANGE_FIELD_NUMBER: _ClassVar[int]
    PARENT_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    shard_id: str
    sequence_number_range: SequenceNumberRange
    parent_shard_id: str
    def __init__(self, shard_id: _Optional[str] = ..., sequence_number_range: _Optional[_Union[SequenceNumberRange, _Mapping]] = ..., parent_shard_id: _Optional[str] = ...) -> None: ...

class ShardFilter(_message.Message):
    __slots__ = ("type", "shard_id")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    type: ShardFilterType
    shard_id: str
    def __init__(self, type: _Optional[_Union[ShardFilterType, str]] = ..., shard_id: _Optional[str] = ...) -> None: ...

class DescribeStreamRequest(_message.Message):
    __slots__ = ("stream_arn", "limit", "exclusive_start_shard_id", "shard_filter")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIVE_START_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_FILTER_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    limit: int
    exclusive_start_shard_id: str
    shard_filter: ShardFilter
    def __init__(self, stream_arn: _Optional[str] = ..., limit: _Optional[int] = ..., exclusive_start_shard_id: _Optional[str] = ..., shard_filter: _Optional[_Union[ShardFilter, _Mapping]] = ...) -> None: ...

class StreamDescription(_message.Message):
    __slots__ = ("stream_arn", "stream_label", "stream_status", "stream_view_type", "creation_request_date_time", "table_name", "key_schema", "shards", "last_evaluated_shard_id")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    STREAM_LABEL_FIELD_NUMBER: _ClassVar[int]
    STREAM_STATUS_FIELD_NUMBER: _ClassVar[int]
    STREAM_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATION_REQUEST_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    KEY_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVALUATED_SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    stream_label: str
    stream_status: StreamStatus
    stream_view_type: StreamViewType
    creation_request_date_time: _timestamp_pb2.Timestamp
    table_name: str
    key_schema: _containers.RepeatedCompositeFieldContainer[KeySchemaElement]
    shards: _containers.RepeatedCompositeFieldContainer[Shard]
    last_evaluated_shard_id: str
    def __init__(self, stream_arn: _Optional[str] = ..., stream_label: _Optional[str] = ..., stream_status: _Optional[_Union[StreamStatus, str]] = ..., stream_view_type: _Optional[_Union[StreamViewType, str]] = ..., creation_request_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., table_name: _Optional[str] = ..., key_schema: _Optional[_Iterable[_Union[KeySchemaElement, _Mapping]]] = ..., shards: _Optional[_Iterable[_Union[Shard, _Mapping]]] = ..., last_evaluated_shard_id: _Optional[str] = ...) -> None: ...

class DescribeStreamResponse(_message.Message):
    __slots__ = ("stream_description",)
    STREAM_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    stream_description: StreamDescription
    def __init__(self, stream_description: _Optional[_Union[StreamDescription, _Mapping]] = ...) -> None: ...

class GetShardIteratorRequest(_message.Message):
    __slots__ = ("stream_arn", "shard_id", "shard_iterator_type", "sequence_number", "timestamp")
    STREAM_ARN_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ITERATOR_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    stream_arn: str
    shard_id: str
    shard_iterator_type: ShardIteratorType
    sequence_number: str
    timestamp: _timestamp_pb2.Timestamp
    def __init__(self, stream_arn: _Optional[str] = ..., shard_id: _Optional[str] = ..., shard_iterator_type: _Optional[_Union[ShardIteratorType, str]] = ..., sequence_number: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetShardIteratorResponse(_message.Message):
    __slots__ = ("shard_iterator",)
    SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    shard_iterator: str
    def __init__(self, shard_iterator: _Optional[str] = ...) -> None: ...

class GetRecordsRequest(_message.Message):
    __slots__ = ("shard_iterator", "limit")
    SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    shard_iterator: str
    limit: int
    def __init__(self, shard_iterator: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class StreamRecord(_message.Message):
    __slots__ = ("approximate_creation_date_time", "keys", "new_image", "old_image", "sequence_number", "size_bytes", "stream_view_type")
    APPROXIMATE_CREATION_DATE_TIME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NEW_IMAGE_FIELD_NUMBER: _ClassVar[int]
    OLD_IMAGE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    STREAM_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    approximate_creation_date_time: _timestamp_pb2.Timestamp
    keys: AttributeMap
    new_image: AttributeMap
    old_image: AttributeMap
    sequence_number: str
    size_bytes: int
    stream_view_type: StreamViewType
    def __init__(self, approximate_creation_date_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., keys: _Optional[_Union[AttributeMap, _Mapping]] = ..., new_image: _Optional[_Union[AttributeMap, _Mapping]] = ..., old_image: _Optional[_Union[AttributeMap, _Mapping]] = ..., sequence_number: _Optional[str] = ..., size_bytes: _Optional[int] = ..., stream_view_type: _Optional[_Union[StreamViewType, str]] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("principal_id", "type")
    PRINCIPAL_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    principal_id: str
    type: str
    def __init__(self, principal_id: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("event_id", "event_name", "event_version", "event_source", "aws_region", "dynamodb", "user_identity")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    AWS_REGION_FIELD_NUMBER: _ClassVar[int]
    DYNAMODB_FIELD_NUMBER: _ClassVar[int]
    USER_IDENTITY_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_name: OperationType
    event_version: str
    event_source: str
    aws_region: str
    dynamodb: StreamRecord
    user_identity: Identity
    def __init__(self, event_id: _Optional[str] = ..., event_name: _Optional[_Union[OperationType, str]] = ..., event_version: _Optional[str] = ..., event_source: _Optional[str] = ..., aws_region: _Optional[str] = ..., dynamodb: _Optional[_Union[StreamRecord, _Mapping]] = ..., user_identity: _Optional[_Union[Identity, _Mapping]] = ...) -> None: ...

class GetRecordsResponse(_message.Message):
    __slots__ = ("records", "next_shard_iterator")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_SHARD_ITERATOR_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[Record]
    next_shard_iterator: str
    def __init__(self, records: _Optional[_Iterable[_Union[Record, _Mapping]]] = ..., next_shard_iterator: _Optional[str] = ...) -> None: ...

class CancellationReason(_message.Message):
    __slots__ = ("code", "message", "item")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    item: AttributeMap
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., item: _Optional[_Union[AttributeMap, _Mapping]] = ...) -> None: ...

class ThrottlingReason(_message.Message):
    __slots__ = ("reason", "resource")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    resource: str
    def __init__(self, reason: _Optional[str] = ..., resource: _Optional[str] = ...) -> None: ...

class DynamoDBErrorDetail(_message.Message):
    __slots__ = ("type", "message", "item", "cancellation_reasons", "throttling_reasons", "items_omitted")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    CANCELLATION_REASONS_FIELD_NUMBER: _ClassVar[int]
    THROTTLING_REASONS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_OMITTED_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    item: AttributeMap
    cancellation_reasons: _containers.RepeatedCompositeFieldContainer[CancellationReason]
    throttling_reasons: _containers.RepeatedCompositeFieldContainer[ThrottlingReason]
    items_omitted: bool
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., item: _Optional[_Union[AttributeMap, _Mapping]] = ..., cancellation_reasons: _Optional[_Iterable[_Union[CancellationReason, _Mapping]]] = ..., throttling_reasons: _Optional[_Iterable[_Union[ThrottlingReason, _Mapping]]] = ..., items_omitted: _Optional[bool] = ...) -> None: ...
