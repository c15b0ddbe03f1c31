"""Expressions for the differential test: all five kinds, with the mistakes that people make.

A `Words` gathers the names and values that the texts of one request refer to, as
ExpressionAttributeNames and ExpressionAttributeValues need them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from differential.shapes import Shape
from differential.values import Json, key_values, perhaps, perhaps_bad, scalars, sets, values

PLAIN_NAMES = ("a", "b", "c", "m", "l", "s", "pk", "sk", "g", "h")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
TYPE_CODES = ("S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL", "X", "s")

# What may be put into a text to spoil it. Each is a mistake of its own kind.
SPOILS = (
    *(" AND", " x", ")", "(", " = :v", ";", ",", " :undefined", " #undefined", "  ", "\t"),
    *(" AND size(a)", " AND foo(a)", " OR ((a = b))", " AND date = a", " AND a = a", " AND 1 = 1"),
    *(" AND a[x] = b", " AND a[-1] = b", " AND a[00] = b", " AND a..b = c", " AND NOT", " é"),
    *(" SET a = b", " REMOVE a, a", " REMOVE m, m.a", " AND attribute_exists(a, b)", '"'),
    *(" AND attribute_exists(:v0)", " AND begins_with(a)", " AND a IN ()", " AND a BETWEEN b"),
)
WHOLE_MISTAKES = (
    *(
        "",
        " ",
        "a",
        "a = ",
        "= a",
        ":v",
        "()",
        "NOT",
        "SET",
        "SET a",
        "REMOVE",
        "ADD a",
        "DELETE a",
    ),
    *("SET a = b SET c = a", "SET a = :u", "ADD a b", "a = b = c", "a AND b", "size(a)", "a, , b"),
    *("SET a = b + c + a", "SET a = (b)", "SET a = list_append(a)", "SET a = foo(b)", "a[0", "#"),
    *(
        "SET pk = a",
        "REMOVE pk",
        "SET m.a = b, m[0] = c",
        "SET a = if_not_exists(b)",
        "[0]",
        "a.b.",
    ),
    *(
        "SET a = size(b)",
        "attribute_type(a, b)",
        "contains(a, a)",
        "a BETWEEN a AND b",
        "a b",
        "a,",
    ),
    *(
        "SET a = begins_with(a, b)",
        "set_add(a, b)",
        "list_append(a, b) = c",
        "(a = b) = c",
        "a.",
        "a.b.",
        "a,",
    ),
)


@dataclass
class Words:
    """The placeholders of one request."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)

    def name(self, draw: st.DrawFn, name: str) -> str:
        """The name as it stands in an expression: plain where it can be, or a placeholder."""
        if name in PLAIN_NAMES and not perhaps(draw, 4):
            return name
        for placeholder, target in self.names.items():
            if target == name:
                return placeholder
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = name
        return placeholder

    def value(self, draw: st.DrawFn, strategy: st.SearchStrategy[Json]) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = draw(strategy)
        return placeholder

    def members(self, draw: st.DrawFn) -> dict[str, Json]:
        """The members to add to the request; rarely one too many, one too few, or an empty map."""
        names, found = dict(self.names), dict(self.values)
        mistake = draw(st.integers(0, 7)) if perhaps(draw, 15) else None
        if mistake == 0:
            names["#unused"] = "a"
        elif mistake == 1:
            found[":unused"] = {"S": "a"}
        elif mistake == 2 and found:
            found.pop(draw(st.sampled_from(sorted(found))))
        elif mistake == 3 and names:
            names.pop(draw(st.sampled_from(sorted(names))))
        elif mistake == 4:
            return {"ExpressionAttributeNames": {}, "ExpressionAttributeValues": found}
        elif mistake == 5:
            return {"ExpressionAttributeValues": {}}
        elif mistake == 6:
            names["no-sign"] = "a"
        elif mistake == 7:
            found["no-sign"] = {"S": "a"}
        members: dict[str, Json] = {}
        if names:
            members["ExpressionAttributeNames"] = names
        if found:
            members["ExpressionAttributeValues"] = found
        return members


def path(draw: st.DrawFn, words: Words, names: tuple[str, ...] = ("a", "b", "c", "m", "l")) -> str:
    """A document path, mostly of one step."""
    text = words.name(draw, draw(st.sampled_from(names)))
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 0, 0, 1, 1, 2)))):
        if draw(st.booleans()):
            text += f"[{draw(st.sampled_from((0, 1, 2, 9)))}]"
        else:
            text += "." + words.name(draw, draw(st.sampled_from(("a", "b", "date", "a.b"))))
    return text


ANY_NAME = ("a", "b", "c", "m", "l", "s", "a.b", "date", "size", "Ω", "pk", "g")


def operand(draw: st.DrawFn, words: Words) -> str:
    turn = draw(st.integers(0, 9))
    if turn < 5:
        return words.value(draw, perhaps_bad(values()))
    if turn < 9:
        return path(draw, words, ANY_NAME)
    return f"size({path(draw, words)})"


def condition(draw: st.DrawFn, words: Words, depth: int = 2) -> str:
    """A condition; at depth 0 a single comparison or function."""
    turn = draw(st.integers(0, 9)) if depth else 9
    if turn < 2:
        joint = draw(st.sampled_from((" AND ", " OR ", " and ", " Or ")))
        return condition(draw, words, depth - 1) + joint + condition(draw, words, depth - 1)
    if turn == 2:
        return "NOT " + condition(draw, words, depth - 1)
    if turn == 3:
        return f"({condition(draw, words, depth - 1)})"
    return draw(st.sampled_from((_comparison, _between, _in, _function, _function)))(draw, words)


def _comparison(draw: st.DrawFn, words: Words) -> str:
    return f"{operand(draw, words)} {draw(st.sampled_from(COMPARATORS))} {operand(draw, words)}"


def _between(draw: st.DrawFn, words: Words) -> str:
    bounds = [operand(draw, words) for _ in range(2)]
    return f"{path(draw, words, ANY_NAME)} BETWEEN {bounds[0]} AND {bounds[1]}"


def _in(draw: st.DrawFn, words: Words) -> str:
    members = [operand(draw, words) for _ in range(draw(st.integers(1, 3)))]
    return f"{operand(draw, words)} IN ({', '.join(members)})"


def _function(draw: st.DrawFn, words: Words) -> str:
    name = draw(
        st.sampled_from(
            (
                *("attribute_exists", "attribute_not_exists", "begins_with", "contains"),
                *("attribute_type", "size", "Attribute_exists"),
            )
        )
    )
    first = path(draw, words, ANY_NAME)
    if name in ("begins_with", "contains"):
        return f"{name}({first}, {operand(draw, words)})"
    if name == "attribute_type":
        code = words.value(draw, st.sampled_from(TYPE_CODES).map(lambda text: {"S": text}))
        return f"{name}({first}, {code})"
    if name == "size":
        number = words.value(draw, st.sampled_from(("0", "1", "2")).map(lambda n: {"N": n}))
        return f"size({first}) {draw(st.sampled_from(COMPARATORS))} {number}"
    return f"{name}({first})"


def update(draw: st.DrawFn, words: Words) -> str:
    """One to three sections, each with one or two clauses."""
    kinds = st.sampled_from(("SET", "SET", "REMOVE", "ADD", "DELETE", "set"))
    sections = draw(st.lists(kinds, min_size=1, max_size=3, unique_by=str.upper))
    texts = []
    for kind in sections:
        count = draw(st.sampled_from((1, 1, 2)))
        clauses = [_clause(draw, words, kind.upper()) for _ in range(count)]
        texts.append(f"{kind} {', '.join(clauses)}")
    return " ".join(texts)


def _clause(draw: st.DrawFn, words: Words, kind: str) -> str:
    names = ("a", "b", "c", "m", "l", "s", "date")
    target = path(draw, words, ("pk", "sk", "g", "h") if perhaps(draw, 12) else names)
    if kind == "REMOVE":
        return target
    if kind in ("ADD", "DELETE"):
        numbers = st.sampled_from(({"N": "1"}, {"N": "-1.5"}, {"N": "9e125"}))
        strategy = st.one_of(numbers, sets()) if kind == "ADD" else sets()
        chosen = perhaps_bad(values()) if perhaps(draw, 8) else strategy
        return f"{target} {words.value(draw, chosen)}"
    return f"{target} = {_right_side(draw, words)}"


def _right_side(draw: st.DrawFn, words: Words) -> str:
    turn = draw(st.integers(0, 9))
    if turn < 4:
        return words.value(draw, perhaps_bad(values()))
    if turn < 5:
        return path(draw, words)
    if turn < 7:
        sign = draw(st.sampled_from(("+", "-")))
        return f"{_update_operand(draw, words)} {sign} {_update_operand(draw, words)}"
    return _update_operand(draw, words)


def _update_operand(draw: st.DrawFn, words: Words) -> str:
    turn = draw(st.integers(0, 5))
    if turn == 0:
        return f"if_not_exists({path(draw, words)}, {_number(draw, words)})"
    if turn == 1:
        lists = st.lists(scalars(), max_size=2).map(lambda members: {"L": members})
        return f"list_append({path(draw, words)}, {words.value(draw, lists)})"
    return _number(draw, words) if turn < 4 else path(draw, words)


def _number(draw: st.DrawFn, words: Words) -> str:
    texts = ("1", "-1", "0.1", "1E-130", "9E125", "99999999999999999999999999999999999999")
    return words.value(draw, st.sampled_from(texts).map(lambda text: {"N": text}))


def projection(draw: st.DrawFn, words: Words) -> str:
    count = draw(st.integers(1, 3))
    return ", ".join(path(draw, words, ANY_NAME) for _ in range(count))


def key_condition(draw: st.DrawFn, words: Words, shape: Shape, index_name: str | None) -> str:
    """A key condition that fits the table or the index, sometimes not quite."""
    chosen = next((i for i in shape.indexes if i.name == index_name), None)
    hash_key = chosen.hash if chosen else ("pk", shape.hash_kind)
    range_key = chosen.range if chosen else ("sk", shape.range_kind) if shape.range_kind else None
    kinds = perhaps_bad(values()) if perhaps(draw, 20) else key_values(hash_key[1])
    parts = [f"{words.name(draw, hash_key[0])} = {words.value(draw, kinds)}"]
    if range_key is not None and range_key[1] and not perhaps(draw, 3):
        parts.append(_range_condition(draw, words, range_key[0], range_key[1]))
    if perhaps(draw, 4):
        parts.reverse()
    if perhaps(draw, 10):
        parts[0] = f"({parts[0]})"
    if perhaps(draw, 20):
        parts.append(condition(draw, words, 0))
    return " AND ".join(parts)


def _range_condition(draw: st.DrawFn, words: Words, name: str, kind: str) -> str:
    good = perhaps_bad(values()) if perhaps(draw, 20) else key_values(kind)
    operator = draw(st.sampled_from((*COMPARATORS, "BETWEEN", "begins_with", "<", ">=")))
    left = words.name(draw, name)
    if operator == "BETWEEN":
        return f"{left} BETWEEN {words.value(draw, good)} AND {words.value(draw, good)}"
    if operator == "begins_with":
        return f"begins_with({left}, {words.value(draw, good)})"
    if perhaps(draw, 10):
        return f"{words.value(draw, good)} {operator} {left}"
    return f"{left} {operator} {words.value(draw, good)}"


def perhaps_spoilt(draw: st.DrawFn, text: str) -> str:
    """One time in ten, a text with a mistake in it."""
    if perhaps(draw, 20):
        return text + draw(st.sampled_from(SPOILS))
    if perhaps(draw, 20):
        return draw(st.sampled_from(WHOLE_MISTAKES))
    return text
