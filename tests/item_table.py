"""A table as the conformance tests ask it: by boto3, or by JSON that boto3 would not send.

Made by the fixtures of `conformance/conftest.py`. Every test takes a key of its own from `new_key`,
so tests share a table and run in any order. A refusal is compared as one line of text: the error's
name, a colon, its message.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

import blackbox

# How DynamoDB opens a text that tells which members of a request it refuses.
ENVELOPE = "1 validation error detected: "
# How it opens most texts about a value.
PARAMETER = "One or more parameter values were invalid: "
FAILED_CONDITION = "ConditionalCheckFailedException: The conditional request failed"
NOT_FOUND = "ResourceNotFoundException: Requested resource not found"
WRONG_KEY = "ValidationException: The provided key element does not match the schema"


def invalid(text: str) -> str:
    """The refusal with this text alone."""
    return f"ValidationException: {text}"


def enveloped(text: str) -> str:
    """The refusal with this text behind the count of errors."""
    return invalid(ENVELOPE + text)


def unconvertible(text: str) -> str:
    """The refusal of JSON whose types are not those of the operation."""
    return f"SerializationException: {text}"


def member_errors(*sentences: str) -> str:
    """The refusal that lists what is wrong with several members."""
    count = len(sentences)
    errors = "error" if count == 1 else "errors"
    return invalid(f"{count} validation {errors} detected: " + "; ".join(sentences))


def constraint(member: str, value: Any, rule: str) -> str:
    """The sentence about one member that breaks a rule."""
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{member}' failed to satisfy constraint: Member must {rule}"


def constraint_without_value(member: str, rule: str) -> str:
    """The sentence about a member's length or range in the new layer, which shows no value."""
    return f"Value at '{member}' failed to satisfy constraint: Member must {rule}"


def enum(*values: str) -> str:
    """The rule of a member that takes one of these values."""
    return f"satisfy enum value set: [{', '.join(values)}]"


@dataclass
class ItemTable:
    """One table. `client` is boto3's; `connection` sends JSON as it stands."""

    client: Any
    connection: blackbox.Connection
    name: str
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def new_key(self, **range_key: Any) -> dict[str, Any]:
        """The key of an item that no other test knows."""
        return {"pk": {"S": f"item {next(self.numbers)}"}, **range_key}

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """The answer to an operation on this table; raises botocore's ClientError."""
        method = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation)[1:]
        answer = getattr(self.client, method)(**{"TableName": self.name, **members})
        answer.pop("ResponseMetadata")
        return answer

    def refusal(self, operation: str, **members: Any) -> str:
        """Name and message of the error that the operation ends in."""
        try:
            answer = self.call(operation, **members)
        except ClientError as refused:
            error = refused.response["Error"]
            return f"{error['Code']}: {error['Message']}"
        raise AssertionError(f"{operation} was not refused: {answer}")

    def send(self, operation: str, **members: Any) -> blackbox.Answer:
        """The answer to members as JSON, whatever they are. TableName=None is sent as null."""
        return self.connection.call(operation, {"TableName": self.name, **members})

    def sent_refusal(self, operation: str, **members: Any) -> str:
        """As `refusal`, for members that boto3 would not send."""
        return refusal_of(self.send(operation, **members))

    def put(self, item: dict[str, Any], **members: Any) -> dict[str, Any]:
        return self.call("PutItem", Item=item, **members)

    def get(self, key: dict[str, Any], **members: Any) -> dict[str, Any] | None:
        """The item, read strongly, or None."""
        item = self.call("GetItem", Key=key, ConsistentRead=True, **members).get("Item")
        return item if item is None else dict(item)

    def stored(self, **attributes: Any) -> dict[str, Any]:
        """Put an item with these attributes under a key of its own; returns the key."""
        key = self.new_key()
        self.put(key | attributes)
        return key

    def attributes(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """What the item holds beside its key, or None if there is no item."""
        item = self.get(key)
        return item and {name: value for name, value in item.items() if name not in key}

    def update(self, key: dict[str, Any], expression: str, **members: Any) -> dict[str, Any]:
        return self.call("UpdateItem", Key=key, UpdateExpression=expression, **members)

    def delete(self, key: dict[str, Any], **members: Any) -> dict[str, Any]:
        return self.call("DeleteItem", Key=key, **members)


def refusal_of(answer: blackbox.Answer) -> str:
    """Name and message of an error; `no message` stands for an error that has none."""
    assert answer.error is not None, answer.body
    return f"{answer.error}: {answer.message if answer.message is not None else 'no message'}"
