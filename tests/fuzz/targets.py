"""What is fuzzed: each target takes any bytes, and raises only when something is wrong.

A target turns the bytes into what a client can send to one border of Stator and hands it over. The
border may answer or refuse (a DynamoDBError, or the refusal that its module documents); anything
else that it raises is a finding, and so is a broken promise that a target asserts. `run.py` drives
the targets with atheris, the tests beside it with hypothesis. `SEEDS` are inputs that reach deep.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import orjson
from google.protobuf.message import DecodeError

from fuzz import seeds
from fuzz.mutation import mutate
from fuzz.world import ACCOUNT, ITEMS, World, run
from stator_core.errors import DynamoDBError, InternalServerError, ValidationException
from stator_core.expressions.evaluate import compile_condition
from stator_core.expressions.key_condition import compile_key_condition
from stator_core.expressions.projection import compile_projection
from stator_core.expressions.substitutions import Layer, Substitutions
from stator_core.expressions.update import compile_update
from stator_core.item import validate_item
from stator_core.item_format import Damaged, read
from stator_core.limits import NESTING_LEVELS_MAX
from stator_core.table import KeyAttribute, KeySchema
from stator_node.gateway.access_keys import AccessKeys, AccessKeysRefused, parse_file
from stator_node.gateway.grpc_convert import (
    JSON,
    OPERATIONS,
    PYTHON,
    NotInContract,
    Operation,
)
from stator_node.gateway.http_limits import HttpLimits
from stator_node.gateway.http_parser import Refused, RequestParser
from stator_node.gateway.http_request import NotAnOperation, RequestReader
from stator_node.gateway.sigv4 import SignatureVerifier
from stator_node.memory import ManualClock

Target = Callable[[bytes], None]
JSON_NESTING_MAX = 120  # of what the converters are given: Python's own stack is not the subject

NAMES = {"#n": "c", "#o": "n"}
VALUES: dict[str, Any] = {
    ":v": {"N": "1"},
    ":w": {"S": "x"},
    ":p": {"S": "p"},
    ":t": {"S": "N"},
    ":s": {"SS": ["u"]},
    ":l": {"L": [{"N": "2"}]},
    ":b": {"B": "YQ=="},
    ":m": {"M": {"n": {"S": "o"}}},
}
SCHEMAS = (
    KeySchema((KeyAttribute("pk", "S"),), (KeyAttribute("sk", "N"),)),
    KeySchema((KeyAttribute("pk", "S"),), ()),
)
OPERATION_NAMES = tuple(sorted(OPERATIONS))
REQUEST = (
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-amz-json-1.0\r\n"
    b"X-Amz-Target: DynamoDB_20120810.PutItem\r\nX-Amz-Date: 20270115T080000Z\r\n"
    b"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20270115/eu-west-2/dynamodb/aws4_request, "
    b"SignedHeaders=host;x-amz-date, Signature=" + b"0" * 64 + b"\r\n"
)


def check_error(error: DynamoDBError) -> None:
    """A client's mistake, not ours, and one that can be written down."""
    assert not isinstance(error, InternalServerError)
    assert orjson.dumps(error.body())
    assert error.message != ""


def check_text(text: str) -> None:
    assert text, "a refusal without a reason"


# ---------------------------------------------------------------------------------- the HTTP door


class Requests:
    """The sink of a parser: reads each request as the door does, and notes what came of it."""

    def __init__(self, reader: RequestReader) -> None:
        self._reader = reader
        self.noted: list[Any] = []

    def request_received(
        self, method: bytes, url: bytes, headers: Any, body: Any, keep_alive: bool
    ) -> None:
        self.noted.append((method, url, dict(headers), bytes(body), keep_alive))
        try:
            operation, document, _ = self._reader.read(method, url, headers, body)
            self.noted.append((operation, document))
        except DynamoDBError as error:
            check_error(error)
            self.noted.append(error.body())
        except NotAnOperation as other:
            self.noted.append(other.answer.status)

    def continue_expected(self) -> None:
        self.noted.append("continue")


def _verifier(*, any_key: bool) -> SignatureVerifier:
    keys = AccessKeys.any_key() if any_key else AccessKeys.from_environment("AKIA:secret")
    return SignatureVerifier(keys, ManualClock(1_800_000_000.0), account=ACCOUNT)


_LIMITS = HttpLimits()
_READERS = tuple(
    RequestReader(
        {"PutItem", "ListTables", "GetRecords"},
        _verifier(any_key=any_key).verify,
        "eu-west-2",
        _LIMITS,
    )
    for any_key in (True, False)
)


def _parse(data: bytes, slice_bytes: int, reader: RequestReader) -> list[Any]:
    sink = Requests(reader)
    parser = RequestParser(sink, _LIMITS)
    try:
        for start in range(0, len(data), slice_bytes):
            parser.feed(data[start : start + slice_bytes])
    except Refused as refused:
        sink.noted.append(refused.answer.status)
    parser.close()
    return sink.noted


def http(data: bytes) -> None:
    """Bytes of a connection: refused or read, and the same however the network cuts them."""
    if not data:
        return
    reader, slice_bytes, stream = _READERS[data[0] & 1], 1 + data[0] // 2, data[1:8_001]
    assert _parse(stream, slice_bytes, reader) == _parse(stream, len(stream) + 1, reader)


def signature(data: bytes) -> None:
    """A query string and header lines: nobody without the secret gets in."""
    query, *lines = data.split(b"\n")
    pairs = (line.partition(b":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    for any_key in (True, False):
        try:
            caller = _verifier(any_key=any_key).verify(b"POST", b"/?" + query, headers, b"{}")
        except DynamoDBError as error:
            check_error(error)
            continue
        assert any_key, f"{caller} signed nothing"


def access_keys(data: bytes) -> None:
    """The text of a key file."""
    try:
        parse_file(data.decode("utf-8", "replace"), "keys")
    except AccessKeysRefused as refused:
        check_text(str(refused))


# ----------------------------------------------------------------------------------- expressions


def condition(data: bytes) -> None:
    """ConditionExpression and FilterExpression."""
    text = data.decode("utf-8", "replace")
    for parameter in ("ConditionExpression", "FilterExpression"):
        try:
            compiled = compile_condition(text, parameter, _substitutions())
        except ValidationException as error:
            check_error(error)
            continue
        for content in (None, {}, *ITEMS):
            try:
                assert compiled.matches(content) in (True, False)
            except ValidationException as error:
                check_error(error)


def key_condition(data: bytes) -> None:
    """KeyConditionExpression."""
    try:
        clauses = compile_key_condition(data.decode("utf-8", "replace"), _substitutions())
    except ValidationException as error:
        check_error(error)
        return
    for schema in SCHEMAS:
        try:
            clauses.resolve(schema)
        except ValidationException as error:
            check_error(error)


def update(data: bytes) -> None:
    """UpdateExpression: the item before is left alone, the item after is canonical."""
    try:
        compiled = compile_update(data.decode("utf-8", "replace"), _substitutions())
    except ValidationException as error:
        check_error(error)
        return
    compiled.request_charge()
    for before in (None, *ITEMS):
        key = {name: (before or ITEMS[0])[name] for name in ("pk", "sk")}
        was = copy.deepcopy(before)
        try:
            compiled.check_keys(key)
            after = compiled.apply(before, key)
        except ValidationException as error:
            check_error(error)
            continue
        finally:
            assert before == was, "an update changed the item that it read"
        compiled.updated(before)
        compiled.updated(after)
        if after is not None:
            written = orjson.dumps(after)
            try:
                validate_item(after)
            except ValidationException:
                continue  # Too deep: the request refuses it.
            assert orjson.dumps(after) == written, "an update left an uncanonical value"


def projection(data: bytes) -> None:
    """ProjectionExpression."""
    try:
        compiled = compile_projection(data.decode("utf-8", "replace"), _substitutions())
    except ValidationException as error:
        check_error(error)
        return
    for content in ITEMS:
        projected = compiled.project(content)
        assert compiled.project(projected).keys() <= content.keys()


def _substitutions() -> Substitutions:
    body = {
        "ExpressionAttributeNames": dict(NAMES),
        "ExpressionAttributeValues": copy.deepcopy(VALUES),
    }
    return Substitutions.parse(body, Layer.NEW)


# --------------------------------------------------------------------------------------- requests


def requests(data: bytes) -> None:
    """A JSON list of [operation, body] pairs, one after the other on one server."""
    try:
        sequence = orjson.loads(data)
    except orjson.JSONDecodeError:
        return
    if isinstance(sequence, list):
        play(sequence)


def play(sequence: list[Any]) -> None:
    """Execute what of the list is a request, and check what it left behind."""
    run(_play(sequence[:8]))


async def _play(sequence: list[Any]) -> None:
    world = World()
    try:
        for pair in sequence:
            match pair:
                case [str(operation), dict(body)] if operation in world.router.operations:
                    # As bytes arrive: nothing is shared with the list, nothing but JSON.
                    await world.execute(operation, orjson.loads(orjson.dumps(body)))
                    await world.rest()
        world.check()
    finally:
        await world.close()


# --------------------------------------------------------------------------------- the gRPC door


def message(data: bytes) -> None:
    """Bytes of a request message: what they say can be said again, and is answered."""
    if not data:
        return
    operation = OPERATIONS[OPERATION_NAMES[data[0] % len(OPERATION_NAMES)]]
    try:
        received = operation.request.FromString(data[1:])
    except DecodeError:
        return
    body = JSON.from_message(received)
    # Not at once the same: a number that is no choice of the contract becomes a text, for the core
    # to refuse, and the contract cannot say that text.
    once = _again(operation, body)
    assert _again(operation, once) == once
    play([[operation.name, body]])


def _again(operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
    made = operation.request()
    JSON.into_message(made, body)
    return JSON.from_message(made)


def members(data: bytes) -> None:
    """Any JSON as a request of the client, and as an answer of the server."""
    try:
        document = orjson.loads(data[1:])
    except orjson.JSONDecodeError:
        return
    if not isinstance(document, dict) or _depth(document) > JSON_NESTING_MAX:
        return
    operation = OPERATIONS[OPERATION_NAMES[data[0] % len(OPERATION_NAMES)]]
    for converter, made in ((PYTHON, operation.request), (JSON, operation.response)):
        filled = made()
        try:
            converter.into_message(filled, document)
        except NotInContract as refused:
            check_text(str(refused))
            continue
        try:
            received = made.FromString(filled.SerializeToString())
        except DecodeError:
            assert _depth(document) > 2 * NESTING_LEVELS_MAX  # protobuf's own bound; we refuse more
            continue
        converter.from_message(received)


def _depth(document: Any) -> int:
    if isinstance(document, dict):
        return 1 + max(map(_depth, document.values()), default=0)
    if isinstance(document, list):
        return 1 + max(map(_depth, document), default=0)
    return 0


# ---------------------------------------------------------------------------------------- storage


def stored_item(data: bytes) -> None:
    """Bytes found under a key: whole, or Damaged."""
    try:
        read(b"key", data)
    except Damaged as damaged:
        check_text(str(damaged))


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        http,
        signature,
        access_keys,
        condition,
        key_condition,
        update,
        projection,
        requests,
        message,
        members,
        stored_item,
    )
}
# Targets whose input is JSON behind so many bytes: they are mutated as JSON.
JSON_STARTS_AT = {"requests": 0, "members": 1}


def mutated(target: str, data: bytes, random: Random) -> bytes:
    """Another input of a JSON target."""
    start = JSON_STARTS_AT[target]
    try:
        document = orjson.loads(data[start:])
    except orjson.JSONDecodeError:
        document = random.choice(seeds.SEQUENCES) if start == 0 else {}
    prefix = data[:start] if random.random() < 0.9 else random.randbytes(start)
    try:
        return prefix + orjson.dumps(mutate(document, random))
    except (TypeError, orjson.JSONEncodeError):  # too deep, or an integer over 64 bits
        return data


def _message(operation: str, body: dict[str, Any]) -> bytes:
    made = OPERATIONS[operation].request()
    JSON.into_message(made, copy.deepcopy(body))
    return _choice(operation) + made.SerializeToString()


def _choice(operation: str) -> bytes:
    return bytes([OPERATION_NAMES.index(operation)])


def _http_seeds() -> Iterable[bytes]:
    chunked = b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nT: x\r\n\r\n"
    expecting = b"Expect: 100-continue\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    yield b"\x80" + REQUEST + b"Content-Length: 2\r\n\r\n{}"
    yield b"\x09" + REQUEST + chunked
    yield b"\x80GET / HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"\x80" + REQUEST + expecting


QUERY_SIGNATURE = (
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Fe&X-Amz-Signature=0"
    b"&X-Amz-SignedHeaders=host&X-Amz-Date=20270115T080000Z&X-Amz-Expires=5\nhost: a"
)
HEADER_SIGNATURE = (
    b"\nauthorization: AWS4-HMAC-SHA256 Credential=AKIA/20270115/r/dynamodb/aws4_request, "
    b"SignedHeaders=host, Signature=0\ndate: Fri, 15 Jan 2027 08:00:00 GMT\nhost: a"
)
KEY_FILE = (
    b'[{"AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t", '
    b'"Expiration": "2027-01-01T00:00:00Z"}]'
)
_ALL = [(operation, body) for operation, bodies in seeds.BODIES.items() for body in bodies]
SEEDS: dict[str, list[bytes]] = {
    "http": list(_http_seeds()),
    "signature": [b"\n" + REQUEST.replace(b"\r", b""), QUERY_SIGNATURE, HEADER_SIGNATURE],
    "access_keys": [b"# a comment\nAKIA secret\n", KEY_FILE],
    "condition": [text.encode() for text in seeds.CONDITIONS],
    "key_condition": [text.encode() for text in seeds.KEY_CONDITIONS],
    "update": [text.encode() for text in seeds.UPDATES],
    "projection": [text.encode() for text in seeds.PROJECTIONS],
    "requests": [orjson.dumps(sequence) for sequence in seeds.SEQUENCES],
    "message": [_message(operation, body) for operation, body in _ALL],
    "members": [_choice(operation) + orjson.dumps(body) for operation, body in _ALL],
    "stored_item": [b"\0" * 40],
}
assert SEEDS.keys() == TARGETS.keys()
