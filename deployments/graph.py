"""A deployment's dependencies as a drawing: in layers, what it waits for to the left. Pure; it reads no rows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 168, 42
"""Of a box."""
ACROSS, DOWN, MARGIN = 56, 14, 12
"""Between boxes, and around all."""
PASSING = 10
"""The height that a passing edge takes."""
LONGEST_NAME = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A deployment in the drawing. `address`: where its page is."""

    id: int
    name: str
    status: str
    address: str


Edge = tuple[int, int]
"""(what is waited for, what waits for it)."""
Slot = int | tuple[int, int, int]
"""A box, or an edge where it passes a layer: (*edge, layer)."""


def drawing(nodes: Collection[Node], edges: Collection[Edge], *, centre: int, title: str) -> SafeString:
    """The graph as SVG, its colours by the style sheet. Every box is a link, so it is a
    group to who cannot see, and no image; its title tells it.
    """
    known = {node.id for node in nodes}
    edges = [edge for edge in edges if known.issuperset(edge)]
    places = _places(layers(known, edges))
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y + _height(slot) for slot, (_, y) in places.items()) + MARGIN
    lines = format_html_join("", '<path d="{}"/>', ((_line(edge, places),) for edge in edges))
    boxes = SafeString("".join(_box(node, *places[node.id], is_centre=node.id == centre) for node in nodes))
    return format_html(
        '<svg class="console-graph" role="group" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">'
        "<title>{}</title>{}{}</svg>",
        title, width, height, width, height, title, lines, boxes,
    )  # fmt: skip


def layers(ids: Iterable[int], edges: Collection[Edge]) -> list[list[Slot]]:
    """Ids in layers, each one right of all that it waits for, and in a layer near those that it waits for.

    An edge that passes layers has a slot in each of them, so that it goes around their boxes.
    """
    depth = dict.fromkeys(sorted(ids), 0)
    # Longest ways: in a graph without circles they are found after as many rounds as there are layers.
    for _ in range(len(depth)):
        deeper = {other: depth[one] + 1 for one, other in edges if depth[other] <= depth[one]}
        if not deeper:
            break
        depth |= deeper
    found: list[list[Slot]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for id_, layer in depth.items():
        found[layer].append(id_)
    before: dict[Slot, list[Slot]] = {}
    for one, other in sorted(edges):
        way = _way(one, other, depth)
        for slot, layer in zip(way[1:-1], range(depth[one] + 1, depth[other]), strict=True):
            found[layer].append(slot)
        for left, right in pairwise(way):
            before.setdefault(right, []).append(left)
    for left_layer, right_layer in pairwise(found):
        rank = {slot: place for place, slot in enumerate(left_layer)}
        right_layer.sort(key=lambda slot: _mean([rank[one] for one in before.get(slot, ()) if one in rank]))
    return found


def _way(one: int, other: int, depth: Mapping[int, int]) -> list[Slot]:
    return [one, *((one, other, layer) for layer in range(depth[one] + 1, depth[other])), other]


def _mean(numbers: Collection[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _places(found: Collection[Collection[Slot]]) -> dict[Slot, tuple[int, int]]:
    """Slot → its upper left corner; each layer stands in the middle of the highest one."""
    heights = [sum(_height(slot) + DOWN for slot in layer) for layer in found]
    places: dict[Slot, tuple[int, int]] = {}
    for column, (layer, height) in enumerate(zip(found, heights, strict=True)):
        y = MARGIN + (max(heights) - height) // 2
        for slot in layer:
            places[slot] = (MARGIN + column * (WIDTH + ACROSS), y)
            y += _height(slot) + DOWN
    return places


def _height(slot: Slot) -> int:
    return HEIGHT if isinstance(slot, int) else PASSING


def _line(edge: Edge, places: Mapping[Slot, tuple[int, int]]) -> str:
    """Through the slots between, level as long as it passes one."""
    one, other = edge
    passed = sorted(
        (slot for slot in places if not isinstance(slot, int) and slot[:2] == edge),
        key=lambda slot: places[slot],
    )
    x, y = places[one][0] + WIDTH, places[one][1] + HEIGHT // 2
    parts = [f"M{x} {y}"]
    stops: list[Slot] = [*passed, other]
    for slot in stops:
        to_x, to_y = places[slot][0], places[slot][1] + _height(slot) // 2
        parts.append(f"C{x + ACROSS // 2} {y} {to_x - ACROSS // 2} {to_y} {to_x} {to_y}")
        x, y = to_x + WIDTH, to_y
        if slot != other:
            parts.append(f"L{x} {y}")
    return "".join(parts)


def _box(node: Node, x: int, y: int, *, is_centre: bool) -> SafeString:
    name = node.name if len(node.name) <= LONGEST_NAME else f"{node.name[: LONGEST_NAME - 1]}…"
    return format_html(
        '<a href="{}"><title>{} (#{}), {}</title><g class="console-node-{}{}" transform="translate({} {})">'
        '<rect width="{}" height="{}" rx="6"/><text x="10" y="18">{}</text><text x="10" y="34" class="console-small">'
        "#{} {}</text></g></a>",
        node.address, node.name, node.id, node.status, node.status, " console-centre" if is_centre else "", x, y,
        WIDTH, HEIGHT, name, node.id, node.status,
    )  # fmt: skip
