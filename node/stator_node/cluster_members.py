"""Who the storage pods of the cluster are and where they listen.

In: a list from the supervisor (JOIN), kept on the disk, so that a pod that restarts while nobody
steers finds its peers again; and members that `transport/seeds.py` has met at other addresses.
Out: the pod's view of the cluster, with links to all of them.
Invariant: the newest list that was heard is the one on the disk.
"""

from __future__ import annotations

from typing import Any

import orjson

from stator_core import log_format
from stator_node.cluster_view import ClusterView
from stator_node.doors import ItemStore
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address

MEMBERS_KEY = b"members"


class ClusterMembers:
    """The known pods by node id."""

    def __init__(self, store: ItemStore, view: ClusterView) -> None:
        """Take up the list that the disk holds. Raises log_format.LogDamaged."""
        self._store = store
        self._view = view
        self.known: dict[str, dict[str, Any]] = {}
        stored = store.get_from("meta", MEMBERS_KEY)
        if stored is not None:
            self._connect(orjson.loads(log_format.unseal(MEMBERS_KEY, stored)))

    def learn(self, members: dict[str, dict[str, Any]]) -> None:
        """The members are these: node id to `host`, `port`, `zone`."""
        if members == self.known:
            return
        sealed = log_format.seal(MEMBERS_KEY, orjson.dumps(members))
        self._store.write([("meta", MEMBERS_KEY, sealed)], sync=True)
        self._connect(members)

    def met(self, found: Hello, address: Address) -> None:
        """A pod has answered at this address: a member that came back elsewhere is taken up."""
        known = self.known.get(found.sender_id)
        if found.sender_id == self._view.links.hello.sender_id:
            return
        if known is not None and (known["host"], known["port"]) != (address.host, address.port):
            moved = {**known, "host": address.host, "port": address.port}
            self.learn({**self.known, found.sender_id: moved})

    def _connect(self, members: dict[str, dict[str, Any]]) -> None:
        for node_id in self.known.keys() - members.keys():
            self._view.leave(node_id)
        self.known = members
        for node_id, member in members.items():
            self._view.join(node_id, member["zone"], Address(member["host"], member["port"]))
