"""Who the pods are: learned once, kept on the disk, linked to."""

from __future__ import annotations

from typing import Any

import pytest

from stator_core.log_format import LogDamaged
from stator_node.cluster_members import MEMBERS_KEY, ClusterMembers
from stator_node.cluster_view import ClusterView
from stator_node.memory import ManualClock, MemoryItemStore
from stator_node.transport.frame_format import Hello
from stator_node.transport.links import Address
from told_links import ToldLinks


def member(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "zone": "z"}


def members(store: MemoryItemStore, links: ToldLinks) -> ClusterMembers:
    view = ClusterView(links, ManualClock(), "z")  # type: ignore[arg-type]
    return ClusterMembers(store, view)


def ports(links: ToldLinks) -> dict[str, int]:
    return {node_id: address.port for node_id, address in links.addresses.items()}


def test_a_new_pod_knows_nobody() -> None:
    links = ToldLinks(itself="n1")

    assert members(MemoryItemStore(), links).known == {}
    assert links.addresses == {}


def test_it_links_to_everybody_but_itself() -> None:
    links = ToldLinks(itself="n1")

    members(MemoryItemStore(), links).learn({"n1": member(1), "n2": member(2), "n3": member(3)})

    assert links.hello.sender_id == "n1"
    assert ports(links) == {"n2": 2, "n3": 3}


def test_a_restart_finds_the_peers_though_nobody_steers() -> None:
    store, links = MemoryItemStore(), ToldLinks(itself="n1")
    known = {"n1": member(1), "n2": member(2)}
    members(store, ToldLinks(itself="n1")).learn(known)
    store.lose_power()

    again = members(store, links)

    assert again.known == known
    assert ports(links) == {"n2": 2}


def test_who_has_left_is_linked_to_no_more_and_who_has_moved_is_found() -> None:
    store, links = MemoryItemStore(), ToldLinks(itself="n1")
    joined = members(store, links)
    joined.learn({"n2": member(2), "n3": member(3)})

    joined.learn({"n3": member(33)})

    assert ports(links) == {"n3": 33}
    assert members(store, ToldLinks(itself="n1")).known == {"n3": member(33)}


def test_what_is_known_already_is_not_written_again() -> None:
    store = MemoryItemStore()
    joined = members(store, ToldLinks(itself="n1"))
    joined.learn({"n2": member(2)})
    store.fail_with = "a write"

    joined.learn({"n2": member(2)})


def test_a_damaged_list_is_found() -> None:
    store = MemoryItemStore()
    members(store, ToldLinks(itself="n1")).learn({"n2": member(2)})
    stored = store.get_from("meta", MEMBERS_KEY)
    assert stored is not None
    store.write([("meta", MEMBERS_KEY, stored[:-1] + b"!")], sync=True)

    with pytest.raises(LogDamaged):
        members(store, ToldLinks(itself="n1"))


def met(name: str, port: int) -> tuple[Hello, Address]:
    return Hello("c", name, "node", "z"), Address("127.0.0.1", port)


def test_a_member_that_came_back_elsewhere_is_found_while_nobody_steers() -> None:
    store, links = MemoryItemStore(), ToldLinks(itself="n1")
    known = members(store, links)
    known.learn({"n1": member(1), "n2": member(2)})

    known.met(*met("n2", 7))
    assert ports(links)["n2"] == 7
    again = ToldLinks(itself="n1")
    members(store, again)
    assert ports(again) == {"n2": 7}


def test_who_is_no_member_is_not_linked_to() -> None:
    """One that was given up may still answer; new ones are told of by the supervisor."""
    links = ToldLinks(itself="n1")
    known = members(MemoryItemStore(), links)
    known.learn({"n1": member(1), "n2": member(2)})

    known.met(*met("n9", 9))
    known.met(*met("n1", 8))
    assert ports(links) == {"n2": 2}
