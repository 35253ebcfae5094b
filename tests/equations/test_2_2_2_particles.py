"""Section 2.2.2, sampling-based approaches: Eqs. 2.56-2.61.

What samples claim is checked by counting them against a die, where every belief is exact. What is
computed on given samples is checked against Bayes' theorem and enumeration on their finite support.
"""

import numpy as np
import pytest
from compare import assert_frequencies, assert_only_as_printed

from pedagogy_lib.inference import particles
from pedagogy_lib.inference.particles import MeasurementUpdate, Model, TimeUpdate

PI = np.array([0.5, 0.2, 0.3])
A = np.array([[0.8, 0.1, 0.3], [0.1, 0.7, 0.3], [0.1, 0.2, 0.4]])   # A[i, j] = p(x_t = i | x_{t-1} = j)
E = np.array([[0.7, 0.2, 0.4], [0.3, 0.8, 0.6]])                    # E[i, j] = p(y_t = i | x_t = j)
Y = (0, 1, 1, 0)
I = 40_000


def faces(p, rng):
    """One face for each row of probabilities."""
    return (rng.random(len(p))[:, None] > np.cumsum(p, 1)[:, :-1]).sum(1)[:, None].astype(float)


DIE = Model(
    lambda n, rng: faces(np.tile(PI, (n, 1)), rng),
    lambda x, t, rng: faces(A.T[x[:, 0].astype(int)], rng),
    lambda x, y, t: np.log(E[int(y[0]), x[:, 0].astype(int)]),
    lambda after, before, t: np.log(A[after[..., 0].astype(int), before[..., 0].astype(int)]),
)


def posterior(t, upto):
    """p(x_t | y_1 ... y_upto) by enumerating all paths of a die; t counts from 0."""
    table = PI
    for s in range(max(t, upto - 1) + 1):
        if s > 0:
            table = table[..., None] * A.T
        if s < upto:
            table = table * E[Y[s]]
    marginal = table.sum(tuple(a for a in range(table.ndim) if a != t))
    return marginal / marginal.sum()


def shares(x, weights):
    """The weight on each face."""
    return np.array([weights[x[:, 0] == k].sum() for k in range(3)])


def run(n, seed=0):
    y = np.array(Y, float)[:, None]
    return list(particles.steps(DIE, y, n, np.random.default_rng(seed), "multinomial"))


@pytest.fixture(scope="module")
def many():
    return run(I)


@pytest.fixture(scope="module")
def few():
    """A dozen particles and what was made of them: t -> (particles, alpha), and beta."""
    y = np.array(Y, float)[:, None]
    found = particles.filter(DIE, y, 12, np.random.default_rng(3), "multinomial")
    return found, particles.smooth(DIE, found)


def test_eq_2_56(many):
    """Filter and smoother are dice whose sides are particles: in the limit, and with error 1/sqrt(I)."""
    y = np.array(Y, float)[:, None]
    for event in (e for e in many if isinstance(e, MeasurementUpdate)):
        exact = posterior(event.t, event.t + 1)
        assert np.abs(shares(event.particles, event.weights) - exact).max() < 6 / np.sqrt(I)
        unweighted = shares(event.particles, np.full(I, 1 / I))
        assert np.abs(unweighted - exact).max() > 6 / np.sqrt(I)                # alpha is needed
    found = particles.filter(DIE, y, 1500, np.random.default_rng(1), "multinomial")
    beta = particles.smooth(DIE, found)
    for t in range(len(Y)):
        exact = posterior(t, len(Y))
        assert np.abs(shares(found.particles[t], beta[t]) - exact).max() < 3 / np.sqrt(1500)
    first = shares(found.particles[0], found.weights[0])
    assert np.abs(first - posterior(0, len(Y))).max() > 3 / np.sqrt(1500)       # alpha is not beta


@pytest.mark.parametrize("t", range(1, len(Y)))
def test_eq_2_57(many, t):
    """An ancestor is drawn by alpha, and its successor by the transition from that ancestor."""
    before, move = many[2 * t - 1], many[2 * t]
    assert isinstance(before, MeasurementUpdate) and isinstance(move, TimeUpdate)
    old = before.particles[move.ancestors, 0].astype(int)
    alpha = shares(before.particles, before.weights)
    uniform = shares(before.particles, np.full(I, 1 / I))
    assert_frequencies(np.bincount(old, minlength=3), alpha, uniform)
    new = move.particles[:, 0].astype(int)
    for j in range(3):
        counts = np.bincount(new[old == j], minlength=3)
        assert_frequencies(counts, A[:, j], A[j] / A[j].sum() if j else A[:, 1])


@pytest.mark.parametrize("t", range(len(Y)))
def test_eq_2_58(many, t):
    """After a time update all weights are 1/I, and that die is the prediction."""
    event = many[2 * t]
    assert_only_as_printed(np.full(I, 1 / I), event.weights, many[2 * t + 1].weights)
    counts = I * shares(event.particles, event.weights)
    assert_frequencies(counts, posterior(t, t), posterior(t, t + 1))


@pytest.mark.parametrize("t", range(len(Y)))
def test_eq_2_59(few, t):
    """Bayes' theorem on the support: the joint table of side and datum, and its column at y_t."""
    found, _ = few
    x = found.particles[t, :, 0].astype(int)
    joint = np.array([[(1 / 12) * E[datum, face] for datum in (0, 1)] for face in x])
    assert joint.sum() == pytest.approx(1)
    left = joint[:, Y[t]] / joint[:, Y[t]].sum()
    emission = E[Y[t], x]
    right = emission / emission.sum()                                           # 1/I has canceled
    other = E[1 - Y[t], x]
    assert_only_as_printed(left, right, other / other.sum(), emission, emission / 12)
    assert_only_as_printed(left, found.weights[t], np.full(12, 1 / 12))


def pairs(found, t):
    """p(x_{t-1} = side j, x_t = face i | y_1 ... y_{t-1}): the mixture model of fragment A, shape (3, 12)."""
    before = found.particles[t - 1, :, 0].astype(int)
    return np.array([[found.weights[t - 1, j] * A[i, before[j]] for j in range(12)] for i in range(3)])


@pytest.mark.parametrize("t", range(1, len(Y)))
def test_eq_2_60(few, t):
    found, _ = few
    table = pairs(found, t)
    assert table.sum() == pytest.approx(1)
    before = found.particles[t - 1, :, 0].astype(int)
    for face in range(3):
        left = table[face] / table[face].sum()
        terms = found.weights[t - 1] * A[face, before]
        right = terms / sum(found.weights[t - 1, i] * A[face, before[i]] for i in range(12))
        no_prior = A[face, before] / A[face, before].sum()
        turned = found.weights[t - 1] * A[before, face]
        assert_only_as_printed(left, right, no_prior, terms, turned / turned.sum())


def test_eq_2_61(few):
    """The backward step against one sum over all 12^4 sequences of sides."""
    found, beta = few
    x, alpha = found.particles[:, :, 0].astype(int), found.weights
    # The chain run backwards: beta_T, then future conditioning at every step, as one big table.
    table = alpha[-1]
    for t in range(len(Y) - 1, 0, -1):
        past = pairs(found, t)[x[t]]                                            # (k, j): given side k's face
        past = past / past.sum(1, keepdims=True)
        table = table[..., None] * past.reshape((1,) * (table.ndim - 1) + past.shape)
    T = len(Y)
    for t in range(T):
        left = table.sum(tuple(a for a in range(T) if a != T - 1 - t))          # axes run backwards
        if t == T - 1:
            assert_only_as_printed(left, beta[t], alpha[t - 1])                 # beta_T = alpha_T
            continue
        moves = A[x[t + 1][:, None], x[t]]                                      # (k, j)
        predicted = moves @ alpha[t]
        right = sum(beta[t + 1, k] * alpha[t] * moves[k] / predicted[k] for k in range(12))
        undivided = alpha[t] * (beta[t + 1] @ moves)
        assert_only_as_printed(left, right, alpha[t], undivided, undivided / undivided.sum())
        assert_only_as_printed(left, beta[t], alpha[t])
