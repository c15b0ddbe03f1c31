"""What lies on the volumes of `pool_world.py`: replicas of partitions, and who moves them.

A volume has an identity, the node's. A partition has a member in each zone; one is good where the
node answers and its volume holds a whole copy. The pretended supervisor moves members off nodes
that are drained or given up, from a majority of good copies and never without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from stator_operator.pool_observation import ObservedNode

COPIES = 3
MAJORITY = 2
PARTITIONS = 4


@dataclass
class Volume:
    node_id: str
    zone: str
    replicas: set[int] = field(default_factory=set)
    is_lost: bool = False


@dataclass
class Data:
    """Volumes by the uids of their claims; the rest is what the supervisor knows."""

    volumes: dict[str, Volume] = field(default_factory=dict)
    members: dict[int, dict[str, str]] = field(default_factory=dict)  # partition: zone: node id
    pod_names: dict[str, str] = field(default_factory=dict)  # by node id
    zones: dict[str, str] = field(default_factory=dict)  # by node id
    draining: set[str] = field(default_factory=set)
    drained_by_people: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)

    def begin(self, serving: set[str]) -> None:
        """The partitions are made, one member in each zone, if all zones have a node."""
        chosen = {self.zones[node_id]: node_id for node_id in sorted(serving)}
        if len(chosen) < COPIES:
            return
        for partition in range(PARTITIONS):
            self.members[partition] = dict(chosen)
            for volume in self.volumes.values():
                if volume.node_id in chosen.values():
                    volume.replicas.add(partition)

    def named(self, node_id: str) -> list[int]:
        """The partitions that name a node."""
        return [each for each, members in self.members.items() if node_id in members.values()]

    def kept(self, partition: int) -> set[str]:
        """The members whose volumes have a whole copy, whether they answer or not."""
        holding = {
            each.node_id
            for each in self.volumes.values()
            if partition in each.replicas and not each.is_lost
        }
        return holding & set(self.members[partition].values())

    def good(self, partition: int, serving: set[str]) -> set[str]:
        return self.kept(partition) & serving

    def lacking(self, serving: set[str]) -> int:
        """How many partitions lack a member that serves."""
        return sum(len(self.good(each, serving)) < COPIES for each in self.members)

    def nodes(self, serving: set[str]) -> tuple[ObservedNode, ...]:
        return tuple(
            ObservedNode(
                node_id,
                pod,
                self.zones[node_id],
                is_heard=node_id in serving,
                is_draining=node_id in self.draining,
                is_given_up=node_id in self.given_up,
                replicas=len(self.named(node_id)),
                needed=sum(
                    len(self.good(each, serving) - {node_id}) < MAJORITY
                    for each in self.named(node_id)
                ),
                used_bytes=1,
                free_bytes=1_000,
            )
            for node_id, pod in self.pod_names.items()
        )

    def move(self, serving: set[str], random: Random) -> None:
        """One member goes to another node of its zone, if one has to."""
        for partition, members in self.members.items():
            for zone, node_id in members.items():
                if not self._must_go(node_id, serving):
                    continue
                targets = [
                    each
                    for each in self.volumes.values()
                    if each.zone == zone
                    and each.node_id in serving - self.draining - self.given_up - {node_id}
                ]
                if targets and len(self.good(partition, serving)) >= MAJORITY:
                    random.choice(targets).replicas.add(partition)
                    members[zone] = next(e.node_id for e in targets if partition in e.replicas)
                    for volume in self.volumes.values():
                        if volume.node_id == node_id:
                            volume.replicas.discard(partition)
                    return

    def _must_go(self, node_id: str, serving: set[str]) -> bool:
        is_drained = node_id in self.draining and node_id in serving
        is_lost = any(each.node_id == node_id and each.is_lost for each in self.volumes.values())
        return is_drained or is_lost or node_id in self.given_up
