"""The order in which DynamoDB lists attribute names in some of its errors: that of Java's HashMap.

In: names in the order of the request. Out: the same names as a Java hash table would iterate them.
Used by `index_definition.py` for the lists `AttributeDefinitions: [...]` and `Keys: [...]`; found
by fitting captured messages (2026-10), so a list of another length may differ (UNCONFIRMED).
"""

from __future__ import annotations

from collections.abc import Iterable

DEFAULT_BUCKETS = 16  # Java: HashMap.DEFAULT_INITIAL_CAPACITY
LOAD_FACTOR = 0.75


def of_growing_set(names: Iterable[str]) -> list[str]:
    """A HashSet that began empty: sixteen buckets, doubled as it fills."""
    unique = list(dict.fromkeys(names))
    buckets = DEFAULT_BUCKETS
    while len(unique) > buckets * LOAD_FACTOR:
        buckets *= 2
    return _ordered(unique, buckets)


def of_sized_map(names: Iterable[str]) -> list[str]:
    """A HashMap made for the number of entries that it gets."""
    unique = list(dict.fromkeys(names))
    size = len(unique)
    expected = size + 1 if size < 3 else int(size / LOAD_FACTOR) + 1
    buckets = 1
    while buckets < expected:
        buckets *= 2
    return _ordered(unique, buckets)


def _ordered(names: list[str], buckets: int) -> list[str]:
    # Names of one bucket keep the order in which they came: the sort is stable.
    return sorted(names, key=lambda name: _spread(_hash_code(name)) % buckets)


def _hash_code(name: str) -> int:
    """Java: String.hashCode, over UTF-16 code units, as an unsigned 32-bit number."""
    units = name.encode("utf-16-be", "surrogatepass")
    code = 0
    for position in range(0, len(units), 2):
        unit = units[position] << 8 | units[position + 1]
        code = (31 * code + unit) & 0xFFFF_FFFF
    return code


def _spread(code: int) -> int:
    """Java: HashMap.hash."""
    return code ^ (code >> 16)
