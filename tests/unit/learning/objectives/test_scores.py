"""Score matching against differences, quadrature, and each loss against the others."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.learning import differentiation, networks
from pedagogy_lib.learning.objectives import scores

MIXTURE = noised_mixture.Mixture(
    np.array([0.4, 0.6]), np.array([[-1.0, 0.3], [0.8, -0.5]]), np.array([[[0.2, 0.1], [0.1, 0.3]], [[0.3, 0.0], [0.0, 0.1]]])
)
LEVEL = noising.Level(0.8, 0.6)


def network(seed=0):
    params = networks.start((2, 7, 5, 2), np.random.default_rng(seed), networks.Tanh)
    return tuple(type(layer)(layer.weights, 0.3 * np.arange(len(layer.biases))) for layer in params)


def run(params, x):
    return networks.forward(params, x).output


def grid_average(function, density):
    """The integral over the plane, by a sum over a fine grid."""
    axis = np.linspace(-6, 6, 241)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    return (function(points) * np.exp(density(points))).sum() * (axis[1] - axis[0]) ** 2


def density(x):
    return noised_mixture.log_density(MIXTURE, x, LEVEL)


def true_score(x):
    return noised_mixture.score(MIXTURE, x, LEVEL)


def test_the_jacobian_along_a_direction_is_the_tapes():
    params, x = network(), np.random.default_rng(1).normal(size=(4, 2))
    record = networks.forward(params, x)
    d = np.random.default_rng(2).normal(size=(4, 2))
    found = scores.along(params, record, d)

    def program(row):
        for layer in params[:-1]:
            row = np.tanh(layer.weights @ row + layer.biases)
        return params[-1].weights @ row + params[-1].biases

    for n in range(4):
        J = differentiation.jacobian(program, x[n])
        assert_allclose(found[n], J @ d[n], rtol=1e-10)
        assert not np.allclose(found[n], J.T @ d[n], rtol=1e-3)


def test_implicit_is_explicit_up_to_half_the_mean_square_score():
    """Hyvarinen's theorem, both averages over the same integral; the constant does not depend on the network."""
    constant = grid_average(lambda x: 0.5 * (true_score(x) ** 2).sum(1), density)
    for seed in (0, 1):
        params = network(seed)
        explicit = grid_average(lambda x, p=params: 0.5 * ((run(p, x) - true_score(x)) ** 2).sum(1), density)

        def by_differences(x, p=params, h=1e-5):
            trace = sum((run(p, x + h * e)[:, i] - run(p, x - h * e)[:, i]) / (2 * h) for i, e in enumerate(np.eye(2)))
            return 0.5 * (run(p, x) ** 2).sum(1) + trace

        implicit = grid_average(by_differences, density)
        assert_allclose(explicit - implicit, constant, rtol=1e-4)
        x = np.random.default_rng(3).normal(size=(50, 2))
        assert_allclose(scores.implicit_loss(params, x), by_differences(x).mean(), rtol=1e-7)
        assert not np.isclose(scores.implicit_loss(params, x), 0.5 * (run(params, x) ** 2).sum(1).mean(), rtol=0.05)


def test_slices_are_right_on_average():
    params, x = network(), np.random.default_rng(3).normal(size=(50, 2))
    exact = scores.implicit_loss(params, x)
    sliced = [scores.sliced_loss(params, x, np.random.default_rng(k)) for k in range(2000)]
    assert_allclose(np.mean(sliced), exact, atol=5 * np.std(sliced) / 2000**0.5)
    assert np.std(sliced) > 1e-3


def test_denoising_is_explicit_up_to_a_constant():
    """Vincent's theorem: the difference is the same for every network."""
    rng = np.random.default_rng(4)
    y = noised_mixture.sample(MIXTURE, 400_000, rng)
    x = noising.corrupt(LEVEL, y, rng)
    gaps = []
    for seed in (0, 1, 2):
        params = network(seed)
        denoising = scores.denoising_loss(lambda x, p=params: run(p, x), y, LEVEL, np.random.default_rng(5))
        gaps.append(denoising - scores.explicit_loss(run(params, x), true_score(x)))
    # |z/v|^2 has the mean D / v^2; the score's own mean square is taken off.
    constant = 0.5 * (2 / LEVEL.deviation**2 - grid_average(lambda x: (true_score(x) ** 2).sum(1), density))
    assert_allclose(gaps, constant, atol=0.02)
    assert constant > 0.5
    best = scores.denoising_loss(true_score, y, LEVEL, np.random.default_rng(5))
    assert_allclose(best, constant, atol=0.02)                  # at the score itself nothing but the constant is left
    assert scores.denoising_loss(lambda x: 0.9 * true_score(x), y, LEVEL, np.random.default_rng(5)) > best + 0.001


def test_tweedie_goes_both_ways():
    x = np.random.default_rng(6).normal(size=(5, 2))
    covariance = LEVEL.deviation**2 * np.eye(2)
    mean = noised_mixture.denoise(MIXTURE, x, LEVEL)
    assert_allclose(scores.tweedie_score(x, mean, LEVEL.signal, covariance), true_score(x), rtol=1e-9)
    assert_allclose(scores.tweedie_mean(x, true_score(x), LEVEL.signal, covariance), mean, rtol=1e-9)
    slanted = np.array([[0.5, 0.2], [0.2, 0.3]])
    there = scores.tweedie_score(x, mean, 0.7, slanted)
    assert_allclose(scores.tweedie_mean(x, there, 0.7, slanted), mean, rtol=1e-9)
    assert not np.allclose(scores.tweedie_mean(x, there, 1.0, slanted), mean, rtol=0.1)


def test_what_does_not_fit_is_named():
    x, rng = np.zeros((3, 2)), np.random.default_rng(0)
    narrow = networks.start((2, 3, 1), rng, networks.Tanh)
    for match, call in (
        ("network: expected as many outputs", lambda: scores.implicit_loss(narrow, x)),
        ("mean: expected shape", lambda: scores.tweedie_score(x, x[:2], 1.0, np.eye(2))),
        ("covariance", lambda: scores.tweedie_mean(x, x, 1.0, np.eye(3))),
        ("signal", lambda: scores.tweedie_mean(x, x, 0.0, np.eye(2))),
        ("score: expected shape", lambda: scores.explicit_loss(x, x[:, :1])),
        (r"function\(x\)", lambda: scores.denoising_loss(lambda x: x[:1], x, LEVEL, rng)),
        ("rng", lambda: scores.sliced_loss(network(), x, 0)),
    ):
        with pytest.raises(ValueError, match=match):
            call()
