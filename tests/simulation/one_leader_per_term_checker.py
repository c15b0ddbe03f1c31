"""One leader per term, one vote per term, and terms that only grow.

Raft's election safety (Ongaro and Ousterhout 2014, figure 3), over events of any number of
partitions. Fed by the simulator at every change of role, and by tests with real processes from the
nodes' logs. `observe` raises PromiseBroken at the event that breaks the promise. Events are dicts
with `event`, `partition`, `replica`, and

    leader     term              the replica begins to lead
    vote       term, candidate   the replica's vote is durable
    term       term              the replica's term is durable (any event with a term implies it)

A replica that comes back on an empty disk is another replica with another id: `forgotten` tells
that this replica's id will not be used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulation.promise import PromiseBroken


class OneLeaderPerTermChecker:
    """Watches elections. `leaders` counts those it has seen, so that a test can ask for some."""

    def __init__(self) -> None:
        self.leaders = 0
        self._leader: dict[tuple[Any, int], Any] = {}
        self._vote: dict[tuple[Any, Any, int], Any] = {}
        self._term: dict[tuple[Any, Any], int] = {}
        self._forgotten: set[tuple[Any, Any]] = set()

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one event; those of other kinds are passed over. Raises PromiseBroken."""
        kind = event["event"]
        if kind not in ("leader", "vote", "term", "forgotten"):
            return
        partition, replica = event["partition"], event["replica"]
        if (partition, replica) in self._forgotten:
            raise PromiseBroken(f"partition {partition}: forgotten replica {replica} acts: {event}")
        if kind == "forgotten":
            self._forgotten.add((partition, replica))
            return
        self._check_term(partition, replica, event["term"])
        if kind == "leader":
            self._check_leader(partition, replica, event["term"])
        elif kind == "vote":
            self._check_vote(partition, replica, event["term"], event["candidate"])

    def _check_term(self, partition: Any, replica: Any, term: int) -> None:
        before = self._term.get((partition, replica), 0)
        if term < before:
            raise PromiseBroken(
                f"partition {partition}: replica {replica} went back from term {before} to {term}"
            )
        self._term[partition, replica] = term

    def _check_leader(self, partition: Any, replica: Any, term: int) -> None:
        leader = self._leader.setdefault((partition, term), replica)
        if leader != replica:
            raise PromiseBroken(
                f"partition {partition}: term {term} has two leaders: {leader} and {replica}"
            )
        self.leaders += 1

    def _check_vote(self, partition: Any, replica: Any, term: int, candidate: Any) -> None:
        before = self._vote.setdefault((partition, replica, term), candidate)
        if before != candidate:
            raise PromiseBroken(
                f"partition {partition}: replica {replica} voted twice in term {term}: "
                f"for {before} and for {candidate}"
            )
