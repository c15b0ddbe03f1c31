"""UpdateItem: change attributes of an item, or make it, if a condition allows.

In: the JSON body. Out: an `UpdateItem` whose key is canonical and whose update is compiled. `parse`
is called by the doors' executor, `check` and `evaluate` by the partition. What holds: `evaluate`
leaves the item before as it was and may be called again with another. AWS: API reference,
UpdateItem. The two lanes are those of `put_item.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stator_core import keys
from stator_core.errors import DynamoDBError, ValidationException
from stator_core.expressions.evaluate import Condition, compile_condition
from stator_core.expressions.legacy import compile_attribute_updates
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.expressions.update import Update, compile_update, known_update
from stator_core.item import (
    UPDATE_TOO_LARGE,
    Item,
    accept_item,
    item_size,
    utf8_length,
    validate_item,
    validate_value,
    value_size,
)
from stator_core.limits import ITEM_SIZE_BYTES_MAX, SUBSTITUTIONS_TOTAL_BYTES_MAX
from stator_core.requests.constraints import is_table_name, table_name_of
from stator_core.requests.evaluated import Evaluated, is_too_large
from stator_core.requests.layers import Reading, plain_values
from stator_core.requests.nested_keys import check_nested_keys
from stator_core.requests.return_values import (
    ANY_RETURN_VALUES,
    NO_OPTIONS,
    NONE,
    options,
    require,
)
from stator_core.requests.shapes import (
    ATTRIBUTE_MAP,
    ATTRIBUTE_VALUE,
    EXPECTED,
    STRING,
    STRING_MAP,
    Map,
    Structure,
)
from stator_core.requests.write_condition import (
    check_conditional_operator,
    expected_condition,
    expression_condition,
)
from stator_core.table import Table

SHAPE = Structure(
    "UpdateItemInput",
    {
        "TableName": STRING,
        "Key": ATTRIBUTE_MAP,
        "AttributeUpdates": Map(
            Structure("AttributeValueUpdate", {"Value": ATTRIBUTE_VALUE, "Action": STRING})
        ),
        "Expected": EXPECTED,
        "ConditionalOperator": STRING,
        "ReturnValues": STRING,
        "ReturnConsumedCapacity": STRING,
        "ReturnItemCollectionMetrics": STRING,
        "UpdateExpression": STRING,
        "ConditionExpression": STRING,
        "ExpressionAttributeNames": STRING_MAP,
        "ExpressionAttributeValues": ATTRIBUTE_MAP,
        "ReturnValuesOnConditionCheckFailure": STRING,
    },
)
ACTIONS = frozenset(("ADD", "DELETE", "PUT"))
# Sic: the stray quote is DynamoDB's.
UNKNOWN_ACTION = "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action"
_LEGACY = frozenset(("AttributeUpdates", "Expected", "ConditionalOperator"))
_USUAL = SHAPE.members.keys() - _LEGACY


@dataclass(slots=True)
class UpdateItem:
    """A checked request; the four options by DynamoDB's own words.

    `update` is None where only the existence of the item is asked for. `request_charge` is what
    DynamoDB holds against the item size limit beside the finished item, in bytes; it is 0 for
    AttributeUpdates, and where it is surely within; an action of a transaction is not charged at
    all.
    """

    table_name: str
    key: Item
    update: Update | None = None
    condition: Condition | None = None
    return_values: str = NONE
    return_values_on_condition_check_failure: str = NONE
    return_consumed_capacity: str = NONE
    return_item_collection_metrics: str = NONE
    request_charge: int = 0

    def check(self, table: Table) -> None:
        """Key and paths against the table, and the size that the request alone comes to.

        Raises ValidationException.
        """
        keys.check_key(table, self.key)
        update, condition = self.update, self.condition
        if update is not None:
            update.check_keys(table.key_names)
            if update.nested_names:
                check_nested_keys(table, update.nested_names)
        if condition is not None and condition.nested_names:
            check_nested_keys(table, condition.nested_names)
        if self.request_charge > ITEM_SIZE_BYTES_MAX:
            raise ValidationException(UPDATE_TOO_LARGE)

    def key_item(self) -> Item:
        """An item that holds the key attributes."""
        return self.key

    @property
    def needs_previous(self) -> bool:
        """An update always starts from the item before."""
        return True

    def evaluate(self, table: Table, before: Item | None, before_size: int) -> Evaluated:
        """What the write makes of `before`.

        Raises ConditionalCheckFailedException, and ValidationException for an update that does not
        fit what is stored.
        """
        if self.condition is not None:
            require(self.condition, before, self.return_values_on_condition_check_failure)
        update = self.update
        if update is None:
            if before is None:
                after, size = self.key, item_size(self.key)
            else:
                after, size = before, before_size
            return Evaluated(after, size, self._attributes(before, after))
        updated = update.apply(before, self.key)
        if updated is None:
            return Evaluated(None, 0)
        after = updated
        if before is None:
            size = item_size(after)
        else:
            size = _size_after(before, before_size, after, update.target_names)
        if size > ITEM_SIZE_BYTES_MAX or (table.local_indexes and is_too_large(table, after, size)):
            raise ValidationException(UPDATE_TOO_LARGE)
        if table.indexes:
            keys.check_updated_index_keys(table, before, after)
        if self.return_values == NONE:
            return Evaluated(after, size)
        return Evaluated(after, size, self._attributes(before, after))

    def _attributes(self, before: Item | None, after: Item) -> Item | None:
        """The answer's Attributes; left out where there are none."""
        match self.return_values:
            case "NONE":
                return None
            case "ALL_OLD":
                return before
            case "ALL_NEW":
                return after
        if self.update is None:
            return None
        return self.update.updated(before if self.return_values == "UPDATED_OLD" else after) or None


def _size_after(before: Item, before_size: int, after: Item, names: Iterable[str]) -> int:
    """Bytes of `after`, measuring only the attributes `names`: all others are as before."""
    size = before_size
    for name in names:
        old, new = before.get(name), after.get(name)
        if old is new:
            continue
        if old is None or new is None:
            # The attribute has come or gone, its name with it.
            size += utf8_length(name) if old is None else -utf8_length(name)
        if old is not None:
            size -= value_size(old)
        if new is not None:
            size += value_size(new)
    return size


def parse(body: dict[str, Any]) -> UpdateItem:
    """Read and check a body by itself (no table yet).

    Raises SerializationException and ValidationException.
    """
    if len(body) == 4:
        known = _parse_known(body)
        if known is not None:
            return known
    try:
        request = _parse_usual(body)
    except DynamoDBError:
        request = None  # The slow lane finds the first error in DynamoDB's order, and its words.
    return request or _parse_in_order(body)


def _parse_known(body: dict[str, Any]) -> UpdateItem | None:
    """The fastest lane: a table, a key, and values for a text that the fast lane took before."""
    try:
        table_name, key = body["TableName"], body["Key"]
        text, values = body["UpdateExpression"], body["ExpressionAttributeValues"]
    except KeyError:
        return None
    if (
        type(text) is not str
        or type(key) is not dict
        or not values
        or not is_table_name(table_name)
    ):
        return None
    size = accept_item(values)
    if size is None or size > SUBSTITUTIONS_TOTAL_BYTES_MAX:
        return None
    update = known_update(text, values)
    if update is None or update.charge_bound(size) > ITEM_SIZE_BYTES_MAX:
        return None
    return None if accept_item(key) is None else UpdateItem(table_name, key, update)


def _parse_usual(body: dict[str, Any]) -> UpdateItem | None:
    """The fast lane: the request if all is usual and right, or None."""
    table_name = body.get("TableName")
    key = body.get("Key")
    text = body.get("UpdateExpression")
    if not is_table_name(table_name):
        return None
    if type(key) is not dict or type(text) is not str or not body.keys() <= _USUAL:
        return None
    values = body.get("ExpressionAttributeValues")
    bare = len(body) == 4 and values is not None  # Beside the table, the key and the expression.
    read = NO_OPTIONS if bare else options(body, ANY_RETURN_VALUES)
    if read is None or not plain_values(values):
        return None
    substitutions = Substitutions.parse(body, Layer.NEW_ENVELOPED)
    update = compile_update(text, substitutions)
    condition = None
    if "ConditionExpression" in body:
        condition_text = body["ConditionExpression"]
        if type(condition_text) is not str:
            return None
        condition = compile_condition(condition_text, "ConditionExpression", substitutions)
    substitutions.check_all_used(Layer.NEW_ENVELOPED)
    validate_item(key)  # Last, for the reason given in put_item.py.
    return UpdateItem(table_name, key, update, condition, *read, update.request_charge())


def _parse_in_order(body: dict[str, Any]) -> UpdateItem:
    """The slow lane: every check in DynamoDB's order, as captured 2026-10."""
    reading = Reading("UpdateItem", body, SHAPE)
    body = reading.body
    reading.refuse_empty_names()
    reading.refuse_mixing()
    substitutions = reading.substitutions()
    reading.values_of("Key")
    check_conditional_operator(reading)
    update = _attribute_updates(reading)
    condition = expected_condition(reading)
    if body.get("ConditionExpression") == "":  # Found before an empty update.
        expression_condition(reading, substitutions)
    charge = 0
    if "UpdateExpression" in body:
        update = reading.step(compile_update, body["UpdateExpression"], substitutions)
        charge = update.request_charge()
    condition = condition or expression_condition(reading, substitutions)
    reading.refuse_unused(substitutions)
    return UpdateItem(
        table_name_of(body["TableName"]),
        body["Key"],
        update,
        condition,
        *reading.options(),
        charge,
    )


def _attribute_updates(reading: Reading) -> Update | None:
    """The older form of an update. An empty AttributeUpdates is none.

    Values come first, then actions, both in the envelope; what does not fit together is bare.
    """
    updates = reading.body.get("AttributeUpdates")
    if not updates:
        return None
    for update in updates.values():
        if "Value" in update:
            reading.step(validate_value, update["Value"])
    for update in updates.values():
        if update.get("Action", "PUT") not in ACTIONS:
            raise reading.refused(UNKNOWN_ACTION)
    return compile_attribute_updates(updates)
