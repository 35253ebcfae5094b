"""The mathematics: a time update that draws, a measurement update that weighs, in turn along the sequence.

In all functions ``model`` is a `Model`, ``y`` is array_like of shape (T, L) in which a row of NaN is missing (a row
with some numbers goes to ``log_emission`` as it is, NaN and all), ``n`` is N, the number of particles, and ``rng`` is
a numpy.random.Generator.

References
----------
Section 2.2.2, "Sampling-based approaches", Eqs. 2.57-2.59.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.inference.particles._arguments import checked_data, log_densities_at, states_at
from pedagogy_lib.inference.particles.resampling import RESAMPLING, effective_size, resample
from pedagogy_lib.inference.particles.results import MeasurementUpdate, TimeUpdate


class Guide(NamedTuple):
    """A proposal that looks at the datum before it moves.

    initial : callable of (y, n, rng), draws x_0 and gives log p(x_0) - log q(x_0 | y_0)
    move : callable of (x, y, t, rng), draws x_{t+1} and gives
        log p(x_{t+1} | x_t) - log q(x_{t+1} | x_t, y_{t+1})
    """

    initial: Callable
    move: Callable


def steps(model, y, n, rng, resampling="systematic", threshold=1.0, guide=None):
    """Filter one half-update at a time.

    Parameters
    ----------
    model, y, n, rng
    resampling : {"systematic", "stratified", "residual", "multinomial"}
        The textbook's filter is ``"multinomial"``.
    threshold : float
        Resample before a move if the effective sample size is below this share of N; at 1 always,
        which is the textbook's filter, at 0 never.
    guide : Guide, optional
        Without it the particles move by the model alone (the bootstrap filter).

    Yields
    ------
    TimeUpdate and MeasurementUpdate, in turn
        The first time update is the draw from p(x_1).

    Raises
    ------
    ValueError
        If a function of the model returns the wrong shape or NaN, or no particle can have emitted
        y_t; with the time step.

    References
    ----------
    Eqs. 2.57-2.59.
    """
    y = checked_data(y)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    checks.option("resampling", resampling, RESAMPLING)
    threshold = checks.number("threshold", threshold, at_least=0)
    checks.having("model", model, "initial", "move", "log_emission")
    x, log_weights = None, np.full(n, -np.log(n))
    for t, datum in enumerate(y):
        missing = np.isnan(datum).all()
        resampled, ancestors = False, np.arange(n)
        weights = np.exp(log_weights)
        if t > 0 and (threshold >= 1 or effective_size(weights) < threshold * n):
            resampled, ancestors = True, resample(weights, n, rng, resampling)
            log_weights = np.full(n, -np.log(n))              # Eq. 2.58
        gained = 0.0
        if guide is None or missing:
            x = (model.initial(n, rng) if t == 0
                 else model.move(x[ancestors], t - 1, rng))   # Eq. 2.57
        else:
            x, gained = (guide.initial(datum, n, rng) if t == 0
                         else guide.move(x[ancestors], datum, t - 1, rng))
        x = states_at(x, n, t)
        yield TimeUpdate(t, x, np.exp(log_weights), ancestors, resampled)
        log_likelihood = 0.0
        if not missing:
            emitted = log_densities_at(model.log_emission(x, datum, t), n, t)
            log_joint = log_weights + gained + emitted
            log_likelihood = float(logsumexp(log_joint))
            if log_likelihood == -np.inf:
                raise ValueError("y: expected data that some particle can emit, "
                                 f"got none at time step t={t}")
            log_weights = log_joint - log_likelihood          # Eq. 2.59
        yield MeasurementUpdate(t, x, np.exp(log_weights), log_likelihood)
