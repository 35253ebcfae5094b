"""Formulas are marked as they should be, and tables show what they are given."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pedagogy_lib import show
from pedagogy_lib.show.pictures import formulas

TOKENS = [("f(", None), ("x", "argument"), (")=", None), ("c", "variable"), (r"\sum", None), ("_y", "dummy")]


@pytest.fixture
def ax():
    return show.figure(height=1.2)[1]


def test_revealed_symbols_differ_in_color_and_in_line(ax):
    formulas.formula(ax, TOKENS)
    colors = {t.get_text(): t.get_color() for t in ax.texts}
    assert colors["$x$"] != colors["$c$"] != colors["$_y$"] != colors["$x$"]
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    starts = [t.get_position()[0] for t in ax.texts]
    assert starts == sorted(starts) and len(set(starts)) == len(starts)   # one after the other
    for line, text in zip(ax.lines, [t for t, (_, kind) in zip(ax.texts, TOKENS) if kind]):
        assert line.get_xdata()[0] == pytest.approx(text.get_position()[0], abs=0.01)


def test_symbols_follow_each_other_at_every_resolution_and_never_touch(ax):
    formulas.formula(ax, TOKENS)
    places, renderer = [t.get_position()[0] for t in ax.texts], FigureCanvasAgg(ax.figure).get_renderer()
    boxes = [t.get_window_extent(renderer) for t in ax.texts]
    for box, following in zip(boxes, boxes[1:]):
        assert -1 < following.x0 - box.x1 < 4                               # pixels: Agg rounds to whole ones
    other = show.figure(height=1.2)[1]
    other.figure.dpi = 72
    formulas.formula(other, TOKENS)
    assert [t.get_position()[0] for t in other.texts] == places


def test_hidden_marks_leave_the_formula_plain(ax):
    formulas.formula(ax, TOKENS, reveal=False)
    assert {t.get_color() for t in ax.texts} == {show.COLORS["ink"]}
    assert not ax.lines


def test_the_key_names_every_kind(ax):
    formulas.key(ax)
    assert [t.get_text() for t in ax.texts] == list(formulas.KINDS)
    assert len(ax.lines) == len(formulas.KINDS)


def test_a_table_writes_its_numbers_and_shades_what_counts(ax):
    values = np.array([[0.125, 0.25], [0.5, 0.125]])
    formulas.table(ax, values, ["a", "b"], ["u", "v"], np.eye(2, dtype=bool), digits=3)
    texts = [t.get_text() for t in ax.texts]
    assert texts[:2] == ["u", "v"]
    assert {"0.125", "0.250", "0.500", "a", "b"} <= set(texts)
    assert [p.get_facecolor()[3] > 0 for p in ax.patches] == [True, False, False, True]
