"""The slow lane that Query and Scan share: what spans members, in DynamoDB's order.

In: the JSON body. A `RangeReading` is made by `query.py` and `scan.py` for a body that their fast
lanes did not take; making it checks the JSON types and each member. Each method then is one check,
and its caller keeps the order, which differs between the two operations. Out: the compiled parts,
or the ValidationException in the words of the layer that reads the request (captured 2026-10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar

from stator_core.errors import ValidationException
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.legacy import compile_filter
from stator_core.expressions.projection import (
    Projection,
    compile_attributes_to_get,
    compile_projection,
)
from stator_core.expressions.substitutions import Layer, Substitutions, refuse_empty_names
from stator_core.item import Item, ValueRefused, check_names
from stator_core.requests import selection, start_key
from stator_core.requests.range_members import (
    CONDITION_MEMBERS,
    Operation,
    check_members,
    is_read_by_old_layer,
)
from stator_core.requests.shapes import Structure, check

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

EMPTY_NAME: Final = "Empty attribute name"
NO_CONDITION_TO_JOIN: Final = "ConditionalOperator cannot be used without Filter or Expected"
ONE_CONDITION_TO_JOIN: Final = (
    "ConditionalOperator can only be used when Filter or Expected has two or more elements"
)
OPERATORS: Final = frozenset(("AND", "OR"))
# Parameters by operation, in DynamoDB's printing order.
LEGACY: Final[dict[Operation, tuple[str, ...]]] = {
    "Query": ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"),
    "Scan": ("AttributesToGet", "ScanFilter", "ConditionalOperator"),
}
EXPRESSIONS: Final[dict[Operation, tuple[str, ...]]] = {
    "Query": ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
    "Scan": ("ProjectionExpression", "FilterExpression"),
}
# What the refusal of unwanted ExpressionAttributeValues says.
MISSING_EXPRESSIONS: Final[dict[Operation, str]] = {
    "Query": "FilterExpression and KeyConditionExpression are null",
    "Scan": "FilterExpression is null",
}
FILTER: Final[dict[Operation, str]] = {"Query": "QueryFilter", "Scan": "ScanFilter"}


class RangeReading:
    """One Query or Scan on its way through the slow lane."""

    __slots__ = ("body", "layer", "operation")

    def __init__(self, operation: Operation, body: dict[str, Any], shape: Structure) -> None:
        """Check JSON types, then every member by itself; keep the members that DynamoDB knows.

        Raises SerializationException and ValidationException.
        """
        oddities = check(body, shape)
        self.operation = operation
        self.body = {name: member for name, member in body.items() if name in shape.members}
        old_layer = is_read_by_old_layer(operation, self.body, oddities)
        self.layer = Layer.OLD if old_layer else Layer.NEW
        check_members(operation, self.body, old_layer)

    def step(
        self,
        action: Callable[Parameters, Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Do one check whose refused values are worded by the request's layer."""
        try:
            return action(*arguments, **named)
        except ValueRefused as refused:
            old = self.layer is Layer.OLD or refused.old_layer
            message = refused.message_old if old else refused.message_new
            raise ValidationException(message) from None

    def refuse_empty_names(self) -> None:
        """DynamoDB looks for empty attribute names before all else that spans members."""
        if "" in self.body.get("AttributesToGet", ()):
            raise ValidationException(EMPTY_NAME)
        for value in self._named_values():
            self.step(check_names, value)
        refuse_empty_names(self.body, self.layer)

    def _named_values(self) -> Iterator[dict[str, Any]]:
        """Every AttributeValue; maps of attributes as the map values they are."""
        body = self.body
        yield {"M": body.get("ExclusiveStartKey", {})}
        yield from body.get("ExpressionAttributeValues", {}).values()
        for member in CONDITION_MEMBERS[self.operation]:
            for name, condition in body.get(member, {}).items():
                yield {"M": {name: {}}}
                yield from filter(None, condition.get("AttributeValueList", ()))

    def refuse_mixing(self) -> None:
        """Expressions beside the older parameters, or placeholders without an expression."""
        body = self.body
        expressions = [name for name in EXPRESSIONS[self.operation] if name in body]
        legacy = [name for name in LEGACY[self.operation] if name in body]
        if expressions and legacy:
            raise ValidationException(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(legacy)}}} "
                f"Expression parameters: {{{', '.join(expressions)}}}"
            )
        if "ExpressionAttributeNames" in body and not expressions:
            raise ValidationException(
                "ExpressionAttributeNames can only be specified when using expressions"
            )
        # A projection has no values, so it does not make room for them.
        takes_values = [name for name in expressions if name != "ProjectionExpression"]
        if "ExpressionAttributeValues" in body and not takes_values:
            raise ValidationException(
                "ExpressionAttributeValues can only be specified when using expressions: "
                + MISSING_EXPRESSIONS[self.operation]
            )

    def check_conditional_operator(self) -> None:
        """ConditionalOperator against the number of conditions that it could join."""
        operator = self.body.get("ConditionalOperator")
        if operator is None:
            return
        conditions = len(self.body.get(FILTER[self.operation], {}))
        if conditions == 0:
            raise ValidationException(NO_CONDITION_TO_JOIN)
        if conditions == 1:
            raise ValidationException(ONE_CONDITION_TO_JOIN)
        if operator not in OPERATORS:
            raise ValidationException(
                # Sic: ALL for AND.
                "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"
            )

    def legacy_filter(self) -> Condition | None:
        """The condition of QueryFilter or ScanFilter, or None without one."""
        member = FILTER[self.operation]
        conditions = self.body.get(member)
        if not conditions:
            return None
        operator = self.body.get("ConditionalOperator", "AND")
        return self.step(compile_filter, conditions, operator, member)

    def attributes_to_get(self) -> Projection | None:
        """The projection of AttributesToGet, or None without it."""
        names = self.body.get("AttributesToGet")
        return None if names is None else compile_attributes_to_get(names)

    def exclusive_start_key(self) -> Item | None:
        """ExclusiveStartKey with its values checked, or None."""
        key: Item | None = self.body.get("ExclusiveStartKey")
        if key is not None:
            start_key.check_values(key, self.operation, self.layer is Layer.OLD)
        return key

    def substitutions(self) -> Substitutions:
        """ExpressionAttributeNames and ExpressionAttributeValues. Raises ValidationException."""
        return Substitutions.parse(self.body, self.layer)

    def filter_expression(self, substitutions: Substitutions) -> Condition | None:
        """The condition of FilterExpression, or None without it."""
        text = self.body.get("FilterExpression")
        if text is None:
            return None
        return compile_condition(text, "FilterExpression", substitutions)

    def projection_expression(self, substitutions: Substitutions) -> Projection | None:
        """The projection of ProjectionExpression, or None without it."""
        text = self.body.get("ProjectionExpression")
        return None if text is None else compile_projection(text, substitutions)

    def check_select(self) -> None:
        """Select against the members that ask for attributes."""
        body = self.body
        asking = next(
            (name for name in ("AttributesToGet", "ProjectionExpression") if name in body), None
        )
        selection.check_select(body.get("Select"), asking, body.get("IndexName"))
