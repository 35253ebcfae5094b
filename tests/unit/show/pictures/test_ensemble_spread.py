"""Ensembles, covariances and ranks are drawn as the arrays say."""

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import ensemble_spread


@pytest.fixture
def ax():
    return show.figure()[1]


def test_members_are_one_path_with_gaps(ax):
    members = np.arange(6.0).reshape(2, 3)
    ensemble_spread.circle(ax, members, truth=[9.0, 8, 7], places=[0, 2], data=[1.0, 2.0])
    lines = ax.lines
    np.testing.assert_array_equal(lines[0].get_ydata(), [0, 1, 2, np.nan, 3, 4, 5, np.nan])
    np.testing.assert_array_equal(lines[0].get_xdata(), [0, 1, 2, np.nan] * 2)
    np.testing.assert_array_equal(lines[1].get_ydata(), [9, 8, 7])
    np.testing.assert_array_equal(lines[2].get_xydata(), [[0, 1], [2, 2]])
    assert ax.get_xlim() == (-0.5, 2.5)


def test_members_may_stand_alone(ax):
    ensemble_spread.circle(ax, np.zeros((2, 3)), color="green")
    assert len(ax.lines) == 1
    assert ax.lines[0].get_color() == show.COLORS["green"]


def test_zero_is_pale_and_the_limit_is_full(ax):
    image = ensemble_spread.picture(ax, [[-2.0, 0.0, 2.0]], 2.0, levels=49, aspect="auto")
    low, middle, high = image.cmap(image.norm(image.get_array()))[0]
    assert min(middle[:3]) > 0.9
    assert low[2] > low[0] and high[0] > high[2]
    assert len(np.unique(image.cmap(np.linspace(0, 1, 1000)), axis=0)) == 49


def test_error_stands_beside_spread(ax):
    ensemble_spread.error_and_spread(ax, [1, 2, 3], [3.0, 2, 1], [1.0, 1, 1], level=4.0)
    level, error, spread = ax.lines
    assert list(level.get_ydata()) == [4, 4]
    assert (error.get_label(), spread.get_label()) == ("error", "spread")
    np.testing.assert_array_equal(error.get_ydata(), [3, 2, 1])
    assert ax.get_xlim() == (1, 3)


def test_ranks_count_the_members_below():
    members = np.array([[[0.0, 5.0], [2.0, 6.0]], [[1.0, 1.0], [3.0, 9.0]]])       # (T, N, K) = (2, 2, 2)
    truth = np.array([[1.0, 4.0], [4.0, 2.0]])
    np.testing.assert_array_equal(ensemble_spread.ranks(members, truth), [1, 2, 1])


def test_exchangeable_truths_have_flat_ranks_and_bold_ones_do_not():
    rng = np.random.default_rng(0)
    members, truth = rng.standard_normal((4000, 4, 3)), rng.standard_normal((4000, 3))
    np.testing.assert_allclose(ensemble_spread.ranks(members, truth) / 12_000, 0.2, atol=0.015)
    narrow = ensemble_spread.ranks(0.3 * members, truth)
    assert narrow[0] > 2 * narrow[2] < narrow[4]


def test_shares_sum_to_one_under_a_level_line(ax):
    ensemble_spread.rank_histogram(ax, [1, 2, 1], color="purple")
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], [0.25, 0.5, 0.25])
    assert ax.lines[0].get_ydata()[0] == pytest.approx(1 / 3)


def test_a_plume_has_a_line_for_each_member(ax):
    ensemble_spread.plume(ax, [0.0, 1.0], [[1.0, 2, 3], [4, 5, 6]], [0.0, 0.5])
    drawn, truth = ax.lines
    np.testing.assert_array_equal(drawn.get_ydata(), [1, 4, np.nan, 2, 5, np.nan, 3, 6, np.nan])
    np.testing.assert_array_equal(drawn.get_xdata()[:3], [0, 1, np.nan])
    np.testing.assert_array_equal(truth.get_ydata(), [0, 0.5])
