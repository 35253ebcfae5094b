"""Section 2.1.2: jointly Gaussian models and factor analysis, Eqs. 2.11-2.27."""

import numpy as np
import pytest
from compare import assert_frequencies, assert_only_as_printed
from scipy.integrate import dblquad, quad
from scipy.special import ndtr
from scipy.stats import multivariate_normal, norm

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.models.static import factor_analysis as fa

MU_X = np.array([0.5, -1.0])
S_X = np.array([[1.2, 0.4], [0.4, 0.7]])
C = np.array([[1.0, 0.3], [-0.5, 0.8], [0.2, -1.1]])
c = np.array([0.1, -0.6, 0.4])
S = np.array([[0.5, 0.1, 0.0], [0.1, 0.4, -0.1], [0.0, -0.1, 0.6]])
Y = np.array([0.9, -0.2, 1.3])
SOURCE, EMISSION = Gaussian(MU_X, S_X), AffineGaussian(C, c, S)
INV = np.linalg.inv

LAMBDA = np.diag([0.5, 0.4, 0.6])
FACTORS = fa.Parameters(C, c, np.diag(LAMBDA))


def dense_joint(mu=MU_X, prior=S_X, emission=S):
    """Mean and covariance of (x, y) from the linear map (x, z) -> (x, C x + c + z)."""
    M = np.block([[np.eye(2), np.zeros((2, 3))], [C, np.eye(3)]])
    stacked = np.block([[prior, np.zeros((2, 3))], [np.zeros((3, 2)), emission]])
    return M @ np.concatenate([mu, c]), M @ stacked @ M.T


def dense_posterior(mu=MU_X, prior=S_X, emission=S, y=Y):
    """Mean and covariance of x given y: the x block of the joint's precision, inverted."""
    mean, covariance = dense_joint(mu, prior, emission)
    P = INV(covariance)
    posterior = INV(P[:2, :2])
    return mean[:2] - posterior @ P[:2, 2:] @ (y - mean[2:]), posterior


def test_eq_2_11():
    rng = np.random.default_rng(11)
    x = gaussian.sample(SOURCE, 200_000, rng)
    y = x @ C.T + c + gaussian.sample(Gaussian(np.zeros(3), S), 200_000, rng)
    # Of each sample's own emission density, the first entry falls into quarters.
    for shift, refuted in ((0.0, False), (0.3, True)):
        quarters = np.floor(4 * ndtr((y[:, 0] - x @ C[0] - c[0] - shift) / np.sqrt(S[0, 0]))).astype(int)
        counts = np.bincount(np.minimum(quarters, 3), minlength=4)
        if not refuted:
            assert_frequencies(counts, np.full(4, 0.25), [0.3, 0.2, 0.25, 0.25])
        else:
            assert np.abs(counts / 200_000 - 0.25).max() > 0.02
    quarters = np.floor(4 * ndtr((x[:, 1] - MU_X[1]) / np.sqrt(S_X[1, 1]))).astype(int)
    assert_frequencies(np.bincount(quarters, minlength=4), np.full(4, 0.25), [0.24, 0.26, 0.25, 0.25])


def test_eq_2_12():
    """p(x|y), by quadrature of the joint, is the Gaussian with the defined cumulants."""
    prior, noise = multivariate_normal(MU_X, S_X), multivariate_normal(np.zeros(3), S)
    joint = lambda x: prior.pdf(x) * noise.pdf(Y - C @ x - c)
    normalizer = dblquad(lambda b, a: joint(np.array([a, b])), -5, 6, -6, 5, epsabs=1e-10)[0]
    precision = C.T @ INV(S) @ C + INV(S_X)
    covariance = INV(precision)
    mean = covariance @ (C.T @ INV(S) @ (Y - c) + INV(S_X) @ MU_X)
    points = np.array([[0.2, -0.5], [1.0, -1.0], [0.6, 0.3]])
    left = [joint(x) / normalizer for x in points]
    assert_only_as_printed(
        left,
        multivariate_normal(mean, covariance).pdf(points),
        prior.pdf(points),
        multivariate_normal(mean, precision).pdf(points),
        rtol=1e-6,
    )
    # The lines between, each proportional to the last in x.
    quadratic = [x @ precision @ x - 2 * ((Y - c) @ INV(S) @ C + MU_X @ INV(S_X)) @ x for x in points]
    assert np.ptp(np.log(left) + 0.5 * np.array(quadratic)) < 1e-6
    assert np.ptp(np.log(left) + np.array(quadratic)) > 0.1
    mean, covariance = dense_joint()
    assert normalizer == pytest.approx(multivariate_normal(mean[2:], covariance[2:, 2:]).pdf(Y), rel=1e-6)


def test_text_2_1_2_normalizer():
    """Z = tau^(K/2) |Sigma|^(1/2), against the integral."""
    mean, covariance = dense_posterior()
    P = INV(covariance)
    left = dblquad(
        lambda b, a: np.exp(-0.5 * (np.array([a, b]) - mean) @ P @ (np.array([a, b]) - mean)), -6, 7, -7, 6
    )[0]
    root = np.sqrt(np.linalg.det(covariance))
    assert_only_as_printed(left, 2 * np.pi * root, np.sqrt(2 * np.pi) * root, 2 * np.pi * root**2, rtol=1e-7)


def test_eq_2_13():
    mean, covariance = dense_posterior()
    right = covariance @ (C.T @ INV(S) @ (Y - c) + INV(S_X) @ MU_X)
    assert_only_as_printed(mean, right, covariance @ (C.T @ INV(S) @ Y + INV(S_X) @ MU_X),
                           covariance @ (C.T @ INV(S) @ (Y - c)))
    np.testing.assert_allclose(gaussian.invert(SOURCE, EMISSION, Y, form="information").mean, mean, rtol=1e-10)


def test_eq_2_14():
    left = INV(dense_posterior()[1])
    assert_only_as_printed(left, C.T @ INV(S) @ C + INV(S_X), C.T @ INV(S) @ C, C.T @ S @ C + INV(S_X))


def test_text_2_1_2_no_convex_combination(evidence):
    """A slip: in more dimensions than one the posterior mean is no convex combination.

    Two prior axes, two sensors. The prior mean is the origin, the transformed observation is (1, 1),
    and a convex combination would lie between, on the diagonal. It lies at (0.91, 0.09). With
    correlations it even leaves the box that the two span.
    """
    eye = np.eye(2)
    prior, noise = Gaussian(np.zeros(2), np.diag([1.0, 0.1])), np.diag([0.1, 1.0])
    found = gaussian.invert(prior, AffineGaussian(eye, np.zeros(2), noise), np.ones(2))
    weights = found.covariance @ np.linalg.inv(noise)
    np.testing.assert_allclose(found.mean, [1 / 1.1, 0.1 / 1.1], rtol=1e-12)
    np.testing.assert_allclose(found.mean, weights @ np.ones(2), rtol=1e-12)   # a matrix of weights
    assert np.ptp(found.mean) > 0.8                       # far from the diagonal
    tilted = Gaussian(np.zeros(2), np.array([[1.0, 0.95], [0.95, 1.0]]))
    outside = gaussian.invert(tilted, AffineGaussian(eye, np.zeros(2), np.diag([0.1, 1.0])), np.array([1.0, 0.0]))
    assert outside.mean[1] > 0.7                          # both "parents" have a zero there
    evidence("Text 2.1.2-a", mean=outside.mean)
    # In one dimension the sentence is right.
    line = gaussian.invert(Gaussian([0.0], [[2.0]]), AffineGaussian([[1.0]], [0.0], [[0.5]]), [1.0])
    assert 0 < line.mean[0] < 1


def test_text_2_1_2_which_pseudo_inverse(evidence):
    """Left open: the weights multiply C-dagger (y - c) only for the right one of many pseudo-inverses.

    With more sensors than sources it is the one weighted by the noise's precision. The Moore-Penrose
    one gives another mean.
    """
    mean, covariance = dense_posterior()
    weight = covariance @ C.T @ INV(S) @ C
    other = covariance @ INV(S_X) @ MU_X
    weighted = INV(C.T @ INV(S) @ C) @ C.T @ INV(S)
    penrose = weight @ np.linalg.pinv(C) @ (Y - c) + other
    assert_only_as_printed(mean, weight @ weighted @ (Y - c) + other, penrose)
    np.testing.assert_allclose(weighted @ C, np.eye(2), atol=1e-12)      # both are pseudo-inverses: left inverses
    evidence("Text 2.1.2-b", mean=mean, penrose=penrose)


def test_eq_2_15():
    # Left: the slope of the posterior mean in y, from the dense joint.
    left = np.stack([dense_posterior(y=Y + e)[0] - dense_posterior(y=Y)[0] for e in np.eye(3)], 1)
    covariance = dense_posterior()[1]
    assert_only_as_printed(left, covariance @ C.T @ INV(S), covariance @ C.T, S_X @ C.T @ INV(S), rtol=1e-8)
    np.testing.assert_allclose(gaussian.invert(SOURCE, EMISSION).matrix, left, rtol=1e-8)


def averaged_on_a_grid(f):
    """E[f(Y)] under the joint p(y|x) p(x) of one number each, by summing over a fine grid."""
    x, y = np.linspace(-9, 10, 800)[:, None], np.linspace(-17, 19, 2000)
    joint = norm(1.5 * x + 0.2, 0.7).pdf(y) * norm(0.5, 1.1).pdf(x)
    return (joint * f(y)).sum() / joint.sum()


def test_eq_2_16():
    left = averaged_on_a_grid(lambda y: y)
    inner = quad(lambda x: (1.5 * x + 0.2) * norm(0.5, 1.1).pdf(x), -9, 10)[0]
    assert_only_as_printed(left, 1.5 * 0.5 + 0.2, 1.5 * 0.5, 0.5 + 0.2, rtol=1e-6)
    assert_only_as_printed(left, inner, 0.5, rtol=1e-6)
    assert_only_as_printed(dense_joint()[0][2:], C @ MU_X + c, C @ MU_X)


def test_eq_2_17():
    mean = 1.5 * 0.5 + 0.2
    left = averaged_on_a_grid(lambda y: (y - mean) ** 2)
    assert_only_as_printed(left, 1.5**2 * 1.1**2 + 0.7**2, 1.5**2 * 1.1**2, 0.7**2, 1.5 * 1.1**2 + 0.7**2, rtol=1e-6)
    assert_only_as_printed(dense_joint()[1][2:, 2:], C @ S_X @ C.T + S, C @ S_X @ C.T - S)
    assert_only_as_printed(gaussian.marginalize(SOURCE, EMISSION).covariance, C @ S_X @ C.T + S, C @ C.T + S)


def test_text_2_1_2_a_term_of_the_third_cumulant_without_third_cumulants(evidence):
    """A slip: the law of total cumulance has the term 3 Cov(E[Y|X], Var[Y|X]), which invokes none of a higher order.

    It vanishes because the variance of Y given X is constant. Let it be (1 + X)^2, with X and Y given X both
    Gaussian as before, and Y is skewed.
    """
    x, weights = np.polynomial.hermite_e.hermegauss(12)  # exact for polynomials up to degree 23
    weights = weights / weights.sum()
    for variance, third in ((np.full(12, 0.7), 0.0), ((1 + x) ** 2, 6.0)):
        # E[Y^3 | X] and E[Y | X] of a Gaussian about X; E[Y] is 0, so that the third moment is the third cumulant.
        left = weights @ (x**3 + 3 * x * variance)
        covariance = weights @ (x * variance) - (weights @ x) * (weights @ variance)
        assert_only_as_printed(left, 3 * covariance, 3 * covariance + 1, atol=1e-12)
        assert left == pytest.approx(third, abs=1e-12)
    evidence("Text 2.1.2-c", third=left)


def test_eq_2_18():
    # Left: the integral of the joint over x, at three points.
    points = [-1.0, 0.4, 2.5]
    left = [quad(lambda x, y=y: norm(1.5 * x + 0.2, 0.7).pdf(y) * norm(0.5, 1.1).pdf(x), -9, 10)[0] for y in points]
    deviation = np.sqrt(1.5**2 * 1.1**2 + 0.7**2)
    assert_only_as_printed(left, norm(0.95, deviation).pdf(points), norm(0.95, deviation**2).pdf(points), rtol=1e-8)


def test_eq_2_19(evidence):
    """The third line lacks two transposes: E[X X] C^T is no product of matrices at all."""
    left = dense_joint()[1][:2, 2:]
    second_moment = S_X + np.outer(MU_X, MU_X)            # E[X X^T]
    corrected = second_moment @ C.T + np.outer(MU_X, c) - np.outer(MU_X, MU_X) @ C.T - np.outer(MU_X, c)
    assert_only_as_printed(left, corrected, second_moment @ C.T, S_X @ C.T + np.outer(MU_X, c))
    assert_only_as_printed(left, S_X @ C.T, (C @ S_X).T[::-1], C.T)
    # As printed: a column times a column has no meaning; read entry by entry it gives another answer.
    X = MU_X[:, None]
    with pytest.raises(ValueError, match="mismatch"):
        X @ X
    entrywise = np.diag(S_X) + MU_X**2
    misread = (np.diag(entrywise) - np.diag(MU_X**2)) @ C.T
    assert not np.allclose(misread, left)
    evidence("2.19", off=np.abs(misread - left).max())


def test_eq_2_20():
    draw = fa.sample(FACTORS, 200_000, np.random.default_rng(20))
    independent = np.corrcoef(draw.factors.T)[0, 1]
    assert abs(independent) < 5 / np.sqrt(200_000)
    quarters = lambda u: np.bincount(np.minimum(np.floor(4 * ndtr(u)).astype(int), 3), minlength=4)
    noise = draw.observations - draw.factors @ C.T - c
    for d in range(3):
        assert_frequencies(quarters(noise[:, d] / np.sqrt(LAMBDA[d, d])), np.full(4, 0.25), [0.24, 0.26, 0.25, 0.25])
        counts = quarters(noise[:, d] / LAMBDA[d, d])     # a variance taken for a deviation
        assert np.abs(counts / 200_000 - 0.25).max() > 0.02
    correlation = np.corrcoef(noise.T) - np.eye(3)
    assert np.abs(correlation).max() < 5 / np.sqrt(200_000)


def test_eq_2_21():
    mean, covariance = dense_joint(np.zeros(2), np.eye(2), LAMBDA)
    left = multivariate_normal(mean[2:], covariance[2:, 2:]).logpdf(Y)
    right = [multivariate_normal(c, M).logpdf(Y) for M in (C @ C.T + LAMBDA, C @ C.T + LAMBDA**2, 2 * LAMBDA)]
    assert_only_as_printed(left, *right)
    assert_only_as_printed(left, fa.log_marginal(FACTORS, [Y])[0], fa.log_marginal(FACTORS, [-Y])[0])


def test_eq_2_22():
    mean, covariance = dense_posterior(np.zeros(2), np.eye(2), LAMBDA)
    right = INV(C.T @ INV(LAMBDA) @ C + np.eye(2))
    assert_only_as_printed(covariance, right, INV(C.T @ INV(LAMBDA) @ C))
    assert_only_as_printed(mean, right @ C.T @ INV(LAMBDA) @ (Y - c), right @ C.T @ INV(LAMBDA) @ Y)
    found = fa.posterior(FACTORS, [Y])
    np.testing.assert_allclose(found.means[0], mean, rtol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-10)


def test_eq_2_23():
    left = INV(C.T @ INV(S) @ C + INV(S_X))
    middle = INV(C @ S_X @ C.T + S)
    assert_only_as_printed(left, S_X - S_X @ C.T @ middle @ C @ S_X, S_X + S_X @ C.T @ middle @ C @ S_X)


def test_eq_2_24():
    mean, covariance = dense_posterior()
    K, P = covariance @ C.T @ INV(S), C.T @ INV(S) @ C
    lines = [
        covariance @ (C.T @ INV(S) @ (Y - c) + INV(S_X) @ MU_X),
        K @ (Y - c) + covariance @ INV(S_X) @ MU_X,
        K @ (Y - c) + covariance @ (P - P + INV(S_X)) @ MU_X,
        K @ (Y - c) - K @ C @ MU_X + covariance @ (P + INV(S_X)) @ MU_X,
        K @ (Y - c) - K @ C @ MU_X + MU_X,
        MU_X + K @ (Y - (C @ MU_X + c)),
    ]
    for line in lines:
        assert_only_as_printed(mean, line, MU_X + K @ (Y - C @ MU_X), K @ (Y - c), rtol=1e-8)


def test_eq_2_25():
    left = np.stack([dense_posterior(y=Y + e)[0] - dense_posterior(y=Y)[0] for e in np.eye(3)], 1)
    M = C @ S_X @ C.T
    lines = [
        (S_X @ C.T - S_X @ C.T @ INV(M + S) @ M) @ INV(S),
        S_X @ C.T @ (np.eye(3) - INV(M + S) @ M) @ INV(S),
        S_X @ C.T @ INV(M + S) @ ((M + S) - M) @ INV(S),
        S_X @ C.T @ INV(M + S),
        S_X @ C.T @ INV(dense_joint()[1][2:, 2:]),        # in the text below
    ]
    for line in lines:
        assert_only_as_printed(left, line, S_X @ C.T @ INV(M), C.T, rtol=1e-8)


def test_eq_2_26():
    mean, covariance = dense_joint()
    found = gaussian.marginalize(SOURCE, EMISSION)
    assert_only_as_printed(mean[2:], C @ MU_X + c, C @ MU_X - c)
    assert_only_as_printed(covariance[2:, 2:], C @ S_X @ C.T + S, C @ C.T + S)
    np.testing.assert_allclose(found.mean, mean[2:], rtol=1e-12)
    np.testing.assert_allclose(found.covariance, covariance[2:, 2:], rtol=1e-12)


def test_eq_2_27():
    mean, covariance = dense_posterior()
    S_Y = C @ S_X @ C.T + S
    K = S_X @ C.T @ INV(S_Y)
    assert_only_as_printed(mean, MU_X + K @ (Y - C @ MU_X - c), MU_X + K @ Y, rtol=1e-8)
    assert_only_as_printed(covariance, S_X - K @ C @ S_X, S_X + K @ C @ S_X, S_X - K @ C, rtol=1e-8)
    assert_only_as_printed(covariance, S_X - K @ S_Y @ K.T, S_X - K @ S @ K.T, rtol=1e-8)


def test_text_2_1_2_mean_and_covariance_of_the_prior_are_not_identifiable():
    """Any change of the prior's mean or covariance can be taken over by c and C."""
    root = np.linalg.cholesky(S_X)
    absorbed = fa.Parameters(C @ root, c + C @ MU_X, np.diag(LAMBDA))
    left = gaussian.marginalize(SOURCE, AffineGaussian(C, c, LAMBDA))
    right = gaussian.marginalize(fa.source(absorbed), fa.emission(absorbed))
    wrong = gaussian.marginalize(fa.source(FACTORS), fa.emission(FACTORS))
    assert_only_as_printed(left.mean, right.mean, wrong.mean)
    assert_only_as_printed(left.covariance, right.covariance, wrong.covariance)
