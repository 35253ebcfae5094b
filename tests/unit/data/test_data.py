"""The data sets have the size and the summary numbers of their sources."""

from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.datasets import load_digits, load_sample_images

from pedagogy_lib import data


def test_old_faithful():
    values = data.old_faithful().values
    assert values.shape == (272, 2)
    np.testing.assert_allclose(values.mean(0), [3.487783, 70.897059], rtol=1e-6)
    np.testing.assert_allclose(values.std(0, ddof=1), [1.141371, 13.594974], rtol=1e-6)


def test_penguins():
    table = data.penguins()
    assert table.values.shape == (342, 4)
    assert table.names == ("Adelie", "Chinstrap", "Gentoo")
    np.testing.assert_array_equal(np.bincount(table.classes), [151, 68, 123])
    np.testing.assert_allclose(table.values.mean(0), [43.92193, 17.15117, 200.91520, 4201.75439], rtol=1e-6)


def test_nile():
    values = data.nile().values
    peer = sm.datasets.nile.load_pandas().data
    np.testing.assert_array_equal(values, peer[["year", "volume"]].to_numpy(float))


def test_hares_and_lynx():
    years, hares, lynx = data.hares_and_lynx().values.T
    assert years.tolist() == list(range(1900, 1921))
    assert (hares.sum(), lynx.sum()) == pytest.approx((715.7, 423.5))
    assert years[hares.argmax()] == 1903 and years[lynx.argmax()] == 1904


def test_earthquakes():
    years, counts = data.earthquakes().values.T
    np.testing.assert_array_equal(years, np.arange(1900, 2007))
    # The published mean and variance of the series.
    assert counts.mean() == pytest.approx(19.364, abs=5e-4)
    assert counts.var(ddof=1) == pytest.approx(51.573, abs=5e-4)
    assert (counts == np.floor(counts)).all()


def test_crude_oil():
    days, prices, name = data.crude_oil()
    assert days.shape == prices.shape == (1005,)
    assert name == "price (US dollars)"
    assert str(days[0]) == "2006-07-05"
    assert str(days[-1]) == "2010-06-30"
    assert np.is_busday(days).all()
    assert (np.diff(days) > np.timedelta64(0)).all()
    # The published record, and the low of the crisis.
    assert (str(days[prices.argmax()]), prices.max()) == ("2008-07-03", 145.31)
    assert (str(days[prices.argmin()]), prices.min()) == ("2008-12-23", 30.28)


def test_walk():
    table = data.walk()
    seconds, east, north = table.values.T
    assert table.columns == ("time (s)", "east (m)", "north (m)")
    assert table.values.shape == (173, 3)
    np.testing.assert_array_equal(table.values[0], 0)
    assert (np.diff(seconds) > 0).all()
    assert seconds[-1] == 2469
    lengths = np.hypot(np.diff(east), np.diff(north))
    assert lengths.sum() == pytest.approx(1914, abs=2)
    assert (lengths / np.diff(seconds)).max() < 2.5  # nobody walks faster


def test_photographs():
    images = data.photographs()
    assert images.shape == (3, 256, 256)
    assert images.dtype == np.uint8
    pagoda = load_sample_images().images[0] @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(images[0], pagoda[30:286, 80:336], atol=0.5)
    np.testing.assert_allclose(images[1], pagoda[171:, 384:], atol=0.5)


def test_digits():
    table, peer = data.digits(), load_digits()
    np.testing.assert_array_equal(table.values, peer.data)
    np.testing.assert_array_equal(table.classes, peer.target)
    assert table.names == tuple("0123456789")
    assert len(table.columns) == 64


FILES = sorted(path for path in Path(data.__file__).parent.iterdir() if path.suffix in (".csv", ".npz"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_file_has_its_source_and_license(path):
    readme = (path.parent / "README.md").read_text()
    assert f"`{path.name}`" in readme


def test_admissions():
    counts, axes = data.admissions()
    assert counts.shape == (6, 2, 2) == tuple(map(len, axes.values()))
    assert counts.sum() == 4526
    assert counts.sum((0, 2)).tolist() == [2691, 1835]
    # The published rates: 44.5 % of the men and 30.4 % of the women; 82 % of the women in department A.
    np.testing.assert_allclose(counts[..., 1].sum(0) / counts.sum((0, 2)), [0.445, 0.304], atol=5e-4)
    assert counts[0, 1].tolist() == [19, 89]


def test_sunda_arc():
    years, east, north, magnitudes = data.sunda_arc().values.T
    assert len(years) == 1054 and (np.diff(years) >= 0).all() and (years[0], years[-1]) == (1965, 2016)
    assert (east >= 90).all() and (east <= 135).all() and (np.abs(north) <= 15).all() and magnitudes.min() == 6
    # The earthquake of 26 December 2004, off Sumatra, as published.
    largest = magnitudes.argmax()
    assert (years[largest], east[largest], north[largest], magnitudes[largest]) == (2004, 95.98, 3.29, 9.1)
