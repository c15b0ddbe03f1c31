"""The operations that pods ask of each other, and people of the supervisor, by number.

DO NOT REORDER OR REUSE: the numbers are on the wire (`transport/frame_format.py`).
"""

from __future__ import annotations

from enum import IntEnum


class OperationCode(IntEnum):
    PUT_ITEM = 1
    GET_ITEM = 2
    UPDATE_ITEM = 3
    DELETE_ITEM = 4
    QUERY = 5
    SCAN = 6
    BATCH_GET_ITEM = 7
    BATCH_WRITE_ITEM = 8
    PLAIN_PUT = 24  # bodies of these two: `plain_operations.py`
    PLAIN_GET = 25
    INDEX_WRITE = 26  # its body: `stator_core.index_entries`
    READ_CHANGES = 27  # its body: `feed_reading.py`
    SNAPSHOT_CHUNK = 32
    REPORT = 33
    CREATE_PARTITION = 34
    DESTROY_REPLICA = 35
    SPLIT = 36
    TRANSFER_LEADER = 37
    ADD_LEARNER = 38
    CHANGE_MEMBERS = 39
    DESCRIBE = 40
    JOIN = 41
    SEND_STATE = 43
    SCRUB = 44
    REBUILD = 45
    MOVE_CLOCK = 46  # its body: `cluster_clock.py`
    FREEZE = 47
    TAKE_OVER = 48
    REFUSE_MERGE = 49
    THAW = 50
    CLUSTER_STATUS = 64
    CLUSTER_DRAIN = 65
    CLUSTER_REMOVE = 66
    CLUSTER_SPLIT = 67
    CLUSTER_TRANSFER = 68
    TABLE_OPERATION = 69  # its body: `remote_tables.py`
    CLUSTER_MERGE = 70


NAMES: dict[int, str] = {
    OperationCode.PUT_ITEM: "PutItem",
    OperationCode.GET_ITEM: "GetItem",
    OperationCode.UPDATE_ITEM: "UpdateItem",
    OperationCode.DELETE_ITEM: "DeleteItem",
    OperationCode.QUERY: "Query",
    OperationCode.SCAN: "Scan",
    OperationCode.BATCH_GET_ITEM: "BatchGetItem",
    OperationCode.BATCH_WRITE_ITEM: "BatchWriteItem",
}
