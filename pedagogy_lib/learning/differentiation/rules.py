"""The rules for functions of numbers, for sums, and for what only moves numbers about.

Each rule takes g = dS/dy, the result y and the arguments, and gives dS/d(argument). It is written in NumPy,
so that it runs on arrays and on tapes alike. Entry by entry the Jacobian is diagonal, and J'g is a product.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

import numpy as np
from scipy import special

from pedagogy_lib.learning.differentiation.tape import OPERATIONS, operation, plain


def _nonzero(x, at):
    """One in the places where the number would do harm and does not matter."""
    return np.where(at, 1, x) if np.any(at) else x


# --- arithmetic ---------------------------------------------------------------------------------

operation(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
operation(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
operation(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
operation(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
operation(
    np.power,
    # Where b = 0 the slope is 0, at a = 0 too; where a = 0, so is y log a.
    lambda g, y, a, b: g * b * a ** (_nonzero(b - 1, plain(b) == 0)),
    lambda g, y, a, b: g * y * np.log(_nonzero(a, plain(a) == 0)),
)
operation(np.negative, lambda g, y, x: -g)
operation(np.positive, lambda g, y, x: g)
operation(np.square, lambda g, y, x: g * 2 * x)
operation(np.reciprocal, lambda g, y, x: -g * y * y)
operation(np.abs, lambda g, y, x: g * np.sign(x))
operation(np.sign, lambda g, y, x: 0 * g)

# --- functions ----------------------------------------------------------------------------------

operation(np.exp, lambda g, y, x: g * y)
operation(np.expm1, lambda g, y, x: g * (y + 1))
operation(np.log, lambda g, y, x: g / x)
operation(np.log1p, lambda g, y, x: g / (1 + x))
operation(np.sqrt, lambda g, y, x: g / (2 * y))
operation(np.sin, lambda g, y, x: g * np.cos(x))
operation(np.cos, lambda g, y, x: -g * np.sin(x))
operation(np.arctan, lambda g, y, x: g / (1 + x * x))
operation(np.sinh, lambda g, y, x: g * np.cosh(x))
operation(np.cosh, lambda g, y, x: g * np.sinh(x))
operation(np.tanh, lambda g, y, x: g * (1 - y * y))
operation(special.expit, lambda g, y, x: g * y * (1 - y))
operation(np.logaddexp, lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y))
_polygamma = operation(
    lambda x, n: special.polygamma(n, x).astype(np.asarray(x).dtype), lambda g, y, x, n: g * _polygamma(x, n=n + 1),
    named=special.polygamma,
)
OPERATIONS[special.polygamma] = lambda n, x: _polygamma(x, n=n)
operation(special.digamma, lambda g, y, x: g * _polygamma(x, n=1))
operation(special.gammaln, lambda g, y, x: g * special.digamma(x))

# --- choices; at a tie the second is chosen, so that the slope of max(x, 0) is 0 at the kink --------

operation(
    np.maximum,
    lambda g, y, a, b: _where(plain(a) > plain(b), g, 0),
    lambda g, y, a, b: _where(plain(a) > plain(b), 0, g),
)
operation(
    np.minimum,
    lambda g, y, a, b: _where(plain(a) < plain(b), g, 0),
    lambda g, y, a, b: _where(plain(a) < plain(b), 0, g),
)


def _choose(a, b, condition):
    return np.where(condition, a, b)


_chosen = operation(
    _choose,
    lambda g, y, a, b, condition: _where(condition, g, 0),
    lambda g, y, a, b, condition: _where(condition, 0, g),
)


def _where(condition, a, b):
    # Of zeros of the other's type, lest a Python 0 make float32 into float64.
    zero = lambda value, other: np.zeros((), plain(other).dtype) if isinstance(value, int) and value == 0 else value
    return _chosen(zero(a, b), zero(b, a), condition=plain(condition))


OPERATIONS[np.where] = _where

# --- sums ---------------------------------------------------------------------------------------


def _kept(g, x, axis, keepdims):
    """g with the axes that were summed over back in their places, of length one."""
    if keepdims or axis is None:
        return np.reshape(g, (1,) * np.ndim(x)) if axis is None else g
    axes = {a % np.ndim(x) for a in np.atleast_1d(axis)}
    return np.reshape(g, tuple(1 if a in axes else size for a, size in enumerate(np.shape(x))))


def _sum(x, axis=None, keepdims=False):
    return np.sum(x, axis=axis, keepdims=keepdims)


_summed = operation(
    _sum,
    lambda g, y, x, axis=None, keepdims=False: np.broadcast_to(_kept(g, x, axis, keepdims), np.shape(x)),
    named=np.sum,
)


def _mean(x, axis=None, keepdims=False):
    total = _summed(x, axis=axis, keepdims=keepdims)
    return total * (np.size(total) / np.size(x))


def _largest(x, axis=None, keepdims=False):
    return np.max(x, axis=axis, keepdims=keepdims)


def _largest_rule(g, y, x, axis=None, keepdims=False):
    chosen = plain(x) == _kept(plain(y), plain(x), axis, keepdims)
    shares = chosen / np.sum(chosen, axis=axis, keepdims=True)          # equals share it
    return _kept(g, x, axis, keepdims) * shares.astype(plain(x).dtype)


operation(_largest, _largest_rule, named=np.max)
OPERATIONS[np.mean] = _mean


def _logsumexp(x, axis=None, keepdims=False):
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.reshape(total, np.shape(np.sum(x, axis=axis)))


#: The logarithm of a sum of exponentials: its gradient is the softmax.
logsumexp = operation(
    _logsumexp,
    lambda g, y, x, axis=None, keepdims=False: (
        _kept(g, x, axis, keepdims) * np.exp(x - _kept(y, x, axis, keepdims))
    ),
    named="logsumexp",
)


def softmax(x, axis=-1):
    """exp(x) / sum exp(x) along an axis, without overflow."""
    return np.exp(x - logsumexp(x, axis=axis, keepdims=True))


# --- what only moves numbers about: the rule moves them back --------------------------------------

operation(np.broadcast_to, lambda g, y, x, shape: g)
OPERATIONS[np.broadcast_to] = lambda x, shape, _to=OPERATIONS[np.broadcast_to]: _to(x, shape=shape)
operation(np.reshape, lambda g, y, x, shape: np.reshape(g, np.shape(x)))
OPERATIONS[np.reshape] = lambda x, shape, _to=OPERATIONS[np.reshape]: _to(x, shape=shape)
OPERATIONS[np.ravel] = lambda x: np.reshape(x, (-1,))
OPERATIONS[np.expand_dims] = lambda x, axis: np.reshape(x, np.expand_dims(plain(x), axis).shape)
OPERATIONS[np.squeeze] = lambda x, axis=None: np.reshape(x, np.squeeze(plain(x), axis).shape)


def _transpose(x, axes=None):
    return np.transpose(x, axes)


operation(
    _transpose,
    lambda g, y, x, axes=None: np.transpose(g, None if axes is None else tuple(np.argsort(axes))),
    named=np.transpose,
)


def _swapaxes(x, one, other):
    axes = list(range(np.ndim(x)))
    axes[one], axes[other] = axes[other], axes[one]
    return np.transpose(x, tuple(axes))


OPERATIONS[np.swapaxes] = _swapaxes


def _take(x, index):
    return x[index]


def _put(g, index, shape):
    """Zeros, with g added where the index says: an entry taken twice receives twice."""
    z = np.zeros(shape, np.asarray(g).dtype)
    np.add.at(z, index, g)
    return z


operation(_take, lambda g, y, x, index: _placed(g, index=index, shape=np.shape(x)), named="getitem")
_placed = operation(_put, lambda g, y, x, index, shape: OPERATIONS["getitem"](g, index=index), named="put")


def _concatenate(arrays, axis=0):
    """Join arrays, as the sum of all of them, each put in its place among zeros."""
    sizes = [np.shape(one) for one in arrays]
    axis = axis % len(sizes[0])
    ends = np.cumsum([size[axis] for size in sizes])
    shape = (*sizes[0][:axis], int(ends[-1]), *sizes[0][axis + 1 :])
    places = [(slice(None),) * axis + (slice(int(end) - size[axis], int(end)),) for end, size in zip(ends, sizes)]
    total = 0
    for one, place in zip(arrays, places):
        total = total + _placed(one, index=place, shape=shape)
    return total


OPERATIONS[np.concatenate] = _concatenate
OPERATIONS[np.stack] = lambda arrays, axis=0: _concatenate([np.expand_dims(one, axis) for one in arrays], axis)
OPERATIONS[np.shape] = lambda x: np.shape(plain(x))
OPERATIONS[np.ndim] = lambda x: np.ndim(plain(x))
OPERATIONS[np.size] = lambda x: np.size(plain(x))
for _comparison in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isfinite):
    OPERATIONS[_comparison] = lambda *arrays, _f=_comparison: _f(*map(plain, arrays))
OPERATIONS[np.zeros_like] = lambda x: np.zeros_like(plain(x))
OPERATIONS[np.ones_like] = lambda x: np.ones_like(plain(x))
