"""Reverse diffusion with closed-form denoisers: moments of Gaussians step by step, and the exact flow."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import gaussian, noised_mixture, noising
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
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


def gaussian_denoiser(mean, C):
    def denoise(x, level):
        a, v = level.signal, level.deviation
        return mean + (x - a * mean) @ np.linalg.solve(a * a * C + v * v * np.eye(len(C)), a * C)
    return denoise


def test_the_spread_of_a_gaussians_guess_is_the_posterior_covariance():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    C, level = root @ root.T, noising.Level(0.7, 0.9)
    found = reverse_diffusion.spread(gaussian_denoiser(rng.normal(size=3), C), rng.normal(size=(5, 3)), level)
    exact = np.linalg.inv(np.linalg.inv(C) + (0.7 / 0.9) ** 2 * np.eye(3))
    np.testing.assert_allclose(found, np.broadcast_to(exact, (5, 3, 3)), atol=1e-8)
    assert np.abs(found[0] - C).max() > 0.05
    # A slope that is no covariance: made symmetric, and without negative parts.
    bent = reverse_diffusion.spread(lambda x, level: x @ np.array([[1.0, 2.0], [0.0, -3.0]]), rng.normal(size=(2, 2)), level)
    assert np.linalg.eigvalsh(bent).min() > -1e-9
    np.testing.assert_allclose(bent, bent.transpose(0, 2, 1))
    capped = reverse_diffusion.spread(lambda x, level: 5 * x, rng.normal(size=(2, 2)), level, largest=1.5)
    np.testing.assert_allclose(capped, 1.5 * np.stack([np.eye(2)] * 2))
    with pytest.raises(ValueError, match="largest"):
        reverse_diffusion.spread(lambda x, level: x, np.zeros((1, 2)), level, largest=0.0)


def test_a_guided_diffusion_of_gaussian_data_ends_in_the_posterior_of_kalman():
    rng = np.random.default_rng(1)
    C, mean = np.array([[1.0, 0.6], [0.6, 0.8]]), np.array([0.3, -0.5])
    emission, y = AffineGaussian(np.array([[1.0, -0.4]]), np.array([0.2]), np.array([[0.1]])), np.array([1.4])
    after = gaussian.invert(Gaussian(mean, C), emission, y)
    schedule, denoise = noising.cosine(8, -8), gaussian_denoiser(mean, C)
    deviation = noising.cosine(8, -8).level(1.0).deviation
    start = deviation * rng.standard_normal((20000, 2))
    drawn = reverse_diffusion.sample(reverse_diffusion.guided(denoise, emission, y), schedule, start, 300, rng)
    np.testing.assert_allclose(drawn.mean(0), after.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), after.covariance, atol=0.02)
    rows = np.vstack([np.tile(y, (10000, 1)), np.tile(y + 1, (10000, 1))])
    each = reverse_diffusion.sample(reverse_diffusion.guided(denoise, emission, rows), schedule, start, 100, rng)
    np.testing.assert_allclose(each[10000:].mean(0), gaussian.invert(Gaussian(mean, C), emission, y + 1).mean, atol=0.03)
    # Without the offset it ends elsewhere.
    wrong = reverse_diffusion.sample(reverse_diffusion.guided(denoise, emission._replace(offset=np.zeros(1)), y), schedule, start, 100, rng)
    assert np.abs(wrong.mean(0) - after.mean).max() > 0.05


@pytest.mark.parametrize(("emission", "y", "kind", "match"), [
    ("no arrow", [1.0], TypeError, "emission: expected an AffineGaussian"),
    (AffineGaussian(np.ones((1, 2)), np.zeros(1), np.eye(2)), [1.0], ValueError, "emission.covariance"),
    (AffineGaussian(np.ones((1, 2)), np.zeros(1), np.eye(1)), [1.0, 2.0], ValueError, "y: expected shape"),
    (AffineGaussian(np.ones((1, 2)), np.zeros(1), np.eye(1)), [np.nan], ValueError, "y: expected finite"),
])
def test_observations_that_do_not_fit_are_refused(emission, y, kind, match):
    with pytest.raises(kind, match=match):
        reverse_diffusion.guided(lambda x, level: x, emission, y)
