"""The bytes between pods, version 1: golden bytes, HELLOs that are refused, sizes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stator_node.transport import frame_format
from stator_node.transport.frame_format import (
    ANSWER_HEADER,
    FRAME_BYTES_MAX,
    PARTITION_HEADER,
    REQUEST_HEADER,
    FrameRefused,
    Hello,
    Kind,
    Status,
    decode_hello,
    decode_refusal,
    encode_hello,
    encode_refusal,
    frame_header,
)

HELLO = Hello("cluster-1", "node-1", "node", "zone-a", "node-2", instance="one")


def frame(kind: Kind, *parts: bytes) -> bytes:
    header, size = frame_header(kind, parts)
    whole = b"".join((header, *parts))
    assert len(whole) == size
    return whole


def test_the_bytes_of_frames_never_change() -> None:
    request = frame(Kind.REQUEST, REQUEST_HEADER.pack(1, 7, 1, 2), b"{}")
    answer = frame(Kind.ANSWER, ANSWER_HEADER.pack(1, Status.REDIRECT), b"{}")
    raft = frame(Kind.RAFT, PARTITION_HEADER.pack(7), b"m")

    assert request == bytes.fromhex("00000015 06 0000000000000001 0000000000000007 01 02 7b7d")
    assert answer == bytes.fromhex("0000000c 07 0000000000000001 02 7b7d")
    assert raft == bytes.fromhex("0000000a 05 0000000000000007 6d")
    assert frame(Kind.PING) == bytes.fromhex("00000001 03")


def test_numbers_on_the_wire_never_change() -> None:
    assert {kind.name: kind.value for kind in Kind} == {
        "HELLO": 1,
        "REFUSED": 2,
        "PING": 3,
        "PONG": 4,
        "RAFT": 5,
        "REQUEST": 6,
        "ANSWER": 7,
    }
    assert [status.value for status in Status] == [0, 1, 2, 3, 4]
    assert frame_format.PROTOCOL_VERSION == 1
    assert frame_format.EVENTUAL == 1


def test_the_largest_frame_is_a_frame_and_a_larger_one_is_not() -> None:
    assert frame_header(Kind.RAFT, [bytes(FRAME_BYTES_MAX - 1)])[1] == 4 + FRAME_BYTES_MAX
    with pytest.raises(FrameRefused, match="the limit is"):
        frame_header(Kind.RAFT, [bytes(FRAME_BYTES_MAX)])


def test_a_hello_comes_back() -> None:
    assert encode_hello(HELLO) == (
        b'{"cluster_id":"cluster-1","sender_id":"node-1","role":"node","zone":"zone-a",'
        b'"receiver_id":"node-2","protocol":1,"instance":"one"}'
    )
    assert decode_hello(encode_hello(HELLO)) == HELLO


def test_every_process_is_an_instance_of_its_own() -> None:
    first, second = (Hello("c", "n", "node", "z") for _ in range(2))

    assert first.instance != second.instance


def test_a_hello_may_say_more_than_this_version_knows() -> None:
    members = orjson.loads(encode_hello(HELLO)) | {"colour": "blue"}

    assert decode_hello(orjson.dumps(members)) == HELLO


@pytest.mark.parametrize("protocol", [0, 2, "1", None])
def test_another_protocol_version_is_refused_by_name(protocol: Any) -> None:
    members = orjson.loads(encode_hello(HELLO)) | {"protocol": protocol}

    with pytest.raises(FrameRefused, match="this pod speaks 1; upgrade one version at a time"):
        decode_hello(orjson.dumps(members))


@pytest.mark.parametrize(
    "members",
    [
        {"cluster_id": ""},
        {"cluster_id": 5},
        {"sender_id": ""},
        {"sender_id": ["node-1"]},
        {"role": "king"},
        {"role": ["node"]},
        {"zone": None},
        {"receiver_id": 3},
        {"instance": {}},
    ],
)
def test_a_hello_with_a_strange_member_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(FrameRefused):
        decode_hello(orjson.dumps(orjson.loads(encode_hello(HELLO)) | members))


@pytest.mark.parametrize("member", ["cluster_id", "sender_id", "role", "zone", "protocol"])
def test_a_hello_without_a_member_is_refused(member: str) -> None:
    members = orjson.loads(encode_hello(HELLO))
    del members[member]

    with pytest.raises(FrameRefused):
        decode_hello(orjson.dumps(members))


@pytest.mark.parametrize("payload", [b"", b"null", b"[1]", b'"x"', b"[" * 100_000, b"\xff\xfe"])
def test_bytes_that_are_no_hello_are_refused(payload: bytes) -> None:
    with pytest.raises(FrameRefused, match="no HELLO"):
        decode_hello(payload)


@given(st.binary(max_size=100))
def test_a_refusal_always_has_a_reason(payload: bytes) -> None:
    assert isinstance(decode_refusal(payload), str)
    assert decode_refusal(encode_refusal("not you")) == "not you"
