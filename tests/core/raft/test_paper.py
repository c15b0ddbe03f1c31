"""What the papers say, section by section.

"5.x" is Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm (2014); "thesis"
is Ongaro, Consensus: Bridging Theory and Practice (2014). Each test names the sentence it proves.
"""

from __future__ import annotations

import pytest
from interaction import Environment

from stator_core.raft.messages import (
    AppendEntries,
    AppendEntriesResponse,
    Entry,
    EntryKind,
    Heartbeat,
    RequestVote,
    RequestVoteResponse,
    Role,
    TimeoutNow,
)
from stator_core.raft.raft import Raft
from stator_core.raft.refusals import LeadershipMoving, NotLeader, TransferRefused


def group(size: int = 3, *commands: str) -> Environment:
    """A group whose replica 1 leads, and what else these commands do."""
    environment = Environment()
    voters = ",".join(str(replica) for replica in range(1, size + 1))
    environment.run_block(
        [f"add-nodes {size} voters=({voters})", "campaign 1", "stabilize", *commands]
    )
    return environment


def replica(environment: Environment, number: int) -> Raft:
    return environment.nodes[number].running


def sent(environment: Environment, kind: type) -> list:
    return [message for message in environment.network if isinstance(message, kind)]


# ------------------------------------------------------------------------------------ elections


@pytest.mark.parametrize("number", [1, 2])
def test_a_higher_term_makes_a_follower_of_anybody(number: int) -> None:
    """5.1: if a candidate or leader discovers that its term is out of date, it reverts."""
    environment = group()
    raft = replica(environment, number)

    raft.step(0, AppendEntriesResponse(3, number, 9, success=False, index=0, send_time=0))

    assert (raft.role, raft.term) == (Role.FOLLOWER, 9)


def test_a_request_with_a_stale_term_is_refused() -> None:
    """5.1: if a server receives a request with a stale term number, it rejects the request."""
    environment = group()
    raft = replica(environment, 2)

    raft.step(0, AppendEntries(3, 2, 1, 1, 1, [Entry(2, 1, EntryKind.NORMAL, b"old")], 1, 0))
    environment.run_block(["process-ready 2"])

    (answer,) = sent(environment, AppendEntriesResponse)
    assert (answer.success, answer.term) == (False, 2)
    assert raft.last_index == 2


def test_a_follower_that_hears_nobody_campaigns_after_a_random_timeout() -> None:
    """5.2: if a follower receives no communication over the election timeout, it begins one."""
    environment = Environment()
    environment.run_block(["add-nodes 3 voters=(1,2,3)"])
    for number in (1, 2, 3):
        raft = replica(environment, number)
        assert raft.deadline() == 1_000 + 10 * number
        raft.tick(1_000 + 10 * number - 1)
        assert raft.role is Role.FOLLOWER
        raft.tick(1_000 + 10 * number)
        assert raft.role is Role.PRE_CANDIDATE


def test_a_leader_sends_heartbeats_at_once_and_for_ever() -> None:
    """5.2: leaders send periodic heartbeats to all followers to maintain their authority."""
    environment = group()

    for now in (100, 200, 300):
        environment.run_block(["advance-time 100 1", "process-ready 1"])
        beats = [one for one in sent(environment, Heartbeat) if one.send_time == now]
        assert [one.receiver for one in beats] == [2, 3]


def test_one_vote_per_term_first_come_first_served() -> None:
    """5.2: each server will vote for at most one candidate in a given term."""
    environment = Environment()
    environment.run_block(["add-nodes 3 voters=(1,2,3)"])
    raft = replica(environment, 1)

    raft.step(0, RequestVote(2, 1, 5, 1, 1))
    raft.step(0, RequestVote(3, 1, 5, 1, 1))
    raft.step(0, RequestVote(2, 1, 5, 1, 1))
    environment.run_block(["process-ready 1"])

    answers = sent(environment, RequestVoteResponse)
    assert [(one.receiver, one.vote_granted) for one in answers] == [
        (2, True),
        (3, False),
        (2, True),
    ]


def test_a_vote_survives_a_crash() -> None:
    """5.2 and figure 2: votedFor is updated on stable storage before responding."""
    environment = Environment()
    environment.run_block(["add-nodes 3 voters=(1,2,3)", "hold-writes 1"])
    replica(environment, 1).step(0, RequestVote(2, 1, 5, 1, 1))
    environment.run_block(["process-ready 1"])
    assert not sent(environment, RequestVoteResponse)

    environment.run_block(["process-writes 1", "crash-unsynced 1", "restart 1"])
    environment.now = 1_500
    replica(environment, 1).step(1_500, RequestVote(3, 1, 5, 1, 1))
    environment.run_block(["process-ready 1"])

    answers = sent(environment, RequestVoteResponse)
    assert [(one.receiver, one.vote_granted) for one in answers] == [(2, True), (3, False)]


def test_a_candidate_that_hears_the_leader_of_its_term_follows() -> None:
    """5.2: if the leader's term is at least as large as the candidate's, it is legitimate."""
    environment = Environment()
    environment.run_block(["add-nodes 3 voters=(1,2,3)", "advance-time 1020 1"])
    raft = replica(environment, 1)
    raft.step(1_020, RequestVoteResponse(2, 1, 2, vote_granted=True, pre_vote=True))
    assert (raft.role, raft.term) == (Role.CANDIDATE, 2)

    raft.step(1_020, Heartbeat(3, 1, 2, 1, 0))

    assert (raft.role, raft.leader) == (Role.FOLLOWER, 3)


# ---------------------------------------------------------------------------------- replication


def test_an_entry_is_committed_once_a_majority_has_it() -> None:
    """5.3: committed once the leader that created the entry has replicated it on a majority."""
    environment = group(5, "propose 1 x", "process-ready 1")
    leader = replica(environment, 1)

    leader.step(0, AppendEntriesResponse(2, 1, 2, success=True, index=3, send_time=0))
    assert leader.commit_index == 2
    leader.step(0, AppendEntriesResponse(3, 1, 2, success=True, index=3, send_time=0))
    assert leader.commit_index == 3


def test_the_leaders_own_copy_counts_when_it_is_durable() -> None:
    """Thesis 10.2.1: the leader may even commit an entry before it is on its own disk."""
    environment = group(3, "hold-writes 1", "propose 1 x", "process-ready 1")
    leader = replica(environment, 1)

    leader.step(0, AppendEntriesResponse(2, 1, 2, success=True, index=3, send_time=0))
    assert leader.commit_index == 2
    leader.step(0, AppendEntriesResponse(3, 1, 2, success=True, index=3, send_time=0))
    assert leader.commit_index == 3


def test_committing_an_entry_commits_all_before_it() -> None:
    """5.3: this also commits all preceding entries, including those of previous leaders."""
    environment = group(3, "partition (1) (2,3)", "propose 1 lost", "run 1200")
    new_leader = replica(environment, 2)
    assert new_leader.leads
    assert new_leader.commit_index == new_leader.last_index


# Figure 7: the log of a leader of term 8, and six followers' that it may meet.
FIGURE_7 = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
]


@pytest.mark.parametrize("terms", FIGURE_7, ids="abcdef")
def test_any_log_of_figure_7_becomes_the_leaders(terms: list[int]) -> None:
    """5.3, figure 7: the leader finds where the logs agree last, and repairs the rest."""
    environment = Environment()
    environment.run_block(["add-nodes 2 voters=(1,2)", "crash 1", "crash 2"])
    for number, log in ((1, [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]), (2, terms)):
        node = environment.nodes[number]
        entries = [Entry(i, t, EntryKind.NORMAL, b"%d" % t) for i, t in enumerate(log, 2)]
        state = node.storage.hard_state()
        node.storage.write(type(state)(7, 0, 1), entries)
        node.durable = node.storage.copy()
        environment.run_block([f"restart {number}"])
    # The follower's vote is not the point here: it is given whatever its log.
    environment.run_block(["advance-time 1500 1", "process-ready 1"])
    leader = replica(environment, 1)
    leader.step(1_500, RequestVoteResponse(2, 1, 8, vote_granted=True, pre_vote=True))
    environment.run_block(["process-ready 1"])
    leader.step(1_500, RequestVoteResponse(2, 1, 8, vote_granted=True))
    assert leader.leads
    environment.run_block(["drop-messages 2", "drop-messages 1", "stabilize", "run 300"])

    logs = [replica(environment, number).state.log for number in (1, 2)]
    assert logs[0].last_index == logs[1].last_index == 12
    assert [logs[0].term(i) for i in range(1, 13)] == [logs[1].term(i) for i in range(1, 13)]
    assert replica(environment, 2).commit_index == 12


def test_a_voter_refuses_a_log_that_is_less_complete_than_its_own() -> None:
    """5.4.1: the voter denies its vote if its own log is more up-to-date than the candidate's."""
    environment = group(3, "propose 1 x", "stabilize")
    voter = replica(environment, 2)

    for last_index, last_term, expected in ((9, 1, False), (2, 2, False), (3, 2, True)):
        environment.network.clear()
        voter.step(2_000, RequestVote(3, 2, voter.term + 1, last_index, last_term))
        environment.run_block(["process-ready 2"])
        (answer,) = sent(environment, RequestVoteResponse)
        assert answer.vote_granted is expected


def test_entries_of_earlier_terms_are_not_committed_by_counting() -> None:
    """5.4.2: only entries from the leader's current term are committed by counting replicas."""
    environment = group(3, "propose 1 old", "process-ready 1", "drop-messages 2", "drop-messages 3")
    environment.run_block(["crash 1", "restart 1", "jitter 1 0", "advance-time 1200 1"])
    environment.run_block(["process-ready 1", "stabilize 2 3", "deliver-messages 1"])
    environment.run_block(["process-ready 1", "stabilize 2 3", "deliver-messages 1"])
    leader = replica(environment, 1)
    assert leader.leads
    assert leader.last_index == 4

    leader.step(1_200, AppendEntriesResponse(2, 1, 3, success=True, index=3, send_time=0))
    assert leader.commit_index == 2
    environment.run_block(["process-ready 1"])
    leader.step(1_200, AppendEntriesResponse(2, 1, 3, success=True, index=4, send_time=0))
    assert leader.commit_index == 4


# ---------------------------------------------------------------------- transfer, check-quorum


def test_a_transfer_stops_proposals_and_asks_a_complete_log_to_campaign() -> None:
    """Thesis 3.10: stop client requests, bring the target up to date, send TimeoutNow."""
    environment = group(3, "transfer 1 2")

    with pytest.raises(LeadershipMoving):
        replica(environment, 1).propose(0, b"x")

    environment.run_block(["process-ready 1"])
    assert [one.receiver for one in sent(environment, TimeoutNow)] == [2]
    environment.run_block(["stabilize"])
    assert replica(environment, 2).leads


def test_a_transfer_that_takes_an_election_timeout_is_given_up() -> None:
    """Thesis 3.10: if it does not complete after about an election timeout, resume."""
    environment = group(3, "partition (1,3) (2)", "transfer 1 2")
    for _ in range(10):
        environment.run_block(["advance-time 100 1", "stabilize 1 3"])

    assert replica(environment, 1).propose(environment.now, b"x") == 3


def test_only_a_voter_can_be_given_the_leadership() -> None:
    """Thesis 3.10 and 4.2.1: a learner has no vote and cannot lead."""
    environment = group()
    with pytest.raises(TransferRefused):
        replica(environment, 1).transfer_leadership(0, 9)


def test_a_leader_without_a_quorum_steps_down() -> None:
    """Thesis 6.2: a leader steps down if an election timeout elapses without a majority."""
    environment = group(3, "partition (1) (2,3)")
    environment.run_block(["advance-time 100 1", "stabilize 1"] * 9)
    assert replica(environment, 1).leads
    environment.run_block(["advance-time 100 1"])
    assert not replica(environment, 1).leads
    with pytest.raises(NotLeader):
        replica(environment, 1).propose(1_000, b"x")


def test_a_vote_asked_for_while_a_leader_lives_is_not_noticed() -> None:
    """Thesis 4.2.3: within an election timeout of hearing a leader, neither update nor vote."""
    environment = group()
    raft = replica(environment, 2)

    raft.step(999, RequestVote(3, 2, 9, 99, 9))
    assert raft.term == 2
    raft.step(999, RequestVote(3, 2, 9, 99, 9, leadership_transfer=True))
    assert raft.term == 9


def test_a_vote_is_given_again_when_the_promise_has_run_out() -> None:
    """Thesis 4.2.3, the other side."""
    raft = replica(group(), 2)

    raft.step(1_000, RequestVote(3, 2, 9, 99, 9))

    assert raft.term == 9


# ------------------------------------------------------------------------- membership, reads


def test_learners_are_replicated_to_but_do_not_count() -> None:
    """Thesis 4.2.1: non-voting members are not counted for voting or commitment."""
    environment = group(3, "add-nodes 1", "propose-change 1 learner:4", "stabilize")
    environment.run_block(["partition (1,4) (2,3)", "propose 1 x", "stabilize 1 4"])
    assert replica(environment, 4).last_index == 4
    assert replica(environment, 1).commit_index == 3
    assert replica(environment, 4).deadline() is None


def test_a_joint_configuration_needs_both_majorities() -> None:
    """Section 6: agreement requires separate majorities from both configurations."""
    environment = group(3, "add-nodes 2", "propose-change 1 explicit voter:4 voter:5 remove:2")
    environment.run_block(["stabilize", "snapshot-finished 1 4 delivered", "stabilize"])
    assert replica(environment, 1).configuration.joint
    before = replica(environment, 1).commit_index

    environment.run_block(["partition (1,4,5) (2,3)", "propose 1 new_only", "stabilize"])
    assert replica(environment, 1).commit_index == before

    environment.run_block(["partition (1,4,5,3) (2)", "advance-time 100 1", "stabilize"])
    environment.run_block(["advance-time 100 1", "stabilize"])
    assert replica(environment, 1).commit_index == before + 1


def test_a_joint_configuration_elects_by_both_majorities() -> None:
    """Section 6: for elections too; two of the three new voters alone elect nobody."""
    change = "propose-change 1 explicit voter:4 voter:5 remove:2 remove:3"
    environment = group(3, "add-nodes 2", change, "stabilize", "partition (4,5) (1,2,3)")
    assert all(replica(environment, number).configuration.joint for number in (4, 5))

    environment.run_block(["run 9000"])

    assert not replica(environment, 4).leads
    assert not replica(environment, 5).leads
    environment.run_block(["partition (4,5,2,3) (1)", "run 9000"])
    assert any(replica(environment, number).leads for number in (2, 3, 4, 5))


def test_a_read_needs_an_entry_of_the_present_term() -> None:
    """Thesis 6.4, step 1: before its first entry is committed a leader knows of no commit index."""
    environment = group(3, "crash 1", "advance-time 1100 2", "process-ready 2", "stabilize 3")
    environment.run_block(["deliver-messages 2", "process-ready 2", "stabilize 3"])
    environment.run_block(["deliver-messages 2", "read-index 2 early"])
    leader = replica(environment, 2)

    assert leader.leads
    assert leader.state.postponed_reads == ["early"]
    assert not leader.lease_valid(environment.now)
    assert "read early at 3" in environment.run_block(["stabilize"])
    assert leader.lease_valid(environment.now)


def test_a_lease_ends_with_the_clock_alone() -> None:
    """Thesis 6.4.1: reads by lease need no messages until the lease's end, and stop there."""
    environment = group(3, "advance-time 100 1", "stabilize")
    leader = replica(environment, 1)

    assert leader.lease_valid(100 + 899)
    assert not leader.lease_valid(100 + 900)


def test_a_pre_vote_changes_nobodys_term() -> None:
    """Thesis 9.6: a candidate only increments its term if it first learns that it could win."""
    environment = group(3, "partition (1,2) (3)", "run 9000")

    assert replica(environment, 3).role is Role.PRE_CANDIDATE
    assert {replica(environment, number).term for number in (1, 2, 3)} == {2}
