"""Conversion is lossless both ways, and the contract says what DynamoDB's model says."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from stator_node.gateway.generated.stator.v1 import data_pb2
from stator_node.gateway.grpc_convert import (
    ALWAYS_PRESENT,
    JSON,
    OPERATIONS,
    PYTHON,
    TRANSPARENT,
    Converter,
    NotInContract,
    base64_from_binary,
)

PROTO = Path(__file__).resolve().parents[2] / "proto"
UTF8 = st.text(st.characters(codec="utf-8"), max_size=5)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=3)

# Said in the contract's head: AWS keeps these for old programs alone.
LEGACY = {
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
}
# Of features that Stator does not serve yet, and that touch the item operations.
NOT_YET = {"VectorIndexes"}
ITEM_OPERATIONS = [
    "PutItem",
    "GetItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
]

# ------------------------------------------------------------------------------------ strategies


def attribute_values(binary: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def one(kind: str, content: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({kind: content})

    leaves = st.one_of(
        one("S", UTF8),
        one("N", st.integers().map(str)),
        one("B", binary),
        one("BOOL", st.booleans()),
        one("NULL", st.just(True)),
        one("SS", st.lists(UTF8, max_size=2)),
        one("NS", st.lists(st.integers().map(str), max_size=2)),
        one("BS", st.lists(binary, max_size=2)),
    )
    return st.recursive(
        leaves,
        lambda values: st.one_of(
            one("L", st.lists(values, max_size=2)),
            one("M", st.dictionaries(UTF8, values, max_size=2)),
        ),
        max_leaves=4,
    )


class Dicts:
    """Dicts that a message of the contract can say, drawn from its descriptors."""

    def __init__(self, binary: st.SearchStrategy[Any], time: st.SearchStrategy[Any]) -> None:
        self.values = attribute_values(binary)
        self.time = time

    def of_message(self, descriptor: Descriptor) -> st.SearchStrategy[Any]:
        if descriptor.name == "AttributeValue":
            return self.values
        if descriptor.name == "AttributeMap":
            return st.dictionaries(UTF8, self.values, max_size=3)
        if descriptor.name == "Timestamp":
            return self.time
        if descriptor.name in TRANSPARENT:
            return self.of_field(descriptor.fields[0], empty=True)
        always = ALWAYS_PRESENT.get(descriptor.name, {})
        names = {field.json_name: field for field in descriptor.fields}
        return st.fixed_dictionaries(
            {name: self.of_field(names[name], empty=True) for name in always},
            optional={
                name: self.of_field(field, empty=False)
                for name, field in names.items()
                if name not in always
            },
        )

    def of_field(self, field: FieldDescriptor, *, empty: bool) -> st.SearchStrategy[Any]:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            inner = self.of_single(message.fields_by_name["value"])
            return st.dictionaries(NAMES, inner, min_size=0 if empty else 1, max_size=2)
        if field.is_repeated:
            return st.lists(self.of_single(field), min_size=0 if empty else 1, max_size=2)
        return self.of_single(field)

    def of_single(self, field: FieldDescriptor) -> st.SearchStrategy[Any]:
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
            known = [value.name.removeprefix(prefix) for value in field.enum_type.values[1:]]
            return st.sampled_from(known)
        return {
            FieldDescriptor.TYPE_STRING: UTF8,
            FieldDescriptor.TYPE_BOOL: st.booleans(),
            FieldDescriptor.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
            FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
            FieldDescriptor.TYPE_DOUBLE: st.floats(allow_nan=False),
        }[field.type]


MILLISECONDS = st.integers(0, 4_102_444_800_000)
REPRESENTATIONS = {
    "json": (
        JSON,
        Dicts(
            st.binary(max_size=5).map(base64_from_binary), MILLISECONDS.map(lambda ms: ms / 1000)
        ),
    ),
    "python": (
        PYTHON,
        Dicts(st.binary(max_size=5), st.datetimes(timezones=st.just(dt.UTC))),
    ),
}
MESSAGES = {
    message.DESCRIPTOR.name: message
    for operation in OPERATIONS.values()
    for message in (operation.request, operation.response)
}

# ------------------------------------------------------------------------------------ round trips


@pytest.mark.parametrize("representation", REPRESENTATIONS)
@given(data=st.data())
def test_whatever_the_contract_can_say_returns_unchanged(
    representation: str, data: st.DataObject
) -> None:
    converter, dicts = REPRESENTATIONS[representation]
    message = MESSAGES[data.draw(st.sampled_from(sorted(MESSAGES)))]
    members = data.draw(dicts.of_message(message.DESCRIPTOR))

    assert through_the_wire(converter, message, members) == members


def through_the_wire(converter: Converter, cls: Any, members: dict[str, Any]) -> dict[str, Any]:
    message = cls()
    converter.into_message(message, members)
    return converter.from_message(cls.FromString(message.SerializeToString()))


@given(name=st.sampled_from(sorted(MESSAGES)), received=st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_decode_error(name: str, received: bytes) -> None:
    try:
        message = MESSAGES[name].FromString(received)
    except DecodeError:
        return
    assert isinstance(JSON.from_message(message), dict)


def test_an_absent_item_and_an_empty_item_stay_apart() -> None:
    response = OPERATIONS["GetItem"].response

    assert through_the_wire(JSON, response, {}) == {}
    assert through_the_wire(JSON, response, {"Item": {}}) == {"Item": {}}


def test_an_empty_answer_still_has_its_lists() -> None:
    assert JSON.from_message(OPERATIONS["Query"].response()) == {"Items": []}
    assert JSON.from_message(OPERATIONS["BatchWriteItem"].response()) == {"UnprocessedItems": {}}


def test_null_is_absent() -> None:
    members = {"TableName": "t", "Key": None}
    assert through_the_wire(PYTHON, OPERATIONS["GetItem"].request, members) == {"TableName": "t"}


def test_the_deepest_legal_item_fits_into_the_deepest_message() -> None:
    """DynamoDB: 31 maps around a value, or 32 if the innermost is empty; protobuf: 100 messages."""
    cls = OPERATIONS["BatchWriteItem"].request
    for levels, innermost in ((31, {"S": "x"}), (31, {"M": {}}), (31, {"L": []})):
        value: dict[str, Any] = innermost
        for _ in range(levels):
            value = {"M": {"a": value}}
        members = {"RequestItems": {"t": [{"PutRequest": {"Item": {"a": value}}}]}}
        assert through_the_wire(JSON, cls, members) == members


# ------------------------------------------------------------------------------ what is not said


def test_an_unknown_enum_number_reaches_the_core_as_text_and_zero_as_nothing() -> None:
    request = OPERATIONS["PutItem"].request()
    request.return_values = 99
    assert JSON.from_message(request) == {"ReturnValues": "99"}
    request.return_values = 0
    assert JSON.from_message(request) == {}


def test_an_answer_with_members_the_contract_lacks_loses_only_those() -> None:
    members = {"Table": {"TableName": "t", "TableStatus": "NEW_STATUS", "Replicas": [{}]}}
    response = OPERATIONS["DescribeTable"].response
    assert through_the_wire(JSON, response, members) == {"Table": {"TableName": "t"}}


@pytest.mark.parametrize(
    "operation,members,message",
    [
        ("PutItem", {"Expected": {}}, "PutItemRequest has no member 'Expected'"),
        ("PutItem", {"ReturnValues": "all"}, "'all' is not one of: NONE, ALL_OLD"),
        ("PutItem", {"TableName": 5}, "PutItemRequest.TableName"),
        ("PutItem", {"Item": [1]}, "a map of attributes must be a dict, not list"),
        ("PutItem", {"Item": {"a": "b"}}, "an attribute value must be a dict, not str"),
        ("PutItem", {"Item": {"a": {"X": "b"}}}, "AttributeValue has no member 'X'"),
        ("PutItem", {"Item": {"a": {"S": "b", "N": "1"}}}, "AttributeValue takes one member"),
        ("PutItem", {"Item": {"a": {"SS": "abc"}}}, "a list is due, not str"),
        ("PutItem", {"Item": {"a": {"B": 5}}}, "binary must be bytes, not int"),
        ("PutItem", {"Item": {"a": {"N": 5}}}, "PutItemRequest.Item"),
        ("UntagResource", {"TagKeys": "abc"}, "a list is due, not str"),
        ("BatchGetItem", {"RequestItems": {"t": ["a"]}}, "KeysAndAttributes must be a dict"),
        ("GetItem", {"ConsistentRead": 2**63}, "GetItemRequest.ConsistentRead"),
    ],
)
def test_a_dict_that_the_contract_cannot_say_is_refused_with_its_place(
    operation: str, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(NotInContract) as refused:
        PYTHON.into_message(OPERATIONS[operation].request(), members)
    assert message in str(refused.value)


def test_a_dict_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {"M": {}}
    endless["M"]["a"] = endless
    with pytest.raises(NotInContract):
        PYTHON.into_message(OPERATIONS["PutItem"].request(), {"Item": {"a": endless}})


def test_base64_must_be_base64() -> None:
    with pytest.raises(NotInContract):
        JSON.into_message(OPERATIONS["PutItem"].request(), {"Item": {"a": {"B": "?"}}})


# ----------------------------------------------------------------------------------- the contract


def test_every_name_of_the_contract_is_dynamodbs() -> None:
    """And every member of DynamoDB's item operations is in it, but for those named above."""
    session = botocore.session.get_session()
    models = [session.get_service_model(name) for name in ("dynamodb", "dynamodbstreams")]
    for name, operation in OPERATIONS.items():
        model = next(each for each in models if name in each.operation_names)
        shapes = model.operation_model(name)
        complete = name in ITEM_OPERATIONS
        compare(shapes.input_shape, operation.request.DESCRIPTOR, complete)
        if shapes.output_shape is not None:
            compare(shapes.output_shape, operation.response.DESCRIPTOR, complete)


def compare(shape: Any, message: Descriptor, complete: bool) -> None:
    """One structure of DynamoDB's model beside one message, and all that is inside."""
    if message.name in ("AttributeValue", "AttributeMap", "Timestamp"):
        return
    if message.name in TRANSPARENT:
        compare_member(shape, message.fields[0], complete)
        return
    ours = {field.json_name: field for field in message.fields}
    assert set(ours) <= set(shape.members), message.name
    if complete:
        assert set(shape.members) - set(ours) <= LEGACY | NOT_YET, message.name
    for name, field in ours.items():
        compare_member(shape.members[name], field, complete)


def compare_member(shape: Any, field: FieldDescriptor, complete: bool) -> None:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        assert shape.type_name == "map", field.full_name
        shape, field = shape.value, message.fields_by_name["value"]
    elif field.is_repeated:
        assert shape.type_name == "list", field.full_name
        shape = shape.member
    if field.message_type is not None:
        compare(shape, field.message_type, complete)
    elif field.enum_type is not None:
        prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        ours = [value.name.removeprefix(prefix) for value in field.enum_type.values[1:]]
        assert sorted(ours) == sorted(shape.enum), field.full_name
    else:
        types = {
            "string": FieldDescriptor.TYPE_STRING,
            "boolean": FieldDescriptor.TYPE_BOOL,
            "integer": FieldDescriptor.TYPE_INT32,
            "long": FieldDescriptor.TYPE_INT64,
            "double": FieldDescriptor.TYPE_DOUBLE,
        }
        assert types[shape.type_name] == field.type, field.full_name
        assert not getattr(shape, "enum", []), f"{field.full_name} should be an enum"


def test_the_generated_code_is_what_the_contract_generates(tmp_path: Path) -> None:
    """Compared as descriptors: the text differs from one protoc to the next."""
    described = tmp_path / "data.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}"]
    command += [f"--descriptor_set_out={described}", "stator/v1/data.proto"]
    subprocess.run(command, check=True, timeout=60)
    fresh = descriptor_pb2.FileDescriptorSet.FromString(described.read_bytes()).file[0]
    committed = descriptor_pb2.FileDescriptorProto()
    data_pb2.DESCRIPTOR.CopyToProto(committed)

    assert named(committed) == named(fresh), "run `make proto` and commit what it writes"


def named(file: Any) -> Any:
    """Without the JSON names that protoc derives by itself and writes down only sometimes."""
    for message in file.message_type:
        for field in (*message.field, *(inner for n in message.nested_type for inner in n.field)):
            words = field.name.split("_")
            if field.json_name == words[0] + "".join(word.capitalize() for word in words[1:]):
                field.ClearField("json_name")
    return file
