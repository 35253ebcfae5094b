"""What the searches lower: the energy of the joint, its slopes, and how far above its minimum it is.

Here and in the searches ``params`` is any NamedTuple with the fields ``dictionary``, ``precision`` and
``prior``, such as `pedagogy_lib.models.static.sparse_coding.Parameters`. The functions of this file
trust their arguments, `checked` and the two after it excepted.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.heavy_tailed import Cauchy, HyperbolicCosine, Laplace


class Step(NamedTuple):
    """One step of a search for the modes.

    iteration : int, from 0, the start
    codes : ndarray, shape (N, K)
    energies : ndarray, shape (N,), of the joint (`energy`)
    excess : ndarray, shape (N,), how far the energies are above their minima, divided by
        1 + lambda/2 ||y||^2. Under a `Laplace` prior it is a bound, the duality gap; otherwise it
        is Newton's estimate. It is that before a step of Newton's or a jump of coordinate
        descent, which leave less. Infinite at the start.
    """

    iteration: int
    codes: np.ndarray
    energies: np.ndarray
    excess: np.ndarray


def energy(params, x, y):
    C, precision, prior = params
    misfit = ((y - x @ C.T) ** 2).sum(1)
    return 0.5 * precision * misfit + prior.energy(x).sum(1)


def gradient(params, x, y):
    C, precision, prior = params
    return precision * (x @ C.T - y) @ C + prior.derivative(x)


def duality_gap(params, x, y):
    """How far the energy is above its minimum at most, under a Laplace prior, relative to `scale`.

    The energy is at least lambda (u'y - u'u / 2), for every u with lambda |c_k'u| <= alpha_k: the
    dual problem. The residual, shrunk until it fits, is such a u, and at the minimum it is the best.
    """
    C, precision, prior = params
    residual = y - x @ C.T
    pull = precision * np.abs(residual @ C)
    room = np.divide(prior.rates, pull, out=np.full_like(pull, np.inf), where=pull > 0)
    shrunk = np.minimum(1.0, room.min(1))[:, None] * residual
    below = precision * ((shrunk * y).sum(1) - 0.5 * (shrunk**2).sum(1))
    return (energy(params, x, y) - below) / scale(params, y)


def scale(params, y):
    """What an excess of energy is compared with: the energy of a code of zeros, and one nat."""
    return 1 + 0.5 * params.precision * (y**2).sum(1)


def not_converged(n, tolerance, limit):
    return (
        f"max_iterations: expected codes within {tolerance:g} of the lowest energy, got code {n} still above "
        f"after {limit}; raise max_iterations or tolerance"
    )


def diagonals(rows):
    """A diagonal matrix for each row."""
    return rows[..., None] * np.eye(rows.shape[-1])


def smooth(params):
    """The same parameters, if their prior has a curvature."""
    if not hasattr(params.prior, "curvature"):
        raise ValueError(
            f"params.prior: expected a smooth prior, got {type(params.prior).__name__}; use prior.smooth(sharpness)"
        )
    return params


def checked(params):
    """The same problem, its fields checked against each other."""
    checks.having("params", params, "dictionary", "precision", "prior")
    dictionary = checks.array("params.dictionary", params.dictionary, ("D", "K"))
    if 0 in dictionary.shape:
        raise ValueError(f"params.dictionary: expected one row and one column at least, got {dictionary.shape}")
    precision = checks.number("params.precision", params.precision, above=0)
    prior = params.prior
    if not isinstance(prior, (Laplace, Cauchy, HyperbolicCosine)):
        raise ValueError(f"params.prior: expected Laplace, Cauchy or HyperbolicCosine, got {prior!r}")
    for name, value in prior._asdict().items():
        given, K = checks.array(f"params.prior.{name}", value), dictionary.shape[1]
        shapes = ((),) if name == "sharpness" else ((), (K,))
        if given.shape not in shapes or (given <= 0).any():
            expected = "a number above 0" + (f", or {K} of them" if len(shapes) > 1 else "")
            raise ValueError(f"params.prior.{name}: expected {expected}, got {value!r}")
    return params._replace(dictionary=dictionary, precision=precision)


def checked_pair(params, x, y, name="x"):
    params = checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    return params, checks.array(name, x, (len(y), params.dictionary.shape[1])), y


def checked_start(params, y, start):
    params = checked(params)
    y = checks.squarable("y", checks.observations("y", y, len(params.dictionary)))
    checks.squarable("params.dictionary", params.dictionary)
    shape = len(y), params.dictionary.shape[1]
    return params, y, np.zeros(shape) if start is None else checks.array("start", start, shape)
