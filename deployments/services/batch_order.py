"""What the deployments of a batch wait for among themselves, by the keys that they give each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment of a batch. `asked`: as to `submit_deployment`, with cluster_id and dependency_ids.

    One that could not be read has no `asked` and its `problem`, in whatever form the caller tells it.
    """

    asked: Mapping[str, Any] | None = None
    key: str | None = None
    depends_on: Sequence[str] = ()
    problem: Any = None


def waits_for(entries: Sequence[Entry]) -> tuple[list[set[int]], dict[int, dict[str, str]]]:
    """For each entry the places of those that it waits for; and place → field → what is wrong with its keys."""
    wrong: dict[int, dict[str, str]] = defaultdict(dict)
    places: dict[str, int] = {}
    for place, entry in enumerate(entries):
        if entry.key is not None and places.setdefault(entry.key, place) != place:
            wrong[place]["key"] = f"deployments[{places[entry.key]}] has this key too. Give each its own."
    waits: list[set[int]] = []
    for place, entry in enumerate(entries):
        if unknown := [key for key in dict.fromkeys(entry.depends_on) if key not in places]:
            names = ", ".join(map(repr, unknown))
            wrong[place]["depends_on"] = (
                f"No deployment of this batch has the key {names}. Deployments that are there already are named in "
                "dependency_ids."
            )
        waits.append({places[key] for key in entry.depends_on if key in places})
    for place in in_circles(waits):
        wrong[place].setdefault(
            "depends_on", "It waits for itself, directly or by way of others of this batch."
        )
    return waits, dict(wrong)


def in_circles(waits: Sequence[set[int]]) -> list[int]:
    """The places that are in a circle, or between two of them."""
    left = set(range(len(waits)))
    waited: list[set[int]] = [set() for _ in waits]
    for place, others in enumerate(waits):
        for other in others:
            waited[other].add(place)
    # Whoever waits for nobody who is left is in no circle, and so is whom nobody who is left waits for.
    for forwards, backwards in ((waits, waited), (waited, waits)):
        open_ends = {place: len(forwards[place] & left) for place in left}
        loose = [place for place, count in open_ends.items() if not count]
        while loose:
            place = loose.pop()
            left.discard(place)
            for other in backwards[place]:
                if other in left:
                    open_ends[other] -= 1
                    if not open_ends[other]:
                        loose.append(other)
    return sorted(left)
