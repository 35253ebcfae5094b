"""Sections 8.2.1 and 8.2.2 up to Gaussian VAEs: gradients of expectations, Eqs. 8.22-8.26."""

import numpy as np
from compare import assert_frequencies, assert_only_as_printed
from scipy import stats

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.learning.gradient_estimators import gaussians

NODES, HEIGHTS = np.polynomial.hermite_e.hermegauss(60)
HEIGHTS = HEIGHTS / HEIGHTS.sum()
NODES2 = np.stack(np.meshgrid(NODES, NODES), -1).reshape(-1, 2)
HEIGHTS2 = np.outer(HEIGHTS, HEIGHTS).ravel()


def by_differences(f, at, h=1e-5):
    at = np.asarray(at, float)
    return np.array([(f(at + h * e) - f(at - h * e)) / (2 * h) for e in np.eye(at.size)])


def test_eq_8_22():
    """The slope of the whole average is the average over data of the slopes of the inner averages."""
    y, phi, s = np.array([-1.2, 0.3, 0.9, 2.0]), np.array([0.7, -0.4]), 0.8
    f = lambda x, y: np.sin(x) + 0.3 * x * x * y
    inner = lambda phi, y: HEIGHTS @ f(phi[0] * y + phi[1] + s * NODES, y)  # x | y ~ N(phi_0 y + phi_1, s^2)
    left = by_differences(lambda phi: np.mean([inner(phi, each) for each in y]), phi)
    slope = lambda x, y: np.cos(x) + 0.6 * x * y
    # dE[f]/dm = E[f'] for a Gaussian, and dm/dphi = (y, 1): no differences on this side.
    each = [HEIGHTS @ slope(phi[0] * n + phi[1] + s * NODES, n) * np.array([n, 1]) for n in y]
    m = y.mean()
    of_the_mean = HEIGHTS @ slope(phi[0] * m + phi[1] + s * NODES, m) * np.array([m, 1])
    assert_only_as_printed(left, np.mean(each, 0), of_the_mean, np.sum(each, 0), rtol=1e-7)


def test_text_8_2_1_the_score_function_estimator():
    """The chain of four lines: the integral of a slope, the mean of score times value, and its sample average."""
    m, s = np.array([0.3, -0.5]), np.array([0.9, 0.6])
    f = lambda x: np.exp(0.4 * x[..., 0]) * x[..., 1] ** 2
    first = by_differences(lambda m: HEIGHTS2 @ f(m + s * NODES2), m)
    x = m + s * NODES2
    third = HEIGHTS2 @ ((x - m) / s**2 * f(x)[:, None])
    assert_only_as_printed(first, third, HEIGHTS2 @ ((x - m) / s * f(x)[:, None]), -third, rtol=1e-6)
    terms = gaussians.score_function(f, m, s, 400_000, np.random.default_rng(0)).mean
    error = terms.std(0) / np.sqrt(len(terms))
    assert (np.abs(terms.mean(0) - first) < 4.5 * error).all()
    assert (np.abs(0.9 * terms.mean(0) - first) > 4.5 * error).any()
    moved = gaussians.score_function(f, m, s, 400_000, np.random.default_rng(1), baseline=0.7).mean
    assert (np.abs(moved.mean(0) - first) < 4.5 * moved.std(0) / np.sqrt(len(moved))).all()
    assert (moved.var(0) < terms.var(0)).all()


def test_text_8_2_1_the_variance_grows_with_dimensions_that_do_not_matter():
    """One phi that all K factors share, and f of the first only: score variance K/s^2 times E[f^2], about."""
    s, f = 0.5, lambda x: np.cos(x[..., 0])
    rng, variances = np.random.default_rng(2), []
    for K in (1, 10, 100):
        scores = gaussians.score_function(f, np.zeros(K), np.full(K, s), 100_000, rng).mean.sum(1)
        variances.append(scores.var())
    # The first factor has the variance E[(z cos(sz)/s)^2], each other one E[cos^2]/s^2.
    own, other = HEIGHTS @ (NODES * np.cos(s * NODES) / s) ** 2, HEIGHTS @ np.cos(s * NODES) ** 2 / s**2
    exact = own + other * np.array([0, 9, 99])
    assert_only_as_printed(variances, exact, np.full(3, exact[0]), exact**2, rtol=0.03)
    slope = lambda x: np.concatenate([-np.sin(x[..., :1]), np.zeros_like(x[..., 1:])], -1)
    path = [gaussians.pathwise(slope, np.zeros(K), np.full(K, s), 50_000, rng).mean.sum(1).var() for K in (1, 100)]
    np.testing.assert_allclose(path[0], path[1], rtol=0.03)


def test_eq_8_23():
    """A uniform number, through the inverse of the distribution function, is exponential."""
    z, rate = np.linspace(0.001, 0.999, 37), 2.5
    right = -np.log(1 - z) / rate
    assert_only_as_printed(stats.expon(scale=1 / rate).ppf(z), right, -np.log(1 - z) * rate, -np.log(z) / rate)
    x = -np.log(1 - np.random.default_rng(3).random(20_000)) / rate
    assert stats.kstest(x, stats.expon(scale=1 / rate).cdf).pvalue > 1e-3


def test_eq_8_24():
    """A root of the covariance, times a standard Gaussian, plus the mean; for any root."""
    C, m = np.array([[2.0, 0.7], [0.7, 0.5]]), np.array([1.0, -3.0])
    values, axes = np.linalg.eigh(C)
    z = np.random.default_rng(4).standard_normal((200_000, 2))
    for root in (axes * np.sqrt(values) @ axes.T, np.linalg.cholesky(C)):
        x = z @ root.T + m
        assert_only_as_printed(C, np.cov(x.T), np.cov((z @ C.T).T), np.cov((z @ root).T) + 0.05, rtol=0.02, atol=0.01)
        np.testing.assert_allclose(x.mean(0), m, atol=0.02)
    drawn = gaussians.draw(m, np.sqrt(np.diag(C)), 200_000, np.random.default_rng(4))
    np.testing.assert_allclose(drawn, m + np.sqrt(np.diag(C)) * z)


def test_eq_8_25():
    """A bent plane: the density of the draws, by a count in boxes; and the Gaussian path as a special case."""
    phi = 0.6
    g = lambda z: np.stack([2 * z[..., 0], phi * z[..., 1] + np.sin(z[..., 0])], -1)
    back = lambda x: np.stack([x[..., 0] / 2, (x[..., 1] - np.sin(x[..., 0] / 2)) / phi], -1)
    normal = lambda z: np.exp(-0.5 * (z**2).sum(-1)) / (2 * np.pi)

    def determinant(x, h=1e-5):  # of d g^-1 / dx^T, by differences
        columns = [(back(x + h * e) - back(x - h * e)) / (2 * h) for e in np.eye(2)]
        return np.abs(np.linalg.det(np.stack(columns, -1)))

    x = g(np.random.default_rng(5).standard_normal((200_000, 2)))
    boxes = [(0, 1, 0, 0.5), (-2, -1, -1, 0), (1, 3, 0.5, 1.5)]
    counts, masses, plain = [], [], []
    for a, b, c, d in boxes:
        counts.append(((x > [a, c]) & (x < [b, d])).all(1).sum())
        grid = np.stack(np.meshgrid(*(np.linspace(u, v, 121)[:-1] + (v - u) / 240 for u, v in ((a, b), (c, d)))), -1)
        cell = (b - a) * (d - c) / 120**2
        masses.append((normal(back(grid)) * determinant(grid)).sum() * cell)
        plain.append(normal(back(grid)).sum() * cell)
    rest = [len(x) - sum(counts)], [1 - sum(masses)], [1 - sum(plain)]
    assert_frequencies(counts + rest[0], masses + rest[1], plain + rest[2])
    C, m = np.array([[2.0, 0.7], [0.7, 0.5]]), np.array([1.0, -3.0])
    L, at = np.linalg.cholesky(C), np.array([0.2, -2.0])
    right = normal(np.linalg.solve(L, at - m)) / np.linalg.det(L)
    left = np.exp(gaussian.log_density(gaussian.Gaussian(m, C), at[None]))[0]
    assert_only_as_printed(left, right, normal(np.linalg.solve(L, at - m)) * np.linalg.det(L))


def test_text_8_2_1_the_pathwise_estimator():
    m, s = np.array([0.3, -0.5]), np.array([0.9, 0.6])
    f = lambda x: np.exp(0.4 * x[..., 0]) * x[..., 1] ** 2
    slope = lambda x: np.exp(0.4 * x[..., :1]) * np.stack([0.4 * x[..., 1] ** 2, 2 * x[..., 1]], -1)
    first = by_differences(lambda s: HEIGHTS2 @ f(m + s * NODES2), s)
    second = HEIGHTS2 @ (slope(m + s * NODES2) * NODES2)
    assert_only_as_printed(first, second, HEIGHTS2 @ slope(m + s * NODES2), rtol=1e-6)
    terms = gaussians.pathwise(slope, m, s, 200_000, np.random.default_rng(0)).deviations
    assert (np.abs(terms.mean(0) - first) < 4.5 * terms.std(0) / np.sqrt(len(terms))).all()


def test_text_8_2_1_what_hardly_matters_may_still_shake_the_estimator(evidence):
    """f = x_1 + 0.01 sin(1000 x_2): the second has next to no effect on the cost, and a large one on its estimate."""
    m, s, rate, height = np.zeros(2), np.full(2, 0.5), 1000.0, 0.01
    slope = lambda x: np.stack([np.ones_like(x[..., 0]), height * rate * np.cos(rate * x[..., 1])], -1)
    terms = gaussians.pathwise(slope, m, s, 100_000, np.random.default_rng(6)).mean
    deviation = terms.std(0)
    assert_only_as_printed(deviation[1], height * rate / np.sqrt(2), 0.0, height, rtol=0.01)
    assert deviation[0] == 0
    evidence("Text 8.2.1-a", height=height, deviation=height * rate / np.sqrt(2))


# ------------------------------------------------------------------ 8.2.2, independent Gaussians

RNG = np.random.default_rng(82)
K, D = 2, 3
A, B = RNG.normal(size=(5, K)), RNG.normal(size=(D, 5))  # mu(x) = B tanh(A x)
ALPHA, Y, X = 0.4, RNG.normal(size=D), RNG.normal(size=K)
NU, V = RNG.normal(size=K), np.exp(0.3 * RNG.normal(size=K))


def mu(x, weights=B):
    return np.tanh(x @ A.T) @ weights.T


def surprisal(x):
    """-log N(y; mu(x), alpha I), by SciPy."""
    return np.array([-stats.multivariate_normal(row, ALPHA * np.eye(D)).logpdf(Y) for row in mu(np.atleast_2d(x))])


def test_eq_8_26():
    """The box of the divergence: under a diagonal recognition covariance, by quadrature."""
    x = NU + V * NODES2
    guess = stats.norm.logpdf(x, NU, V).sum(1)
    left = HEIGHTS2 @ (guess - stats.norm.logpdf(x).sum(1))
    box = 0.5 * (-np.log(V**2) - 1 + V**2 + NU**2).sum()
    assert_only_as_printed(left, box, box + K / 2, 0.5 * (-np.log(V) - 1 + V**2 + NU**2).sum())


def test_text_8_2_2_the_slopes_of_the_emission_energy_have_the_other_sign(evidence):
    """All three displays after Eq. 8.26, in the weights, the source and twice in the source."""
    error, t = Y - mu(X), np.tanh(A @ X)
    J = B @ (A * (1 - t**2)[:, None])  # dmu/dx^T
    energy = lambda x: ((Y - mu(x)) ** 2).sum() / (2 * ALPHA)
    printed = error @ J / ALPHA
    assert_only_as_printed(by_differences(energy, X), -printed, printed, rtol=1e-6)
    second = np.einsum("d,dk,k,ki,kj->ij", error, B, -2 * t * (1 - t**2), A, A)
    hessian = np.array([by_differences(lambda x, e=e: by_differences(energy, x, 1e-4) @ e, X, 1e-4) for e in np.eye(K)])
    assert_only_as_printed(hessian, -(second - J.T @ J) / ALPHA, (second - J.T @ J) / ALPHA, rtol=1e-4)
    weights = by_differences(lambda b: ((Y - mu(X, b.reshape(D, 5))) ** 2).sum() / (2 * ALPHA), B.ravel())
    assert_only_as_printed(weights, -np.outer(error, t).ravel() / ALPHA, np.outer(error, t).ravel() / ALPHA, rtol=1e-6)
    evidence("Text 8.2.2-a", slope=by_differences(energy, X)[0], printed=printed[0])


def test_text_8_2_2_the_cost_of_reconstruction_counts_the_data(evidence):
    """The log partition function of y has D terms, not K; and the path takes the root of Upsilon."""
    left = HEIGHTS2 @ surprisal(NU + V * NODES2)
    box = lambda count, spread: (
        0.5 * (count * np.log(2 * np.pi * ALPHA) + HEIGHTS2 @ ((mu(NU + spread * NODES2) - Y) ** 2).sum(1) / ALPHA)
    )
    assert_only_as_printed(left, box(D, V), box(K, V), box(D, V**2))
    evidence("Text 8.2.2-b", cost=left, sources=box(K, V), square=box(D, V**2))
