"""Which validation layer reads a request, and in which words it refuses.

DynamoDB is moving from an old validation layer to a new one. The new one puts `1 validation error
detected: ` before many refusals of PutItem, UpdateItem and DeleteItem (the tables below); the other
operations say the same bare. A request with a boolean written as a string, or a value with two
members, is read by the old layer whatever the operation (captured 2026-10).

A `Reading` is made by the slow lane of a request module once the JSON types are right. It carries
the request through the checks that several operations share: values, mixed parameters, expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, ParamSpec, TypeVar

from stator_core.errors import ValidationException
from stator_core.expressions.substitutions import Layer, Substitutions, refuse_empty_names
from stator_core.item import EMPTY_NAME, ValueRefused, check_names, validate_item
from stator_core.requests.member_rules import Operation, check_members
from stator_core.requests.return_values import NONE, Options
from stator_core.requests.shapes import Oddities, Structure, check, note_oddities

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# How the new layer reads each operation; the old one reads all alike.
LAYERS: Final[dict[Operation, Layer]] = {
    "PutItem": Layer.NEW_ENVELOPED,
    "UpdateItem": Layer.NEW_ENVELOPED,
    "DeleteItem": Layer.NEW_ENVELOPED,
    "GetItem": Layer.NEW,
}
# Parameters by operation, in DynamoDB's printing order.
EXPRESSIONS: Final[dict[Operation, tuple[str, ...]]] = {
    "PutItem": ("ConditionExpression",),
    "UpdateItem": ("UpdateExpression", "ConditionExpression"),
    "DeleteItem": ("ConditionExpression",),
    "GetItem": ("ProjectionExpression",),
}
LEGACY: Final[dict[Operation, tuple[str, ...]]] = {
    "PutItem": ("Expected", "ConditionalOperator"),
    "UpdateItem": ("AttributeUpdates", "Expected", "ConditionalOperator"),
    "DeleteItem": ("Expected", "ConditionalOperator"),
    "GetItem": ("AttributesToGet",),
}
# Values with these members are what they seem; others may hide a boolean written as a string.
_PLAIN = frozenset(("S", "N", "B", "SS", "NS", "BS"))


class Reading:
    """One request on its way through the slow lane."""

    __slots__ = ("body", "layer", "operation")

    def __init__(self, operation: Operation, body: dict[str, Any], shape: Structure) -> None:
        """Check JSON types, then every member by itself; keep the members that DynamoDB knows.

        Raises SerializationException, then the collected ValidationException.
        """
        oddities = check(body, shape)
        self.operation = operation
        self.layer = Layer.OLD if oddities.old_layer else LAYERS[operation]
        self.body = {name: member for name, member in body.items() if name in shape.members}
        check_members(operation, self.body, oddities.old_layer, deep_value=oddities.deep_value)

    def step(
        self,
        action: Callable[Parameters, Result],
        *arguments: Parameters.args,
        **named: Parameters.kwargs,
    ) -> Result:
        """Do one check whose refusals the new layer envelopes, in the words of the request's layer.

        Raises ValidationException.
        """
        try:
            return action(*arguments, **named)
        except ValueRefused as refused:
            raise self.refused_value(refused) from None
        except ValidationException as error:
            raise self.refused(error.message or "") from None

    def refused(self, text: str) -> ValidationException:
        """The error for a text that the new layer of the writes sends in the envelope."""
        return self.layer.refused(text)

    def refused_value(self, refused: ValueRefused) -> ValidationException:
        """The error for a refused value outside ExpressionAttributeValues."""
        if self.layer is Layer.OLD or refused.old_layer:
            return ValidationException(refused.message_old)
        if refused.enveloped_on_writes:
            return self.refused(refused.message_new)
        return ValidationException(refused.message_new)

    def values_of(self, member: str) -> int:
        """Check the Item or the Key, in place; its size in bytes. Raises ValidationException."""
        try:
            return validate_item(self.body[member])
        except ValueRefused as refused:
            raise self.refused_value(refused) from None

    def refuse_empty_names(self) -> None:
        """DynamoDB looks for empty attribute names before all else that spans members."""
        for value in _named_values(self.body, with_substitutions=self.layer is not Layer.OLD):
            self.step(check_names, value)
        if "" in self.body.get("AttributesToGet", ()):
            raise self.refused(EMPTY_NAME)
        refuse_empty_names(self.body, self.layer)

    def refuse_mixing(self) -> None:
        """Expressions beside the older parameters, or placeholders without an expression."""
        expressions = [name for name in EXPRESSIONS[self.operation] if name in self.body]
        legacy = [name for name in LEGACY[self.operation] if name in self.body]
        if expressions and legacy:
            raise self.refused(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(legacy)}}} "
                f"Expression parameters: {{{', '.join(expressions)}}}"
            )
        if expressions:
            return
        for placeholders in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if placeholders in self.body:
                raise self.refused(
                    f"{placeholders} can only be specified when using expressions"
                    + self._missing_expressions(placeholders)
                )

    def _missing_expressions(self, placeholders: str) -> str:
        """The old layer's list of what is missing, for values alone."""
        if placeholders == "ExpressionAttributeNames" or self.layer is not Layer.OLD:
            return ""
        names = EXPRESSIONS[self.operation]
        return f": {' and '.join(names)} {'is' if len(names) == 1 else 'are'} null"

    def substitutions(self) -> Substitutions:
        """ExpressionAttributeNames and ExpressionAttributeValues. Raises ValidationException."""
        return Substitutions.parse(self.body, self.layer)

    def refuse_unused(self, substitutions: Substitutions) -> None:
        """After all expressions: placeholders that none of them used."""
        substitutions.check_all_used(self.layer)

    def options(self) -> Options:
        """The four options of a write, which the member rules have passed."""
        get = self.body.get
        return (
            get("ReturnValues", NONE),
            get("ReturnValuesOnConditionCheckFailure", NONE),
            get("ReturnConsumedCapacity", NONE),
            get("ReturnItemCollectionMetrics", NONE),
        )


def _named_values(body: dict[str, Any], *, with_substitutions: bool) -> Iterator[dict[str, Any]]:
    """Every AttributeValue of the request; maps of attributes as the map values they are."""
    for member in ("Item", "Key"):
        if member in body:
            yield {"M": body[member]}
    if with_substitutions:
        yield from body.get("ExpressionAttributeValues", {}).values()
    for name, update in body.get("AttributeUpdates", {}).items():
        yield {"M": {name: update.get("Value", {})}}
    for name, expected in body.get("Expected", {}).items():
        yield {"M": {name: expected.get("Value", {})}}
        yield from expected.get("AttributeValueList", ())


def plain_values(values: Any) -> bool:
    """Fast lane: whether no layer reads these ExpressionAttributeValues in a way of its own.

    Otherwise the slow lane must see them before anything is normalised.
    """
    if values is None:
        return True
    if type(values) is not dict:
        return False
    for value in values.values():
        if type(value) is not dict or len(value) != 1:
            return False
        for kind in value:
            if kind not in _PLAIN and _odd(value):
                return False
    return True


def _odd(value: dict[str, Any]) -> bool:
    oddities = Oddities()
    note_oddities(value, oddities)
    return oddities.old_layer
