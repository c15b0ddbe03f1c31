"""The condition of a write, however it is written: ConditionExpression or the older Expected.

Called by `put_item.py`, `update_item.py` and `delete_item.py` in their slow lanes, after their
values and substitutions have been read. AWS: PutItem, request parameters; Legacy conditional
parameters. The three texts about ConditionalOperator are as DynamoDB answers (captured 2026-10).
"""

from __future__ import annotations

from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.legacy import compile_expected
from stator_core.expressions.substitutions import Substitutions
from stator_core.requests.layers import Reading

OPERATORS = frozenset(("AND", "OR"))
# Sic: ALL for AND.
UNKNOWN_OPERATOR = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"


def check_conditional_operator(reading: Reading) -> None:
    """ConditionalOperator against the number of conditions that it could join."""
    operator = reading.body.get("ConditionalOperator")
    if operator is None:
        return
    conditions = len(reading.body.get("Expected", {}))
    if conditions == 0:
        raise reading.refused("ConditionalOperator cannot be used without Filter or Expected")
    if conditions == 1:
        raise reading.refused(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )
    if operator not in OPERATORS:
        raise reading.refused(UNKNOWN_OPERATOR)


def expected_condition(reading: Reading) -> Condition | None:
    """The condition of Expected, or None without it."""
    expected = reading.body.get("Expected")
    if not expected:
        return None
    operator = reading.body.get("ConditionalOperator", "AND")
    return reading.step(compile_expected, expected, operator)


def expression_condition(reading: Reading, substitutions: Substitutions) -> Condition | None:
    """The condition of ConditionExpression, or None without it."""
    text = reading.body.get("ConditionExpression")
    if text is None:
        return None
    return reading.step(compile_condition, text, "ConditionExpression", substitutions)
