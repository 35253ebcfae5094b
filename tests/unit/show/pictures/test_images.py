"""Pictures in rows and columns, and matrices as tiles."""

import matplotlib as mpl
import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import images


@pytest.fixture
def ax():
    return show.figure()[1]


def test_tiles_stand_in_reading_order_with_gaps_between(ax):
    rows = np.arange(12.0).reshape(3, 4)
    sheet = images.tiles(ax, rows, columns=2).get_array()
    assert sheet.shape == (5, 5, 4)
    shade = lambda value: mpl.colormaps["gray_r"](value / 11)
    np.testing.assert_allclose(sheet[0, 0], shade(0))
    np.testing.assert_allclose(sheet[1, 4], shade(7))
    np.testing.assert_allclose(sheet[4, 1], shade(11))
    assert (sheet[2] == 0).all()                          # the gap
    assert (sheet[3:, 3:] == 0).all()                     # no fourth picture


def test_a_missing_pixel_has_a_color_of_its_own(ax):
    sheet = images.tiles(ax, [[0.0, np.nan, 1.0, 0.5]], limits=(0, 1)).get_array()
    np.testing.assert_allclose(sheet[0, 1], mpl.colors.to_rgba(show.COLORS["orange"]))
    np.testing.assert_allclose(sheet[1, 0], mpl.colormaps["gray_r"](1.0))


def test_pictures_need_not_be_square_and_may_be_blank(ax):
    assert images.tiles(ax, np.zeros((2, 6)), shape=(2, 3), gap=0).get_array().shape == (2, 6, 4)


def test_rows_that_are_no_pictures_are_refused(ax):
    with pytest.raises(ValueError, match="one picture in each row"):
        images.tiles(ax, np.zeros(9))
    with pytest.raises(ValueError, match="2 x 2 pixels, got 5"):
        images.tiles(ax, np.zeros((2, 5)))


def test_a_picture_has_few_levels_between_its_limits(ax):
    images.picture(ax, [[-1.0, 0.0], [0.49, 5.0]], "title", limits=(0, 1), levels=3)
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 0], [1, 2]])
    assert ax.get_title(loc="left") == "title"
    images.picture(ax, np.zeros((2, 2)))


def test_a_matrix_carries_its_numbers_and_names(ax):
    images.matrix(ax, [[1.0, -0.25], [0.0, 0.5]], rows="ab", columns="cd")
    assert [t.get_text() for t in ax.texts] == ["1.00", "-0.25", "0.00", "0.50"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["c", "d"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


def test_a_matrix_without_numbers_or_names(ax):
    images.matrix(ax, np.zeros((2, 3)), digits=None)
    assert not ax.texts
