"""All replicas apply the same entries in the same order, and no leader lacks a committed one.

Raft's state machine safety and leader completeness (Ongaro and Ousterhout 2014, figure 3). Events
are dicts with `event`, `partition`, `replica`, and

    begun      index                 the first entry of this partition is the one after index
    applied    index, term, digest   the entry has been applied; digest is any hash of its bytes
    restored   index, digest?        a snapshot that holds all up to index has been installed
    restarted  index                 after a crash the replica's state holds all up to index
    leader     last_index?           a replica begins to lead with a log up to there
    state      index, digest         a hash of the replica's whole content after index (a scrub)

Without `begun` (which a split's child needs) logs begin after 0. `digest` of `restored` is that of
a `state`. Invariant: an entry applied anywhere is committed, so its index names one (term, digest)
for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulation.promise import PromiseBroken


class LogAgreementChecker:
    """Watches logs. `committed` maps each partition to the highest index applied anywhere."""

    def __init__(self) -> None:
        self.committed: dict[Any, int] = {}
        self._entries: dict[tuple[Any, int], tuple[int, Any, Any]] = {}  # term, digest, replica
        self._applied: dict[tuple[Any, Any], int] = {}
        self._states: dict[tuple[Any, int], tuple[Any, Any]] = {}  # digest, replica
        self._begun: dict[Any, int] = {}
        self._observers = {
            "begun": self._on_begun,
            "applied": self._on_applied,
            "restored": self._on_restored,
            "restarted": self._on_restarted,
            "leader": self._on_leader,
            "state": self._on_state,
        }

    def observe(self, event: Mapping[str, Any]) -> None:
        """Take one event; those of other kinds are passed over. Raises PromiseBroken."""
        observer = self._observers.get(event["event"])
        if observer is not None:
            observer(event["partition"], event["replica"], event)

    def _on_begun(self, partition: Any, replica: Any, event: Mapping[str, Any]) -> None:
        index = self._begun.setdefault(partition, event["index"])
        if index != event["index"]:
            raise PromiseBroken(
                f"partition {partition}: begun after {index}, at {replica} after {event['index']}"
            )
        self._applied.setdefault((partition, replica), index)
        self.committed[partition] = max(index, self.committed.get(partition, 0))

    def _on_applied(self, partition: Any, replica: Any, event: Mapping[str, Any]) -> None:
        index, term = event["index"], event["term"]
        before = self._applied.get((partition, replica), 0)
        if index != before + 1:
            raise PromiseBroken(
                f"partition {partition}: replica {replica} applied index {index} after {before}"
            )
        first = self._entries.setdefault((partition, index), (term, event["digest"], replica))
        if first[:2] != (term, event["digest"]):
            raise PromiseBroken(
                f"partition {partition}: index {index} is term {first[0]}, digest {first[1]} at "
                f"replica {first[2]}, but term {term}, digest {event['digest']} at {replica}"
            )
        earlier = self._entries.get((partition, index - 1))
        if earlier is not None and earlier[0] > term:
            raise PromiseBroken(
                f"partition {partition}: index {index} of term {term} follows one of {earlier[0]}"
            )
        self._applied[partition, replica] = index
        self.committed[partition] = max(index, self.committed.get(partition, 0))

    def _on_restored(self, partition: Any, replica: Any, event: Mapping[str, Any]) -> None:
        index = event["index"]
        self._check_known(partition, replica, index, "installed a snapshot")
        before = self._applied.get((partition, replica), 0)
        if index < before:
            raise PromiseBroken(
                f"partition {partition}: replica {replica} went back from {before} to a snapshot "
                f"of {index}"
            )
        self._applied[partition, replica] = index
        if event.get("digest") is not None:
            self._on_state(partition, replica, event)

    def _on_restarted(self, partition: Any, replica: Any, event: Mapping[str, Any]) -> None:
        index = event["index"]
        self._check_known(partition, replica, index, "restarted")
        if index > self._applied.get((partition, replica), 0):
            raise PromiseBroken(
                f"partition {partition}: replica {replica} restarted at {index}, which it had not "
                "applied"
            )
        self._applied[partition, replica] = index

    def _on_leader(self, partition: Any, replica: Any, event: Mapping[str, Any]) -> None:
        last = event.get("last_index")
        committed = self.committed.get(partition, 0)
        if last is not None and last < committed:
            raise PromiseBroken(
                f"partition {partition}: replica {replica} leads with a log up to {last}, "
                f"but {committed} is committed"
            )

    def _on_state(self, partition: Any, replica: Any, event: Mapping[str, Any]) -> None:
        index, digest = event["index"], event["digest"]
        first = self._states.setdefault((partition, index), (digest, replica))
        if first[0] != digest:
            raise PromiseBroken(
                f"partition {partition}: after index {index} replica {first[1]} holds {first[0]}, "
                f"replica {replica} holds {digest}"
            )

    def _check_known(self, partition: Any, replica: Any, index: int, what: str) -> None:
        if index > self.committed.get(partition, 0):
            raise PromiseBroken(
                f"partition {partition}: replica {replica} {what} at {index}, which no replica "
                f"has applied ({self.committed.get(partition, 0)} is the highest)"
            )
