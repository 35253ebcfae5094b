"""Graphs of words: every node and edge is there, and what changes changes."""

from pedagogy_lib import show
from pedagogy_lib.show.pictures.word_graphs import word_graph

PLACES = {"a": (0, 0), "b": (1, 1), "c": (2, 0)}
EDGES = [("a", "b"), ("b", "c")]


def test_nodes_edges_and_heads():
    fig, ax = show.figure()
    drawn = word_graph(ax, PLACES, EDGES, directed=True, words={"a": "alpha"})
    assert [box.get_text() for box in drawn.boxes.values()] == ["alpha", "b", "c"]
    assert [box.get_position() for box in drawn.boxes.values()] == list(PLACES.values())
    assert list(drawn.lines) == list(drawn.heads) == EDGES
    tip = drawn.heads["a", "b"].get_xy()[0]
    assert 0.5 < tip[0] < 1 and abs(tip[0] - tip[1]) < 1e-12


def test_edges_come_and_go_and_boxes_take_colors():
    fig, ax = show.figure()
    drawn = word_graph(ax, PLACES, EDGES)
    drawn.show_edges({("b", "c")})
    assert not drawn.lines["a", "b"].get_visible() and drawn.lines["b", "c"].get_visible()
    drawn.paint({"a": show.CYCLE[0]}, faces={"b"})
    assert drawn.boxes["a"].get_color() == show.CYCLE[0] and drawn.boxes["c"].get_color() == show.COLORS["ink"]
    assert drawn.boxes["a"].get_bbox_patch().get_linewidth() > drawn.boxes["c"].get_bbox_patch().get_linewidth()
    shaded = [box.get_bbox_patch().get_facecolor() for box in drawn.boxes.values()]
    assert shaded[1] != shaded[0] == shaded[2]
