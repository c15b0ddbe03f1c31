"""DynamoDB's number: an exact decimal of 38 digits, carried as text.

A number arrives as the text of an `N` (or of an element of an `NS`), leaves `canonical` as the one
text that DynamoDB answers with: plain decimal, no exponent, no needless zero or sign. Everything
else here takes canonical texts only. Called by `item.py` for every number of a request, by
`key_format.py` for key numbers, by the update expressions for arithmetic.

The order-preserving form (version 1, used inside stored keys; do not change):

    zero      02
    positive  03, exponent byte, digit bytes
    negative  01, then the exponent byte and digit bytes of the positive number, each complemented

The exponent byte is the exponent of the leading digit + 130. A digit byte is twice the value of
two decimal digits (the last padded with a zero), plus one if another digit byte follows. So no form
is a prefix of another, and bytes compare as the numbers do.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact
from typing import Final

from stator_core.errors import ValidationException
from stator_core.limits import NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN

OVERFLOW: Final = (
    "Number overflow. Attempting to store a number with magnitude larger than supported range"
)
UNDERFLOW: Final = (
    "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)
TOO_PRECISE: Final = "Attempting to store more than 38 significant digits in a Number"
NOT_CONVERTIBLE: Final = "The parameter cannot be converted to a numeric value"

_GRAMMAR = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)([0-9]+))?")
_EXPONENT_DIGITS_MAX = 19  # of a 64-bit integer; longer texts are not even read as an integer
_NEGATIVE, _ZERO, _POSITIVE = 1, 2, 3
# What most numbers look like that are no small integers; `-0` is the one false friend.
_CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_COMPLEMENT = bytes(255 - byte for byte in range(256))
# Two decimal digits, read as one hexadecimal byte, to their digit byte with the "more" bit set.
_DIGIT_BYTE = bytes(2 * (10 * (byte >> 4) + (byte & 15)) % 256 | 1 for byte in range(256))
_DIGITS_OF_BYTE = bytes((byte // 20) << 4 & 255 | byte // 2 % 10 for byte in range(256))
_LEADING = {
    leading: bytes([leading - NUMBER_EXPONENT_MIN])
    for leading in range(NUMBER_EXPONENT_MIN, NUMBER_EXPONENT_MAX + 1)
}
_WITHOUT_MORE = [bytes([byte & 254]) for byte in range(256)]
_SHORT_DIGITS_MAX = NUMBER_DIGITS_MAX - 1  # two of them never need more than 38 digits
# The widest exact sum reaches from 9E+125 down to the last of 38 digits at 1E-130.
_EXACT = Context(prec=400, Emin=-1000, Emax=1000, traps=[Inexact])


class NumberRefused(ValidationException):
    """A text or a result that is no DynamoDB number.

    The two validation layers of DynamoDB word some refusals differently: `message_new` and
    `message_old` are the bare texts. `message` is the new one.
    """

    def __init__(self, message_new: str, message_old: str | None = None) -> None:
        super().__init__(message_new)
        self.message_new = message_new
        self.message_old = message_new if message_old is None else message_old


def canonical(text: str) -> str:
    """The one text of the number that `text` writes. Raises NumberRefused.

    Source: AWS, Naming rules and data types, "Number"; wordings and edges as captured 2026-10.
    """
    # Most numbers are small integers, already canonical: one look at the characters is enough.
    if text.isdecimal() and len(text) <= NUMBER_DIGITS_MAX and text[0] != "0" and text.isascii():
        return text
    if len(text) <= NUMBER_DIGITS_MAX and text != "-0" and _CANONICAL.fullmatch(text):
        return text
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise _not_convertible(text)
    sign, whole, fraction, exponent_sign, exponent_digits = match.groups(default="")
    if not whole and not fraction:
        raise _not_convertible(text)
    written = (whole + fraction).lstrip("0")
    written_exponent = _exponent(text, exponent_sign, exponent_digits)
    exponent = written_exponent - len(fraction)
    digits = written.rstrip("0")
    # The range check of a zero takes its last written digit for a 1: `0e126` is an overflow.
    leading = exponent + len(written or "0") - 1
    if leading > NUMBER_EXPONENT_MAX or leading < NUMBER_EXPONENT_MIN:
        message = OVERFLOW if leading > NUMBER_EXPONENT_MAX else UNDERFLOW
        old_message = _old_range_message(text, written_exponent, exponent, leading)
        raise NumberRefused(message, old_message)
    if not digits:
        return "0"
    if len(digits) > NUMBER_DIGITS_MAX:
        raise NumberRefused(TOO_PRECISE)
    plain = _plain(digits, leading)
    return "-" + plain if sign == "-" else plain


def _exponent(text: str, sign: str, digits: str) -> int:
    """The written exponent, refused beyond 64 bits before Python spends time on a huge integer."""
    significant = digits.lstrip("0")
    if len(significant) > _EXPONENT_DIGITS_MAX:
        raise _not_convertible(text)
    exponent = int(sign + (significant or "0"))
    if not -(1 << 63) <= exponent < 1 << 63:
        raise _not_convertible(text)
    return exponent


def _not_convertible(text: str) -> NumberRefused:
    if not text:
        return NumberRefused(f"{NOT_CONVERTIBLE}: ", NOT_CONVERTIBLE)
    return NumberRefused(f"{NOT_CONVERTIBLE}: {text}")


def _old_range_message(text: str, written_exponent: int, exponent: int, leading: int) -> str:
    """What the old layer says of a number out of range: it counts in 32-bit integers.

    There the scale is the negated exponent, and precision minus scale may wrap around, which makes
    an underflow of `1e2147483647` (captured 2026-10).
    """
    if any(not -(1 << 31) <= count < 1 << 31 for count in (written_exponent, -exponent)):
        return f"{NOT_CONVERTIBLE}: {text}"
    wrapped = (leading + 1 + (1 << 31)) % (1 << 32) - (1 << 31)
    return OVERFLOW if wrapped - 1 > NUMBER_EXPONENT_MAX else UNDERFLOW


def _plain(digits: str, leading: int) -> str:
    """Significant digits and the exponent of the first of them, as plain decimal text."""
    if leading < 0:
        return "0." + "0" * (-leading - 1) + digits
    whole = leading + 1
    if len(digits) <= whole:
        return digits + "0" * (whole - len(digits))
    return digits[:whole] + "." + digits[whole:]


def compare(a: str, b: str) -> int:
    """-1, 0 or 1 as canonical `a` is less than, equal to or greater than canonical `b`."""
    if a == b:
        return 0
    if a.isdecimal() and b.isdecimal():
        # Without leading zeros the longer integer is the greater one.
        if len(a) != len(b):
            return -1 if len(a) < len(b) else 1
        return -1 if a < b else 1
    return -1 if Decimal(a) < Decimal(b) else 1


def sort_key(number: str) -> Decimal:
    """Orders canonical numbers by value, for `sorted`."""
    return Decimal(number)


def add(a: str, b: str) -> str:
    """The exact sum of two canonical numbers. Raises NumberRefused.

    A sum that needs more than 38 digits is an overflow, also where only precision would be lost
    (AWS: numbers are exact to 38 digits; wording as DynamoDB answers `1e50 + 1`).
    """
    short = len(a) <= _SHORT_DIGITS_MAX and len(b) <= _SHORT_DIGITS_MAX
    if short and "." not in a and "." not in b:
        return str(int(a) + int(b))
    return _exact_sum(Decimal(a), Decimal(b))


def subtract(a: str, b: str) -> str:
    """The exact difference of two canonical numbers. Raises NumberRefused as `add` does."""
    short = len(a) <= _SHORT_DIGITS_MAX and len(b) <= _SHORT_DIGITS_MAX
    if short and "." not in a and "." not in b:
        return str(int(a) - int(b))
    return _exact_sum(Decimal(a), Decimal(b).copy_negate())


def _exact_sum(a: Decimal, b: Decimal) -> str:
    sign, digit_tuple, exponent = _EXACT.add(a, b).as_tuple()
    assert isinstance(exponent, int)  # NaN and Infinity never come out of finite numbers
    written = "".join(map(str, digit_tuple)).lstrip("0")
    digits = written.rstrip("0")
    if not digits:
        return "0"
    leading = exponent + len(written) - 1
    if leading > NUMBER_EXPONENT_MAX or len(digits) > NUMBER_DIGITS_MAX:
        raise NumberRefused(OVERFLOW)
    if leading < NUMBER_EXPONENT_MIN:
        raise NumberRefused(UNDERFLOW)
    return ("-" if sign else "") + _plain(digits, leading)


def size_bytes(number: str) -> int:
    """Bytes of a canonical number in the item size.

    1 + one byte per two significant digits, the digits before and after the point rounded up apart,
    + 1 if negative (AWS: Item sizes and formats; rounding bisected at the 400 KB gate, 2026-10).
    """
    if number.isdecimal():
        return (len(number.rstrip("0")) + 3) >> 1
    negative = number[0] == "-"
    whole, _, fraction = number[negative:].partition(".")
    if fraction:
        whole_digits = 0 if whole == "0" else len(whole)
        fraction_digits = len(fraction.lstrip("0")) if not whole_digits else len(fraction)
    else:
        whole_digits, fraction_digits = len(whole.rstrip("0")), 0
    return 1 + ((whole_digits + 1) >> 1) + ((fraction_digits + 1) >> 1) + negative


def order_preserving(number: str) -> bytes:
    """The bytes of a canonical number inside a stored key; see the module's docstring."""
    if number == "0":
        return b"\x02"
    negative = number[0] == "-"
    whole, _, fraction = number[negative:].partition(".")
    if whole == "0":
        digits = fraction.lstrip("0")
        leading = len(digits) - len(fraction) - 1
    else:
        digits = whole + fraction if fraction else whole.rstrip("0")
        leading = len(whole) - 1
    assert 0 < len(digits) <= NUMBER_DIGITS_MAX
    assert NUMBER_EXPONENT_MIN <= leading <= NUMBER_EXPONENT_MAX
    if len(digits) & 1:
        digits += "0"
    form = _LEADING[leading] + bytes.fromhex(digits).translate(_DIGIT_BYTE)
    last = _WITHOUT_MORE[form[-1]]  # No digit byte follows the last one.
    if negative:
        return b"\x01" + (form[:-1] + last).translate(_COMPLEMENT)
    return b"\x03" + form[:-1] + last


def from_order_preserving(form: bytes) -> str:
    """The canonical number of a whole form. Raises ValueError if it is none."""
    number, end = read_order_preserving(form, 0)
    if end != len(form):
        raise ValueError("bytes follow the number")
    return number


def read_order_preserving(form: bytes, start: int) -> tuple[str, int]:
    """The canonical number whose form begins at `start`, and the position after the form.

    Raises ValueError if no form begins there.
    """
    sign = form[start] if start < len(form) else None
    if sign == _ZERO:
        return "0", start + 1
    if sign not in (_NEGATIVE, _POSITIVE):
        raise ValueError("no number begins here")
    complement = 255 if sign == _NEGATIVE else 0
    last = start + 2
    while last < len(form) and (form[last] ^ complement) & 1:
        last += 1
    if last >= len(form):
        raise ValueError("a number ends too early")
    positive = form[start + 1 : last + 1]
    if complement:
        positive = positive.translate(_COMPLEMENT)
    significant = positive[1:].translate(_DIGITS_OF_BYTE).hex().rstrip("0")
    if not significant.isdecimal():
        raise ValueError("no digits of a number")
    plain = _plain(significant, positive[0] + NUMBER_EXPONENT_MIN)
    return ("-" + plain if complement else plain), last + 1
