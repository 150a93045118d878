"""Kubernetes' numbers with units, such as `500m`, `16Gi` or `1e3`."""

import re
from fractions import Fraction

_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    **{letter: Fraction(1000**power) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": Fraction(1024**power) for power, letter in enumerate("KMGTPE", 1)},
    "K": Fraction(1000),  # not in the API's grammar, and written by some device plugins all the same
}
_QUANTITY = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,2})|(Ki|[numkKMGTPE]|[MGTPE]i)?)", re.ASCII
)
_MAX_LENGTH = 64


def parse_quantity(written: object) -> Fraction:
    """The exact number that is written. Raises ValueError for what is no quantity."""
    text = str(written) if isinstance(written, (str, int, float)) and not isinstance(written, bool) else ""
    match = _QUANTITY.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError("not a quantity")
    digits, exponent, suffix = match.groups()
    if exponent is not None:
        return Fraction(digits) * Fraction(10) ** int(exponent)
    return Fraction(digits) * _SUFFIXES[suffix or ""]


def milli(written: object) -> int:
    """A quantity in thousandths, rounded down; 0 for what is no quantity."""
    return _whole(written, Fraction(1, 1000))


def mebibytes(written: object) -> int:
    """A quantity of bytes in MiB, rounded down; 0 for what is no quantity."""
    return _whole(written, Fraction(1024**2))


def _whole(written: object, unit: Fraction) -> int:
    try:
        return max(0, int(parse_quantity(written) / unit))
    except ValueError:
        return 0
