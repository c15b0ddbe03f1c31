"""Access keys: where they come from, what is refused, and how a changed file is taken over."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from stator_node.gateway.access_keys import (
    ENVIRONMENT_VARIABLE,
    AccessKey,
    AccessKeys,
    AccessKeysRefused,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    return path


def change(path: Path, text: str) -> None:
    """Write the file so that it looks changed, however coarse the file system's clock is."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))


def test_lines_of_a_file_are_key_pairs(path: Path) -> None:
    path.write_text("# who\n\nAKIA1 one\n  AKIA2\ttwo/2+=  \n")
    keys = AccessKeys.from_file(path)

    assert keys.find("AKIA1") == AccessKey("AKIA1", "one")
    assert keys.find("AKIA2") == AccessKey("AKIA2", "two/2+=")
    assert keys.find("AKIA3") is None
    assert not keys.accepts_any


def test_json_has_the_members_that_aws_prints_for_temporary_credentials(path: Path) -> None:
    path.write_text(
        '[{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t",'
        '"Expiration":"2027-01-15T08:00:00Z"},{"AccessKeyId":"B","SecretAccessKey":"s2"}]'
    )
    keys = AccessKeys.from_file(path)

    assert keys.find("A") == AccessKey("A", "s", "t", 1_800_000_000.0)
    assert keys.find("B") == AccessKey("B", "s2")


def test_the_environment_holds_pairs_with_colons() -> None:
    keys = AccessKeys.from_environment("id:secret, id2:with:colon ,")

    assert keys.find("id") == AccessKey("id", "secret")
    assert keys.find("id2") == AccessKey("id2", "with:colon")


def test_a_file_goes_before_the_environment_and_without_both_any_key_is_taken(path: Path) -> None:
    path.write_text("AKIA1 one\n")
    environment = {ENVIRONMENT_VARIABLE: "AKIA2:two"}

    assert AccessKeys.load(path, environment).find("AKIA2") is None
    assert AccessKeys.load(None, environment).find("AKIA2") is not None
    assert AccessKeys.load(None, {}).accepts_any
    assert AccessKeys.load(None, {ENVIRONMENT_VARIABLE: " "}).accepts_any


@pytest.mark.parametrize(
    "text, reason",
    [
        ("AKIA1 one two\n", "line 1: not `access_key_id secret_access_key`"),
        ("AKIA1 one\nAKIA1 two\n", "line 2: AKIA1 is there twice"),
        ("a/b one\n", "line 1: an access key id has no slashes, commas or blanks"),
        ("[1]", "entry 1: not an object"),
        ("[", "not JSON"),
        ('{"AccessKeyId":"A"}', "entry 1: SecretAccessKey is not a string"),
        ('{"AccessKeyId":"A","SecretAccessKey":""}', "an empty access key id or secret"),
        (
            '{"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"soon"}',
            "entry 1: Expiration is not ISO 8601",
        ),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place(
    path: Path, text: str, reason: str
) -> None:
    path.write_text(text)

    with pytest.raises(AccessKeysRefused) as refused:
        AccessKeys.from_file(path)
    assert reason in str(refused.value)


def test_a_missing_file_and_a_pair_without_colon_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessKeysRefused):
        AccessKeys.from_file(tmp_path / "none")
    with pytest.raises(AccessKeysRefused):
        AccessKeys.from_environment("id")


def test_a_changed_file_is_taken_over_and_the_generation_tells(path: Path) -> None:
    path.write_text("AKIA1 one\n")
    keys = AccessKeys.from_file(path)
    keys.reload()
    assert keys.generation == 0

    change(path, "AKIA2 two\n")
    keys.reload()

    assert keys.generation == 1
    assert keys.find("AKIA1") is None
    assert keys.find("AKIA2") is not None


def test_a_file_that_became_unreadable_changes_nothing(path: Path) -> None:
    """Nobody is locked out by a half-written file or by a volume that is away."""
    path.write_text("AKIA1 one\n")
    keys = AccessKeys.from_file(path)

    change(path, "AKIA2\n")
    keys.reload()
    path.unlink()
    keys.reload()

    assert keys.find("AKIA1") is not None
    assert keys.generation == 0


def test_a_file_that_others_can_read_is_warned_about_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("AKIA1 one\n")
    path.chmod(0o644)
    keys = AccessKeys.from_file(path)
    change(path, "AKIA2 two\n")
    with caplog.at_level(logging.WARNING):
        keys.reload()

    warnings = [record for record in caplog.records if "can be read by others" in record.message]
    assert len(warnings) == 1


def test_a_secret_never_shows_in_a_printed_key() -> None:
    key = AccessKey("AKIA1", "very secret", "very token")

    assert "very" not in repr(key)
