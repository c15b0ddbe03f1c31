"""The order in which DynamoDB lists a number set in stream records: that of Java's HashSet.

In: canonical numbers in the order of their values, as sets are stored. Out: the same as a
`HashSet<BigDecimal>` iterates them that took them in that order (captured 2026-10). Called by
`stream.py`. Sets of other types keep their stored order there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

BUCKETS_FIRST: Final = 16  # Java: HashMap.DEFAULT_INITIAL_CAPACITY
BUCKETS_OF_TREES: Final = 64  # Java: HashMap.MIN_TREEIFY_CAPACITY; a smaller table grows instead
CHAIN_MAX: Final = 8  # Java: HashMap.TREEIFY_THRESHOLD
_MASK: Final = 0xFFFF_FFFF


def in_hash_order(numbers: Sequence[str]) -> list[str]:
    """The members of one number set."""
    codes = [_spread(_hash_code(number)) for number in numbers]
    buckets: list[list[int]] = [[] for _ in range(BUCKETS_FIRST)]
    for position, code in enumerate(codes):
        chain = buckets[code % len(buckets)]
        chain.append(position)
        if len(chain) > CHAIN_MAX and len(buckets) < BUCKETS_OF_TREES:
            buckets = _doubled(buckets, codes)
        if position + 1 > len(buckets) * 3 // 4:
            buckets = _doubled(buckets, codes)
    return [numbers[position] for chain in buckets for position in chain]


def reorder(item: dict[str, Any]) -> None:
    """Bring every number set of an item, at any depth, into that order, in place."""
    unread: list[Any] = list(item.values())
    while unread:
        ((kind, content),) = unread.pop().items()
        if kind == "M":
            unread.extend(content.values())
        elif kind == "L":
            unread.extend(content)
        elif kind == "NS":
            content[:] = in_hash_order(content)


def _doubled(buckets: list[list[int]], codes: list[int]) -> list[list[int]]:
    """Java: HashMap.resize, which keeps the order within a chain."""
    count = 2 * len(buckets)
    doubled: list[list[int]] = [[] for _ in range(count)]
    for chain in buckets:
        for position in chain:
            doubled[codes[position] % count].append(position)
    return doubled


def _hash_code(number: str) -> int:
    """Java: BigDecimal.hashCode, of a number without zeros at its end."""
    sign, digits, exponent = Decimal(number).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    kept = text.rstrip("0")
    unscaled = int(kept or "0")
    if unscaled == 0:
        return 0
    scale = -(exponent + len(text) - len(kept))
    code = 0  # Java: BigInteger.hashCode, over words of 32 bits, the highest first
    for shift in reversed(range(0, unscaled.bit_length(), 32)):
        code = (31 * code + (unscaled >> shift & _MASK)) & _MASK
    return (31 * (-code if sign else code) + scale) & _MASK


def _spread(code: int) -> int:
    """Java: HashMap.hash."""
    return code ^ (code >> 16)
