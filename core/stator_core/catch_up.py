"""Whether a storage pod that has begun to serve has caught up with those that lead its replicas.

In: the replicas that it holds, and what leaders say of their logs (`catching_up.py` asks them).
Out: the replicas that still hold it up. A replica has caught up once it has applied what its
leader's log held when that was first heard in its term, or leads itself. Where no leader says
anything, nobody can tell how far behind it is: it is waited for longer than an election takes, then
no more, so that a pool without a quorum, or one whose pods all begin at once, does not wait for
itself.

Invariants: a replica that has caught up once is not asked about again; nobody is waited for without
end of whom no leader speaks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# From the pod's beginning. An election takes a second or two; peers' pods take longer to come back.
UNTOLD_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class HeldReplica:
    """A replica of the pod. `is_whole`: its state can be trusted, and it goes on from there.

    `leads`: it leads its partition, and has applied all of the past.
    """

    partition_id: int
    replica_id: int
    is_whole: bool
    leads: bool
    term: int
    applied_index: int


@dataclass(frozen=True, slots=True)
class LeaderSaid:
    """What a peer that leads a partition says. `replica_ids`: those that it counts as members."""

    partition_id: int
    term: int
    last_index: int
    replica_ids: frozenset[int]


class CatchUp:
    """How far one pod has come, from one look to the next."""

    def __init__(self, begun_at: float) -> None:
        """`begun_at`: seconds of the clock that looks are told, too."""
        self._begun_at = begun_at
        # By partition: what the leader of the newest term had when it was first heard.
        self._targets: dict[int, LeaderSaid] = {}
        self._caught_up: set[tuple[int, int]] = set()  # (partition, replica)

    def look(
        self, now: float, held: Iterable[HeldReplica], said: Iterable[LeaderSaid]
    ) -> tuple[HeldReplica, ...]:
        """The replicas that hold the pod up. `said`: who says at this moment that it leads."""
        leading: dict[int, LeaderSaid] = {}
        for each in said:
            other = leading.get(each.partition_id)
            if other is None or each.term > other.term:
                leading[each.partition_id] = each
        for partition_id, news in leading.items():
            known = self._targets.get(partition_id)
            if known is None or news.term > known.term:
                self._targets[partition_id] = news
        waited_for = []
        for replica in held:
            key = replica.partition_id, replica.replica_id
            if key in self._caught_up:
                continue
            if self._has_caught_up(now, replica, leading.get(replica.partition_id)):
                self._caught_up.add(key)
            else:
                waited_for.append(replica)
        return tuple(waited_for)

    def _has_caught_up(self, now: float, replica: HeldReplica, leader: LeaderSaid | None) -> bool:
        """Whether this replica holds the pod up no more. `leader`: who leads it, as is said now."""
        if replica.leads:
            return True
        if leader is None or leader.term < replica.term:
            return now - self._begun_at >= UNTOLD_SECONDS_MAX
        if replica.replica_id not in leader.replica_ids:
            return True  # It is no member any more, and about to be taken away.
        target = self._targets[replica.partition_id]
        return replica.is_whole and replica.applied_index >= target.last_index
