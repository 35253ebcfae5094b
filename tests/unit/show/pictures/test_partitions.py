"""The chapters' own pictures draw what they are given."""

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import beliefs, partitions


@pytest.fixture
def ax():
    return show.figure()[1]


def test_a_scatter_has_one_marker_and_one_color_for_each_class(ax):
    y = np.arange(12.0).reshape(6, 2)
    partitions.scatter(ax, y, np.array([0, 0, 1, 1, 2, 2]), ["a", "b", "c"], ["u", "v"])
    assert len(ax.collections) == 3
    assert len({c.get_paths()[0].vertices.shape for c in ax.collections}) > 1
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 3
    np.testing.assert_array_equal(ax.collections[1].get_offsets(), y[2:4])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("u", "v")


def test_a_scatter_without_classes_is_one_cloud(ax):
    partitions.scatter(ax, np.zeros((5, 2)))
    assert len(ax.collections) == 1


def test_boundaries_lie_where_the_two_best_classes_tie(ax):
    centers = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 3.0]])

    def score(y):
        return -((y[:, None] - centers) ** 2).sum(2)

    partitions.boundaries(ax, score, (-2, 6, -2, 6))
    points = np.concatenate([s for c in ax.collections for s in (p.vertices for p in c.get_paths()) if len(s)])
    assert len(points) > 50
    best = np.sort(score(points), axis=1)
    np.testing.assert_allclose(best[:, -1], best[:, -2], atol=0.15)      # the grid's own spacing
    assert (best[:, -2] - best[:, 0]).max() > 1
    assert ax.get_xlim() == (-2, 6)


def test_a_class_that_wins_everywhere_has_no_boundary(ax):
    partitions.boundaries(ax, lambda y: np.column_stack([np.zeros(len(y)), np.ones(len(y))]), (0, 1, 0, 1))
    assert not ax.collections


def test_bars_are_as_long_as_the_probabilities(ax):
    partitions.bars(ax, np.array([0.2, 0.5, 0.3]), ["a", "b", "c"])
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [0.2, 0.5, 0.3])
    assert [t.get_text() for t in ax.texts] == ["0.200", "0.500", "0.300"]
    assert ax.yaxis_inverted()


def test_curves_mark_where_the_classes_are_equally_probable():
    axes = show.figure(nrows=2)[1]
    x = np.linspace(-3, 3, 601)
    partitions.curves(axes, x, np.column_stack([-0.5 * (x + 1) ** 2, -0.5 * (x - 1) ** 2]), ["a", "b"])
    marks = [line.get_xdata()[0] for line in axes[0].lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(marks, 0.0, atol=0.02)
    total = sum(line.get_ydata() for line in axes[1].lines if len(line.get_xdata()) == 601)
    np.testing.assert_allclose(total, 1.0)


def test_a_line_contains_its_points(ax):
    normal, threshold = np.array([1.0, 2.0]), 3.0
    partitions.line(ax, normal, threshold)
    line = ax.lines[0]
    for point in (line.get_xy1(), line.get_xy2()):
        assert normal @ np.array(point) == pytest.approx(threshold)


def test_a_segment_carries_its_word(ax):
    partitions.segment(ax, (0, 0), (1, 1), "up")
    assert "up" in [t.get_text() for t in ax.texts]


def test_responsibilities_blend_colors_and_keep_markers(ax):
    r = np.array([[1.0, 0.0], [0.6, 0.4], [0.0, 1.0]])
    partitions.responsibilities(ax, np.zeros((3, 2)), r)
    assert [len(c.get_offsets()) for c in ax.collections] == [2, 1]
    first = ax.collections[0].get_facecolor()
    assert not np.allclose(first[0], first[1])


def test_a_belief_is_a_mean_in_a_band(ax):
    times, mean, variance = np.arange(4), np.array([0.0, 1, 2, 3]), np.array([1.0, 4, 9, 16])
    beliefs.observations(ax, times, mean, "data")
    beliefs.belief(ax, times, mean, variance, "level")
    edges = ax.collections[0].get_paths()[0].vertices
    assert edges[:, 1].max() == pytest.approx(3 + 2 * 4)
    assert edges[:, 1].min() == pytest.approx(3 - 2 * 4)
    assert {"data", "level"} <= {line.get_label() for line in ax.lines}


def test_a_path_has_an_ellipse_at_every_so_many_steps(ax):
    means = np.arange(12.0).reshape(6, 2)
    beliefs.path(ax, means, np.stack([np.eye(2)] * 6), every=2)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), means)
    assert len(ax.patches) + len(ax.collections) + len(ax.lines) - 1 >= 3
    bare = show.figure()[1]
    beliefs.path(bare, means)
    assert not bare.patches


def test_refusals_are_drawn_as_crosses_and_errors_as_lines(ax):
    beliefs.errors(ax, ["easy", "hard"], {"good": [1e-15, 1e-12], "shy": [1e-9, np.nan]})
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [len(c.get_xdata()) for c in crosses] == [0, 1]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [1e-15, 1e-12])
    assert ax.get_yscale() == "log"


def test_every_refusal_is_above_every_error(ax):
    """An error of 1 is as large as the answer; no cross may be read as a smaller one."""
    beliefs.errors(ax, ["hard"], {f"filter {i}": [np.nan] for i in range(6)})
    heights = [line.get_ydata()[0] for line in ax.lines if line.get_marker() == "x"]
    assert len(set(heights)) == 6 and min(heights) > 1 and max(heights) < ax.get_ylim()[1]


def test_cells_are_bars_with_doors_and_the_true_cell_below(ax):
    p = np.array([0.1, 0.6, 0.3])
    beliefs.cells(ax, p, marked=[0, 2], truth=1)
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(heights[:3], p)
    assert all(height < 0 for height in heights[3:]) and len(heights) == 5
    assert [bar.get_x() + bar.get_width() / 2 for bar in ax.patches[3:]] == [0, 2]
    assert ax.lines[0].get_xdata() == [1] and ax.lines[0].get_ydata()[0] < 0


def test_beliefs_are_darker_where_more_probable(ax):
    rows = np.array([[0.25, 0.75], [1.0, 0.0]])
    beliefs.beliefs(ax, rows, path=[1, 0])
    np.testing.assert_allclose(ax.images[0].get_array(), np.sqrt(rows).T)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 0])
