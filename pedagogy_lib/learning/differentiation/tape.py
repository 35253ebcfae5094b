"""The tape: a program is run once while its operations are written down, then read backwards.

Each operation comes with the derivative of its result with respect to each of its arguments, as a rule
that takes dS/d(result) to dS/d(argument), S being the number at the program's end. The chain rule for
column vectors collects factors from the left (section B.1.1), so that going back, each rule needs only
what the rules after it have found.

The rules are programs of the same kind. Run on plain arrays they give numbers; run on values that
another tape is watching, they are written down too. That is all there is to second derivatives.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section B.1.
"""

from itertools import count

import numpy as np

_numbers = count(1)


class Tape:
    """A list of values in the order in which they were computed. Tapes are numbered: the inner one is the later."""

    def __init__(self):
        self.number, self.nodes = next(_numbers), []


class Node:
    """A value on a tape; behaves as the array that it holds.

    value : ndarray, or a Node of an earlier tape
    tape : Tape
    operation, arguments, settings : what it was computed by; None where the program began
    parents : tuple of (int, Node), which of the arguments stand on this tape, and their nodes
    """

    def __init__(self, value, tape, operation=None, arguments=(), settings=None, parents=()):
        self.value, self.tape, self.operation = value, tape, operation
        self.arguments, self.settings, self.parents = arguments, settings, parents
        tape.nodes.append(self)

    shape = property(lambda self: np.shape(plain(self)))
    ndim = property(lambda self: np.ndim(plain(self)))
    size = property(lambda self: np.size(plain(self)))
    dtype = property(lambda self: np.asarray(plain(self)).dtype)
    T = property(lambda self: np.transpose(self))

    # Arithmetic is left to NumPy, and NumPy hands it to the two methods after next.
    __add__ = lambda self, other: np.add(self, other)
    __radd__ = lambda self, other: np.add(other, self)
    __sub__ = lambda self, other: np.subtract(self, other)
    __rsub__ = lambda self, other: np.subtract(other, self)
    __mul__ = lambda self, other: np.multiply(self, other)
    __rmul__ = lambda self, other: np.multiply(other, self)
    __truediv__ = lambda self, other: np.divide(self, other)
    __rtruediv__ = lambda self, other: np.divide(other, self)
    __pow__ = lambda self, other: np.power(self, other)
    __rpow__ = lambda self, other: np.power(other, self)
    __matmul__ = lambda self, other: np.matmul(self, other)
    __rmatmul__ = lambda self, other: np.matmul(other, self)
    __neg__ = lambda self: np.negative(self)
    __abs__ = lambda self: np.abs(self)
    # Comparisons are true or false, and have no derivative.
    __lt__ = lambda self, other: plain(self) < plain(other)
    __le__ = lambda self, other: plain(self) <= plain(other)
    __gt__ = lambda self, other: plain(self) > plain(other)
    __ge__ = lambda self, other: plain(self) >= plain(other)
    __eq__ = lambda self, other: plain(self) == plain(other)
    __ne__ = lambda self, other: plain(self) != plain(other)
    __hash__ = object.__hash__

    __len__ = lambda self: len(plain(self))
    __iter__ = lambda self: (self[i] for i in range(len(self)))
    __getitem__ = lambda self, index: OPERATIONS["getitem"](self, index=index)
    reshape = lambda self, *shape: np.reshape(self, shape[0] if len(shape) == 1 else shape)
    sum = lambda self, axis=None, keepdims=False: np.sum(self, axis=axis, keepdims=keepdims)
    mean = lambda self, axis=None, keepdims=False: np.mean(self, axis=axis, keepdims=keepdims)

    def __array_ufunc__(self, function, method, *arguments, **settings):
        """NumPy calls this for np.exp, np.add and the like."""
        if method != "__call__" or settings:
            asked = f".{method}" if method != "__call__" else f" with {', '.join(settings)}"
            raise TypeError(f"np.{function.__name__}{asked}: a tape cannot follow this; write it as a plain call")
        return _rule(function)(*arguments)

    def __array_function__(self, function, types, arguments, settings):
        """NumPy calls this for np.sum, np.concatenate, np.linalg.solve and the like."""
        return _rule(function)(*arguments, **settings)

    def __array__(self, *_, **__):
        raise TypeError(
            "a value on a tape was to become a plain array, and its derivative would be lost; use np.stack for a "
            "list of such values, and functions that `differentiation` has a rule for"
        )

    def __bool__(self):
        raise TypeError("a value on a tape is neither true nor false; compare it with a number")

    def __setitem__(self, index, value):
        raise TypeError("a value on a tape cannot be written into; use np.where, np.concatenate or np.stack")


#: What there is a rule for: NumPy's function, or a name, and our operation.
OPERATIONS = {}


def _rule(function):
    if function not in OPERATIONS:
        raise TypeError(f"{function.__name__}: a tape has no rule for it; see `pedagogy_lib.learning.differentiation`")
    return OPERATIONS[function]


def operation(function, *rules, named=None):
    """Make an operation of a function of arrays and the rules that take derivatives back through it.

    Parameters
    ----------
    function : callable
        Of one or more arrays, and of settings that are given by name.
    *rules : callables, one for each array
        ``rule(g, y, *arrays, **settings)``, with y the result and g = dS/dy, returns dS/d(array). It is
        written in operations that have rules. Where it has more axes than the array, because the array
        was broadcast, the sum is taken.
    named : optional
        NumPy's function for this, if it is not the first argument.

    Returns
    -------
    callable
    """

    def perform(*arguments, **settings):
        return _apply((function, rules), arguments, settings)

    perform.__name__ = perform.__qualname__ = function.__name__
    OPERATIONS[function if named is None else named] = perform
    return perform


def _apply(operation, arguments, settings):
    """Compute one level deeper, then write the result on the latest tape of the arguments."""
    tape = max((one.tape for one in arguments if isinstance(one, Node)), key=lambda one: one.number, default=None)
    if tape is None:
        return operation[0](*arguments, **settings)
    on_it = [isinstance(one, Node) and one.tape is tape for one in arguments]
    inner = tuple(one.value if here else one for one, here in zip(arguments, on_it))
    parents = tuple((i, one) for i, (one, here) in enumerate(zip(arguments, on_it)) if here)
    return Node(_apply(operation, inner, settings), tape, operation, inner, settings, parents)


def read_backwards(tape, output, g):
    """Find dS/d(node) for every node at which the program began, given g = dS/d(output).

    Returns
    -------
    dict from id(node) to its derivative
    """
    found = {id(output): g}
    for node in reversed(tape.nodes):
        if node.operation is None or id(node) not in found:
            continue
        g, (_, rules) = found.pop(id(node)), node.operation
        for i, parent in node.parents:
            part = fit(rules[i](g, node.value, *node.arguments, **node.settings), np.shape(parent.value))
            # What a value does by several ways adds up.
            found[id(parent)] = found[id(parent)] + part if id(parent) in found else part
    return found


def fit(g, shape):
    """Sum over the axes along which an array of this shape was broadcast; its copies moved together."""
    if np.shape(g) == shape:
        return g
    extra = np.ndim(g) - len(shape)
    if extra > 0:
        g = np.sum(g, axis=tuple(range(extra)))
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and np.shape(g)[i] != 1)
    return np.sum(g, axis=axes, keepdims=True) if axes else g


def plain(value):
    """The array at the bottom of it, off every tape."""
    while isinstance(value, Node):
        value = value.value
    return value
