"""Axes of a picture: round numbers, and where they stand. Pure."""

import math
from dataclasses import dataclass


def ticks(highest: float, *, most: int = 6) -> list[float]:
    """Round numbers from 0 to at least `highest`, in about `most` even steps: 1, 2 or 5 times a power of ten."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [index * step for index in range(math.ceil(highest / step - 1e-9) + 1)]


def label(value: float) -> str:
    """A number as an axis shows it: "1,200", "0.5"."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def rounded(value: float) -> str:
    """The same with three digits, so that neither an axis of small numbers reads 0.01, 0.01, nor a figure 0.66667."""
    return label(float(f"{value:.3g}") if value < 100 else round(value))


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of the picture that shows `across` by `up`, both from 0."""

    left: float
    top: float
    width: float
    height: float
    across: float
    up: float

    def x(self, value: float) -> float:
        return round(self.left + self.width * value / self.across, 1)

    def y(self, value: float) -> float:
        return round(self.top + self.height * (1 - value / self.up), 1)

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def right(self) -> float:
        return self.left + self.width
