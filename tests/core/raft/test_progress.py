"""What a leader believes of a peer, and the window of what is under way."""

from __future__ import annotations

from stator_core.raft.progress import PROBE, REPLICATE, SNAPSHOT, Inflights, Progress


def probing(next_index: int = 10) -> Progress:
    return Progress(2, next_index, 0, Inflights(2, 100))


def test_a_probe_waits_for_its_answer() -> None:
    peer = probing()

    peer.sent(12, 50)

    assert peer.paused
    assert peer.next == 10


def test_a_stream_goes_on_until_the_window_is_full() -> None:
    peer = probing()
    peer.acknowledge(9)
    peer.become_replicate()

    peer.sent(10, 10)
    assert not peer.paused
    peer.sent(12, 10)
    assert peer.paused

    peer.inflights.free_to(10)
    assert not peer.paused
    assert peer.inflights.bytes == 10


def test_the_window_counts_bytes_too() -> None:
    peer = probing()
    peer.become_replicate()

    peer.sent(11, 100)

    assert peer.paused


def test_a_refusal_in_the_stream_goes_back_to_what_is_certain() -> None:
    peer = probing()
    peer.acknowledge(5)
    peer.become_replicate()
    peer.sent(8, 10)

    assert peer.refuse(8, 7)

    assert (peer.state, peer.next) == (PROBE, 6)
    assert not peer.inflights.messages


def test_refusals_that_are_out_of_date_change_nothing() -> None:
    peer = probing()
    peer.acknowledge(5)
    peer.become_replicate()
    assert not peer.refuse(5, 3)

    peer.become_probe()
    assert not peer.refuse(9, 3)
    assert peer.next == 6


def test_a_hint_never_goes_below_what_matches() -> None:
    peer = probing()
    peer.acknowledge(4)

    assert peer.refuse(9, 1)

    assert peer.next == 5


def test_a_delivered_snapshot_is_probed_behind_and_a_failed_one_before() -> None:
    for delivered, expected in ((True, 21), (False, 1)):
        peer = probing()
        peer.become_snapshot(20)
        assert peer.paused

        peer.snapshot_finished(delivered=delivered)

        assert (peer.state, peer.next, peer.probe_sent) == (PROBE, expected, True)
        peer.check_invariants()


def test_states_keep_their_invariants() -> None:
    peer = probing()
    peer.check_invariants()
    peer.become_replicate()
    peer.sent(5, 10)
    peer.check_invariants()
    peer.become_snapshot(8)
    peer.check_invariants()
    assert peer.state is SNAPSHOT
    peer.become_replicate()
    assert peer.state is REPLICATE
    peer.check_invariants()
