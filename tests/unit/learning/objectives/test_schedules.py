"""The learned schedule against quadrature in time, finite differences, the tape, and the closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import softmax

from pedagogy_lib.distributions import noising
from pedagogy_lib.learning import differentiation, optimization
from pedagogy_lib.learning.objectives import schedules
from pedagogy_lib.models.deep import diffusion

FIRST, LAST, K = 6.0, -7.0, 4
SCORES = np.array([0.4, -0.3, 0.2, -0.6])
# Gaussian data of this variance, in D numbers. Each is guessed with the mean square `error`.
VARIANCE, D = 0.5, 3
SCHEDULES = {"line": noising.log_linear(FIRST, LAST), "cosine": noising.cosine(FIRST, LAST),
             "pieces": noising.pieces(softmax(SCORES), FIRST, LAST)}


def denoise(x, level):
    """The posterior mean of a centered Gaussian."""
    a, v = level
    return a * VARIANCE / (a**2 * VARIANCE + v**2) * x


def draws(schedule, y, u, rng):
    return diffusion.denoising_draws(denoise, schedule, y, u, rng)


def error(eta):
    """The mean square error of one number at a level: 1 / (1 / VARIANCE + snr)."""
    return 1 / (1 / VARIANCE + np.exp(eta))


def squares(eta):
    """E[f^2], f = 1/2 snr |y - m|^2: error times chi-square with D degrees of freedom."""
    return (0.5 * np.exp(eta) * error(eta)) ** 2 * (D**2 + 2 * D)


def mean_square(schedule):
    """E[V^2], by quadrature in time: 1/2 (-d snr / du) |y - m|^2, squared."""
    corners = np.append(0, np.cumsum(schedule.shares)) if isinstance(schedule, noising.Pieces) else (0.0, 1.0)
    f = lambda u: schedule.log_snr_slope(u) ** 2 * squares(schedule.log_snr(u))
    return sum(quad(f, begin, end, epsabs=1e-11)[0] for begin, end in zip(corners, corners[1:]))


def data(n, seed=0):
    return np.sqrt(VARIANCE) * np.random.default_rng(seed).standard_normal((n, D))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_bound_depends_on_the_ends_alone(name):
    """Mean over times = the integral over the levels, in closed form; the mean square is the schedule's own."""
    schedule, rng = SCHEDULES[name], np.random.default_rng(1)
    V = draws(schedule, data(400_000), rng.random((400_000, 1)), rng)
    # integral of 1/2 D snr error d eta = D/2 log(1/VARIANCE + snr)
    closed = 0.5 * D * np.log((1 / VARIANCE + np.exp(FIRST)) / (1 / VARIANCE + np.exp(LAST)))
    spread = V.std() / np.sqrt(len(V))
    assert abs(V.mean() - closed) < 4 * spread < 0.2
    shorter = 0.5 * D * np.log((1 / VARIANCE + np.exp(FIRST - 1)) / (1 / VARIANCE + np.exp(LAST)))
    assert abs(V.mean() - shorter) > 20 * spread               # another end is another bound
    assert_allclose((V**2).mean(), mean_square(schedule), rtol=0.05)
    others = [mean_square(other) for key, other in SCHEDULES.items() if key != name]
    assert not np.isclose((V**2).mean(), others, rtol=0.1).any()


def test_the_gradient_is_that_of_the_mean_square():
    """On average over draws, against differences of the quadrature in time, and the tape on the sum over pieces."""
    spread, n = schedules.Spread(draws, FIRST, LAST), 100_000
    found = np.mean([spread.value_and_gradient(SCORES, data(n, s), np.random.default_rng(s))[1] for s in range(20)], 0)
    at = lambda scores: mean_square(noising.pieces(softmax(scores), FIRST, LAST))
    differences = np.array([(at(SCORES + h) - at(SCORES - h)) / 2e-4 for h in 1e-4 * np.eye(K)])
    height = (FIRST - LAST) / K
    means = np.array([quad(squares, FIRST - (k + 1) * height, FIRST - k * height)[0] / height for k in range(K)])
    taped = differentiation.gradient(lambda s: np.sum(height**2 * means / differentiation.softmax(s)), SCORES)
    assert_allclose(taped, differences, rtol=1e-5)
    assert_allclose(found, differences, rtol=0.02, atol=0.01 * np.abs(differences).max())
    one = spread.value_and_gradient(SCORES, data(n, 0), np.random.default_rng(0))[0]
    assert_allclose(one, at(SCORES), rtol=0.05)
    # Wrong: the sign of d log p; and p without its normalization.
    assert not np.allclose(-found, differences, rtol=0.2)
    assert not np.allclose(found - softmax(SCORES) * at(SCORES), differences, rtol=0.2)


def test_learning_finds_the_schedule_in_closed_form():
    spread, height = schedules.Spread(draws, FIRST, LAST), (FIRST - LAST) / K
    means = np.array([quad(squares, FIRST - (k + 1) * height, FIRST - k * height)[0] / height for k in range(K)])
    best = schedules.best_shares(means)
    method = optimization.Adam(optimization.cosine(0.1, 600))
    run = optimization.run(spread, np.zeros(K), data(2000), np.random.default_rng(0), method=method, batch_size=500,
                           iterations=600)
    assert_allclose(spread.schedule(run.params).shares, best, atol=0.02)
    assert not np.allclose(means / means.sum(), best, atol=0.02)   # without the root
    costs = [mean_square(noising.pieces(shares, FIRST, LAST)) for shares in (best, np.full(K, 1 / K), means / means.sum())]
    assert min(costs) == costs[0] < 0.9 * costs[1]
    assert_allclose(costs[0], (height * np.sqrt(means).sum()) ** 2, rtol=1e-6)   # Cauchy and Schwarz, with equality
    assert mean_square(spread.schedule(run.params)) < 1.01 * costs[0]


def test_what_does_not_fit_is_named():
    spread, y, rng = schedules.Spread(draws, FIRST, LAST), data(5), np.random.default_rng(0)
    short = schedules.Spread(lambda *_: np.ones(2), FIRST, LAST)
    for match, call in (
        ("scores", lambda: spread.loss(np.zeros((2, 2)), y, rng)),
        ("rng", lambda: spread.loss(SCORES, y, 3)),
        (r"draws\(...\): expected", lambda: short.loss(SCORES, y, rng)),
        ("squares: expected numbers above zero", lambda: schedules.best_shares([1.0, 0.0])),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    assert spread.loss(SCORES, y, np.random.default_rng(0)) == spread.loss(SCORES, y, np.random.default_rng(0))
