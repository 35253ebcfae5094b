"""Section 2.2: filtering and smoothing in a chain, Eqs. 2.35-2.40, by enumerating every path."""

from itertools import product

import numpy as np
import pytest
from compare import assert_frequencies, assert_only_as_printed

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.inference import recursions

T, K, M = 4, 3, 2
RNG = np.random.default_rng(235)
PI = RNG.dirichlet(np.ones(K))
A = RNG.dirichlet(np.ones(K), size=K).T                   # A[i, j] = p(x_t = i | x_{t-1} = j)
E = RNG.dirichlet(np.ones(M), size=K).T                   # E[i, j] = p(y_t = i | x_t = j)
Y = (1, 0, 0, 1)


@pytest.fixture(scope="module")
def joint():
    """p(x_1 ... x_T, y_1 ... y_T) for every path and every observation, axis t for x_t, T + t for y_t."""
    table = np.empty((K,) * T + (M,) * T)
    for x in product(range(K), repeat=T):
        for y in product(range(M), repeat=T):
            p = PI[x[0]] * E[y[0], x[0]]
            for t in range(1, T):
                p *= A[x[t], x[t - 1]] * E[y[t], x[t]]
            table[x + y] = p
    return table


def condition(joint, keep, observed):
    """p(x_keep | y_t for t in observed), from the table alone; axes in the order of ``keep``."""
    index = tuple([slice(None)] * T + [Y[t] if t in observed else slice(None) for t in range(T)])
    table = joint[index]
    table = table.sum(axis=tuple(a for a in range(table.ndim) if a not in keep))
    table = np.transpose(table, np.argsort(np.argsort(keep)))
    return table / table.sum()


def test_eq_2_35(joint):
    # Left: how often each outcome happens when the chain is run. Right: the product. (Two steps.)
    rng = np.random.default_rng(35)
    n = 200_000
    x1 = rng.choice(K, n, p=PI)
    x2, y1, y2 = (np.empty(n, int) for _ in range(3))
    for k in range(K):
        x2[x1 == k] = rng.choice(K, (x1 == k).sum(), p=A[:, k])
    for k in range(K):
        y1[x1 == k] = rng.choice(M, (x1 == k).sum(), p=E[:, k])
        y2[x2 == k] = rng.choice(M, (x2 == k).sum(), p=E[:, k])
    counts = np.bincount(np.ravel_multi_index((x1, x2, y1, y2), (K, K, M, M)), minlength=K * K * M * M)
    factors = np.einsum("a,ba,ca,db->abcd", PI, A, E, E)
    assert_frequencies(counts, factors.ravel(), np.einsum("a,ab,ca,db->abcd", PI, A, E, E).ravel())
    np.testing.assert_allclose(joint.sum(axis=(2, 3, 6, 7)), factors, rtol=1e-12)
    assert joint.sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("t", range(1, T))
def test_eq_2_36(joint, t):
    past = range(t)
    left = condition(joint, [t], past)
    filtered = condition(joint, [t - 1], past)
    right = sum(filtered[j] * A[:, j] for j in range(K))
    assert_only_as_printed(left, right, A.T @ filtered, condition(joint, [t], range(t + 1)))
    np.testing.assert_allclose(categorical.marginalize(Categorical(filtered), Table(A)).probabilities, left)


@pytest.mark.parametrize("t", range(T))
def test_eq_2_37(joint, t):
    left = condition(joint, [t], range(t + 1))
    predicted = condition(joint, [t], range(t))
    numerator = predicted * E[Y[t]]
    assert_only_as_printed(left, numerator / numerator.sum(), numerator, predicted)
    inverted = categorical.invert(Categorical(predicted), Table(E), Y[t])
    np.testing.assert_allclose(inverted.probabilities, left)


@pytest.mark.parametrize("t", range(1, T))
def test_eq_2_38(joint, t):
    pair_all = condition(joint, [t - 1, t], range(T))
    left = pair_all / pair_all.sum(0)                     # p(x_{t-1} | x_t, y_1 ... y_T)
    pair_past = condition(joint, [t - 1, t], range(t))
    assert_only_as_printed(left, pair_past / pair_past.sum(0), pair_all)         # the first equality
    filtered = condition(joint, [t - 1], range(t))
    numerator = filtered[:, None] * A.T
    right = numerator / numerator.sum(0)
    smoothed = condition(joint, [t - 1], range(T))[:, None] * A.T
    assert_only_as_printed(left, right, smoothed / smoothed.sum(0), numerator)
    np.testing.assert_allclose(categorical.invert(Categorical(filtered), Table(A)).probabilities, left)


@pytest.mark.parametrize("t", range(1, T))
def test_eq_2_39(joint, t):
    left = condition(joint, [t - 1], range(T))
    smoothed = condition(joint, [t], range(T))
    pair_past = condition(joint, [t - 1, t], range(t))
    past = pair_past / pair_past.sum(0)
    pair = smoothed * past
    np.testing.assert_allclose(pair, condition(joint, [t - 1, t], range(T)))
    assert_only_as_printed(left, pair.sum(1), past @ condition(joint, [t], range(t)))
    np.testing.assert_allclose(categorical.marginalize(Categorical(smoothed), Table(past)).probabilities, left)


def test_eq_2_40(joint):
    data = joint.sum(axis=tuple(range(T)))
    left = data[Y]
    factors = []
    for t in range(T):
        factors.append(condition(joint, [t], range(t)) @ E[Y[t]])
    marginals = [condition(joint, [t], ()) @ E[Y[t]] for t in range(T)]
    assert_only_as_printed(left, np.prod(factors), np.prod(marginals), np.sum(factors))
    # Each factor is p(y_t | y_1 ... y_{t-1}), by the definition of a conditional.
    for t in range(T):
        upto = data.sum(axis=tuple(range(t + 1, T)))[Y[: t + 1]]
        before = data.sum(axis=tuple(range(t, T)))[Y[:t]]
        assert factors[t] == pytest.approx(upto / before, rel=1e-12)
    events = recursions.filter(categorical, Categorical(PI), Table(A), Table(E), Y)
    total = sum(e.log_likelihood for e in events if isinstance(e, recursions.MeasurementUpdate))
    assert total == pytest.approx(np.log(left), rel=1e-12)


@pytest.mark.parametrize("t", range(1, T))
def test_text_2_2_sixth_computation(joint, t):
    """Inverting fragment C gives p(x_t | x_{t-1}, y_1 ... y_T), which only the present and future data enter."""
    pair = condition(joint, [t - 1, t], range(T))
    left = (pair / pair.sum(1, keepdims=True)).T          # column x_{t-1}
    pair_future = condition(joint, [t - 1, t], range(t, T))
    assert_only_as_printed(left, (pair_future / pair_future.sum(1, keepdims=True)).T, A)
    smoothed = Categorical(condition(joint, [t], range(T)))
    past = categorical.invert(Categorical(condition(joint, [t - 1], range(t))), Table(A))
    right = recursions.invert_backward_step(categorical, smoothed, past).probabilities
    assert_only_as_printed(left, right, A)


def test_text_2_2_posterior_over_sequences(joint):
    left = condition(joint, list(range(T)), range(T))
    right = condition(joint, [0], range(T)).reshape((K,) + (1,) * (T - 1))
    for t in range(1, T):
        pair = condition(joint, [t - 1, t], range(t, T))
        shape = [1] * T
        shape[t - 1] = shape[t] = K
        right = right * (pair / pair.sum(1, keepdims=True)).reshape(shape)
    independent = np.einsum("a,b,c,d->abcd", *(condition(joint, [t], range(T)) for t in range(T)))
    assert_only_as_printed(left, right, independent)


def test_text_2_2_which_fragments_smooth(joint, evidence):
    """A slip: the stages of the smoother invert fragment A, not B, and then marginalize C."""
    gaps = []
    for t in range(1, T):
        smoothed_next = condition(joint, [t], range(T))
        left = condition(joint, [t - 1], range(T))
        pair = condition(joint, [t - 1], range(t)) * A
        fragment_a = pair / pair.sum(1, keepdims=True)                       # p(x_{t-1} | x_t, past): row x_t
        predicted = condition(joint, [t - 1], range(t - 1))
        numerator = predicted * E[Y[t - 1]]
        fragment_b = np.tile(numerator / numerator.sum(), (K, 1))            # the same for every x_t
        assert_only_as_printed(left, smoothed_next @ fragment_a, smoothed_next @ fragment_b, rtol=1e-12)
        np.testing.assert_allclose(smoothed_next @ fragment_b, condition(joint, [t - 1], range(t)))
        gaps.append(np.abs(smoothed_next @ fragment_b - left).max())
    assert 0.05 < max(gaps) < 0.06
    evidence("Text 2.2-a", off=max(gaps))
