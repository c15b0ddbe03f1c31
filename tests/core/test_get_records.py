"""GetRecords: how much fits an answer, and when a reader is told that a shard is at its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from small_stream import NOW, STREAM_ARN, change, music_stream
from stator_core.change_format import Change
from stator_core.clock import stamp_at
from stator_core.errors import ValidationException
from stator_core.requests.get_records import PAGE_RECORDS, FeedPage, RecordsAnswer, parse
from stator_core.stream import ShardIterator, read_iterator

STREAM = music_stream()
(SHARD,) = STREAM.shards
FIRST = stamp_at(NOW)
ITERATOR = ShardIterator(STREAM_ARN, SHARD.shard_id, FIRST, NOW, NOW << 16, skips=True)
BEGIN = "1 validation error detected: Value "
FAILED = " failed to satisfy constraint: Member must "


def changes(count: int, characters: int = 1) -> list[Change]:
    """As many puts of new items."""
    return [
        change(
            FIRST + number,
            None,
            {"pk": {"S": "a"}, "sk": {"N": str(number)}, "s": {"S": "x" * characters}},
        )
        for number in range(count)
    ]


def answer(
    found: list[Change], *, more: bool = False, ended: bool = False, **members: Any
) -> tuple[int, ShardIterator | None]:
    """How many records come, and the iterator that follows."""
    request = parse({"ShardIterator": ITERATOR.encode(), **members})
    page = FeedPage(FIRST, found, more, ended)
    growing = RecordsAnswer(request, STREAM, SHARD, FIRST)
    growing.take(page)
    assert growing.complete is (not more or len(found) > request.limit)
    given = growing.answer(NOW + 5)
    assert set(given) <= {"Records", "NextShardIterator"}
    text = given.get("NextShardIterator")
    return len(given["Records"]), None if text is None else read_iterator(text)


def following(stamp: int, *, skips: bool) -> ShardIterator:
    return replace(ITERATOR, position=stamp, issued_milliseconds=NOW + 5, skips=skips)


def test_an_open_shard_goes_on_behind_its_last_record() -> None:
    """19.8"""
    assert answer(changes(3)) == (3, following(FIRST + 3, skips=True))
    assert answer([]) == (0, following(FIRST, skips=True))


def test_a_page_that_is_cut_goes_on_where_it_was_cut() -> None:
    """19.8"""
    assert answer(changes(3), Limit=2) == (2, following(FIRST + 2, skips=False))
    assert answer(changes(3), more=True) == (3, following(FIRST + 3, skips=False))
    assert answer(changes(3), more=True, ended=True)[1] is not None
    assert answer(changes(3), ended=True, Limit=2)[1] is not None


def test_of_a_closed_shard_nothing_follows_its_last_record() -> None:
    """19.8"""
    assert answer(changes(3), ended=True) == (3, None)
    assert answer(changes(3), ended=True, Limit=3) == (3, None)
    assert answer([], ended=True) == (0, None)


def test_an_answer_has_up_to_a_megabyte_and_one_record_at_least() -> None:
    """19.8"""
    assert answer(changes(5, 300_000))[0] == 3
    assert answer(changes(2, 1_100_000)) == (1, following(FIRST + 1, skips=False))


@pytest.mark.parametrize(
    "members, message",
    [
        ({"ShardIterator": None}, f"{BEGIN}null at 'shardIterator'{FAILED}not be null"),
        (
            {"ShardIterator": ""},
            f"{BEGIN}at 'shardIterator'{FAILED}have length greater than or equal to 1",
        ),
        (
            {"ShardIterator": "x" * 2049},
            f"{BEGIN}at 'shardIterator'{FAILED}have length less than or equal to 2048",
        ),
        ({"ShardIterator": "x" * 2048}, "Invalid ShardIterator"),
        ({"Limit": 0}, f"{BEGIN}at 'limit'{FAILED}have value greater than or equal to 1"),
        ({"Limit": 1001}, f"{BEGIN}at 'limit'{FAILED}have value less than or equal to 1000"),
    ],
)
def test_refusals(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException) as refused:
        parse({"ShardIterator": ITERATOR.encode(), **members})
    assert refused.value.message == message


def test_an_answer_grows_page_by_page_until_it_has_enough() -> None:
    request = parse({"ShardIterator": ITERATOR.encode(), "Limit": PAGE_RECORDS + 50})
    growing = RecordsAnswer(request, STREAM, SHARD, FIRST)
    found = changes(PAGE_RECORDS + 60)
    assert growing.wanted == PAGE_RECORDS
    growing.take(FeedPage(FIRST, found[:PAGE_RECORDS], True, False))
    assert not growing.complete
    assert (growing.wanted, growing.position) == (50, FIRST + PAGE_RECORDS)
    growing.take(FeedPage(growing.position, found[PAGE_RECORDS:-10], True, False))
    assert growing.complete
    answer = growing.answer(NOW)
    assert len(answer["Records"]) == PAGE_RECORDS + 50
    assert read_iterator(answer["NextShardIterator"]).position == FIRST + PAGE_RECORDS + 50
