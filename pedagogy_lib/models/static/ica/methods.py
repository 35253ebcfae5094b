"""Three ways to learn the unmixing, each a stream of steps.

Every step multiplies: D <- (I + step) D, so that it is the same however the sources were mixed. `natural_gradient`
and `quasi_newton` descend the loss; `fastica` stays among the rotations of white data, and descends none.

In all functions ``params`` are `Parameters`, ``y`` is array_like of shape (N, K), and ``source`` is a source density.

References
----------
Section 5.2.1; each method names its own.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.sources import LOGISTIC
from pedagogy_lib.learning import relative
from pedagogy_lib.learning.unmixing import whiten
from pedagogy_lib.models.static.ica import _passes
from pedagogy_lib.models.static.ica.model import Parameters, _checked_pair, _log_marginal, _unmix

EPS = np.finfo(float).eps


class Step(NamedTuple):
    """The unmixing was moved.

    iteration : int, from 0
    params : Parameters, after the step
    loss : float, before the step, nats per observation; NaN in `fastica`, which descends none
    excess : float, before the step: the largest entry of the relative gradient, zero at a minimum
        (`fastica`: one less the smallest cosine between a new row and the old one)
    """

    iteration: int
    params: Parameters
    loss: float
    excess: float


def natural_gradient(params, y, source=LOGISTIC, rate=0.5):
    """Descend along the natural gradient, one step at a time, without end.

    Parameters
    ----------
    params : Parameters
        The mean stays as it is.
    y, source
    rate : float, above zero

    Yields
    ------
    Step

    References
    ----------
    S. Amari, A. Cichocki and H.H. Yang (1996); J.-F. Cardoso and B. Laheld (1996), who call it the
    relative gradient.
    """
    params, y = _checked_pair(params, y)
    checks.squarable("y", y), checks.squarable("params.mean", params.mean)
    rate, iteration = checks.number("rate", rate, above=0), 0
    while True:
        x = _unmix(params, y)
        G = relative.gradient(source.derivative(x), x)
        cost = float(-_log_marginal(params, x, source).mean())
        params = params._replace(unmixing=params.unmixing - rate * G @ params.unmixing)
        yield Step(iteration, params, cost, float(np.abs(G).max()))
        iteration += 1


def quasi_newton(params, y, source=LOGISTIC):
    """Descend by Newton's method, with the Hessian that independent outputs would have.

    Parameters
    ----------
    params : Parameters
        The mean stays as it is.
    y, source

    Yields
    ------
    Step
        Until rounding lets no step lower the loss any more.

    References
    ----------
    P. Ablin, J.-F. Cardoso and A. Gramfort (2018), "Faster independent component analysis by
    preconditioning with Hessian approximations".
    """
    params, y = _checked_pair(params, y)
    x, iteration = _unmix(params, y), 0
    cost = float(-_log_marginal(params, x, source).mean())
    while True:
        slopes = source.derivative(x)
        G = relative.gradient(slopes, x)
        direction = relative.newton_direction(G, source.curvature(x), slopes, x)
        if abs(np.vdot(G, direction)) <= EPS * abs(cost):   # what is left to gain is below the loss's rounding
            return
        moved = _shorter_until_lower(params, x, source, direction, cost)
        if moved is None:                                   # uphill only: no better than rounding
            return
        before, (params, x, cost) = cost, moved
        yield Step(iteration, params, before, float(np.abs(G).max()))
        iteration += 1


def _shorter_until_lower(params, x, source, direction, cost):
    """Halve a step until the loss falls: the new parameters, their outputs and their loss."""
    for halving in range(20):
        factor = np.eye(len(direction)) + 0.5**halving * direction
        moved, outputs = params._replace(unmixing=factor @ params.unmixing), x @ factor.T
        lower = float(-_log_marginal(moved, outputs, source).mean())
        if lower < cost:
            return moved, outputs, lower
    return None


def fastica(params, y, source=LOGISTIC):
    """Turn white data until the outputs are independent: Newton's method among the rotations.

    Parameters
    ----------
    params : Parameters
        Only the rotation counts that is nearest to them on the white data.
    y : array_like, shape (N, K)
    source : source density
        Its derivative is the nonlinearity. It only has to be *some* density that is not Gaussian,
        because the sign of each curvature is found from the data; tanh, the usual choice, is that of
        `pedagogy_lib.distributions.sources.SECH`.

    Yields
    ------
    Step
        Outputs are uncorrelated and of variance one after each. The loss is NaN.

    References
    ----------
    A. Hyvarinen (1999), "Fast and robust fixed-point algorithms for independent component analysis".
    """
    params, y = _checked_pair(params, y)
    V, m = whiten(y)
    white = (y - m) @ V.T
    W, iteration = relative.nearest_rotation(params.unmixing @ np.linalg.inv(V)), 0
    while True:
        # <E'(x) v'> and <E''(x)>, where v is a white datum and x = W v
        cross, curvatures = _passes.moments(source, white, W)
        moved = cross - curvatures[:, None] * W
        previous, W = W, relative.nearest_rotation(moved)
        change = 1 - np.abs((previous * W).sum(1)).min()
        yield Step(iteration, Parameters(W @ V, m), np.nan, float(change))
        iteration += 1
