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


def drawing(nodes: Collection[Node], edges: Collection[Edge], *, centre: int, title: str) -> SafeString:
    """The graph as SVG, its colours by the style sheet. Every box is a link, so it is a
    group to who cannot see, and no image; its title tells it.
    """
    known = {node.id for node in nodes}
    edges = [edge for edge in edges if known.issuperset(edge)]
    places = _places(layers([node.id for node in nodes], edges))
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    lines = format_html_join(
        "", '<path d="{}"/>', ((_line(places[one], places[other]),) for one, other in edges)
    )
    boxes = SafeString("".join(_box(node, *places[node.id], is_centre=node.id == centre) for node in nodes))
    return format_html(
        '<svg class="console-graph" role="group" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">'
        "<title>{}</title>{}{}</svg>",
        title, width, height, width, height, title, lines, boxes,
    )  # fmt: skip


def layers(ids: Iterable[int], edges: Collection[Edge]) -> list[list[int]]:
    """Ids in layers, each one right of all that it waits for, and in a layer near those that it waits for."""
    depth = dict.fromkeys(sorted(ids), 0)
    # Longest ways: in a graph without circles they are found after as many rounds as there are layers.
    for _ in range(len(depth)):
        deeper = {other: depth[one] + 1 for one, other in edges if depth[other] <= depth[one]}
        if not deeper:
            break
        depth |= deeper
    found: list[list[int]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for id_, layer in depth.items():
        found[layer].append(id_)
    before: dict[int, list[int]] = {id_: [] for id_ in depth}
    for one, other in edges:
        before[other].append(one)
    for left, right in pairwise(found):
        rank = {id_: place for place, id_ in enumerate(left)}
        right.sort(key=lambda id_: (_mean([rank[one] for one in before[id_] if one in rank]), id_))
    return found


def _mean(numbers: Collection[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _places(found: Collection[Collection[int]]) -> Mapping[int, tuple[int, int]]:
    """Id → the upper left corner of its box; each layer stands in the middle of the highest one."""
    highest = max(len(layer) for layer in found)
    places = {}
    for column, layer in enumerate(found):
        above = (highest - len(layer)) * (HEIGHT + DOWN) // 2
        for row, id_ in enumerate(layer):
            places[id_] = (MARGIN + column * (WIDTH + ACROSS), MARGIN + above + row * (HEIGHT + DOWN))
    return places


def _line(one: tuple[int, int], other: tuple[int, int]) -> str:
    x, y = one[0] + WIDTH, one[1] + HEIGHT // 2
    to_x, to_y = other[0], other[1] + HEIGHT // 2
    bend = max(ACROSS // 2, (to_x - x) // 2)
    return f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"


def _box(node: Node, x: int, y: int, *, is_centre: bool) -> SafeString:
    name = node.name if len(node.name) <= LONGEST_NAME else f"{node.name[: LONGEST_NAME - 1]}…"
    return format_html(
        '<a href="{}"><title>{} (#{}), {}</title><g class="console-node-{}{}" transform="translate({} {})">'
        '<rect width="{}" height="{}" rx="6"/><text x="10" y="18">{}</text><text x="10" y="34" class="console-small">'
        "#{} {}</text></g></a>",
        node.address, node.name, node.id, node.status, node.status, " console-centre" if is_centre else "", x, y,
        WIDTH, HEIGHT, name, node.id, node.status,
    )  # fmt: skip
