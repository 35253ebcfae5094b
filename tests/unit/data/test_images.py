"""Patches, spectra and whitening of images."""

import numpy as np
import pytest

from pedagogy_lib import data
from pedagogy_lib.data import images


def fall(spectrum, low=0.02, high=0.2):
    """The slope of log power against log frequency."""
    kept = (spectrum.frequencies > low) & (spectrum.frequencies < high)
    return np.polyfit(np.log(spectrum.frequencies[kept]), np.log(spectrum.power[kept]), 1)[0]


def test_patches_are_cut_from_the_images():
    stack = np.arange(2 * 6 * 7).reshape(2, 6, 7)
    found = images.patches(stack, 3, 200, np.random.default_rng(0))
    assert found.shape == (200, 9)
    every = {tuple(stack[m, i : i + 3, j : j + 3].ravel()) for m in range(2) for i in range(4) for j in range(5)}
    assert {tuple(row) for row in found.astype(int)} == every
    whole = images.patches(stack[0], 6, 3, np.random.default_rng(1))
    assert whole.shape == (3, 36)
    assert images.patches(stack, 3, 0, np.random.default_rng(0)).shape == (0, 9)


def test_power_spectrum_of_noise_and_of_a_wave():
    rng = np.random.default_rng(2)
    white = images.power_spectrum(3.0 * rng.standard_normal((128, 128)))
    assert white.power.mean() == pytest.approx(9.0, rel=0.05)
    assert abs(fall(white)) < 0.2
    wave = np.cos(2 * np.pi * 0.25 * np.arange(128)) * np.ones((128, 1))
    found = images.power_spectrum(wave)
    assert found.frequencies[found.power.argmax()] == pytest.approx(0.25, abs=0.01)
    assert (np.diff(found.frequencies) > 0).all()
    assert len(images.power_spectrum(rng.standard_normal((20, 33))).power) == 10


def test_photographs_fall_off_with_the_square_of_the_frequency():
    slopes = [fall(images.power_spectrum(image)) for image in data.photographs()]
    assert np.mean(slopes) == pytest.approx(-2.3, abs=0.6)
    assert np.max(slopes) < -1.2


def test_whitening_flattens_the_spectrum_and_leaves_the_tails():
    kurtosis = lambda z: ((z - z.mean()) ** 4).mean() / z.var() ** 2 - 3
    for image in data.photographs():
        white = images.whiten(image)
        assert white.mean() == pytest.approx(0, abs=1e-10)
        assert white.var() == pytest.approx(1)
        before, after = (fall(images.power_spectrum(z)) for z in (image, white))
        assert abs(after) < 0.5 * abs(before)
        same = images.noise_like(white, np.random.default_rng(3))
        assert kurtosis(white) > 1 > 0.5 > abs(kurtosis(same))


def test_noise_has_the_spectrum_of_the_image():
    image = data.photographs()[0]
    noise = images.noise_like(image, np.random.default_rng(4))
    spectra = [np.abs(np.fft.fft2(z - z.mean())) for z in (image, noise)]
    np.testing.assert_allclose(spectra[1], spectra[0], rtol=1e-6, atol=1e-6)
    assert noise.mean() == pytest.approx(image.mean())
    assert np.abs(np.corrcoef(image.ravel(), noise.ravel())[0, 1]) < 0.5
    assert not np.allclose(noise, images.noise_like(image, np.random.default_rng(5)))


def test_bars_are_full_rows_or_full_columns_with_the_probabilities_of_the_draw():
    law = images.bars(3, 0.3)
    assert law.pictures.shape == (2 * 8 - 2, 9)             # the empty and the full picture can be made in both ways
    assert law.probabilities.sum() == pytest.approx(1, rel=1e-14)
    for picture, p in zip(law.pictures.reshape(-1, 3, 3), law.probabilities):
        ways = 0.0
        for turned in (picture, picture.T):
            if (turned == turned[:, :1]).all():
                k = turned[:, 0].sum()
                ways += 0.5 * 0.3**k * 0.7 ** (3 - k)
        assert p == pytest.approx(ways, rel=1e-13)
        assert ways > 0
    with pytest.raises(ValueError, match="share: expected a number between 0 and 1"):
        images.bars(3, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: images.patches(np.ones((3, 3)), 4, 1, np.random.default_rng(0)), "images: expected shape .*, no side below 4"),
        (lambda: images.patches(np.ones(3), 2, 1, np.random.default_rng(0)), r"images: expected shape \(H, W\)"),
        (lambda: images.patches(np.ones((3, 3)), 2, 1, 0), "rng: expected a numpy.random.Generator"),
        (lambda: images.power_spectrum(np.ones((4, 4))), "image: expected two pixels a side at least, not all equal"),
        (lambda: images.whiten(np.eye(4), 0.0), "cutoff: expected a number above 0"),
        (lambda: images.whiten(np.eye(4)[None]), r"image: expected shape \(H, W\)"),
        (lambda: images.noise_like(np.eye(4) * np.nan, np.random.default_rng(0)), "image: expected finite numbers"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_views_are_patches_that_lie_near_each_other():
    picture = np.arange(3 * 20 * 30.0).reshape(3, 20, 30)   # every pixel says where it is
    found = images.views(picture, 4, 2, 500, np.random.default_rng(0))
    for rows in (found.first, found.second):
        image, pixel = np.divmod(rows[:, 0], 600)
        np.testing.assert_array_equal(image, found.which)
        top, left = np.divmod(pixel, 30)
        expected = rows[:, :1] + (np.arange(4)[:, None] * 30 + np.arange(4)).ravel()
        np.testing.assert_array_equal(rows, expected)
        assert top.min() >= 0 and top.max() <= 16 and left.min() >= 0 and left.max() <= 26
    moves = found.second[:, 0] - found.first[:, 0]
    down = np.rint(moves / 30)
    across = moves - 30 * down
    assert set(down) == set(across) == {-2, -1, 0, 1, 2}
    with pytest.raises(ValueError, match="images: expected sides of at least 24"):
        images.views(picture, 4, 10, 5, np.random.default_rng(0))


def test_standardized_patches_have_no_mean_and_little_contrast_of_their_own():
    rows = np.random.default_rng(1).normal(size=(50, 9)) * np.geomspace(1, 100, 50)[:, None] + 7
    found = images.standardize(rows)
    np.testing.assert_allclose(found.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(found, images.standardize(3 * rows - 5), atol=1e-12)
    assert found.std(1).max() < 1 < 50 * found.std(1).min()
    with pytest.raises(ValueError, match="not of one gray"):
        images.standardize(np.ones((3, 4)))
