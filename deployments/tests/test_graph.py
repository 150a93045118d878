"""The drawing of dependencies."""

from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from deployments.graph import Node, drawing, layers


@given(some.integers(1, 12).flatmap(lambda size: some.tuples(some.just(size), some.sets(
    some.tuples(some.integers(1, size), some.integers(1, size)).filter(lambda edge: edge[0] < edge[1])))))  # fmt: skip
def test_each_one_is_right_of_all_that_it_waits_for(graph):
    size, edges = graph
    found = layers(range(1, size + 1), edges)
    for column, layer in enumerate(found):
        passing = {slot[:2] for slot in layer if not isinstance(slot, int)}
        assert passing == {
            edge for edge in edges if depth_of(found, edge[0]) < column < depth_of(found, edge[1])
        }
    found = [[slot for slot in layer if isinstance(slot, int)] for layer in found]
    place = {id_: column for column, layer in enumerate(found) for id_ in layer}
    assert sorted(place) == list(range(1, size + 1))
    assert all(place[one] < place[other] for one, other in edges)
    # No layer is there for nothing: each one's neighbour to the left is something that it waits for.
    assert all(
        place[id_] == 0 or any(place[one] == place[id_] - 1 for one, to in edges if to == id_)
        for id_ in place
    )


def depth_of(found, id_):
    return next(column for column, layer in enumerate(found) if id_ in layer)


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attributes)["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_box_is_a_link_and_names_are_text():
    nodes = [Node(number, f"<script>{number}", "running", f"/page/{number}") for number in (1, 2, 3)]
    svg = drawing(nodes, [(one.id, other.id) for one, other in pairwise(nodes)], centre=2, title="two > one")
    reader = Reader()
    reader.feed(svg)
    assert reader.links == ["/page/1", "/page/2", "/page/3"]
    assert "<script>" not in svg
    assert 'role="group"' in svg


def test_an_edge_to_one_that_is_not_drawn_is_left_out():
    svg = drawing([Node(1, "one", "pending", "/1")], [(1, 2), (3, 1)], centre=1, title="one")
    assert "<path" not in svg
