"""Pages whose commands need a cluster: the blocks marked `in a cluster`, run as they are printed.

In: a page, a folder to run it in, and a kubectl of the cluster. All blocks run in order in one
shell. Used by the tests of those pages in this folder; tests/docs runs all other blocks.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from docs.pages import blocks
from testbed.kubectl import Kubectl

PAGE_SECONDS = 600
MARK = "--- block done ---"


def run_page(
    page: Path,
    folder: Path,
    kubectl: Kubectl,
    programs: dict[str, Path] | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """Run its blocks; all that they printed. Fails the test where one fails or prints otherwise.

    `programs`: further ones on the path; `environment`: what the reader has set by then.
    """
    found = [block for block in blocks(page) if block.in_cluster]
    script = "\n".join(["set -eu", *(f"{block.text}echo '{MARK}'" for block in found)])
    given = _environment(folder, kubectl, programs or {}) | (environment or {})
    said = _run(script, folder, given)
    for block, printed in zip(found, said.split(f"{MARK}\n"), strict=False):
        if block.output is not None:
            assert printed.strip() == block.output.strip(), block.text
    return said


def _environment(folder: Path, kubectl: Kubectl, programs: dict[str, Path]) -> dict[str, str]:
    own = folder / "bin"
    own.mkdir()
    for name, path in {"kubectl": kubectl.program, **programs}.items():
        (own / name).symlink_to(path)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "PATH": f"{own}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(kubectl.kubeconfig),
        "HOME": str(folder),
        "AWS_PAGER": "",
        "PYTHONWARNINGS": "ignore",
    }


def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    printed, complaints = folder / "printed", folder / "complaints"
    # Files, not pipes: a program that the page leaves running keeps them open.
    with printed.open("wb") as output, complaints.open("wb") as errors:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
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
    return said
