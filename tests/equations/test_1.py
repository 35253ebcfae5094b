"""Chapter 1: what the notation of arguments and variables claims."""

from itertools import product

import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Table

RNG = np.random.default_rng(1)


def test_eq_1_1():
    def f(x):
        return x**2

    # Left, with no multiplication: the square of n is the sum of the first n odd numbers.
    arguments = np.arange(2, 60)
    left = [sum(range(1, 2 * n, 2)) for n in arguments]
    fixed = [f(arguments[0])] * len(arguments)            # x taken for one particular number
    assert_only_as_printed(left, [f(x) for x in arguments], fixed, 2 * arguments, arguments**3)
    # And for every x between: its value and its slope at one place, and its curvature everywhere, make it no other.
    x, h = RNG.normal(size=100), 0.5
    bend = lambda g: g(x + h) - 2 * g(x) + g(x - h)
    assert_only_as_printed(np.full(100, 2 * h * h), bend(f), bend(lambda x: x**3), bend(lambda x: 2 * x))
    assert (f(0.0), f(h) - f(-h)) == (0.0, 0.0)


def test_eq_1_2():
    """For every x and y, at the given z; dots paired by position instead of by letter fail."""
    p = RNG.dirichlet(np.ones(3 * 3 * 2)).reshape(3, 3, 2)               # p(x, y, z), x and y of one size
    for z in range(2):
        left = np.array([[p[x, y, z] / p[:, y, z].sum() for y in range(3)] for x in range(3)])
        p_z = p[:, :, z].sum()
        p_x, p_y = p[:, :, z].sum(1) / p_z, p[:, :, z].sum(0) / p_z
        y_given_x = p[:, :, z] / p[:, :, z].sum(1, keepdims=True)
        right = y_given_x * p_x[:, None] / p_y
        assert_only_as_printed(left, right, y_given_x.T * p_x[:, None] / p_y, y_given_x * p_x / p_y)
        inverted = categorical.invert(Categorical(p_x), Table(y_given_x.T))
        np.testing.assert_allclose(inverted.probabilities, left)


def test_eq_1_3_and_1_5():
    """Left: the joint by sampling rules, sliced at y. Right: the product, a function of the states alone."""
    T, K, L = 3, 3, 2
    first = RNG.dirichlet(np.ones(K))
    A, E = RNG.dirichlet(np.ones(K), size=K).T, RNG.dirichlet(np.ones(L), size=K).T
    joint = np.empty((K,) * T + (L,) * T)
    for x in product(range(K), repeat=T):
        path = first[x[0]] * np.prod([A[x[t], x[t - 1]] for t in range(1, T)])
        for y in product(range(L), repeat=T):
            joint[x + y] = path * np.prod([E[y[t], x[t]] for t in range(T)])
    np.testing.assert_allclose(joint.sum(), 1)
    y = (1, 0, 0)
    left = joint[(..., *y)]                                               # a partially evaluated function
    assert left.shape == (K,) * T
    right = np.einsum("a,ba,cb,a,b,c->abc", first, A, A, *(E[value] for value in y))
    reversed_in_time = np.einsum("a,ba,cb,a,b,c->abc", first, A, A, *(E[value] for value in y[::-1]))
    transposed = np.einsum("a,ab,bc,a,b,c->abc", first, A, A, *(E[value] for value in y))
    assert_only_as_printed(left, right, reversed_in_time, transposed)
