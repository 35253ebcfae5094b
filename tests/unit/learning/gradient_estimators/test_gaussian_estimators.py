"""Estimators for Gaussians against Gauss-Hermite quadrature that is differenced; each with wrong versions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from pedagogy_lib.learning.gradient_estimators import accuracy, gaussian_moments, gaussians, score_function

M, S = np.array([0.4, -0.7]), np.array([0.8, 1.3])
C = np.array([[0.7, 0.3], [0.3, 1.2]])
NODES, HEIGHTS = np.polynomial.hermite_e.hermegauss(60)
NODES2 = np.stack(np.meshgrid(NODES, NODES, indexing="ij"), -1).reshape(-1, 2)
HEIGHTS2 = np.outer(HEIGHTS, HEIGHTS).ravel() / HEIGHTS.sum() ** 2
SIZE = 200_000


def f(x):
    a, b = x[..., 0], x[..., 1]
    return np.sin(a + 0.5 * b) + 0.3 * a * b**2


def slope(x):
    a, b = x[..., 0], x[..., 1]
    c = np.cos(a + 0.5 * b)
    return np.stack([c + 0.3 * b**2, 0.5 * c + 0.6 * a * b], -1)


def hessian(x):
    a, b = x[..., 0], x[..., 1]
    s = -np.sin(a + 0.5 * b)
    return np.stack([np.stack([s, 0.5 * s + 0.6 * b], -1), np.stack([0.5 * s + 0.6 * b, 0.25 * s + 0.6 * a], -1)], -2)


def average(mean, root):
    return HEIGHTS2 @ f(mean + NODES2 @ root.T)


def differences(g, at, h=1e-5):
    return np.array([(g(at + h * e) - g(at - h * e)) / (2 * h) for e in np.eye(len(at))])


BY_MEAN = differences(lambda m: average(m, np.diag(S)), M)
BY_DEVIATION = differences(lambda s: average(M, np.diag(s)), S)


def distances(terms, truth):
    """In standard errors, from the mean of independent terms to the truth."""
    return np.abs(terms.mean(0) - truth) / (terms.std(0) / np.sqrt(len(terms)))


def assert_unbiased(terms, truth, *wrong):
    assert distances(terms, truth).max() < 4.5
    for other in wrong:
        assert distances(other, truth).max() > 7


ESTIMATORS = {
    "score function": lambda size, rng: gaussians.score_function(f, M, S, size, rng),
    "baseline": lambda size, rng: gaussians.score_function(f, M, S, size, rng, baseline=0.5),
    "pathwise": lambda size, rng: gaussians.pathwise(slope, M, S, size, rng),
    "measure-valued": lambda size, rng: gaussians.measure_valued(f, M, S, size, rng),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_both_gradients_are_those_of_quadrature(name):
    found = ESTIMATORS[name](SIZE, np.random.default_rng(0))
    assert_unbiased(found.mean, BY_MEAN, found.mean * S, found.mean[:, ::-1], 0.9 * found.mean)
    assert_unbiased(found.deviations, BY_DEVIATION, found.deviations * S, 2 * S * found.deviations)


def test_the_densities_of_the_measure_valued_pairs_matter():
    """With a half-normal for the Rayleigh, and a Gaussian for the Maxwell, the answers are other ones."""
    rng = np.random.default_rng(1)
    z = rng.standard_normal((SIZE, 2))
    half = np.abs(rng.standard_normal(SIZE))
    pair = [f(M + S * np.stack([sign * half, z[:, 1]], -1)) for sign in (1, -1)]
    wrong = (pair[0] - pair[1])[:, None] / (S[0] * np.sqrt(2 * np.pi))
    assert distances(wrong, BY_MEAN[:1]).max() > 7
    # d/ds E[X^4] = 12 m^2 s + 12 s^3; a Gaussian of the Maxwell's variance, 3 s^2, gives 24 s^3 in the place of 12.
    m, s, fourth = np.array([0.6]), np.array([0.9]), lambda x: x[..., 0] ** 4
    found = gaussians.measure_valued(fourth, m, s, SIZE, rng).deviations
    wide, own = (fourth(m + s * w * rng.standard_normal((SIZE, 1))) for w in (np.sqrt(3), 1))
    assert_unbiased(found, 12 * m**2 * s + 12 * s**3, ((wide - own) / s)[:, None])


def test_a_score_function_of_one_seed_draws_what_the_path_draws():
    x = gaussians.draw(M, S, (3, 5), np.random.default_rng(4))
    assert x.shape == (3, 5, 2)
    scores = gaussians.scores(M, S, x)
    by_hand = np.stack([differences(lambda m, row=row: norm.logpdf(row, m, S).sum(), M) for row in x.reshape(-1, 2)])
    assert_allclose(scores.mean.reshape(-1, 2), by_hand, rtol=1e-6)
    by_hand = np.stack([differences(lambda s, row=row: norm.logpdf(row, M, s).sum(), S) for row in x.reshape(-1, 2)])
    assert_allclose(scores.deviations.reshape(-1, 2), by_hand, rtol=1e-6, atol=1e-8)
    found = gaussians.score_function(f, M, S, (3, 5), np.random.default_rng(4))
    assert_allclose(found.mean, scores.mean * f(x)[..., None])
    assert_allclose(gaussians.pathwise(slope, M, S, (3, 5), np.random.default_rng(4)).mean, slope(x))


def test_a_path_does_not_see_a_jump():
    """For a step at zero the truth is the density there; the slope is zero everywhere."""
    step, flat = (lambda x: (x[..., 0] > 0) * 1.0), np.zeros_like
    m, s, rng = np.array([0.5]), np.array([1.2]), np.random.default_rng(0)
    truth = norm.pdf(0, 0.5, 1.2)
    assert_allclose(gaussians.pathwise(flat, m, s, 100, rng).mean, 0)
    for found in (gaussians.score_function(step, m, s, SIZE, rng), gaussians.measure_valued(step, m, s, SIZE, rng)):
        assert_unbiased(found.mean, [truth], 0.9 * found.mean)


# ------------------------------------------------------------------------------- control variates


def test_the_optimal_baseline_is_the_one_of_least_variance():
    """For f = x^2 and the mean it is E[z^2 f] = m^2 + 3 s^2."""
    m, s, square = np.array([0.7]), np.array([0.5]), lambda x: x[..., 0] ** 2
    found = gaussians.optimal_baseline(square, m, s, 400_000, np.random.default_rng(0)).mean
    assert_allclose(found, m**2 + 3 * s**2, rtol=0.01)
    assert abs(found[0] - (m**2 + s**2)[0]) > 0.4  # the mean value is another
    spread = lambda b: gaussians.score_function(square, m, s, SIZE, np.random.default_rng(1), b).mean.var()
    assert spread(found[0]) < min(spread(found[0] + 0.1), spread(found[0] - 0.1), spread(0.0))


def test_leaving_one_out_is_unbiased_and_the_mean_of_all_is_not():
    """Two draws: their own mean as the baseline halves the gradient."""
    rng = np.random.default_rng(0)
    found = gaussians.score_function(f, M, S, (SIZE, 2), rng, baseline="leave-one-out").mean
    x = gaussians.draw(M, S, (SIZE, 2), rng)
    own = gaussians.scores(M, S, x).mean * (f(x) - f(x).mean(1, keepdims=True))[..., None]
    assert_unbiased(found.mean(1), BY_MEAN, own.mean(1))
    assert distances(own.mean(1), 0.5 * BY_MEAN).max() < 4.5


def test_leave_one_out_by_a_loop():
    rng = np.random.default_rng(3)
    scores, values = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4))
    found = score_function.terms(scores, values, "leave-one-out")
    for r in range(2):
        for n in range(4):
            others = np.delete(values[r], n).mean()
            assert_allclose(found[r, n], scores[r, n] * (values[r, n] - others))


def test_a_baseline_for_each_parameter():
    rng = np.random.default_rng(3)
    scores, values = rng.normal(size=(4, 3)), rng.normal(size=4)
    found = score_function.terms(scores, values, [1.0, 2.0, 3.0])
    assert_allclose(found[:, 1], scores[:, 1] * (values - 2))
    best = score_function.optimal_baseline(scores, values)
    assert_allclose(best[2], (scores[:, 2] ** 2 * values).sum() / (scores[:, 2] ** 2).sum())
    pair = gaussians.Terms(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    one = gaussians.score_function(f, M, S, 5, np.random.default_rng(1), pair)
    two = gaussians.score_function(f, M, S, 5, np.random.default_rng(1), 4.0)
    assert_allclose(one.deviations[:, 1], two.deviations[:, 1])
    assert not np.allclose(one.mean, two.mean)


# ------------------------------------------------------------------------------ Bonnet and Price


def test_values_slopes_and_curvatures_agree_with_quadrature():
    root = np.linalg.cholesky(C)
    by_mean = differences(lambda m: average(m, root), M)
    directions = [np.array([[1.0, 0], [0, 0]]), np.array([[0, 1.0], [1.0, 0]]), np.array([[0, 0], [0, 1.0]])]
    h = 1e-4
    along = [
        (average(M, np.linalg.cholesky(C + h * D)) - average(M, np.linalg.cholesky(C - h * D))) / (2 * h)
        for D in directions
    ]
    rng = lambda: np.random.default_rng(5)
    for found in (
        gaussian_moments.by_values(f, M, C, SIZE, rng(), baseline=0.3),
        gaussian_moments.by_slopes(slope, M, C, SIZE, rng()),
        gaussian_moments.by_curvatures(slope, hessian, M, C, SIZE, rng()),
    ):
        assert_unbiased(found.mean, by_mean, 0.9 * found.mean)
        assert_allclose(found.covariance, found.covariance.swapaxes(-1, -2))
        changes = np.stack([np.einsum("nij,ij->n", found.covariance, D) for D in directions], -1)
        assert_unbiased(changes, along, 2 * changes)  # the half belongs to it


def test_the_half_of_price_is_the_same_as_the_pathwise_deviation():
    """dC_kk/ds_k = 2 s_k joins the two modules."""
    rng = np.random.default_rng(6)
    full = gaussian_moments.by_curvatures(slope, hessian, M, np.diag(S**2), SIZE, rng).covariance
    assert_unbiased(2 * S * np.diagonal(full, axis1=1, axis2=2), BY_DEVIATION, np.diagonal(full, axis1=1, axis2=2))


# --------------------------------------------------------------------------------------- accuracy


def test_accuracy_of_known_estimates():
    rng = np.random.default_rng(0)
    terms = rng.normal([1.0, -2.0], [2.0, 6.0], size=(20_000, 9, 2))
    found = accuracy.measure(terms, [0.5, -2.0])
    assert_allclose(found.variance, [4 / 9, 4.0], rtol=0.05)
    assert_allclose(found.bias, [0.5, 0.0], atol=0.05)
    assert_allclose(found.bias_error, np.sqrt(np.array([4 / 9, 4.0]) / 20_000), rtol=0.05)
    assert found.squared_error == pytest.approx(0.25 + 4 / 9 + 4, rel=0.05)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gaussians.draw(M, [1.0, 0.0], 3, RNG), "deviations: expected numbers above 0"),
        (lambda: gaussians.draw(M, S, (), RNG), "size: expected a number of draws"),
        (lambda: gaussians.draw(M, S, 0, RNG), "size: expected a whole number, at least 1"),
        (lambda: gaussians.pathwise(f, M, S, 3, RNG), r"slope\(x\): expected shape \(3, 2\)"),
        (lambda: gaussians.score_function(slope, M, S, 3, RNG), r"f\(x\): expected shape \(3,\)"),
        (lambda: gaussians.scores(M, S, np.ones((4, 3))), r"x: expected shape \(..., 2\)"),
        (
            lambda: gaussians.score_function(f, M, S, 3, RNG, baseline="mean"),
            "baseline: expected one of 'leave-one-out'",
        ),
        (
            lambda: gaussians.score_function(f, M, S, 1, RNG, baseline="leave-one-out"),
            "leave-one-out needs at least two draws",
        ),
        (
            lambda: gaussians.score_function(f, M, S, 3, RNG, baseline=[1.0, 2.0, 3.0]),
            r"baseline: expected a number or shape \(2,\)",
        ),
        (lambda: score_function.terms(np.ones(3), 1.0), r"scores: expected shape \(..., N, P\)"),
        (lambda: gaussian_moments.by_values(f, M, np.eye(3), 3, RNG), "covariance: expected shape"),
        (
            lambda: gaussian_moments.by_curvatures(slope, slope, M, C, 3, RNG),
            r"hessian\(x\): expected shape \(3, 2, 2\)",
        ),
        (lambda: accuracy.measure(np.ones((1, 2, 3)), np.ones(3)), "at least 2 estimates"),
        (lambda: accuracy.measure(np.ones((4, 3)), np.ones(3)), "terms: expected shape"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_leave_one_out_by_loops():
    """Each value less the mean of the others, times its own score."""
    scores, values = np.array([[1.0, -2.0], [0.5, 3.0], [4.0, -1.0]]), np.array([2.0, 5.0, 11.0])
    by_hand = [[scores[n, p] * (values[n] - np.mean([values[m] for m in range(3) if m != n])) for p in range(2)] for n in range(3)]
    assert_allclose(score_function.terms(scores, values, "leave-one-out"), by_hand, rtol=1e-14)
    assert not np.allclose(score_function.terms(scores, values, values.mean()), by_hand)
