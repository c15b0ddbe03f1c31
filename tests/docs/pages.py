"""The pages of this tree that users read, and the blocks of commands on them.

Used by the tests beside it. A fenced block of `sh`, `console` or `python` is run by
`test_commands.py` unless the line before it says `<!-- not run: REASON -->`. A block of `output`
right after one is what it must print. What is marked `<!-- in a cluster: WHAT FOR -->` is run by
tests/kubernetes, on a cluster of three zones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ("sh", "python")
COMMANDS = (*RUN, "console", "bash", "shell")
_FENCE = re.compile(
    r"^(?:<!-- (?P<where>not run|in a cluster): (?P<reason>[^\n]+) -->\n)?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass
class Block:
    """One fenced block. `reason`: why it is not run; `output`: what it must print."""

    language: str
    text: str
    reason: str | None
    output: str | None = None
    in_cluster: bool = False


def pages() -> list[Path]:
    """Every page for users: the front pages and everything under docs/."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in order, each `output` joined to the block before it."""
    found: list[Block] = []
    for fence in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if fence["language"] == "output":
            found[-1].output = fence["text"]
        else:
            in_cluster = fence["where"] == "in a cluster"
            block = Block(fence["language"], fence["text"], fence["reason"], in_cluster=in_cluster)
            found.append(block)
    return found


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.language in RUN and block.reason is None]


def table_rows(text: str, first_cell: str) -> list[list[str]]:
    """The rows of the Markdown table whose head begins with this cell."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first_cell} |"):
            break
    else:
        raise AssertionError(f"no table that begins with {first_cell}")
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows
