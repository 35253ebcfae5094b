"""Maps of a square that closes on itself."""

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import maps


def waves(N):
    x = 2 * np.pi * np.arange(N) / N
    return np.cos(2 * x)[None] + np.sin(3 * x)[:, None] + np.cos(x[None] - 3 * x[:, None])


def test_a_finer_map_shows_the_same_waves():
    np.testing.assert_allclose(maps.finer(waves(8)), waves(64), atol=1e-12)
    np.testing.assert_allclose(maps.finer(waves(8).ravel(), 8), waves(8), atol=1e-12)
    assert np.abs(maps.finer(waves(8)) - waves(64).T).max() > 1        # north is not east


@pytest.mark.parametrize(("shape", "side"), [((8, 6), 64), ((5, 5), 64), ((8, 8), 6), ((8, 8), 9)])
def test_what_is_no_even_square_is_refused(shape, side):
    with pytest.raises(ValueError, match="finer: expected an even square"):
        maps.finer(np.zeros(shape), side)


def test_a_chart_has_north_above_and_its_places_in_the_middle_of_pixels():
    _, ax = show.figure()
    image = maps.chart(ax, waves(8), 2.0, 1000.0)
    assert image.origin == "lower"
    left, right, bottom, top = image.get_extent()
    assert right - left == pytest.approx(1000)
    assert left + (right - left) / 128 == pytest.approx(0)
    assert (bottom, top) == (left, right)
    assert list(ax.get_xticks()) == [0, 500]


def test_tracks_are_one_line_with_gaps():
    _, ax = show.figure()
    line = maps.tracks(ax, [100.0, 300.0], 1000.0)
    x, y = line.get_data()
    np.testing.assert_array_equal(x, [100, 100, 100, 300, 300, 300])
    assert np.isnan(y[[2, 5]]).all()
    np.testing.assert_array_equal(y[:2], [0, 980])
