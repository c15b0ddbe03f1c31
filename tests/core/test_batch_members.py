"""Table names as keys of RequestItems: one violation for the map, whatever it holds."""

from __future__ import annotations

import pytest

from stator_core.requests.batch_members import check_table_names, is_table_name
from stator_core.requests.constraints import Violations

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/Music"


@pytest.mark.parametrize("name", ["abc", "a" * 255, "a-b_c.D9", ARN])
def test_names_and_arns_are_table_names(name: str) -> None:
    assert is_table_name(name)


@pytest.mark.parametrize("name", ["", "ab", "a" * 256, "a b", "ab\n", ARN + "!"])
def test_other_texts_are_none(name: str) -> None:
    assert not is_table_name(name)


def test_any_bad_name_is_one_violation_of_the_map() -> None:
    violations = Violations()
    check_table_names(violations, ["Music", ARN], "X")
    assert not violations
    check_table_names(violations, ["Music", "a", "b"], "X")
    assert violations.sentences == [
        (
            "Value '{Music=X, a=X, b=X}' at 'requestItems' failed to satisfy constraint: Map "
            "keys must "
            "satisfy constraint: [Member must have length less than or equal to 255, Member must "
            "have "
            "length greater than or equal to 3, Member must satisfy regular expression pattern: "
            "[a-zA-Z0-9_.-]+]"
        )
    ]
