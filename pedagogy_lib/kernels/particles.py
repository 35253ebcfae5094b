"""The particle filter as compiled loops, for a model whose functions take one state.

The same work as the reference in `pedagogy_lib.inference.particles`, and the same random numbers in
the same order. The user's functions are compiled along: `run` is made anew for each model, and what
does not depend on the model is compiled once and kept.
"""

import types
from functools import lru_cache

import numba
import numpy as np
from numba.core.errors import NumbaError
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.extending import overload

from pedagogy_lib.kernels._jit import helper, helper_sums, inlined, jit_once, ufunc

LANES = 16                              # numbers to compare at once
SYSTEMATIC, STRATIFIED = 0, 1
METHODS = {"systematic": SYSTEMATIC, "stratified": STRATIFIED}
IMPOSSIBLE, NOT_FINITE, NO_DENSITY = 1, 2, 3


@jit_once
def run(initial, move, log_emission, state, datum, y, seen, n, rng, method, threshold,
        particles, weights, ancestors, moments, log_likelihoods, sizes, resampled):
    """Filter. Fills the last seven arguments, and returns what went wrong and when.

    ``state`` and ``datum`` are examples: a number, or a tuple of numbers. ``y`` has time along its
    columns. ``particles``, ``weights`` and ``ancestors`` have room for all time steps, or for none.
    ``moments`` is for means and variances, shape (2, T, K).
    """
    K, T = moments.shape[2], moments.shape[1]
    x, x_before, w, log_joint = np.empty((K, n)), np.empty((K, n)), np.empty(n), np.zeros(n)
    a, shift = np.arange(n).astype(np.int32), 0.0            # 32 bits are half as much to read
    for t in range(T):
        fresh = t == 0
        if t == 0:
            initial_rows(initial, state, rng, x)
        else:
            x, x_before = x_before, x
            fresh = threshold >= 1.0 or sizes[t - 1] < threshold * n
            resampled[t] = fresh
            _choose(w, fresh, method, rng, a)                                   # Eq. 2.58
            _advance(move, state, x_before, a, t - 1, rng, x)                   # Eq. 2.57
        add = -np.log(n) if fresh else -shift
        if seen[t]:
            emission_rows(log_emission, state, x, read(datum, y, t), t, not fresh, add, log_joint)    # Eq. 2.59
        else:
            for i in range(n):
                log_joint[i] = (0.0 if fresh else log_joint[i]) + add
        peak = _largest(log_joint)
        total, squares = _normalize(log_joint, peak, w)
        if peak == -np.inf or not total > 0.0:
            return _what_is_wrong(x, log_joint), t
        shift = peak + np.log(total) if seen[t] else 0.0
        log_likelihoods[t], sizes[t] = shift, 1.0 / squares
        _moments(w, x, moments[0, t], moments[1, t])
        if not np.isfinite(moments[0, t].sum()):
            return _what_is_wrong(x, log_joint), t
        if len(particles) > 0:
            _keep(x, w, a, particles[t], weights[t], ancestors[t])
    return 0, 0


# One function at a time, for many states; these are along the columns.


@jit_once
def initial_rows(initial, state, rng, out):
    for i in range(out.shape[1]):
        write(state, out, i, initial(rng))


@jit_once
def move_rows(move, state, x, t, rng, out):
    for i in range(out.shape[1]):
        write(state, out, i, move(read(state, x, i), t, rng))


@jit_once
def emission_rows(log_emission, state, x, datum, t, weighted, add, log_joint):
    """Log weights after a look; before it they are the present ones plus a number, or just that."""
    for i in range(len(log_joint)):
        before = log_joint[i] if weighted else 0.0
        log_joint[i] = before + add + log_emission(read(state, x, i), datum, t)


@jit_once
def transition_rows(log_transition, state, after, before, t, out):
    for i in range(len(out)):
        out[i] = log_transition(read(state, after, i), read(state, before, i), t)


# A column of an array as the user's functions want it. A view of the array would do, but numba
# counts the references to every view, which takes longer than most models.


def read(example, columns, i):
    """Column i as a tuple, if the example is one, or else as a number."""
    return tuple(columns[:, i]) if isinstance(example, tuple) else columns[0, i]


@overload(read)
def _compile_read(example, columns, i):
    if not isinstance(example, numba.types.UniTuple):
        return lambda example, columns, i: columns[0, i]
    count = example.count

    def read_tuple(example, columns, i):
        found = example
        for k in range(count):
            found = tuple_setitem(found, k, columns[k, i])
        return found

    return read_tuple


def write(example, columns, i, value):
    """Put a number, or a tuple of numbers, into column i."""
    if np.size(value) != np.size(example):
        raise ValueError(f"model: expected {np.size(example)} numbers for a state, got {value!r}")
    columns[:, i] = value


@overload(write)
def _compile_write(example, columns, i, value):
    if isinstance(example, numba.types.UniTuple):
        # Of another length, it is refused here, and then with a clear message by the reference.
        if not isinstance(value, numba.types.UniTuple) or value.count != example.count:
            return None
        count = example.count

        def write_tuple(example, columns, i, value):
            for k in range(count):
                columns[k, i] = value[k]

        return write_tuple
    if not isinstance(value, (numba.types.Number, numba.types.Boolean)):
        return None

    def write_number(example, columns, i, value):
        columns[0, i] = value

    return write_number


# --------------------------------------------------------------------------------- helpers


@jit_once
def _advance(move, state, before, ancestors, t, rng, x):
    """Move the children of each parent. Fills the gaps that `_choose` has left."""
    parent = 0
    for i in range(len(ancestors)):
        parent = max(parent, ancestors[i])
        ancestors[i] = parent
        write(state, x, i, move(read(state, before, parent), t, rng))


@helper
def _choose(w, fresh, method, rng, ancestors):
    """Mark the first child of each parent: the rest of ``ancestors`` stays 0, or is right already.

    A running maximum fills the gaps. So there is no branch on how many children a parent has,
    which the processor could not predict.
    """
    n = len(w)
    if not fresh:
        for i in range(n):
            ancestors[i] = i
        return
    for i in range(n):
        ancestors[i] = 0
    last = n - 1
    while w[last] == 0.0:                # rounding must not give it children
        last -= 1
    edge = 0.0
    if method == SYSTEMATIC:
        offset, child = rng.random(), 0
        for i in range(last + 1):
            if child < n:
                ancestors[child] = i
            edge += w[i]
            child = np.int64(np.ceil(n * edge - offset))        # so many places are below the edge
    else:
        child, place = 0, rng.random() / n
        for i in range(last + 1):
            edge += w[i]
            while child < n and (place < edge or i == last):
                ancestors[child] = i
                child += 1
                place = (child + rng.random()) / n if child < n else 1.0


@helper
def _what_is_wrong(x, log_joint):
    for k in range(x.shape[0]):
        for i in range(x.shape[1]):
            if not np.isfinite(x[k, i]):
                return NOT_FINITE
    return NO_DENSITY if np.isnan(log_joint.sum()) or np.max(log_joint) == np.inf else IMPOSSIBLE


@helper
def _largest(values):
    """The largest number, found in several lanes: one comparison need not wait for the last."""
    lanes = np.full(LANES, -np.inf)
    whole = len(values) - len(values) % LANES
    for first in range(0, whole, LANES):
        for b in range(LANES):
            value = values[first + b]
            lanes[b] = value if value > lanes[b] else lanes[b]
    largest = -np.inf
    for i in range(whole, len(values)):
        largest = max(largest, values[i])
    for b in range(LANES):
        largest = max(largest, lanes[b])
    return largest


@helper_sums
def _normalize(log_joint, peak, w):
    """The weights. Returns their sum before it was made one, and the sum of their squares after."""
    total, squares = 0.0, 0.0
    for i in range(len(w)):
        w[i] = exp(log_joint[i] - peak)
        total += w[i]
    scale = 1.0 / total
    for i in range(len(w)):
        w[i] *= scale
        squares += w[i] * w[i]
    return total, squares


@helper
def _keep(x, w, a, particles, weights, ancestors):
    for i in range(len(w)):
        weights[i], ancestors[i] = w[i], a[i]
        for k in range(len(x)):
            particles[i, k] = x[k, i]


@helper_sums
def _moments(w, x, mean, variance):
    K, n = x.shape
    for k in range(K):
        first, second = 0.0, 0.0
        for i in range(n):
            first += w[i] * x[k, i]
        for i in range(n):
            second += w[i] * (x[k, i] - first) ** 2
        mean[k], variance[k] = first, second


@ufunc
def exp(x):
    """e^x to within two units in the last place; 0 where it is less than 1e-307.

    The C library computes one exponential after another. This is x = k log 2 + r with an integer k,
    Taylor's polynomial for e^r, and k put where a floating-point number keeps its exponent:
    instructions that the compiler can do for several numbers at once.
    """
    within = max(min(x, 709.0), -708.0)
    k = np.floor(within * 1.4426950408889634 + 0.5)
    r = (within - k * 0.693145751953125) - k * 1.4286068203094172e-06     # log 2, in two parts
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    found = p * np.int64((np.int64(k) + 1023) << 52).view(np.float64)
    found = 0.0 if x < -708.0 else found
    found = np.inf if x > 709.0 else found
    return found if x == x else x


# ------------------------------------------------------------------- the user's functions

_refused = set()                        # what numba could not compile


def attempt(loop, functions, arguments, required=False):
    """Run a loop with a user's functions.

    Returns
    -------
    tuple of its result, or None if the functions cannot be compiled

    Raises
    ------
    numba.core.errors.NumbaError
        Instead of None, if it is required.
    """
    made = [_Made(function) for function in functions]
    if not required and not _refused.isdisjoint(made):
        return None
    try:
        return (loop(*(_compiled(one) for one in made), *arguments),)
    except NumbaError:
        if required:
            raise
        _refused.update(made)
        return None


class _Made:
    """A function that equals another if its code and the outer values that it uses are the same.

    Numba takes outer values for constants. When one of them changes, another must be compiled.
    """

    def __init__(self, function):
        self.function, self.key = function, _fingerprint(function)

    def __hash__(self):
        return hash(self.key)

    def __eq__(self, other):
        return self.key == other.key


@lru_cache(maxsize=128)
def _compiled(made):
    """To be compiled at its first call, with `exp` in the place of NumPy's."""
    function = made.function
    if not isinstance(function, types.FunctionType):
        return function                                       # compiled already, or never to be
    scope = {name: _NUMPY if value is np else value for name, value in function.__globals__.items()}
    twin = types.FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    return inlined(twin)


class _NumPy(types.ModuleType):
    """NumPy, but for one function."""

    def __getattr__(self, name):
        return getattr(np, name)


_NUMPY = _NumPy("numpy")
_NUMPY.exp = exp


def _fingerprint(value, depth=4):
    """What tells one outer value from another: its content where that can be, else its identity."""
    if isinstance(value, types.FunctionType) and depth:
        names = _names(value.__code__)
        outer = [value.__globals__.get(name) for name in names]
        modules = [found for found in outer if isinstance(found, types.ModuleType) and found is not np]
        outer += [getattr(module, name) for module in modules for name in names if hasattr(module, name)]
        inner = [cell.cell_contents for cell in value.__closure__ or ()]
        parts = (*outer, *inner, value.__defaults__)
        return (value.__code__, *(_fingerprint(part, depth - 1) for part in parts))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, tuple):
        return tuple(_fingerprint(part, depth) for part in value)
    if isinstance(value, (int, float, complex, np.number, str)):
        return type(value), repr(value)
    return id(value)


def _names(code):
    """The outer names that a function may look up, with those of the functions inside it."""
    inner = (_names(part) for part in code.co_consts if isinstance(part, types.CodeType))
    return sorted(set(code.co_names).union(*inner))
