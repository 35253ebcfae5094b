"""Pictures of windows draw what they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pedagogy_lib import show
from pedagogy_lib.show.pictures import trajectories


@pytest.fixture
def ax():
    return show.figure()[1]


def test_a_guess_is_drawn_with_the_truth_and_the_data(ax):
    times = np.arange(4.0)
    trajectories.guess(ax, times, times**2, truth=times, data=np.array([0.0, np.nan, 2.0, 3.0]), label="found", color="green")
    truth, found, data = ax.lines
    np.testing.assert_array_equal(truth.get_ydata(), times)
    np.testing.assert_array_equal(found.get_ydata(), times**2)
    assert to_hex(found.get_color()) == show.COLORS["green"] and found.get_label() == "found"
    assert data.get_linestyle() == "None" and np.isnan(data.get_ydata()[1])
    trajectories.guess(ax, times, times)
    assert len(ax.lines) == 4


def test_valleys_are_local_minima_and_ends_are_not():
    np.testing.assert_array_equal(trajectories.valleys([0, 3, 1, 2, 0.5, 0.5, 4, -1]), [2, 4])
    assert len(trajectories.valleys([3, 2, 1])) == 0


def test_a_landscape_has_a_mark_in_every_valley(ax):
    x = np.linspace(0, 1, 7)
    trajectories.landscape(ax, x, np.array([3, 1, 2, 0, 2, 1.5, 4.0]), truth=0.4)
    rings = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in rings] == [x[1], x[3], x[5]]
    filled = [to_hex(line.get_markerfacecolor()) == show.COLORS["vermillion"] for line in rings]
    assert filled == [False, True, False]                          # the lowest one
    assert list(ax.lines[0].get_xdata()) == [0.4, 0.4]
    trajectories.landscape(ax, x, x)
    assert sum(line.get_marker() == "o" for line in ax.lines) == 3


def test_a_slope_is_a_piece_of_its_width_through_a_dot(ax):
    trajectories.slope(ax, 2.0, 5.0, -3.0, 0.5, label="slope")
    piece, dot = ax.lines
    np.testing.assert_allclose(piece.get_xdata(), [1.75, 2.25])
    np.testing.assert_allclose(piece.get_ydata(), [5.75, 4.25])
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (2.0, 5.0)


def test_blocks_leave_zeros_white_and_larger_is_darker(ax):
    matrix = np.diag([1.0, -0.25, 1e-9, 0.5])
    trajectories.blocks(ax, matrix, 2)
    corners = [patch.get_xy()[0] for patch in ax.patches]
    np.testing.assert_array_equal(corners, [[0, 0], [1, 1], [3, 3]])
    shades = [patch.get_alpha() for patch in ax.patches]
    assert shades[0] > shades[2] > shades[1]
    assert len(ax.lines) == 2 * 3 and ax.get_ylim() == (4, 0)


def test_water_closes_the_circle(ax):
    trajectories.water(ax, np.arange(3), np.array([1.0, 2.0, 3.0]), deviation=np.full(3, 0.5), label="depth", fill=True)
    x, depth = ax.lines[0].get_data()
    np.testing.assert_array_equal(x, [0, 1, 2, 3])
    np.testing.assert_array_equal(depth, [1, 2, 3, 1])
    heights = ax.collections[1].get_paths()[0].vertices[:, 1]
    assert heights.min() == 0 and heights.max() == 4               # two deviations
    trajectories.water(ax, np.arange(3), np.ones(3))
    assert len(ax.lines) == 2 and len(ax.collections) == 2


def test_gauges_are_posts_with_dots(ax):
    trajectories.gauges(ax, [3, 8], [1.0, 1.2])
    assert [line.get_xdata()[0] for line in ax.lines[:2]] == [3, 8]
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), [1.0, 1.2])
    trajectories.gauges(ax, [3])
    assert len(ax.lines) == 4


def test_space_and_time_lie_where_the_axes_say(ax):
    trajectories.spacetime(ax, np.arange(6.0).reshape(2, 3), 10.0, (0, 5), [1])
    image = ax.images[0]
    assert image.get_extent() == (-0.5, 2.5, 0, 10.0) or list(image.get_extent()) == [-0.5, 2.5, 0, 10.0]
    assert image.get_clim() == (0, 5)
    assert list(ax.lines[0].get_xdata()) == [1, 1]
