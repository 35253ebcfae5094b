"""Sections 9.0.1 and 9.1: the generative side of InfoMax. One number by two routes, and by a third."""

import numpy as np
from compare import assert_only_as_printed
from scipy import stats
from scipy.optimize import fsolve

from pedagogy_lib.distributions.sources import LOGISTIC, NORMAL, SECH, TWO_BELLS, Several
from pedagogy_lib.models.static import ica

RNG = np.random.default_rng(91)
D = np.array([[1.2, -0.5], [0.3, 0.8]])
MODEL = ica.Parameters(D, np.zeros(2))
WIDTH = 0.04
GRID = np.arange(-25, 25, WIDTH) + WIDTH / 2
POINTS = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), -1)


def psi(x):
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def bent(y):
    """An invertible map that is not linear: d(y) = (y_1 + tanh y_1, y_2 + y_1^2)."""
    return np.stack([y[..., 0] + np.tanh(y[..., 0]), y[..., 1] + y[..., 0] ** 2], -1)


def volume(y, h=1e-5):
    """|det dd/dy'|, by differences."""
    columns = [(bent(y + h * e) - bent(y - h * e)) / (2 * h) for e in np.eye(2)]
    return np.abs(columns[0][..., 0] * columns[1][..., 1] - columns[0][..., 1] * columns[1][..., 0])


def unbent(x):
    """Its inverse, by a root-finder."""
    return np.array([fsolve(lambda y, target=one: bent(y) - target, np.array([one[0] / 2, one[1]])) for one in x])


def test_eq_9_1():
    """Observations are the inverse of the recognition function, applied to the sources: linear, and bent."""
    x = RNG.logistic(size=(50, 2))
    y = unbent(x)
    assert_only_as_printed(x, bent(y), bent(x), atol=1e-6)
    drawn = ica.sample(MODEL, 200, np.random.default_rng(1))
    inverse = np.array([np.linalg.solve(D, one) for one in drawn.sources])
    assert_only_as_printed(drawn.observations, inverse, drawn.sources @ D.T, drawn.sources @ np.linalg.inv(D))


def test_eq_9_2():
    """Independent sources: the joint density, as the mass of a small square among draws and as slopes of the CDFs."""
    source, h = Several((LOGISTIC, TWO_BELLS)), 0.25
    draws = source.sample((1_000_000, 2), np.random.default_rng(2))
    left, right, wrong = [], [], []
    for center in ([0.0, 0.0], [1.5, -1.0], [-2.0, 1.2]):
        left.append((np.abs(draws - center) < h).all(1).mean() / (2 * h) ** 2)
        steps = np.diff(source.cumulative(np.array([np.subtract(center, h), np.add(center, h)])), axis=0)[0] / (2 * h)
        right.append(steps.prod())
        wrong.append(steps.sum())
        energies = source.energy(np.array(center)) + source.log_normalizer()
        np.testing.assert_allclose(np.exp(-energies.sum()), right[-1], rtol=0.03)
    assert_only_as_printed(left, right, wrong, right[::-1], rtol=0.03)


def test_eq_9_3():
    """The density of what is drawn and bent back: masses of boxes, by counting and by the formula."""
    y = unbent(np.random.default_rng(3).logistic(size=(8_000, 2)))
    near = np.abs(POINTS).max(-1) < 4
    inside = POINTS[near]
    slopes = np.prod(psi(bent(inside)) * (1 - psi(bent(inside))), -1)
    density, no_jacobian = slopes * volume(inside), slopes
    left, right, wrong = [], [], []
    for low, high in ([(-1, -3), (1, 0)], [(0, -1), (2, 2)], [(-2, -3), (0, 0)]):
        left.append(((y > low) & (y < high)).all(1).mean())
        box = ((inside > low) & (inside < high)).all(1)
        right.append(density[box].sum() * WIDTH**2)
        wrong.append(no_jacobian[box].sum() * WIDTH**2)
    assert_only_as_printed(left, right, wrong, atol=0.02)


def density_of_data(y):
    """Two Laplace sources, mixed by a triangular matrix of determinant one."""
    return stats.laplace.pdf(y[..., 0] - 0.6 * y[..., 1]) * stats.laplace.pdf(y[..., 1])


def test_eq_9_4():
    """One number by three routes: among observations, among outputs, and by counting in the unit square."""
    p, q = density_of_data(POINTS), np.exp(ica.log_marginal(MODEL, POINTS.reshape(-1, 2))).reshape(POINTS.shape[:2])
    among_observations = (p * np.log(p / q)).sum() * WIDTH**2
    forgotten = (p * np.log(p / q * np.linalg.det(D))).sum() * WIDTH**2

    back = np.linalg.solve(D, POINTS.reshape(-1, 2).T).T.reshape(POINTS.shape)
    p_x = density_of_data(back) / abs(np.linalg.det(D))
    q_x = np.prod(psi(POINTS) * (1 - psi(POINTS)), -1)
    among_outputs = (p_x * np.log(p_x / q_x)).sum() * WIDTH**2
    reverse = (q_x * np.log(q_x / p_x)).sum() * WIDTH**2

    v = np.random.default_rng(4).laplace(size=(2_000_000, 2))
    y = np.column_stack([v[:, 0] + 0.6 * v[:, 1], v[:, 1]])
    counts = np.histogramdd(ica.squash(MODEL, y), 80, [(0, 1), (0, 1)])[0].ravel() / len(y)
    full = counts[counts > 0]
    minus_entropy = (full * np.log(full)).sum() + 2 * np.log(80)
    entropy_of_data = -(p * np.log(p)).sum() * WIDTH**2
    likelihood = ica.loss(MODEL, y) - entropy_of_data

    assert_only_as_printed(among_observations, among_outputs, reverse, forgotten, rtol=0.005)
    assert_only_as_printed(among_observations, minus_entropy, -minus_entropy, rtol=0.02)
    assert_only_as_printed(among_observations, likelihood, likelihood + entropy_of_data, rtol=0.02)


def test_eq_9_5():
    """The density of a linear mixture: masses of boxes by counting, and a closed form for Gaussian sources."""
    y = np.linalg.solve(D, np.random.default_rng(5).logistic(size=(2, 400_000))).T
    density = np.exp(ica.log_marginal(MODEL, POINTS.reshape(-1, 2))).reshape(POINTS.shape[:2])
    left, right = [], []
    for low, high in ([(-1, -1), (1, 1)], [(0, 1), (2, 4)], [(-3, -2), (0, 0)]):
        left.append(((y > low) & (y < high)).all(1).mean())
        right.append(density[((low < POINTS) & (high > POINTS)).all(-1)].sum() * WIDTH**2)
    assert_only_as_printed(left, right, np.array(right) / np.linalg.det(D), rtol=0.02)
    some = RNG.normal(size=(20, 2))
    exact = stats.multivariate_normal(np.zeros(2), np.linalg.inv(D.T @ D)).logpdf(some)
    assert_only_as_printed(exact, ica.log_marginal(MODEL, some, NORMAL), ica.log_marginal(MODEL, some, SECH))


def test_text_9_1_the_covariance_of_a_gaussian_model(evidence):
    """As printed, D' D^-1 is not even symmetric; the covariance of draws is (D' D)^-1."""
    drawn = np.linalg.solve(D, np.random.default_rng(6).normal(size=(2, 1_000_000)))
    printed = D.T @ np.linalg.inv(D)
    covariance, other = np.linalg.inv(D.T @ D), np.linalg.inv(D @ D.T)
    assert_only_as_printed(np.cov(drawn), covariance, printed, other, rtol=0.01, atol=0.005)
    evidence("Text 9.1-a", one=printed[0, 1], other=printed[1, 0])


def test_text_9_1_a_gaussian_model_has_many_optima(evidence):
    """Every rotation of <Y Y'>^(-1/2) has the same loss, and the same zero gradient."""
    y = RNG.laplace(size=(2000, 2)) @ np.array([[1.0, 0.2], [0.7, 1.0]])
    y = y - y.mean(0)
    values, vectors = np.linalg.eigh(y.T @ y / len(y))
    root = (vectors / np.sqrt(values)) @ vectors.T
    losses = []
    for angle in np.linspace(0, 2 * np.pi, 9):
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ root
        params = ica.Parameters(turned, np.zeros(2))
        losses.append(ica.loss(params, y, None, NORMAL))
        np.testing.assert_allclose(ica.gradient(params, y, None, NORMAL).unmixing, 0, atol=1e-12)
    longer = ica.loss(ica.Parameters(1.1 * root, np.zeros(2)), y, None, NORMAL)
    assert np.ptp(losses) < 1e-12 < longer - losses[0]
    evidence("Text 9.1-b", spread=np.round(np.ptp(losses), 6), longer=np.round(longer - losses[0], 4))
