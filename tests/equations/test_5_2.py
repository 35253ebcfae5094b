"""Section 5.2: InfoMax and independent components. Entropies by quadrature and by counting, densities by quadrature."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy import integrate, stats
from scipy.optimize import brentq, minimize

from pedagogy_lib.distributions.sources import LOGISTIC, SECH
from pedagogy_lib.learning import unmixing
from pedagogy_lib.models.static import ica

RNG = np.random.default_rng(52)
D = np.array([[1.2, -0.5], [0.3, 0.8]])
MEAN = np.zeros(2)
MODEL = ica.Parameters(D, MEAN)


def psi(x):
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def slope_of_psi(x, h=1e-5):
    return (psi(x + h) - psi(x - h)) / (2 * h)


def density_of_data(u, v):
    """Two independent Laplace sources, mixed by an upper triangular matrix of determinant one."""
    return stats.laplace.pdf(u - 0.6 * v) * stats.laplace.pdf(v)


GRID = np.arange(-30, 30, 0.05) + 0.025
U, V = np.meshgrid(GRID, GRID, indexing="ij")
DATA = density_of_data(U, V) * 0.05**2
POINTS = np.stack([U, V], -1)


def model_density(matrix, squash=LOGISTIC):
    """Eq. 5.26 on the grid, for a linear map."""
    x = POINTS @ matrix.T
    return np.exp(-(squash.energy(x) + squash.log_normalizer()).sum(-1)) * abs(np.linalg.det(matrix))


def output_entropy(matrix, rng, samples=2_000_000, bins=80):
    """H[Z] by counting: draw data, map, squash, and count in small squares."""
    v = rng.laplace(size=samples)
    y = np.column_stack([rng.laplace(size=samples) + 0.6 * v, v])
    counts = np.histogramdd(psi(y @ matrix.T), bins, [(0, 1), (0, 1)])[0].ravel()
    p = counts[counts > 0] / samples
    return -(p * np.log(p)).sum() - 2 * np.log(bins)


def test_eq_5_22():
    """Unmix, then squash: the library's outputs, and the order of the two stages matters."""
    y = RNG.normal(size=(6, 2))
    left = np.array([[psi(row @ one) for row in D] for one in y])
    assert_only_as_printed(left, ica.squash(MODEL, y), psi(y) @ D.T, ica.squash(MODEL, y, SECH))


def test_eq_5_23():
    """Squashing acts entry by entry and increases from 0 to 1: its Jacobian is diagonal, with positive entries."""
    x, h = RNG.normal(size=4), 1e-6
    ends = [[LOGISTIC.cumulative(x + sign * h * e) for e in np.eye(4)] for sign in (1, -1)]
    jacobian = np.subtract(*ends).T / (2 * h)
    assert_only_as_printed(np.diag(slope_of_psi(x)), jacobian, np.diag(slope_of_psi(x))[::-1], rtol=1e-6, atol=1e-9)
    assert (np.diag(jacobian) > 0).all()
    assert LOGISTIC.cumulative(-800.0) == 0 and LOGISTIC.cumulative(800.0) == 1


def entropy_of(normal):
    """The entropy of a Gaussian by quadrature of its definition."""
    reach = 12 * normal.std()
    return integrate.quad(lambda z: -normal.pdf(z) * normal.logpdf(z), -reach, reach)[0]


def information(a, sigma):
    """I(Y; a Y + noise) for a standard Gaussian Y, by a sum over a grid of inputs and of noises."""
    y = np.arange(-9, 9, 0.02)[:, None]
    e = sigma * np.arange(-9, 9, 0.02)
    noise, output = stats.norm(scale=sigma), stats.norm(scale=np.hypot(a, sigma))
    weights = stats.norm.pdf(y) * 0.02 * noise.pdf(e) * 0.02 * sigma
    return (weights * (noise.logpdf(e) - output.logpdf(a * y + e))).sum()


def test_eq_5_24(evidence):
    """I = H[Z] - H[Z|Y]. The last term does not depend on the map, but it is not zero: without noise, -infinity."""
    one, two = information(1.0, 0.1), information(2.0, 0.1)
    entropies = [entropy_of(stats.norm(scale=np.hypot(a, 0.1))) for a in (1, 2)]
    given, smaller = (entropy_of(stats.norm(scale=sigma)) for sigma in (0.1, 1e-6))
    assert_only_as_printed(one, entropies[0] - given, entropies[0], entropies[0] + given, rtol=1e-6)   # printed: H[Z]
    assert_only_as_printed(two - one, entropies[1] - entropies[0], entropies[0] - entropies[1], rtol=1e-6)
    assert smaller < given < 0
    evidence("5.24", given=given, smaller=smaller)


def test_eq_5_25():
    """Minus the entropy of the output, by counting, is the relative entropy on a grid of observations."""
    rng = np.random.default_rng(0)
    left = [-output_entropy(matrix, rng) for matrix in (D, 0.8 * np.eye(2))]
    right, reverse, no_jacobian = [], [], []
    for matrix in (D, 0.8 * np.eye(2)):
        q = model_density(matrix) * 0.05**2
        right.append((DATA * np.log(DATA / q)).sum())
        reverse.append((q * np.log(q / DATA)).sum())
        no_jacobian.append(right[-1] + np.linalg.slogdet(matrix)[1])
    assert_only_as_printed(left, right, reverse, no_jacobian, rtol=0.02, atol=0.004)


def test_eq_5_25_in_the_library():
    """H[Z] + L is the entropy of the data, whatever the map: by quadrature 2 (1 + log 2)."""
    v = RNG.laplace(size=400_000)
    y = np.column_stack([RNG.laplace(size=400_000) + 0.6 * v, v])
    rng = np.random.default_rng(1)
    sums = [output_entropy(matrix, rng) + ica.loss(ica.Parameters(matrix, MEAN), y) for matrix in (D, np.eye(2))]
    exact = -(DATA * np.log(density_of_data(U, V))).sum()
    assert exact == pytest.approx(2 * (1 + np.log(2)), rel=1e-3)
    no_jacobian = np.array(sums) - np.log([abs(np.linalg.det(D)), 1])
    assert_only_as_printed(np.full(2, exact), np.array(sums), no_jacobian, rtol=0.01)


def test_eq_5_26():
    """The product of slopes and Jacobian is a density: mass one, and that of what is drawn and mixed."""
    q = model_density(D)
    slopes = np.prod(slope_of_psi(POINTS[::40, ::40] @ D.T), -1) * abs(np.linalg.det(D))
    np.testing.assert_allclose(q[::40, ::40], slopes, rtol=1e-4, atol=1e-10)
    mass = q.sum() * 0.05**2
    assert_only_as_printed(1.0, mass, mass / abs(np.linalg.det(D)), mass * abs(np.linalg.det(D)), rtol=1e-3)
    y = POINTS[::150, ::150].reshape(-1, 2)
    np.testing.assert_allclose(np.exp(ica.log_marginal(MODEL, y)), q[::150, ::150].ravel(), rtol=1e-12)
    drawn = np.linalg.solve(D, RNG.logistic(size=(200_000, 2)).T).T
    inside = ((drawn > -1) & (drawn < 2)).all(1).mean()
    box = ((U > -1) & (U < 2) & (V > -1) & (V < 2))
    assert_only_as_printed(inside, (q * box).sum() * 0.05**2, (q * box).sum() * 0.05**2 / 1.11, rtol=0.01)


def test_eq_5_27():
    """The map of InfoMax ICA: linear and invertible."""
    x = RNG.logistic(size=(5, 2))
    y = np.linalg.solve(D, x.T).T
    assert_only_as_printed(x, ica.unmix(MODEL, y), y @ D, atol=1e-12)
    sums = ica.unmix(MODEL, y[:1] + 2 * y[1:2])
    np.testing.assert_allclose(sums, x[:1] + 2 * x[1:2], rtol=1e-12)


Y = RNG.laplace(size=(3000, 2)) @ np.array([[1.0, 0.2], [0.7, 1.0]])


def mean_loss(matrix):
    """-< log prod psi'(d_k y) |D| >, written out."""
    total = 0.0
    for row in matrix:
        total -= np.log(psi(Y @ row) * (1 - psi(Y @ row))).mean()
    return total - np.log(abs(np.linalg.det(matrix)))


def central(f, at, h=1e-5):
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = h
        found[index] = (f(at + step) - f(at - step)) / (2 * h)
    return found


def test_eq_5_28():
    """The gradient as printed, its first term by differences of the log slopes; with D^-1 for D^-T it is another."""
    left = central(mean_loss, D)
    first = -central(lambda m: sum(np.log(psi(Y @ row) * (1 - psi(Y @ row))).mean() for row in m), D)
    inverse = np.linalg.inv(D)
    assert_only_as_printed(left, first - inverse.T, first - inverse, first + inverse.T, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ica.gradient(MODEL, Y).unmixing, left, rtol=1e-6, atol=1e-7)


def test_text_5_2_the_logistic_gradient_and_its_root_are_transposed(evidence):
    """At the minimum, found by a general search, the printed right-hand side is another matrix."""
    y, matrix = Y[0], D
    left = central(lambda m: sum(np.log(psi(row @ y) * (1 - psi(row @ y))) for row in m), matrix)
    outer = np.outer(1 - 2 * psi(matrix @ y), y)
    assert_only_as_printed(left, outer, outer.T, rtol=1e-6, atol=1e-8)       # printed: y (1 - 2 psi)'
    best = minimize(lambda v: mean_loss(v.reshape(2, 2)), D.ravel(), tol=1e-12).x.reshape(2, 2)
    moment = np.tanh(Y @ best.T / 2).T @ Y / len(Y)
    printed = np.linalg.inv(moment)
    assert_only_as_printed(best, printed.T, printed, rtol=1e-3, atol=1e-3)
    learned = ica.fit(ica.Parameters(D, MEAN), Y).params.unmixing
    assert unmixing.amari_distance(learned @ np.linalg.inv(best)) < 1e-3
    apart, right = (np.round(np.abs(best - one).max(), 2) for one in (printed, printed.T))
    evidence("Text 5.2-a", apart=apart, right=right)


def test_text_5_2_small_outputs_are_one_of_many_and_not_small(evidence):
    """Where tanh is a line, R sqrt(2) Sigma^(-1/2) solves for every R; Gaussian data solve with another variance."""
    covariance = np.cov(Y.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    root = np.sqrt(2) * (vectors / np.sqrt(values)) @ vectors.T
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    for solution in (root, turn @ root):
        linear = np.linalg.inv(solution @ covariance / 2).T                  # (E[D Y Y'] / 2)^-T
        assert_only_as_printed(solution, linear, np.linalg.inv(solution @ covariance).T)

    def surplus(variance):
        """E[tanh(x / 2) x] - 1 for a Gaussian x."""
        normal = stats.norm(scale=np.sqrt(variance))
        return integrate.quad(lambda x: normal.pdf(x) * np.tanh(x / 2) * x, -30, 30)[0] - 1

    variance = brentq(surplus, 1, 9)
    draws = np.random.default_rng(2).normal(size=(400_000, 1))
    learned = ica.fit(ica.Parameters(np.eye(1), np.zeros(1)), draws).params.unmixing[0, 0] ** 2
    assert learned == pytest.approx(variance, rel=0.01)
    beyond = 2 * stats.norm.sf(2 / np.sqrt(2))
    evidence("Text 5.2-b", variance=variance, beyond=beyond)
