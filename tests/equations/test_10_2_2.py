"""Section 10.2.2: contrastive divergence, by tables of every state and every transition, and by differences."""

from itertools import product

import numpy as np
from compare import assert_only_as_printed
from scipy.optimize import brentq, minimize, minimize_scalar

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.objectives import contrastive
from pedagogy_lib.models.undirected import harmonium

SHARES = np.array([0.3, 0.05, 0.1, 0.02, 0.08, 0.15, 0.05, 0.25])  # p^0(y), all eight


class Machine:
    """A machine of K coins and a few pixels, from a vector of its parameters: W row by row, b_x, b_y."""

    def __init__(self, K, shares=SHARES):
        self.K, self.D, self.shares = K, int(np.log2(len(shares))), shares
        self.ys = np.array(list(product((0.0, 1.0), repeat=self.D)))
        self.xs = np.array(list(product((0.0, 1.0), repeat=K)))

    def parts(self, theta):
        W, b, c = np.split(theta, [self.D * self.K, (self.D + 1) * self.K])
        return W.reshape(self.K, self.D), b, c

    def energies(self, theta):
        W, b, c = self.parts(theta)
        return -(self.xs @ b)[:, None] - self.ys @ c - self.xs @ W @ self.ys.T

    def joint(self, theta):
        table = np.exp(-self.energies(theta))
        return table / table.sum()

    def later(self, theta, steps):
        """p^n(x, y) as a table: the n-step visible distribution, with the posterior."""
        table = self.joint(theta)
        up, down = table / table.sum(0), table / table.sum(1)[:, None]
        p = self.shares
        for _ in range(steps):
            p = (up @ p) @ down
        return up * p

    def contrast(self, theta, steps):
        """Eq. 10.21."""
        infinite, p = self.joint(theta).sum(0), self.later(theta, steps).sum(0)
        return divergence(self.shares, infinite) - divergence(p, infinite)

    def rule(self, theta, steps):
        """The middle of Eq. 10.20: <dE> at the data less <dE> after some steps."""
        dE = slopes(self.energies, theta)
        return (dE * (self.later(theta, 0) - self.later(theta, steps))).sum((1, 2))

    def params(self, theta):
        W, b, c = self.parts(theta)
        return harmonium.Parameters(W, layers.Bernoulli(b), layers.Bernoulli(c))


def divergence(p, q):
    return p @ np.log(p / q)


def slopes(function, theta, h=1e-5):
    """The derivative by differences: the parameters first."""
    return np.array([(function(theta + h * e) - function(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])


TWO, THETA = Machine(2), 2 * np.random.default_rng(0).normal(size=11)


def draws(steps, n, seed=1):
    """x^0, y^0, x^n, y^n by hand: coins tossed with the table's conditionals."""
    rng, table = np.random.default_rng(seed), TWO.joint(THETA)
    up, down = (table / table.sum(0)).cumsum(0), (table / table.sum(1)[:, None]).cumsum(1)
    y = rng.choice(8, n, p=SHARES)
    toss_x = lambda y: (up[:, y] < rng.random(n)).sum(0)
    toss_y = lambda x: (down[x] < rng.random(n)[:, None]).sum(1)
    first, x = (toss_x(y), y), toss_x(y)
    first = (x, y)
    for _ in range(steps):
        y = toss_y(x)
        x = toss_x(y)
    return TWO.xs[first[0]], TWO.ys[first[1]], TWO.xs[x], TWO.ys[y]


def test_eq_10_20():
    """The rule by tables, by nested draws, and by the library; two steps give another one."""
    dE, vector = slopes(TWO.energies, THETA), lambda g: parameters.flatten(g).vector
    x0, y0, x1, y1 = draws(1, 400_000)
    index = lambda bits: (bits @ 2 ** np.arange(bits.shape[1])[::-1]).astype(int)
    nested = (dE[:, index(x0), index(y0)] - dE[:, index(x1), index(y1)]).mean(1)
    assert_only_as_printed(TWO.rule(THETA, 1), nested, -nested, TWO.rule(THETA, 3), atol=0.005)
    found = contrastive.divergence(harmonium, TWO.params(THETA), y0, np.random.default_rng(2)).gradient
    assert_only_as_printed(TWO.rule(THETA, 1), vector(found), -vector(found), TWO.rule(THETA, 3), atol=0.006)
    exact = slopes(lambda t: divergence(SHARES, TWO.joint(t).sum(0)), THETA)
    assert_only_as_printed(exact, TWO.rule(THETA, 400), TWO.rule(THETA, 1), rtol=1e-5, atol=1e-7)


def test_eq_10_21():
    """Never negative, for any machine; larger for more steps; and zero where the model is the data."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        theta = 2 * rng.normal(size=11)
        found = [TWO.contrast(theta, n) for n in (0, 1, 2, 5, 200)]
        assert (np.diff(found) > -1e-12).all() and found[1] > 0 and abs(found[0]) < 1e-12
    best = minimize(lambda t: divergence(SHARES, TWO.joint(t).sum(0)), rng.normal(size=11), method="BFGS").x
    assert_only_as_printed(0.0, TWO.contrast(best, 1), TWO.contrast(best + 0.3, 1), atol=1e-8)
    infinite = TWO.joint(THETA).sum(0)
    assert_only_as_printed(
        divergence(SHARES, infinite),
        TWO.contrast(THETA, 300),
        TWO.contrast(THETA, 1),
        divergence(infinite, SHARES),
        rtol=1e-6,
    )


def test_eq_10_22():
    """The gradient of contrastive divergence: the rule, less a term that the rule leaves out."""
    for steps in (1, 3):
        left = slopes(lambda t, n=steps: TWO.contrast(t, n), THETA)
        p, infinite = TWO.later(THETA, steps).sum(0), TWO.joint(THETA).sum(0)
        moves = slopes(lambda t, n=steps: TWO.later(t, n).sum(0), THETA)
        third = moves @ (np.log(p / infinite) + 1)
        rule = TWO.rule(THETA, steps)
        assert_only_as_printed(left, rule - third, rule, rule + third, rtol=1e-5, atol=1e-8)
        # The lines before it: the second relative entropy's part in p^infinity.
        dE = slopes(TWO.energies, THETA)
        fixed = slopes(lambda t, p=p: divergence(p, TWO.joint(t).sum(0)), THETA)
        printed = (dE * (TWO.later(THETA, steps) - TWO.joint(THETA))).sum((1, 2))
        assert_only_as_printed(fixed, printed, -printed, rtol=1e-5, atol=1e-8)


def test_eq_10_23():
    """The steps of weights and biases, by draws by hand, against a step of the library."""
    x0, y0, x1, y1 = draws(1, 400_000, seed=5)
    n = len(x0)
    by_hand = np.concatenate([((x0.T @ y0 - x1.T @ y1) / n).ravel(), x0.mean(0) - x1.mean(0), y0.mean(0) - y1.mean(0)])
    update = next(contrastive.iterate(harmonium, TWO.params(THETA), y0, np.random.default_rng(6), rate=0.5))
    moved = (parameters.flatten(update.params).vector - THETA) / 0.5
    assert_only_as_printed(moved, by_hand, -by_hand, by_hand[::-1], atol=0.006)


def test_text_10_2_2_not_always_positive_and_not_the_same_minimum(evidence):
    """Of a machine that cannot have the data one number is learned, a factor of all others: two losses, two minima."""
    shares, rng = np.array([0.62, 0.05, 0.05, 0.02, 0.05, 0.02, 0.02, 0.17]), np.random.default_rng(7)
    one, ray = Machine(1, shares), np.array([4.0, 4.0, 4.0, -7.0, -1.6, -2.0, -2.0])
    entropy = lambda t: divergence(shares, one.joint(t * ray).sum(0))
    contrast = lambda t: one.contrast(t * ray, 1)
    along = lambda t: one.rule(t * ray, 1) @ ray
    places = np.linspace(0, 2, 201)
    lowest, other = (
        minimize_scalar(f, bounds=(places[i] - 0.01, places[i] + 0.01), method="bounded", options={"xatol": 1e-10}).x
        for f in (entropy, contrast)
        for i in [int(np.argmin([f(t) for t in places]))]
    )
    still = brentq(along, lowest - 0.2, lowest + 0.2)
    assert_only_as_printed(0.0, slopes(lambda t: entropy(t[0]), np.array([lowest])), along(lowest), atol=1e-5)
    assert_only_as_printed(0.0, slopes(lambda t: contrast(t[0]), np.array([other])), along(other), atol=1e-5)
    assert entropy(lowest) > 0.02 and min(abs(lowest - other), abs(lowest - still)) > 0.01
    best = minimize(lambda t: divergence(SHARES, TWO.joint(t).sum(0)), rng.normal(size=11), method="BFGS").x
    assert abs(TWO.contrast(best, 1)) < 1e-8  # zero, not positive, where the model is the data
    evidence("Text 10.2.2-a", zero=round(TWO.contrast(best, 1), 6))
    evidence("Text 10.2.2-b", lowest=lowest, contrast=other, rule=still)
