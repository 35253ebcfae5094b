"""Argument checks and their messages, once.

Every public function of the library calls these before it computes. Each check returns the
argument as a float64 array (a copy only where one is needed) or raises ``ValueError`` with a
message that names the argument, says what was expected and says what came.
"""

from collections.abc import Hashable, Mapping

import numpy as np

#: How far a covariance may be from its mirror image, relative to the two standard deviations it joins.
SYMMETRY_TOLERANCE = 1e-8
#: How far a correlation matrix may be from positive semi-definite: what rounding does to products.
CORRELATION_TOLERANCE = 1e-10
#: How far a sum of probabilities may be from one.
SUM_TOLERANCE = 1e-8


def numbers(name, value):
    """Check that ``value`` holds real numbers, and leave their type as it is.

    This is the one place where what a caller gives becomes an array.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If the values are not real numbers, or are masked: NumPy would drop the mask in silence.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(
            f"{name}: expected a plain array, got a masked one, whose mask would be lost; give NaN where a value "
            "is missing and the function allows it: value.filled(np.nan)"
        )
    try:
        given = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: expected an array of numbers, got rows of unequal length") from None
    if given.dtype.kind not in "iuf":
        raise ValueError(f"{name}: expected real numbers, got {_kind(given)}")
    return given


def array(name, value, shape=None, *, missing=False, single=False):
    """Check that ``value`` holds finite real numbers, in an array of the given shape.

    Parameters
    ----------
    name : str
        What the caller calls the argument; it begins the message.
    value : array_like
        Numbers. Booleans, complex numbers, strings and ragged lists are refused.
    shape : tuple of (int or str), optional
        One item per axis: a number is the length that is required, a word such as ``"T"`` stands
        for any length, the same wherever it comes again, and is used in the message.
    missing : bool
        Whether NaN, the mark of a missing observation, is allowed. Infinity never is.
    single : bool
        Whether float32 stays what it is.

    Returns
    -------
    ndarray of float64; of float32 where ``single`` allows it and it came so

    Raises
    ------
    ValueError
        If the values are not numbers, not finite, or the shape is another one.
    """
    given = numbers(name, value)
    if not (single and given.dtype == np.float32):
        given = given.astype(np.float64, copy=False)
    if shape is not None and not _fits(given.shape, shape):
        raise ValueError(f"{name}: expected shape {_spell(shape)}, got {_spell(given.shape)}")
    # The fastest pass over many numbers: a sum of squares is finite only if every number is.
    if np.isfinite(np.vdot(given, given)):
        return given
    good = ~np.isinf(given) if missing else np.isfinite(given)
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        place = f" at index {where if len(where) > 1 else where[0]}" if where else ""
        raise ValueError(f"{name}: expected finite numbers, got {given[where]}{place}")
    return given


def record(name, value, **axes):
    """Check that every array of a record, such as statistics that another function made, holds finite real numbers.

    Parameters
    ----------
    value : named tuple
        Records in it are checked too. Fields that are neither arrays nor lists are left as they are.
    axes : str
        For a field, a letter for each of its axes: ``sums="KD"``. A letter means one length in all of them, because
        NumPy would let an axis of length one stand for any other.

    Returns
    -------
    named tuple
        The same, its lists as arrays.
    """
    if not (isinstance(value, tuple) and hasattr(value, "_fields")):
        raise TypeError(f"{name}: expected a record, a named tuple, got {type(value).__name__}")
    checked = {}
    for field, part in zip(value._fields, value):
        if isinstance(part, tuple) and hasattr(part, "_fields"):
            checked[field] = record(f"{name}.{field}", part)
        elif isinstance(part, list) or (hasattr(part, "__array__") and not isinstance(part, np.generic)):
            given = numbers(f"{name}.{field}", part)
            if not np.isfinite(given).all():
                array(f"{name}.{field}", given)                # says which one
            checked[field] = given
    lengths = {}
    for field, letters in axes.items():
        found = np.shape(getattr(value, field))
        bound = [lengths.get(letter, letter) for letter in letters]
        if not _fits(found, bound):
            raise ValueError(f"{name}.{field}: expected shape {_spell(bound)}, got {_spell(found)}")
        lengths |= dict(zip(letters, found))
    return value._replace(**checked)


def kind(name, value, *kinds):
    """Check that ``value`` is of one of these classes.

    Raises
    ------
    TypeError
        If it is of another one.
    """
    if not isinstance(value, kinds):
        wanted = " or ".join(one.__name__ for one in kinds)
        raise TypeError(f"{name}: expected {wanted}, got {_named(value)}")
    return value


def having(name, value, *fields):
    """Check that ``value`` has these fields, whatever its class: records are taken for what they hold.

    Raises
    ------
    TypeError
        If one is missing.
    """
    missing = [field for field in fields if not hasattr(value, field)]
    if missing:
        wanted = ", ".join(fields)
        raise TypeError(f"{name}: expected a record with {wanted}, got {_named(value)}, which has no {missing[0]}")
    return value


def several(name, value):
    """Check that ``value`` holds several things, such as names; a text stands for its letters.

    Returns
    -------
    list
    """
    if not hasattr(value, "__iter__"):
        raise TypeError(f"{name}: expected several things, in a tuple or list, got {_named(value)}")
    return list(value)


def stream(name, value):
    """Check that ``value`` can be walked through, event by event."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name}: expected a stream of events, got {_named(value)}")
    return value


def mapping(name, value):
    """Check that ``value`` is a dictionary, or the like."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: expected a dictionary, got {_named(value)}")
    return value


def function(name, value):
    """Check that ``value`` can be called."""
    if not callable(value):
        raise TypeError(f"{name}: expected a function, got {_named(value)}")
    return value


def model(name, value, *verbs):
    """Check that ``value``, a module or an object, has these functions."""
    missing = [verb for verb in verbs if not callable(getattr(value, verb, None))]
    if missing:
        raise TypeError(f"{name}: expected a module or object with {', '.join(verbs)}, got {_named(value)}, "
                        f"which has no {missing[0]}")  # fmt: skip
    return value


def covariance(name, value, size=None, *, definite=True, stack=True):
    """Check a covariance matrix: square, symmetric, positive (semi-)definite.

    Each entry is measured against the variances that it joins, never against the largest entry: a
    variable in small units is as good as one in large units.

    Parameters
    ----------
    name, value
        As for `array`; the last two axes of ``value`` are the matrix, any before them a stack.
    size : int, optional
        The number of rows that is required.
    definite : bool
        Whether every eigenvalue must be above zero (``True``) or only not below it.
    stack : bool
        Whether a stack of matrices is welcome.

    Returns
    -------
    ndarray, shape (..., K, K)
    """
    given = array(name, value)
    wanted = "K" if size is None else size
    square = (given.ndim >= 2 if stack else given.ndim == 2) and given.shape[-1] == given.shape[-2] > 0
    if not square or size not in (None, given.shape[-1]):
        raise ValueError(f"{name}: expected shape {_spell((wanted, wanted))}, got {_spell(given.shape)}")
    if _plainly_definite(given):
        return given
    for index in np.ndindex(given.shape[:-2]):
        place = f"[{', '.join(map(str, index))}]" if index else ""
        _check_covariance(name + place, given[index], definite)
    return given


def probabilities(name, value, shape=None, *, axis=-1):
    """Check probabilities: not negative, and summing to one along ``axis``.

    A matrix whose *other* axis sums to one gets that hint: it was probably given transposed.

    Returns
    -------
    ndarray of float64
    """
    given = array(name, value, shape)
    if given.ndim == 0 or given.shape[axis] == 0:
        raise ValueError(f"{name}: expected at least one probability, got shape {_spell(given.shape)}")
    if (given < 0).any():
        raise ValueError(f"{name}: expected probabilities, got the negative number {given.min():.3g}")
    sums = given.sum(axis)
    if np.abs(sums - 1).max(initial=0.0) > SUM_TOLERANCE:
        worst = float(sums.flat[np.abs(sums - 1).argmax()])
        message = f"{name}: expected {_line(given, axis)} to sum to 1, got a sum of {worst:.6g}"
        if given.ndim == 2 and np.abs(given.sum(1 + axis) - 1).max() <= SUM_TOLERANCE:
            message += f"; every {'row' if axis == 0 else 'column'} does: transpose it"
        raise ValueError(message)
    return given


def observations(name, value, width, *, missing=False, batch=False, single=False):
    """Check observations: samples (or time steps) are rows, each of ``width`` numbers.

    Parameters
    ----------
    width : int
        How many numbers one observation has (D).
    missing : bool
        Whether NaN is allowed.
    batch : bool
        Whether a stack of sequences, shape (B, T, D), is welcome too.
    single : bool
        As for `array`.

    Returns
    -------
    ndarray, shape (N, D), or (B, T, D) where ``batch`` allows it
    """
    given = array(name, value, missing=missing, single=single)
    expected = _spell(("N", width)) + (" or " + _spell(("B", "T", width)) if batch else "")
    if given.ndim == 2 or (batch and given.ndim == 3):
        if given.shape[-1] == width:
            return given
        hint = "; samples are rows: transpose it" if given.ndim == 2 and given.shape[0] == width else ""
    else:
        hint = f"; reshape it to ({given.size}, 1)" if given.ndim == 1 and width == 1 else ""
    raise ValueError(f"{name}: expected shape {expected}, got {_spell(given.shape)}{hint}")


def generator(name, value):
    """Check a source of randomness: a ``numpy.random.Generator``, never a seed or None."""
    if not isinstance(value, np.random.Generator):
        raise ValueError(
            f"{name}: expected a numpy.random.Generator, such as numpy.random.default_rng(0), got {value!r}"
        )
    return value


def count(name, value, minimum=1):
    """Check a whole number that is at least ``minimum``."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not whole or value < minimum:
        raise ValueError(f"{name}: expected a whole number, at least {minimum}, got {value!r}")
    return int(value)


def number(name, value, *, above=None, at_least=None):
    """Check one finite real number, with a lower bound that is excluded or included."""
    given = array(name, value, ())
    if above is not None and not given > above:
        raise ValueError(f"{name}: expected a number above {above}, got {value!r}")
    if at_least is not None and not given >= at_least:
        raise ValueError(f"{name}: expected a number of at least {at_least}, got {value!r}")
    return float(given)


def held(name, value, answer):
    """Check that an answer has no NaN, which is what becomes of numbers so large that they overflow on the way.

    Parameters
    ----------
    name, value
        The argument that was so large.
    answer : array_like
        What was made of it.

    Returns
    -------
    As ``answer``
    """
    if np.isnan(answer).any():
        largest = np.abs(value).max(initial=0.0)
        raise ValueError(f"{name}: expected numbers that do not overflow on the way, got up to {largest:.3g}")
    return answer


def squarable(name, value):
    """Check that the sum of the squares of an array is a number: what is fitted to it is compared by squares."""
    if not np.isfinite(np.vdot(value, value)):
        largest = np.abs(value).max(initial=0.0)
        raise ValueError(f"{name}: expected numbers whose squares do not overflow, got up to {largest:.3g}")
    return value


def option(name, value, options):
    """Check that ``value`` is one of the named options."""
    if not isinstance(value, Hashable) or value not in options:     # arrays compare number by number
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def _plainly_definite(matrices):
    """Whether all are symmetric to the last digit and have a Cholesky root: the usual case, quickly."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return False
    return (matrices == matrices.swapaxes(-1, -2)).all()


def _check_covariance(name, matrix, definite):
    """Refuse one square matrix that is not symmetric, or not positive (semi-)definite."""
    variances = np.diag(matrix)
    if (variances < 0).any():
        worst = int(variances.argmin())
        kind = "definite" if definite else "semi-definite"
        raise ValueError(
            f"{name}: expected a positive {kind} matrix, got the negative variance {variances[worst]:.3g} "
            f"at index ({worst}, {worst})"
        )
    _check_symmetric(name, matrix, variances)
    still = np.flatnonzero((variances == 0) & matrix.any(0))
    if still.size:
        raise ValueError(
            f"{name}: expected no covariance with a variable of variance 0, got {matrix[still[0]]} "
            f"in row {still[0]}"
        )
    # Correlations, so that no unit is large or small; where a variance is zero, so is its row.
    deviations = np.sqrt(np.where(variances > 0, variances, 1.0))
    smallest = np.linalg.eigvalsh((matrix + matrix.T) / 2 / deviations / deviations[:, None])[0]
    if definite and smallest <= 0:
        raise ValueError(
            f"{name}: expected a positive definite matrix, got smallest eigenvalue {smallest:.3g} of its correlations"
        )
    if not definite and smallest < -CORRELATION_TOLERANCE:
        raise ValueError(
            f"{name}: expected a positive semi-definite matrix, got smallest eigenvalue {smallest:.3g} "
            "of its correlations"
        )


def _check_symmetric(name, matrix, variances):
    """Refuse a matrix that is not its own transpose, each entry measured against its two variances."""
    deviations = np.sqrt(variances)
    skew = np.abs(matrix - matrix.T)
    if (skew > SYMMETRY_TOLERANCE * np.outer(deviations, deviations)).any():
        raise ValueError(
            f"{name}: expected a symmetric matrix, got one that differs from its transpose by {skew.max():.2g}"
        )


def _fits(shape, wanted):
    """Whether a shape agrees with the wanted one; a word stands for any length, and always for the same."""
    words = dict(zip(wanted, shape))
    lengths = [words[w] if isinstance(w, str) else w for w in wanted[: len(shape)]]
    return len(shape) == len(wanted) and lengths == list(shape)


def _spell(shape):
    """A shape as a reader writes it: (N, 2)."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _kind(given):
    """The kind of thing an array holds, in words."""
    names = {"b": "booleans", "c": "complex numbers", "U": "text", "S": "bytes", "O": "objects"}
    return names.get(given.dtype.kind, str(given.dtype))


def _named(value):
    """A value as a message names it: a function, class or module by its name, anything else by its class."""
    return getattr(value, "__name__", None) or type(value).__name__


def _line(given, axis):
    """What sums to one: the vector, each row, or each column."""
    if given.ndim == 1:
        return "the entries"
    return "every column" if axis == 0 else "every row"
