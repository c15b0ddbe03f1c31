"""Raft by transcript: each file of testdata/ is named for what it shows, and reads as a story."""

from __future__ import annotations

from pathlib import Path

import pytest
from interaction import Environment

TRANSCRIPTS = sorted((Path(__file__).parent / "testdata").glob("*.txt"))
SEPARATOR = "----"


def run_transcript(text: str) -> str:
    """The transcript with the output that its commands have now."""
    environment = Environment()
    written: list[str] = []
    commands: list[str] = []
    in_output = False
    for line in text.splitlines():
        if in_output:
            in_output = bool(line.strip())
            if not in_output:
                written.append("")
        elif line == SEPARATOR:
            written += [*commands, SEPARATOR, *environment.run_block(commands).splitlines()]
            commands, in_output = [], True
        elif not line.strip() or line.startswith("#"):
            assert not commands, f"no {SEPARATOR} after {commands}"
            written.append(line)
        else:
            commands.append(line)
    assert not commands, f"no {SEPARATOR} after {commands}"
    return "\n".join(written).rstrip() + "\n"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_replicas_do_exactly_what_the_transcript_says(path: Path, rewrite: bool) -> None:
    expected = path.read_text(encoding="utf-8")
    actual = run_transcript(expected)

    if rewrite:
        path.write_text(actual, encoding="utf-8")
    else:
        assert actual.splitlines() == expected.splitlines()


def test_there_is_a_transcript_for_every_promise() -> None:
    assert len(TRANSCRIPTS) >= 25
    assert all(path.read_text(encoding="utf-8").startswith("# ") for path in TRANSCRIPTS)
