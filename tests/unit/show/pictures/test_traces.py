"""Regions hold the mass they say, and chains are drawn where they were."""

from itertools import islice

import numpy as np
import pytest
from scipy import stats

from pedagogy_lib import show
from pedagogy_lib.inference import mcmc
from pedagogy_lib.show.pictures import traces


@pytest.fixture
def ax():
    return show.figure()[1]


def test_regions_of_a_gaussian_lie_at_the_quantiles_of_chi_squared(ax):
    x, y = np.linspace(-6, 6, 241), np.linspace(-12, 12, 241)
    log_density = 7.0 - 0.5 * (x**2 + (y[:, None] / 2) ** 2)
    levels = traces.regions(ax, x, y, log_density, masses=(0.5, 0.95))
    expected = 7.0 - 0.5 * stats.chi2(2).ppf([0.95, 0.5])
    np.testing.assert_allclose(levels, expected, atol=0.02)
    assert np.abs(levels - expected[::-1]).max() > 1
    for level, path in zip(levels, ax.collections[0].get_paths()):
        px, py = path.vertices.T
        np.testing.assert_allclose(7.0 - 0.5 * (px**2 + (py / 2) ** 2), level, atol=0.01)


def test_a_trace_goes_through_its_samples_over_the_exact_band(ax):
    traces.trace(ax, [1.0, 2.0, 4.0], exact=(2.0, 0.5), color="orange")
    np.testing.assert_array_equal(ax.lines[-1].get_ydata(), [1, 2, 4])
    assert ax.lines[-1].get_color() == show.COLORS["orange"]
    corners = ax.patches[0].get_patch_transform().transform(ax.patches[0].get_path().vertices)
    np.testing.assert_array_equal(np.unique(corners[:, 1]), [1.0, 3.0])
    assert ax.get_xlim() == (0, 3)
    traces.trace(ax, [0.0, 1.0])
    assert len(ax.patches) == 1


def test_correlations_stand_at_their_lags(ax):
    traces.correlations(ax, [1.0, 0.5, -0.1])
    tops = [segment[1] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(tops, [[0, 1.0], [1, 0.5], [2, -0.1]])


def test_bars_against_their_target(ax):
    traces.against(ax, [0.2, 0.8], [0.5, 0.5])
    assert [bar.get_height() for bar in ax.patches] == [0.2, 0.8]
    levels = [segment[0, 1] for segment in ax.collections[0].get_segments()]
    assert levels == [0.5, 0.5]


def test_hops_go_through_the_accepted_and_cross_the_refused(ax):
    events = mcmc.metropolis_hastings(lambda x: -0.5 * x @ x, mcmc.random_walk(2.0), [0.5, -1.0], np.random.default_rng(0))
    steps = list(islice(events, 12))
    put = traces.hops(ax)
    put([0.5, -1.0], steps)
    path, refused, end = ax.lines
    taken = [step.accepted for step in steps]
    assert 0 < sum(taken) < 12
    assert len(path.get_xdata()) == 1 + sum(taken) and len(refused.get_xdata()) == 12 - sum(taken)
    np.testing.assert_array_equal([end.get_xdata()[0], end.get_ydata()[0]], steps[-1].state)
    first = taken.index(False)
    np.testing.assert_array_equal([refused.get_xdata()[0], refused.get_ydata()[0]], steps[first].proposal)
    put([0.0, 0.0], [])
    assert len(path.get_xdata()) == 1 and len(refused.get_xdata()) == 0
