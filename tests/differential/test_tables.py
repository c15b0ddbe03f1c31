"""Stator makes, changes, describes and deletes tables as Dynoxide does, and refuses as it does."""

from __future__ import annotations

import time

import hypothesis
from hypothesis import strategies as st

from blackbox import Connection
from differential.compare import Pair
from differential.mistakes import spoilt
from differential.requests import Request
from differential.tables import NAMES, any_table_request

SETTLE_SECONDS = 5.0


def settle(connection: Connection) -> None:
    """Wait until no table is between two states."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        answers = [connection.call("DescribeTable", {"TableName": name}) for name in NAMES]
        tables = [answer.body["Table"] for answer in answers if answer.error is None]
        statuses = {table["TableStatus"] for table in tables}
        for table in tables:
            statuses |= {one["IndexStatus"] for one in table.get("GlobalSecondaryIndexes", ())}
        if statuses <= {"ACTIVE"}:
            return
        time.sleep(0.005)
    raise AssertionError(f"tables did not settle in {SETTLE_SECONDS} s")


def clear(connection: Connection) -> None:
    for name in NAMES:
        connection.call("UpdateTable", {"TableName": name, "DeletionProtectionEnabled": False})
        settle(connection)
        connection.call("DeleteTable", {"TableName": name})
    settle(connection)


def play(pair: Pair, requests: list[Request], after: str | None = None) -> None:
    for connection in (pair.stator, pair.dynoxide):
        clear(connection)
    for operation, body in requests:
        same = pair.agree(operation, body, after)
        if not same:
            return  # One of them may have changed something that the other did not.
        for connection in (pair.stator, pair.dynoxide):
            settle(connection)
    for name in NAMES:
        pair.agree("DescribeTable", {"TableName": name})


@hypothesis.given(st.lists(any_table_request(), min_size=1, max_size=6))
def test_both_treat_tables_alike(pair: Pair, requests: list[Request]) -> None:
    play(pair, requests)


@hypothesis.given(st.lists(spoilt(any_table_request()), min_size=1, max_size=4))
def test_both_refuse_spoilt_requests_alike(pair: Pair, requests: list[Request]) -> None:
    play(pair, requests, after="several mistakes")
