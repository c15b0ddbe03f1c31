"""Asking peers for the state of a replica that stands still, until the leader sends it.

In: replicas that wait for a state, from `partition_host.py`, whenever some time has passed. Out:
requests to peers, a while apart. Whoever leads sends a snapshot; the others refuse, which costs
nothing. Invariant: nobody is asked more often than every ASK_MILLISECONDS for one replica.
"""

from __future__ import annotations

import orjson

from stator_node.hosted_partition import HostedPartition
from stator_node.operation_codes import OperationCode
from stator_node.transport.links import Links

ASK_MILLISECONDS = 1_000


class StateAsking:
    """Which replicas have asked, and when."""

    def __init__(self, links: Links, peer_nodes: dict[tuple[int, int], str]) -> None:
        """`peer_nodes`: who has sent messages, by partition and replica; kept by the caller."""
        self._links = links
        self._peer_nodes = peer_nodes
        self._ask_at: dict[int, int] = {}  # partition: when to ask for its state again

    def ask(self, hosted: HostedPartition, now: int) -> None:
        """Ask if it is time to. `now` in milliseconds."""
        partition_id = hosted.partition_id
        if now < self._ask_at.get(partition_id, 0):
            return
        self._ask_at[partition_id] = now + ASK_MILLISECONDS
        # Its state may be none, or so old that the leader was no voter yet: whoever still sends it
        # messages is asked, too.
        asked = {node for (of, _), node in self._peer_nodes.items() if of == partition_id}
        if hosted.state is not None:
            asked |= {member.node_id for member in hosted.state.descriptor.replicas}
        asked.discard(self._links.hello.sender_id)
        body = orjson.dumps({"replica_id": hosted.replica_id})
        seconds = ASK_MILLISECONDS / 1000
        for node_id in sorted(asked):
            self._links.request(node_id, partition_id, OperationCode.SEND_STATE, 0, body, seconds)
