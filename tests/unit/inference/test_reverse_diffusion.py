"""Reverse diffusion with closed-form denoisers: moments of Gaussians step by step, and the exact flow."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.inference import reverse_diffusion

SCHEDULE = noising.cosine()
MEAN, VARIANCE = 0.5, 0.3
GAUSSIAN = noised_mixture.Mixture(np.ones(1), np.array([[MEAN]]), np.array([[[VARIANCE]]]))


def denoise(x, level):
    return noised_mixture.denoise(GAUSSIAN, x, level)


@pytest.mark.parametrize("noise", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("steps", [4, 40])
def test_moments_of_a_gaussian_go_as_on_paper(noise, steps):
    """Every step is affine for Gaussian data, so that mean and variance follow by hand, from Eq. 8.38."""
    m, V = 0.0, 1.0
    times = np.linspace(1, 0, steps + 1)
    for u, s in zip(times[:-1], times[1:]):
        (b, w), (a, v) = SCHEDULE.level(u), SCHEDULE.level(s)
        kappa = b * VARIANCE / (b**2 * VARIANCE + w**2)  # guess = MEAN + kappa (x - b MEAN)
        fresh = noise * v * np.sqrt(1 - (b / w) ** 2 / (a / v) ** 2)
        rest = np.sqrt(v**2 - fresh**2) / w
        slope = a * kappa + rest * (1 - b * kappa)
        m = slope * m + (a - rest * b) * MEAN * (1 - kappa * b)
        V = slope**2 * V + fresh**2
    start = np.random.default_rng(0).standard_normal((100_000, 1))
    *_, last = reverse_diffusion.reverse(denoise, SCHEDULE, start, steps, np.random.default_rng(1), noise)
    assert_allclose(last.state.mean(), m, atol=0.01)
    assert_allclose(last.state.var(), V, atol=0.01)
    if steps == 4:
        assert abs(V - VARIANCE) > 0.01                     # few steps: not yet the data's variance


def test_full_noise_is_the_recognition_models_way_back():
    """With noise 1 a step's mean and deviation are those of Eq. 8.38 at the guess."""
    x = np.array([[0.7], [-1.0]])
    levels = SCHEDULE.level(1.0), SCHEDULE.level(0.5)
    rng = np.random.default_rng(3)
    step = next(reverse_diffusion.reverse(denoise, SCHEDULE, x, 2, rng))
    z = np.random.default_rng(3).standard_normal((2, 1))
    arrow = noising.posterior_transition(levels[1], levels[0], step.guess[0])
    expected = arrow.matrix @ x[0] + arrow.offset + np.sqrt(arrow.covariance[0, 0]) * z[0]
    assert_allclose(step.state[0], expected, rtol=1e-9)
    half = next(reverse_diffusion.reverse(denoise, SCHEDULE, x, 2, np.random.default_rng(3), 0.5))
    assert not np.allclose(half.state[0], expected, rtol=1e-3)


def test_without_noise_it_follows_the_exact_map():
    """For Gaussian data the deterministic flow keeps a state's quantile: a line, known in closed form."""
    b, w = SCHEDULE.level(1.0)
    a, v = SCHEDULE.level(0.0)
    start = np.linspace(-2, 2, 9)[:, None]
    quantile = (start - b * MEAN) / np.sqrt(b**2 * VARIANCE + w**2)
    expected = MEAN + np.sqrt(VARIANCE + (v / a) ** 2) * quantile
    errors = {
        n: np.abs(reverse_diffusion.sample(denoise, SCHEDULE, start, n, np.random.default_rng(0), 0.0) - expected).max()
        for n in (25, 50, 100, 800)
    }
    assert errors[800] < 0.002
    assert errors[100] < 0.6 * errors[50] < 0.36 * errors[25]   # first order in the step


def test_mixtures_come_back_with_their_weights():
    mixture = noised_mixture.Mixture(np.array([0.25, 0.75]), np.array([[-1.5], [0.5]]), np.array([[[0.02]], [[0.02]]]))
    start = np.random.default_rng(0).standard_normal((20_000, 1))
    for noise in (1.0, 0.0):
        y = reverse_diffusion.sample(lambda x, level: noised_mixture.denoise(mixture, x, level), SCHEDULE, start, 100,
                                     np.random.default_rng(1), noise)
        assert_allclose((y < -0.5).mean(), 0.25, atol=0.015)
        assert_allclose(y[y < -0.5].std(), 0.02**0.5, rtol=0.1)


def test_what_does_not_fit_is_named():
    rng, start = np.random.default_rng(0), np.zeros((3, 1))
    for error, match, call in (
        (ValueError, "noise: expected", lambda: reverse_diffusion.sample(denoise, SCHEDULE, start, 2, rng, 1.5)),
        (ValueError, "steps", lambda: reverse_diffusion.sample(denoise, SCHEDULE, start, 0, rng)),
        (TypeError, "schedule", lambda: reverse_diffusion.sample(denoise, None, start, 2, rng)),
        (ValueError, "denoise: expected finite estimates", lambda: reverse_diffusion.sample(lambda x, l: x[0], SCHEDULE, start, 2, rng)),
        (ValueError, "denoise: expected finite estimates", lambda: reverse_diffusion.sample(lambda x, l: x * np.nan, SCHEDULE, start, 2, rng)),
        (ValueError, "rng", lambda: reverse_diffusion.sample(denoise, SCHEDULE, start, 2, 0)),
    ):
        with pytest.raises(error, match=match):
            call()
