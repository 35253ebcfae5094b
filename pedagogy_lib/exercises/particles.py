"""Exercises of section 2.2.2, sampling-based approaches: particle filtering and smoothing."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _update(log_likelihoods):
    top = log_likelihoods.max()
    likelihoods = np.exp(log_likelihoods - top)
    return likelihoods / likelihoods.sum(), top + np.log(likelihoods.mean())


def _update_cases(rng):
    return [(rng.normal(size=6),), (-2000 + 3 * rng.normal(size=9),)]


def _with(log_cost):
    """The right weights, with another estimate of log p(y_t | past)."""
    return lambda log_likelihoods: (_update(log_likelihoods)[0], log_cost(log_likelihoods))


def _unshifted(log_likelihoods):
    likelihoods = np.exp(log_likelihoods)
    return likelihoods / likelihoods.sum(), np.log(likelihoods.mean())


UPDATE = Task(
    "2.2.2b-a",
    "measurement_update(log_likelihoods), with shape (I,), returning (alpha, log p(y_t | past)), shapes (I,) and ()",
    _update,
    _update_cases,
    (
        Mistake(
            "did not shift",
            _unshifted,
            "exp(-2000) is zero, and zero over zero is no number. Take the largest logarithm away before the "
            "exponential, and add it back to the logarithm of the likelihood.",
        ),
        Mistake(
            "summed instead of averaging",
            _with(lambda logs: logs.max() + np.log(np.exp(logs - logs.max()).sum())),
            "The weights are right. The likelihood has lost the prior weights 1/I: it is the average of "
            "p(y_t | x_t), not the sum.",
        ),
        Mistake(
            "did not add the shift back",
            _with(lambda logs: np.log(np.exp(logs - logs.max()).mean())),
            "The weights are right, since the shift cancels in them. In the likelihood it does not: add it back.",
        ),
        Mistake(
            "averaged the logarithms",
            _with(lambda logs: logs.mean()),
            "The average of logarithms is not the logarithm of the average. It is the average likelihood that is "
            "unbiased.",
        ),
    ),
)


def _systematic(weights, u):
    I = len(weights)
    return np.searchsorted(np.cumsum(weights), (np.arange(I) + u) / I, side="right")


def _systematic_cases(rng):
    return [(rng.dirichlet(np.full(I, 0.5)), rng.random()) for I in (5, 8, 13)]


SYSTEMATIC = Task(
    "2.2.2b-b",
    "systematic(weights, u), with shape (I,) and a number in [0, 1), returning I indices",
    _systematic,
    _systematic_cases,
    (
        Mistake(
            "looked up in the weights",
            lambda weights, u: np.searchsorted(weights, (np.arange(len(weights)) + u) / len(weights), side="right"),
            "You looked the places up among the weights. Side i owns an interval of length w_i: its ends are the "
            "cumulative sums.",
        ),
        Mistake(
            "did not divide by I",
            lambda weights, u: np.searchsorted(np.cumsum(weights), np.arange(len(weights)) + u, side="right"),
            "The places must lie in the unit interval, 1/I apart: (0 + u)/I, (1 + u)/I, ...",
        ),
        Mistake(
            "did not divide the offset",
            lambda weights, u: _systematic(weights, u * len(weights)),
            "The offset is a share of one slice. Divide it by I too, or the last places leave the unit interval.",
        ),
        Mistake(
            "off by one",
            lambda weights, u: _systematic(weights, u) + 1,
            "Every index is one too large: a place below the first cumulative sum belongs to side 0.",
        ),
        Mistake(
            "returned counts",
            lambda weights, u: np.bincount(_systematic(weights, u), minlength=len(weights)),
            "These are the numbers of copies. Return the index of the particle that each new one copies.",
        ),
    ),
)


def _backward(beta, alpha, moves):
    pair = alpha * moves
    return beta @ (pair / pair.sum(1, keepdims=True))


def _backward_cases(rng):
    return [(rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n)), rng.random((n, n))) for n in (4, 7)]


def _normalised(weights):
    return weights / weights.sum()


BACKWARD = Task(
    "2.2.2b-c",
    "backward_step(beta, alpha, moves), with shapes (I,), (I,), (I, I), returning the earlier beta, shape (I,)",
    _backward,
    _backward_cases,
    (
        Mistake(
            "did not divide by the prediction",
            lambda beta, alpha, moves: _normalised(alpha * (beta @ moves)),
            "Each row of the pairs must be divided by its own sum before beta averages them (Eq. 2.60). "
            "Normalising at the end is not the same.",
        ),
        Mistake(
            "left the filter out",
            lambda beta, alpha, moves: _backward(beta, np.ones_like(alpha), moves),
            "Where is alpha? It is the prior with which the transition is turned round.",
        ),
        Mistake(
            "swapped before and after",
            lambda beta, alpha, moves: _backward(beta, alpha, moves.T),
            "moves[k, j] is the density of going to particle k from particle j. You used it the other way round.",
        ),
        Mistake(
            "summed over the wrong axis",
            lambda beta, alpha, moves: beta @ (alpha * moves / (alpha * moves).sum(0)),
            "For each particle k of the later time the weights of the earlier ones j sum to one: sum over j, axis 1.",
        ),
        Mistake(
            "used the filter for beta",
            lambda beta, alpha, moves: _backward(alpha, alpha, moves),
            "The average over the later particles takes the later smoother's weights, beta.",
        ),
    ),
)



def _volatility(h, y, mu, phi, sigma, eta):
    return _weighed(_pushed(h, mu, phi, sigma, eta), y)


def _pushed(h, mu, phi, sigma, eta):
    return mu + phi * (h - mu) + sigma * eta


def _weighed(h, y):
    return h, -0.5 * (np.log(2 * np.pi) + h + y**2 * np.exp(-h))


def _volatility_cases(rng):
    return [(1.0 + rng.normal(size=n), rng.normal(), 1.0, 0.9, 0.4, rng.normal(size=n)) for n in (5, 8)]


VOLATILITY = Task(
    "2.2.2b-f",
    "volatility_step(h, y, mu, phi, sigma, eta), with h and eta of shape (I,), returning (h, log_likelihoods), "
    "both of shape (I,)",
    _volatility,
    _volatility_cases,
    (
        Mistake(
            "weighed the old particles",
            lambda h, y, mu, phi, sigma, eta: (_pushed(h, mu, phi, sigma, eta), _weighed(h, y)[1]),
            "Today's return is drawn with today's volatility. Weigh the particles after they have moved.",
        ),
        Mistake(
            "took the variance for the deviation",
            lambda h, y, mu, phi, sigma, eta: (
                _pushed(h, mu, phi, sigma, eta),
                _weighed(2 * _pushed(h, mu, phi, sigma, eta), y)[1],
            ),
            "exp(h) is the variance of the return. Its standard deviation is exp(h / 2).",
        ),
        Mistake(
            "left out the normalising factor",
            lambda h, y, mu, phi, sigma, eta: (
                _pushed(h, mu, phi, sigma, eta),
                -0.5 * y**2 * np.exp(-_pushed(h, mu, phi, sigma, eta)),
            ),
            "Only the exponent is there. A Gaussian with a larger variance is also lower: its factor "
            "1 / sqrt(2 pi exp(h)) depends on the particle, and without it the largest h always wins.",
        ),
        Mistake(
            "pulled towards zero",
            lambda h, y, mu, phi, sigma, eta: _weighed(phi * h + sigma * eta, y),
            "It is the deviation from mu that shrinks by the factor phi, not h itself.",
        ),
        Mistake(
            "added the level twice",
            lambda h, y, mu, phi, sigma, eta: _weighed(mu + phi * h + sigma * eta, y),
            "mu + phi h has its level at mu / (1 - phi). Subtract mu before you multiply by phi.",
        ),
    ),
)

TASKS = (UPDATE, SYSTEMATIC, BACKWARD, VOLATILITY)
