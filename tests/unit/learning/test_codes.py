"""Bits-back coding: every message comes back, at the price that the entropies say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.learning.codes import ans, bits_back
from pedagogy_lib.learning.objectives import information

SOURCE = Categorical(np.array([0.5, 0.3, 0.2]))
EMISSION = bits_back.discretized([-1.0, 0.5, 1.5], [0.6, 0.4, 0.9], np.linspace(-4, 5, 40))
JOINT = EMISSION.probabilities * SOURCE.probabilities
MARGINAL = JOINT.sum(1)
RNG = np.random.default_rng(0)
OBSERVATIONS = RNG.choice(len(MARGINAL), 3000, p=MARGINAL)
EXTRA = RNG.bytes(2000)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**80), st.lists(st.integers(0, 9), min_size=2, max_size=5), st.data())
def test_push_and_pop_undo_each_other(stack, table, data):
    table = [f + 1 for f in table] + [0]
    symbol = data.draw(st.integers(0, len(table) - 2))
    assert ans.pop(ans.push(stack, symbol, table), table) == (stack, symbol)
    left, found = ans.pop(stack, table)
    assert ans.push(left, found, table) == stack


def test_a_push_costs_the_surprisal():
    table, stack = [1, 5, 2], ans.stack_of(b"some bytes to begin with")
    for symbol, f in enumerate(table):
        grown = ans.length(ans.push(stack, symbol, table)) - ans.length(stack)
        assert grown == pytest.approx(np.log2(8 / f), abs=1e-9)


def test_popping_random_bits_samples():
    table, stack, found = [1, 5, 2], ans.stack_of(EXTRA), []
    for _ in range(4000):
        stack, symbol = ans.pop(stack, table)
        found.append(symbol)
    np.testing.assert_allclose(np.bincount(found) / 4000, np.array(table) / 8, atol=0.03)


def test_a_stack_alone_is_an_entropy_coder():
    table, stack = ans.frequencies(MARGINAL), 1
    for y in OBSERVATIONS:
        stack = ans.push(stack, int(y), table)
    surprisal = -np.log2(MARGINAL[OBSERVATIONS]).sum()
    # The first push, onto nothing, costs all of the precision; every other one its surprisal.
    assert surprisal - 1 < ans.length(stack) < surprisal + 24
    assert repr(stack) == f"<stack of {stack.bit_length()} bits>"


def test_the_message_and_the_borrowed_bits_come_back():
    code = bits_back.model(SOURCE, EMISSION)
    sent = bits_back.encode(code, OBSERVATIONS, ans.stack_of(EXTRA))
    received = bits_back.decode(code, len(OBSERVATIONS), sent)
    assert received.observations == OBSERVATIONS.tolist()
    assert ans.data_of(received.stack) == EXTRA
    assert bits_back.decode(code, len(OBSERVATIONS), sent ^ (1 << 23)).observations != OBSERVATIONS.tolist()
    assert bits_back.encode(code, OBSERVATIONS, ans.stack_of(EXTRA)) == sent


def net_bits(code, stack):
    return ans.length(bits_back.encode(code, OBSERVATIONS, stack)) - ans.length(stack)


def test_the_net_length_is_the_marginal_cross_entropy():
    """Eqs. 6.13-6.15, with a stack in the place of the entropies."""
    stack = ans.stack_of(EXTRA)
    posterior = categorical.invert(SOURCE, EMISSION)
    marginal = -np.log2(MARGINAL[OBSERVATIONS]).sum()
    soft = bits_back.model(SOURCE, EMISSION)
    assert net_bits(soft, stack) == pytest.approx(marginal, rel=1e-5)

    hard = bits_back.model(SOURCE, EMISSION, bits_back.hard(posterior))
    excess = -np.log2(posterior.probabilities.max(0)[OBSERVATIONS]).sum()       # KL from a delta
    assert net_bits(hard, stack) == pytest.approx(marginal + excess, rel=1e-5)
    assert excess > 0.05 * marginal

    flat = Table(np.full_like(posterior.probabilities, 1 / 3))
    gap = np.mean([information.relative_entropy(flat.probabilities[:, y], posterior.probabilities[:, y]) for y in OBSERVATIONS])
    wrong = net_bits(bits_back.model(SOURCE, EMISSION, flat), stack)
    assert wrong == pytest.approx(marginal + len(OBSERVATIONS) * information.bits(gap), rel=0.02)   # it samples


def test_without_the_refund_soft_assignment_costs_the_recognition_entropy_more():
    steps = list(bits_back.steps(bits_back.model(SOURCE, EMISSION), OBSERVATIONS, ans.stack_of(EXTRA)))
    posterior = categorical.invert(SOURCE, EMISSION).probabilities
    refund = sum(step.refund for step in steps)
    naive = sum(step.code + step.reconstruction for step in steps)
    entropy = sum(information.entropy(posterior[:, y]) for y in OBSERVATIONS) / np.log(2)
    assert refund == pytest.approx(entropy, rel=0.05)
    assert naive - refund == pytest.approx(-np.log2(MARGINAL[OBSERVATIONS]).sum(), rel=1e-5)
    for before, step in zip(steps, steps[1:]):
        grown = ans.length(step.stack) - ans.length(before.stack)
        assert grown == pytest.approx(step.code + step.reconstruction - step.refund, abs=1e-6)
    assert [step.n for step in steps] == list(range(len(OBSERVATIONS)))


def test_an_empty_stack_works_but_does_not_sample():
    """With nothing to borrow the first classes are all the first; it is read back all the same."""
    code = bits_back.model(SOURCE, EMISSION)
    received = bits_back.decode(code, 3, bits_back.encode(code, OBSERVATIONS[:3], 1))
    assert received == (OBSERVATIONS[:3].tolist(), 1)
    assert bits_back.decode(code, 0, 5) == ([], 5)


def test_frequencies_are_as_near_as_can_be():
    p = np.array([1e-9, 0.3, 0.7 - 1e-9, 0.0])
    table = ans.frequencies(p, total=1024)
    assert sum(table) == 1024
    assert table[0] == 1
    assert table[3] == 0
    np.testing.assert_allclose(np.array(table) / 1024, p, atol=1.5 / 1024)
    assert ans.frequencies([0.25, 0.75], total=4) == [1, 3]
    tiny = np.array([1e-6] * 60 + [1 - 6e-5])
    assert ans.frequencies(tiny, total=64) == [1] * 60 + [4]
    assert all(isinstance(f, int) for f in table)


def test_discretized_is_the_mass_of_each_bin():
    means, variances, edges = [0.0, 2.0], [1.0, 0.25], [-1.0, 0.5, 3.0]
    table = bits_back.discretized(means, variances, edges).probabilities
    for k in range(2):
        cdf = norm(means[k], np.sqrt(variances[k])).cdf([-np.inf, *edges, np.inf])
        np.testing.assert_allclose(table[:, k], np.diff(cdf), rtol=1e-9, atol=1e-15)
    far = bits_back.discretized([0.0], [1.0], [9.0, 10.0]).probabilities[:, 0]
    assert far[2] == pytest.approx(norm.sf(10), rel=1e-6)       # where 1 - cdf would be zero


def test_hard_takes_the_most_probable():
    assert bits_back.hard(Table(np.array([[0.5, 0.1], [0.5, 0.9]]))).probabilities.tolist() == [[1, 0], [0, 1]]


def test_length_has_fractions():
    assert ans.length(8) == 3.0
    assert ans.length(3 << 100_000) == pytest.approx(100_000 + math.log2(3))


CODE = bits_back.model(SOURCE, EMISSION)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ans.push(5, 2, [1, 1, 0]), "symbol: expected one whose frequency is above zero, got 2"),
        (lambda: ans.push(5, 3, [1, 1, 1]), "symbol: expected one whose frequency is above zero, got 3"),
        (lambda: ans.length(0), "stack: expected a whole number above zero"),
        (lambda: ans.data_of(0x0700), "stack: expected one that stack_of made"),
        (lambda: ans.frequencies([0.5, 0.6]), "probabilities: expected the entries to sum to 1"),
        (lambda: ans.frequencies(np.full(5, 0.2), total=4), "total: expected a whole number, at least 5, got 4"),
        (lambda: bits_back.encode(CODE, [41], 1), "observations: expected whole numbers from 0 to 40"),
        (lambda: bits_back.encode(CODE, [0.5], 1), "observations: expected whole numbers"),
        (lambda: bits_back.decode(CODE, -1, 1), "size: expected a whole number"),
        (lambda: bits_back.model(SOURCE, Table(EMISSION.probabilities.T)), "emission.probabilities: expected"),
        (lambda: bits_back.model(SOURCE, EMISSION, Table(np.ones((2, 41)) / 2)), r"recognition.probabilities: expected shape \(3, 41\)"),
        (lambda: bits_back.hard(Table(np.ones((2, 2)))), "recognition.probabilities: expected every column to sum"),
        (lambda: bits_back.discretized([0.0], [0.0], [0.0]), "variances: expected numbers above zero"),
        (lambda: bits_back.discretized([0.0], [1.0], [1.0, 1.0]), "edges: expected increasing"),
        (lambda: bits_back.discretized([0.0], [1.0, 2.0], [1.0]), r"variances: expected shape \(1,\)"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_frequencies_of_numpy_do_not_overflow():
    large, whole = np.array([3, 5]) << 40, [3 << 40, 5 << 40]
    for stack in (2**60 + 7, ans.stack_of(EXTRA)):
        pushed = ans.push(stack, np.int64(1), large)
        assert pushed == ans.push(stack, 1, whole)
        assert ans.pop(pushed, large) == (stack, 1)
