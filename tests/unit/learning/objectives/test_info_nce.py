"""InfoNCE against products written out, a tape, and pairs whose information is known in closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.learning import differentiation
from pedagogy_lib.learning.objectives import info_nce


def gaussian_scores(correlation, D, K, rng, factor=1.0):
    """log p(y|z) - log p(y) for K independent pairs of D correlated columns, times a factor."""
    z = rng.normal(size=(K, D))
    y = correlation * z + np.sqrt(1 - correlation**2) * rng.normal(size=(K, D))
    v = 1 - correlation**2
    squares = ((y[None] - correlation * z[:, None]) ** 2).sum(-1)
    return factor * (-0.5 * D * np.log(v) - squares / (2 * v) + 0.5 * (y**2).sum(1))


def test_the_loss_is_a_product_of_quotients():
    scores = np.random.default_rng(0).normal(size=(5, 4))
    right = np.array([0, 3, 1, 1, 2])
    quotients = [np.exp(row[k]) / np.exp(row).sum() for row, k in zip(scores, right)]
    assert info_nce.loss(scores, right) == pytest.approx(-np.log(np.prod(quotients)) / 5, rel=1e-12)
    assert info_nce.loss(scores, right) != pytest.approx(info_nce.loss(scores, (right + 1) % 4), rel=1e-3)
    assert info_nce.information(scores, right) == pytest.approx(np.log(4) - info_nce.loss(scores, right), rel=1e-12)
    assert_allclose(info_nce.posterior(scores).sum(1), 1)
    assert info_nce.accuracy(scores, scores.argmax(1)) == 1.0
    assert info_nce.accuracy(scores, scores.argmin(1)) == 0.0


def test_the_slope_is_that_of_a_tape_and_of_differences():
    scores = np.random.default_rng(1).normal(size=(6, 6))
    value, slope = info_nce.value_and_slope(scores)
    assert value == pytest.approx(info_nce.loss(scores), rel=1e-14)

    def on_tape(h):
        e = np.exp(h)
        return (np.log(e.sum(1)) - (h * np.eye(6)).sum(1)).sum() / 6

    assert_allclose(slope, differentiation.gradient(on_tape, scores), rtol=1e-10, atol=1e-14)
    along = np.random.default_rng(2).normal(size=scores.shape)
    difference = (info_nce.loss(scores + 1e-5 * along) - info_nce.loss(scores - 1e-5 * along)) / 2e-5
    assert difference == pytest.approx((slope * along).sum(), rel=1e-7)


def test_never_above_the_logarithm_of_K():
    rng = np.random.default_rng(3)
    for K in (2, 5, 40):
        for _ in range(20):
            assert info_nce.information(rng.normal(size=(K, K)) * rng.uniform(0, 30)) <= np.log(K) + 1e-12
        assert info_nce.information(1000 * np.eye(K)) == pytest.approx(np.log(K), rel=1e-12)


@pytest.mark.parametrize("factor", [0.3, 1.0, 2.0])
def test_on_average_never_above_the_information(factor):
    rng, D = np.random.default_rng(4), 3
    for correlation in (0.3, 0.7, 0.95):
        I = -0.5 * D * np.log(1 - correlation**2)
        for K in (2, 16, 128):
            found = [info_nce.information(gaussian_scores(correlation, D, K, rng, factor)) for _ in range(2000 // K + 20)]
            assert np.mean(found) < I + 4 * np.std(found) / np.sqrt(len(found))


def test_with_many_candidates_it_reaches_the_information():
    rng, D, correlation = np.random.default_rng(5), 3, 0.7
    I = -0.5 * D * np.log(1 - correlation**2)
    found = [np.mean([info_nce.information(gaussian_scores(correlation, D, K, rng)) for _ in range(30)]) for K in (4, 32, 1000)]
    assert found[0] < found[1] < found[2]
    assert found[2] == pytest.approx(I, rel=0.03)
    assert found[0] < 0.85 * I


def test_a_number_for_each_context_is_not_seen():
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(7, 7))
    assert info_nce.loss(scores + rng.normal(size=(7, 1))) == pytest.approx(info_nce.loss(scores), rel=1e-12)
    assert info_nce.loss(scores + rng.normal(size=(1, 7))) != pytest.approx(info_nce.loss(scores), rel=1e-3)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="at least two candidates"):
        info_nce.loss(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="are not square"):
        info_nce.loss(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        info_nce.loss(np.zeros((2, 4)), [0, 4])
    for wrong in (-1, 0.5):
        with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
            info_nce.loss(np.zeros((2, 4)), [0, wrong])
    with pytest.raises(ValueError, match="at least one context"):
        info_nce.loss(np.zeros((0, 3)), [])
    with pytest.raises(ValueError, match="scores: expected"):
        info_nce.posterior(np.zeros(3))
