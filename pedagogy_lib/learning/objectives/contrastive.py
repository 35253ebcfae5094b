"""Contrastive learning of unnormalized models: gradients that do without the normalizer.

The loss -log p(y) has the gradient  <s> under the model less <s> under the data, where s = -dE/dparams (10.16). The
first average is dear. Three ways round it:

    ``divergence``           contrastive divergence: a few steps of the model's own chain, begun at the data
    ``persistent``           the same, but the chains go on from where they were left
    ``pseudo_likelihood``    another loss, whose parts have normalizers of two terms: each number given all others

The first two are estimates of the gradient, and biased: contrastive divergence because its chains have not yet
forgotten the data, the persistent one because its chains were begun under parameters that have changed since. `bias`
measures how much, where the exact gradient is to be had. Neither estimate is the gradient of a loss, so that
`optimization.run` does not serve; `iterate` goes downhill along them.

A ``model`` is anything that has, as `pedagogy_lib.models.undirected.harmonium` does,

    phase(params, y, weights)      the average of s over p(x|y) and the rows of y, of the structure of ``params``
    sweep(params, y, rng)          one step of a chain that leaves the model's p(y) as it is, for every row
    marginal_energy(params, y)     -log p(y), up to a constant: only for the pseudo-likelihood

``y`` has shape (N, D), a datum in each row. Parameters of float32 stay so: gradients, chains and steps have the type
that the model's ``phase`` and ``sweep`` give.

References
----------
Section 10.2.2, Eqs. 10.20-10.23. G. Hinton (2002); T. Tieleman (2008), persistent chains; J. Besag (1975),
pseudo-likelihood.
"""

from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.optimization.batches import minibatches
from pedagogy_lib.learning.optimization.schedules import rate_at


class Estimate(NamedTuple):
    """A gradient by samples.

    gradient : of the structure of the parameters
    chains : ndarray, a row for each chain: where they stand now
    """

    gradient: Any
    chains: np.ndarray


class Update(NamedTuple):
    """The parameters have taken a step.

    iteration : int, from 0
    params : the parameters after it
    gradient : the estimate before it
    chains : ndarray, where the chains stand
    """

    iteration: int
    params: Any
    gradient: Any
    chains: np.ndarray


class Bias(NamedTuple):
    """What is wrong with an estimate on average.

    difference : ndarray, shape (size,), the mean of the estimates less the exact gradient, as one vector
    errors : ndarray, shape (size,), the standard errors of that mean
    exact : ndarray, shape (size,)
    """

    difference: np.ndarray
    errors: np.ndarray
    exact: np.ndarray


def divergence(model, params, y, rng, steps=1):
    """Contrastive divergence: the statistics of the data after some steps of the chain, less those before.

    Parameters
    ----------
    steps : int
        n in p^n: more steps, less bias.
    rng : numpy.random.Generator

    Returns
    -------
    Estimate

    Notes
    -----
    The hidden layer's last draw is replaced by its mean, for both averages: the same expectation, and less noise.

    References
    ----------
    Eqs. 10.20 and 10.23, with the sign of a gradient, not of a step.
    """
    return persistent(model, params, y, y, rng, steps)


def persistent(model, params, y, chains, rng, steps=1):
    """The same with chains of their own, which this moves on by some steps.

    Parameters
    ----------
    chains : array_like, shape (M, D)
        Where the last call left them. At first: data, or draws.
    steps, rng
        As for `divergence`.

    Returns
    -------
    Estimate
        Give its ``chains`` to the next call.
    """
    steps, rng = checks.count("steps", steps), checks.generator("rng", rng)
    for _ in range(steps):
        chains = model.sweep(params, chains, rng)
    sleep, wake = (parameters.flatten(model.phase(params, rows)).vector for rows in (chains, y))
    return Estimate(parameters.view(sleep - wake, params), chains)


def iterate(model, params, y, rng, rate, steps=1, chains=None, batch_size=None):
    """Go downhill along contrastive divergence, or along the persistent estimate where there are chains.

    Parameters
    ----------
    rate : float or schedule
        What the gradient is multiplied by; a schedule such as `optimization.cosine` tells it for each iteration.
    steps, rng
        As for `divergence`.
    chains : array_like, shape (M, D), optional
        Where persistent chains begin. Without them every step begins at the data.
    batch_size : int, optional
        Of a random batch; without it every step sees all data.

    Yields
    ------
    Update
    """
    rate = rate if callable(rate) else checks.number("rate", rate, above=0)
    vector = parameters.flatten(params).vector
    batches = None if batch_size is None else minibatches(len(y), batch_size, rng)
    for iteration in count():
        rows = y if batches is None else y[next(batches)]
        estimate = persistent(model, params, rows, rows if chains is None else chains, rng, steps)
        step = rate_at(rate, iteration) * parameters.flatten(estimate.gradient).vector
        vector = vector - step.astype(vector.dtype, copy=False)     # a rate of NumPy's would make float32 float64
        params = parameters.view(vector, params)
        if chains is not None:
            chains = estimate.chains
        yield Update(iteration, params, *estimate)


def last(stream, iterations):
    """Take some steps of `iterate`, and return the last.

    Returns
    -------
    Update
    """
    *_, update = islice(checks.stream("stream", stream), checks.count("iterations", iterations))
    return update


def bias(estimate, exact, repeats, rng):
    """Measure how far an estimate is from the gradient on average.

    Parameters
    ----------
    estimate : callable
        Of a generator. Returns a gradient, such as ``lambda rng: divergence(model, params, y, rng).gradient``.
    exact : the gradient, of the same structure
    repeats : int, at least 2
    rng : numpy.random.Generator

    Returns
    -------
    Bias
    """
    checks.function("estimate", estimate)
    repeats, rng = checks.count("repeats", repeats, minimum=2), checks.generator("rng", rng)
    estimates = [estimate(rng) for _ in range(repeats)]
    parameters.check_same_shapes(exact, estimates[0], "exact")
    draws = np.stack([parameters.flatten(one).vector for one in estimates])
    exact = parameters.flatten(exact, "exact").vector
    if draws.shape[1:] != exact.shape:
        raise ValueError(f"exact: expected {draws.shape[1]} numbers, as many as the estimate has, got {exact.size}")
    return Bias(draws.mean(0) - exact, draws.std(0, ddof=1) / np.sqrt(repeats), exact)


def pseudo_likelihood(model, params, y):
    """The sum over d of -log p(y_d | all other numbers), averaged over data, and its gradient.

    Parameters
    ----------
    y : array_like, shape (N, D), zeros and ones

    Returns
    -------
    float, and a gradient of the structure of the parameters

    Notes
    -----
    Given all others, y_d is either what it is or the other way round: log p is minus softplus(F(y) - F(flipped y)), in
    which the normalizer has canceled. F is the marginal energy, and phase is minus its derivative.
    """
    checks.model("model", model, "marginal_energy", "phase")
    y = checks.array("y", y, ("N", "D"))
    if not ((y == 0) | (y == 1)).all():
        raise ValueError("y: expected zeros and ones, because each number is compared with its opposite")
    N, D = y.shape
    flipped = np.abs(y[:, None] - np.eye(D)).reshape(-1, D)  # row n D + d: datum n with number d turned over
    there = model.marginal_energy(params, flipped).reshape(N, D)
    excess = model.marginal_energy(params, y)[:, None] - there
    loss = np.logaddexp(0, excess).sum(1).mean()
    shares = expit(excess) / N                              # the derivative of softplus
    raised, lowered = model.phase(params, flipped, shares.ravel()), model.phase(params, y, shares.sum(1))
    slope = parameters.flatten(raised).vector - parameters.flatten(lowered).vector
    return float(loss), parameters.view(slope, params)
