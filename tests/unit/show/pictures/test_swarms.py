"""Clouds, copies and family trees are drawn as the arrays say."""

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import swarms


@pytest.fixture
def ax():
    return show.figure()[1]


def test_the_ground_spans_the_axes(ax):
    swarms.terrain(ax, [0, 1, 2], [10.0, 30, 20])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [10, 30, 20])
    assert ax.get_xlim() == (0, 2)
    assert ax.get_ylim() == (0, 40.5)


def test_areas_are_weights_and_copies_are_one_circle(ax):
    drawn = swarms.swarm(ax, [1.0, 2.0, 1.0, 3.0, 4.0], [0] * 5, [0.2, 0.4, 0.2, 0.0, 0.2], size=100)
    assert drawn == 3
    small, large = ax.lines
    assert [len(line.get_xdata()) for line in (small, large)] == [1, 2]
    for line, area in ((small, 20), (large, 40)):
        assert np.pi * line.get_markersize() ** 2 / 4 == pytest.approx(area, rel=0.1)
    np.testing.assert_array_equal(large.get_xdata(), [1, 2])


def test_a_histogram_is_a_density(ax):
    heights = swarms.histogram(ax, [0.5, 1.5, 1.7], [0.2, 0.3, 0.5], [0, 1, 3], color="green")
    np.testing.assert_allclose(heights, [0.2, 0.4])
    np.testing.assert_allclose(heights @ [1, 2], 1)


def test_copies_stand_beside_what_was_expected(ax):
    swarms.copies(ax, [1.5, 0.5], [2, 0])
    assert [bar.get_height() for bar in ax.patches] == [2, 0]
    assert [segment[0, 1] for segment in ax.collections[0].get_segments()] == [1.5, 0.5]


def test_a_family_tree_goes_back_to_the_ancestors(ax):
    ancestors = np.array([[0, 1, 2], [0, 0, 2], [1, 1, 0]])
    np.testing.assert_array_equal(swarms.lineage(ancestors), [[0, 0, 0], [1, 1, 0], [0, 1, 2]])
    alive = swarms.genealogy(ax, ancestors, np.arange(9.0).reshape(3, 3))
    np.testing.assert_array_equal(alive, [1, 2, 3])
    faint, strong = ax.lines
    assert len(faint.get_xdata()) == 3                       # one particle died childless
    assert len(strong.get_xdata()) == 15
    np.testing.assert_array_equal(strong.get_ydata()[:2], [0, 3])
