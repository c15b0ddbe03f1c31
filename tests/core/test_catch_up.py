"""When a pod that has begun to serve counts as one more good copy; that it waits for no ghost."""

from __future__ import annotations

from dataclasses import replace

from stator_core.catch_up import UNTOLD_SECONDS_MAX, CatchUp, HeldReplica, LeaderSaid

BEHIND = HeldReplica(7, 2, is_whole=True, leads=False, term=5, applied_index=90)
LEADER = LeaderSaid(7, term=5, last_index=100, replica_ids=frozenset((1, 2, 3)))
LATE = UNTOLD_SECONDS_MAX


def test_a_pod_that_holds_nothing_waits_for_nobody() -> None:
    assert CatchUp(0.0).look(0.0, (), ()) == ()


def test_a_replica_is_waited_for_until_it_has_what_its_leader_had_at_first() -> None:
    """Not what it has by then: under load that would always be more."""
    catch_up = CatchUp(0.0)
    assert catch_up.look(0.0, (BEHIND,), ()) == (BEHIND,)
    assert catch_up.look(1.0, (BEHIND,), (LEADER,)) == (BEHIND,)
    nearly = replace(BEHIND, applied_index=99)
    ahead = replace(LEADER, last_index=500)
    assert catch_up.look(2.0, (nearly,), (ahead,)) == (nearly,)
    assert catch_up.look(3.0, (replace(BEHIND, applied_index=100),), (ahead,)) == ()


def test_however_long_it_takes() -> None:
    catch_up = CatchUp(0.0)
    assert catch_up.look(100 * LATE, (BEHIND,), (LEADER,)) == (BEHIND,)


def test_one_that_has_caught_up_is_not_asked_about_again() -> None:
    catch_up = CatchUp(0.0)
    other = replace(BEHIND, partition_id=8)
    there = replace(BEHIND, applied_index=100)
    assert catch_up.look(0.0, (there, other), (LEADER,)) == (other,)
    lagging = replace(BEHIND, term=6, applied_index=100)
    assert catch_up.look(1.0, (lagging, other), (replace(LEADER, last_index=500),)) == (other,)


def test_one_that_leads_and_has_applied_the_past_has_caught_up() -> None:
    leads = replace(BEHIND, leads=True)
    assert CatchUp(0.0).look(0.0, (leads,), ()) == ()


def test_what_a_deposed_leader_says_counts_for_nothing() -> None:
    """Its log may hold less, or more than ever will be committed."""
    catch_up = CatchUp(0.0)
    deposed = replace(LEADER, term=4, last_index=10)
    assert catch_up.look(0.0, (BEHIND,), (deposed,)) == (BEHIND,)
    assert catch_up.look(1.0, (BEHIND,), (deposed, LEADER)) == (BEHIND,)
    long = replace(LEADER, term=5, last_index=1_000)
    catch_up = CatchUp(0.0)
    assert catch_up.look(0.0, (BEHIND,), (long,)) == (BEHIND,)
    caught = replace(BEHIND, term=6, applied_index=120)
    assert catch_up.look(1.0, (caught,), (replace(LEADER, term=6, last_index=120),)) == ()


def test_where_no_leader_is_heard_the_wait_has_an_end() -> None:
    """No quorum: the pod cannot tell what it lacks, and others may wait for it."""
    catch_up = CatchUp(10.0)
    assert catch_up.look(10.0 + LATE - 0.1, (BEHIND,), ()) == (BEHIND,)
    assert catch_up.look(10.0 + LATE, (BEHIND,), ()) == ()


def test_a_leader_that_falls_silent_is_not_waited_for_without_end() -> None:
    """With pre-votes its term stays, so what it has said before proves nothing."""
    catch_up = CatchUp(0.0)
    assert catch_up.look(1.0, (BEHIND,), (LEADER,)) == (BEHIND,)
    assert catch_up.look(LATE, (BEHIND,), ()) == ()


def test_a_replica_that_is_being_copied_is_waited_for_while_somebody_leads() -> None:
    copied = replace(BEHIND, is_whole=False, term=0, applied_index=200)
    catch_up = CatchUp(0.0)
    assert catch_up.look(2 * LATE, (copied,), (LEADER,)) == (copied,)
    assert catch_up.look(3 * LATE, (replace(copied, is_whole=True),), (LEADER,)) == ()
    assert CatchUp(0.0).look(LATE, (copied,), ()) == ()


def test_a_replica_that_its_leader_does_not_count_on_holds_nobody_up() -> None:
    """It was replaced while its pod was away, and is to be taken away."""
    without = replace(LEADER, replica_ids=frozenset((1, 3, 4)))
    assert CatchUp(0.0).look(0.0, (BEHIND,), (without,)) == ()


def test_another_replica_of_the_same_partition_is_looked_at_for_itself() -> None:
    catch_up = CatchUp(0.0)
    other = replace(BEHIND, partition_id=8)
    there = replace(BEHIND, applied_index=100)
    assert catch_up.look(0.0, (there, other), (LEADER,)) == (other,)
    anew = replace(BEHIND, replica_id=4, is_whole=False)
    members = replace(LEADER, replica_ids=frozenset((1, 3, 4)))
    assert catch_up.look(1.0, (anew, other), (members,)) == (anew, other)
