"""Exercises of section 3.1, the harmonium."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _conditionals(joint):
    return joint / joint.sum(0), joint / joint.sum(1, keepdims=True)


def _join_cases(rng):
    return [_conditionals(rng.dirichlet(np.full(K * L, 2.0)).reshape(K, L)) for K, L in ((2, 3), (4, 2), (3, 3))]


def _join_edges():
    """Two that do not know each other."""
    return [_conditionals(np.outer([0.2, 0.8], [0.5, 0.3, 0.2]))]


@task("3.1-a", cases=_join_cases, edges=_join_edges)
def join(up, down):
    """With two arrays of shape (K, L), returning (K, L)."""
    p_y = down[0] / up[0]
    return up * p_y / p_y.sum()


@join.mistake(
    "the product of both",
    "The joint is one conditional times the other variable's marginal, not times the other conditional.",
)
def _(up, down):
    return up * down / (up * down).sum()


@join.mistake(
    "the ratio the wrong way up",
    "Along a row, up / down is one over p(y), up to a constant: which of the two is divided?",
)
def _(up, down):
    p_y = up[0] / down[0]
    return up * p_y / p_y.sum()


@join.mistake("not normalized", "The table is right up to a factor: its sum should be one.")
def _(up, down):
    return up * (down[0] / up[0])


@join.mistake(
    "uniform marginal",
    "You gave y a uniform marginal. Its marginal can be found: look at the ratio of the two conditionals.",
)
def _(up, down):
    return up / up.shape[1]


def _machines(rng, sizes=((2, 3, 5), (4, 6, 3), (3, 2, 4))):
    return [
        (rng.normal(size=(K, D)), rng.normal(size=K), rng.normal(size=D), rng.integers(2, size=(N, D)).astype(float))
        for K, D, N in sizes
    ]


def _nothing():
    """Weights of zero."""
    return (
        np.zeros((2, 3)),
        np.array([1.0, -0.5]),
        np.array([0.5, -1.0, 2.0]),
        np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]),
    )


def _soft(W, b, y):
    return np.logaddexp(0, b + y @ W.T).sum(1)


@task("3.1-b", cases=_machines, edges=lambda: [_nothing()], stars=2)
def marginal_energy(W, b, c, y):
    """With shapes (K, D), (K,), (D,) and (N, D), returning (N,)."""
    return -(y @ c) - _soft(W, b, y)


@marginal_energy.mistake(
    "both of them left",
    "Neither is mended: look at the sign of the logarithm, and at what a hidden unit's natural parameter is made of.",
)
def _(W, b, c, y):
    return -(y @ c) + _soft(W, 0.0, y)


@marginal_energy.mistake("the sign left", "The energy is minus the logarithm of a sum: each hidden unit lowers it.")
def _(W, b, c, y):
    return -(y @ c) + _soft(W, b, y)


@marginal_energy.mistake(
    "the hidden biases left out", "A hidden unit's natural parameter is its bias plus its row of weights times y."
)
def _(W, b, c, y):
    return -(y @ c) - _soft(W, 0.0, y)


@marginal_energy.mistake(
    "the whole sign turned", "That is the logarithm of the unnormalized marginal, minus the energy."
)
def _(W, b, c, y):
    return y @ c + _soft(W, b, y)


def _ink_cases(rng):
    return [(*one, int(rng.integers(one[0].shape[1]))) for one in _machines(rng)]


def _ink_edges():
    """The last pixel, and weights of zero."""
    return [(*_nothing(), 2)]


def _with(y, d, value):
    full = y.copy()
    full[:, d] = value
    return full


def _gap(W, b, c, y, d):
    """The marginal energy with the pixel white, less that with the pixel black."""
    return marginal_energy.solution(W, b, c, _with(y, d, 0.0)) - marginal_energy.solution(W, b, c, _with(y, d, 1.0))


@task("3.1-c", cases=_ink_cases, edges=_ink_edges, stars=2)
def probability_of_ink(W, b, c, y, d):
    """With shapes (K, D), (K,), (D,), (N, D) and a number, returning (N,)."""
    return 1 / (1 + np.exp(-_gap(W, b, c, y, d)))


@probability_of_ink.mistake(
    "white for black", "That is the probability that the pixel is white: the lower energy is the likelier."
)
def _(W, b, c, y, d):
    return 1 / (1 + np.exp(_gap(W, b, c, y, d)))


@probability_of_ink.mistake(
    "one reconstruction",
    "That is one sweep of means. The exact answer compares two marginal energies.",
)
def _(W, b, c, y, d):
    x = 1 / (1 + np.exp(-b - y @ W.T))
    return 1 / (1 + np.exp(-(c + x @ W)))[:, d]


@probability_of_ink.mistake("not a probability", "That is the log odds. Turn it into a probability.")
def _(W, b, c, y, d):
    return _gap(W, b, c, y, d)


@probability_of_ink.mistake(
    "the pixel's own bias only", "The other pixels say something about this one, through the hidden units."
)
def _(W, b, c, y, d):
    return np.full(len(y), 1 / (1 + np.exp(-c[d])))
