"""Read what a student returned, strictly: numbers are taken, and nothing is made into a number that is none."""

from typing import NamedTuple

import numpy as np


class Read(NamedTuple):
    """An answer as float arrays, or in words why it cannot be read.

    parts : tuple of ndarray
    problem : str or None
    single : bool, whether some of it was in single precision
    """

    parts: tuple = ()
    problem: str | None = None
    single: bool = False


def parts_of(expected):
    """The correct answer as a tuple of parts, one if it is not a tuple."""
    return tuple(expected) if isinstance(expected, tuple) else (expected,)


def read(given, expected, names=()):
    """Read an answer that should be like the correct one.

    Parameters
    ----------
    given : object
    expected : array_like or tuple of array_like
    names : sequence of str
        What the parts are called.

    Returns
    -------
    Read
    """
    if given is None or given is Ellipsis:
        return Read(problem="Nothing was returned yet.")
    wanted = parts_of(expected)
    if len(wanted) == 1:
        return _merge([_number("Your answer", given)])
    try:
        pieces = list(given) if isinstance(given, (tuple, list, np.ndarray)) else None
    except Exception:
        pieces = None
    if pieces is None or len(pieces) != len(wanted):
        came = "one value" if pieces is None else f"{len(pieces)} of them"
        called = f" ({', '.join(names)})" if names else ""
        return Read(problem=f"The answer should be {len(wanted)} things{called}, returned together; yours is {came}.")
    titles = [f"The {name}" for name in names] or [f"Part {number}" for number in range(1, len(wanted) + 1)]
    return _merge([_number(title, piece) for title, piece in zip(titles, pieces)])


def _merge(pieces):
    problem = next((piece.problem for piece in pieces if piece.problem), None)
    if problem:
        return Read(problem=problem)
    return Read(tuple(piece.parts[0] for piece in pieces), None, any(piece.single for piece in pieces))


def _number(title, given):
    """Read one array of numbers, or truth values, or whole numbers."""
    if isinstance(given, np.ma.MaskedArray):
        return Read(problem=f"{title} is a masked array. Return an ordinary one, with NaN where a value is missing.")
    if callable(given):
        return Read(problem=f"{title} is a function. Return what it returns: is a pair of brackets missing?")
    try:
        array = np.asarray(given)
    except Exception:
        return Read(problem=f"{title} cannot be read as an array of numbers (it is a {type(given).__name__}).")
    if array.dtype.kind in "US" or (array.dtype == object and any(isinstance(v, (str, bytes)) for v in array.flat)):
        return Read(problem=f"{title} is text. Return numbers, not their digits.")
    if array.dtype.kind == "c":
        if np.any(array.imag != 0):
            return Read(problem=f"{title} has an imaginary part, and the correct answer is real.")
        array = array.real
    if array.dtype.kind not in "biuf":
        try:
            array = np.array([float(value) for value in array.flat]).reshape(array.shape)
        except Exception:
            return Read(
                problem=f"{title} is no array of numbers: do its rows differ in length, or is a number too large?"
            )
    return Read((array.astype(float),), None, array.dtype in (np.float32, np.float16))
