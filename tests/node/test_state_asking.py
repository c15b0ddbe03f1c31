"""Whom a replica that stands still asks for its state, and how often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson

from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_node.operation_codes import OperationCode
from stator_node.state_asking import ASK_MILLISECONDS, StateAsking

DESCRIPTOR = new_partition(7, "Music", 1, WHOLE_SPACE, ("n1", "n2", "n3"))


class Links:
    """Those of n1, that write down what is asked."""

    def __init__(self) -> None:
        self.hello = SimpleNamespace(sender_id="n1")
        self.asked: list[tuple[str, int, OperationCode, object]] = []

    def request(
        self,
        node_id: str,
        partition_id: int,
        operation: OperationCode,
        flags: int,
        body: bytes,
        timeout_seconds: float,
    ) -> None:
        self.asked.append((node_id, partition_id, operation, orjson.loads(body)))


def replica(*, is_known: bool) -> Any:
    """The part of a hosted partition that is looked at."""
    state = SimpleNamespace(descriptor=DESCRIPTOR) if is_known else None
    return SimpleNamespace(partition_id=7, replica_id=4, state=state)


def test_every_other_member_is_asked_and_again_after_a_while() -> None:
    links: Any = Links()
    asking = StateAsking(links, {})
    asking.ask(replica(is_known=True), 5_000)
    body = {"replica_id": 4}
    both = [(node, 7, OperationCode.SEND_STATE, body) for node in ("n2", "n3")]
    assert links.asked == both

    asking.ask(replica(is_known=True), 5_000 + ASK_MILLISECONDS - 1)
    assert links.asked == both
    asking.ask(replica(is_known=True), 5_000 + ASK_MILLISECONDS)
    assert links.asked == both * 2


def test_whoever_still_sends_messages_is_asked_where_members_are_not_known() -> None:
    """The leader may have become a voter after the state that is here."""
    links: Any = Links()
    peers = {(7, 2): "n9", (8, 2): "n3"}
    StateAsking(links, peers).ask(replica(is_known=False), 5_000)

    assert [asked[0] for asked in links.asked] == ["n9"]
