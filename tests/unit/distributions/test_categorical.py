"""The categorical distribution, a table and components, against plain sums and counting."""

import numpy as np
import pytest
from scipy.stats import norm

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Components, Table

PI = Categorical(np.array([0.2, 0.5, 0.3]))
A = Table(np.array([[0.9, 0.1, 0.5], [0.1, 0.9, 0.5]]))
BELLS = Components(lambda y: norm([-1.0, 0.0, 2.0], [1.0, 0.5, 1.0]).logpdf(np.asarray(y)[..., None]))
RNG = np.random.default_rng


def test_sample_frequencies():
    x = categorical.sample(PI, 100_000, RNG(0))
    counts = np.bincount(x)
    assert (np.abs(counts - 100_000 * PI.probabilities) < 5 * np.sqrt(100_000 * 0.25)).all()
    assert not (np.abs(counts - 100_000 * PI.probabilities[::-1]) < 5 * np.sqrt(100_000 * 0.25)).all()
    np.testing.assert_array_equal(x, categorical.sample(PI, 100_000, RNG(0)))


def test_a_side_of_probability_zero_is_never_drawn():
    x = categorical.sample(Categorical(np.array([0.0, 1.0, 0.0])), 10_000, RNG(1))
    assert (x == 1).all()


def test_marginalize_and_invert_are_bayes_by_hand():
    joint = np.array([[A.probabilities[i, j] * PI.probabilities[j] for j in range(3)] for i in range(2)])
    np.testing.assert_allclose(categorical.marginalize(PI, A).probabilities, joint.sum(1), rtol=1e-15)
    reverse = categorical.invert(PI, A)
    np.testing.assert_allclose(reverse.probabilities, (joint / joint.sum(1, keepdims=True)).T, rtol=1e-15)
    for y in range(2):
        np.testing.assert_allclose(categorical.invert(PI, A, y).probabilities, reverse.probabilities[:, y], rtol=1e-15)
    assert not np.allclose(reverse.probabilities, (joint / joint.sum(0)).T)


def test_components_in_one_and_many_observations():
    y = np.array([0.3, -4.0, 1.1])
    weighted = norm([-1.0, 0.0, 2.0], [1.0, 0.5, 1.0]).pdf(y[:, None]) * PI.probabilities
    found = categorical.invert(PI, BELLS, y).probabilities
    np.testing.assert_allclose(found, weighted / weighted.sum(1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(categorical.invert(PI, BELLS, 0.3).probabilities, found[0], rtol=1e-12)
    mixture = categorical.marginalize(PI, BELLS)
    np.testing.assert_allclose(categorical.log_density(mixture, y), np.log(weighted.sum(1)), rtol=1e-12)


def test_nothing_underflows():
    far = categorical.invert(PI, BELLS, 1e3).probabilities
    np.testing.assert_allclose(far.sum(), 1.0)
    assert np.isfinite(categorical.log_density(categorical.marginalize(PI, BELLS), 1e3))


def test_exact_zeros_stay_exact():
    certain = Categorical(np.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(categorical.invert(certain, BELLS, 2.0).probabilities, [1.0, 0.0, 0.0])
    assert categorical.log_density(certain, 1) == -np.inf
    table = Table(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(categorical.invert(PI, table).probabilities[:, 1], 1 / 3)
    with pytest.raises(ValueError, match="y: expected a value of positive probability, got 1"):
        categorical.invert(PI, table, 1)


def test_log_density_of_sides():
    np.testing.assert_allclose(categorical.log_density(PI, [0, 2]), np.log([0.2, 0.3]))
    assert categorical.log_density(PI, 1) == pytest.approx(np.log(0.5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: categorical.marginalize(Categorical([0.5, 0.6]), A), "source.probabilities: expected the entries to sum"),
        (lambda: categorical.marginalize(Categorical([0.5, 0.5]), A), r"emission.probabilities: expected shape \(I, 2\)"),
        (lambda: categorical.marginalize(PI, Table(np.eye(3) * [[2], [0], [1]])), "every column to sum to 1"),
        (lambda: categorical.marginalize(Categorical([0.5, 0.5]), Table([[0.9, 0.1], [0.2, 0.8]])), "transpose it"),
        (lambda: categorical.marginalize(Categorical([2.0, -1.0]), BELLS), "negative number"),
        (lambda: categorical.invert(PI, BELLS), "y: expected an observation, got None"),
        (lambda: categorical.invert(PI, A, 2), "y: expected whole numbers from 0 to 1, got 2"),
        (lambda: categorical.invert(PI, A, -1), "y: expected whole numbers from 0 to 1"),
        (lambda: categorical.invert(PI, A, 0.0), "y: expected whole numbers"),
        (lambda: categorical.invert(PI, A, [0, 1]), r"y: expected one side, got an array of shape \(2,\)"),
        (lambda: categorical.invert(PI, Components(lambda y: np.zeros(2)), 0), "expected 3 log densities .* got shape"),
        (lambda: categorical.invert(PI, Components(lambda y: np.full(3, np.nan)), 0), "expected 3 log densities .* got NaN"),
        (lambda: categorical.invert(PI, Components(lambda y: np.full(3, -np.inf)), 0), "got one of probability zero"),
        (lambda: categorical.log_density(PI, 3), "y: expected whole numbers from 0 to 2, got 3"),
        (lambda: categorical.sample(PI, 3, 0), "rng: expected"),
        (lambda: categorical.sample(PI, 1.5, RNG(0)), "n: expected a whole number"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
