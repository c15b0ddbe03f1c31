"""What a gateway makes of the reports of pods: the newest news wins, silence is no news."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from stator_core.errors import ResourceNotFoundException, ServiceUnavailable
from stator_core.key_format import HASH_SPACE
from stator_node.cluster_view import (
    FIRST_NEWS_SECONDS,
    REPORT_AGE_SECONDS_MAX,
    REPORT_SECONDS_MAX,
    ClusterView,
)
from stator_node.memory import ManualClock
from stator_node.pending import Pending
from stator_node.transport.frame_format import Status
from stator_node.transport.links import Address, Answer
from told_links import (
    NODES,
    LoopClock,
    ToldLinks,
    music,
    partition,
    redirect,
    replica,
    reports,
    result,
)
from virtual_time import run

HALF = HASH_SPACE // 2


class Seen:
    """A view of three pods, each in a zone of its own; the gateway stands in z2."""

    def __init__(self) -> None:
        self.links = ToldLinks()
        self.clock = ManualClock()
        self.view = ClusterView(self.links, self.clock, "z2")  # type: ignore[arg-type]
        for number, node_id in enumerate(NODES, 1):
            self.view.join(node_id, f"z{number}", Address("127.0.0.1", number))

    def hear(self, **by_node: list) -> ClusterView:
        self.links.answer = reports(by_node)
        run(self.view.poll())
        return self.view


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_tables_partitions_and_leaders_follow_from_reports_alone(seen: Seen) -> None:
    table = music()
    descriptor = partition(table)

    view = seen.hear(
        n1=[replica(table, descriptor)],
        n2=[replica(table, descriptor, leads=True, term=3)],
        n3=[replica(table, descriptor)],
    )

    assert view.serving("Music") == table
    assert view.serving(table.arn) == table
    assert view.partition_of(table.identifier, HALF) == descriptor
    assert view.partitions_of(table.identifier, 0, HASH_SPACE) == [descriptor]
    assert view.leader(descriptor) == "n2"


@pytest.mark.parametrize(
    "name", ["Nothing", "arn:aws:dynamodb:us-east-1:222222222222:table/Music", "music"]
)
def test_a_table_of_another_name_or_account_is_not_found(seen: Seen, name: str) -> None:
    table = music()
    view = seen.hear(n1=[replica(table, partition(table), leads=True)])

    with pytest.raises(ResourceNotFoundException):
        view.serving(name)


def test_a_table_is_not_denied_before_those_that_would_know_it_were_heard(seen: Seen) -> None:
    """A gateway that was started again said so of every table, until its links were up."""
    seen.links.answer = lambda _: Answer(Status.UNAVAILABLE, b"")
    run(seen.view.poll())
    with pytest.raises(ServiceUnavailable):
        seen.view.serving("Music")
    with pytest.raises(ServiceUnavailable):
        seen.view.all_tables()

    # One pod of a zone of two knows only some of the partitions.
    seen.view.join("n4", "z1", Address("127.0.0.1", 4))
    with pytest.raises(ServiceUnavailable):
        seen.hear(n1=[]).serving("Music")

    view = seen.hear(n2=[])
    assert view.all_tables() == {}
    with pytest.raises(ResourceNotFoundException):
        view.serving("Music")


def test_the_first_news_is_of_everybody_but_who_is_silent() -> None:
    async def main() -> tuple[float, float]:
        links = ToldLinks(lambda _: Answer(Status.UNAVAILABLE, b""))
        view = ClusterView(links, LoopClock(), "z1")  # type: ignore[arg-type]
        for number, node_id in enumerate(NODES, 1):
            view.join(node_id, f"z{number}", Address("127.0.0.1", number))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        some = reports({"n1": [], "n2": []})
        loop.call_later(1.0, lambda: setattr(links, "answer", some))
        await view.first_news(lambda: True)
        silent = loop.time() - begun
        links.answer = reports({"n1": [], "n2": [], "n3": []})
        await view.first_news(lambda: True)
        return silent, loop.time() - begun - silent

    silent, all_there = run(main())

    assert silent > FIRST_NEWS_SECONDS
    assert all_there < REPORT_SECONDS_MAX


def test_who_waits_for_news_can_stop_waiting(seen: Seen) -> None:
    seen.links.answer = lambda _: Answer(Status.UNAVAILABLE, b"")
    left = [True, True, False]
    run(seen.view.first_news(lambda: left.pop(0)))
    assert not left


@pytest.mark.parametrize("status,found", [("CREATING", False), ("UPDATING", True)])
def test_a_table_serves_once_it_was_active(seen: Seen, status: str, found: bool) -> None:
    table = replace(music(), status=status)
    view = seen.hear(n1=[replica(table, partition(table), leads=True)])

    if found:
        assert view.serving("Music") == table
    else:
        with pytest.raises(ResourceNotFoundException):
            view.serving("Music")


def test_of_two_leaders_the_one_of_the_later_term_is_believed(seen: Seen) -> None:
    table = music()
    descriptor = partition(table)

    view = seen.hear(
        n1=[replica(table, descriptor, leads=True, term=7)],
        n2=[replica(table, descriptor, leads=True, term=8)],
    )

    assert view.leader(descriptor) == "n2"


def test_a_leader_that_has_fallen_silent_is_soon_not_believed(seen: Seen) -> None:
    table = music()
    descriptor = partition(table)
    seen.hear(n1=[replica(table, descriptor, leads=True, term=7)])
    seen.view.forget_leader(1, "n1")

    seen.clock.advance(REPORT_AGE_SECONDS_MAX + 0.1)
    view = seen.hear(n2=[replica(table, descriptor)])

    assert view.leader(descriptor) is None
    assert view.partition_of(table.identifier, 0) == descriptor
    assert [node.node_id for node in view.fresh()] == ["n2"]


def test_newer_epochs_replace_what_older_replicas_still_say(seen: Seen) -> None:
    table = music()
    before = partition(table)
    left = partition(table, 1, 0, HALF, range_epoch=2)
    right = partition(table, 2, HALF, HASH_SPACE, range_epoch=2)

    view = seen.hear(
        n1=[replica(table, left, leads=True, term=2), replica(table, right, leads=True)],
        n2=[replica(table, before)],
    )

    assert view.partitions_of(table.identifier, 0, HASH_SPACE) == [left, right]


@pytest.mark.parametrize("old_is_led", [False, True])
def test_a_new_table_of_an_old_name_is_the_one_that_is_served(seen: Seen, old_is_led: bool) -> None:
    """The old one's replicas may be told of its end late; once they lead no more, they are old."""
    old, new = music(1), music(5)
    first, second = partition(old, 1), partition(new, 2)

    view = seen.hear(
        n1=[replica(old, first, leads=old_is_led), replica(new, second, leads=True)],
        n2=[replica(new, second), replica(old, first)],
        n3=[replica(old, first)],
    )

    assert view.serving("Music").identifier == 5
    assert view.partition_of(view.serving("Music").identifier, 0) == second


def test_the_leaders_description_goes_before_a_followers(seen: Seen) -> None:
    before = music()
    after = replace(before, deletion_protection=True)
    descriptor = partition(before)

    view = seen.hear(
        n1=[replica(before, descriptor)],
        n2=[replica(after, descriptor, leads=True)],
        n3=[replica(before, descriptor)],
    )

    assert view.serving("Music") == after


def test_a_report_that_cannot_be_read_takes_no_other_along(seen: Seen) -> None:
    table = music()
    descriptor = partition(table)
    garbled = [
        replica(table, descriptor) | {"descriptor": {"version": 99}},
        replica(table, descriptor) | {"table": {}},
        {"table": 7},
    ]

    view = seen.hear(n1=garbled, n2=[replica(table, descriptor, leads=True)])

    assert view.serving("Music") == table


def test_the_nearest_replicas_that_can_be_reached_come_first(seen: Seen) -> None:
    descriptor = partition(music())
    assert seen.view.nearest_first(descriptor) == ["n2", "n1", "n3"]
    assert seen.view.nearest(descriptor) == "n2"

    seen.links.down = {"n2"}
    assert seen.view.nearest_first(descriptor) == ["n1", "n3", "n2"]
    assert seen.view.nearest(descriptor) == "n1"

    seen.view.leave("n1")
    assert seen.view.nearest_first(descriptor) == ["n3", "n2", "n1"]
    assert seen.view.nearest(descriptor) == "n3"


def test_a_redirect_teaches_the_range_and_the_leader(seen: Seen) -> None:
    table = music()
    seen.hear(n1=[replica(table, partition(table), leads=True)])
    left = partition(table, 1, 0, HALF, range_epoch=2)

    seen.view.learn(redirect(left, "n3", term=4).body)

    assert seen.view.partition_of(table.identifier, 0) == left
    assert seen.view.leader(left) == "n3"
    seen.view.learn(redirect(left, None).body)
    assert seen.view.leader(left) == "n3"


@pytest.mark.parametrize("body", [b"", b"no JSON", b"{}", b"[]", b'{"descriptor": 1}'])
def test_a_redirect_that_cannot_be_read_teaches_nothing(seen: Seen, body: bytes) -> None:
    seen.view.learn(body)

    assert seen.view.maps == {}


def test_only_the_leader_that_is_named_is_forgotten(seen: Seen) -> None:
    table = music()
    descriptor = partition(table)
    view = seen.hear(n1=[replica(table, descriptor, leads=True)])

    view.forget_leader(1, "n2")
    assert view.leader(descriptor) == "n1"
    view.forget_leader(1, "n1")
    assert view.leader(descriptor) is None


def test_a_node_may_move_and_may_leave(seen: Seen) -> None:
    seen.view.join("n1", "z1", Address("127.0.0.1", 99))
    assert seen.links.addresses["n1"].port == 99

    seen.view.leave("n1")
    assert "n1" not in seen.links.addresses
    assert "n1" not in seen.view.nodes
    seen.view.leave("n1")


def test_a_silent_node_holds_a_round_up_for_a_bounded_time() -> None:
    async def main() -> None:
        table = music()
        links = ToldLinks(reports({"n1": [replica(table, partition(table), leads=True)]}))
        view = ClusterView(links, LoopClock(), "z1")  # type: ignore[arg-type]
        for node_id in NODES:
            view.join(node_id, "z", Address("127.0.0.1", 1))
        began = asyncio.get_running_loop().time()
        await view.poll()
        assert asyncio.get_running_loop().time() - began <= REPORT_SECONDS_MAX + 0.01
        assert view.serving("Music") == table

    run(main())


def news(
    replicas: list[dict[str, Any]], version: int, *, whole: bool, held: list[int] | None = None
) -> Answer:
    """What a pod says that keeps a book of its reports."""
    members = {"partitions": replicas, "book": ["b", version], "is_whole": whole}
    return result(members if held is None else members | {"held": held})


def test_of_a_book_only_what_is_new_is_asked_for_and_kept_with_the_rest(seen: Seen) -> None:
    table = music()
    left = partition(table, 1, 0, HALF)
    right = partition(table, 2, HALF, HASH_SPACE)
    answers = [
        news([replica(table, left, leads=True), replica(table, right)], 5, whole=True),
        news([replica(table, right, leads=True, term=2)], 6, whole=False),
        news([], 7, whole=False, held=[2]),
        news([replica(table, left)], 1, whole=True),
    ]
    seen.links.answer = lambda asked: answers.pop(0) if asked.node_id == "n1" else None
    view, node = seen.view, seen.view.nodes["n1"]

    run(view.poll())
    assert (view.leader(left), view.leader(right)) == ("n1", None)
    run(view.poll())
    assert (view.leader(left), view.leader(right)) == ("n1", "n1")
    assert list(node.replicas) == [1, 2]
    run(view.poll())
    assert list(node.replicas) == [2]
    assert view.partition_of(table.identifier, 0) is None
    run(view.poll())
    assert list(node.replicas) == [1]
    assert view.partition_of(table.identifier, HALF) is None

    asked = [each.body for each in seen.links.asked if each.node_id == "n1"]
    assert [orjson.loads(each)["book"] if each else None for each in asked] == [
        None, ["b", 5], ["b", 6], ["b", 7]
    ]  # fmt: skip


def test_of_two_polls_at_once_the_one_that_is_behind_changes_nothing(seen: Seen) -> None:
    table = music()
    descriptor = partition(table)
    late: Pending[Answer] = Pending()
    early: Pending[Answer] = Pending()
    waiting = [late, early]
    seen.links.request = lambda node_id, *_: waiting.pop(0) if node_id == "n1" else Pending()
    for node_id in ("n2", "n3"):
        seen.view.leave(node_id)

    async def main() -> None:
        polls = [asyncio.ensure_future(seen.view.poll()) for _ in range(2)]
        await asyncio.sleep(0)
        early.resolve(news([replica(table, descriptor, leads=True, term=4)], 9, whole=True))
        await asyncio.sleep(0)
        late.resolve(news([replica(table, descriptor, term=3)], 8, whole=True))
        await asyncio.gather(*polls)

    run(main())
    assert seen.view.leader(descriptor) == "n1"
    assert seen.view.nodes["n1"].book == ["b", 9]


def test_who_leaves_takes_his_word_along(seen: Seen) -> None:
    table = music()
    view = seen.hear(n1=[replica(table, partition(table), leads=True)], n2=[], n3=[])

    view.leave("n1")
    seen.hear(n2=[], n3=[])

    assert view.tables == {}
    assert view.maps == {}


def test_a_node_that_refuses_to_report_keeps_its_last_report(seen: Seen) -> None:
    table = music()
    seen.hear(n1=[replica(table, partition(table), leads=True)])
    heard_at = seen.view.nodes["n1"].heard_at

    seen.clock.advance(1.0)
    seen.links.answer = lambda _: Answer(Status.UNAVAILABLE, b"")
    run(seen.view.poll())

    assert seen.view.nodes["n1"].heard_at == heard_at
    assert seen.view.serving("Music") == table
