"""Exercises of section 5.1.3: networks and backpropagation."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _hinges_cases(rng):
    knots = np.cumsum(rng.uniform(0.3, 2, 6)) - 3
    return [(knots, rng.normal(size=6)), (np.array([0.0, 1.0, 3.0]), np.array([2.0, 1.0, 5.0]))]


def _hinges_edges():
    """A straight line is one hinge, open everywhere."""
    return [(np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 9.0]))]


@task("5.1.3-a", cases=_hinges_cases, edges=_hinges_edges)
def heights(knots, values):
    """With shapes (K + 1,) and (K + 1,), returning (K,)."""
    return np.diff(np.diff(values) / np.diff(knots), prepend=0.0)


@heights.mistake(
    "the slopes of the pieces",
    "A hinge that has opened stays open. On the third piece three hinges add up, so that each needs only to bring the "
    "*change* of the slope.",
)
def _(knots, values):
    return np.diff(values) / np.diff(knots)


@heights.mistake(
    "differences of values", "A slope is a difference of values divided by the distance of the knots. Divide first."
)
def _(knots, values):
    return np.diff(np.diff(values), prepend=0.0)


@heights.mistake(
    "rises where slopes are wanted",
    "These are differences of values. Divide by the distances, and take differences again.",
)
def _(knots, values):
    return np.diff(values)


@heights.mistake(
    "the sign is turned round",
    "A hinge bends the function *up* where the slope after the knot is larger than before it.",
)
def _(knots, values):
    return -np.diff(np.diff(values) / np.diff(knots), prepend=0.0)


@heights.mistake(
    "the first slope counted from the first value",
    "The value at the first knot is given to you as a constant. The first hinge has the slope of the first piece.",
)
def _(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    return np.diff(slopes, prepend=values[0])


def _backprop_cases(rng):
    return [
        (rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=(2, 2)), rng.normal(size=2),
         rng.normal(size=(7, 3)), rng.normal(size=(7, 2))),
        (rng.normal(size=(3, 1)), rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3),
         rng.normal(size=(4, 1)), rng.normal(size=(4, 3))),
    ]


def _backprop(D1, d1, D2, d2, y, x, transposed=True, of_output=True, mean=True, slope=True):
    z = np.tanh(y @ D1.T + d1)
    b2 = (z @ D2.T + d2 - x) / (len(y) if mean else 1)
    back = b2 @ (D2 if transposed else D2.T)
    b1 = back * (1 - (z if of_output else np.tanh(z)) ** 2) if slope else back
    return b1.T @ y, b1.sum(0), b2.T @ z, b2.sum(0)


@task("5.1.3-b", cases=_backprop_cases, stars=2, parts=("dS/dD1", "dS/dd1", "dS/dD2", "dS/dd2"))
def backprop(D1, d1, D2, d2, y, x):
    """With shapes (H, M), (H,), (K, H), (K,), (N, M), (N, K). Return four arrays, shaped as the parameters."""
    return _backprop(D1, d1, D2, d2, y, x)


@backprop.mistake(
    "both bugs are still there",
    "This is the colleague's answer. The gradients of the second layer are right. Compare those of the first with "
    "differences of the loss, and look at the two lines between.",
)
def _(D1, d1, D2, d2, y, x):
    return _backprop(D1, d1, D2, d2, y, x, transposed=False, of_output=False)


@backprop.mistake(
    "the message goes through the wrong matrix",
    "Samples are rows, so that forward there is z @ D2.T. Backward it must be the other one (Eq. 5.16, with its "
    "transpose): b2 @ D2.",
)
def _(D1, d1, D2, d2, y, x):
    return _backprop(D1, d1, D2, d2, y, x, transposed=False)


@backprop.mistake(
    "the slope is taken at the wrong place",
    "z is tanh(u) already, and the slope is 1 - tanh(u)^2. Another tanh is one too many.",
)
def _(D1, d1, D2, d2, y, x):
    return _backprop(D1, d1, D2, d2, y, x, of_output=False)


@backprop.mistake("a sum for a mean", "The loss is a mean over the samples: keep the division by their number.")
def _(D1, d1, D2, d2, y, x):
    return _backprop(D1, d1, D2, d2, y, x, mean=False)


@backprop.mistake(
    "no slope at all", "You left out J: the message must be multiplied by the slope of the hidden units (Eq. 5.16)."
)
def _(D1, d1, D2, d2, y, x):
    return _backprop(D1, d1, D2, d2, y, x, slope=False)


def _tied_cases(rng):
    return [(rng.normal(size=(2, 4)), rng.normal(size=(9, 4))), (rng.normal(size=(3, 2)), rng.normal(size=(5, 2)))]


def _tied(D, y, down=1.0, up=1.0, mean=True, slope=True):
    z = np.tanh(y @ D.T)
    b2 = (z @ D - y) / (len(y) if mean else 1)
    b1 = b2 @ D.T * ((1 - z**2) if slope else 1)
    return up * b1.T @ y + down * z.T @ b2


@task("5.1.3-c", cases=_tied_cases, stars=2)
def tied_gradient(D, y):
    """With shapes (H, M) and (N, M), returning (H, M)."""
    return _tied(D, y)


@tied_gradient.mistake(
    "only the second use of D",
    "This is the derivative through the output. The same D also made the hidden units: add that path's gradient.",
)
def _(D, y):
    return _tied(D, y, up=0.0)


@tied_gradient.mistake(
    "only the first use of D",
    "This is the derivative through the hidden units. The same D also made the output: add that path's gradient.",
)
def _(D, y):
    return _tied(D, y, down=0.0)


@tied_gradient.mistake(
    "the mean of both paths", "What a weight does by two paths adds up (total derivative). It is not averaged."
)
def _(D, y):
    return _tied(D, y, 0.5, 0.5)


@tied_gradient.mistake("a sum for a mean", "The loss is a mean over the samples: divide by their number.")
def _(D, y):
    return _tied(D, y, mean=False)


@tied_gradient.mistake("no slope", "The hidden units are tanh: the message back must be multiplied by 1 - z^2.")
def _(D, y):
    return _tied(D, y, slope=False)
