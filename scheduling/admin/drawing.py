"""Charts over time as SVG: areas, lines and bars, coloured by the console's stylesheet. Pure.

A chart is `WIDTH` units wide and as wide as its place on the page; colours are classes, so that light and dark need no
second picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from scheduling.simulation.axes import Frame, label, ticks

WIDTH, HEIGHT = 520, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 24
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """A figure a slot; None: nobody knows. `kind`: a class of the stylesheet. `name`: as the hover text says it."""

    name: str
    values: Values
    kind: str


@dataclass(frozen=True, slots=True)
class Slots:
    """The time axis: slots of one length, one after the other."""

    since: datetime
    length: timedelta
    count: int

    @property
    def until(self) -> datetime:
        return self.since + self.count * self.length

    def words(self, slot: int) -> str:
        """The slot's moment as people say it."""
        at = self.since + slot * self.length
        return f"{at:%Y-%m-%d %H:%M}" if self.length < timedelta(days=1) else f"{at:%Y-%m-%d}"


Writer = Callable[[float], str]


def chart(
    name: str,
    slots: Slots,
    *,
    stacked: Sequence[Series] = (),
    bars: Sequence[Series] = (),
    lines: Sequence[Series] = (),
    write: Writer = label,
    upward: Callable[[float], list[float]] = ticks,
) -> str:
    """Stacked areas or bars, and lines above them; a slot tells its figures where one points at it.

    `upward`: the highest figure → where the upward axis has its lines, from 0 to at least that.
    """
    layers = _layers(stacked)
    highest = max(
        [value or 0.0 for series in (*layers, *bars, *lines) for value in series.values], default=0.0
    )
    up = upward(highest)
    frame = Frame(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, max(slots.count, 1), up[-1])
    parts = _axes(frame, slots, up, write)
    parts += [_area(frame, series) for series in reversed(layers)]
    for series in bars:
        parts += _bars(frame, series)
    parts += [_line(frame, series) for series in lines]
    parts += _hover(frame, slots, [*stacked, *bars, *lines], write)
    return picture(name, _told(slots, [*stacked, *bars, *lines], write), parts, WIDTH, HEIGHT)


def picture(
    name: str,
    description: str,
    parts: Sequence[str],
    width: float,
    height: float,
    *,
    kind: str = "console-chart",
) -> str:
    """A whole SVG, with a title and a description for those who do not see it."""
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{quoted(name)}: '
        f'{quoted(description)}"><desc>{escape(description)}</desc>{"".join(parts)}</svg>'
    )


def quoted(words: str) -> str:
    """Text within an attribute."""
    return escape(words, {'"': "&quot;"})


def time_ticks(since: datetime, until: datetime, *, most: int = 6) -> list[tuple[float, str]]:
    """Where round moments stand in the span, as a share of it, and their words; days by their date."""
    whole = (until - since).total_seconds()
    steps = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000)
    step = next((step for step in steps if whole / step <= most), steps[-1])
    first = -(-since.timestamp() // step) * step
    found = []
    for index in range(int((until.timestamp() - first) // step) + 1):
        at = datetime.fromtimestamp(first + index * step, since.tzinfo)
        midnight = at.hour == at.minute == 0
        words = f"{at:%b} {at.day}" if step >= 86_400 or (midnight and whole > 86_400) else f"{at:%H:%M}"
        found.append(((at - since).total_seconds() / whole, words))
    return found


def _layers(stacked: Sequence[Series]) -> list[Series]:
    """Each on top of those before it."""
    found: list[Series] = []
    for series in stacked:
        below = found[-1].values if found else [0.0] * len(series.values)
        both = [(one or 0.0) + (other or 0.0) for one, other in zip(series.values, below, strict=True)]
        found.append(Series(series.name, both, series.kind))
    return found


def _axes(frame: Frame, slots: Slots, up: Sequence[float], write: Writer) -> list[str]:
    parts = []
    for value in up:
        y = frame.y(value)
        parts.append(f'<line class="grid" x1="{frame.left:g}" x2="{frame.right:g}" y1="{y:g}" y2="{y:g}"/>')
        parts.append(f'<text class="end" x="{frame.left - 5:g}" y="{y + 4:g}">{escape(write(value))}</text>')
    for share, words in time_ticks(slots.since, slots.until):
        x = frame.x(share * frame.across)
        anchor = "end" if x > frame.right - 20 else "middle" if x > frame.left + 18 else ""
        parts.append(f'<text class="{anchor}" x="{x:g}" y="{HEIGHT - 8}">{words}</text>')
    return parts


def _area(frame: Frame, series: Series) -> str:
    """Steps, not slopes: each average holds over its slot."""
    points = [(0.0, 0.0)]
    for slot, value in enumerate(series.values):
        points += [(slot, value or 0.0), (slot + 1, value or 0.0)]
    points.append((len(series.values), 0.0))
    path = " ".join(f"{frame.x(slot)},{frame.y(value)}" for slot, value in points)
    return f'<polygon class="{series.kind}" points="{path}"/>'


def _bars(frame: Frame, series: Series) -> list[str]:
    wide = max(1.5, frame.width / frame.across - 1)
    return [
        f'<rect class="{series.kind}" x="{frame.x(slot):g}" y="{frame.y(value):g}" width="{wide:.1f}" '
        f'height="{frame.bottom - frame.y(value):.1f}"/>'
        for slot, value in enumerate(series.values)
        if value
    ]


def _line(frame: Frame, series: Series) -> str:
    """Broken where nobody knows; a dot where there is one figure alone."""
    strokes: list[list[str]] = [[]]
    for slot, value in enumerate(series.values):
        if value is None:
            strokes.append([])
        else:
            strokes[-1].append(f"{frame.x(slot + 0.5)},{frame.y(value)}")
    drawn = []
    for points in filter(None, strokes):
        if len(points) == 1:
            x, y = points[0].split(",")
            points = [f"{float(x) - 1.5:g},{y}", f"{float(x) + 1.5:g},{y}"]
        drawn.append(f'<polyline class="{series.kind}" points="{" ".join(points)}"/>')
    return "".join(drawn)


def _hover(frame: Frame, slots: Slots, every: Sequence[Series], write: Writer) -> list[str]:
    wide = frame.width / frame.across
    found = []
    for slot in range(slots.count):
        known = [(series.name, series.values[slot]) for series in every]
        told = "\n".join(f"{name} {write(value)}" for name, value in known if value is not None)
        if told:
            found.append(
                f'<rect class="hover" x="{frame.x(slot):g}" y="{frame.top:g}" width="{wide:.2f}" '
                f'height="{frame.height:g}"><title>{escape(slots.words(slot))}\n{escape(told)}</title></rect>'
            )
    return found


def _told(slots: Slots, every: Sequence[Series], write: Writer) -> str:
    """What somebody needs who does not see the picture: of each figure the last one and the highest."""
    told = []
    for series in every:
        known = [value for value in series.values if value is not None]
        told.append(
            f"{series.name}: last {write(known[-1])}, highest {write(max(known))}"
            if known
            else f"{series.name}: nothing"
        )
    return f"{slots.words(0)} to {slots.until:%Y-%m-%d %H:%M} UTC. {'; '.join(told)}."
