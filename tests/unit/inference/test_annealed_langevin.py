"""Annealed Langevin dynamics: on a Gaussian by its exact recursion, on two modes by their weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.inference import annealed_langevin

LINE = noised_mixture.Mixture(np.array([0.2, 0.8]), np.array([[-2.0], [2.0]]), np.array([[[0.01]], [[0.01]]]))


def score(x, level):
    return noised_mixture.score(LINE, x, level)


def test_on_a_gaussian_the_moments_go_as_on_paper():
    """x' = x - eps x / V + (2 eps)^(1/2) z: mean and variance follow a recursion, level after level."""
    levels, size, steps = [noising.Level(1.0, 2.0), noising.Level(1.0, 0.5)], 0.6, 7
    m, V = 3.0, 0.0
    for level in levels:
        variance, eps = 1 + level.deviation**2, (size * level.deviation) ** 2 / 2
        for _ in range(steps):
            m, V = (1 - eps / variance) * m, (1 - eps / variance) ** 2 * V + 2 * eps
    stream = annealed_langevin.anneal(
        lambda x, level: -x / (1 + level.deviation**2), levels, np.full((100_000, 1), 3.0), steps, size, np.random.default_rng(0)
    )
    *_, last = stream
    assert last.iteration == 13 and last.level is levels[1]
    assert_allclose([last.state.mean(), last.state.var()], [m, V], rtol=0.03)
    assert abs(last.state.mean() - 3.0) > 0.5


def test_annealing_finds_the_weights_that_one_level_misses():
    """From the middle, plain Langevin at the lowest level splits evenly; down the staircase 80 % go right."""
    start = np.random.default_rng(1).normal(size=(4000, 1)) * 0.1
    deviations = np.geomspace(4, 0.1, 14)
    stairs = [noising.Level(1.0, v) for v in deviations]
    *_, cold = annealed_langevin.anneal(score, stairs[-1:], start, 600, 0.5, np.random.default_rng(2))
    *_, annealed = annealed_langevin.anneal(score, stairs, start, 60, 0.5, np.random.default_rng(2))
    assert abs((annealed.state > 0).mean() - 0.8) < 0.06
    assert (cold.state > 0).mean() < 0.7
    assert_allclose(annealed.state[annealed.state > 0].mean(), 2.0, atol=0.02)


def test_what_does_not_fit_is_named():
    start, rng = np.zeros((3, 1)), np.random.default_rng(0)
    level = [noising.Level(1.0, 1.0)]
    for match, call in (
        ("levels", lambda: next(annealed_langevin.anneal(score, [], start, 1, 0.1, rng))),
        ("steps", lambda: next(annealed_langevin.anneal(score, level, start, 0, 0.1, rng))),
        ("size", lambda: next(annealed_langevin.anneal(score, level, start, 1, 0.0, rng))),
        ("start", lambda: next(annealed_langevin.anneal(score, level, np.zeros(3), 1, 0.1, rng))),
        ("gradient", lambda: next(annealed_langevin.anneal(lambda x, l: x * np.nan, level, start, 1, 0.1, rng))),
    ):
        with pytest.raises(ValueError, match=match):
            call()
