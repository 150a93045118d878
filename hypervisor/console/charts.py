"""The fleet over time, from what is kept of each minute and each hour."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from django.http import QueryDict
from django.utils.safestring import SafeString

from accounts.admin.panels import Drawing, Way
from scheduling.admin.drawing import Series, Slots, chart
from scheduling.figures import DEFAULT, RANGES, Range, Slot, fleet
from scheduling.simulation.axes import rounded

PRIORITIES = ((3, "HIGH"), (2, "MEDIUM"), (1, "LOW"))
NOTHING_YET = "Nothing yet: the first figures are here a minute or two after the first cluster."


def chosen_range(query: QueryDict) -> Range:
    """What ?range= names; the default for what it does not know."""
    return RANGES.get(query.get("range", ""), DEFAULT)


def ways(query: QueryDict, chosen: Range) -> list[Way]:
    """Links to all ranges, each keeping the rest of the address."""
    found = []
    for one in RANGES.values():
        there = query.copy()
        there["range"] = one.name
        found.append(Way(one.words, f"?{there.urlencode()}", one is chosen))
    return found


def charts(chosen: Range, now: datetime) -> tuple[list[Drawing], list[Slot]]:
    """Use, waits, preemptions and what they lost; and the slots that they were drawn from."""
    slots = fleet(chosen, now)
    time = Slots(chosen.since(now), chosen.slot, len(slots))
    is_known = any(slot.seconds for slot in slots)

    def drawn(draw: Callable[[Slots, Sequence[Slot]], str]) -> SafeString:
        # Our own, in which every word is escaped.
        return SafeString(draw(time, slots) if is_known else "")

    return [
        Drawing(
            "GPUs in use", drawn(_use),
            (("level-high", "HIGH"), ("level-medium", "MEDIUM"), ("level-low", "LOW"), ("line-total", "all there are")),
            nothing=NOTHING_YET,
        ),
        Drawing(
            "Waits until the start", drawn(_waits),
            (*((f"line-{name.lower()}", name) for _, name in PRIORITIES), ("line-dashed", "dashed: 95 of 100 within")),
            nothing=NOTHING_YET,
        ),
        Drawing("Preemptions", drawn(_preemptions), nothing=NOTHING_YET),
        Drawing("GPU hours lost to preemptions", drawn(_lost), nothing=NOTHING_YET),
    ], slots  # fmt: skip


def _use(time: Slots, slots: Sequence[Slot]) -> str:
    layers = [
        Series(name, [slot.average(f"gpu_seconds_{name.lower()}") for slot in slots], f"level-{name.lower()}")
        for _, name in PRIORITIES
    ]
    total = Series("all there are", [slot.average("total_gpu_seconds") for slot in slots], "line-total")
    return chart("GPUs in use, by priority", time, stacked=layers, lines=[total], write=rounded)


def _waits(time: Slots, slots: Sequence[Slot]) -> str:
    lines = [
        Series(
            f"{name}, {words}",
            [slot.wait(priority, share) for slot in slots],
            f"line-{name.lower()}{' dashed' if share > 0.5 else ''}",
        )
        for priority, name in reversed(PRIORITIES)
        for share, words in ((0.95, "95 of 100 within"), (0.5, "half within"))
    ]
    return chart(
        "Waits until the start, by priority", time, lines=lines, write=_length, upward=_round_lengths
    )


def _preemptions(time: Slots, slots: Sequence[Slot]) -> str:
    bars = Series("preemptions", [slot.sum("preemptions") for slot in slots], "bar-preempted")
    return chart("Preemptions", time, bars=[bars], write=rounded)


def _lost(time: Slots, slots: Sequence[Slot]) -> str:
    hours = [None if (lost := slot.sum("gpu_seconds_lost")) is None else lost / 3600 for slot in slots]
    return chart(
        "GPU hours lost to preemptions",
        time,
        bars=[Series("GPU hours lost", hours, "bar-lost")],
        write=rounded,
    )


def _length(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _round_lengths(highest: float) -> list[float]:
    minutes = [60 * count for count in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)]
    steps = [0.2, 0.5, 1, 2, 5, 10, 15, 30, *minutes, *(86_400 * count for count in (1, 2, 5, 10, 30, 100))]
    step = next((step for step in steps if highest <= 4 * step), steps[-1])
    return [index * step for index in range(max(1, math.ceil(highest / step)) + 1)]
