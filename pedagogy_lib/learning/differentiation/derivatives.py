"""What a tape is for: gradients, products with the Jacobian, and with the matrix of second derivatives.

`dot` is a building block, and trusts its arguments, which its callers have checked.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.differentiation.tape import Node, Tape, plain, read_backwards


def value_and_gradient(function, at):
    """Compute a number and its gradient.

    Parameters
    ----------
    function : callable
        Of one argument of the structure of ``at``; returns one number. It is written in NumPy: what has a
        rule is listed in `pedagogy_lib.learning.differentiation`.
    at : array_like, or NamedTuple or tuple of them, nested at will
        Where. None stands for a field that is not there.

    Returns
    -------
    value : float
    gradient : the structure of ``at``, each array of the shape of the one that it belongs to (Eq. B.1)

    Raises
    ------
    TypeError
        If the program does something that there is no rule for.
    ValueError
        If what it returns is not one number.
    """
    value, back = pull_back(function, at)
    if np.shape(value) != ():
        raise ValueError(f"function: expected one number, got an array of shape {np.shape(value)}; sum it, perhaps")
    return value, back(np.ones((), plain(value).dtype))


def gradient(function, at):
    """The gradient alone; arguments as for `value_and_gradient`."""
    return value_and_gradient(function, at)[1]


def pull_back(function, at):
    """Compute the value of a function, and what takes a row g from its values to its arguments: g' J.

    Parameters
    ----------
    function : callable
        Of one argument of the structure of ``at``; returns an array.
    at
        As for `value_and_gradient`.

    Returns
    -------
    value : ndarray
    back : callable
        Of an array of the shape of the value; returns the structure of ``at``.
    """
    checks.function("function", function)
    tape = Tape()
    nodes = parameters.each(lambda leaf: Node(_leaf(leaf), tape), at)
    output = function(nodes)
    if isinstance(output, (tuple, list)):
        raise TypeError(f"function: expected it to return an array or a number, got a {type(output).__name__}")
    watched = isinstance(output, Node) and output.tape is tape

    def back(g):
        if np.shape(g) != np.shape(output):
            raise ValueError(f"g: expected shape {np.shape(output)}, as the value has, got {np.shape(g)}")
        found = read_backwards(tape, output, g) if watched else {}
        return parameters.each(lambda node: _own(found.get(id(node), 0.0), node), nodes)

    return (output.value if watched else _number(output)), back


def push_forward(function, at, along):
    """Compute J v: how fast a function's value moves when its argument moves along v.

    The row g' J is linear in g, and its derivative with respect to g, taken back from v, is J v. So
    nothing but the rules for going back is needed.

    Parameters
    ----------
    function, at
        As for `pull_back`.
    along : the structure of ``at``, v

    Returns
    -------
    ndarray, of the shape of the value
    """
    along = _direction(along)
    value, back = pull_back(function, at)
    inner = lambda g: dot(back(g), along)
    return gradient(inner, np.zeros(np.shape(value), plain(value).dtype))


def hessian_product(function, at, along):
    """Compute H v, the matrix of second derivatives times v: the gradient of (gradient' v).

    Parameters
    ----------
    function, at
        As for `value_and_gradient`.
    along : the structure of ``at``, v

    Returns
    -------
    The structure of ``at``.
    """
    along = _direction(along)
    return gradient(lambda x: dot(gradient(function, x), along), at)


def jacobian(function, at):
    """The matrix of first derivatives of a function of one array, row by row.

    Returns
    -------
    ndarray, the shape of the value and then that of ``at``
    """
    value, back = pull_back(function, at)
    shape = np.shape(value)
    rows = [back(row.reshape(shape)) for row in np.eye(int(np.prod(shape)), dtype=plain(value).dtype)]
    return np.stack(rows).reshape(shape + np.shape(at))


def hessian(function, at):
    """The matrix of second derivatives of a function of one array: the Jacobian of its gradient."""
    return jacobian(lambda x: gradient(function, x), at)


def dot(one, other):
    """The sum of products of two structures of equal shapes."""
    first, second = [], []
    parameters.each(first.append, one)
    parameters.each(second.append, other)
    if [np.shape(a) for a in first] != [np.shape(b) for b in second]:
        raise ValueError(
            f"along: expected arrays of shapes {[np.shape(a) for a in first]}, got {[np.shape(b) for b in second]}"
        )
    total = 0.0
    for a, b in zip(first, second):
        total = total + np.sum(a * b)
    return total


def _leaf(value):
    """Where a program begins: a floating-point array, or a value on an outer tape."""
    if isinstance(value, Node):
        return value
    given = checks.numbers("at", value)
    return given if given.dtype.kind == "f" else given.astype(float)


def _direction(along):
    """Numbers to go along; a node of an outer tape is one too."""
    return parameters.each(lambda leaf: leaf if isinstance(leaf, Node) else checks.array("along", leaf), along)


def _own(g, node):
    """A derivative as an array of its own, of the type and shape of what it belongs to."""
    return g if isinstance(g, Node) else np.zeros(np.shape(node), node.dtype) + np.asarray(g, node.dtype)


def _number(value):
    """What a program returned that did nothing with its argument."""
    return value if isinstance(value, Node) else np.asarray(value, float)
