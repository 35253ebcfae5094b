"""Landscapes are drawn at the heights they are given, paths through the points they are given."""

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import loss_surfaces


@pytest.fixture
def ax():
    return show.figure()[1]


def test_a_trail_goes_through_its_points_and_ends_in_a_large_mark(ax):
    points = [[0, 0], [1, 2], [3, 1]]
    loss_surfaces.trail(ax, points, "orange", "a walk")
    path, end = ax.lines
    np.testing.assert_array_equal(path.get_xydata(), points)
    np.testing.assert_array_equal(end.get_xydata(), points[-1:])
    assert end.get_markersize() > path.get_markersize()
    loss_surfaces.trail(ax, points, "blue", marks=False)
    assert ax.lines[2].get_linestyle() != path.get_linestyle()


def test_losses_are_drawn_above_their_floor(ax):
    loss_surfaces.losses(ax, [3.0, 2.0, 1.0], floor=1.0)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [2.0, 1.0, 1e-16])
    assert ax.get_yscale() == "log"
    loss_surfaces.losses(ax, [3.0, 2.0], x=[5, 7])
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [5, 7])
