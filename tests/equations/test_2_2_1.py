"""Section 2.2.1: the alpha-gamma algorithm, Eqs. 2.41-2.44, by enumerating every path."""

from itertools import product

import numpy as np
import pytest
from compare import assert_only_as_printed

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.inference import discrete

T, K, M = 4, 3, 2
RNG = np.random.default_rng(241)
PI = RNG.dirichlet(np.ones(K))
A = RNG.dirichlet(np.ones(K), size=K).T                   # A[i, j] = p(x_t = i | x_{t-1} = j)
E = RNG.dirichlet(np.ones(M), size=K).T                   # E[i, j] = p(y_t = i | x_t = j)
Y = (1, 0, 0, 1)
LOGS = np.log(E[list(Y)])
ALPHA = discrete.alpha_unnormalized(PI, A, LOGS)
GAMMA = discrete.filter_and_smooth(PI, A, LOGS)[1].probabilities


def joint(upto):
    """p(x_1 ... x_upto, y_1 ... y_upto) of every path: Eq. 2.35, factor by factor."""
    table = np.empty((K,) * upto)
    for x in product(range(K), repeat=upto):
        table[x] = PI[x[0]] * E[Y[0], x[0]]
        for t in range(1, upto):
            table[x] *= A[x[t], x[t - 1]] * E[Y[t], x[t]]
    return table


def last(table):
    return table.sum(axis=tuple(range(table.ndim - 1)))


def posterior(*keep):
    """p(x_keep | y_1 ... y_T), from the table alone."""
    table = joint(T)
    return table.sum(axis=tuple(t for t in range(T) if t not in keep)) / table.sum()


@pytest.mark.parametrize("t", range(1, T))
def test_eq_2_41(t):
    left = last(joint(t + 1))
    before = last(joint(t))
    right = np.array([sum(before[j] * A[i, j] * E[Y[t], i] for j in range(K)) for i in range(K)])
    forgot_the_data = A @ before
    assert_only_as_printed(left, right, A.T @ before * E[Y[t]], forgot_the_data, right / right.sum())
    assert_only_as_printed(left, ALPHA[t], ALPHA[t - 1])


@pytest.mark.parametrize("t", range(T))
def test_eq_2_42(t):
    left = last(joint(t + 1))
    filtered = discrete.filter(PI, A, LOGS).probabilities[t]
    assert_only_as_printed(left, ALPHA[t], filtered)      # the joint, not the conditional
    # ... of which the filter distribution is the normalized form, and the sum is p(y_1 ... y_t).
    assert_only_as_printed(left / left.sum(), filtered, left)
    evidence = discrete.filter(PI, A, LOGS).log_likelihoods[: t + 1].sum()
    assert ALPHA[t].sum() == pytest.approx(np.exp(evidence), rel=1e-12)


@pytest.mark.parametrize("t", range(T))
def test_eq_2_43(t):
    filtered = discrete.filter(PI, A, LOGS).probabilities[t]
    others = [filtered] if t < T - 1 else [ALPHA[t]]      # at T the smoother is the filter
    assert_only_as_printed(posterior(t), GAMMA[t], *others)
    backwards = discrete.smooth(A, discrete.filter(PI, A, LOGS)).probabilities[t]
    assert_only_as_printed(posterior(t), backwards, *others)


@pytest.mark.parametrize("t", range(1, T))
def test_eq_2_44(t):
    gamma, alpha = posterior(t), last(joint(t))
    left = posterior(t - 1, t).T                          # row x_t, column x_{t-1}
    first = np.empty((K, K))
    second = np.empty((K, K))
    for i, j in product(range(K), repeat=2):
        first[i, j] = gamma[i] * alpha[j] * A[i, j] / sum(alpha[k] * A[i, k] for k in range(K))
        second[i, j] = gamma[i] * alpha[j] * A[i, j] * E[Y[t], i] / last(joint(t + 1))[i]
    transposed = gamma[:, None] * alpha * A.T / (A.T @ alpha)[:, None]
    assert_only_as_printed(left, first, transposed, gamma[:, None] * posterior(t - 1))
    assert_only_as_printed(left, second, second / E[Y[t]][:, None])
    assert_only_as_printed(posterior(t - 1), first.sum(0), first.sum(1))
    # The filter distribution does as well as alpha: a common factor cancels. And so the library.
    filtered = discrete.filter(PI, A, LOGS)
    for scale in (alpha, filtered.probabilities[t - 1]):
        np.testing.assert_allclose(discrete.gamma_step(gamma, scale, A @ scale, A), left, rtol=1e-12)
    pairs = discrete.pair_posteriors(A, *discrete.filter_and_smooth(PI, A, LOGS))
    np.testing.assert_allclose(pairs[t - 1], left, rtol=1e-12)


def test_text_2_2_1_second_line_of_eq_2_44_fails_where_a_state_is_impossible():
    """alpha_t in a denominator is zero where x_t cannot be; the first line's is not."""
    certain = np.array([[1.0, 0.5], [0.0, 0.5]])          # symbol 1 rules state 0 out
    logs = np.array([[0.0, np.log(0.5)], [-np.inf, np.log(0.5)]])
    alpha = discrete.alpha_unnormalized([0.5, 0.5], np.full((2, 2), 0.5), logs)
    with np.errstate(invalid="ignore"):
        second = 0.0 * alpha[0] * 0.5 * certain[1, 0] / alpha[1, 0]
    assert np.isnan(second).all()
    _, smoothed = discrete.filter_and_smooth([0.5, 0.5], np.full((2, 2), 0.5), logs)
    np.testing.assert_allclose(smoothed.pair_sums, [[0, 0], [2 / 3, 1 / 3]])


@pytest.mark.parametrize("t", range(1, T))
def test_text_2_2_1_half_updates_are_a_mixtures(t):
    """The four half-updates are Eqs. 2.6 and 2.10 of the mixture model, on three fragments."""
    filtered = discrete.filter(PI, A, LOGS)
    before, predicted = filtered.probabilities[t - 1], filtered.predicted[t]
    time_update = categorical.marginalize(Categorical(before), Table(A)).probabilities
    assert_only_as_printed(predicted, time_update, A.T @ before)
    measured = categorical.invert(Categorical(predicted), Table(E), Y[t]).probabilities
    assert_only_as_printed(filtered.probabilities[t], measured, predicted)
    past = categorical.invert(Categorical(before), Table(A))
    stepped = categorical.marginalize(Categorical(GAMMA[t]), past).probabilities
    assert_only_as_printed(GAMMA[t - 1], stepped, before)


class Counted(float):
    """A number that keeps a tally of what is done to numbers like it."""

    done = 0

    def _act(self, other, operation):
        Counted.done += 1
        return Counted(operation(float(self), float(other)))

    def __add__(self, other):
        return self._act(other, float.__add__)

    def __mul__(self, other):
        return self._act(other, float.__mul__)

    def __truediv__(self, other):
        return self._act(other, float.__truediv__)


def total(numbers):
    return sum(numbers[1:], start=numbers[0])


@pytest.mark.parametrize(("K", "share"), [(2, 3 / 8), (5, 9 / 50), (64, 127 / 8192)])
def test_text_2_2_1_normalizing_does_not_nearly_double_the_work(K, share, evidence):
    """The text says it does. Count what one step of Eq. 2.41 takes, and what its normalization takes."""
    rng = np.random.default_rng(K)
    transition = [[Counted(a) for a in row] for row in rng.dirichlet(np.ones(K), size=K).T]
    alpha, likelihoods = ([Counted(p) for p in rng.random(K)] for _ in range(2))
    Counted.done = 0
    new = [total([a * b for a, b in zip(row, alpha)]) * p for row, p in zip(transition, likelihoods)]
    step = Counted.done
    np.testing.assert_allclose(new, np.array(transition, float) @ np.array(alpha, float) * likelihoods)
    norm = total(new)
    normalized = [a / norm for a in new]
    normalizing = Counted.done - step
    np.testing.assert_allclose(np.sum(normalized), 1.0)
    assert_only_as_printed(normalizing / step, share, 1.0)
    assert step == 2 * K * K
    evidence("Text 2.2.1-a", **{f"percent_{K}": 100 * normalizing / step})
    assert share < 0.4
