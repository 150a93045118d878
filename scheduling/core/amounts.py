"""Amounts: vectors of whole numbers over a cluster's resources, and the little arithmetic that they need."""

from collections.abc import Sequence
from operator import le

Amount = tuple[int, ...]


def fits(need: Sequence[int], room: Sequence[int]) -> bool:
    """Say whether `need` is within `room` in every resource. Both have one entry per resource."""
    return all(map(le, need, room))


def add(into: list[int], amount: Amount) -> None:
    """Add `amount` to the vector `into`, in place."""
    for index, value in enumerate(amount):
        into[index] += value


def subtract(from_: list[int], amount: Amount) -> None:
    """Take `amount` off the vector `from_`, in place; it may go below zero."""
    for index, value in enumerate(amount):
        from_[index] -= value
