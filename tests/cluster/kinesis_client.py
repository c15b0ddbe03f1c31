"""The Kinesis Client Library with its adapter for DynamoDB Streams, as a process of its own.

AWS's own consumer, in Java, as it was and as it is: what runs on DynamoDB must run here. For each
version there is a program beside this file, with the libraries that Maven fetches once, kept in the
cache folder under the hash of its sources. Whoever has no Java or no Maven gets `NoJava`, and the
test is skipped with its text.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from blackbox import CACHE

SOURCES = Path(__file__).resolve().parent / "kinesis_client"
VERSIONS = ("version1", "version3")  # of the library
PROGRAM = "StreamFollower"
BUILD_SECONDS = 600.0
STOP_SECONDS = 30.0


class NoJava(Exception):
    """There is no Java, or no Maven, on this machine."""


class BuildFailed(Exception):
    """The program could not be built; the text is that of the tool."""


def program(version: str) -> Path:
    """The folder of a built program. Raises NoJava, BuildFailed."""
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            raise NoJava(
                f"the Kinesis Client Library needs Java 17 and Maven: there is no `{tool}` on the "
                "path (apt-get install openjdk-17-jdk-headless maven)"
            )
    sources = [SOURCES / version / "pom.xml", SOURCES / version / f"{PROGRAM}.java"]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    built = CACHE / f"kinesis-client-{digest}"
    if not built.exists():
        # Two test workers may build at once: each moves its own into place.
        own = built.with_name(f"{built.name}.{os.getpid()}")
        own.mkdir(parents=True)
        _build(*sources, own)
        try:
            own.rename(built)
        except OSError:  # The other one was first.
            shutil.rmtree(own)
    return built


def _build(project: Path, source: Path, folder: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    _run(["mvn", "--quiet", "--batch-mode", "--file", str(project), *goal])
    _run(["javac", "-cp", f"{folder}/*", "-d", str(folder), str(source)])


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"{command[0]}: {done.stdout}{done.stderr}")


@dataclass(frozen=True, slots=True)
class Record:
    """A change as the library handed it on. `count` is the number that the item has since."""

    shard: str
    number: str
    event: str
    key: str
    count: int


class Follower:
    """A running consumer. `lines` is what it has said so far."""

    def __init__(self, version: str, url: str, arn: str, folder: Path) -> None:
        """An application has its places in tables: of one version, each goes on for the last."""
        built, application = program(version), f"follower-{version}"
        self.lines: list[str] = []
        self.log = folder / f"{application}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["java", "-cp", f"{built}:{built}/*", PROGRAM, url, arn, application],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.strip())

    @property
    def records(self) -> list[Record]:
        words = [line.split(" ") for line in self.lines if line.startswith("record ")]
        return [Record(*each[1:5], count=int(each[5])) for each in words]

    def stop(self) -> int:
        """Have it checkpoint and end. Returns its exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._ended()

    def kill(self) -> None:
        """kill -9; nothing of a process that has ended."""
        self._process.kill()
        self._ended()

    def _ended(self) -> int:
        process = self._process
        try:
            return process.wait(STOP_SECONDS)
        finally:
            process.kill()
            self._reading.join()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
