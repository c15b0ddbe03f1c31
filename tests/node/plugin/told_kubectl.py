"""A `kubectl` that says what it was told to say, and remembers how it was called.

Used by the tests beside it: a program of its own, as the plugin runs it. What it was not told of it
refuses, as the real one refuses what it does not know.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROGRAM = """\
#!{python}
import json, sys
told = json.load(open({told!r}))
words = sys.argv[1:]
with open({calls!r}, "a") as calls:
    calls.write(json.dumps(words) + "\\n")
for beginning, answer in told:
    if [word for word in words if word in beginning] == beginning:
        sys.stdout.write(answer)
        sys.exit(0)
sys.stderr.write("refused: " + " ".join(words) + "\\n")
sys.exit(1)
"""


class ToldKubectl:
    """`tell` it what to answer to a call that has all these words, in their order."""

    def __init__(self, folder: Path) -> None:
        self._told = folder / "told.json"
        self._calls = folder / "calls"
        self._calls.touch()
        self.program = folder / "kubectl"
        text = PROGRAM.format(python=sys.executable, told=f"{self._told}", calls=f"{self._calls}")
        self.program.write_text(text)
        self.program.chmod(0o755)
        self._answers: list[tuple[list[str], str]] = []
        self._told.write_text("[]")

    def tell(self, words: list[str], answer: str) -> None:
        self._answers.append((words, answer))
        self._told.write_text(json.dumps(self._answers))

    def tell_items(self, kinds: str, *items: Any) -> None:
        self.tell(["get", kinds], json.dumps({"items": items}))

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self._calls.read_text().splitlines()]
