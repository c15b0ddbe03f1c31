"""The planner's words: what is wanted, what is seen, what is to be done.

In: nothing; these are the types that the operator and the local supervisor fill in and that
`placement.py` answers with. The shell observes, calls `placement.plan`, carries the actions out.

What the shell owes each action:
- It starts an action once and lists it in `Observation.in_flight` until it is done or has failed.
- A partition's leader refuses an action whose `epochs` (for TransferLeader: `term`) are no longer
  its own. So an action that was planned on old news, or comes late, does nothing.
- `next_partition_id` is on record before a new id is used, and an action with a new id below the
  one on record is dropped. A CreatePartition is on record, as the only one for its range, before
  any node hears of it, and is then listed in `recorded`; it is dropped, not recorded, unless most
  of its nodes answer at that moment. One whose descriptor is on record, to the letter, is a
  repetition and goes to its nodes again.
- For a DeleteStray a node throws away only hashes that no other replica of its own holds, and
  nothing if it no longer holds that replica id. The shell drops a RemoveNode for a node that was
  asked to stay after all or that holds something.
- AddLearner is done as soon as the learner is a member; that it catches up is seen in reports.
- PromoteLearner is one joint change: the learner gets its vote, the voter it replaces leaves. The
  leader refuses it, and a RemoveReplica, unless a majority of the voters that it leads to answers
  and has caught up at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from stator_core.limits import PARTITION_READ_UNITS_PER_SECOND, PARTITION_WRITE_UNITS_PER_SECOND
from stator_core.partition_descriptor import Epochs, PartitionDescriptor

GIBIBYTE: Final = 1_073_741_824


class NodeState(Enum):
    """How a node is. The observer decides; it makes a silent node SUSPECT before DEAD."""

    ALIVE = "ALIVE"
    SUSPECT = "SUSPECT"  # not heard for a moment: nothing is planned with it or against it
    DEAD = "DEAD"
    DRAINING = "DRAINING"  # alive, and asked to give everything away
    REMOVED = "REMOVED"  # never comes back under this id


@dataclass(frozen=True, slots=True)
class Node:
    """A storage node. `since` is the time (seconds) at which it got into its state."""

    node_id: str
    zone: str
    state: NodeState
    since: float
    capacity_bytes: int
    free_bytes: int
    # A person asked to replace a DEAD node at once, and to forget it afterwards.
    replace_now: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """What a node says of one replica of its own; see `partition_map.PartitionReport`.

    Read units count where they were read, write units at the leader; both per second over a recent
    window. `hot_key_share`: the part (0 to 1) of that traffic which one key takes. The medians are
    hashes that cut the partition's bytes or traffic in halves; None where nothing does.
    `range_since`: when (seconds) the range last changed; 0 if that was long ago.
    """

    node_id: str
    replica_id: int
    descriptor: PartitionDescriptor
    is_leader: bool
    term: int
    applied_index: int
    last_index: int
    size_bytes: int = 0
    read_units_per_second: float = 0.0
    write_units_per_second: float = 0.0
    hot_key_share: float = 0.0
    byte_median: int | None = None
    traffic_median: int | None = None
    range_since: float = 0.0


@dataclass(frozen=True, slots=True)
class TableSpecification:
    """A table as the planner needs it. `pinned`: it must lie in one partition.

    `has_shards`: of its stream, or of one that it had a while ago; then no partitions merge, since
    a shard has one parent.
    """

    name: str
    identifier: int
    status: Literal["CREATING", "ACTIVE", "UPDATING", "DELETING"] = "ACTIVE"
    replication: int = 3
    pinned: bool = False
    has_shards: bool = False
    partitions_on_creation: int = 1
    recorded: tuple[PartitionDescriptor, ...] = ()  # the CreatePartitions on record


@dataclass(frozen=True, slots=True)
class Configuration:
    """The planner's numbers. Times in seconds; fractions of a node's capacity in use."""

    dead_node_seconds: float = 600.0  # this long DEAD before its replicas are replaced
    settled_seconds: float = 30.0  # this long ALIVE before it gets leaders or moves of choice
    in_flight_seconds: float = 300.0  # then a lost action may be planned again; epochs guard it
    caught_up_entries: int = 1_000  # a replica this close behind the leader is a good copy
    concurrent_moves_max: int = 4  # in the cluster
    moves_of_choice_max: int = 2  # so that repairs always find room
    leader_transfers_max: int = 8  # in the cluster, at one time
    deletions_max: int = 100  # in one plan
    leader_imbalance_min: int = 2
    replica_imbalance_min: int = 2
    filled_fraction_max: float = 0.75  # up to here a move of choice may fill a node
    full_fraction: float = 0.85  # up to here a repair may; above, replicas move away
    stuffed_fraction: float = 0.95  # above, a learner that is still copying is given up
    # AWS: Service quotas: a partition serves 3,000 read and 1,000 write units per second. It also
    # holds 10 GB: AWS, "Partitions and data distribution".
    split_bytes: int = 10 * GIBIBYTE
    split_read_units: float = float(PARTITION_READ_UNITS_PER_SECOND)
    split_write_units: float = float(PARTITION_WRITE_UNITS_PER_SECOND)
    hot_key_share_max: float = 0.5  # above, no cut takes half of the traffic away
    split_rest_seconds: float = 60.0  # so that the window of traffic is the partition's own
    merges: bool = True  # whether what should be one is merged; else neighbours stay apart
    merge_fraction: float = 0.25  # both neighbours together, of the split's size and heat
    merge_rest_seconds: float = 3_600.0
    partitions_per_table_max: int = 1_024

    def __post_init__(self) -> None:
        assert 0 < self.filled_fraction_max < self.full_fraction < self.stuffed_fraction < 1
        assert 0 < self.moves_of_choice_max <= self.concurrent_moves_max
        # A move between nodes closer than two would only swap which of them has more.
        assert self.leader_imbalance_min >= 2
        assert self.replica_imbalance_min >= 2
        # A merge must not make what a split would cut at once.
        assert 0 < self.merge_fraction <= 0.5
        assert self.merge_rest_seconds >= self.split_rest_seconds


@dataclass(frozen=True, slots=True)
class Specification:
    """What is wanted. `deleted_tables`: identifiers of tables that are gone for good."""

    tables: tuple[TableSpecification, ...]
    configuration: Configuration = field(default_factory=Configuration)
    deleted_tables: frozenset[int] = frozenset()


# ---------------------------------------------------------------------------------------- actions


@dataclass(frozen=True, slots=True)
class CreatePartition:
    """Make the first replicas of a partition. Harmless when repeated with one descriptor."""

    descriptor: PartitionDescriptor

    @property
    def partition_id(self) -> int:
        return self.descriptor.partition_id

    @property
    def table_identifier(self) -> int:
        return self.descriptor.table_identifier


@dataclass(frozen=True, slots=True)
class AddLearner:
    partition_id: int
    table_identifier: int
    epochs: Epochs
    node_id: str


@dataclass(frozen=True, slots=True)
class PromoteLearner:
    partition_id: int
    table_identifier: int
    epochs: Epochs
    replica_id: int
    replaces: int | None  # the voter that leaves in the same joint change


@dataclass(frozen=True, slots=True)
class RemoveReplica:
    """Take a member out: a learner that is no longer wanted, or a voter beyond the number."""

    partition_id: int
    table_identifier: int
    epochs: Epochs
    replica_id: int


@dataclass(frozen=True, slots=True)
class TransferLeader:
    partition_id: int
    table_identifier: int
    term: int
    from_node_id: str
    to_node_id: str


@dataclass(frozen=True, slots=True)
class SplitPartition:
    partition_id: int
    table_identifier: int
    epochs: Epochs
    at_hash: int
    child_id: int


@dataclass(frozen=True, slots=True)
class MergePartitions:
    """The left partition (`partition_id`) takes over the hashes of `right_id`."""

    partition_id: int
    table_identifier: int
    epochs: Epochs
    right_id: int
    right_epochs: Epochs


@dataclass(frozen=True, slots=True)
class DeletePartition:
    """Throw away what these nodes hold of a partition of a deleted table."""

    partition_id: int
    table_identifier: int
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteStray:
    """Throw away a replica that its group removed while the node was away."""

    partition_id: int
    table_identifier: int
    node_id: str
    replica_id: int


@dataclass(frozen=True, slots=True)
class MarkTableActive:
    table_identifier: int


@dataclass(frozen=True, slots=True)
class MarkTableDeleted:
    """Nothing of a DELETING table is left on any node that can be heard."""

    table_identifier: int


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """The node holds nothing any more and may go."""

    node_id: str


MembershipChange = AddLearner | PromoteLearner | RemoveReplica
# What makes a table's clients wait for a moment, or a partition less safe: one per table.
Disruptive = MembershipChange | TransferLeader | SplitPartition | MergePartitions
TableAction = CreatePartition | DeletePartition | DeleteStray | MarkTableActive | MarkTableDeleted
Action = Disruptive | TableAction | RemoveNode


def partitions_of(action: Action) -> tuple[int, ...]:
    """The ids of the partitions that an action touches."""
    match action:
        case MergePartitions():
            return (action.partition_id, action.right_id)
        case MarkTableActive() | MarkTableDeleted() | RemoveNode():
            return ()
        case _:
            return (action.partition_id,)


# ------------------------------------------------------------------------------------ observation


@dataclass(frozen=True, slots=True)
class InFlight:
    """An action that was started at this time (seconds) and is neither done nor failed."""

    action: Action
    started: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen. Reports of nodes that are DEAD are ignored."""

    nodes: tuple[Node, ...]
    replicas: tuple[ReplicaReport, ...]
    next_partition_id: int
    in_flight: tuple[InFlight, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why something that suggests itself is not done now; for status displays."""

    subject: str  # `partition 7 of Music`, `table Music`, `node n3`
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]
