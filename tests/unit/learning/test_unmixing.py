"""Whitening, and the measures of an unmixing, against closed forms and brute force."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import sqrtm

from pedagogy_lib.learning import unmixing

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(500, 3)) @ RNG.normal(size=(3, 3)) + [1.0, -5.0, 100.0]


def test_white_is_uncorrelated_of_variance_one_and_symmetric():
    white = unmixing.whiten(Y)
    z = (Y - white.mean) @ white.matrix.T
    np.testing.assert_allclose(np.cov(z.T, bias=True), np.eye(3), atol=1e-10)
    expected = np.linalg.inv(sqrtm(np.corrcoef(Y.T))) / Y.std(0)
    np.testing.assert_allclose(white.matrix, expected, rtol=1e-7, atol=1e-12)
    units = np.array([1e-9, 1.0, 1e6])
    np.testing.assert_allclose(unmixing.whiten(Y * units).matrix * units, expected, rtol=1e-7, atol=1e-12)
    assert not np.allclose(np.cov(z.T), np.eye(3), atol=1e-6)           # over N - 1 it is another matrix


def test_fewer_outputs_are_the_principal_ones():
    white = unmixing.whiten(Y, 2)
    z = (Y - white.mean) @ white.matrix.T
    np.testing.assert_allclose(np.cov(z.T, bias=True), np.eye(2), atol=1e-10)
    axes = np.linalg.svd(Y - Y.mean(0), full_matrices=False)[2]
    assert np.abs(white.matrix @ axes[2]).max() < 1e-9


def test_a_direction_that_is_only_rounding_is_no_source():
    y = RNG.normal(size=(300, 3)) @ RNG.normal(size=(3, 4)) + 1e-9 * RNG.normal(size=(300, 4))
    with pytest.raises(ValueError, match="vary in 4 directions, got 3; ask for k=3"):
        unmixing.whiten(y)
    assert unmixing.whiten(y, 3).matrix.shape == (3, 4)
    with pytest.raises(ValueError, match="expected 3 columns at least, and more rows than that, got shape"):
        unmixing.whiten(Y[:3])
    with pytest.raises(ValueError, match="expected 4 columns"):
        unmixing.whiten(Y, 4)


def test_the_amari_distance_forgives_order_sign_and_scale_and_nothing_else():
    perfect = np.diag([2.0, -1.0, 0.3])[[2, 0, 1]]
    assert unmixing.amari_distance(perfect) == 0
    assert unmixing.amari_distance(np.ones((3, 3))) == 1
    eps = 0.01
    assert unmixing.amari_distance([[1, eps], [0, 1]]) == pytest.approx(2 * eps / 4)
    assert unmixing.amari_distance(perfect + eps) > 0
    for wrong in ([[1.0, 0], [0, 0]], np.zeros((2, 3)), [[1.0]]):
        with pytest.raises(ValueError, match="gains: expected"):
            unmixing.amari_distance(wrong)


def test_align_is_the_best_of_all_orders():
    gains = RNG.normal(size=(4, 4)) + 3 * np.eye(4)[[2, 0, 3, 1]] * [1, -1, 1, -1]
    found = unmixing.align(gains)
    shares = np.abs(gains) / np.linalg.norm(gains, axis=1, keepdims=True)
    best = max(permutations(range(4)), key=lambda order: shares[list(order), range(4)].sum())
    assert tuple(found.order) == best
    np.testing.assert_allclose(np.diag(gains[found.order] * found.scales[:, None]), 1)
    x = RNG.normal(size=(7, 4))
    exact = np.diag([2.0, -1.0, 0.3, 5])[[2, 0, 3, 1]]
    order, scales = unmixing.align(exact)
    np.testing.assert_allclose((x @ exact.T)[:, order] * scales, x)
    assert not np.allclose((x @ exact.T)[:, np.argsort(order)] * scales, x)
    with pytest.raises(ValueError, match="some source is in no output"):
        unmixing.align([[1.0, 0, 0], [1, 0, 0], [0, 1, 1]])


def test_kurtosis_agrees_with_scipy():
    x = RNG.laplace(size=(1000, 2)) * [1, 50] + [100, 0]
    np.testing.assert_allclose(unmixing.kurtosis(x), stats.kurtosis(x), rtol=1e-10)
    np.testing.assert_allclose(unmixing.kurtosis([[1.0], [-1.0]]), -2)
    with pytest.raises(ValueError, match="constant column 1"):
        unmixing.kurtosis([[1.0, 2], [2, 2]])


def test_mutual_information_of_gaussians_and_of_independent_columns():
    rho, N = 0.8, 100_000
    z = RNG.normal(size=(N, 2))
    y = np.column_stack([z[:, 0], rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1], RNG.normal(size=N)])
    found = unmixing.mutual_information(y, 30)
    exact = -0.5 * np.log(1 - rho**2)
    assert exact * 0.93 < found[0, 1] < exact
    assert np.abs(found[2, :2]).max() < 0.001
    np.testing.assert_array_equal(found, found.T)
    # Monotone squashing changes nothing; uncorrelated but dependent columns are found out.
    np.testing.assert_array_equal(found, unmixing.mutual_information(np.exp(y), 30))
    x = z[:, 0]
    assert abs(np.corrcoef(x, x**2)[0, 1]) < 0.02
    assert unmixing.mutual_information(np.column_stack([x, x**2]))[0, 1] > 0.5


def test_mutual_information_is_zero_on_average_for_few_samples():
    found = [unmixing.mutual_information(RNG.normal(size=(500, 2)), 8)[0, 1] for _ in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(200) + 0.002
    assert np.mean(found) + 49 / 1000 > 0.04                # what was taken away is what chance gives
    with pytest.raises(ValueError, match="as many samples as the table has cells, 100, got 99"):
        unmixing.mutual_information(np.zeros((99, 2)))
