"""Pictures of curves and lines draw what they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pedagogy_lib import show
from pedagogy_lib.show.pictures import approximations


@pytest.fixture
def ax():
    return show.figure()[1]


def test_a_line_has_a_band_of_what_it_misses(ax):
    x = np.linspace(0, 1, 5)
    approximations.straight(ax, x, 2.0, -1.0, 0.25, label="nearest")
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_ydata(), 2 * x - 1)
    assert line.get_label() == "nearest"
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.min() == -2 and heights.max() == 2              # two standard deviations of 1/2
    approximations.straight(ax, x, 2.0, -1.0)
    assert len(ax.lines) == 2 and len(ax.collections) == 1         # nothing missed, no band


def test_a_negative_variance_is_refused(ax):
    with pytest.raises(ValueError, match="variance: expected a number >= 0, got -1"):
        approximations.straight(ax, np.arange(3.0), 1.0, 0.0, -1.0)


def test_the_area_of_a_point_is_its_weight_and_hollow_is_negative(ax):
    approximations.nodes(ax, [0, 1, 2], [5, 6, 7], [1.0, 0.25, -0.25], largest=8, label="points")
    assert [line.get_markersize() for line in ax.lines] == [8, 4, 4]
    assert [line.get_ydata()[0] for line in ax.lines] == [5, 6, 7]
    filled = [to_hex(line.get_markerfacecolor()) for line in ax.lines]
    assert filled == [show.COLORS["green"]] * 2 + [show.COLORS["paper"]]
    assert len(ax.get_legend_handles_labels()[1]) == 1


def test_the_truth_is_a_hill_and_an_observation_a_level(ax):
    x = np.linspace(-1, 1, 9)
    approximations.truth(ax, x, x**2)
    approximations.level(ax, 0.5, "seen")
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), x)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), x**2)
    assert len(ax.collections) == 1
    assert list(ax.lines[1].get_ydata()) == [0.5, 0.5]
    assert ax.get_legend_handles_labels()[1] == ["truth", "seen"]


def test_the_plains_beside_a_hill_need_few_points(ax):
    x = np.linspace(-10, 10, 2001)
    density = np.exp(-0.5 * (x / 0.1) ** 2)
    approximations.truth(ax, x, density)
    drawn, heights = ax.lines[0].get_data()
    assert len(drawn) < 150 and drawn[0] == -10 and drawn[-1] == 10
    np.testing.assert_allclose(np.interp(x, drawn, heights), density, atol=2e-4)
