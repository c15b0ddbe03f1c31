"""Group commit: one sync for many, in order, and never an answer that a crash could take back."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from slow_disk import SlowDisk
from stator_core.errors import ConditionalCheckFailedException, InternalServerError
from stator_node.group_commit import REOPEN_SECONDS, GroupCommit
from stator_node.memory import ManualClock, MemoryItemStore
from stator_node.pending import Pending, wait
from virtual_time import run

OK = b"{}"


def key(name: str) -> bytes:
    """A stored key: a prefix of table and hash, then the name."""
    return b"prefix-of-12" + name.encode()


class Writer:
    """A group commit over a store, and the writes that a test makes through it."""

    def __init__(self, store: MemoryItemStore | None = None, *, sync: bool = True) -> None:
        self.store = store or SlowDisk()
        self.clock = ManualClock()
        loop = asyncio.get_running_loop()
        self.commit = GroupCommit(self.store, loop, self.clock, sync=sync)

    def put(self, name: str, value: bytes = b"v", answer: Any = OK) -> Pending[bytes]:
        group = self.commit.stage(key(name), value, [])
        return self.commit.answer_after(group, answer)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def until_syncing(writer: Writer) -> None:
    """Put two items, so that a thread begins to sync them, and return when it has begun."""
    writer.put("first")
    writer.put("second")
    await turns()
    assert writer.commit.syncing is not None


async def refused(pending: Pending[bytes]) -> str | None:
    with pytest.raises(InternalServerError) as caught:
        await wait(pending)
    return caught.value.message


def test_writes_of_one_turn_are_one_batch_and_one_sync_in_their_order() -> None:
    async def story() -> None:
        writer = Writer()
        answers = [writer.put(name) for name in "abc"]
        assert [await wait(answer) for answer in answers] == [OK] * 3

        assert writer.store.done == [("write", [key("a"), key("b"), key("c")], False), ("sync",)]

    run(story())


def test_a_lone_write_is_synced_in_place() -> None:
    async def story() -> None:
        writer = Writer()
        answer = writer.put("a")
        assert not answer.done, "the group is open until the turn ends"
        await turns(1)
        assert answer.done

        assert writer.store.done == [("write", [key("a")], True)]

    run(story())


def test_on_a_slow_disk_even_a_lone_write_is_synced_in_the_thread() -> None:
    async def story() -> None:
        writer = Writer()
        writer.store.on_write = lambda: writer.clock.advance(1.0)
        await wait(writer.put("slow"))
        writer.store.done.clear()
        answer = writer.put("a")
        await turns()
        assert writer.commit.syncing is not None
        assert await wait(answer) == OK

        assert writer.store.done == [("write", [key("a")], False), ("sync",)]

    run(story())


def test_what_arrives_during_a_sync_is_the_next_group_and_waits_for_its_own_sync() -> None:
    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        await until_syncing(writer)
        late = [writer.put("c"), writer.put("d")]
        await turns()
        assert not any(answer.done for answer in late)
        assert ("write", [key("c"), key("d")], False) not in writer.store.done
        writer.store.release()
        assert [await wait(answer) for answer in late] == [OK, OK]

        assert [what[0] for what in writer.store.done] == ["write", "sync", "write", "sync"]

    run(story())


def test_writes_in_flight_are_seen_by_writers_newest_first() -> None:
    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        await until_syncing(writer)
        assert writer.commit.item(key("first")) == b"v"
        writer.put("first", b"newer")
        assert writer.commit.item(key("first")) == b"newer"
        assert writer.commit.group_of(key("first")) is writer.commit.collecting
        assert writer.commit.group_of(key("second")) is writer.commit.syncing
        assert writer.commit.group_of(key("else")) is None
        writer.store.release()
        await writer.commit.drain()

    run(story())


def test_entries_alone_leave_with_the_group_behind_all_that_came_before() -> None:
    async def story() -> None:
        writer = Writer()
        writer.put("a")
        group = writer.commit.stage_beside([("expiries", b"e", b"v"), ("expiries", b"f", None)])
        await wait(writer.commit.answer_after(group, OK))

        assert writer.store.get(key("a")) == b"v"
        assert writer.store.get_from("expiries", b"e") == b"v"

    run(story())


def test_index_entries_in_flight_are_seen_too() -> None:
    async def story() -> None:
        writer = Writer()
        group = writer.commit.stage(key("a"), b"v", [("indexes", key("i"), b"entry")])
        writer.commit.answer_after(group, OK)
        assert writer.commit.index_entry(key("i")) == b"entry"
        assert key("i")[:12] in group.prefixes
        await writer.commit.drain()
        assert writer.commit.index_entry(key("i")) == b"entry"
        assert writer.store.get_from("indexes", key("i")) == b"entry"

    run(story())


def test_a_refusal_waits_for_the_write_that_it_reveals() -> None:
    """`The conditional request failed` says that the item is there; it must not vanish after."""

    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        await until_syncing(writer)
        group = writer.commit.group_of(key("first"))
        assert group is not None
        refusal = writer.commit.answer_after(group, ConditionalCheckFailedException("no"))
        await turns()
        assert not refusal.done
        writer.store.release()
        with pytest.raises(ConditionalCheckFailedException):
            await wait(refusal)

    run(story())


def test_reads_that_waited_run_before_the_next_group_is_written() -> None:
    """They read the store itself, and the next group in it would not be durable yet."""

    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        await until_syncing(writer)
        assert writer.commit.syncing is not None
        read = writer.commit.read_after(
            writer.commit.syncing, lambda: writer.store.get(key("first")) or b""
        )
        writer.put("first", b"newer")
        writer.put("third")
        writer.store.release()

        assert await wait(read) == b"v"
        await writer.commit.drain()
        assert writer.store.get(key("first")) == b"newer"

    run(story())


def test_a_failed_write_refuses_its_group_and_what_follows_while_reads_go_on() -> None:
    async def story() -> None:
        writer = Writer()
        await wait(writer.put("old"))
        writer.store.fail_with = "No space left on device"
        answers = [writer.put("a"), writer.put("b")]
        for answer in answers:
            await refused(answer)
        await refused(writer.put("c"))

        assert writer.commit.failed == "No space left on device"
        assert not writer.commit.reads_failed
        assert writer.store.get(key("old")) == b"v"
        assert writer.store.get(key("a")) is None

    run(story())


def test_after_a_failed_sync_nothing_of_the_store_is_shown() -> None:
    """The store holds the group's writes, and a crash may take them."""

    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        answers = [writer.put("a"), writer.put("b")]
        await turns()
        assert writer.commit.syncing is not None
        read = writer.commit.read_after(writer.commit.syncing, lambda: b"shown")
        later = writer.put("c")
        writer.store.sync_error = "Input/output error"
        writer.store.release()
        for answer in (*answers, later, read):
            await refused(answer)

        assert writer.commit.reads_failed
        assert writer.store.get(key("c")) is None

    run(story())


def test_once_the_disk_has_room_the_store_is_reopened_and_serves_again() -> None:
    async def story() -> None:
        writer = Writer()
        writer.store.fail_with = "No space left on device"
        await refused(writer.put("a"))
        await asyncio.sleep(10 * REOPEN_SECONDS)
        await refused(writer.put("b"))
        writer.store.fail_with = None
        await asyncio.sleep(REOPEN_SECONDS)
        assert await wait(writer.put("c")) == OK

        assert writer.commit.failed is None
        assert writer.store.done[0] == ("reopen",)
        assert writer.store.get(key("b")) is None

    run(story())


def test_a_store_is_not_reopened_under_a_running_sync() -> None:
    """A table operation may fail beside a group whose sync is still under way."""

    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        await until_syncing(writer)
        writer.commit.storage_failed(OSError("the catalog was refused"))
        await refused(writer.put("c"))
        writer.commit._reopen()
        assert ("reopen",) not in writer.store.done
        writer.store.release()
        await writer.commit.drain()
        await asyncio.sleep(3 * REOPEN_SECONDS)

        assert ("reopen",) in writer.store.done
        assert await wait(writer.put("d")) == OK

    run(story())


def test_failing_twice_asks_for_one_way_back() -> None:
    async def story() -> None:
        writer = Writer()
        writer.commit.storage_failed(OSError("once"))
        writer.commit.storage_failed(OSError("twice"))
        await asyncio.sleep(5 * REOPEN_SECONDS)

        assert writer.store.done.count(("reopen",)) == 1

    run(story())


def test_drain_waits_for_what_was_submitted_before_it_and_for_nothing_else() -> None:
    """Or the deletion of a table would never begin while others are written."""

    async def story() -> None:
        writer = Writer()
        writer.store.hold()
        await until_syncing(writer)
        before = writer.put("before")
        drained = asyncio.ensure_future(writer.commit.drain())
        await turns()
        assert not drained.done()
        writer.store.release()
        answers = []
        while not drained.done():
            answers.append(writer.put(f"after {len(answers)}"))
            await asyncio.sleep(0.001)
        assert before.done
        await writer.commit.drain()
        assert all(answer.done for answer in answers)

    run(story())


def test_drain_ends_where_the_storage_fails() -> None:
    async def story() -> None:
        writer = Writer()
        writer.store.sync_error = "Input/output error"
        writer.put("a")
        writer.put("b")
        await writer.commit.drain()
        await writer.commit.drain()

    run(story())


def test_one_listener_that_fails_does_not_leave_the_others_waiting() -> None:
    async def story() -> None:
        writer = Writer()
        first, second = writer.put("a"), writer.put("b")
        first.listen(lambda _: 1 // 0)
        assert await wait(second) == OK

    run(story())


def test_a_thousand_answers_that_each_bring_a_write_do_not_pile_up() -> None:
    """A client that sends its next request when it hears of the last must not deepen the stack."""

    async def story() -> None:
        writer = Writer()
        done: Pending[bytes] = Pending()

        def next_write(number: int) -> None:
            if number == 1000:
                done.resolve(OK)
            else:
                writer.put(f"{number}").listen(lambda _: next_write(number + 1))

        next_write(0)
        assert await wait(done) == OK

    run(story())


def test_without_sync_a_write_is_answered_once_it_is_written() -> None:
    async def story() -> None:
        writer = Writer(sync=False)
        answers = [writer.put("a"), writer.put("b")]
        await turns(1)
        assert all(answer.done for answer in answers)

        assert writer.store.done == [("write", [key("a"), key("b")], False)]

    run(story())


@pytest.mark.parametrize("seed", range(20))
def test_whatever_was_acknowledged_outlives_a_power_cut_at_any_moment(seed: int) -> None:
    chance = random.Random(seed)

    async def story() -> None:
        writer = Writer()
        acknowledged: dict[bytes, bytes] = {}
        for number in range(chance.randrange(1, 60)):
            for _ in range(chance.randrange(4)):
                name, value = chance.choice("abcdef"), b"%d" % number

                def remember(p: Pending[bytes], name: str = name, value: bytes = value) -> None:
                    if p.error is None:
                        acknowledged[key(name)] = value

                writer.put(name, value).listen(remember)
            if chance.random() < 0.5:
                await turns(chance.randrange(1, 4))
            (writer.store.hold if chance.random() < 0.3 else writer.store.release)()
        at_the_cut = dict(acknowledged)
        written = {name: writer.store.get(name) for name in at_the_cut}
        writer.store.lose_power()
        kept = {name: writer.store.get(name) for name in at_the_cut}
        writer.store.release()

        for name, value in at_the_cut.items():
            # What was acknowledged, or a later write of the same key that had become durable.
            assert kept[name] is not None
            assert int(kept[name] or b"-1") >= int(value), (seed, written[name])

    run(story())
