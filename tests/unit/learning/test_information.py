"""Entropies against SciPy and quadrature; Huffman codes against a search through all of them."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.learning.codes import prefix
from pedagogy_lib.learning.objectives import information

CUPS = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
P = Gaussian(np.array([0.0, 1.0]), np.array([[1.0, 0.3], [0.3, 0.5]]))
Q = Gaussian(np.array([0.5, 0.0]), np.array([[2.0, -0.4], [-0.4, 1.0]]))


def test_discrete_entropies_agree_with_scipy():
    p, q = np.random.default_rng(0).dirichlet(np.ones(6), 2)
    assert information.entropy(p) == pytest.approx(stats.entropy(p), rel=1e-12)
    assert information.entropy(Categorical(p)) == information.entropy(p)
    assert information.relative_entropy(p, q) == pytest.approx(stats.entropy(p, q), rel=1e-12)
    assert information.cross_entropy(p, q) == pytest.approx(stats.entropy(p) + stats.entropy(p, q), rel=1e-12)
    assert information.relative_entropy(q, p) != pytest.approx(stats.entropy(p, q), rel=1e-3)
    assert information.bits(information.entropy(CUPS)) == 1.75
    np.testing.assert_allclose(information.bits([np.log(2), np.log(8)]), [1, 3])


def test_gaussian_entropies_agree_with_scipy_and_quadrature():
    assert information.entropy(P) == pytest.approx(stats.multivariate_normal(*P).entropy(), rel=1e-12)
    p, q = Gaussian(np.array([0.3]), np.array([[0.2]])), Gaussian(np.array([-0.4]), np.array([[0.7]]))
    f, g = stats.norm(0.3, np.sqrt(0.2)), stats.norm(-0.4, np.sqrt(0.7))
    cross = quad(lambda y: -f.pdf(y) * g.logpdf(y), -8, 8, epsabs=1e-12)[0]
    assert information.cross_entropy(p, q) == pytest.approx(cross, rel=1e-9)
    assert information.cross_entropy(q, p) != pytest.approx(cross, rel=1e-2)
    assert information.relative_entropy(P, Q) == pytest.approx(
        information.cross_entropy(P, Q) - information.entropy(P), rel=1e-12
    )
    narrow = Gaussian(np.zeros(1), np.array([[1e-4]]))
    assert information.entropy(narrow) < 0                # a differential entropy may be


def test_the_cross_entropy_of_gaussians_needs_only_the_moments_of_p():
    y = np.random.default_rng(1).normal(size=(500, 2))
    sample = Gaussian(y.mean(0), np.cov(y.T, bias=True))
    assert information.cross_entropy(sample, Q) == pytest.approx(-stats.multivariate_normal(*Q).logpdf(y).mean())


def test_what_q_rules_out_is_infinitely_surprising():
    assert information.cross_entropy([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert information.relative_entropy([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert information.relative_entropy([1.0, 0.0], [0.5, 0.5]) == pytest.approx(np.log(2))
    assert information.entropy([1.0, 0.0]) == 0.0


def test_a_table_is_a_joint_distribution():
    """The chain rule, and the additivity that Shannon asked for."""
    table = np.outer(CUPS, [0.3, 0.7])
    assert information.entropy(table) == pytest.approx(information.entropy(CUPS) + information.entropy([0.3, 0.7]))


def test_a_small_relative_entropy_keeps_its_digits():
    epsilon = 1e-7
    p, q = np.array([0.5, 0.5]), np.array([0.5 + epsilon, 0.5 - epsilon])
    assert information.relative_entropy(p, q) == pytest.approx(2 * epsilon**2, rel=1e-2)
    difference = information.cross_entropy(p, q) - information.entropy(p)
    assert abs(difference - 2 * epsilon**2) > 1e-3 * epsilon**2     # what the subtraction would give


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.randoms())
def test_gibbs(weights, random):
    p = np.array(weights) / np.sum(weights)
    q = np.array([random.uniform(0.01, 1) for _ in weights])
    q /= q.sum()
    assert information.relative_entropy(p, q) >= 0
    assert information.relative_entropy(p, p) == 0


def best_length(p):
    """The shortest expected length of any prefix-free code: over all lengths that obey Kraft."""
    p = np.sort(p)[::-1]
    return min(
        p @ lengths
        for lengths in product(range(1, len(p)), repeat=len(p))
        if sum(2.0**-l for l in lengths) <= 1
    )


@pytest.mark.parametrize("seed", range(6))
def test_huffman_is_the_best_strategy(seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(5))
    words = prefix.huffman(p)
    length = prefix.expected_length(words, p)
    assert length == pytest.approx(best_length(p), rel=1e-12)
    assert information.bits(information.entropy(p)) <= length < information.bits(information.entropy(p)) + 1
    assert sum(2.0 ** -len(word) for word in words) == 1           # every question is used
    reversed_words = prefix.huffman(p[np.argsort(np.argsort(-p))])
    assert prefix.expected_length(reversed_words, np.sort(p)) >= length


def test_the_textbooks_codes():
    """A = 1, B = 01, C = 001, D = 000; and under the uniform distribution two bits each."""
    words = prefix.huffman(CUPS)
    assert words == ("1", "01", "001", "000")
    assert prefix.huffman(np.full(4, 0.25)) == ("11", "10", "01", "00")
    assert "".join("ABCD"[k] for k in prefix.decode(words, "10011000101")) == "ACADAB"
    assert prefix.encode(words, [0, 2, 0, 3, 0, 1]) == "10011000101"
    assert prefix.expected_length(words, CUPS) == 1.75


def test_merges_build_the_tree():
    events = list(prefix.merges(CUPS))
    assert [(e.yes, e.no, e.node) for e in events] == [(2, 3, 4), (1, 4, 5), (0, 5, 6)]
    assert [e.probability for e in events] == [0.25, 0.5, 1.0]
    # The expected number of questions is the sum of the probabilities of being asked each.
    assert sum(e.probability for e in events) == prefix.expected_length(prefix.huffman(CUPS), CUPS)
    assert list(prefix.merges([1.0])) == []
    assert prefix.huffman([1.0]) == ("",)


def test_blocks_share_the_last_question():
    p = [0.9, 0.1]
    entropy, lengths = information.bits(information.entropy(p)), []
    for n in range(1, 6):
        block = prefix.blocks(p, n)
        assert block.sum() == pytest.approx(1)
        length = prefix.expected_length(prefix.huffman(block), block) / n
        assert entropy <= length < entropy + 1 / n
        lengths.append(length)
    assert lengths[0] == 1.0
    assert lengths[-1] < 0.49
    np.testing.assert_allclose(prefix.blocks([0.9, 0.1], 2), [0.81, 0.09, 0.09, 0.01])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30))
def test_every_message_is_read_back(outcomes):
    words = prefix.huffman(CUPS)
    assert prefix.decode(words, prefix.encode(words, outcomes)) == outcomes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: information.entropy([0.5, 0.6]), "p: expected the entries to sum to 1"),
        (lambda: information.entropy([]), "p: expected at least one probability"),
        (lambda: information.entropy([np.nan, 1.0]), "p: expected finite numbers"),
        (lambda: information.cross_entropy([0.5, 0.5], [0.2, 0.3, 0.5]), r"q: expected shape \(2,\), that of p, got \(3,\)"),
        (lambda: information.cross_entropy([1.0], P), "q: expected a distribution of the same kind"),
        (lambda: information.relative_entropy(P, Gaussian(np.zeros(1), np.eye(1))), r"q: expected shape \(2,\)"),
        (lambda: information.entropy(Gaussian(np.zeros(2), np.ones((2, 2)))), "p.covariance: expected a positive definite"),
        (lambda: prefix.huffman([[0.5, 0.5]]), r"probabilities: expected shape \(K,\)"),
        (lambda: prefix.expected_length(("0", "1"), [1.0]), r"probabilities: expected shape \(2,\)"),
        (lambda: prefix.expected_length(("0", "01"), [0.5, 0.5]), "expected that no word begins another, got '0' and '01'"),
        (lambda: prefix.encode(("0", "2"), [0]), "words: expected words of the digits 0 and 1, got '2'"),
        (lambda: prefix.encode(("0", "1"), [2]), "outcomes: expected whole numbers from 0 to 1"),
        (lambda: prefix.decode(("0", "10", "11"), "01"), "text: expected whole words, got '1' left over"),
        (lambda: prefix.decode(("",), "0"), "got an empty one"),
        (lambda: prefix.blocks([0.5, 0.5], 0), "n: expected a whole number"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_between_gaussians_near_the_edge_it_is_never_below_zero():
    """At a condition of 3e15, traces less determinants came to -0.08; mpmath says what is right."""
    mp = pytest.importorskip("mpmath").mp
    rng = np.random.default_rng(0)
    for _ in range(40):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        covariance = turn @ np.diag([1.0, 1e-7, 4e-15]) @ turn.T
        covariance = (covariance + covariance.T) / 2
        try:
            np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            continue
        p = Gaussian(np.zeros(3), covariance)
        assert 0 <= information.relative_entropy(p, p) < 1e-12
        q = Gaussian(np.zeros(3), covariance + 1e-3 * np.diag(np.diag(covariance)))
        with mp.workdps(60):
            P, Q = mp.matrix(p.covariance.tolist()), mp.matrix(q.covariance.tolist())
            ratio = mp.inverse(Q) * P
            right = float((sum(ratio[i, i] for i in range(3)) - 3 - mp.log(mp.det(ratio))) / 2)
        assert information.relative_entropy(p, q) == pytest.approx(right, rel=0.05)
