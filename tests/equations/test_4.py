"""Chapter 4: entropies, and learning as their minimization."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from pedagogy_lib.learning.codes import prefix
from pedagogy_lib.learning.objectives import information

P = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])              # Eq. 4.1
Q = np.full(4, 1 / 4)                                   # Eq. 4.2
RNG = np.random.default_rng(4)


def played(hidden, words, games=200_000):
    """The average number of questions in many games, counted."""
    cups = RNG.choice(4, games, p=hidden)
    return np.array([len(word) for word in words])[cups].mean()


def yes(p, asked, left):
    """The probability of the answer "yes, under one of these cups" while only the cups ``left`` are possible."""
    return p[list(asked)].sum() / p[list(left)].sum()


def test_eq_4_1():
    """Is it A, is it B, is it C: each question halves what is left, and on average it takes 1.75 of them."""
    questions = (((0,), (0, 1, 2, 3)), ((1,), (1, 2, 3)), ((2,), (2, 3)))
    # Each answer is as probable as the other: with a sum of one this makes the table, and no other.
    answers = [[yes(p, *q) for q in questions] for p in (P, Q, P[[1, 0, 2, 3]], P[[0, 2, 1, 3]], P[::-1])]
    assert_only_as_printed([0.5, 0.5, 0.5], *answers)
    assert_only_as_printed(1.0, P.sum(), Q.sum() + 0.1)
    assert_only_as_printed(1.75, P @ [1, 2, 3, 3], Q @ [1, 2, 3, 3], P[[1, 0, 2, 3]] @ [1, 2, 3, 3])
    questions = played(P, prefix.huffman(P))
    assert_only_as_printed(questions, information.bits(information.entropy(P)), 2.0, 1.5, rtol=0.01)
    assert information.bits(information.entropy(P)) == 1.75


def test_eq_4_2():
    """Is it A or B, then which: each question halves what is left, so it takes two, and no table takes more."""
    questions = (((0, 1), (0, 1, 2, 3)), ((0,), (0, 1)), ((2,), (2, 3)))
    answers = [[yes(p, *q) for q in questions] for p in (Q, P, np.array([0.3, 0.2, 0.3, 0.2]), P[::-1])]
    assert_only_as_printed([0.5, 0.5, 0.5], *answers)
    assert_only_as_printed(1.0, Q.sum(), P.sum() + 0.1)
    assert all(stats.entropy(p, base=2) < 2.0 for p in (P, *RNG.dirichlet(np.ones(4), 20)))
    questions = played(Q, prefix.huffman(Q))
    assert_only_as_printed(questions, information.bits(information.entropy(Q)), 1.75, 2.25, rtol=0.01)


def test_eq_4_3():
    """Up to scale, the uncertainty that is larger for broader distributions and adds up."""
    for p in (P, Q, RNG.dirichlet(np.ones(5))):
        right = information.entropy(p)
        assert_only_as_printed(stats.entropy(p), right, -right, information.bits(right))
    joint = np.outer(P, [0.3, 0.7])
    assert_only_as_printed(
        information.entropy(joint),
        information.entropy(P) + information.entropy([0.3, 0.7]),
        information.entropy(P) * information.entropy([0.3, 0.7]),
    )
    assert information.entropy(Q) > information.entropy(P)


def test_eq_4_4():
    """Guess by one distribution, hide by the other, and count."""
    assert played(P, prefix.huffman(Q)) == 2.0     # every word has two digits
    assert_only_as_printed(
        played(Q, prefix.huffman(P)),
        information.bits(information.cross_entropy(Q, P)),
        information.bits(information.cross_entropy(P, Q)),
        information.bits(information.entropy(Q)),
        rtol=0.01,
    )
    assert information.bits(information.cross_entropy(Q, P)) == pytest.approx(2.25)
    assert information.bits(information.cross_entropy(P, Q)) == pytest.approx(2.0)


def test_eq_4_5():
    for p, q in ((P, Q), (Q, P), RNG.dirichlet(np.ones(4), 2)):
        left = stats.entropy(p, q)
        right = information.cross_entropy(p, q) - information.entropy(p)
        wrong = information.cross_entropy(p, q) - information.entropy(q)
        assert_only_as_printed(left, right, wrong, -right)
        assert information.relative_entropy(p, q) == pytest.approx(left, rel=1e-9)
        assert left > 0                                  # Gibbs


def test_eq_4_6():
    """The whole chain, for the variance of a Gaussian of mean zero and data that are not Gaussian."""
    y = stats.laplace(scale=0.7).rvs(400, random_state=np.random.default_rng(1))
    grid, width = np.linspace(-40, 40, 80_001), 1e-3
    p = stats.laplace(scale=0.7).pdf(grid)

    def log_model(y, v):
        return stats.norm(0, np.sqrt(v)).logpdf(y)

    def least(loss):
        return minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10}).x

    relative = least(lambda v: (p * (np.log(p) - log_model(grid, v))).sum() * width)
    cross = least(lambda v: -(p * log_model(grid, v)).sum() * width)
    backwards = least(lambda v: (np.exp(log_model(grid, v)) * (log_model(grid, v) - np.log(p))).sum() * width)
    assert_only_as_printed(relative, cross, backwards, 0.7, rtol=1e-5)

    average = least(lambda v: -log_model(y, v).mean())
    likeliest = least(lambda v: -log_model(y, v).sum())
    few = y[:20]
    product = least(lambda v: -np.prod(stats.norm(0, np.sqrt(v)).pdf(few)) * 1e10)
    assert_only_as_printed((y**2).mean(), average, np.abs(y).mean(), rtol=1e-5)
    assert_only_as_printed(average, likeliest, cross, rtol=1e-5)
    assert_only_as_printed((few**2).mean(), product, average, rtol=1e-4)
    assert average == pytest.approx(cross, rel=0.2)      # the one approximate step: a sample average
    many = stats.laplace(scale=0.7).rvs(1_000_000, random_state=np.random.default_rng(2))
    assert (many**2).mean() == pytest.approx(cross, rel=0.01)


def test_text_4_2_signs_of_the_worked_sums(evidence):
    """A slip: three sums of the worked example lost their minus signs; what is printed is negative."""
    log = np.log2
    printed = (
        (2.0, (Q * log(Q)).sum()),                       # sum of -q log q
        (2.0, (P * log(Q)).sum()),                       # sum of -p log q
        (2.25, (Q * log(P)).sum()),                      # sum of -q log p
    )
    for stated, value in printed:
        assert_only_as_printed(stated, -value, value)
    evidence("Text 4.2-a", sums=[value for _, value in printed])


def test_text_4_2_the_other_code_costs_two_bits_whatever_is_hidden(evidence):
    """Imprecise: not only under Eq. 4.2. All of its words have two digits."""
    words = prefix.huffman(Q)
    assert words == ("11", "10", "01", "00")
    costs = [prefix.expected_length(words, hidden) for hidden in (P, Q, [1.0, 0.0, 0.0, 0.0])]
    assert costs == [2.0, 2.0, 2.0]
    assert prefix.expected_length(prefix.huffman(P), Q) != 2.0          # of the other code it does depend
    evidence("Text 4.2-b", costs=costs)


def test_text_4_2_least_error_among_all_consistent_estimators(evidence):
    """A slip: Hodges' estimator is consistent too, and at one point its error is far below the likeliest value's.

    The mean of n numbers of variance 1 about theta is their likeliest theta; n times its squared error is 1. Hodges
    puts 0 where the mean is nearer to 0 than n^(-1/4).
    """

    def scaled_error(theta, n):
        """n times Hodges' mean squared error, by quadrature over the mean's distribution."""
        mean, edge = stats.norm(theta, n**-0.5), n**-0.25
        inside = theta**2 * (mean.cdf(edge) - mean.cdf(-edge))
        far = theta + np.array([-12, 12]) * n**-0.5
        square = lambda y: (y - theta) ** 2 * mean.pdf(y)
        below = quad(square, min(far[0], -edge), -edge, epsabs=1e-12)[0]
        above = quad(square, edge, max(far[1], edge), epsabs=1e-12, points=[max(theta, edge)])[0]
        return n * (inside + below + above)

    assert scaled_error(1.0, 10_000) == pytest.approx(1.0, rel=1e-6)     # elsewhere it is the mean's, in the end
    assert scaled_error(0.0, 10_000) < scaled_error(0.0, 100) < 0.02     # here it goes to zero
    z = 100**0.25                                                        # in closed form: 2 (z phi(z) + 1 - Phi(z))
    exact = 2 * (z * stats.norm.pdf(z) + stats.norm.sf(z))
    assert_only_as_printed(exact, scaled_error(0.0, 100), 1.0, rtol=1e-6)
    evidence("Text 4.2-c", hodges=exact, elsewhere=scaled_error(1.0, 10_000))


def test_text_4_2_codes():
    words = prefix.huffman(P)
    assert words == ("1", "01", "001", "000")
    assert "".join("ABCD"[k] for k in prefix.decode(words, "10011000101")) == "ACADAB"
    assert_only_as_printed(1.75, prefix.expected_length(words, P), prefix.expected_length(words, Q))
