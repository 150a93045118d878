"""Tables that fit: columns give way where the terminal is narrow, and none is cut where there is no terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

Cell = str | Text
GAP = 2
HEAD = "bold"


@dataclass(frozen=True, slots=True)
class Column:
    """`least`: may be cut to so many cells; 0 means never. `optional`: left out where needed, the highest first."""

    title: str
    right: bool = False
    least: int = 0
    optional: int = 0


def lines(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> list[Text]:
    """The head and the rows, each at most `width` cells wide, if that can be."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [
        max(cell_len(column.title), *(cell_len(row[place].plain) for row in texts), 0)
        for place, column in enumerate(columns)
    ]
    shown = _that_fit(columns, widths, width)
    fitted = _fitted(columns, widths, shown, width)
    head = [Text(column.title, HEAD) for column in columns]
    return [_line(columns, row, fitted, shown) for row in (head, *texts)]


def printable(text: str, *, kept: str = "\n") -> str:
    """Without what could steer the terminal, for names come from elsewhere; but with what is `kept`."""
    return "".join(
        letter if letter.isprintable() or letter in kept else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def cut(text: Text, width: int) -> Text:
    """At most so wide, with a sign that something is missing."""
    if cell_len(text.plain) <= width:
        return text
    shorter = text.copy()
    shorter.truncate(width, overflow="ellipsis")
    return shorter


def _text(cell: Cell) -> Text:
    text = cell if isinstance(cell, Text) else Text(cell)
    return text if text.plain.isprintable() else Text(printable(text.plain, kept=""), text.style)


def _that_fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Places of the columns to show."""
    shown = list(range(len(columns)))

    def narrowest() -> int:
        return sum(_least(columns[place], widths[place]) + GAP for place in shown) - GAP

    for place in sorted(shown, key=lambda place: -columns[place].optional):
        if narrowest() <= width or not columns[place].optional:
            break
        shown.remove(place)
    return shown


def _fitted(
    columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], width: int
) -> dict[int, int]:
    fitted = {place: widths[place] for place in shown}
    while sum(fitted.values()) + GAP * (len(shown) - 1) > width:
        widest = max(shown, key=lambda place: fitted[place] - _least(columns[place], widths[place]))
        if fitted[widest] <= _least(columns[widest], widths[widest]):
            break
        fitted[widest] -= 1
    return fitted


def _least(column: Column, width: int) -> int:
    return min(width, max(column.least, len(column.title))) if column.least else width


def _line(
    columns: Sequence[Column], row: Sequence[Text], widths: dict[int, int], shown: Sequence[int]
) -> Text:
    line = Text()
    for place in shown:
        cell = cut(row[place], widths[place])
        pad = " " * (widths[place] - cell_len(cell.plain))
        if line.plain or place != shown[0]:
            line.append(" " * GAP)
        line.append_text(Text(pad) + cell if columns[place].right else cell + Text(pad))
    line.rstrip()
    return line
