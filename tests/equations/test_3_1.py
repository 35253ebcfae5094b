"""Section 3.1: two conditionals and their joint distribution, by tables, by null spaces, and at random points."""

from itertools import product
from math import comb

import numpy as np
from compare import assert_only_as_printed
from scipy import integrate
from scipy.linalg import null_space
from scipy.special import gammaln, logsumexp

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.models.undirected import harmonium

XS, YS = (np.array(list(product((0.0, 1.0), repeat=n))) for n in (2, 3))


def machine():
    rng = np.random.default_rng(0)
    return harmonium.Parameters(
        rng.normal(size=(2, 3)), layers.Bernoulli(rng.normal(size=2)), layers.Bernoulli(rng.normal(size=3))
    )


def conditionals(params, down):
    """log p(x|y) and log p(y|x) as tables of shape (4, 8), each normalized by a sum over its own layer."""
    W, b, c = params.weights, params.hidden.biases, params.visible.biases
    up = np.array([[x @ (b + W @ y) for y in YS] for x in XS])
    back = np.array([[y @ (c + down @ x) for y in YS] for x in XS])
    return up - logsumexp(up, 0), back - logsumexp(back, 1)[:, None]


def interaction(table):
    """What of a table is not a function of its row plus one of its column."""
    return table - table.mean(0) - table.mean(1)[:, None] + table.mean()


def test_eq_3_1():
    """The exponent of the ratio of the library's conditionals is a function of x less one of y."""
    params = machine()
    log_up, log_down = conditionals(params, params.weights.T)
    up, down = harmonium.posterior(params, YS).natural, harmonium.emission(params, XS).natural
    bracket = np.array([[zeta @ y - eta @ x for y, eta in zip(YS, up)] for x, zeta in zip(XS, down)])
    mu, nu = -XS @ params.hidden.biases, -YS @ params.visible.biases
    wrong = np.array(
        [
            [zeta @ y - eta @ x for y, eta in zip(YS, up)]
            for x, zeta in zip(XS, params.visible.biases - XS @ params.weights)
        ]
    )
    assert_only_as_printed(mu[:, None] - nu, bracket, wrong, nu - mu[:, None], rtol=1e-10, atol=1e-12)
    # So the ratio of the conditionals, which were each normalized alone, is that of two marginals.
    assert_only_as_printed(
        np.zeros((4, 8)),
        interaction(log_down - log_up),
        interaction(conditionals(params, -params.weights.T)[1] - log_up),
        atol=1e-12,
    )
    joint = np.exp(log_up + harmonium.log_marginal(params, YS))
    assert_only_as_printed(np.exp(log_down - log_up), joint.sum(0) / joint.sum(1)[:, None], np.ones((4, 8)), rtol=1e-10)


def polynomials(seed=1):
    """Matrices of the proof: alpha has 2 functions of 4 monomials, delta 3 of 5; C and B satisfy C'D = A'B."""
    rng = np.random.default_rng(seed)
    A, D = rng.normal(size=(2, 4)), rng.normal(size=(3, 5))
    # Unknown (C', B), row by row: kron(I_4, D') vec C' - kron(A', I_5) vec B = 0.
    system = np.hstack([np.kron(np.eye(4), D.T), -np.kron(A.T, np.eye(5))])
    basis = null_space(system)
    one = basis @ rng.normal(size=basis.shape[1])
    return A, D, one[:12].reshape(4, 3).T, one[12:].reshape(2, 5), basis, rng


def monomials(v, degree):
    """All powers and products up to the degree, without the constant."""
    return np.array([np.prod(v**p, -1) for p in product(range(degree + 1), repeat=len(v)) if 0 < sum(p) <= degree])


def test_eq_3_2():
    """The constraint, at points that the matrices have never seen, with m, n and k as printed."""
    A, D, C, B, _, rng = polynomials()
    a, b, c, d = rng.normal(size=2), rng.normal(size=2), rng.normal(size=3), rng.normal(size=3)
    m, n, k = C.T @ d - A.T @ b, -(c @ D - a @ B), c @ d - a @ b
    left, right, other = [], [], []
    for _ in range(6):
        x, y = rng.normal(size=4), monomials(rng.normal(size=2), 2)
        left.append(m @ x - n @ y + k)
        right.append((c + C @ x) @ (d + D @ y) - (b + B @ y) @ (a + A @ x))
        other.append((c - C @ x) @ (d + D @ y) - (b + B @ y) @ (a + A @ x))
    assert_only_as_printed(left, right, other, rtol=1e-9)


def test_eq_3_3(evidence):
    """Every solution of C'D = A'B has a W; there are as many as numbers in W."""
    A, D, C, B, basis, _ = polynomials()
    A_right, D_right = A.T @ np.linalg.inv(A @ A.T), D.T @ np.linalg.inv(D @ D.T)
    assert basis.shape[1] == 2 * 3
    assert_only_as_printed(C.T, A.T @ B @ D_right, A.T @ B[:, :3], rtol=1e-9)
    assert_only_as_printed(B, (C @ A_right).T @ D, (C @ A_right).T @ D[:, ::-1], rtol=1e-9)
    W = B @ D_right
    assert_only_as_printed(W, (C @ A_right).T, 2 * W, rtol=1e-9)
    assert_only_as_printed(C.T, A.T @ W, -A.T @ W, rtol=1e-9)
    assert_only_as_printed(B, W @ D, W @ D[::-1], rtol=1e-9)
    evidence("Text 3.1-e", solutions=basis.shape[1])


def test_eq_3_4():
    """gamma is affine in alpha, and beta in delta, with W and its transpose."""
    A, D, C, B, _, rng = polynomials()
    a, b, c, d = rng.normal(size=2), rng.normal(size=2), rng.normal(size=3), rng.normal(size=3)
    W = np.linalg.lstsq(D.T, B.T, rcond=None)[0].T
    x, y = rng.normal(size=(4, 20)), np.stack([monomials(v, 2) for v in rng.normal(size=(20, 2))], 1)
    alpha, gamma, delta, beta = (v[:, None] + M @ z for v, M, z in ((a, A, x), (c, C, x), (d, D, y), (b, B, y)))
    assert_only_as_printed(gamma, W.T @ alpha + (c - W.T @ a)[:, None], W.T @ alpha + c[:, None], rtol=1e-8, atol=1e-10)
    assert_only_as_printed(beta, W @ delta + (b - W @ d)[:, None], W @ delta + b[:, None], rtol=1e-8, atol=1e-10)


def test_text_3_1_rows_not_columns(evidence):
    """A fat matrix: its rank; and with dependent rows, which columns do not see, there is no right inverse."""
    A = np.random.default_rng(2).normal(size=(2, 5))
    A_right = np.linalg.pinv(A)
    assert_only_as_printed(np.eye(2), A @ A_right, A_right[:2] @ A[:, :2], atol=1e-10)
    dependent = np.stack([A[0], 2 * A[0]])
    gap = np.abs(dependent @ np.linalg.pinv(dependent) - np.eye(2)).max()
    assert gap > 0.1
    evidence("Text 3.1-a", rank=np.linalg.matrix_rank(A), columns=A.shape[1], gap=gap)


def test_text_3_1_monomials_not_degree(evidence):
    """Two variables, degree 2: five functions that the proof covers, although the degree is two."""
    v = np.random.default_rng(3).normal(size=(40, 2))
    basis = np.stack([monomials(one, 2) for one in v], 1)
    count = comb(2 + 2, 2) - 1
    assert_only_as_printed(count, np.linalg.matrix_rank(basis), 2)
    evidence("Text 3.1-b", monomials=count, degree=2)


def test_text_3_1_the_condition_gives_no_normalizer(evidence):
    """Two Poisson units with a small positive weight, by longer and longer sums; two Gaussians, by larger squares."""

    def log_sum(most, w=0.1):
        n = np.arange(most + 1.0)
        return logsumexp(w * np.outer(n, n) - gammaln(n + 1)[:, None] - gammaln(n + 1))

    short, long, fine = log_sum(50), log_sum(400), log_sum(400, -0.1)
    assert abs(log_sum(50, -0.1) - fine) < 1e-12 and long > short + 100
    square = [
        integrate.dblquad(lambda y, x: np.exp(1.1 * x * y - (x * x + y * y) / 2), -L, L, -L, L)[0] for L in (5, 10)
    ]
    assert square[1] > 100 * square[0]
    params = harmonium.Parameters(np.array([[0.1]]), layers.Poisson(np.zeros(1)), layers.Poisson(np.zeros(1)))
    both = params._replace(hidden=layers.Gaussian(np.zeros(1)))
    wide = harmonium.Parameters(np.array([[1.1]]), layers.Gaussian(np.zeros(1)), layers.Gaussian(np.zeros(1)))
    assert all(harmonium.inconsistency(one) for one in (params, both, wide))
    assert harmonium.inconsistency(params._replace(weights=-params.weights)) is None
    assert harmonium.inconsistency(wide._replace(weights=0.9 * np.ones((1, 1)))) is None
    evidence("Text 3.1-c", short=short, long=long, growth=square[1] / square[0])


def test_text_3_1_powers_of_a_coin(evidence):
    """x is 0 or 1, y is 0, 1 or 2, T(x) = (x, x^2), U(y) = y: consistent, and one natural parameter is y^2."""
    eta = lambda y: np.array([y**2, 0.7 * y - y**2])
    bracket = [[0.7 * x * y - eta(y) @ [x, x**2] for y in (0.0, 1.0, 2.0)] for x in (0.0, 1.0)]
    wide = [[0.7 * x * y - eta(y) @ [x, x**2] for y in (0.0, 1.0, 2.0)] for x in (0.0, 3.0)]
    assert_only_as_printed(np.zeros((2, 3)), bracket, wide, atol=1e-12)
    y = np.arange(3.0)
    line = np.column_stack([np.ones(3), y])
    left_over = np.abs(y**2 - line @ np.linalg.lstsq(line, y**2, rcond=None)[0]).max()
    C, D, A = np.array([[0.7, 0.0]]), np.array([[1.0, 0.0]]), np.eye(2)  # of the monomials (x, x^2) and (y, y^2)
    B = np.array([[0.0, 1.0], [0.7, -1.0]])
    coefficients = C.T @ D - A.T @ B
    assert np.linalg.matrix_rank(A) == 2 and left_over > 0.3 and np.abs(coefficients).max() == 1
    evidence("Text 3.1-d", left_over=left_over, coefficient=np.abs(coefficients).max())


def test_result_one_odds_ratio():
    """Two coins: a table has one odds ratio, whichever way it is conditioned; of random conditionals it has two."""
    rng = np.random.default_rng(4)
    joint = rng.dirichlet(np.ones(4)).reshape(2, 2)
    odds = lambda t: t[1, 1] * t[0, 0] / (t[0, 1] * t[1, 0])
    up, down = joint / joint.sum(0), joint / joint.sum(1)[:, None]
    assert_only_as_printed(odds(joint), odds(up), 1 / odds(up))
    assert_only_as_printed(odds(joint), odds(down), 1 / odds(down))
    params = harmonium.Parameters(
        np.array([[1.3]]), layers.Bernoulli(np.array([0.2])), layers.Bernoulli(np.array([-0.4]))
    )
    x = harmonium.posterior(params, [[0.0], [1.0]]).means.ravel()
    y = harmonium.emission(params, [[0.0], [1.0]]).means.ravel()
    logits = lambda p: np.log(p / (1 - p))
    assert_only_as_printed(np.diff(logits(x)), np.diff(logits(y)), np.diff(logits(y)) + 0.1)
    assert_only_as_printed([1.3], np.diff(logits(x)), [-1.3])


def test_result_three_ways_to_give_a_gaussian_its_variance():
    """E with (y/s)W x, with (y/s^2)W x, and with a Normal layer: densities by hand, and by the library."""
    rng = np.random.default_rng(5)
    W, b, c, s = rng.normal(size=(2, 1)), rng.normal(size=2), 0.7, 1.6
    y = np.linspace(-6, 9, 7)[:, None]
    grid = np.linspace(-40, 40, 80_001)[:, None]

    def density(slope):
        at = lambda v: sum(
            np.exp(b @ x - (v[:, 0] - c) ** 2 / (2 * s * s) + slope * v[:, 0] * (x @ W[:, 0])) for x in XS
        )
        return at(y) / (at(grid).sum() * 1e-3)

    first, second = density(1 / s), density(1 / s**2)
    scaled = lambda weights: (
        np.exp(
            harmonium.log_marginal(
                harmonium.Parameters(weights, layers.Bernoulli(b), layers.Gaussian(np.array([c / s]))), y / s
            )
        )
        / s
    )
    normal = lambda weights: np.exp(
        harmonium.log_marginal(
            harmonium.Parameters(
                np.column_stack([weights, np.zeros(2)]),
                layers.Bernoulli(b),
                layers.Normal(np.array([[c / s**2, -1 / (2 * s * s)]])),
            ),
            y,
        )
    )
    assert_only_as_printed(first, scaled(W), scaled(W / s), rtol=1e-6)
    assert_only_as_printed(second, scaled(W / s), scaled(W), rtol=1e-6)
    assert_only_as_printed(first, normal(W[:, 0] / s), normal(W[:, 0]), rtol=1e-6)
    assert_only_as_printed(second, normal(W[:, 0] / s**2), normal(W[:, 0] / s), rtol=1e-6)
