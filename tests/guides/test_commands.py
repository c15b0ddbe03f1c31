"""What guides tell a newcomer to type works, and answers as the guide says.

Each section of `commands.py` runs in order through the real AWS CLI, in a shell, on a server of its
own. The endpoint comes from the environment (or replaces the one in the command); nothing else of a
command is changed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import blackbox
from blackbox import Start, wait_until_active
from guides.commands import ANY, SECTIONS, WAITING, Command, Json, Section

COMMAND_SECONDS = 60


@pytest.fixture
def server(start_stator: Start) -> blackbox.Stator:
    return start_stator()


@pytest.fixture
def client(server: blackbox.Stator) -> Iterator[Any]:
    made = blackbox.boto3_client(server.url)
    yield made
    made.close()


def run(command: Command, server: blackbox.Stator, folder: Path) -> subprocess.CompletedProcess:
    """Run the command in a shell, as a person would after `aws configure`."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_DEFAULT_OUTPUT": "json",
        "AWS_ENDPOINT_URL_DYNAMODB": server.url,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    text = command.shell.replace("http://localhost:8000", server.url)
    return subprocess.run(
        ["bash", "-c", text],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def missing(expected: Json, found: Json, at: str = "") -> list[str]:
    """Where the answer lacks what is expected of it; other members of it do not matter."""
    if expected is ANY:
        return [] if found is not None else [f"{at}: nothing"]
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for key, value in expected.items()
            for line in (
                missing(value, found[key], f"{at}.{key}") if key in found else [f"{at}.{key}: no"]
            )
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for i, (e, f) in pairs for line in missing(e, f, f"{at}[{i}]")]
    return [] if expected == found else [f"{at}: {found!r} instead of {expected!r}"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_the_commands_of_a_guide_answer_as_it_says(
    section: Section, server: blackbox.Stator, client: Any, tmp_path: Path
) -> None:
    for definition in section.tables:
        client.create_table(**definition)
        wait_until_active(client, definition["TableName"])
    for name, items in section.items.items():
        for item in items:
            client.put_item(TableName=name, Item=item)
    for command in section.commands:
        done = run(command, server, tmp_path)
        if command.error is not None:
            assert command.error in done.stderr, (command.shell, done)
            continue
        assert done.returncode == 0, (command.shell, done.stderr)
        answer = json.loads(done.stdout) if done.stdout.strip() else None
        assert missing(command.answer, answer) == [], command.shell
        for name in client.list_tables()["TableNames"]:
            wait_until_active(client, name)


def test_no_command_of_the_guides_is_left_out_without_a_reason() -> None:
    """What does not run here waits for a feature that is named."""
    assert all(commands for commands in WAITING.values())
    assert all(command.flaw for s in SECTIONS for command in s.commands if command.mended)
