"""What stands below a row's form: what belongs to it as a table, or a drawing, and the way to all of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString

NEWEST = 20
"""Rows of a panel that has a list of its own."""


@dataclass(frozen=True, slots=True)
class Way:
    """A link among several, of which one is where we are."""

    text: str
    address: str
    is_here: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """`rows` of cells, as many as there are `columns`. `all_of_it`: the address of the whole list, if there is one.

    `way`: the words of the link that leads there. `note`: a sentence above the table.
    """

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    all_of_it: str = ""
    nothing: str = "Nothing yet."
    way: str = "All of them"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that we drew: `svg`, in which every word is escaped; empty: `nothing` stands there instead.

    `legend`: (class of the colour, words). `ways`: other views of the same. `note`: a sentence below it.
    """

    title: str
    svg: SafeString | str
    legend: Sequence[tuple[str, str]] = ()
    ways: Sequence[Way] = ()
    nothing: str = "Nothing yet."
    note: str = ""
    is_drawing = True


PanelMaker = Callable[[HttpRequest, Any], Panel | Drawing | None]
"""None: nothing that who asks may see."""
