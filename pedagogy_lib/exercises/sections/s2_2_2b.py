"""Exercises of section 2.2.2, sampling-based approaches: particle filtering and smoothing."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _update_cases(rng):
    return [(rng.normal(size=6),), (-2000 + 3 * rng.normal(size=9),)]


def _with(log_cost):
    """The right weights, with another estimate of log p(y_t | past)."""
    return lambda log_likelihoods: (measurement_update(log_likelihoods)[0], log_cost(log_likelihoods))


def _systematic_cases(rng):
    return [(rng.dirichlet(np.full(I, 0.5)), rng.random()) for I in (5, 8, 13)]


def _backward_cases(rng):
    return [(rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n)), rng.random((n, n))) for n in (4, 7)]


def _normalised(weights):
    return weights / weights.sum()


def _pushed(h, mu, phi, sigma, eta):
    return mu + phi * (h - mu) + sigma * eta


def _weighed(h, y):
    return h, -0.5 * (np.log(2 * np.pi) + h + y**2 * np.exp(-h))


def _volatility_cases(rng):
    return [(1.0 + rng.normal(size=n), rng.normal(), 1.0, 0.9, 0.4, rng.normal(size=n)) for n in (5, 8)]


def _update_edges():
    """One particle that explains everything; log likelihoods far apart."""
    return [(np.array([0.0, -2000.0, -5000.0]),), (np.array([1500.0, 1499.0]),)]


@task("2.2.2b-a", cases=_update_cases, edges=_update_edges, parts=("weights", "log cost"))
def measurement_update(log_likelihoods):
    """With shape (I,), returning (alpha, log p(y_t | past)), shapes (I,) and ()."""
    top = log_likelihoods.max()
    likelihoods = np.exp(log_likelihoods - top)
    return likelihoods / likelihoods.sum(), top + np.log(likelihoods.mean())


@measurement_update.mistake(
    "did not shift",
    "exp(-2000) is zero, and zero over zero is no number. Take the largest logarithm away before the "
    "exponential, and add it back to the logarithm of the likelihood.",
)
def _unshifted(log_likelihoods):
    likelihoods = np.exp(log_likelihoods)
    return likelihoods / likelihoods.sum(), np.log(likelihoods.mean())


@measurement_update.mistake(
    "summed instead of averaging",
    "The weights are right. The likelihood has lost the prior weights 1/I: it is the average of "
    "p(y_t | x_t), not the sum.",
)
def _(*case):
    return _with(lambda logs: logs.max() + np.log(np.exp(logs - logs.max()).sum()))(*case)


@measurement_update.mistake(
    "did not add the shift back",
    "The weights are right, since the shift cancels in them. In the likelihood it does not: add it back.",
)
def _(*case):
    return _with(lambda logs: np.log(np.exp(logs - logs.max()).mean()))(*case)


@measurement_update.mistake(
    "averaged the logarithms",
    "The average of logarithms is not the logarithm of the average. It is the average likelihood that is unbiased.",
)
def _(*case):
    return _with(lambda logs: logs.mean())(*case)


def _systematic_edges():
    # The first place is on the edge between two sides; the side that owns it has a weight.
    return [(np.array([0.0, 0.5, 0.5]), 0.0), (np.array([0.5, 0.5]), 0.0)]


@task("2.2.2b-b", cases=_systematic_cases, edges=_systematic_edges, stars=2)
def systematic(weights, u):
    """With shape (I,) and a number in [0, 1), returning I indices."""
    I = len(weights)
    return np.searchsorted(np.cumsum(weights), (np.arange(I) + u) / I, side="right")


@systematic.mistake(
    "looked up in the weights",
    "You looked the places up among the weights. Side i owns an interval of length w_i: its ends are the "
    "cumulative sums.",
)
def _(weights, u):
    return np.searchsorted(weights, (np.arange(len(weights)) + u) / len(weights), side="right")


@systematic.mistake(
    "did not divide by I",
    "The places must lie in the unit interval, 1/I apart: (0 + u)/I, (1 + u)/I, ...",
)
def _(weights, u):
    return np.searchsorted(np.cumsum(weights), np.arange(len(weights)) + u, side="right")


@systematic.mistake(
    "did not divide the offset",
    "The offset is a share of one slice. Divide it by I too, or the last places leave the unit interval.",
)
def _(weights, u):
    return systematic(weights, u * len(weights))


@systematic.mistake(
    "off by one",
    "Every index is one too large: a place below the first cumulative sum belongs to side 0.",
)
def _(weights, u):
    return systematic(weights, u) + 1


@systematic.mistake(
    "returned counts",
    "These are the numbers of copies. Return the index of the particle that each new one copies.",
)
def _(weights, u):
    return np.bincount(systematic(weights, u), minlength=len(weights))


@task("2.2.2b-c", cases=_backward_cases, stars=2)
def backward_step(beta, alpha, moves):
    """With shapes (I,), (I,), (I, I), returning the earlier beta, shape (I,)."""
    pair = alpha * moves
    return beta @ (pair / pair.sum(1, keepdims=True))


@backward_step.mistake(
    "did not divide by the prediction",
    "Each row of the pairs must be divided by its own sum before beta averages them (Eq. 2.60). "
    "Normalising at the end is not the same.",
)
def _(beta, alpha, moves):
    return _normalised(alpha * (beta @ moves))


@backward_step.mistake(
    "left the filter out",
    "Where is alpha? It is the prior with which the transition is turned round.",
)
def _(beta, alpha, moves):
    return backward_step(beta, np.ones_like(alpha), moves)


@backward_step.mistake(
    "swapped before and after",
    "moves[k, j] is the density of going to particle k from particle j. You used it the other way round.",
)
def _(beta, alpha, moves):
    return backward_step(beta, alpha, moves.T)


@backward_step.mistake(
    "summed over the wrong axis",
    "For each particle k of the later time the weights of the earlier ones j sum to one: sum over j, axis 1.",
)
def _(beta, alpha, moves):
    return beta @ (alpha * moves / (alpha * moves).sum(0))


@backward_step.mistake(
    "used the filter for beta",
    "The average over the later particles takes the later smoother's weights, beta.",
)
def _(beta, alpha, moves):
    return backward_step(alpha, alpha, moves)


@task("2.2.2b-f", cases=_volatility_cases, stars=2)
def volatility_step(h, y, mu, phi, sigma, eta):
    """With h and eta of shape (I,), returning (h, log_likelihoods), both of shape (I,)."""
    return _weighed(_pushed(h, mu, phi, sigma, eta), y)


@volatility_step.mistake(
    "weighed the old particles",
    "Today's return is drawn with today's volatility. Weigh the particles after they have moved.",
)
def _(h, y, mu, phi, sigma, eta):
    return (_pushed(h, mu, phi, sigma, eta), _weighed(h, y)[1])


@volatility_step.mistake(
    "took the variance for the deviation",
    "exp(h) is the variance of the return. Its standard deviation is exp(h / 2).",
)
def _(h, y, mu, phi, sigma, eta):
    return (
        _pushed(h, mu, phi, sigma, eta),
        _weighed(2 * _pushed(h, mu, phi, sigma, eta), y)[1],
    )


@volatility_step.mistake(
    "left out the normalising factor",
    "Only the exponent is there. A Gaussian with a larger variance is also lower: its factor "
    "1 / sqrt(2 pi exp(h)) depends on the particle, and without it the largest h always wins.",
)
def _(h, y, mu, phi, sigma, eta):
    return (
        _pushed(h, mu, phi, sigma, eta),
        -0.5 * y**2 * np.exp(-_pushed(h, mu, phi, sigma, eta)),
    )


@volatility_step.mistake(
    "pulled towards zero",
    "It is the deviation from mu that shrinks by the factor phi, not h itself.",
)
def _(h, y, mu, phi, sigma, eta):
    return _weighed(phi * h + sigma * eta, y)


@volatility_step.mistake(
    "added the level twice",
    "mu + phi h has its level at mu / (1 - phi). Subtract mu before you multiply by phi.",
)
def _(h, y, mu, phi, sigma, eta):
    return _weighed(mu + phi * h + sigma * eta, y)
