"""A fence is a word in a file: it goes up and down with it, and without it nobody is fenced."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stator_node.fence import Fence


@pytest.mark.parametrize(
    "word, is_up", [("true", True), ("disk\n", True), ("", False), ("false\n", False)]
)
def test_any_word_but_false_is_a_fence(tmp_path: Path, word: str, is_up: bool) -> None:
    file = tmp_path / "fenced"
    file.write_text(word)

    assert Fence(file).is_up() is is_up


def test_without_a_file_that_can_be_read_nobody_is_fenced(tmp_path: Path) -> None:
    assert not Fence(None).is_up()
    assert not Fence(tmp_path / "missing").is_up()
    assert not Fence(tmp_path).is_up()  # a folder


def test_who_waits_hears_of_it(tmp_path: Path) -> None:
    async def run() -> None:
        file = tmp_path / "fenced"
        fence = Fence(file, look_seconds=0.001)
        up = asyncio.ensure_future(fence.goes_up())
        await asyncio.sleep(0)
        assert not up.done()
        file.write_text("true")
        await up
        down = asyncio.ensure_future(fence.goes_down())
        await asyncio.sleep(0)
        assert not down.done()
        file.unlink()
        await down

    asyncio.run(run())
