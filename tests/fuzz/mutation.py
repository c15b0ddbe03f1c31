"""Changes JSON as a client with a bug would: one node at a time, into something nearly right.

`mutate` is pure but for the `Random` it is given, so a seed repeats it. Used by `targets.py` as
the mutator of atheris and by the hypothesis tests beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

Path = tuple[str | int, ...]

TEXTS = (
    "", " ", "a", "pk", "sk", "c", "#n", ":v", "#", ":", "S", "N", "p", "x", "local", "global",
    "Music", "Simple", "Missing", "ab", "a" * 256, "é" * 40, "\x00", "\ud7ff", "💾", "NONE",
    "TOTAL", "INDEXES", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "SIZE", "COUNT",
    "HASH", "RANGE",
    "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "KEYS_ONLY", "INCLUDE",
    "ALL", "AND", "OR", "EQ", "NE", "IN", "LE", "LT", "GE", "GT", "BETWEEN", "NOT_NULL", "NULL",
    "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH", "PUT", "ADD", "DELETE", "PROVISIONED",
    "PAY_PER_REQUEST", "1", "-1", "1e125", "1E-130", "1e126", "0.0", "-0", "+1", "1.", ".5", "1e",
    "9" * 38, "9" * 39, "NaN", "Infinity", "1_0", "١", "YQ==", "YQ", "YQ=", "=", "Y Q=",
    "attribute_exists(pk)", "attribute_not_exists(#n)", "c = :v", "#n = :v", "size(c) > :v",
    "begins_with(a, :v)", "contains(c, :v)", "c IN (:v, :v)", "c BETWEEN :v AND :v", "NOT (c = :v)",
    "pk = :p", "pk = :p AND sk > :v", "pk = :p AND sk BETWEEN :v AND :v", "a = :p",
    "SET c = :v", "SET c = c + :v", "SET c = if_not_exists(c, :v)", "SET c = list_append(c, :v)",
    "SET m.n.o = :v REMOVE a", "REMOVE c[0], c[1]", "ADD c :v", "DELETE s :v", "SET a = :p",
    "SET c[99999999] = :v", "SET pk = :p", "c, m.n, c[1]", "c, c", "(" * 60, "NOT " * 60,
    "arn:aws:dynamodb:us-east-1:000000000000:table/Music", "arn:aws:dynamodb:::table/", "arn:",
)  # fmt: skip
NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    25,
    100,
    101,
    10**6,
    2**31 - 1,
    2**31,
    2**63,
    -(2**63),
    10**18,
    0.5,
    1e300,
)
NODES: tuple[Any, ...] = (
    None, True, False, {}, [], [None], {"": ""}, {"S": "p"}, {"N": "1"}, {"B": "YQ=="}, {"S": ""},
    {"SS": ["u", "v"]}, {"SS": []}, {"NS": ["1", "1.0"]}, {"NS": ["1", "2"]}, {"BS": ["YQ=="]},
    {"BOOL": True}, {"BOOL": "true"}, {"NULL": True}, {"NULL": False}, {"L": [{"N": "1"}]},
    {"L": []},    {"M": {}}, {"M": {"n": {"S": "o"}}}, {"S": "a", "N": "1"}, {"S": None,
    "N": "1"}, {"X": 1},
    {"N": 1}, {"S": 1}, {"S": ["a"]}, {"M": []}, {"L": {}}, {"SS": "a"}, {"SS": [1]},
    {"SS": [None]},
    {":v": {"N": "1"}}, {":v": {"N": "1"}, ":p": {"S": "p"}}, {"#n": "c"}, {"#n": "m", "#o": "n"},
    {"pk": {"S": "p"}, "sk": {"N": "1"}}, {"pk": {"S": "p"}}, {"pk": {"N": "1"}},
    {"c": {"Exists": 1}},    {"c": {"ComparisonOperator": "EQ",
    "AttributeValueList": [{"N": "1"}]}},
    {"c": {"Exists": False}}, {"c": {"Value": {"N": "3"}}},
    {"c": {"Action": "ADD", "Value": {"N": "1"}}}, {"c": {"Action": "DELETE"}},
    ["pk", "c"], ["pk", "pk"], [""], {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
)  # fmt: skip


def nodes(document: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every node, the document's own among them."""
    yield path
    if isinstance(document, dict):
        for name, value in document.items():
            yield from nodes(value, (*path, name))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from nodes(value, (*path, number))


def at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


def any_node(random: Random) -> Any:
    """Something from the tables above, or a deep one made of them."""
    kind = random.randrange(8)
    if kind < 3:
        return random.choice(TEXTS)
    if kind < 4:
        return random.choice(NUMBERS)
    node = copy.deepcopy(random.choice(NODES))
    if kind == 7:
        for _ in range(random.choice((2, 30, 33, 70, 130))):
            node = {"L": [node]} if random.random() < 0.5 else {"M": {"n": node}}
    return node


def spliced(text: str, random: Random) -> str:
    """A text with a part cut out, doubled, or replaced by a part of another."""
    start = random.randrange(len(text) + 1)
    end = random.randrange(start, len(text) + 1)
    other = random.choice(TEXTS)
    middle = random.choice(("", other, text[start:end] * 2, " ", other[:1], "(", ")", "."))
    return text[:start] + middle + text[end:]


def mutate(document: Any, random: Random) -> Any:
    """A changed copy: one to four changes."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 2, 4))):
        document = _changed(document, random)
    return document


def _changed(document: Any, random: Random) -> Any:
    paths = list(nodes(document))
    path = random.choice(paths)
    node = at(document, path)
    if isinstance(node, str) and random.random() < 0.6:
        replacement: Any = spliced(node, random)
    elif isinstance(node, dict) and random.random() < 0.7:
        replacement = _changed_members(node, random)
    elif isinstance(node, list) and node and random.random() < 0.5:
        replacement = node * random.choice((2, 3, 30)) if random.random() < 0.5 else node[1:]
    elif random.random() < 0.3:
        replacement = copy.deepcopy(at(document, random.choice(paths)))
    else:
        replacement = any_node(random)
    if not path:
        return replacement
    at(document, path[:-1])[path[-1]] = replacement
    return document


def _changed_members(members: dict[str, Any], random: Random) -> dict[str, Any]:
    changed = dict(members)
    names = list(changed)
    if names and random.random() < 0.5:
        removed = changed.pop(random.choice(names))
        if random.random() < 0.5:
            changed[random.choice(TEXTS)] = removed  # renamed
    else:
        changed[random.choice((*names, *TEXTS))] = any_node(random)
    return changed
