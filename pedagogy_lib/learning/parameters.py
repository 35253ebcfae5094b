"""The parameters of a model as one vector, and back.

A model names its parameters: they are a NamedTuple of arrays, and a field may be such a NamedTuple
itself, or a tuple of them (the layers of a network). A method that descends wants one vector. Both
can have the same numbers in the same place: the arrays are *views* into the vector, so that a step
of the vector is a step of every array, and nothing is copied.

All numbers of one set of parameters have one type, float64 or float32, and keep it.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Flat(NamedTuple):
    """The same numbers twice over: what is written into one stands in the other.

    vector : ndarray, shape (size,)
    params : the parameters, whose arrays are views into the vector
    """

    vector: np.ndarray
    params: Any


def leaves(params, name="params"):
    """List the arrays of the parameters, each with its name, in the order of the fields.

    Parameters
    ----------
    params : array_like, or NamedTuple or tuple of them, as deep as you like
        None stands for a field that the model goes without, and has no leaves.
    name : str
        What the whole is called.

    Returns
    -------
    list of (str, array_like)
        Such as ``("params.layers[0].weights", W)``.

    Raises
    ------
    TypeError
        If something in it is neither an array or a number, nor a tuple, nor None.
    """
    if params is None:
        return []
    if isinstance(params, tuple):
        found = zip(_names(params, name), params)
        return [leaf for inner, value in found for leaf in leaves(value, inner)]
    if not isinstance(params, (np.ndarray, np.number, float, int)) or isinstance(params, bool):
        raise TypeError(
            f"{name}: expected an array, a number, or a NamedTuple or tuple of them, got {type(params).__name__}"
        )
    return [(name, params)]


def held(params, answer, name="params"):
    """Check that an answer has no NaN, which is what becomes of parameters so large that they overflow on the way.

    Parameters
    ----------
    params, name
        As for `leaves`.
    answer : array_like
        What was made of them.

    Returns
    -------
    As ``answer``
    """
    if np.isnan(answer).any():
        inner, value = max(leaves(params, name), key=lambda leaf: np.abs(leaf[1]).max(initial=0.0))
        checks.held(inner, value, answer)
    return answer


def flatten(params, name="params"):
    """Copy the parameters into one vector, and view the vector as the parameters.

    Parameters
    ----------
    params, name
        As for `leaves`. Whole numbers and Python's own numbers take the type of the rest.

    Returns
    -------
    Flat

    Raises
    ------
    ValueError
        If there is no number in it, a number is not finite, or float32 and float64 are mixed.
    TypeError
        As for `leaves`.
    """
    found = [(inner, checks.numbers(inner, value)) for inner, value in leaves(params, name)]
    vector = np.empty(sum(value.size for _, value in found), _common_type(found, name))
    if vector.size == 0:
        raise ValueError(f"{name}: expected at least one parameter, got none")
    for inner, value in found:
        checks.array(inner, value)                          # finite
    copy(params, vector, name)
    return Flat(vector, view(vector, params))


def copy(params, vector, name="params"):
    """Copy the parameters, or a gradient of their shape, into a vector.

    Parameters
    ----------
    params, name
        As for `leaves`.
    vector : ndarray, shape (size,)
        Is written to.
    """
    parts, start = leaves(params, name), 0
    if np.shape(vector) != (sum(np.size(value) for _, value in parts),):
        size = sum(np.size(value) for _, value in parts)
        raise ValueError(f"vector: expected shape ({size},), one number for each of {name}, got {np.shape(vector)}")
    for _, value in parts:
        size = np.size(value)
        vector[start : start + size] = np.ravel(value)
        start += size


def view(vector, like):
    """View a vector as parameters.

    Parameters
    ----------
    vector : ndarray, shape (size,)
    like : the parameters whose structure it shall have

    Returns
    -------
    The same structure; its arrays are views into the vector.
    """
    seen, used = _view(vector, like, 0)
    if used != np.size(vector):
        raise ValueError(f"vector: expected {used} numbers, as many as the parameters have, got {np.size(vector)}")
    return seen


def detach(params):
    """Copy the parameters, so that later steps do not move them."""
    return each(np.copy, params)


def each(function, params):
    """Apply a function to each array of the parameters.

    Returns
    -------
    The same structure, with what the function returned in the place of the arrays.
    """
    if params is None:
        return None
    if not isinstance(params, tuple):
        return function(params)
    return _like(params, [each(function, value) for value in params])


def check_same_shapes(params, like, name):
    """Refuse parameters (a gradient, say) of another structure than ``like``, naming the field.

    Raises
    ------
    ValueError
        If a field is missing, or has another shape.
    """
    given, wanted = leaves(params, name), leaves(like, name)
    if [inner for inner, _ in given] != [inner for inner, _ in wanted]:
        raise ValueError(
            f"{name}: expected {', '.join(inner for inner, _ in wanted)}, "
            f"got {', '.join(inner for inner, _ in given) or 'nothing'}"
        )
    for (inner, value), (_, model) in zip(given, wanted):
        if np.shape(value) != np.shape(model):
            raise ValueError(f"{inner}: expected shape {np.shape(model)}, got {np.shape(value)}")


def rows(y, index):
    """Take some of the observations, from one array or from several that belong together.

    Parameters
    ----------
    y : ndarray, shape (N, ...), or NamedTuple or tuple of them
    index : array_like of int

    Returns
    -------
    The same structure.
    """
    return each(lambda values: values[index], y)


def _like(params, values):
    """A tuple of the same class; one without entries is itself, with whatever settings it has."""
    if not params:
        return params
    return type(params)(*values) if hasattr(params, "_fields") else tuple(values)


def _names(params, name):
    """What the entries of a tuple are called."""
    if hasattr(params, "_fields"):
        return [f"{name}.{field}" for field in params._fields]
    return [f"{name}[{i}]" for i in range(len(params))]


def _view(vector, like, start):
    """The parameters that begin at ``start``, and where the next begin."""
    if like is None:
        return None, start
    if isinstance(like, tuple):
        values = []
        for inner in like:
            value, start = _view(vector, inner, start)
            values.append(value)
        return _like(like, values), start
    stop = start + np.size(like)
    return vector[start:stop].reshape(np.shape(like)), stop


def _common_type(found, name):
    """float32 if that is what the arrays are, else float64; never both."""
    floats = [(inner, value) for inner, value in found if value.dtype.kind == "f" and value.ndim]
    for inner, value in floats:
        if value.dtype not in FLOATS:
            raise ValueError(f"{inner}: expected float64 or float32, got {value.dtype}")
        if value.dtype != floats[0][1].dtype:
            raise ValueError(
                f"{inner}: expected {floats[0][1].dtype} as in {floats[0][0]}, got {value.dtype}; "
                "give all parameters one type"
            )
    return floats[0][1].dtype if floats else np.dtype(np.float64)
