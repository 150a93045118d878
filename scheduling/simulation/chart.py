"""Pictures of a comparison as SVG, readable on light and on dark ground; no library draws them. Pure."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from scheduling.simulation.axes import Frame, label, ticks
from scheduling.simulation.outcome import Outcome
from scheduling.simulation.series import highest
from scheduling.simulation.workload import SECOND, Workload

WIDTH, LEFT, RIGHT = 960, 64, 24
ROW, TITLE, GAP = 120, 50, 22
"""Heights of a policy's panel, of what stands above it, and of the room below it."""
HEAD, FOOT = 62, 44
DAY = 86_400 * SECOND
STYLE = """
.sim{--ink:#1f2937;--soft:#6b7280;--grid:#e5e7eb;--ground:#ffffff;--useful:#2563eb;--lost:#ea580c;--waiting:#7c3aed;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:12px}
@media (prefers-color-scheme:dark){.sim{--ink:#e5e7eb;--soft:#9ca3af;--grid:#374151;--ground:#111827;--useful:#60a5fa;
--lost:#fb923c;--waiting:#c4b5fd}}
.sim .ground{fill:var(--ground)}.sim text{fill:var(--soft)}.sim .strong{fill:var(--ink);font-weight:600}
.sim .title{fill:var(--ink);font-size:16px;font-weight:600}.sim .grid{stroke:var(--grid)}
.sim .useful{fill:var(--useful)}.sim .lost{fill:var(--lost)}
.sim .waiting{stroke:var(--waiting);fill:none;stroke-width:1.6}.sim .count{fill:var(--waiting)}
.sim .limit{stroke:var(--ink);stroke-dasharray:5 4}.sim .last{stroke:var(--soft);stroke-dasharray:2 3}
.sim .end{text-anchor:end}.sim .middle{text-anchor:middle}
"""


def use_over_time(workload: Workload, outcomes: Sequence[Outcome]) -> str:
    """For each policy, stacked: how many GPUs did work that was kept, and how many did work that was lost."""
    capacity = workload.total[workload.work_resource] / 1000
    unit = f"{workload.work_unit}s"
    legend = [("useful", "at work that was kept"), ("lost", "at work that an eviction destroyed")]
    parts, height = _page(f"{unit} in use over time", legend, len(outcomes))
    up = ticks(capacity, most=4)
    for row, outcome in enumerate(outcomes):
        frame = _frame(row, _days(outcomes), up[-1])
        figures, shown = outcome.figures, outcome.series
        facts = (
            f"goodput {figures.goodput:.1f} %, {figures.waste:,.0f} {workload.work_unit} hours wasted, "
            f"{figures.preemptions:,} preemptions"
        )
        parts += _panel(frame, outcome.policy.name, facts, up, unit)
        both = [one + other for one, other in zip(shown.useful, shown.lost, strict=True)]
        parts.append(_area(frame, shown.span, both, "lost"))
        parts.append(_area(frame, shown.span, shown.useful, "useful"))
        parts.append(_line(frame.left, frame.y(capacity), frame.right, frame.y(capacity), "limit"))
        parts += _last_submit(frame, workload, is_first=row == 0)
    return _whole(parts, height, f"{unit} in use over time, by policy")


def waiting_over_time(workload: Workload, outcomes: Sequence[Outcome]) -> str:
    """For each policy, on one scale: how many jobs wait."""
    parts, height = _page("Jobs that wait over time", [("count", "jobs that wait")], len(outcomes))
    up = ticks(highest([outcome.series.waiting for outcome in outcomes]), most=4)
    for row, outcome in enumerate(outcomes):
        frame = _frame(row, _days(outcomes), up[-1])
        waits = outcome.figures.waits
        facts = f"mean wait {waits.mean:,.1f} h, 95 of 100 within {waits.p95:,.1f} h, longest {waits.longest:,.1f} h"
        parts += _panel(frame, outcome.policy.name, facts, up, "jobs")
        points = " ".join(
            f"{frame.x((index + 0.5) * outcome.series.span / DAY)},{frame.y(value)}"
            for index, value in enumerate(outcome.series.waiting)
        )
        parts.append(f'<polyline class="waiting" points="{points}"/>')
        parts += _last_submit(frame, workload, is_first=row == 0)
    return _whole(parts, height, "Jobs that wait over time, by policy")


def _days(outcomes: Sequence[Outcome]) -> float:
    spans = [outcome.series.span * len(outcome.series.useful) for outcome in outcomes]
    return max([*spans, SECOND]) / DAY


def _frame(row: int, across: float, up: float) -> Frame:
    top = HEAD + TITLE + row * (TITLE + ROW + GAP)
    return Frame(LEFT, top, WIDTH - LEFT - RIGHT, ROW, across, up)


def _page(title: str, legend: Sequence[tuple[str, str]], rows: int) -> tuple[list[str], int]:
    """The head of the picture, and its height."""
    height = HEAD + rows * (TITLE + ROW + GAP) + FOOT
    parts = [f'<rect class="ground" width="{WIDTH}" height="{height}"/>', _text(LEFT, 30, title, "title")]
    at = LEFT
    for kind, words in legend:
        parts.append(f'<rect class="{kind}" x="{at}" y="44" width="12" height="12" rx="2"/>')
        parts.append(_text(at + 18, 54, words))
        at += 40 + 7 * len(words)
    parts.append(
        _text(LEFT + (WIDTH - LEFT - RIGHT) / 2, height - 10, "days since the first submit", "middle")
    )
    return parts, height


def _panel(frame: Frame, name: str, facts: str, up: Sequence[float], unit: str) -> list[str]:
    parts = [
        _text(frame.left, frame.top - 26, name, "strong"),
        _text(frame.right, frame.top - 26, facts, "end"),
    ]
    parts.append(_text(frame.left - 8, frame.top - 11, unit, "end"))
    for value in up:
        parts.append(_line(frame.left, frame.y(value), frame.right, frame.y(value), "grid"))
        parts.append(_text(frame.left - 8, frame.y(value) + 4, label(value), "end"))
    for day in ticks(frame.across, most=10):
        if day <= frame.across:
            parts.append(_line(frame.x(day), frame.bottom, frame.x(day), frame.bottom + 4, "grid"))
            parts.append(_text(frame.x(day), frame.bottom + 17, label(day), "middle"))
    return parts


def _last_submit(frame: Frame, workload: Workload, *, is_first: bool) -> list[str]:
    x = frame.x(workload.last_submit / DAY)
    parts = [_line(x, frame.top - 4, x, frame.bottom, "last")]
    if is_first:
        near_the_end = x > frame.right - 90
        parts.append(
            _text(
                x - 4 if near_the_end else x + 4, frame.top - 7, "last submit", "end" if near_the_end else ""
            )
        )
    return parts


def _area(frame: Frame, span: float, values: Sequence[float], kind: str) -> str:
    """Steps, not slopes: each average holds over its span."""
    steps = [(index + side, value) for index, value in enumerate(values) for side in (0, 1)]
    points = [(0, 0.0), *steps, (len(values), 0.0)]
    path = " ".join(f"{frame.x(index * span / DAY)},{frame.y(value)}" for index, value in points)
    return f'<polygon class="{kind}" points="{path}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{named}>{escape(words)}</text>'


def _whole(parts: Sequence[str], height: int, words: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sim" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(words)}"><style>{STYLE}</style>{"".join(parts)}</svg>\n'
    )
