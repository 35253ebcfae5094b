"""Learning to the end: by one of the `methods` under one density, or with a density chosen for each source.

In all functions ``params`` are `Parameters`, ``y`` is array_like of shape (N, K), and ``source`` is a source density.
"""

from itertools import islice
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.sources import LOGISTIC, TWO_BELLS, Several
from pedagogy_lib.learning import relative
from pedagogy_lib.models.static.ica.methods import fastica, quasi_newton
from pedagogy_lib.models.static.ica.model import Parameters, _checked_pair, _unmix


class Fit(NamedTuple):
    """Where learning came to rest.

    params : Parameters
    losses : ndarray, one for each step, before it
    converged : bool
    """

    params: Parameters
    losses: np.ndarray
    converged: bool


def iterate(params, y, method=quasi_newton, source=LOGISTIC):
    """Learn one step at a time, by the method that is given.

    Parameters
    ----------
    params, y, source
    method : generator function
        `quasi_newton`, `natural_gradient` or `fastica`.

    Yields
    ------
    Step
    """
    return method(params, y, source)


def fit(params, y, *, method=quasi_newton, source=LOGISTIC, tolerance=1e-7, max_iterations=1000):
    """Learn until the steps of a method leave nothing to gain.

    Parameters
    ----------
    params, y, source
    method : generator function
        As for `iterate`.
    tolerance : float
        Stop when the ``excess`` of a step is no larger.
    max_iterations : int

    Returns
    -------
    Fit
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    limit = checks.count("max_iterations", max_iterations)
    params, y = _checked_pair(params, y)
    losses, excess = [], np.inf
    for step in islice(iterate(params, y, method, source), limit):
        params, excess = step.params, step.excess
        losses.append(step.loss)
        if not np.isfinite(params.unmixing).all():
            raise FloatingPointError(
                f"unmixing: expected finite numbers, got others at iteration {step.iteration}; try a smaller rate"
            )
        if excess <= tolerance:
            break
    else:
        excess = _excess(params, y, source) if method is quasi_newton else excess
    return Fit(params, np.array(losses), excess <= tolerance)


def _excess(params, y, source):
    """The largest entry of the relative gradient."""
    x = _unmix(params, y)
    return float(np.abs(relative.gradient(source.derivative(x), x)).max())


def adapt(params, y, candidates=(LOGISTIC, TWO_BELLS)):
    """Give every source the density, of some candidates, under which its output is most probable.

    Each output is first brought to the scale that suits a candidate best, and then the candidates are
    compared. So the loss under what is returned is at most that under any other choice among them.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, K)
    candidates : tuple of source densities

    Returns
    -------
    Parameters
        With every row of the unmixing rescaled.
    pedagogy_lib.distributions.sources.Several

    References
    ----------
    The same purpose as the sign of extended InfoMax: T.-W. Lee, M. Girolami and T.J. Sejnowski (1999).
    """
    params, y = _checked_pair(params, y)
    x, K = _unmix(params, y), len(params.mean)
    scales, costs = np.empty((2, len(candidates), K))
    for c, candidate in enumerate(candidates):
        scales[c] = relative.best_scales(x, candidate)
        costs[c] = candidate.energy(x * scales[c]).mean(0) + candidate.log_normalizer() - np.log(scales[c])
    chosen = costs.argmin(0)
    unmixing = scales[chosen, np.arange(K)][:, None] * params.unmixing
    return params._replace(unmixing=unmixing), Several(tuple(candidates[c] for c in chosen))


def fit_adapted(params, y, *, candidates=(LOGISTIC, TWO_BELLS), rounds=10):
    """Learn, adapt the densities, and learn again, until no source changes its density.

    Parameters
    ----------
    params, y
    candidates : tuple of source densities
    rounds : int, at most

    Returns
    -------
    Fit
    pedagogy_lib.distributions.sources.Several
    """
    found, source = fit(params, y, method=fastica, tolerance=1e-4), None
    for _ in range(checks.count("rounds", rounds)):
        params, adapted = adapt(found.params, y, candidates)
        if adapted == source:
            break
        source = adapted
        found = fit(params, y, source=source)
    return found, source
