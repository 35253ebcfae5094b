"""Walking downhill: gradient descent, its stochastic forms, and Newton's method.

Each method is a stream. It yields a `Step` for ever: where it stands, the loss and the gradient
there, and the step that it is about to take. `run` walks along a stream until it is flat enough.
The parameters are one flat vector; ``loss`` and ``gradient`` are functions of it.

A stochastic method is the same method with ``batches``: then ``loss`` and ``gradient`` are called
with a batch beside the parameters, a new one in every iteration.

References
----------
Section 4.1. Adam: D.P. Kingma and J. Ba (2015).
"""

from itertools import count, repeat
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


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


class Run(NamedTuple):
    """Where a method came to rest.

    params : ndarray, shape (D,)
    losses : ndarray, shape (iterations + 1,)
    path : ndarray, shape (iterations + 1, D)
    converged : bool, whether the gradient became as small as was asked for
    """

    params: np.ndarray
    losses: np.ndarray
    path: np.ndarray
    converged: bool


class DivergedError(RuntimeError):
    """The loss, the gradient or the parameters are not finite any more: the steps were too long."""


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
        Makes it *stochastic* gradient descent. See `minibatches`.

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
    rate = _rate(rate)
    return _walk(loss, gradient, start, lambda i, g: -rate(i) * g, batches)


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
    rate, decay, step = _rate(rate), _decay("decay", decay), 0.0

    def rule(i, g):
        nonlocal step
        step = decay * step - rate(i) * g
        return step

    return _walk(loss, gradient, start, rule, batches)


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
    rate = _rate(rate)
    decay, square_decay = _decay("decay", decay), _decay("square_decay", square_decay)
    epsilon = checks.number("epsilon", epsilon, above=0)
    mean = square = 0.0

    def rule(i, g):
        nonlocal mean, square
        mean = decay * mean + (1 - decay) * g
        square = square_decay * square + (1 - square_decay) * g**2
        # Both averages began at zero: divide by the weight that data have had in them so far.
        m = mean / (1 - decay ** (i + 1))
        s = square / (1 - square_decay ** (i + 1))
        return -rate(i) * m / (np.sqrt(s) + epsilon)

    return _walk(loss, gradient, start, rule, batches)


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
    rate = _rate(rate)

    def rule(i, g, params):
        H = np.asarray(hessian(params), float)
        if H.shape != (len(g), len(g)):
            raise ValueError(f"hessian: expected shape {(len(g), len(g))}, got {H.shape}")
        if not np.isfinite(H).all():
            raise DivergedError(f"hessian: expected finite numbers, got others at iteration {i}")
        if np.linalg.matrix_rank(H) < len(H):
            raise np.linalg.LinAlgError(
                f"hessian: singular at iteration {i}; some direction is flat, and no jump along it is "
                "the right one"
            )
        return -rate(i) * np.linalg.solve(H, g)

    return _walk(loss, gradient, start, rule, None, with_params=True)


def minibatches(n, size, rng):
    """Deal out the numbers 0 ... n-1 in random batches, shuffling anew after every pass.

    Parameters
    ----------
    n : int
        The number of observations.
    size : int
        Of a batch; the last one of a pass has what is left.
    rng : numpy.random.Generator

    Yields
    ------
    ndarray of int
    """
    n, size = checks.count("n", n), checks.count("size", size)
    if size > n:
        raise ValueError(f"size: expected at most n, {n}, got {size}")
    return _deal(n, size, checks.generator("rng", rng))


def run(events, tolerance=1e-8, max_iterations=1000):
    """Walk along a stream until the gradient is almost zero.

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
    Run
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    max_iterations = checks.count("max_iterations", max_iterations, minimum=0)
    path, losses, converged = [], [], False
    for event in events:
        path.append(event.params)
        losses.append(event.loss)
        converged = bool(np.abs(event.gradient).max() <= tolerance)
        if converged or event.iteration >= max_iterations:
            break
    if not path:
        raise ValueError("events: expected at least one step, got none")
    return Run(path[-1], np.array(losses), np.array(path), converged)


def _walk(loss, gradient, start, rule, batches, with_params=False):
    """The loop that all methods share; ``rule`` turns a gradient into a step."""
    params = checks.array("start", start, ("D",)).copy()
    if params.size == 0:
        raise ValueError("start: expected at least one parameter, got none")
    data = repeat(()) if batches is None else ((batch,) for batch in batches)
    return _steps(loss, gradient, params, rule, data, with_params)


def _steps(loss, gradient, params, rule, data, with_params):
    for iteration, batch in zip(count(), data):
        value, slope = float(loss(params, *batch)), np.array(gradient(params, *batch), float)
        _check(iteration, params, value, slope)
        step = rule(iteration, slope, params) if with_params else rule(iteration, slope)
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


def _deal(n, size, rng):
    while True:
        order = rng.permutation(n)
        for start in range(0, n, size):
            yield order[start : start + size]


def _rate(rate):
    """A rate as a function of the iteration."""
    if callable(rate):
        return lambda iteration: checks.number("rate", rate(iteration), above=0)
    fixed = checks.number("rate", rate, above=0)
    return lambda iteration: fixed


def _decay(name, decay):
    decay = checks.number(name, decay, at_least=0)
    if decay >= 1:
        raise ValueError(f"{name}: expected a number below 1, got {decay}")
    return decay
