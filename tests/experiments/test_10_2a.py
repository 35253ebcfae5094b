"""The experiments of chapters/10-energy-based/10.2a-the-exact-gradient.ipynb."""

from itertools import product

import numpy as np
from experiments import hold
from scipy.special import gammaln, logsumexp, softmax

from pedagogy_lib.learning import optimization
from pedagogy_lib.models.undirected import harmonium

CELLS, GRID, GAINS = np.linspace(-56, 56, 15), np.linspace(-40, 40, 101), (0.6, 3.0)


def rates(place, gains):
    bump = np.exp(-((np.reshape(place, (-1, 1)) - CELLS) ** 2) / (2 * 12.0**2))
    gains = np.broadcast_to(gains, (len(bump), 2))
    return np.concatenate([gains[:, :1] * bump, gains[:, 1:] * bump], 1) + 0.05


TABLE = np.stack([rates(GRID, gains) for gains in product(GAINS, repeat=2)])


def simulate(n, rng):
    place, gains = rng.uniform(-40, 40, n), rng.choice(GAINS, (n, 2))
    return place, rng.poisson(rates(place, gains)).astype(float)


def bayes(y):
    """The exact mean of the place, and log p(y), by a sum over the grid and the four clearnesses."""
    logs = np.einsum("nd,gsd->ngs", y, np.log(TABLE)) - TABLE.sum(2)
    p = softmax(logs.reshape(len(y), -1), 1).reshape(logs.shape).sum(1)
    return p @ GRID, logsumexp(logs, (1, 2)) - np.log(4 * len(GRID)) - gammaln(y + 1).sum(1)


def guess(params, y):
    """The mean place of the settings of the coins; a setting stands for the place whose rates are most like its own."""
    settings, known = params.hidden.every(), TABLE.reshape(-1, 30)
    asked = harmonium.emission(params, settings).means
    place = GRID[(known.sum(1) - asked @ np.log(known).T).argmin(1) % len(GRID)]
    return softmax(harmonium.posterior(params, y).natural @ settings.T, 1) @ place


def owl(coins, seed=0):
    """Learn with so many coins: the gap in cost, and the error as a multiple of that of Bayes."""
    rng = np.random.default_rng(seed)
    _, y = simulate(6000, rng)
    where, fresh = simulate(2000, rng)
    begin = harmonium.poisson_bernoulli(y, coins, rng)
    begin = begin._replace(weights=0.1 * rng.standard_normal(begin.weights.shape))
    method = optimization.Adam(optimization.cosine(0.05, 1500))
    params = optimization.run(harmonium, begin, y, rng, method=method, batch_size=200, iterations=1500).params
    best, log_p = bayes(fresh)
    off = lambda guessed: np.sqrt(np.mean((guessed - where) ** 2))
    return harmonium.loss(params, fresh) + log_p.mean(), off(guess(params, fresh)) / off(best)


def test_10_2a_e_how_many_coins():
    (gap_2, error_2), (gap_6, _), (gap_10, error_10) = owl(2), owl(6), owl(10)
    hold("10.2a-e", gap_2=gap_2, gap_6=gap_6, gap_10=gap_10, error_2=error_2, error_10=error_10)
