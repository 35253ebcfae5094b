"""State-space models for particle filters: as functions of many states at once, or of one.

`example` is a building block, and trusts its arguments, which its callers have checked.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks, kernels


class One(NamedTuple):
    """The functions of one state that `each` was given."""

    initial: Callable
    move: Callable
    log_emission: Callable
    log_transition: Callable | None
    emit: Callable | None


class Model(NamedTuple):
    """A state-space model as functions. Steps t are counted from 0; states are rows.

    initial : callable of (n, rng), draws x_0: shape (n, K)
    move : callable of (x, t, rng), draws x_{t+1} for each row of x_t: shape (n, K)
    log_emission : callable of (x, y, t), log p(y_t | x_t) for each row: shape (n,)
    log_transition : callable of (after, before, t), log p(x_{t+1} | x_t) for rows of the same
        number, or broadcast against each other: (M, 1, K) and (N, K) give (M, N). Only smoothing
        needs it.
    emit : callable of (x, t, rng), draws y_t for each row of x_t: shape (n, L). Only `sample` needs
        it.
    one : the functions of one state, if the model was made by `each`
    """

    initial: Callable
    move: Callable
    log_emission: Callable
    log_transition: Callable | None = None
    emit: Callable | None = None
    one: One | None = None


def each(initial, move, log_emission, log_transition=None, emit=None):
    """A model written for one state at a time.

    A state is a number, or a tuple of numbers if it has several, and so is a datum. Where numba is
    installed, and can, the functions are compiled: then they cost what loops in C would. Where not,
    they are called as they are, once for each particle; the numbers drawn are the same.

    Parameters
    ----------
    initial : callable of (rng), draws x_0
    move : callable of (x, t, rng), draws x_{t+1}
    log_emission : callable of (x, y, t), log p(y_t | x_t)
    log_transition : callable of (after, before, t), log p(x_{t+1} | x_t), optional
    emit : callable of (x, t, rng), draws y_t, optional

    Returns
    -------
    Model

    Notes
    -----
    Numba compiles a part of Python: arithmetic, tuples, most functions of NumPy, and a generator's
    draws of one number (`rng.standard_normal()`). All entries of a tuple must be floats.

    Examples
    --------
    A random walk, seen through noise of variance 1:

    >>> walk = each(lambda rng: rng.standard_normal(),
    ...             lambda x, t, rng: x + rng.standard_normal(),
    ...             lambda x, y, t: -0.5 * (y - x)**2 - 0.5 * np.log(2 * np.pi))
    """
    given = {"initial": initial, "move": move, "log_emission": log_emission}
    given |= {name: f for name, f in (("log_transition", log_transition), ("emit", emit)) if f is not None}
    for name, f in given.items():
        checks.function(name, f)
    one = One(initial, move, log_emission, log_transition, emit)
    return Model(
        partial(_initial_rows, one), partial(_move_rows, one), partial(_emission_rows, one),
        None if log_transition is None else partial(_transition_rows, one),
        None if emit is None else partial(_emitted_rows, one), one,
    )


def sample(model, T, rng):
    """Draw a sequence of states and what is seen of them.

    Parameters
    ----------
    model : Model
        With its ``emit``.
    T : int
    rng : numpy.random.Generator

    Returns
    -------
    x : ndarray, shape (T, K)
    y : ndarray, shape (T, L)
    """
    checks.having("model", model, "initial", "move", "emit")
    if model.emit is None:
        raise ValueError("model.emit: expected a function, got None; sampling draws what is seen")
    T, rng = checks.count("T", T), checks.generator("rng", rng)
    x = [model.initial(1, rng)]
    for t in range(T - 1):
        x.append(model.move(x[-1], t, rng))
    return np.concatenate(x), np.concatenate([model.emit(state, t, rng) for t, state in enumerate(x)])


def example(one, rng):
    """A state as the functions want it, drawn without disturbing the generator."""
    drawn = one.initial(copy.deepcopy(rng))
    try:
        return _as_one(np.array(drawn, float).reshape(-1))
    except (TypeError, ValueError):
        raise ValueError(f"initial: expected a number or a tuple of numbers, got {drawn!r}") from None


# ------------------------------------------------------------- one function, for many states


def _initial_rows(one, n, rng):
    state = example(one, rng)
    out = np.empty((n, np.size(state)))
    if not _compiled("initial_rows", one.initial, state, rng, out.T):
        for i in range(n):
            _put(out, i, one.initial(rng), "initial")
    return out


def _move_rows(one, x, t, rng):
    out = np.empty(np.shape(x))
    if not _compiled("move_rows", one.move, _as_one(x[0]), x.T, t, rng, out.T):
        for i, row in enumerate(x):
            _put(out, i, one.move(_as_one(row), t, rng), "move")
    return out


def _emission_rows(one, x, y, t):
    out, datum = np.empty(len(x)), _as_one(np.asarray(y, float))
    if not _compiled("emission_rows", one.log_emission, _as_one(x[0]), x.T, datum, t, False, 0.0, out):
        for i, row in enumerate(x):
            out[i] = one.log_emission(_as_one(row), datum, t)
    return out


def _transition_rows(one, after, before, t):
    after, before = np.broadcast_arrays(after, before)
    shape, K = after.shape[:-1], after.shape[-1]
    after, before = after.reshape(-1, K), before.reshape(-1, K)
    out = np.empty(len(after))
    if len(out) and not _compiled("transition_rows", one.log_transition, _as_one(after[0]), after.T, before.T, t, out):
        for i in range(len(out)):
            out[i] = one.log_transition(_as_one(after[i]), _as_one(before[i]), t)
    return out.reshape(shape)


def _emitted_rows(one, x, t, rng):
    return np.array([np.reshape(one.emit(_as_one(row), t, rng), -1) for row in x], float)


def _as_one(row):
    """A number, or a tuple of numbers."""
    numbers = tuple(np.asarray(row).tolist())
    return numbers if len(numbers) != 1 else numbers[0]


def _put(out, i, value, name):
    if np.size(value) != out.shape[1]:
        raise ValueError(f"{name}: expected {out.shape[1]} numbers for a state, got {value!r}")
    out[i] = value


def _compiled(loop, function, *arguments):
    """Whether a compiled loop has done the work."""
    compiled = kernels.load("particles")
    return compiled is not None and compiled.attempt(getattr(compiled, loop), [function], arguments) is not None
