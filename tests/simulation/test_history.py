"""Histories survive the way to a file and back, and what is no history is refused."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from simulation import example_histories
from simulation.history import (
    HistoryWriter,
    MalformedHistory,
    check_well_formed,
    events_of,
    merged,
    operations_of,
    read_events,
    write_events,
)


def invoke(time: int, process: str = "c1", operation: str = "read", argument: Any = None) -> Any:
    return {
        "event": "invoke",
        "process": process,
        "operation": operation,
        "key": "k",
        "argument": argument,
        "time": time,
    }


def end(time: int, process: str = "c1", outcome: str = "ok", result: Any = None) -> Any:
    return {
        "event": "return",
        "process": process,
        "outcome": outcome,
        "result": result,
        "time": time,
    }


def test_what_the_writer_writes_reads_back_as_operations() -> None:
    sink = io.StringIO()
    writer = HistoryWriter(sink, itertools.count(10).__next__)
    writer.invoke("c1", "write", "k", "v")
    writer.invoke("c2", "read", "k")
    writer.returned("c1", "ok")
    writer.returned("c2", "ok", {"value": "v"})
    writer.invoke("c1", "add", "n", 1)

    operations = operations_of(map(json.loads, sink.getvalue().splitlines()))

    assert [str(operation) for operation in operations] == [
        '[10 .. 12] c1 write "v"',
        '[11 .. 13] c2 read -> {"value": "v"}',
        "[14 .. ?] c1 add 1 (unknown)",
    ]
    assert operations[2].outcome == "unknown"
    assert operations[2].returned is None


@pytest.mark.parametrize("seed", range(5))
def test_a_history_survives_the_way_to_a_file_and_back(seed: int, tmp_path: Path) -> None:
    operations = example_histories.history(seed, operations=200, keys=3)
    path = tmp_path / "history.jsonl"

    write_events(path, events_of(operations))

    back = operations_of(read_events(path))
    assert sorted(back, key=str) == sorted(operations, key=str)


def test_a_last_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    whole = json.dumps(invoke(1, operation="write", argument="v")) + "\n"
    path.write_text(whole + '{"event": "ret')

    assert [one.outcome for one in operations_of(read_events(path))] == ["unknown"]


def test_histories_of_several_writers_become_one_in_order_of_time() -> None:
    events = merged([[invoke(1), end(5)], [invoke(2, "c2"), end(3, "c2")]])

    assert [event["time"] for event in events] == [1, 2, 3, 5]
    check_well_formed(events)


@pytest.mark.parametrize(
    "events, complaint",
    [
        ([invoke(1), invoke(2)], "event 2: c1 has an open operation already"),
        ([end(1)], "event 1: c1 has no open operation"),
        ([invoke(2), end(1)], "event 2: time goes back"),
        ([invoke(1, operation="append")], "event 1: no such operation"),
        ([invoke(1, operation="add", argument="1")], "event 1: no argument of this operation"),
        ([invoke(1, operation="add", argument=True)], "event 1: no argument of this operation"),
        ([invoke(1, operation="compare_and_set", argument="v")], "event 1: no argument of this"),
        ([invoke(1), end(2, outcome="maybe")], "event 2: no such outcome: maybe"),
        ([invoke(1), end(2, result="v")], "event 2: no result of read"),
        ([invoke(1), end(2, outcome="unknown", result={})], "event 2: no result of read"),
        ([invoke(1) | {"time": 1.5}], "event 1: time must be an integer"),
        ([{"event": "pause"}], "event 1: neither an invocation nor a return"),
    ],
)
def test_what_is_no_history_is_refused_with_its_place(events: list[Any], complaint: str) -> None:
    with pytest.raises(MalformedHistory) as refused:
        check_well_formed(events)

    assert str(refused.value).startswith(complaint)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text("{}\nnonsense\n")

    with pytest.raises(MalformedHistory, match=r"history\.jsonl:2"):
        read_events(path)
