"""Section 2.1.3: sparse coding and Laplace's method, Eqs. 2.28-2.34."""

import numpy as np
import pytest
from compare import assert_frequencies, assert_only_as_printed
from scipy import stats
from scipy.integrate import dblquad, quad
from scipy.optimize import minimize
from scipy.special import ndtr

from pedagogy_lib.distributions.heavy_tailed import Cauchy, HyperbolicCosine, Laplace
from pedagogy_lib.models.static import sparse_coding as sc

ALPHA, BETA, LAMBDA = 1.5, 4.0, 30.0
C = np.array([[0.9, 0.3], [-0.4, 0.8], [0.1, -0.5]])
Y = np.array([0.8, -0.9, 0.5])
SMOOTH = sc.Parameters(C, LAMBDA, HyperbolicCosine(ALPHA, BETA))
CORNERED = sc.Parameters(C, LAMBDA, Laplace(ALPHA))


def joint_energy(x, sharpness=BETA):
    """The joint energy of one code under the hyperbolic-cosine prior, from the printed formulas."""
    x = np.asarray(x, float)
    return LAMBDA / 2 * ((Y - C @ x) ** 2).sum() + (ALPHA / sharpness * np.log(np.cosh(sharpness * x))).sum()


def integral(f, center, reach=1.6):
    """The integral of f over a square around the mode, by SciPy."""
    a, b = center
    return dblquad(lambda v, u: f(np.array([u, v])), a - reach, a + reach, b - reach, b + reach, epsabs=1e-8)[0]


@pytest.fixture(scope="module")
def mode():
    return minimize(joint_energy, [0.5, -0.5], tol=1e-14).x


def test_eq_2_28():
    # Left: samples. Right: the printed densities, integrated.
    draw = sc.sample(SMOOTH, 100_000, np.random.default_rng(28))
    edges = np.array([-0.5, -0.1, 0.1, 0.5])

    def cells(weight):
        bounds = [-np.inf, *edges, np.inf]
        masses = [quad(weight, a, b)[0] for a, b in zip(bounds, bounds[1:])]
        return np.array(masses) / np.sum(masses)          # 1 / Z makes them sum to one

    printed = lambda x: np.cosh(np.clip(BETA * x, -300, 300)) ** (-ALPHA / BETA)
    for k in range(2):
        counts = np.bincount(np.searchsorted(edges, draw.codes[:, k]), minlength=5)
        assert_frequencies(counts, cells(printed), cells(lambda x: printed(x) ** 1.1), cells(lambda x: np.exp(-x * x)))
    assert abs(stats.spearmanr(*draw.codes.T).statistic) < 5 / np.sqrt(100_000)    # a product over k
    noise = (draw.observations - draw.codes @ C.T) * np.sqrt(LAMBDA)
    quarters = np.minimum(np.floor(4 * ndtr(noise)).astype(int), 3)
    for d in range(3):
        assert_frequencies(np.bincount(quarters[:, d], minlength=4), np.full(4, 0.25), [0.24, 0.26, 0.24, 0.26])


def test_eq_2_29():
    x = np.array([-2.0, -0.3, 0.0, 0.4, 3.0])
    # Cauchy and Laplace by SciPy; both sides up to the constant log Z.
    cases = [
        (stats.cauchy(scale=0.7).logpdf(x), np.log(0.7**2 + x**2), [np.log(0.7 + x**2), 2 * np.log(0.7**2 + x**2)]),
        (stats.laplace(scale=1 / ALPHA).logpdf(x), ALPHA * np.abs(x), [np.abs(x) / ALPHA, np.abs(x)]),
    ]
    for log_density, energy, wrong in cases:
        left = log_density - log_density[2]
        assert_only_as_printed(left, -(energy - energy[2]), *[-(w - w[2]) for w in wrong], atol=1e-12)
    # The hyperbolic cosine has no name: its derivative is alpha tanh(beta x), and it is zero at zero.
    energy = lambda u: ALPHA / BETA * np.log(np.cosh(BETA * u))
    left = [quad(lambda u: ALPHA * np.tanh(BETA * u), 0, u)[0] for u in x]
    assert_only_as_printed(left, energy(x), ALPHA * energy(x), atol=1e-10)
    # The library's energies are the printed ones.
    np.testing.assert_allclose(Cauchy(0.7).energy(x), np.log(0.7**2 + x**2), rtol=1e-13)
    np.testing.assert_allclose(Laplace(ALPHA).energy(x), ALPHA * np.abs(x), rtol=1e-13)
    np.testing.assert_allclose(HyperbolicCosine(ALPHA, BETA).energy(x), energy(x), rtol=1e-12, atol=1e-15)


def test_text_2_1_3_large_beta_gives_the_laplace_distribution():
    x = np.linspace(-2, 2, 9)
    gaps = [np.abs(HyperbolicCosine(ALPHA, b).energy(x) - ALPHA * np.abs(x)).max() for b in (1.0, 10.0, 100.0)]
    np.testing.assert_allclose(gaps[2], ALPHA * np.log(2) / 100, rtol=0.01)
    assert gaps[0] > 5 * gaps[1] > 25 * gaps[2]
    assert HyperbolicCosine(ALPHA, 100.0).derivative(0.0) == 0      # "retaining differentiability at 0"


def test_eq_2_30(mode):
    """The remainder of the expansion is of third order; with a wrong Hessian it is of second."""
    hessian = LAMBDA * C.T @ C + np.diag(ALPHA * BETA / np.cosh(BETA * mode) ** 2)
    direction = np.array([0.6, -0.8])

    def remainder(step, matrix):
        d = step * direction
        return joint_energy(mode + d) - joint_energy(mode) - 0.5 * d @ matrix @ d

    order = lambda matrix: np.log2(np.abs(remainder(2e-2, matrix) / remainder(1e-2, matrix)))
    assert order(hessian) == pytest.approx(3, abs=0.35)
    assert order(2 * hessian) == pytest.approx(2, abs=0.1)
    assert order(LAMBDA * C.T @ C) < 2.5
    # The first-order term is zero at the mode, and the Hessian positive definite.
    slopes = [(joint_energy(mode + 1e-5 * e) - joint_energy(mode - 1e-5 * e)) / 2e-5 for e in np.eye(2)]
    assert np.abs(slopes).max() < 1e-5
    assert np.linalg.eigvalsh(hessian).min() > 0


def test_eq_2_31(mode):
    """Posterior moments by quadrature, against the Gaussian; closer as the precision grows."""
    found = sc.laplace_approximation(SMOOTH, [Y])
    np.testing.assert_allclose(found.modes[0], mode, atol=1e-6)
    weight = lambda x: np.exp(joint_energy(mode) - joint_energy(x))
    Z = integral(weight, mode)
    mean = np.array([integral(lambda x, k=k: x[k] * weight(x), mode) for k in range(2)]) / Z
    covariance = np.array([
        [integral(lambda x, i=i, j=j: (x - mean)[i] * (x - mean)[j] * weight(x), mode) for j in range(2)]
        for i in range(2)
    ]) / Z
    gaussian = np.linalg.inv(found.precisions[0])
    assert np.abs(mean - mode).max() < 0.25 * np.sqrt(np.diag(covariance)).max()
    assert_only_as_printed(covariance, gaussian, found.precisions[0], 2 * gaussian, rtol=0.02)


def test_eq_2_32(mode, evidence):
    """The marginal by quadrature; without tau^(K/2), or with the root upside down, it is far off."""
    constant = 2 * HyperbolicCosine(ALPHA, BETA).log_normalizer() + 1.5 * np.log(2 * np.pi / LAMBDA)
    joint = lambda x: np.exp(-joint_energy(x) - constant)
    left = integral(joint, mode)
    determinant = np.linalg.det(LAMBDA * C.T @ C + np.diag(ALPHA * BETA / np.cosh(BETA * mode) ** 2))
    right = joint(mode) * 2 * np.pi / np.sqrt(determinant)
    assert_only_as_printed(left, right, joint(mode) / np.sqrt(determinant), right * determinant,
                           joint(mode) * np.sqrt(2 * np.pi / determinant), rtol=0.05)
    np.testing.assert_allclose(np.exp(sc.laplace_approximation(SMOOTH, [Y]).log_marginals[0]), right, rtol=1e-6)
    # A slip: the last line has an equals sign. It is an approximation, like the line above it.
    assert abs(right / left - 1) > 1e-3
    evidence("2.32", ratio=right / left)


def test_text_2_1_3_hessian(mode):
    """The Hessian between Eqs. 2.32 and 2.33, by finite differences of the energy."""
    h = 1e-4
    left = np.array([
        [
            sum(a * b * joint_energy(mode + h * (a * ei + b * ej)) for a in (1, -1) for b in (1, -1)) / (4 * h * h)
            for ej in np.eye(2)
        ]
        for ei in np.eye(2)
    ])
    curvature = ALPHA * BETA / np.cosh(BETA * mode) ** 2
    assert_only_as_printed(
        left,
        np.diag(curvature) + LAMBDA * C.T @ C,
        np.diag(curvature) + C.T @ C,
        np.diag(curvature / BETA) + LAMBDA * C.T @ C,
        rtol=1e-5,
    )
    np.testing.assert_allclose(sc.energy_hessian(SMOOTH, [mode])[0], left, rtol=1e-5)


def test_eq_2_33():
    """The mode is that of the Laplace prior; the Hessian is the smooth one, evaluated there."""
    found = sc.laplace_approximation(CORNERED, [Y], BETA)
    mode = minimize(
        lambda x: LAMBDA / 2 * ((Y - C @ x) ** 2).sum() + ALPHA * np.abs(x).sum(), [0.5, -0.5],
        method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13},
    ).x
    np.testing.assert_allclose(found.modes[0], mode, atol=1e-6)
    sech = 1 / np.cosh(BETA * mode)
    precision = LAMBDA * C.T @ C + np.diag(ALPHA * BETA * sech**2)
    assert_only_as_printed(found.precisions[0], precision, LAMBDA * C.T @ C + np.diag(ALPHA * BETA * sech), rtol=1e-5)
    # Right or not, it is the covariance of the posterior, nearly.
    weight = lambda x: np.exp(-LAMBDA / 2 * ((Y - C @ x) ** 2).sum() - ALPHA * np.abs(x).sum())
    Z = integral(weight, mode)
    mean = [integral(lambda x, k=k: x[k] * weight(x), mode) / Z for k in range(2)]
    left = [integral(lambda x, k=k: (x[k] - mean[k]) ** 2 * weight(x), mode) / Z for k in range(2)]
    assert_only_as_printed(left, np.diag(np.linalg.inv(precision)), np.diag(precision), rtol=0.15)


def test_eq_2_34(evidence):
    """As printed, the sign before alpha' |x| is wrong: the answer is too large by exp(2 alpha' |x|)."""
    found = sc.laplace_approximation(CORNERED, [Y], BETA)
    mode = found.modes[0]
    Z = (2 / ALPHA) ** 2 * (2 * np.pi / LAMBDA) ** 1.5
    misfit, price = LAMBDA / 2 * ((Y - C @ mode) ** 2).sum(), ALPHA * np.abs(mode).sum()
    weight = lambda x: np.exp(-LAMBDA / 2 * ((Y - C @ x) ** 2).sum() - ALPHA * np.abs(x).sum()) / Z
    left = integral(weight, mode)                         # the marginal, by quadrature
    rest = 2 * np.pi / Z / np.sqrt(np.linalg.det(found.precisions[0]))
    corrected, printed = rest * np.exp(-price - misfit), rest * np.exp(price - misfit)
    assert_only_as_printed(left, corrected, printed, rest * np.exp(-misfit), rtol=0.1)
    assert printed / corrected == pytest.approx(np.exp(2 * price))
    assert printed / left > 50
    evidence("2.34", corrected=corrected / left, printed=printed / left)
    np.testing.assert_allclose(np.exp(found.log_marginals[0]), corrected, rtol=1e-9)


def test_text_2_1_3_number_of_covariances(evidence):
    """A slip: a symmetric n x n matrix has n (n + 1) / 2 independent entries, with its diagonal."""
    for n in (2, 3, 7):
        independent = np.triu_indices(n)[0].size
        assert_only_as_printed(independent, n * (n + 1) / 2, n * (n - 1) / 2)
    evidence("Text 2.1.3-a", counted=independent, printed=n * (n - 1) / 2)


def test_text_2_1_3_number_of_distances(evidence):
    """Imprecise: displacements in an n x n image, up to sign, number 2 n^2 - 2 n + 1; their lengths are fewer than n^2.

    From the upper left pixel only displacements down and to the right are seen. Those down and to
    the left have covariances of their own.
    """
    for n in (2, 3, 6):
        cells = [(i, j) for i in range(n) for j in range(n)]
        pairs = {max((a - c, b - d), (c - a, d - b)) for a, b in cells for c, d in cells}
        assert_only_as_printed(len(pairs), 2 * n * n - 2 * n + 1, n * n)
        lengths = {a * a + b * b for a, b in pairs}
        assert len({(a, b) for a, b in cells}) == n * n   # the displacements from the upper left pixel
        assert_only_as_printed(len(lengths), len({i * i + j * j for i, j in cells}), len(pairs), n * n)
        if n == 3:
            evidence("Text 2.1.3-b", lengths=len(lengths), corner=n * n, displacements=len(pairs))


def test_text_2_1_3_a_mode_may_be_flat(evidence):
    """A slip: at a mode the Hessian need only be positive semidefinite, as x^4 shows."""
    energy = np.polynomial.Polynomial([0, 0, 0, 0, 1])
    assert energy.deriv(1)(0.0) == 0
    around = energy(np.array([-0.5, -0.1, 0.1, 0.5]))
    assert (around > energy(0.0)).all()                   # a mode, and the only one
    assert not energy.deriv(2)(0.0) > 0                   # but not positive definite
    evidence("Text 2.1.3-c", curvature=energy.deriv(2)(0.0), beside=energy(0.1))


def test_text_2_1_3_arguments_of_the_energies(mode, evidence):
    """A slip above Eq. 2.33: the joint energy depends on y, and the energy of one code does not."""
    joint, prior = {}, {}
    for shift in (0.0, 0.1):
        y = Y + shift
        prior[shift] = ALPHA / BETA * np.log(np.cosh(BETA * mode)).sum()
        # Left: minus the log of the joint density, by SciPy. Right: the sum as printed.
        likelihood = stats.norm(C @ mode, np.sqrt(1 / LAMBDA)).logpdf(y).sum() + 1.5 * np.log(2 * np.pi / LAMBDA)
        joint[shift] = prior[shift] - likelihood
        printed = prior[shift] + LAMBDA / 2 * ((y - C @ mode) ** 2).sum()
        assert_only_as_printed(joint[shift], printed, prior[shift])
    assert prior[0.0] == prior[0.1]
    evidence("Text 2.1.3-d", before=joint[0.0], after=joint[0.1])


def test_text_2_1_3_less_than_unity_is_not_little(evidence):
    """A slip: a neglected term below one, say 0.9, still multiplies the density by 0.41, or by 2.46."""
    for sign in (1, -1):
        energy = lambda x, sign=sign: x**2 / 2 + sign * 0.9 * x**4
        left = np.exp(-energy(1.0)) / np.exp(-0.5)        # the density at 1, against its Gaussian approximation
        assert_only_as_printed(left, np.exp(-sign * 0.9), 1.0)
    evidence("Text 2.1.3-e", lower=np.exp(-0.9), upper=left)
