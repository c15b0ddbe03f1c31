"""How finely a JSON body is divided, told from its bytes: before anything is built of it.

Called by `http_request.py` for large bodies. Parsing and checking cost by the value, not by the
byte: 16 MB of empty strings are two million objects and would hold the event loop for seconds,
while 16 MB in a few strings cost next to nothing. Nothing here runs in Python once per value.
"""

from __future__ import annotations

_MARKS = (b"{", b"[", b",")


def at_most(body: bytes | bytearray, tokens_max: int) -> bool:
    """Whether a body has at most so many tokens: strings, objects, lists, and commas.

    Each value of an item is about four: `{"N":"1"},`. What stands inside strings does not count. Of
    what is no JSON the answer means nothing, except that it comes quickly.
    """
    marks = sum(body.count(mark) for mark in _MARKS)
    if marks + body.count(b'"') // 2 <= tokens_max:
        return True  # Even if all of these stood outside strings.
    if b"\\" in body:
        # Escaped backslashes first: what is left of `\\"` ends a string, `\"` does not.
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    strings = body.count(b'"') // 2
    if strings > tokens_max:
        return False
    outside = b"".join(body.split(b'"')[::2])
    return strings + sum(outside.count(mark) for mark in _MARKS) <= tokens_max
