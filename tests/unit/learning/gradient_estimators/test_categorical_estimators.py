"""Estimators for categorical draws against enumeration, and against quadrature over the one difference of two."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import expit

from pedagogy_lib.learning.gradient_estimators import categoricals

ETA = np.array([0.5, -0.4, 0.1])
WEIGHTS = np.array([1.0, -2.0, 0.5])
SIZE = 200_000


def f(y):
    return np.exp(y @ WEIGHTS) + y[..., 0] * y[..., 1]


def slope(y):
    swapped = np.stack([y[..., 1], y[..., 0], *np.zeros((y.shape[-1] - 2, *y.shape[:-1]))], -1)
    return np.exp(y @ WEIGHTS[: y.shape[-1]])[..., None] * WEIGHTS[: y.shape[-1]] + swapped


def expected(eta):
    shares = np.exp(eta) / np.exp(eta).sum()
    return sum(share * f(row) for share, row in zip(shares, np.eye(3)))


TRUTH = np.array([(expected(ETA + 1e-6 * e) - expected(ETA - 1e-6 * e)) / 2e-6 for e in np.eye(3)])


def distances(terms, truth):
    return np.abs(terms.mean(0) - truth) / (terms.std(0) / np.sqrt(len(terms)) + 1e-12)


def test_the_exact_gradient_is_that_of_a_sum():
    assert_allclose(categoricals.exact(f, ETA), TRUTH, rtol=1e-7)
    assert_allclose(categoricals.exact(f, ETA + 3).sum(), 0, atol=1e-12)  # a common constant changes nothing


@pytest.mark.parametrize("baseline", [0.0, 1.5, [0.5, 1.0, 2.0]])
def test_the_score_function_is_unbiased(baseline):
    found = categoricals.score_function(f, ETA, SIZE, np.random.default_rng(0), baseline)
    assert distances(found, TRUTH).max() < 4.5 < 7 < distances(0.9 * found, TRUTH).max()


def test_leaving_one_out_is_unbiased():
    found = categoricals.score_function(f, ETA, (50_000, 4), np.random.default_rng(0), "leave-one-out").mean(1)
    assert distances(found, TRUTH).max() < 4.5 < 7 < distances(0.75 * found, TRUTH).max()


# -------- two categories: everything depends on the difference of two Gumbel numbers, which is logistic


def two(y):
    """f at (y, 1-y) for two categories, written out; its slope along y is `along`."""
    return np.exp(WEIGHTS[0] * y + WEIGHTS[1] * (1 - y)) + y * (1 - y)


def along(y):
    return (WEIGHTS[0] - WEIGHTS[1]) * np.exp(WEIGHTS[0] * y + WEIGHTS[1] * (1 - y)) + 1 - 2 * y


def integral(g):
    """Of g(u) over the standard logistic density."""
    density = lambda u: expit(u) * expit(-u)
    return sum(quad(lambda u: g(u) * density(u), a, b, epsabs=1e-10)[0] for a, b in ((-40, -0.7), (-0.7, 0), (0, 40)))


@pytest.mark.parametrize("softness", [0.3, 1.0, 3.0])
def test_the_relaxed_gradient_is_that_of_the_relaxed_average(softness):
    eta = np.array([0.5, -0.2])
    soft = lambda d: integral(lambda u: two(expit((d + u) / softness)))
    truth = (soft(0.7 + 1e-4) - soft(0.7 - 1e-4)) / 2e-4
    found = categoricals.relaxed(slope, eta, softness, SIZE, np.random.default_rng(0))
    assert distances(found, [truth, -truth]).max() < 4.5 < 7 < distances(found * 0.9, [truth, -truth]).max()
    hard = expit(0.7) * expit(-0.7) * (two(1.0) - two(0.0))
    assert distances(found, [hard, -hard]).max() > 5  # and it is not the gradient itself


@pytest.mark.parametrize("softness", [0.3, 1.0, 3.0])
def test_straight_through_by_its_definition(softness):
    eta = np.array([0.5, -0.2])

    def term(u):
        y = expit((0.7 + u) / softness)
        return along(float(0.7 + u > 0)) * y * (1 - y) / softness

    truth = integral(term)
    found = categoricals.straight_through(slope, eta, softness, SIZE, np.random.default_rng(0))
    assert distances(found, [truth, -truth]).max() < 4.5 < 7 < distances(found * 0.9, [truth, -truth]).max()


def test_in_the_limit_the_one_is_right_and_the_other_the_trapezoid_rule():
    eta, tie = np.array([0.5, -0.2]), expit(0.7) * expit(-0.7)
    relaxed = categoricals.relaxed(slope, eta, 0.02, 20 * SIZE, np.random.default_rng(0))[:, 0]
    through = categoricals.straight_through(slope, eta, 0.02, 20 * SIZE, np.random.default_rng(0))[:, 0]
    right, trapezoid = tie * (two(1.0) - two(0.0)), tie * 0.5 * (along(0.0) + along(1.0))
    near = lambda terms, truth: abs(terms.mean() - truth) < 4.5 * terms.std() / np.sqrt(len(terms))
    assert near(relaxed, right) and near(through, trapezoid)
    assert not near(relaxed, trapezoid) and not near(through, right)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: categoricals.exact(f, [1.0]), "logits: expected at least 2 categories"),
        (lambda: categoricals.relaxed(slope, ETA, 0.0, 5, RNG), "softness: expected a number above 0"),
        (lambda: categoricals.relaxed(f, ETA, 1.0, 5, RNG), r"slope\(x\): expected shape \(5, 3\)"),
        (lambda: categoricals.score_function(slope, ETA, 5, RNG), r"f\(x\): expected shape \(5,\)"),
        (lambda: categoricals.score_function(f, ETA, 5, 7), "rng: expected a numpy.random.Generator"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
