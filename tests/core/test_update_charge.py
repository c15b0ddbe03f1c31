"""What an update is charged against the size limit, as bisected on DynamoDB (2026-10)."""

from __future__ import annotations

import pytest

from expression_texts import substitutions
from stator_core.expressions.update import compile_update

FIVE = {"S": "12345"}


def charge(text: str) -> int:
    given = substitutions({"#n": "näme"}, {":v": FIVE, ":s": {"SS": ["ab"]}, ":n": {"N": "1"}})
    return compile_update(text, given).request_charge()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("SET a = :v", 3 + 19 + 1 + 5),
        ("SET #n = :v", 3 + 19 + 5 + 5),
        ("SET a.bc[10] = :v", 3 + 19 + 1 + (4 + 2) + (4 + 2) + 5),
        ("SET a = :v, b = :v", 3 + 2 * (19 + 1 + 5)),
        ("SET a = b", 3 + 19 + 1 + 1 + 15),
        ("SET a = b[0].c", 3 + 19 + 1 + 1 + 3 * 15),
        ("SET a = :n + :n", 3 + 19 + 1 + 34 + 2 + 2),
        ("SET a = (a - :n)", 3 + 19 + 1 + 37 + 16 + 2),
        ("SET a = if_not_exists(a, :v)", 3 + 19 + 1 + 39 + 16 + 5),
        ("SET a = list_append(a, b)", 3 + 19 + 1 + 37 + 16 + 16),
        ("ADD a :n", 3 + 19 + 1 + 2),
        ("REMOVE a.b", 3 + 1 + 1 + 5),
        ("DELETE a :s", 3 + 1 + 1),
        ("SET a = :v REMOVE b", 3 + 19 + 1 + 5 + 1 + 1),
    ],
)
def test_every_clause_has_its_price(text, expected) -> None:
    assert charge(text) == expected
