"""Requests that reach a partition replica on this pod, and who may answer them.

In: REQUEST frames from gateways and the supervisor (`transport/server.py`). A strong read or a
write is for the leader: it answers under its lease, or after a round to a quorum; a read that may
be eventual is answered by any replica from what it has applied. Out: ANSWER frames. A wrong guess
of the sender costs one redirect that carries the fresh descriptor. Invariants: a key outside this
partition's range is never read or written here; what is refused as unavailable or redirected was
not begun.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import orjson

from stator_core import partition_descriptor
from stator_core.change_format import ChangeDamaged
from stator_core.errors import (
    DynamoDBError,
    InternalServerError,
    ProvisionedThroughputExceededException,
    ResourceNotFoundException,
    ServiceUnavailable,
    ThrottlingException,
)
from stator_core.index_entries import BatchRefused
from stator_core.table import Index, Table
from stator_node.doors import StorageFailed
from stator_node.feed_reading import read_changes
from stator_node.hosted_partition import HostedPartition
from stator_node.index_feeder import IndexFeeder
from stator_node.index_writes import IndexWrites
from stator_node.item_operations import Answer, Fence, ItemOperation, ItemOperations, OutsideRange
from stator_node.operation_codes import NAMES, OperationCode
from stator_node.partition_host import PartitionHost
from stator_node.partition_load import PartitionLoads
from stator_node.pending import Pending
from stator_node.plain_operations import PlainOperations
from stator_node.raft_commit import NotLeading, OutcomeUnknown
from stator_node.read_positions import ReadPositions
from stator_node.replica import Replica
from stator_node.storage_errors import DAMAGED, StorageTrouble, for_client
from stator_node.transport.frame_format import EVENTUAL, Status
from stator_node.transport.server import Request

logger = logging.getLogger(__name__)

TOO_MUCH_WAITS = "Too many writes of this partition wait for a disk. Nothing was begun: try again."
OfBytes = Callable[[bytes], Answer]
OF_INDEX = (OperationCode.QUERY, OperationCode.SCAN)  # what clients ask of a global index
READS = frozenset(
    (
        OperationCode.GET_ITEM,
        OperationCode.QUERY,
        OperationCode.SCAN,
        OperationCode.BATCH_GET_ITEM,
        OperationCode.PLAIN_GET,
        OperationCode.READ_CHANGES,
    )
)


class PartitionRequests:
    """Executes item operations on the partitions of one pod."""

    def __init__(self, host: PartitionHost, loads: PartitionLoads, feeder: IndexFeeder) -> None:
        self._host = host
        self._feeder = feeder
        self._loads = loads
        self._operations: dict[int, tuple[HostedPartition, dict[int, OfBytes]]] = {}
        self.writes: dict[int, int] = {}  # by table identifier, for statistics
        self.read_positions = ReadPositions(host.store)

    def handle(self, request: Request) -> None:
        """Answer a request for an item operation, now or later."""
        hosted = self._host.partitions.get(request.partition_id)
        if hosted is None:
            absorber = self._host.absorber_of(request.partition_id)
            if absorber is None:
                request.answer(Status.UNAVAILABLE, b"")
            else:
                request.answer(Status.REDIRECT, redirect(absorber))
            return
        if hosted.rebuilding or hosted.stopped or hosted.state is None:
            request.answer(Status.UNAVAILABLE, b"")
            return
        if request.flags & EVENTUAL and request.operation in READS:
            self._execute(hosted, request)
            return
        if not hosted.raft.leads:
            request.answer(Status.REDIRECT, redirect(hosted))
            return
        if hosted.state.frozen_for is not None:
            request.answer(Status.UNAVAILABLE, b"")
            return
        if request.operation in READS:
            waiting = hosted.confirm_lead()
            if waiting is None:
                self._execute(hosted, request)
            else:
                waiting.listen(lambda confirmed: self._confirmed(hosted, request, confirmed))
            return
        if not hosted.may_write:
            request.answer(Status.UNAVAILABLE, b"")
            return
        if hosted.commit.is_full:
            request.answer(Status.REFUSED, refusal(ServiceUnavailable(TOO_MUCH_WAITS)))
            return
        late = self._feeder.late(hosted.partition_id, hosted.state.table)
        if late is not None:
            request.answer(Status.REFUSED, refusal(throttled(hosted.state.table, late)))
            return
        self._execute(hosted, request)

    def _confirmed(
        self, hosted: HostedPartition, request: Request, confirmed: Pending[None]
    ) -> None:
        if confirmed.error is not None:
            request.answer(Status.REDIRECT, redirect(hosted))
        elif hosted.state is None or hosted.state.frozen_for is not None:
            request.answer(Status.UNAVAILABLE, b"")
        else:
            self._execute(hosted, request)

    def _execute(self, hosted: HostedPartition, request: Request) -> None:
        try:
            answer: Answer = self._of(hosted)[request.operation](request.body)
        except Exception as error:  # noqa: BLE001  # _refuse logs what is not an answer.
            self._refuse(hosted, request, error)
            return
        if isinstance(answer, bytes):
            request.answer(Status.RESULT, answer)
        else:
            answer.listen(lambda pending: self._settle(hosted, request, pending))

    def _settle(self, hosted: HostedPartition, request: Request, pending: Pending[bytes]) -> None:
        if pending.error is None:
            request.answer(Status.RESULT, pending.result())
        else:
            self._refuse(hosted, request, pending.error)

    def _refuse(self, hosted: HostedPartition, request: Request, error: BaseException) -> None:
        """Say no in the way that tells the sender whether it may try elsewhere."""
        match error:
            case BatchRefused():
                request.answer(Status.UNAVAILABLE, b"")
            case OutsideRange() | NotLeading():
                request.answer(Status.REDIRECT, redirect(hosted))
            case OutcomeUnknown():
                request.answer(Status.UNKNOWN, b"")
            case StorageTrouble():
                if error.damaged:
                    self._host.rebuild(hosted)
                # Single requests fail before they begin anything, batches maybe in the middle.
                begun = request.operation == OperationCode.BATCH_WRITE_ITEM
                request.answer(Status.UNKNOWN if begun else Status.UNAVAILABLE, b"")
            case DynamoDBError():
                request.answer(Status.REFUSED, refusal(error))
            case _:
                logger.error("partition %d failed", hosted.partition_id, exc_info=error)
                request.answer(
                    Status.REFUSED, refusal(InternalServerError("Internal server error"))
                )

    def _of(self, hosted: HostedPartition) -> dict[int, OfBytes]:
        """The operations of a replica by their codes."""
        known = self._operations.get(hosted.partition_id)
        if known is not None and known[0] is hosted:
            return known[1]
        host = self._host
        replica = Replica(
            hosted.commit, host.loop, host.clock, host.stamps, self.writes, hosted.partition_id
        )
        fence = Fence(_range_of(hosted), self._noter(hosted.partition_id))
        assert hosted.state is not None
        if hosted.state.is_of_index:
            usual = ItemOperations(_serving(hosted), replica, fence).by_name()
            operations: dict[int, OfBytes] = {
                code: _of_json(usual[NAMES[code]]) for code in OF_INDEX
            }
            writes = IndexWrites(hosted.state.table, fence, hosted.commit, host.clock)
            operations[OperationCode.INDEX_WRITE] = writes.write
            self._operations[hosted.partition_id] = hosted, operations
            return operations
        usual = ItemOperations(_serving(hosted), replica, fence).by_name()
        operations = {code: _of_json(usual[name]) for code, name in NAMES.items()}
        plain = PlainOperations(
            _table_of(hosted),
            fence,
            hosted.commit,
            host.stamps,
            host.clock,
            self.writes,
            usual["PutItem"],
        )
        operations[OperationCode.PLAIN_PUT] = plain.put
        operations[OperationCode.PLAIN_GET] = plain.get
        operations[OperationCode.READ_CHANGES] = self._read_changes(hosted)
        self._operations[hosted.partition_id] = hosted, operations
        return operations

    def _read_changes(self, hosted: HostedPartition) -> OfBytes:
        """A part of the feed, for a stream's reader; also of a table that is deleted."""

        def read(body: bytes) -> bytes:
            assert hosted.state is not None
            try:
                found = read_changes(self._host.store, hosted.state, self._host.stamps.last, body)
            except ChangeDamaged as error:
                logger.error("partition %d: %s", hosted.partition_id, error)
                raise StorageTrouble(DAMAGED, damaged=True) from None
            except StorageFailed as error:
                raise for_client(error, (hosted.state.table,)) from None
            if found.position is not None:
                self.read_positions.note(hosted.partition_id, found.position)
            return found.answer

        return read

    def _noter(self, partition_id: int) -> Callable[[int], None]:
        """Notes the place of each key that is read or written, for the planner."""
        note = self._loads.note
        return lambda place: note(partition_id, place)


def _of_json(operation: ItemOperation) -> OfBytes:
    """An operation of the body's bytes."""
    return lambda body: operation(orjson.loads(body))


def _table_of(hosted: HostedPartition) -> Callable[[], Table]:
    """The table of a partition while it serves; raises ResourceNotFoundException else."""

    def table() -> Table:
        state = hosted.state
        if state is not None and state.table.status in ("ACTIVE", "UPDATING"):
            return state.table
        raise ResourceNotFoundException("Requested resource not found")

    return table


def _serving(hosted: HostedPartition) -> Callable[[str], Table]:
    table_of = _table_of(hosted)

    def serving(name: str) -> Table:
        table = table_of()
        if name in (table.name, table.arn):
            return table
        raise ResourceNotFoundException("Requested resource not found")

    return serving


def _range_of(hosted: HostedPartition) -> Callable[[], tuple[int, int]]:
    def held() -> tuple[int, int]:
        assert hosted.state is not None
        return hosted.state.descriptor.range.start, hosted.state.descriptor.range.end

    return held


def throttled(table: Table, index: Index) -> DynamoDBError:
    """The refusal of a write that an index is too far behind to follow.

    Source: AWS: Understanding throttling, "key range throughput exceeded"; the wordings are those
    of back-pressure from an index.
    """
    reasons = [
        {
            "reason": "IndexWriteKeyRangeThroughputExceeded",
            "resource": f"{table.arn}/index/{index.name}",
        }
    ]
    if table.billing_mode == "PROVISIONED":
        return ProvisionedThroughputExceededException(
            "The level of configured provisioned throughput for one or more global secondary "
            "indexes of the table was exceeded. Consider increasing your provisioning level for "
            "the under-provisioned global secondary indexes with the UpdateTable API",
            ThrottlingReasons=reasons,
        )
    return ThrottlingException(
        "Throughput exceeds the current capacity of one or more global secondary indexes. DynamoDB "
        "is automatically scaling your index so please try again shortly.",
        throttlingReasons=reasons,
    )


def redirect(hosted: HostedPartition) -> bytes:
    """What a REDIRECT carries: the descriptor as this replica has applied it, and who leads."""
    assert hosted.state is not None
    return orjson.dumps(
        {
            "descriptor": partition_descriptor.to_json(hosted.state.descriptor),
            "leader": hosted.node_of(hosted.raft.leader),
            "term": hosted.raft.term,
        }
    )


def refusal(error: DynamoDBError) -> bytes:
    """What a REFUSED carries: enough to raise the same error at the gateway."""
    return orjson.dumps({"name": error.name(), "message": error.message, "members": error.members})
