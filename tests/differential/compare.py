"""The same request to Stator and to Dynoxide, and what is different in the answers.

Compared are the status, the error's type with its prefix, the message, and the whole answer. Left
out is only what two servers cannot share (request identifiers, table identifiers, times) and the
order where DynamoDB promises none. A difference is a failure unless `accepted.py` has it, with a
reason from AWS's own documentation or captures.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from blackbox import Answer, Connection
from differential import accepted
from differential.requests import Request
from differential.shapes import Shape
from differential.values import Json

TABLE = "differential"
# Set to a file's name, every difference is appended there as a line of JSON and no test fails:
# the way to see all of them at once.
COLLECT = os.environ.get("DIFFERENCES")
READY_SECONDS = 10.0

WITHOUT_ORDER = re.compile(r"\{([^{}]*)\}")
IDENTIFIERS = {
    *("TableId", "TableArn", "IndexArn", "CreationDateTime", "LatestStreamArn"),
    *("LatestStreamLabel", "LastIncreaseDateTime", "LastDecreaseDateTime"),
    *("LastUpdateToPayPerRequestDateTime", "LastUpdateDateTime"),
}
# Of DescribeTable: AWS shows warm throughput always, a class where it was changed, protection also
# where it is off, when the table became on-demand, and the last only in older captures; Dynoxide
# differs in each.
ONE_SIDED = {
    *("WarmThroughput", "TableClassSummary", "LastUpdateToPayPerRequestDateTime"),
    "TableThroughputModeSummary",
}


@dataclass(frozen=True)
class Difference:
    """One request that the two answer differently."""

    operation: str
    body: Json
    ours: Json
    theirs: Json

    def text(self) -> str:
        body = json.dumps(self.body, ensure_ascii=False)
        return (
            f"\n{self.operation} {body}\n  Stator:   {_text(self.ours)}"
            f"\n  Dynoxide: {_text(self.theirs)}"
        )


def _text(answer: Json) -> str:
    return json.dumps(answer, ensure_ascii=False, sort_keys=True)


@dataclass
class Pair:
    """A connection to each of the two."""

    stator: Connection
    dynoxide: Connection

    def ask(self, operation: str, body: Json) -> Difference | None:
        """Send it to both; None if the answers are the same."""
        ours = normal(operation, body, self.stator.call(operation, body))
        theirs = normal(operation, body, self.dynoxide.call(operation, body))
        return None if ours == theirs else Difference(operation, body, ours, theirs)

    def agree(self, operation: str, body: Json, after: str | None = None) -> bool:
        """Send it to both. True if they agree; False if their difference is an accepted one.

        Fails the test for any other. `after` tells `accepted.py` what this looks at the effect of.
        """
        difference = self.ask(operation, body)
        if difference is None:
            return True
        request = body | {"after": after} if after else body
        reason = accepted.reason(operation, request, difference.ours, difference.theirs)
        if reason is None:
            if COLLECT is None:
                raise AssertionError(difference.text())
            with open(COLLECT, "a", encoding="utf-8") as file:
                file.write(json.dumps(difference.__dict__, ensure_ascii=False) + "\n")
        return False

    @contextmanager
    def table(self, shape: Shape) -> Iterator[None]:
        """A table of this shape on both, ACTIVE, and gone afterwards."""
        for connection in (self.stator, self.dynoxide):
            _delete_table(connection)
            answer = connection.call("CreateTable", shape.create_table(TABLE))
            assert answer.error is None, answer
            _wait(connection, "ACTIVE")
        try:
            yield
        finally:
            for connection in (self.stator, self.dynoxide):
                _delete_table(connection)


def play(pair: Pair, shape: Shape, seeds: Sequence[Json], requests: Sequence[Request]) -> None:
    """Put the seeds, ask the requests, and at the end compare what the table holds."""
    with pair.table(shape):
        for item in seeds:
            if not pair.agree("PutItem", {"TableName": TABLE, "Item": item}):
                return
        for operation, body in requests:
            same = pair.agree(operation, body)
            if operation in ("GetItem", "Query", "Scan", "BatchGetItem"):
                continue
            # If one of them wrote and the other did not, what follows would differ by that alone.
            if not same or not effect_agrees(pair, shape, operation, body):
                return
        pair.agree("Scan", {"TableName": TABLE})
        for index in shape.indexes:
            pair.agree("Scan", {"TableName": TABLE, "IndexName": index.name})


def effect_agrees(pair: Pair, shape: Shape, operation: str, body: Json) -> bool:
    """Look at the item that was written, so that a difference shows where it began."""
    named = body.get("Key") or body.get("Item")
    if not isinstance(named, dict):
        return True
    key = {name: value for name, value in named.items() if name in shape.keys}
    if operation == "UpdateItem" and only_removes(body):
        after = "an update that only removes"
    else:
        after = operation
    return pair.agree("GetItem", {"TableName": TABLE, "Key": key, "ConsistentRead": True}, after)


def only_removes(body: Json) -> bool:
    """Whether an update has neither SET nor ADD, nor their legacy forms."""
    updates = body.get("AttributeUpdates")
    if isinstance(updates, dict) and updates:
        return all(isinstance(u, dict) and u.get("Action") == "DELETE" for u in updates.values())
    text = str(body.get("UpdateExpression") or "")
    return bool(text) and not re.search(r"\b(SET|ADD)\b", text, re.IGNORECASE)


def _delete_table(connection: Connection) -> None:
    answer = connection.call("DeleteTable", {"TableName": TABLE})
    if answer.error is None:
        _wait(connection, None)


def _wait(connection: Connection, status: str | None) -> None:
    """Wait until the table has this status; None: until it is gone."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        answer = connection.call("DescribeTable", {"TableName": TABLE})
        if answer.error is not None:
            found = None
        else:
            table = answer.body["Table"]
            indexes = table.get("GlobalSecondaryIndexes", [])
            statuses = {table["TableStatus"], *(index["IndexStatus"] for index in indexes)}
            found = statuses.pop() if len(statuses) == 1 else "changing"
        if found == status:
            return
        time.sleep(0.005)
    raise AssertionError(f"table not {status} in {READY_SECONDS} s")


def normal(operation: str, request: Json, answer: Answer) -> Json:
    """The answer without what two servers cannot share."""
    body = answer.body
    if answer.error is not None:
        text = {"status": answer.status, "type": body.get("__type"), "text": _message(body)}
        if operation in accepted.CONTROL_PLANE and text["text"]:
            text["text"] = _sorted_errors(text["text"])
        others = {key for key in body if key not in ("__type", "message", "Message")}
        # Which of the two spellings the message member has is part of the answer.
        spelling = [key for key in body if key.lower() == "message"]
        return text | {"member": spelling} | {key: body[key] for key in sorted(others)}
    return {"status": answer.status, "body": _ordered(operation, request, _without(body))}


def _message(body: dict[str, Any]) -> str | None:
    text = body.get("message", body.get("Message"))
    return None if text is None else WITHOUT_ORDER.sub(_sorted_braces, text)


def _sorted_braces(found: re.Match[str]) -> str:
    """`{#b, #a}` as `{#a, #b}`: the order of a Java set."""
    return "{" + ", ".join(sorted(found.group(1).split(", "))) + "}"


def _sorted_errors(text: str) -> str:
    """Several joined errors in a fixed order: AWS's order is not captured for the control plane."""
    lead, colon, errors = text.partition(" detected: ")
    return lead + colon + "; ".join(sorted(errors.split("; "))) if colon else text


def _without(body: Json) -> Json:
    """The answer with the identifiers and times replaced by their presence."""
    if isinstance(body, dict):
        return {
            key: "..." if key in IDENTIFIERS else _without(value)
            for key, value in body.items()
            if key not in ONE_SIDED and (key, value) != ("DeletionProtectionEnabled", False)
        }
    if isinstance(body, list):
        return [_without(value) for value in body]
    return body


def _ordered(operation: str, request: Json, body: Json) -> Json:
    """The answer with a fixed order where DynamoDB promises none."""
    if not isinstance(body, dict):
        return body
    if operation == "Scan" and ("ExclusiveStartKey" in request or "Limit" in request):
        return "some items, in the order of the server's own hashes"
    made = dict(body)
    if operation == "Scan" or (operation == "Query" and "IndexName" in request):
        if "Items" in made:
            made["Items"] = sorted((_sorted_sets(item) for item in made["Items"]), key=_text)
    if operation == "BatchGetItem":
        made["Responses"] = {
            table: sorted(items, key=_text) for table, items in made["Responses"].items()
        }
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for description in (made.get("Table"), made.get("TableDescription")):
            if description and member in description:
                description[member].sort(key=lambda index: index["IndexName"])
    for description in (made.get("Table"), made.get("TableDescription")):
        if description and "AttributeDefinitions" in description:
            description["AttributeDefinitions"].sort(key=lambda one: one["AttributeName"])
    return made


def _sorted_sets(value: Json) -> Json:
    """Scan returns sets in an order of its own (a Java hash order at AWS)."""
    if isinstance(value, dict):
        return {
            key: sorted(inner) if key in ("SS", "NS", "BS") and isinstance(inner, list)
            else _sorted_sets(inner)
            for key, inner in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [_sorted_sets(inner) for inner in value]
    return value
