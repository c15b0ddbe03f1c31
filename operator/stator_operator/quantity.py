"""Kubernetes' quantities as numbers, to compare sizes: `10Gi`, `1.5Ti`, `1e9`.

Kubernetes: "Quantity". In: text that the API server has taken for one. Out: an exact fraction.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([a-zA-Z]*))")
_UNITS: Final = {
    "": Fraction(1),
    **{unit: Fraction(1, 1_000 ** (n + 1)) for n, unit in enumerate("mun")},
    **{unit: Fraction(1_000 ** (n + 1)) for n, unit in enumerate("kMGTPE")},
    **{f"{unit}i": Fraction(1_024 ** (n + 1)) for n, unit in enumerate("KMGTPE")},
}


def amount(text: str) -> Fraction:
    """The number. Raises ValueError for what is no quantity."""
    form = _FORM.fullmatch(text)
    if form is None or (form[3] or "") not in _UNITS:
        raise ValueError(f"{text!r} is no quantity")
    exponent = Fraction(10) ** int(form[2]) if form[2] else _UNITS[form[3] or ""]
    return Fraction(form[1]) * exponent
