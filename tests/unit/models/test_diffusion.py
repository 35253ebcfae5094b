"""The diffusion model against differences, dense Gaussian chains, and the closed form for mixtures."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.learning import networks, optimization, parameters
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import diffusion

SCHEDULES = [noising.log_linear(6.0, -7.0), noising.cosine(6.0, -7.0), noising.exploding(6.0, -7.0),
             noising.pieces([0.45, 0.3, 0.15, 0.1], 6.0, -7.0)]
MIXTURE = noised_mixture.Mixture(np.array([0.4, 0.6]), np.array([[-1.1], [0.7]]), np.array([[[0.04]], [[0.09]]]))


def problem(target=denoising.Noise, schedule=SCHEDULES[0], seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(9, 3))
    return y, diffusion.start(y, (6, 5), networks.Tanh, target, schedule, rng)


@pytest.mark.parametrize("target", denoising.TARGETS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_gradient_is_that_of_the_loss_at_fixed_draws(target, schedule):
    y, params = problem(target, schedule)
    flat = parameters.flatten(params)
    weight = lambda eta: np.exp(-0.1 * eta)
    for options in ({}, {"weight": weight}):
        cost = lambda vector, seed, options=options: diffusion.value_and_gradient(
            parameters.view(vector, params), y, np.random.default_rng(seed), **options)[0]
        _, found = diffusion.value_and_gradient(params, y, np.random.default_rng(9), **options)
        slope = parameters.flatten(found).vector
        for along in np.random.default_rng(1).normal(size=(3, flat.vector.size)):
            up, down = (cost(flat.vector + h * along, 9) for h in (1e-5, -1e-5))
            assert_allclose(slope @ along, (up - down) / 2e-5, rtol=1e-5, atol=1e-8)
            other = cost(flat.vector + 1e-5 * along, 8)
            assert not np.isclose(slope @ along, (other - down) / 2e-5, rtol=1e-2)   # other draws: no derivative


@pytest.mark.parametrize("target", denoising.TARGETS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_answer_is_the_same_guess(target, schedule):
    """Whatever the guess: the answer that gives it is as far from its target as the guess is from the datum."""
    rng = np.random.default_rng(2)
    level = schedule.level(rng.random((7, 1)))
    y, z, guess = rng.normal(size=(3, 7, 2))
    x = level.signal * y + level.deviation * z
    keep, scale = target.guess(level)
    answer = (guess - keep * x) / scale
    assert_allclose(scale**2 * (answer - target.target(y, z, level)) ** 2, (guess - y) ** 2, rtol=1e-6, atol=1e-9)
    assert not np.allclose(scale**2 * (answer + target.target(y, z, level)) ** 2, (guess - y) ** 2, rtol=1e-2)


def chain(schedule, L, y, m):
    """The costs of one datum under an affine denoiser m = (slope, offset)(u), all from dense matrices.

    Returns minus the evidence lower bound, from entropies and cross-entropies of the whole chain, and -log p(y),
    from the joint of the generative chain.
    """
    times = np.arange(L + 1) / L
    a, v = schedule.level(times)
    q_mean = a * y
    q_cov = np.array([[a[max(i, j)] / a[min(i, j)] * v[min(i, j)] ** 2 for j in range(L + 1)] for i in range(L + 1)])
    s1 = a[L] ** 2 + v[L] ** 2
    # Rows of a triangular system: x_L = s e_L;  x_{l-1} - A_l x_l - c_l = sigma_l e_l;  y - x_0 / a_0 = v_0 / a_0 e.
    R, c, d = np.zeros((L + 2, L + 2)), np.zeros(L + 2), np.zeros(L + 2)
    R[0, L], d[0] = 1, np.sqrt(s1)
    for l in range(1, L + 1):
        slope, offset = m(times[l])
        kept = (a[l] / v[l]) ** 2 / (a[l - 1] / v[l - 1]) ** 2
        on_y, on_x = a[l - 1] * (1 - kept), kept * a[l - 1] / a[l]
        R[l, l - 1], R[l, l] = 1, -(on_x + on_y * slope)
        c[l], d[l] = on_y * offset, v[l - 1] * np.sqrt(1 - kept)
    R[L + 1, L + 1], R[L + 1, 0], d[L + 1] = 1, -1 / a[0], v[0] / a[0]
    full_mean, full_cov = np.append(q_mean, y), np.zeros((L + 2, L + 2))
    full_cov[: L + 1, : L + 1] = q_cov
    residual = R @ full_mean - c
    squares = residual**2 + np.diag(R @ full_cov @ R.T)
    cross = 0.5 * (squares / d**2 + np.log(2 * np.pi * d**2)).sum()
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * q_cov)[1]
    back = np.linalg.inv(R)
    mean, var = (back @ c)[-1], (back @ np.diag(d**2) @ back.T)[-1, -1]
    return cross - entropy, 0.5 * ((y - mean) ** 2 / var + np.log(2 * np.pi * var))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_bound_is_that_of_the_dense_chain(schedule):
    """For Gaussian data and the best denoiser, at every length of the chain; and it lies above -log p(y)."""
    mean, variance, y = 0.4, 0.5, 1.3
    mixture = noised_mixture.Mixture(np.ones(1), np.array([[mean]]), np.array([[[variance]]]))

    def affine(u):
        a, v = schedule.level(u)
        slope = a * variance / (a**2 * variance + v**2)
        return slope, mean * (1 - slope * a)

    def denoise(x, level):
        slope = level.signal * variance / (level.signal**2 * variance + level.deviation**2)
        return mean + slope * (x - level.signal * mean)

    assert_allclose(denoise(np.ones((1, 1)), schedule.level(0.5)), noised_mixture.denoise(mixture, [[1.0]], schedule.level(0.5)))
    data = np.full((4000, 1), y)
    exact = 0.5 * ((y - mean) ** 2 / variance + np.log(2 * np.pi * variance))
    gaps = []
    for L in (3, 12, 200):
        found = diffusion.bound_terms(denoise, schedule, data, np.random.default_rng(L), L, draws=60)
        bound, marginal = chain(schedule, L, y, affine)
        assert_allclose(sum(term.mean() for term in found), bound, rtol=0.02)
        assert bound > marginal
        gaps.append(bound - exact)
    assert not np.isclose(found.denoising.mean() + found.prior.mean(), bound, rtol=0.1)    # the constants count
    assert gaps[0] > gaps[1] > gaps[2] > 0                  # a longer chain is a tighter bound
    limit = diffusion.bound_terms(denoise, schedule, data, np.random.default_rng(7), draws=60)
    assert_allclose(sum(term.mean() for term in limit), chain(schedule, 600, y, affine)[0], atol=0.06)


def test_learning_finds_the_best_denoiser():
    """On a mixture: the guesses come near the closed form, the bound near the entropy, and samples have the weights."""
    rng = np.random.default_rng(3)
    y = noised_mixture.sample(MIXTURE, 4000, rng)
    schedule = noising.log_linear()
    begin = diffusion.start(y, (40, 40), networks.Tanh, denoising.Velocity, schedule, np.random.default_rng(1))
    method = optimization.Adam(optimization.cosine(0.005, 2000))
    params = optimization.run(diffusion, begin, y, np.random.default_rng(2), method=method, batch_size=200, iterations=2000).params
    for u in (0.2, 0.4, 0.5, 0.6):
        level = schedule.level(u)
        x = noising.corrupt(level, y, rng)
        best = noised_mixture.denoise(MIXTURE, x, level)
        error = np.sqrt(((diffusion.denoise(params, x, level) - best) ** 2).mean())
        assert error < 0.2 * np.sqrt(((y - best) ** 2).mean())
        assert error < 0.3 * np.sqrt(((diffusion.denoise(begin, x, level) - best) ** 2).mean())
        score = diffusion.force(params, x, level)
        expected = noised_mixture.score(MIXTURE, x, level)
        assert_allclose(np.sqrt(((score - expected) ** 2).mean()), error * level.signal / level.deviation**2, rtol=1e-6)
    entropy = -noised_mixture.log_density(MIXTURE, y, noising.Level(1.0, 1e-6)).mean()
    bound = -diffusion.log_marginal(params, y, np.random.default_rng(5)).mean()
    assert entropy - 0.05 < bound < entropy + 0.15
    drawn = diffusion.sample(params, 4000, rng, steps=60)
    assert_allclose((drawn.observations < -0.4).mean(), 0.4, atol=0.06)
    assert drawn.latents.shape == drawn.observations.shape == (4000, 1)
    same = [diffusion.sample(params, 5, np.random.default_rng(1), steps=20, noise=0.0).observations for _ in range(2)]
    assert_allclose(*same)


def test_the_loss_is_the_bound_on_average():
    y, params = problem(denoising.Datum)
    losses = [diffusion.loss(params, y, np.random.default_rng(k)) for k in range(3000)]
    bound = -diffusion.log_marginal(params, y, np.random.default_rng(0), draws=3000).mean()
    longest = -diffusion.log_marginal(params, y, np.random.default_rng(0), steps=4000, draws=3000).mean()
    assert_allclose(np.mean(losses), bound, rtol=0.03)
    assert_allclose(longest, bound, rtol=0.03)


def test_bits_are_nats_over_log_2():
    """A datum of eight fair bits costs one bit a number."""
    assert_allclose(diffusion.bits_per_dimension(8 * np.log(0.5), 8), 1.0)
    assert diffusion.bits_per_dimension(8 * np.log(0.5), 4) == pytest.approx(2.0)


def test_single_precision_stays_and_agrees():
    y, params = problem()
    small = parameters.each(lambda leaf: leaf.astype(np.float32), params)
    value, found = diffusion.value_and_gradient(small, y.astype(np.float32), np.random.default_rng(2))
    assert {leaf.dtype for layer in found.network for leaf in layer} == {np.dtype(np.float32)}
    assert_allclose(value, diffusion.loss(params, y, np.random.default_rng(2)), rtol=1e-4)
    assert diffusion.sample(small, 2, np.random.default_rng(0), steps=3).observations.dtype == np.float32


def test_what_does_not_fit_is_named():
    y, params = problem()
    rng = np.random.default_rng(0)
    plain = params.network[-1]
    for error, match, call in (
        (TypeError, "params: expected Parameters", lambda: diffusion.loss(tuple(params), y, rng)),
        (ValueError, r"y: expected shape \(N, 3\)", lambda: diffusion.loss(params, y[:, :2], rng)),
        (TypeError, "expected one of Noise", lambda: diffusion.loss(params._replace(network=(*params.network[:-1], networks.Linear(*plain))), y, rng)),
        (TypeError, "params.schedule", lambda: diffusion.loss(params._replace(schedule=()), y, rng)),
        (ValueError, "numbers and 7 features", lambda: diffusion.loss(params._replace(network=params.network[-1:]), y, rng)),
        (ValueError, "target", lambda: diffusion.start(y, (4,), networks.Tanh, networks.Linear, params.schedule, rng)),
        (ValueError, "steps", lambda: diffusion.log_marginal(params, y, rng, steps=0)),
        (ValueError, "rng", lambda: diffusion.loss(params, y, 3)),
        (ValueError, "u: expected times from 0 to 1, got them from 0.5 to 1.5",
         lambda: diffusion.denoising_draws(lambda x, level: x, params.schedule, y, np.linspace(0.5, 1.5, len(y))[:, None], rng)),
    ):
        with pytest.raises(error, match=match):
            call()
