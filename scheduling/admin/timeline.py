"""Who ran on a cluster and when: a bar a run, on the cluster's page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.admin.display import span
from accounts.admin.panels import Drawing, Way
from clusters.admin.capacity import amount_in_words
from clusters.amounts import Amount
from clusters.models import Cluster
from deployments.models import Priority, Run, StopCause
from scheduling.admin.drawing import picture, time_ticks

RANGES = {"1h": 1, "6h": 6, "24h": 24, "7d": 168}
"""Hours back from now."""
DEFAULT, SHORTEST = "6h", "1h"
MOST = 40
"""Bars: those that run, then those that ended last."""
RIGHT, TOP, BAR = 12, 22, 12


@dataclass(frozen=True, slots=True)
class Layout:
    """How it is laid out, in the picture's own units. `letters`: of a name, as many as there is room for."""

    kind: str
    width: int
    left: int
    row: int
    letters: int
    ticks: int
    name_above: bool


WIDE = Layout("wide", 960, 190, 20, 26, 6, name_above=False)
NARROW = Layout("narrow", 360, 4, 34, 48, 3, name_above=True)
"""For a phone, where a column of names would leave no room for the bars."""
LEGEND = (
    ("run-high", "HIGH"), ("run-medium", "MEDIUM"), ("run-low", "LOW"), ("run-starting", "starting: faint"),
    ("run-stopping", "told to stop, not gone yet"), ("run-preempted", "preempted"),
)  # fmt: skip


def timeline(request: HttpRequest, cluster: Cluster) -> Drawing:
    """The runs of the last hours, by ?range=; unasked the last hour, if nothing that is shown began before it."""
    asked = request.GET.get("range")
    chosen = asked if asked in RANGES else DEFAULT
    now = timezone.now()
    runs = _runs(cluster, now - timedelta(hours=RANGES[chosen]))
    lately = now - timedelta(hours=RANGES[SHORTEST])
    if asked is None and runs and all(run["booked_at"] >= lately for run in runs):
        chosen = SHORTEST
    since = now - timedelta(hours=RANGES[chosen])
    more = len(runs) > MOST
    layouts = (WIDE, NARROW) if runs else ()
    drawn = "".join(drawing(cluster.name, runs[:MOST], since, now, layout) for layout in layouts)
    return Drawing(
        "Who ran when",
        SafeString(drawn),
        LEGEND,
        [
            Way(name.replace("h", " h").replace("d", " d"), f"?range={name}", name == chosen)
            for name in RANGES
        ],
        f"Nothing ran here in the last {chosen.replace('h', ' h').replace('d', ' d')}.",
        f"Those that run, and of the others the {MOST} that ended last are shown. Times are UTC."
        if more
        else "Times are UTC.",
    )


def _runs(cluster: Cluster, since: datetime) -> list[Any]:
    """Those that run, then those that ended last; one more than are drawn, to know that there are more."""
    columns = (
        "pk", "priority", "booked_at", "running_at", "stop_requested_at", "stop_cause", "ended_at", "outcome",
        "deployment_id", "name", "gpu", "cpu", "ram",
    )  # fmt: skip
    rows = (
        Run.objects.filter(cluster=cluster, allocations__index=0)
        .annotate(
            name=F("deployment__name"), gpu=F("allocations__gpu"), cpu=F("allocations__cpu"), ram=F("allocations__ram")
        )
        .values(*columns)
    )  # fmt: skip
    live = list(rows.filter(outcome=None).order_by("-priority", "booked_at")[: MOST + 1])
    ended = rows.filter(ended_at__gte=since).order_by("-ended_at", "-pk")
    return live + list(ended[: MOST + 1 - len(live)])


def drawing(name: str, runs: Sequence[Any], since: datetime, now: datetime, layout: Layout) -> str:
    """The picture: a row a run, the time to the right."""
    height = TOP + layout.row * len(runs) + 6
    across = layout.width - layout.left - RIGHT
    parts = []
    for share, words in time_ticks(since, now, most=layout.ticks):
        x = layout.left + across * share
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{height - 4}"/>')
        anchor = "end" if x > layout.width - 24 else "middle" if x > 20 else ""
        parts.append(f'<text class="{anchor}" x="{x:.1f}" y="12">{words}</text>')
    for index, run in enumerate(runs):
        parts += _row(run, TOP + layout.row * index, since, now, layout)
    live = sum(run["outcome"] is None for run in runs)
    preempted = sum(run["stop_cause"] == StopCause.PREEMPTION for run in runs)
    told = (
        f"{len(runs)} runs from {since:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC: {live} hold capacity now, "
        f"preempted: {preempted}. The tables below list who runs and who waits"
    )
    kind = f"console-chart {layout.kind}"
    return picture(f"Who ran when on {name}", told, parts, layout.width, height, kind=kind)


def _row(run: Any, top: float, since: datetime, now: datetime, layout: Layout) -> Iterable[str]:
    whole = (now - since).total_seconds()

    def x(at: datetime) -> float:
        share = max(0.0, min(1.0, (at - since).total_seconds() / whole))
        return round(layout.left + (layout.width - layout.left - RIGHT) * share, 1)

    ended = run["ended_at"] or now
    stops = run["stop_requested_at"] or ended
    runs_from = run["running_at"] or min(stops, ended)
    kind = f"run-{Priority(run['priority']).label.lower()}"
    middle = top + layout.row - 10
    words = top + 14 if layout.name_above else middle + 4
    name, most = run["name"], layout.letters
    shown = name if len(name) <= most else f"{name[: most - 1]}…"
    yield f"<g><title>{escape(_told(run, now))}</title>"
    yield f'<text class="name" x="4" y="{words:g}">{escape(shown)}</text>'
    yield f'<rect class="hover" x="0" y="{top:g}" width="{layout.width}" height="{layout.row}"/>'
    for began, until, look in (
        (run["booked_at"], min(runs_from, stops), f"{kind} run-starting"),
        (runs_from, stops, kind),
        (stops, ended, f"{kind} run-stopping"),
    ):
        if until > began and until > since:
            wide = max(2.0, x(until) - x(began))
            yield (
                f'<rect class="{look}" x="{x(began):g}" y="{middle - BAR / 2:g}" width="{wide:.1f}" '
                f'height="{BAR}" rx="2"/>'
            )
    if run["stop_cause"] == StopCause.PREEMPTION and stops >= since:
        at, half = x(stops), 5
        yield (
            f'<path class="run-preempted" d="M{at - half:g} {middle - 8:g}h{2 * half}l-{half} {2 * half - 2}z"/>'
        )
    yield "</g>"


def _told(run: Any, now: datetime) -> str:
    ended = run["ended_at"]
    length = span((ended or now) - run["booked_at"])
    end = f"{run['outcome']} at {ended:%Y-%m-%d %H:%M:%S} after {length}" if ended else f"since {length}"
    held = amount_in_words(Amount(run["gpu"], run["cpu"], run["ram"]))
    told = (
        f"{run['name']} (#{run['deployment_id']}), run {run['pk']}, {Priority(run['priority']).label}\n"
        f"{held}\nbooked at {run['booked_at']:%Y-%m-%d %H:%M:%S}, {end}"
    )
    if run["stop_cause"] == StopCause.PREEMPTION and run["stop_requested_at"]:
        return f"{told}\npreempted at {run['stop_requested_at']:%Y-%m-%d %H:%M:%S}"
    return told
