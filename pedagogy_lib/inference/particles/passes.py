"""Filter a whole sequence: by `updates.steps`, or by the same loop compiled (`_compiled`).

In all functions ``model`` is a `Model`, ``y`` is array_like of shape (T, L) in which a row of NaN is missing (a row
with some numbers goes to ``log_emission`` as it is, NaN and all), ``n`` is N, the number of particles, and ``rng`` is
a numpy.random.Generator.
"""

import numpy as np

from pedagogy_lib.inference.particles import _compiled
from pedagogy_lib.inference.particles.resampling import effective_size
from pedagogy_lib.inference.particles.results import Filtered, Moments, TimeUpdate
from pedagogy_lib.inference.particles.updates import steps


def filter(model, y, n, rng, resampling="systematic", threshold=1.0, guide=None, backend="auto"):
    """Filter a sequence with N particles, and keep all of them.

    Parameters
    ----------
    model, y, n, rng, resampling, threshold, guide
        As for `steps`.
    backend : {"auto", "numba", "numpy"}
        A model made by `each` can be compiled. ``"auto"`` does so where numba is installed, can
        compile it, there is no guide, and the resampling is systematic or stratified; otherwise it
        takes `steps`. Both draw the same numbers. ``"numba"`` insists, and says why not.

    Returns
    -------
    Filtered
    """
    compiled = _compiled.run(model, y, n, rng, resampling, threshold, guide, backend, keep=True)
    if compiled:
        return Filtered(*compiled[:3], compiled.log_likelihoods, compiled.resampled)
    moves, looks = [], []
    for event in steps(model, y, n, rng, resampling, threshold, guide):
        (moves if isinstance(event, TimeUpdate) else looks).append(event)
    if not moves:
        raise ValueError("y: expected at least one time step, got none")
    return Filtered(
        np.array([look.particles for look in looks]),
        np.array([look.weights for look in looks]),
        np.array([move.ancestors for move in moves]),
        np.array([look.log_likelihood for look in looks]),
        np.array([move.resampled for move in moves]),
    )


def moments(model, y, n, rng, resampling="systematic", threshold=1.0, guide=None, backend="auto"):
    """Filter a sequence with N particles, and keep only what the beliefs come to.

    Parameters
    ----------
    model, y, n, rng, resampling, threshold, guide, backend
        As for `filter`.

    Returns
    -------
    Moments
    """
    compiled = _compiled.run(model, y, n, rng, resampling, threshold, guide, backend, keep=False)
    if compiled:
        return Moments(*compiled.moments, compiled.log_likelihoods, compiled.sizes, compiled.resampled)
    found, resampled = [], []
    for event in steps(model, y, n, rng, resampling, threshold, guide):
        if isinstance(event, TimeUpdate):
            resampled.append(event.resampled)
            continue
        w, x = event.weights, event.particles
        found.append((w @ x, w @ (x - w @ x) ** 2, event.log_likelihood, effective_size(w)))
    if not found:
        raise ValueError("y: expected at least one time step, got none")
    return Moments(*(np.array(part) for part in zip(*found)), np.array(resampled))
