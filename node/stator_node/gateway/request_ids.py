"""Request ids: the 52 characters in every answer's `x-amzn-RequestId`.

Called once per answer by `http_answer.py`. An id is a random prefix of the process, a block number
and a counter, in base32; cheap to make, and no two processes share one. Invariant: never repeats
within a process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUV"
REQUEST_ID_CHARACTERS = 52
_COUNTER_CHARACTERS = 4
_BLOCK_CHARACTERS = 8
_PREFIX_CHARACTERS = REQUEST_ID_CHARACTERS - _BLOCK_CHARACTERS - _COUNTER_CHARACTERS


def base32(number: int, characters: int) -> bytes:
    """`number` in base32, most significant first, padded to `characters`."""
    assert 0 <= number < 32**characters
    return bytes(ALPHABET[number >> 5 * i & 31] for i in range(characters - 1, -1, -1))


class RequestIds:
    """Makes ids. `random_bytes(n)` gives n random bytes: `os.urandom` in the product."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        number = int.from_bytes(random_bytes(_PREFIX_CHARACTERS * 5 // 8), "big")
        self._prefix = base32(number, _PREFIX_CHARACTERS)
        self._block = 0
        self._suffixes: Iterator[bytes] = iter(())
        self._head = b""

    def next(self) -> bytes:
        """An id that was not given before: 52 characters of 0-9 and A-V."""
        for suffix in self._suffixes:
            return self._head + suffix
        self._next_block()
        return self._head + next(self._suffixes)

    def _next_block(self) -> None:
        self._head = self._prefix + base32(self._block, _BLOCK_CHARACTERS)
        self._block += 1
        letters = [ALPHABET[i : i + 1] for i in range(32)]
        # The counter runs in C: a million ids until the next block.
        self._suffixes = map(b"".join, itertools.product(letters, repeat=_COUNTER_CHARACTERS))
