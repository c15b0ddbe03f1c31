"""Specs of Tables for tests: good ones, and each rule's bad one beside what makes it bad."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Spec = dict[str, Any]
Change = Callable[[Spec], object]


def key(*attributes: tuple[str, str]) -> list[dict[str, str]]:
    return [{"attributeName": name, "keyType": kind} for name, kind in attributes]


def index(name: str, *attributes: tuple[str, str], include: tuple[str, ...] = ()) -> Spec:
    projection: Spec = {"projectionType": "ALL"}
    if include:
        projection = {"projectionType": "INCLUDE", "nonKeyAttributes": list(include)}
    return {"indexName": name, "keySchema": key(*attributes), "projection": projection}


def plain() -> Spec:
    return {
        "tableName": "Music",
        "pool": "default",
        "attributeDefinitions": [{"attributeName": "Artist", "attributeType": "S"}],
        "keySchema": key(("Artist", "HASH")),
    }


def rich() -> Spec:
    """Everything that a Table can say."""
    return {
        "tableName": "Music.of_All-Times",
        "pool": "default",
        "attributeDefinitions": [
            {"attributeName": name, "attributeType": kind}
            for name, kind in [("Artist", "S"), ("Song", "S"), ("Year", "N"), ("Label", "B")]
        ],
        "keySchema": key(("Artist", "HASH"), ("Song", "RANGE")),
        "localSecondaryIndexes": [index("ByYear", ("Artist", "HASH"), ("Year", "RANGE"))],
        "globalSecondaryIndexes": [
            index("ByLabel", ("Label", "HASH"), ("Year", "RANGE"), include=("Price", "Genre"))
            | {"provisionedThroughput": {"readCapacityUnits": 1, "writeCapacityUnits": 2}}
        ],
        "billingMode": "PROVISIONED",
        "provisionedThroughput": {"readCapacityUnits": 5, "writeCapacityUnits": 5},
        "streamSpecification": {"streamEnabled": True, "streamViewType": "NEW_IMAGE"},
        "timeToLive": {"attributeName": "Ends", "enabled": True},
        "tags": [{"key": "team", "value": "records"}],
        "deletionProtectionEnabled": True,
        "deletionPolicy": "Delete",
    }


def with_indexes() -> Spec:
    """The rich one, paid per request: indexes can come without saying what they cost."""
    spec = rich()
    spec["billingMode"] = "PAY_PER_REQUEST"
    del spec["provisionedThroughput"], spec["globalSecondaryIndexes"][0]["provisionedThroughput"]
    return spec


def define(spec: Spec, *names: str) -> None:
    for name in names:
        spec["attributeDefinitions"].append({"attributeName": name, "attributeType": "S"})


@dataclass(frozen=True)
class Refused:
    """A good spec, the one change that spoils it, and words of the refusal.

    `by_create_table`: DynamoDB itself refuses it, so the core must.
    """

    name: str
    start: Callable[[], Spec]
    change: Change
    words: str
    by_create_table: bool = True

    def spec(self) -> Spec:
        spoilt = copy.deepcopy(self.start())
        self.change(spoilt)
        return spoilt


def _many_attributes(spec: Spec, role: str, count: int) -> None:
    names = [f"{role}{number}" for number in range(count)]
    define(spec, *names)
    first = [] if role == "HASH" else [("Label", "HASH")]
    attributes = [*first, *((name, role) for name in names)]
    spec["globalSecondaryIndexes"].append(index("Wide", *attributes))


def _many_projected(spec: Spec) -> None:
    for number in range(6):
        names = tuple(f"a{number}-{each}" for each in range(20))
        spec["globalSecondaryIndexes"].append(
            index(f"Wide{number}", ("Label", "HASH"), include=names)
        )


REFUSED = (
    Refused(
        "the first of a key is RANGE",
        plain,
        lambda s: s["keySchema"][0].update(keyType="RANGE"),
        "the first attribute of a key is HASH",
    ),
    Refused(
        "the second of a key is HASH",
        with_indexes,
        lambda s: s["keySchema"][1].update(keyType="HASH"),
        "the second attribute of a key is RANGE",
    ),
    Refused(
        "a key has one attribute twice",
        with_indexes,
        lambda s: s["keySchema"][1].update(attributeName="Artist"),
        "no attribute stands in a key twice",
    ),
    Refused(
        "a key's attribute is not defined",
        plain,
        lambda s: s["keySchema"][0].update(attributeName="Singer"),
        "every attribute of the key is defined",
    ),
    Refused(
        "a local index's attribute is not defined",
        with_indexes,
        lambda s: s["localSecondaryIndexes"][0]["keySchema"][1].update(attributeName="Age"),
        "every attribute of an index's key is defined",
    ),
    Refused(
        "a global index's attribute is not defined",
        with_indexes,
        lambda s: s["globalSecondaryIndexes"][0]["keySchema"][1].update(attributeName="Age"),
        "every attribute of an index's key is defined",
    ),
    Refused(
        "a definition is used by no key",
        with_indexes,
        lambda s: define(s, "Colour"),
        "attributeDefinitions has attributes of keys only",
    ),
    Refused(
        "a local index, and a table without RANGE",
        plain,
        lambda s: (
            s.update(localSecondaryIndexes=[index("ByYear", ("Artist", "HASH"), ("Year", "RANGE"))])
            or define(s, "Year")
        ),
        "a table with local indexes has a RANGE attribute",
    ),
    Refused(
        "a local index without RANGE",
        with_indexes,
        lambda s: s["localSecondaryIndexes"].append(index("Alone", ("Artist", "HASH"))),
        "the key of a local index has a RANGE attribute",
    ),
    Refused(
        "a local index of another HASH",
        with_indexes,
        lambda s: s["localSecondaryIndexes"].append(
            index("Other", ("Label", "HASH"), ("Year", "RANGE"))
        ),
        "a local index has the HASH attribute of its table",
    ),
    Refused(
        "a global index's key begins with RANGE",
        with_indexes,
        lambda s: s["globalSecondaryIndexes"].append(index("Other", ("Year", "RANGE"))),
        "the first attribute of a key is HASH",
    ),
    Refused(
        "HASH after RANGE",
        with_indexes,
        lambda s: s["globalSecondaryIndexes"].append(
            index("Other", ("Label", "HASH"), ("Year", "RANGE"), ("Song", "HASH"))
        ),
        "HASH attributes stand before RANGE attributes",
    ),
    Refused(
        "a global index's key has one attribute twice",
        with_indexes,
        lambda s: s["globalSecondaryIndexes"].append(
            index("Other", ("Label", "HASH"), ("Label", "RANGE"))
        ),
        "no attribute stands in a key twice",
    ),
    Refused(
        "five HASH attributes",
        with_indexes,
        lambda s: _many_attributes(s, "HASH", 5),
        "a key has at most 4 HASH and 4 RANGE attributes",
    ),
    Refused(
        "five RANGE attributes",
        with_indexes,
        lambda s: _many_attributes(s, "RANGE", 5),
        "a key has at most 4 HASH and 4 RANGE attributes",
    ),
    Refused(
        "two indexes of one name",
        with_indexes,
        lambda s: s["globalSecondaryIndexes"].append(index("ByYear", ("Year", "HASH"))),
        "no two indexes have one name",
    ),
    Refused(
        "too many projected attributes",
        with_indexes,
        _many_projected,
        "all indexes together have at most 100 nonKeyAttributes",
    ),
    Refused(
        "INCLUDE of nothing",
        with_indexes,
        lambda s: s["localSecondaryIndexes"][0]["projection"].update(projectionType="INCLUDE"),
        "INCLUDE names its nonKeyAttributes",
    ),
    Refused(
        "ALL, and attributes named",
        with_indexes,
        lambda s: s["globalSecondaryIndexes"][0]["projection"].update(projectionType="ALL"),
        "INCLUDE names its nonKeyAttributes",
    ),
    Refused(
        "provisioned for nothing",
        rich,
        lambda s: s.pop("provisionedThroughput"),
        "PROVISIONED has a provisionedThroughput",
    ),
    Refused(
        "an index is provisioned for nothing",
        rich,
        lambda s: s["globalSecondaryIndexes"][0].pop("provisionedThroughput"),
        "indexes of PROVISIONED have a provisionedThroughput",
    ),
    Refused(
        "per request, and provisioned",
        plain,
        lambda s: s.update(
            billingMode="PAY_PER_REQUEST",
            provisionedThroughput={"readCapacityUnits": 1, "writeCapacityUnits": 1},
        ),
        "PROVISIONED has a provisionedThroughput",
    ),
    Refused(
        "a stream that shows nothing",
        plain,
        lambda s: s.update(streamSpecification={"streamEnabled": True}),
        "an enabled stream has a streamViewType",
    ),
    Refused(
        "no stream, and what it shows",
        plain,
        lambda s: s.update(
            streamSpecification={"streamEnabled": False, "streamViewType": "KEYS_ONLY"}
        ),
        "an enabled stream has a streamViewType",
    ),
    Refused(
        "a tag of AWS's",
        plain,
        lambda s: s.update(tags=[{"key": "aws:name", "value": ""}]),
        "keys that begin with aws: are AWS's own",
    ),
    Refused(
        "neither pool nor storage",
        plain,
        lambda s: s.pop("pool"),
        "a table has either a pool or storage of its own",
        by_create_table=False,
    ),
    Refused(
        "pool and storage",
        plain,
        lambda s: s.update(storage={"zones": ["a", "b", "c"], "volume": {"size": "1Gi"}}),
        "a table has either a pool or storage of its own",
        by_create_table=False,
    ),
)
