"""A table below a row's form: the newest of what belongs to it, and the way to all of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

NEWEST = 20
"""Rows of a panel that has a list of its own."""


@dataclass(frozen=True, slots=True)
class Panel:
    """`rows` of cells, as many as there are `columns`. `all_of_it`: the address of the whole list, if there is one.

    `way`: the words of the link that leads there.
    """

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    all_of_it: str = ""
    nothing: str = "Nothing yet."
    way: str = "All of them"


PanelMaker = Callable[[HttpRequest, Any], Panel | None]
"""None: nothing that who asks may see."""
