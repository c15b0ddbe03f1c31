"""Every command on every page works as it is printed.

The blocks of a page run in order in one shell, in an empty folder, beside a server on free ports
that keeps its data in `data` there, as `make run` has it. Ports 8000 and 8001 of the page become
the server's; nothing else is changed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import blackbox
from docs.pages import ROOT, Block, blocks, name_of, pages, runnable

PAGE_SECONDS = 100
PAGES = [page for page in pages() if runnable(page)]
MARK = "--- block done ---"
SERVER = "local --folder data --port 8000 --grpc-port 8001"
OWN_SERVER = "<!-- no server: "  # on pages whose commands start one themselves


class Machine:
    """A folder, two ports, and perhaps a server there, as a reader of the page has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http_port, self.grpc_port = blackbox.free_port(), blackbox.free_port()
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.folder / "server.log"
        with log.open("wb") as output:
            self.server = subprocess.Popen(
                [blackbox.STATOR, *self.local(SERVER).split()],
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )
        # A page may end it, and then see that it is gone: somebody must take its exit code.
        threading.Thread(target=self.server.wait).start()
        blackbox.wait_for(
            lambda: True if "Stator is ready" in log.read_text() else None, "the page's server"
        )

    def stop(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def local(self, text: str) -> str:
        """The text with this machine's ports and programs."""
        ports = text.replace("8000", str(self.http_port)).replace("8001", str(self.grpc_port))
        return ports.replace(".venv/bin/", "")

    def run(self, page: list[Block]) -> list[str]:
        """Run the blocks; what each printed. Fails the test where one of them fails."""
        script = ["set -eu"]
        for block in page:
            script += [self._shell(block), f"echo '{MARK}'"]
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        printed, complaints = self.folder / "printed", self.folder / "complaints"
        # Files, not pipes: a program that the page leaves running keeps them open.
        with printed.open("wb") as output, complaints.open("wb") as errors:
            process = subprocess.Popen(
                ["bash", "-c", "\n".join(script)],
                cwd=self.folder,
                env=environment | {"PATH": programs, "AWS_PAGER": "", "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            try:
                code = process.wait(PAGE_SECONDS)
            finally:
                # What still runs is of the session that was made for the page.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said = printed.read_text()
        assert code == 0, f"{said}\n{complaints.read_text()}"
        return said.split(f"{MARK}\n")

    def _shell(self, block: Block) -> str:
        text = self.local(block.text)
        if block.language == "python":
            return f"python - <<'END-OF-PYTHON'\n{text}END-OF-PYTHON"
        return text


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.stop()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page_work_as_printed(page: Path, machine: Machine) -> None:
    if OWN_SERVER not in page.read_text(encoding="utf-8"):
        machine.start()
    found = runnable(page)

    printed = machine.run(found)

    for block, said in zip(found, printed, strict=False):
        if block.output is not None:
            assert said.strip() == machine.local(block.output).strip(), block.text


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    silent = [
        block.text
        for block in blocks(page)
        if block.language in ("", "bash", "shell", "console") and block.reason is None
    ]

    assert silent == [], "call it sh, python, output or text, or say why it is not run"


def test_the_front_page_begins_with_two_commands_that_the_makefile_has() -> None:
    first = blocks(ROOT / "README.md")[0]
    commands = [line.split("#")[0].strip() for line in first.text.splitlines()]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert commands == ["make run", "make test"]
    for command in commands:
        assert f"\n{command.split()[1]}:" in makefile
