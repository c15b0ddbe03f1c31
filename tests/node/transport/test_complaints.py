"""A log line for each thing that is wrong, and not one for each attempt."""

from __future__ import annotations

import pytest

from stator_node.transport.complaints import ABSENT_SECONDS, REMEMBERED_MAX, Complaints


def test_a_reason_is_said_once_for_each_peer(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints()
    for peer, reason in [("a", "x"), ("a", "x"), ("a", "y"), ("b", "x"), ("a", "x")]:
        complaints.say(peer, reason)

    assert caplog.messages == ["a: x", "a: y", "b: x"]


def test_a_peer_that_was_well_is_complained_of_again(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints()
    complaints.say("a", "x")
    complaints.well("a")
    complaints.well("never seen")
    complaints.say("a", "x")

    assert caplog.messages == ["a: x", "a: x"]


def test_what_is_remembered_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    complaints = Complaints()
    for number in range(REMEMBERED_MAX + 10):
        complaints.say(str(number), "x")
    assert len(caplog.messages) == REMEMBERED_MAX
    complaints.well("0")
    complaints.say("late", "x")

    assert caplog.messages[-1] == "late: x"


def test_nobody_at_an_address_is_said_when_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    """A process that starts again is away for a moment: that is no news."""
    complaints = Complaints()
    complaints.absent("a", "refused", 100.0)
    complaints.absent("a", "refused", 100.0 + ABSENT_SECONDS - 0.1)
    complaints.well("a")
    complaints.absent("a", "refused", 110.0)
    assert caplog.messages == []

    complaints.absent("a", "refused", 110.0 + ABSENT_SECONDS)
    complaints.absent("a", "refused", 110.0 + 2 * ABSENT_SECONDS)
    assert caplog.messages == ["a: refused"]
