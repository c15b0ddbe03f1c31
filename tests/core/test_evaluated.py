"""What a write makes of an item."""

from __future__ import annotations

from stator_core.requests.evaluated import Evaluated


def test_a_write_answers_without_attributes_unless_it_says_otherwise() -> None:
    assert Evaluated(None, 0).attributes is None
    assert Evaluated({"pk": {"S": "a"}}, 3) == Evaluated({"pk": {"S": "a"}}, 3, None)
