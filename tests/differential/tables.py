"""Requests of the control plane for the differential test: tables, indexes, tags, expiry.

Every table that they make has one of a few names, so that a test can clear up after itself.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from differential.requests import Request
from differential.values import Json, perhaps

NAMES = ("differential", "differential.two", "differential_three")
BAD_NAMES = ("", "ab", "a!", "no such table", "x" * 256, None, 1)
PROJECTIONS: tuple[Json, ...] = (
    {"ProjectionType": "ALL"},
    {"ProjectionType": "KEYS_ONLY"},
    {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]},
)
BAD_PROJECTIONS: tuple[Json, ...] = (
    {},
    None,
    {"ProjectionType": "all"},
    {"ProjectionType": "INCLUDE"},
    {"ProjectionType": "ALL", "NonKeyAttributes": ["a"]},
    {"ProjectionType": "INCLUDE", "NonKeyAttributes": []},
    {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "a"]},
)
OK: Json = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
SORT: Json = {"KeyType": "RANGE"}
BAD_THROUGHPUTS: tuple[Json, ...] = (
    {},
    {"ReadCapacityUnits": 5},
    {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1},
    {"ReadCapacityUnits": -1, "WriteCapacityUnits": 0},
    {"ReadCapacityUnits": "5", "WriteCapacityUnits": 5},
    {"ReadCapacityUnits": 1_000_000_000_001, "WriteCapacityUnits": 5},
)
BAD_KEY_SCHEMAS: tuple[Json, ...] = (
    [],
    None,
    [{"AttributeName": "a", "KeyType": "RANGE"}],
    [{"AttributeName": "a", "KeyType": "hash"}],
    [{"AttributeName": "", "KeyType": "HASH"}],
    [{"AttributeName": "a"}],
    [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "RANGE"}],
    [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "HASH"}],
    [{"AttributeName": name, "KeyType": "HASH"} for name in "abc"],
    [{"AttributeName": "undefined", "KeyType": "HASH"}],
)


class Slip:
    """At most one mistake in a request: which of several AWS reports first is not captured."""

    KINDS = (
        *("name", "schema", "index name", "projection", "index throughput", "spare", "missing"),
        *("type", "billing", "no throughput", "throughput"),
    )

    def __init__(self, draw: st.DrawFn) -> None:
        self.kind = draw(st.sampled_from((None, *self.KINDS))) if perhaps(draw, 2) else None

    def is_made(self, kind: str) -> bool:
        """Whether the mistake is to be made here; the first place that asks makes it."""
        if self.kind != kind:
            return False
        self.kind = None
        return True


def names(draw: st.DrawFn, slip: Slip) -> Json:
    return draw(st.sampled_from(BAD_NAMES if slip.is_made("name") else NAMES))


def key_schema(draw: st.DrawFn, attributes: tuple[str, ...], slip: Slip) -> Json:
    """One or two of the attributes, or a schema that is refused."""
    if slip.is_made("schema"):
        return draw(st.sampled_from(BAD_KEY_SCHEMAS))
    chosen = draw(st.lists(st.sampled_from(attributes), min_size=1, max_size=2, unique=True))
    roles = ("HASH", "RANGE")
    return [
        {"AttributeName": name, "KeyType": role} for name, role in zip(chosen, roles, strict=False)
    ]


def index(
    draw: st.DrawFn, attributes: tuple[str, ...], provisioned: bool, slip: Slip
) -> dict[str, Any]:
    name = draw(st.sampled_from(("one", "two", "ix3")))
    if slip.is_made("index name"):
        name = draw(st.sampled_from(("", "ab", "a!", None)))
    bad = slip.is_made("projection")
    made: dict[str, Any] = {
        "IndexName": name,
        "KeySchema": key_schema(draw, attributes, slip),
        "Projection": draw(st.sampled_from(BAD_PROJECTIONS if bad else PROJECTIONS)),
    }
    if provisioned != slip.is_made("index throughput"):
        made["ProvisionedThroughput"] = OK
    return made


def definitions(draw: st.DrawFn, used: set[str], slip: Slip) -> Json:
    """A definition for each attribute that is used, or one too many, too few, or wrong."""
    kinds = st.sampled_from(("S", "N", "B"))
    made = [{"AttributeName": name, "AttributeType": draw(kinds)} for name in sorted(used)]
    if slip.is_made("spare"):
        made.append({"AttributeName": "spare", "AttributeType": "S"})
    if made and slip.is_made("missing"):
        made.pop()
    if made and slip.is_made("type"):
        made[0] = made[0] | {"AttributeType": draw(st.sampled_from(("BOOL", "s", "", None)))}
    return made


def attributes_of(*schemas: Json) -> set[str]:
    return {
        part["AttributeName"]
        for schema in schemas
        if isinstance(schema, list)
        for part in schema
        if isinstance(part.get("AttributeName"), str) and part["AttributeName"]
    }


@st.composite
def create_table(draw: st.DrawFn) -> Request:
    slip = Slip(draw)
    provisioned = draw(st.booleans())
    schema = key_schema(draw, ("a", "b"), slip)
    body: dict[str, Any] = {"TableName": names(draw, slip), "KeySchema": schema}
    schemas = [schema]
    if perhaps(draw, 2):
        body["GlobalSecondaryIndexes"] = [index(draw, ("a", "b", "c"), provisioned, slip)]
        schemas.append(body["GlobalSecondaryIndexes"][0]["KeySchema"])
    if isinstance(schema, list) and len(schema) == 2 and perhaps(draw, 3):
        one = index(draw, ("c", "d"), False, slip)
        one |= {"IndexName": "local", "KeySchema": [schema[0], {**SORT, "AttributeName": "d"}]}
        body["LocalSecondaryIndexes"] = [one]
        schemas.append(one["KeySchema"])
    body["AttributeDefinitions"] = definitions(draw, attributes_of(*schemas), slip)
    body["BillingMode"] = "PROVISIONED" if provisioned else "PAY_PER_REQUEST"
    if slip.is_made("billing"):
        body["BillingMode"] = draw(st.sampled_from(("", "provisioned")))
    if provisioned != slip.is_made("no throughput"):
        bad = slip.is_made("throughput")
        body["ProvisionedThroughput"] = draw(st.sampled_from(BAD_THROUGHPUTS if bad else (OK,)))
    add_settings(draw, body)
    return "CreateTable", body


def add_settings(draw: st.DrawFn, body: dict[str, Any]) -> None:
    if perhaps(draw, 5):
        view = draw(st.sampled_from(("NEW_IMAGE", "KEYS_ONLY", "NEW_AND_OLD_IMAGES", "ALL")))
        body["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    if perhaps(draw, 8):
        body["DeletionProtectionEnabled"] = draw(st.booleans())
    if perhaps(draw, 10):
        body["TableClass"] = draw(
            st.sampled_from(("STANDARD", "STANDARD_INFREQUENT_ACCESS", "GLACIER"))
        )
    if perhaps(draw, 8):
        body["Tags"] = [{"Key": "k", "Value": "v"}]


@st.composite
def update_table(draw: st.DrawFn) -> Request:
    slip = Slip(draw)
    body: dict[str, Any] = {"TableName": names(draw, slip)}
    if perhaps(draw, 4):
        body["BillingMode"] = draw(st.sampled_from(("PROVISIONED", "PAY_PER_REQUEST")))
    if perhaps(draw, 3):
        units = draw(st.integers(5, 7))
        body["ProvisionedThroughput"] = {"ReadCapacityUnits": units, "WriteCapacityUnits": units}
        if perhaps(draw, 6):
            body["ProvisionedThroughput"] = draw(st.sampled_from(BAD_THROUGHPUTS))
    if perhaps(draw, 4):
        body["GlobalSecondaryIndexUpdates"] = [index_update(draw, slip)]
        body["AttributeDefinitions"] = definitions(draw, {"c"}, slip)
    if perhaps(draw, 4):
        body["DeletionProtectionEnabled"] = draw(st.booleans())
    if perhaps(draw, 6):
        body["TableClass"] = draw(st.sampled_from(("STANDARD", "STANDARD_INFREQUENT_ACCESS", "x")))
    return "UpdateTable", body


def index_update(draw: st.DrawFn, slip: Slip) -> Json:
    kind = draw(st.sampled_from(("Create", "Delete", "Update", "None")))
    if kind == "Create":
        return {"Create": index(draw, ("c",), draw(st.booleans()), slip)}
    if kind == "Delete":
        return {"Delete": {"IndexName": draw(st.sampled_from(("one", "two", "missing")))}}
    if kind == "Update":
        name = draw(st.sampled_from(("one", "missing")))
        return {"Update": {"IndexName": name, "ProvisionedThroughput": OK}}
    return {}


@st.composite
def small_request(draw: st.DrawFn) -> Request:
    """Describe, list, delete, expiry: one member or two."""
    operation = draw(
        st.sampled_from(
            (
                *("DescribeTable", "DeleteTable", "ListTables", "UpdateTimeToLive"),
                *("DescribeTimeToLive", "DescribeTable"),
            )
        )
    )
    slip = Slip(draw)
    body: dict[str, Any] = {"TableName": names(draw, slip)}
    if operation == "ListTables":
        body = {}
        if draw(st.booleans()):
            body["Limit"] = draw(st.sampled_from((1, 2, 100, 0, 101, "1")))
        if perhaps(draw, 3):
            body["ExclusiveStartTableName"] = names(draw, slip)
    if operation == "UpdateTimeToLive":
        body["TimeToLiveSpecification"] = {
            "Enabled": draw(st.booleans()),
            "AttributeName": draw(st.sampled_from(("ttl", "expires", ""))),
        }
        if perhaps(draw, 10):
            body["TimeToLiveSpecification"] = draw(st.sampled_from(({}, None, {"Enabled": True})))
    return operation, body


def any_table_request() -> st.SearchStrategy[Request]:
    return st.one_of(create_table(), create_table(), update_table(), small_request())
