"""Section 10.1.2: InfoNCE, by counting, enumeration of dice and candidates, and Gaussian pairs."""

from itertools import product

import numpy as np
from compare import assert_frequencies, assert_only_as_printed

from pedagogy_lib.learning.objectives import info_nce

P, NOISE = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])       # three outcomes
E = np.array([0.3, -0.4, 1.2])                              # energies of a model that is not normalized
Z = np.exp(-E).sum()
H = -np.log(NOISE) - E
JOINT = np.array([[0.25, 0.05, 0.05], [0.05, 0.2, 0.05], [0.02, 0.08, 0.25]])     # of a context (row) and an outcome


def every_draw(K):
    """All dice and candidates of Eq. 10.5, with their probabilities: x, y of shape (M, K), p of shape (M,)."""
    rows = [(x, y) for x in range(K) for y in product(range(3), repeat=K)]
    x, y = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    own = np.arange(K) == x[:, None]
    return x, y, np.prod(np.where(own, P[y], NOISE[y]), 1) / K


def groups(K, N, rng, p=P, noise=NOISE):
    """Drawn groups of one datum, in the first column, and K - 1 draws of noise."""
    return np.column_stack([rng.choice(3, N, p=p), rng.choice(3, (N, K - 1), p=noise)])


def test_eq_10_5():
    """Throw a die, draw one datum and the rest noise: frequencies against the printed product."""
    rng, N = np.random.default_rng(0), 60_000
    x = rng.integers(2, size=N)
    drawn = groups(2, N, rng)
    y = np.where(x[:, None] == 0, drawn, drawn[:, ::-1])
    counts = np.bincount(9 * x + 3 * y[:, 0] + y[:, 1], minlength=18)
    printed = [0.5 * np.prod([P[c] ** (k == die) * NOISE[c] ** (k != die) for k, c in enumerate(pair)])
               for die in (0, 1) for pair in product(range(3), repeat=2)]
    mixture = 2 * [0.5 * np.prod([0.5 * (P[c] + NOISE[c]) for c in pair]) for pair in product(range(3), repeat=2)]
    assert_frequencies(counts, np.array(printed), np.array(printed)[::-1], np.array(mixture))


def test_eq_10_6():
    """Bayes' quotient of all K products, noise included, against the softmax of the differences."""
    rng, K = np.random.default_rng(1), 5
    y = rng.integers(3, size=(20, K))
    joint = np.array([[np.exp(-E[row[i]]) * np.prod(np.delete(NOISE[row], i)) / K for i in range(K)] for row in y])
    quotient = joint / joint.sum(1, keepdims=True)
    softmax = np.exp(H[y]) / np.exp(H[y]).sum(1, keepdims=True)
    energies = np.exp(-E[y]) / np.exp(-E[y]).sum(1, keepdims=True)
    assert_only_as_printed(quotient, softmax, energies, 1 / (1 + np.exp(-H[y])))
    assert_only_as_printed(quotient, info_nce.posterior(H[y]), info_nce.posterior(-H[y]))


def test_eq_10_7():
    """The sum over dice and candidates, all of them, against the average of the last line; and the library's."""
    K = 4
    x, y, p = every_draw(K)
    one_hot = np.eye(K)[x]
    log_posterior = np.log(np.exp(H[y]) / np.exp(H[y]).sum(1, keepdims=True))
    second = -(p[:, None] * one_hot * log_posterior).sum()
    always_first, weights = y[x == 0], K * p[x == 0]        # by symmetry: the datum in the first place
    chances = np.exp(H[always_first]) / np.exp(H[always_first]).sum(1, keepdims=True)
    assert_only_as_printed(second, -weights @ np.log(chances[:, 0]), -weights @ np.log(chances[:, 1]))
    library = lambda turn: p @ np.array([info_nce.loss(row[None], [(die + turn) % K]) for row, die in zip(H[y], x)])
    assert_only_as_printed(second, library(0), library(1))


def test_eq_10_8():
    """A sum over many draws of noise, against Z (K - 1); its first equality exactly."""
    rng = np.random.default_rng(2)
    for K in (100_001, 400_001):
        drawn = rng.choice(3, K - 1, p=NOISE)
        total = np.exp(H[drawn]).sum()
        model = np.exp(-E) / Z
        assert_only_as_printed(total, Z * (model / NOISE)[drawn].sum(), (model / NOISE)[drawn].sum())
        assert_only_as_printed(total, Z * (K - 1), K - 1, Z**2 * (K - 1), rtol=0.02)


def approximations(K, p=P, noise=NOISE):
    """The third and the fourth line of Eq. 10.9, exact over the data, for a model that is true."""
    return p @ np.log(1 + noise / p * (K - 1)), p @ np.log(noise / p) + np.log(K)


def test_eq_10_9():
    """The loss of drawn groups, as K grows, and the two last lines; the rest falls as 1 / K."""
    rng, K = np.random.default_rng(3), 2000
    h = np.log(P / NOISE)
    drawn = np.log(P / NOISE)[groups(K, 4000, rng)]
    loss = (np.log(np.exp(drawn).sum(1)) - drawn[:, 0]).mean()
    third, fourth = approximations(K)
    assert_only_as_printed(loss, third, third + P @ h, -fourth, rtol=5e-3)
    assert_only_as_printed(loss, fourth, fourth - np.log(K), fourth + 2 * P @ h, rtol=5e-3)
    gaps = [np.subtract(*approximations(K)) for K in (100, 200, 400)]
    assert_only_as_printed(gaps[0], 2 * gaps[1], gaps[1], rtol=0.02)
    assert_only_as_printed(gaps[1], 2 * gaps[2], gaps[2], rtol=0.02)


MODEL = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])          # p-hat(y|z), not quite the truth
MARGINAL, CONTEXTS = JOINT.sum(0), JOINT.sum(1)
INFORMATION = (JOINT * np.log(JOINT / np.outer(CONTEXTS, MARGINAL))).sum()


def test_eq_10_10():
    """Entropy less cross entropy, against the average log ratio; at most the mutual information."""
    entropy = -MARGINAL @ np.log(MARGINAL)
    cross = -(JOINT * np.log(MODEL)).sum()
    average = (JOINT * np.log(MODEL / MARGINAL)).sum()
    own = -(JOINT * np.log(JOINT / CONTEXTS[:, None])).sum()
    assert_only_as_printed(average, entropy - cross, entropy - own, entropy + cross)
    assert average < INFORMATION
    assert_only_as_printed(INFORMATION, (JOINT * np.log(JOINT / CONTEXTS[:, None] / MARGINAL)).sum(), average)


def pairs(K, rng, scores):
    """K pairs of the joint; the scores of all contexts with all outcomes."""
    drawn = rng.choice(9, K, p=JOINT.ravel())
    z, y = np.divmod(drawn, 3)
    return scores[z][:, y]


def test_eq_10_11():
    """The inequality, the equality, and the approximation at K = 2000 by drawn pairs."""
    rng, cross = np.random.default_rng(4), (JOINT * np.log(MODEL / MARGINAL)).sum()
    assert cross < INFORMATION
    h = np.log(MODEL / MARGINAL) + np.array([[1.0], [-2.0], [0.3]])      # a number for each context is free
    found = np.mean([info_nce.information(pairs(2000, rng, h)) for _ in range(40)])
    assert_only_as_printed(cross, found, INFORMATION, -cross, found - np.log(2000), atol=0.015, rtol=0)


def exact_information(K, scores):
    """log K - loss, over all groups of a context, its partner in the first place, and K - 1 draws of the marginal."""
    total = 0.0
    for z, y in product(range(3), repeat=2):
        for others in product(range(3), repeat=K - 1):
            row = scores[z][[y, *others]]
            total += JOINT[z, y] * np.prod(MARGINAL[list(others)]) * (row[0] - np.log(np.exp(row).mean()))
    return total


def test_result_infonce_is_a_bound():
    """Enumerated for K = 2, 3, 5: below the information and below log K for the best scores and for others."""
    best = np.log(JOINT / np.outer(CONTEXTS, MARGINAL))
    values = [exact_information(K, best) for K in (2, 3, 5)]
    assert values[0] < values[1] < values[2] < INFORMATION
    rng = np.random.default_rng(5)
    for K in (2, 3, 5):
        for scores in (0.5 * best, 3 * best, 30 * best, *rng.normal(size=(10, 3, 3))):
            assert exact_information(K, scores) <= exact_information(K, best) + 1e-12
    drawn = np.mean([info_nce.information(pairs(5, rng, best)) for _ in range(20_000)])
    assert_only_as_printed(values[2], drawn, INFORMATION, values[1], atol=0.01, rtol=0)
    assert info_nce.information(1e3 * np.eye(7)) <= np.log(7)


def gaussian_scores(nats, K, rng, D=10):
    v = np.exp(-2 * nats / D)
    z = rng.normal(size=(K, D))
    y = np.sqrt(1 - v) * z + np.sqrt(v) * rng.normal(size=(K, D))
    return nats - ((y[None] - np.sqrt(1 - v) * z[:, None]) ** 2).sum(-1) / (2 * v) + 0.5 * (y**2).sum(1)


def test_text_10_1_2_all_but_one_are_noise(evidence):
    """Of drawn groups: how many examples are noise, and how many are not."""
    x, y, p = every_draw(4)
    noise = p @ (np.arange(4) != x[:, None]).sum(1)
    assert_only_as_printed(noise, 3.0, 1.0)
    evidence("Text 10.1.2-a", noise=noise, data=4 - noise)


def test_text_10_1_2_many_candidates_may_be_few(evidence):
    """Ten nats and a thousand candidates: the last line of Eq. 10.9 is a loss below zero."""
    batches = [gaussian_scores(10.0, 1000, np.random.default_rng(s)) for s in range(5)]
    loss = np.mean([info_nce.loss(b) for b in batches])
    last = -np.mean([np.diag(b).mean() for b in batches]) + np.log(1000)
    assert loss > 0 > last
    evidence("Text 10.1.2-b", loss=loss, last=last)


def test_text_10_1_2_the_loss_does_not_see_the_normalizer(evidence):
    """Energies and energies less five: NCE's loss tells them apart, and that of InfoNCE does not."""
    x, y, p = every_draw(4)
    cost = lambda h: p @ np.array([info_nce.loss(row[None], [die]) for row, die in zip(h[y], x)])
    h = np.log(P / NOISE)
    assert_only_as_printed(cost(h), cost(h + 5), cost(2 * h))
    binary = [0.5 * P @ np.log1p(np.exp(-s)) + 0.5 * NOISE @ np.log1p(np.exp(s)) for s in (h, h + 5)]
    assert binary[1] > binary[0] + 1
    evidence("Text 10.1.2-c", here=cost(h), nce=binary[0], nce_higher=binary[1])


def test_text_10_1_2_the_noise_may_reach_further(evidence):
    """The average of model over noise, under the noise, is the model's mass where the noise reaches."""
    two, four = np.array([0.3, 0.7, 0.0, 0.0]), np.array([0.1, 0.4, 0.2, 0.3])
    average = lambda model, noise: sum(n * m / n for m, n in zip(model, noise) if n > 0)
    assert_only_as_printed(average(two, four), 1.0, average(four, two))
    evidence("Text 10.1.2-d", wide=average(two, four), narrow=average(four, two))
