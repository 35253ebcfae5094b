"""Walks down a function of one vector: what chapter 4.1 reads.

Each method is a stream. It yields a `Step` for ever: where it stands, the loss and the gradient
there, and the step that it is about to take. `follow` goes along a stream until it is flat enough.

A stochastic method is the same method with ``batches``: then ``loss`` and ``gradient`` are called
with a batch beside the parameters, a new one in every iteration.

References
----------
Section 4.1.
"""

from itertools import count, repeat
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.optimization.errors import DivergedError
from pedagogy_lib.learning.optimization.methods import Adam, GradientDescent, Momentum
from pedagogy_lib.learning.optimization.schedules import rate_at


class Step(NamedTuple):
    """The method is at ``params`` and about to move by ``step``.

    iteration : int, from 0
    params : ndarray, shape (D,)
    loss : float, at params; of the batch, where there are batches
    gradient : ndarray, shape (D,), at params; of the batch, where there are batches
    step : ndarray, shape (D,); the next event's params are ``params + step``
    """

    iteration: int
    params: np.ndarray
    loss: float
    gradient: np.ndarray
    step: np.ndarray


class Walk(NamedTuple):
    """Where a method came to rest, and how it went there.

    params : ndarray, shape (D,)
    losses : ndarray, shape (iterations + 1,)
    path : ndarray, shape (iterations + 1, D)
    converged : bool, whether the gradient became as small as was asked for
    """

    params: np.ndarray
    losses: np.ndarray
    path: np.ndarray
    converged: bool


def gradient_descent(loss, gradient, start, rate, batches=None):
    """Step against the gradient, in proportion to it.

    Parameters
    ----------
    loss : callable
        Of the parameters; of (parameters, batch) where there are batches.
    gradient : callable
        Its derivative, shape (D,), of the same arguments.
    start : array_like, shape (D,)
    rate : float or callable
        The learning rate; or a function that gives it for each iteration, counted from 0. With
        batches only a rate that falls towards zero settles down: 1 / (iteration + 1), for example.
    batches : iterable, optional
        Makes it *stochastic* gradient descent. See `pedagogy_lib.learning.optimization.minibatches`.

    Yields
    ------
    Step

    Raises
    ------
    DivergedError
        At the iteration where the loss or the gradient is not finite.
    ValueError
        If ``start`` or ``rate`` is no number, or the gradient has another shape than the start.
    """
    return _walk(loss, gradient, start, GradientDescent(rate), batches)


def momentum(loss, gradient, start, rate, decay=0.9, batches=None):
    """Gradient descent with inertia: each step keeps a part of the one before it.

    Along a valley the steps add up; across it, where they alternate, they cancel.

    Parameters
    ----------
    loss, gradient, start, rate, batches
        As for `gradient_descent`.
    decay : float
        The part that is kept, at least 0 and below 1.

    Yields
    ------
    Step
    """
    return _walk(loss, gradient, start, Momentum(rate, decay), batches)


def adam(loss, gradient, start, rate=0.001, decay=0.9, square_decay=0.999, epsilon=1e-8, batches=None):
    """Momentum in which each parameter's step is divided by the size of its own gradients.

    Parameters
    ----------
    loss, gradient, start, rate, batches
        As for `gradient_descent`. The rate is about the length of a step, whatever the units of
        the loss.
    decay, square_decay : float
        Of the running averages of the gradient and of its square, at least 0 and below 1.
    epsilon : float
        Keeps the division finite.

    Yields
    ------
    Step
    """
    return _walk(loss, gradient, start, Adam(rate, decay, square_decay, epsilon), batches)


def newton(loss, gradient, hessian, start, rate=1.0):
    """The Newton-Raphson method: jump to where the quadratic that fits here is flat.

    It seeks a zero of the gradient, of whatever kind: where the Hessian has a negative eigenvalue
    it climbs in that direction.

    Parameters
    ----------
    loss, gradient, start, rate
        As for `gradient_descent`. A rate of 1 is the full jump, exact for a quadratic loss.
    hessian : callable
        The matrix of second derivatives, shape (D, D), of the parameters.

    Yields
    ------
    Step

    Raises
    ------
    DivergedError
        At the iteration where the loss, the gradient or the Hessian is not finite.
    numpy.linalg.LinAlgError
        At the iteration where the Hessian is singular.
    """
    return _walk(loss, gradient, start, _Newton(hessian, rate), None)


def follow(events, tolerance=1e-8, max_iterations=1000):
    """Go along a stream until the gradient is almost zero.

    Parameters
    ----------
    events : iterable of Step
    tolerance : float
        Stop when no entry of the gradient is larger. With batches give 0: a batch's gradient says
        little.
    max_iterations : int
        Stop after this many steps in any case.

    Returns
    -------
    Walk
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    max_iterations = checks.count("max_iterations", max_iterations, minimum=0)
    path, losses, converged = [], [], False
    for event in checks.stream("events", events):
        path.append(event.params)
        losses.append(event.loss)
        converged = bool(np.abs(event.gradient).max() <= tolerance)
        if converged or event.iteration >= max_iterations:
            break
    if not path:
        raise ValueError("events: expected at least one step, got none")
    return Walk(path[-1], np.array(losses), np.array(path), converged)


class _Newton(NamedTuple):
    """The rule of Newton's method. What it remembers is where it stands: the Hessian depends on it."""

    hessian: Any
    rate: Any

    def begin(self, params):
        rate_at(self.rate, 0)
        return params

    def step(self, iteration, gradient, params):
        H = np.asarray(self.hessian(params), float)
        if H.shape != (len(gradient), len(gradient)):
            raise ValueError(f"hessian: expected shape {(len(gradient), len(gradient))}, got {H.shape}")
        if not np.isfinite(H).all():
            raise DivergedError(f"hessian: expected finite numbers, got others at iteration {iteration}")
        if np.linalg.matrix_rank(H) < len(H):
            raise np.linalg.LinAlgError(
                f"hessian: singular at iteration {iteration}; some direction is flat, and no jump along it is "
                "the right one"
            )
        step = -rate_at(self.rate, iteration) * np.linalg.solve(H, gradient)
        return step, params + step


def _walk(loss, gradient, start, method, batches):
    """Check the start and the settings, then walk."""
    checks.function("loss", loss)
    checks.function("gradient", gradient)
    params = checks.array("start", start, ("D",)).copy()
    if params.size == 0:
        raise ValueError("start: expected at least one parameter, got none")
    data = repeat(()) if batches is None else ((batch,) for batch in batches)
    return _steps(loss, gradient, params, method, method.begin(params), data)


def _steps(loss, gradient, params, method, memory, data):
    """The loop that all methods share."""
    for iteration, batch in zip(count(), data):
        value, slope = float(loss(params, *batch)), np.array(gradient(params, *batch), float)
        _check(iteration, params, value, slope)
        step, memory = method.step(iteration, slope, memory)
        yield Step(iteration, params, value, slope, step)
        params = params + step


def _check(iteration, params, value, slope):
    """Stop a walk that has left the finite numbers."""
    if slope.shape != params.shape:
        raise ValueError(f"gradient: expected shape {params.shape}, got {slope.shape}")
    if not (np.isfinite(value) and np.isfinite(slope).all()):
        what = "gradient" if np.isfinite(value) else "loss"
        raise DivergedError(
            f"{what}: expected a finite number, got another at iteration {iteration}; try a smaller rate"
        )
