"""The compiled filter: when it can run, what it fills, and what its complaints mean.

What is here trusts its callers, `passes.filter` and `passes.moments`, and draws the same numbers as `updates.steps`.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks, kernels
from pedagogy_lib.inference.particles._arguments import checked_data
from pedagogy_lib.inference.particles.models import example
from pedagogy_lib.inference.particles.resampling import RESAMPLING


class Run(NamedTuple):
    """What the compiled filter fills."""

    particles: np.ndarray
    weights: np.ndarray
    ancestors: np.ndarray
    moments: np.ndarray
    log_likelihoods: np.ndarray
    sizes: np.ndarray
    resampled: np.ndarray


def run(model, y, n, rng, resampling, threshold, guide, backend, keep):
    """The compiled filter's findings, or None where the reference shall run."""
    compiled = kernels.choose("particles", backend)
    reason = why_not(model, resampling, guide, y)
    if compiled is None or reason:
        if backend == "numba":
            raise ValueError(f'backend: "numba" needs {reason}')
        return None
    y = checked_data(y)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    threshold = checks.number("threshold", threshold, at_least=0)
    state, datum = example(model.one, rng), tuple(y[0].tolist()) if y.shape[1] > 1 else 0.0
    T, K, kept = len(y), np.size(state), len(y) if keep else 0
    filled = Run(
        np.empty((kept, n, K)), np.empty((kept, n)), np.empty((kept, n), np.int64), np.empty((2, T, K)),
        np.empty(T), np.empty(T), np.zeros(T, bool),
    )
    seen = ~np.isnan(y).all(axis=1)
    outcome = compiled.attempt(
        compiled.run, model.one[:3],
        (state, datum, y.T, seen, n, rng, compiled.METHODS[resampling], threshold, *filled),
        required=backend == "numba",
    )
    if outcome is None:
        return None
    wrong, t = outcome[0]
    if wrong:
        raise ValueError({
            compiled.NOT_FINITE: f"model: expected {n} rows of finite numbers for the states at t={t}, got others",
            compiled.NO_DENSITY: f"model.log_emission: expected {n} numbers below infinity at t={t}, got others",
            compiled.IMPOSSIBLE: f"y: expected data that some particle can emit, got none at time step t={t}",
        }[wrong])
    return filled


def why_not(model, resampling, guide, y):
    """What the compiled filter lacks, or an empty string."""
    checks.having("model", model, "initial", "move", "log_emission", "one")
    checks.option("resampling", resampling, RESAMPLING)
    if model.one is None:
        return "a model made by particles.each, got one of functions of many states"
    if guide is not None:
        return "no guide, got one"
    if resampling not in ("systematic", "stratified"):
        return f'resampling "systematic" or "stratified", got "{resampling}"'
    return "" if len(y) else "at least one time step in y, got none"
