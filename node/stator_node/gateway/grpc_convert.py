"""Between the messages of proto/stator/v1/data.proto and DynamoDB's JSON, both ways.

In and out: a message of the contract and a dict of DynamoDB's members. Called by `grpc.py` with
`JSON` (binary as base64, moments as seconds: what the core reads and writes) and by `client.py`
with `PYTHON` (bytes and datetimes: what boto3's users know). What must hold: a dict that the
contract can say returns unchanged; only an absent member and an empty list or map look alike, for
protobuf has no word for the difference, and items, keys and values are wrapped where it matters.

There is no table of members here. The contract carries DynamoDB's spelling as `json_name`, and the
plans below are compiled from its descriptors once, on first use.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from stator_node.gateway.generated.stator.v1 import data_pb2

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

SERVICE = data_pb2.DESCRIPTOR.services_by_name["DynamoDB"]

Put = Callable[[Message, Any], None]  # a value into its member of a message
Take = Callable[[Any], Any]  # what a member of a message holds, as DynamoDB's JSON has it

# Messages that exist because protobuf cannot repeat a map or tell an empty list from an absent one.
# DynamoDB's JSON has their one member in their place.
TRANSPARENT = frozenset(
    {"AttributeMap", "ItemList", "ItemCollectionMetricsList", "WriteRequestList"}
)

# Lists and maps that DynamoDB always answers with though empty; the last two it always wants.
ALWAYS_PRESENT: dict[str, dict[str, type]] = {
    "QueryResponse": {"Items": list},
    "ScanResponse": {"Items": list},
    "BatchGetItemResponse": {"Responses": dict, "UnprocessedKeys": dict},
    "BatchWriteItemResponse": {"UnprocessedItems": dict},
    "ListTablesResponse": {"TableNames": list},
    "ListTagsOfResourceResponse": {"Tags": list},
    "DescribeEndpointsResponse": {"Endpoints": list},
    "ListStreamsResponse": {"Streams": list},
    "StreamDescription": {"Shards": list},
    "GetRecordsResponse": {"Records": list},
    "PutRequest": {"Item": dict},
    "DeleteRequest": {"Key": dict},
}


# What protobuf and Python raise for a value of a wrong type, of no choice, too large or too deep.
REFUSED_BY_PROTOBUF = (TypeError, ValueError, AttributeError, OverflowError, RecursionError)


VALUES_UNBOUNDED = 1 << 62  # of messages that are our own


class NotInContract(ValueError):
    """A dict holds what the gRPC contract cannot say. The text names the message and the member."""


class TooManyValues(Exception):
    """A request holds more attribute values than it may."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract: its messages, and whether repeating it changes nothing."""

    name: str
    method: str  # the path of the call: /stator.v1.DynamoDB/PutItem
    request: type[Message]
    response: type[Message]
    repeatable: bool


def _operations() -> dict[str, Operation]:
    table = {}
    for method in SERVICE.methods:
        table[method.name] = Operation(
            name=method.name,
            method=f"/{SERVICE.full_name}/{method.name}",
            request=message_factory.GetMessageClass(method.input_type),
            response=message_factory.GetMessageClass(method.output_type),
            # The contract says it as `idempotency_level`; 0 is unknown.
            repeatable=method.GetOptions().idempotency_level != 0,
        )
    return table


OPERATIONS: dict[str, Operation] = _operations()


def binary_from_base64(text: str) -> bytes:
    """Bytes of the core's base64, which is strict. Raises NotInContract for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise NotInContract(f"binary must be base64 text: {error}") from error


def binary_from_bytes(value: Any) -> bytes:
    """What Python calls bytes. Not numbers: bytes(5) would be five zeros."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise NotInContract(f"binary must be bytes, not {type(value).__name__}")
    return bytes(value)


def base64_from_binary(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def seconds_from_timestamp(timestamp: Any) -> float:
    """Seconds since the epoch, to the microsecond: a double of milliseconds returns the same."""
    return _microseconds(timestamp) / 1_000_000


def set_timestamp_from_seconds(timestamp: Any, seconds: float) -> None:
    _set_microseconds(timestamp, round(seconds * 1_000_000))


def datetime_from_timestamp(timestamp: Any) -> dt.datetime:
    return EPOCH + dt.timedelta(microseconds=_microseconds(timestamp))


def set_timestamp_from_datetime(timestamp: Any, moment: dt.datetime) -> None:
    """Raises TypeError for a moment without a time zone, which is no moment."""
    _set_microseconds(timestamp, (moment - EPOCH) // dt.timedelta(microseconds=1))


def _microseconds(timestamp: Any) -> int:
    return int(timestamp.seconds * 1_000_000 + timestamp.nanos // 1_000)


def _set_microseconds(timestamp: Any, microseconds: int) -> None:
    timestamp.seconds, rest = divmod(microseconds, 1_000_000)
    timestamp.nanos = rest * 1_000


@dataclass(slots=True)
class MessagePlan:
    """How one message type is converted: by DynamoDB's name one way, by field number the other."""

    name: str
    put: dict[str, Put] = field(default_factory=dict)
    take: dict[int, tuple[str, Take]] = field(default_factory=dict)
    always: dict[str, type] = field(default_factory=dict)


class Converter:
    """Converts in one representation of binary and time. `strict` refuses unknown members.

    The server is not strict with answers: a member that the contract lacks is left out, as an old
    AWS SDK would leave it out. The client is strict with requests: a condition that silently did
    not travel would be a wrong write.
    """

    def __init__(
        self,
        *,
        binary_in: Callable[[Any], bytes],
        binary_out: Callable[[bytes], Any],
        time_in: Callable[[Any, Any], None],
        time_out: Callable[[Any], Any],
        strict: bool,
    ) -> None:
        self._binary_in = binary_in
        self._binary_out = binary_out
        self._time_in = time_in
        self._time_out = time_out
        self._strict = strict
        self._plans: dict[str, MessagePlan] = {}
        self._values_left = VALUES_UNBOUNDED

    # ------------------------------------------------------------------------------- the two ways

    def into_message(self, message: Message, members: dict[str, Any]) -> None:
        """Fill an empty message. Raises NotInContract for what it cannot hold."""
        plan = self._plan(message.DESCRIPTOR)
        if not isinstance(members, dict):
            raise NotInContract(f"{plan.name} must be a dict, not {type(members).__name__}")
        for name, value in members.items():
            put = plan.put.get(name)
            if value is None:
                continue  # DynamoDB: a null member is an absent one.
            if put is not None:
                try:
                    put(message, value)
                except NotInContract:
                    raise
                except REFUSED_BY_PROTOBUF as error:
                    raise NotInContract(f"{plan.name}.{name}: {error}") from error
            elif self._strict:
                known = ", ".join(plan.put)
                raise NotInContract(f"{plan.name} has no member {name!r}, only: {known}")

    def from_request(self, message: Message, values_max: int) -> dict[str, Any]:
        """The same as `from_message`. Raises TooManyValues beyond so many attribute values.

        A message of 16 MB may hold millions, and each costs far more time here than bytes there.
        """
        self._values_left = values_max
        try:
            return self.from_message(message)
        finally:
            self._values_left = VALUES_UNBOUNDED

    def from_message(self, message: Message) -> dict[str, Any]:
        """What the message says, in a new dict. Never fails on a message of the contract."""
        plan = self._plan(message.DESCRIPTOR)
        members: dict[str, Any] = {name: empty() for name, empty in plan.always.items()}
        for descriptor, value in message.ListFields():
            name, take = plan.take[descriptor.number]
            taken = take(value)
            if taken is not None:
                members[name] = taken
        return members

    # ------------------------------------------------------------------------------------- values

    def into_value(self, message: Any, value: dict[str, Any]) -> None:
        """Fill an AttributeValue from `{"S": "a"}` and its like."""
        if not isinstance(value, dict):
            raise NotInContract(f"an attribute value must be a dict, not {type(value).__name__}")
        for kind, content in value.items():
            if content is None:
                continue
            match kind:
                case "S":
                    message.s = content
                case "N":
                    message.n = content
                case "M":
                    self._into_map(message.m, content)
                case "L":
                    message.l.SetInParent()
                    for element in _sequence(content):
                        self.into_value(message.l.values.add(), element)
                case "BOOL":
                    message.bool = content
                case "NULL":
                    message.null = content
                case "B":
                    message.b = self._binary_in(content)
                case "SS" | "NS":
                    members = message.ss if kind == "SS" else message.ns
                    members.SetInParent()
                    members.values.extend(_sequence(content))
                case "BS":
                    message.bs.SetInParent()
                    for element in _sequence(content):
                        message.bs.values.append(self._binary_in(element))
                case _:
                    raise NotInContract(f"AttributeValue has no member {kind!r}")
        if self._strict and len(value) > 1:
            raise NotInContract(f"AttributeValue takes one member, not {', '.join(value)}")

    def from_value(self, message: Any) -> dict[str, Any]:
        """The `{"S": "a"}` of an AttributeValue; `{}` if none of its members is set."""
        self._values_left -= 1
        if self._values_left < 0:
            raise TooManyValues
        match message.WhichOneof("value"):
            case "s":
                return {"S": message.s}
            case "n":
                return {"N": message.n}
            case "m":
                return {"M": self._from_map(message.m)}
            case "l":
                return {"L": [self.from_value(element) for element in message.l.values]}
            case "bool":
                return {"BOOL": message.bool}
            case "null":
                return {"NULL": message.null}
            case "b":
                return {"B": self._binary_out(message.b)}
            case "ss":
                return {"SS": list(message.ss.values)}
            case "ns":
                return {"NS": list(message.ns.values)}
            case "bs":
                return {"BS": [self._binary_out(element) for element in message.bs.values]}
            case _:
                return {}

    def _into_map(self, message: Any, item: dict[str, Any]) -> None:
        if not isinstance(item, dict):
            raise NotInContract(f"a map of attributes must be a dict, not {type(item).__name__}")
        message.SetInParent()  # An empty item is not an absent one.
        attributes = message.attributes
        for name, value in item.items():
            self.into_value(attributes[name], value)

    def _from_map(self, message: Any) -> dict[str, Any]:
        return {name: self.from_value(value) for name, value in message.attributes.items()}

    # -------------------------------------------------------------------------------------- plans

    def _plan(self, descriptor: Descriptor) -> MessagePlan:
        plan = self._plans.get(descriptor.full_name)
        if plan is None:
            plan = self._plans[descriptor.full_name] = MessagePlan(descriptor.name)
            plan.always = ALWAYS_PRESENT.get(descriptor.name, {})
            for member in descriptor.fields:
                plan.put[member.json_name] = self._put(member)
                plan.take[member.number] = (member.json_name, self._take(member))
        return plan

    def _put(self, member: FieldDescriptor) -> Put:
        """How a value gets into this member of its message."""
        name = member.name
        if _is_map(member):
            value_field = member.message_type.fields_by_name["value"]
            if value_field.message_type is None:
                return lambda message, value: getattr(message, name).update(value)
            fill = self._fill(value_field.message_type)
            return lambda message, value: _fill_map(getattr(message, name), value, fill)
        if member.message_type is not None:
            fill = self._fill(member.message_type)
            if member.is_repeated:
                return lambda message, value: _fill_list(getattr(message, name), value, fill)
            return lambda message, value: _fill_one(getattr(message, name), value, fill)
        if member.is_repeated:
            return lambda message, value: getattr(message, name).extend(_sequence(value))
        if member.enum_type is not None:
            return self._put_enum(name, member.enum_type)
        return lambda message, value: setattr(message, name, value)

    def _put_enum(self, name: str, enum: EnumDescriptor) -> Put:
        numbers = {text: number for number, text in _enum_names(enum).items()}

        def put(message: Message, text: str) -> None:
            number = numbers.get(text)
            if number is not None:
                setattr(message, name, number)
            elif self._strict:
                raise NotInContract(f"{text!r} is not one of: {', '.join(numbers)}")

        return put

    def _take(self, member: FieldDescriptor) -> Take:
        """How to read what this member of a message holds; called only for members that are set."""
        if _is_map(member):
            value_field = member.message_type.fields_by_name["value"]
            if value_field.message_type is None:
                return dict
            read = self._read(value_field.message_type)
            return lambda values: {name: read(value) for name, value in values.items()}
        if member.message_type is not None:
            read = self._read(member.message_type)
            if member.is_repeated:
                return lambda values: [read(value) for value in values]
            return read
        if member.is_repeated:
            return list
        if member.enum_type is not None:
            names = _enum_names(member.enum_type)
            # A number outside the set goes on as text, so that the core refuses it with DynamoDB's
            # own words; UNSPECIFIED is an absent member.
            return lambda number: names.get(number, str(number) if number else None)
        return lambda value: value

    def _fill(self, descriptor: Descriptor) -> Put:
        match descriptor.name:
            case "AttributeValue":
                return self.into_value
            case "AttributeMap":
                return self._into_map
            case "Timestamp":
                return self._time_in
            case name if name in TRANSPARENT:
                return self._put(descriptor.fields[0])
            case _:
                return self.into_message

    def _read(self, descriptor: Descriptor) -> Take:
        match descriptor.name:
            case "AttributeValue":
                return self.from_value
            case "AttributeMap":
                return self._from_map
            case "Timestamp":
                return self._time_out
            case name if name in TRANSPARENT:
                inner, take = descriptor.fields[0].name, self._take(descriptor.fields[0])
                return lambda message: take(getattr(message, inner))
            case _:
                return self.from_message


def _is_map(member: FieldDescriptor) -> bool:
    kind = member.message_type
    return kind is not None and bool(kind.GetOptions().map_entry)


def _sequence(values: Any) -> Any:
    """The values of a list or set. Refuses a text, which Python would take letter by letter."""
    if isinstance(values, str | bytes | dict):
        raise NotInContract(f"a list is due, not {type(values).__name__}")
    return values


def _fill_one(message: Message, value: Any, fill: Put) -> None:
    message.SetInParent()
    fill(message, value)


def _fill_list(messages: Any, values: list[Any], fill: Put) -> None:
    for value in _sequence(values):
        fill(messages.add(), value)


def _fill_map(messages: Any, values: dict[str, Any], fill: Put) -> None:
    for name, value in values.items():
        fill(messages[name], value)


def _enum_names(enum: EnumDescriptor) -> dict[int, str]:
    """DynamoDB's names by number, without UNSPECIFIED and the prefix that protobuf asks for."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.number: value.name.removeprefix(prefix) for value in enum.values if value.number}


JSON = Converter(
    binary_in=binary_from_base64,
    binary_out=base64_from_binary,
    time_in=set_timestamp_from_seconds,
    time_out=seconds_from_timestamp,
    strict=False,
)
PYTHON = Converter(
    binary_in=binary_from_bytes,
    binary_out=bytes,
    time_in=set_timestamp_from_datetime,
    time_out=datetime_from_timestamp,
    strict=True,
)
