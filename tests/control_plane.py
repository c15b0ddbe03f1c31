"""Table operations as the conformance tests ask them, their bodies made of few words.

Made by the fixture `control` of `conformance/conftest.py`. A refusal is compared as one line of
text, as in `item_table.py`. What is created here is deleted when the test's module is done.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from typing import Any

import blackbox
from item_table import refusal_of
from raw_connection import at_once

Members = dict[str, Any]
ALL: Members = {"ProjectionType": "ALL"}
UNITS: Members = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
numbers = itertools.count()


def attributes(**types: str) -> list[dict[str, str]]:
    """AttributeDefinitions: `attributes(pk="S")`."""
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def keys(hash_: str, range_: str = "") -> list[dict[str, str]]:
    """A KeySchema; several attributes of one role are separated by blanks."""
    return [
        {"AttributeName": name, "KeyType": role}
        for role, names in (("HASH", hash_), ("RANGE", range_))
        for name in names.split()
    ]


def index(name: str, hash_: str, range_: str = "", **members: Any) -> Members:
    """An index that projects everything unless told otherwise."""
    return {"IndexName": name, "KeySchema": keys(hash_, range_), "Projection": ALL} | members


def table_body(**members: Any) -> Members:
    """CreateTable of an on-demand table with the HASH key `pk`; a member of None is left out."""
    body: Members = {
        "TableName": "never-created",
        "AttributeDefinitions": attributes(pk="S"),
        "KeySchema": keys("pk"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    return {name: member for name, member in (body | members).items() if member is not None}


def provisioned(**members: Any) -> Members:
    """The same with five units of each kind."""
    return table_body(**{"BillingMode": None, "ProvisionedThroughput": UNITS} | members)


@dataclass
class ControlPlane:
    """The table operations of a server; `created` are the tables still to be deleted."""

    client: Any
    connection: blackbox.Connection
    created: list[str] = field(default_factory=list)

    def new_name(self) -> str:
        return f"control.{os.getpid()}.{next(numbers)}"

    def begin(self, body: Members) -> Members:
        """Create a table under a name of its own; the TableDescription at once."""
        name = self.new_name()
        self.created.append(name)
        answer = self.client.create_table(**body | {"TableName": name})
        return dict(answer["TableDescription"])

    def create(self, **members: Any) -> str:
        """Create an on-demand table unless told otherwise; its name once it is ACTIVE."""
        return self.settled(self.begin(table_body(**members)))

    def provision(self, **members: Any) -> str:
        """The same with provisioned units."""
        return self.settled(self.begin(provisioned(**members)))

    def settled(self, description: Members) -> str:
        name: str = description["TableName"]
        blackbox.wait_until_active(self.client, name)
        return name

    def describe(self, name: str) -> Members:
        return dict(self.client.describe_table(TableName=name)["Table"])

    def update(self, name: str, **members: Any) -> Members:
        """Change a table; the TableDescription at once."""
        return dict(self.client.update_table(TableName=name, **members)["TableDescription"])

    def updated(self, name: str, **members: Any) -> Members:
        """Change a table; its description once it is ACTIVE."""
        self.update(name, **members)
        blackbox.wait_until_active(self.client, name)
        return self.describe(name)

    def gone(self, name: str) -> None:
        """Wait until a deleted table is no longer described."""

        def look() -> bool | None:
            answer = self.connection.call("DescribeTable", {"TableName": name})
            return True if answer.error == "ResourceNotFoundException" else None

        blackbox.wait_for(look, f"table {name} gone")

    def refusal(self, operation: str, **body: Any) -> str:
        """Name and message of the error that JSON as it stands ends in."""
        return refusal_of(self.connection.call(operation, body))

    def at_once(self, *requests: tuple[str, Members]) -> list[str | None]:
        """Requests that arrive in one piece, so that no state passes between them.

        The first must succeed; None or the refusal of each of the others.
        """
        first, *others = at_once(self.connection.address, *requests)
        assert first.error is None, first.body
        return [None if answer.error is None else refusal_of(answer) for answer in others]

    def just_begun(
        self, *requests: tuple[str, Members], **members: Any
    ) -> tuple[str, list[str | None]]:
        """Create a table and send more, which get its name, while it is CREATING.

        Returns the name of the table, ACTIVE by then, and what each of the others came to.
        """
        name = self.new_name()
        self.created.append(name)
        named = [(operation, {"TableName": name} | body) for operation, body in requests]
        outcomes = self.at_once(("CreateTable", table_body(TableName=name, **members)), *named)
        blackbox.wait_until_active(self.client, name)
        return name, outcomes

    def delete_all(self) -> None:
        for name in self.created:
            if self.connection.call("DescribeTable", {"TableName": name}).error is not None:
                continue
            blackbox.wait_until_active(self.client, name)
            if self.describe(name)["DeletionProtectionEnabled"]:
                self.update(name, DeletionProtectionEnabled=False)
            self.client.delete_table(TableName=name)
