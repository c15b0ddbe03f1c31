"""The door: what is refused and how, what deadlines say, what a shell may lean on."""

from __future__ import annotations

import pytest
from interaction import Environment

from stator_core.raft.membership import Change, ChangeKind, MembershipChange
from stator_core.raft.memory_storage import MemoryStorage
from stator_core.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Configuration,
    Entry,
    EntryKind,
    HardState,
    Heartbeat,
    InstallSnapshot,
    Role,
    SnapshotMetadata,
)
from stator_core.raft.raft import Raft, Start
from stator_core.raft.refusals import (
    MessageRefused,
    NotLeader,
    ReplicaDamaged,
    TooManyReads,
    TooMuchUncommitted,
)
from stator_core.raft.settings import Settings

THREE = Configuration(voters=frozenset({1, 2, 3}))


def led_by_one(*commands: str) -> Environment:
    environment = Environment()
    environment.run_block(["add-nodes 3 voters=(1,2,3)", "campaign 1", "stabilize", *commands])
    return environment


def removal_of(replica: int) -> MembershipChange:
    return MembershipChange((Change(ChangeKind.REMOVE, replica),))


def test_a_follower_names_the_leader_when_it_refuses() -> None:
    raft = led_by_one().nodes[2].running

    for ask in (
        lambda: raft.propose(0, b""),
        lambda: raft.read_index(0, "read"),
        lambda: raft.transfer_leadership(0, 3),
    ):
        with pytest.raises(NotLeader) as caught:
            ask()
        assert caught.value.leader == 1


def test_a_message_that_cannot_be_meant_for_this_replica_is_refused() -> None:
    """Two replicas with one identifier, or a shell that mixes up its replicas."""
    raft = led_by_one().nodes[2].running

    with pytest.raises(MessageRefused):
        raft.step(0, Heartbeat(1, 3, 2, 1, 0))
    with pytest.raises(MessageRefused):
        raft.step(0, Heartbeat(2, 2, 2, 1, 0))


def test_two_leaders_of_one_term_are_noticed() -> None:
    environment = led_by_one()

    for number in (1, 2):
        with pytest.raises(MessageRefused, match="claims to lead term 2"):
            environment.nodes[number].running.step(0, Heartbeat(3, number, 2, 1, 0))


def test_entries_that_do_not_follow_each_other_are_refused() -> None:
    raft = led_by_one().nodes[2].running
    gap = [Entry(4, 2, EntryKind.NORMAL, b"")]
    later_than_the_leader = [Entry(3, 9, EntryKind.NORMAL, b"")]

    for entries in (gap, later_than_the_leader):
        with pytest.raises(MessageRefused, match="out of order"):
            raft.step(0, AppendEntries(1, 2, 2, 2, 2, entries, 2, 0))
    assert raft.last_index == 2


def test_an_answer_about_entries_that_do_not_exist_is_refused() -> None:
    raft = led_by_one().nodes[1].running

    with pytest.raises(MessageRefused, match="never sent"):
        raft.step(0, AppendEntriesResponse(2, 1, 2, success=True, index=99, send_time=0))


def test_an_answer_from_the_future_renews_no_lease() -> None:
    environment = led_by_one("advance-time 100 1", "stabilize")
    raft = environment.nodes[1].running

    raft.step(100, AppendEntriesResponse(2, 1, 2, success=True, index=2, send_time=99_999))

    assert not raft.lease_valid(100 + 900)


def test_a_replica_that_lost_its_log_is_damaged() -> None:
    storage = MemoryStorage.bootstrapped(THREE)
    storage.write(HardState(2, 1, 7), [])

    with pytest.raises(ReplicaDamaged):
        Raft(Start(1, 1, THREE, 0), storage, Settings(), lambda _: 0)


def test_uncommitted_bytes_and_waiting_reads_have_limits() -> None:
    environment = Environment()
    environment.run_block(
        ["add-nodes 3 voters=(1,2,3) uncommitted_bytes_max=100 pending_reads_max=2"]
    )
    environment.run_block(["campaign 1", "stabilize"])
    raft = environment.nodes[1].running

    raft.propose(0, b"x" * 200)
    with pytest.raises(TooMuchUncommitted):
        raft.propose(0, b"")
    raft.read_index(0, "one")
    raft.read_index(0, "two")
    with pytest.raises(TooManyReads):
        raft.read_index(0, "three")

    environment.run_block(["stabilize"])
    raft.propose(0, b"")
    raft.read_index(0, "four")


def test_nothing_to_do_is_none() -> None:
    raft = led_by_one().nodes[1].running

    assert raft.ready() is None
    raft.tick(50)
    assert raft.ready() is None


def test_proposals_between_two_readies_leave_in_one_message_per_peer() -> None:
    raft = led_by_one().nodes[1].running
    for number in range(5):
        raft.propose(0, b"%d" % number)

    ready = raft.ready()

    assert ready is not None
    assert [len(m.entries) for m in ready.messages if isinstance(m, AppendEntries)] == [5, 5]
    assert len(ready.entries) == 5


def test_payloads_are_shared_and_not_copied() -> None:
    raft = led_by_one().nodes[1].running
    data = b"x" * 1_000_000
    raft.propose(0, data)

    ready = raft.ready()

    assert ready is not None
    assert ready.entries[0].data is data
    message = ready.messages[0]
    assert isinstance(message, AppendEntries)
    assert message.entries[0].data is data


def test_deadlines_move_with_what_happens() -> None:
    environment = led_by_one()
    leader, follower = environment.nodes[1].running, environment.nodes[2].running
    assert leader.deadline() == 100
    assert follower.deadline() == 1_020

    follower.step(300, Heartbeat(1, 2, 2, 2, 0))
    assert follower.deadline() == 1_320
    leader.transfer_leadership(50, 2)
    leader.tick(100)
    assert leader.deadline() == 200


def test_an_old_snapshot_is_answered_and_not_installed() -> None:
    raft = led_by_one().nodes[2].running

    raft.step(0, InstallSnapshot(1, 2, 2, SnapshotMetadata(1, 1, THREE), 0))

    ready = raft.ready()
    assert ready is not None
    assert ready.snapshot is None
    (answer,) = ready.messages
    assert isinstance(answer, AppendEntriesResponse)
    assert (answer.success, answer.index) == (True, 2)


def test_a_snapshot_of_entries_that_are_there_only_moves_the_commit_index() -> None:
    environment = led_by_one("propose 1 x", "process-ready 1")
    environment.run_block(["deliver-messages 2", "process-ready 2"])
    raft = environment.nodes[2].running
    assert raft.commit_index == 2

    raft.step(0, InstallSnapshot(1, 2, 2, SnapshotMetadata(3, 2, THREE), 0))

    assert raft.commit_index == 3
    ready = raft.ready()
    assert ready is not None
    assert ready.snapshot is None
    assert [entry.index for entry in ready.committed] == [3]


def test_the_log_may_be_cut_to_what_every_peer_in_reach_has() -> None:
    environment = led_by_one("partition (1,2) (3)", "propose 1 x", "stabilize")
    raft = environment.nodes[1].running

    assert raft.compaction_limit() == 2
    for _ in range(11):
        environment.run_block(["advance-time 100 1", "stabilize 1 2"])
    assert raft.compaction_limit() == 3
    assert environment.nodes[2].running.compaction_limit() == 3


def test_a_change_keeps_a_quorum_if_most_of_those_it_leads_to_are_there() -> None:
    environment = led_by_one("partition (1,2) (3)")
    raft = environment.nodes[1].running
    for _ in range(11):
        environment.run_block(["advance-time 100 1", "stabilize 1 2"])

    assert raft.keeps_quorum(1_100, removal_of(3), 0)
    assert not raft.keeps_quorum(1_100, removal_of(2), 0)
    environment.run_block(["heal", "advance-time 100 1", "stabilize"])
    assert raft.keeps_quorum(1_200, removal_of(2), 0)


def test_who_lacks_too_many_entries_is_not_there_yet() -> None:
    environment = led_by_one("partition (1,2) (3)", "propose 1 x", "propose 1 y", "stabilize")
    environment.run_block(["heal", "advance-time 100 1"])
    environment.run_block(["deliver-messages 3 type=Heartbeat", "deliver-messages 1"])
    raft = environment.nodes[1].running

    assert raft.keeps_quorum(100, removal_of(2), 2)
    assert not raft.keeps_quorum(100, removal_of(2), 1)


def test_who_has_answered_nothing_yet_is_not_there() -> None:
    environment = led_by_one("transfer 1 2", "stabilize 1 2", "deliver-messages 3")
    raft = environment.nodes[2].running
    assert raft.leads

    assert not raft.keeps_quorum(0, removal_of(1), 99)


def test_a_change_of_learners_alone_asks_for_no_quorum() -> None:
    environment = Environment()
    environment.run_block(["add-nodes 4 voters=(1,2,3) learners=(4)", "campaign 1", "stabilize"])
    raft = environment.nodes[1].running

    assert raft.keeps_quorum(5_000, removal_of(4), 0)
    assert not raft.keeps_quorum(5_000, removal_of(3), 0)


def test_in_a_quiet_group_nobody_is_there_before_it_is_woken() -> None:
    environment = Environment()
    environment.run_block(["add-nodes 3 voters=(1,2,3) quiesce_after=300"])
    environment.run_block(["campaign 1", "stabilize", "run 2000"])
    raft = environment.nodes[1].running
    now = environment.now

    assert raft.deadline() is None
    assert not raft.keeps_quorum(now, removal_of(2), 0)
    environment.run_block(["stabilize"])
    assert raft.keeps_quorum(now, removal_of(2), 0)


def test_a_replica_that_is_no_member_sets_no_timer() -> None:
    storage = MemoryStorage()
    raft = Raft(Start(9, 0, Configuration(), 0), storage, Settings(), lambda _: 0)

    assert raft.deadline() is None
    raft.tick(10_000)
    assert raft.role is Role.FOLLOWER
    assert not raft.campaign(10_000)


def test_a_first_election_waits_for_no_promise_and_a_restart_does() -> None:
    environment = led_by_one("crash 2")
    fresh = Raft(Start(1, 1, THREE, 0), MemoryStorage.bootstrapped(THREE), Settings(), lambda _: 0)
    environment.run_block(["restart 2"])

    assert fresh.campaign(0)
    assert not environment.nodes[2].running.campaign(999)
    assert environment.nodes[2].running.campaign(1_000)
