"""What a pod says of its replicas, and which of it is news to whoever asks.

In: the replicas of the pod, and how much of this book the asker has read. Out: JSON of the replicas
that have changed since. Called by `node_requests.py`, read by `cluster_view.py`. A pool has
thousands of partitions of which few are busy: one that rests is recognised by a few fields, and is
neither described nor sent again. Invariant: whoever keeps what he was sent, and drops what is no
longer held, has the whole report as of the last answer.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, astuple, dataclass
from typing import Any

import orjson

from stator_core import partition_descriptor, stream_shards, table
from stator_node.cluster_expiries import ClusterExpiries
from stator_node.feed_keeper import has_delivered, oldest_change
from stator_node.hosted_partition import HostedPartition
from stator_node.index_feeder import IndexFeeder
from stator_node.partition_host import PartitionHost
from stator_node.partition_load import PartitionLoads
from stator_node.read_positions import ReadPositions

Members = dict[str, Any]
# So often, at most, is looked how those do that follow a partition which itself rests.
FOLLOWERS_MILLISECONDS = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one replica. `sign`: what it was recognised by; None: it was busy."""

    version: int
    sign: tuple[Any, ...] | None
    written: bytes


class ReplicaReports:
    """The book of one pod's life. Versions count the looks that found news."""

    def __init__(
        self,
        host: PartitionHost,
        loads: PartitionLoads,
        positions: ReadPositions,
        feeder: IndexFeeder,
        expiries: ClusterExpiries,
    ) -> None:
        self._host = host
        self._loads = loads
        self._positions = positions
        self._feeder = feeder
        self._expiries = expiries
        self._name = secrets.token_hex(8)
        self._version = 0
        self._went = 0  # the version in which a replica went away last
        self._said: dict[int, Said] = {}

    def since(self, known: tuple[str, int] | None) -> Members:
        """The members of a report that are news to one who knows this book up to a version.

        `held` is there where something has gone: the ids of all that is here.
        """
        self._look()
        is_whole = known is None or known[0] != self._name
        version = 0 if known is None or is_whole else known[1]
        members: Members = {
            "book": [self._name, self._version],
            "is_whole": is_whole,
            "partitions": [
                orjson.Fragment(said.written)
                for said in self._said.values()
                if said.version > version
            ],
        }
        if is_whole or self._went > version:
            members["held"] = list(self._said)
        return members

    def all(self) -> list[Members]:
        """What is said of every replica that has a state, made anew."""
        return [
            self._describe(each) for each in tuple(self._host.partitions.values()) if each.state
        ]

    def _look(self) -> None:
        """Find what has changed."""
        version = self._version + 1
        here = {key: each for key, each in self._host.partitions.items() if each.state is not None}
        for partition_id in self._said.keys() - here.keys():
            del self._said[partition_id]
            self._version = self._went = version
        for partition_id, hosted in here.items():
            said, sign = self._said.get(partition_id), self._sign(hosted)
            if said is not None and sign is not None and said.sign == sign:
                continue
            written = orjson.dumps(self._describe(hosted))
            if said is not None and said.written == written:
                version_of_it = said.version
            else:
                version_of_it = self._version = version
            self._said[partition_id] = Said(version_of_it, sign, written)

    def _sign(self, hosted: HostedPartition) -> tuple[Any, ...] | None:
        """By what a replica that rests is recognised; None where it must be described anew."""
        raft, state = hosted.raft, hosted.state
        if not raft.quiesced or state is None or state.frozen_for is not None:
            return None
        followed = state.followers or state.shards
        return (
            state,
            raft.term,
            raft.leader,
            raft.leads,
            hosted.may_write,
            hosted.log.applied,
            raft.last_index,
            hosted.scrubbed,
            hosted.range_since,
            self._loads.sign(hosted),
            self._host.now() // FOLLOWERS_MILLISECONDS if followed else 0,
        )

    def _describe(self, hosted: HostedPartition) -> Members:
        assert hosted.state is not None
        raft, frozen_for = hosted.raft, hosted.state.frozen_for
        members: Members = {
            "descriptor": partition_descriptor.to_json(hosted.state.descriptor),
            "table": table.to_json(hosted.state.table),
            "description_epoch": hosted.state.description_epoch,
            "replica_id": hosted.replica_id,
            "leads": raft.leads,
            "serves": hosted.may_write,
            "term": raft.term,
            "leader": hosted.node_of(raft.leader),
            "applied": hosted.log.applied,
            "last": raft.last_index,
            "quiet": raft.quiesced,
            "scrubbed": None if hosted.scrubbed is None else asdict(hosted.scrubbed),
            "followers": [asdict(each) for each in hosted.state.followers],
            "shards": stream_shards.to_json(hosted.state.shards),
            "read": self._positions.report(hosted.partition_id),
            "range_since": hosted.range_since,
            "frozen_for": None if frozen_for is None else astuple(frozen_for),
            "is_durably_frozen": hosted.is_durably_frozen,
            "absorbed": sorted(hosted.state.absorbed),
            **self._loads.of(hosted),
        }
        if raft.leads:
            members |= self._led(hosted)
        return members

    def _led(self, hosted: HostedPartition) -> Members:
        """What only a leader knows."""
        state = hosted.state
        assert state is not None
        lags = self._feeder.lags(hosted.partition_id, state.table)
        members: Members = {
            "oldest_change": oldest_change(hosted) if state.shards else None,
            "peers": {str(peer.replica): peer.match for peer in hosted.raft.state.others},
            "index_lags": {name: asdict(lag) for name, lag in lags.items()},
            "time_to_live": self._expiries.report(hosted),
        }
        if state.frozen_for is not None:
            members["has_delivered"] = has_delivered(self._host.store, state)
        return members


def known_book(asked: bytes) -> tuple[str, int] | None:
    """The book, and how far it was read, of a request; None: nothing. Raises ValueError."""
    members = orjson.loads(asked) if asked else None
    if members is None:
        return None
    try:
        name, version = members["book"]
        return str(name), int(version)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a report is asked for since {members!r}") from error
