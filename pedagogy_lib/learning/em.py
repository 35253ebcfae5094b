"""Expectation-maximization (EM), for any model that has the two verbs.

EM descends the joint relative entropy of a recognition distribution and a generative model
(Eq. 6.5) in two coordinates, one at a time: the E step moves the recognition distribution, the
M step the parameters. This module knows no model. It is handed one: a module, or any object, with

    ``expected_statistics(params, y)``   the E step; the result has a field ``loss``
    ``maximize(statistics)``             the M step

A model with ``Options`` (a prior, a shared covariance, controls) takes them as one more argument of
both; `fit` hands them on.

The loss is the marginal cross entropy of ``params`` (the bound, once the E step has made it
tight), so it can never rise.

References
----------
Section 6.3.1, Eqs. 6.5 and 6.6; chapter 7, "EM algorithm under exact inference".
"""

import warnings
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks

#: A rise of the loss up to this size, relative to the largest loss so far, is put down to rounding.
ROUNDING = 1e-10


class Expectation(NamedTuple):
    """An E step was taken: the bound is tight at these parameters.

    iteration : int, from 0
    params : the model's parameters, not changed by this step
    statistics : what the model's ``expected_statistics`` returned
    loss : float, nats per observation (K-means: mean squared distance)
    """

    iteration: int
    params: Any
    statistics: Any
    loss: float


class Maximization(NamedTuple):
    """An M step was taken: the parameters moved.

    iteration : int, that of the E step before it
    params : the new parameters
    """

    iteration: int
    params: Any


class Fit(NamedTuple):
    """Where EM came to rest.

    params : the parameters
    losses : ndarray, shape (iterations + 1,), the loss after each E step, never rising
    converged : bool, whether the last fall of the loss was within the tolerance
    """

    params: Any
    losses: np.ndarray
    converged: bool


class LossRoseError(RuntimeError):
    """The loss rose, which EM cannot do: the model's E and M step do not belong together."""


def iterate(model, params, y, options=None):
    """Run EM one half-step at a time, without end.

    Parameters
    ----------
    model : module or object
        Has ``expected_statistics`` and ``maximize``.
    params
        Where to start, in the form that the model takes.
    y
        The data, in the form that the model takes.
    options : optional
        The model's ``Options``; its own defaults if not given.

    Yields
    ------
    Expectation and Maximization, in turn

    Raises
    ------
    LossRoseError
        If the loss rises from one E step to the next, by more than rounding.
    """
    iteration, previous, largest = 0, np.inf, 0.0
    asked = () if options is None else (options,)
    while True:
        statistics = model.expected_statistics(params, y, *asked)
        loss = float(statistics.loss)
        largest = max(largest, abs(loss))
        if not loss <= previous + ROUNDING * largest:
            raise _rose(previous, loss, iteration)
        yield Expectation(iteration, params, statistics, loss)
        params = model.maximize(statistics, *asked)
        yield Maximization(iteration, params)
        iteration, previous = iteration + 1, loss


def _rose(previous, loss, iteration):
    return LossRoseError(
        f"loss: expected at most {previous:.10g}, the loss before, got {loss:.10g} at iteration {iteration}; "
        "check that maximize minimizes the joint cross entropy of expected_statistics, and that no class has "
        "shrunk to a point, where only rounding is left"
    )


def fit(model, params, y, *, options=None, tolerance=1e-8, max_iterations=1000):
    """Run EM until the loss has stopped falling.

    Parameters
    ----------
    model, params, y, options
        As for `iterate`.
    tolerance : float
        Stop when an iteration lowers the loss by no more than this, in nats; or, where all losses
        are smaller than one, by no more than this share of the largest. A share, because the loss of
        K-means is in the squared units of the data, and may be tiny from the start.
    max_iterations : int
        Stop after this many M steps in any case, with a warning.

    Returns
    -------
    Fit

    Raises
    ------
    LossRoseError
        As for `iterate`.
    ValueError
        As the model's own functions do: when a class has lost all its data, for example.
    """
    checks.model("model", model, "expected_statistics", "maximize")
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    max_iterations = checks.count("max_iterations", max_iterations, minimum=0)
    losses = []
    for event in iterate(model, params, y, options):
        if isinstance(event, Maximization):
            continue
        losses.append(event.loss)
        small = tolerance * min(1.0, np.abs(losses).max())
        if len(losses) > 1 and losses[-2] - losses[-1] <= small:
            return Fit(event.params, np.array(losses), True)
        if event.iteration >= max_iterations:
            warnings.warn(
                f"EM stopped after {max_iterations} iterations; the loss was still falling", stacklevel=2
            )
            return Fit(event.params, np.array(losses), False)


def fit_best(model, starts, y, *, options=None, tolerance=1e-8, max_iterations=1000):
    """Run EM from several starts, and keep the fit with the lowest loss.

    Parameters
    ----------
    model, y, options, tolerance, max_iterations
        As for `fit`.
    starts : iterable of parameters

    Returns
    -------
    best : Fit
    losses : ndarray, one final loss for each start, NaN where that start failed

    Raises
    ------
    ValueError
        If there is no start, or every start failed; the message of the last failure is included.
    """
    checks.model("model", model, "expected_statistics", "maximize")
    best, losses, failure = None, [], "no start was given"
    for params in checks.several("starts", starts):
        try:
            result = fit(model, params, y, options=options, tolerance=tolerance, max_iterations=max_iterations)
        except ValueError as error:   # a collapsed or empty class: another start may do better
            failure = error
            losses.append(np.nan)
            continue
        losses.append(result.losses[-1])
        if best is None or result.losses[-1] < best.losses[-1]:
            best = result
    if best is None:
        raise ValueError(f"starts: expected one start at least that EM can finish, got {len(losses)}: {failure}")
    return best, np.array(losses)

