"""Section 8.1: Gaussian recognition distributions and sparse coding, Eqs. 8.1-8.11, and the boxed algorithm."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize

from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gaussian_codes, sparse_coding

NODES, HEIGHTS = np.polynomial.hermite_e.hermegauss(60)
HEIGHTS = HEIGHTS / HEIGHTS.sum()
NODES2, HEIGHTS2 = np.stack(np.meshgrid(NODES, NODES), -1).reshape(-1, 2), np.outer(HEIGHTS, HEIGHTS).ravel()

C = np.array([[1.0, 0.6, -0.3], [0.2, -0.9, 0.8]])  # two numbers, three sources
PRECISION, RATES = 4.0, np.array([1.0, 1.5, 0.7])
WIDE = gaussian_codes.Parameters(C, PRECISION, Laplace(RATES))
SQUARE = gaussian_codes.Parameters(C[:, :2], PRECISION, Laplace(RATES[:2]))


def by_differences(f, at, h=1e-5):
    """The array of slopes of f, a function of an array."""
    units = np.eye(at.size).reshape(-1, *at.shape)
    return np.array([(f(at + h * e) - f(at - h * e)) / (2 * h) for e in units]).reshape(at.shape)


def recognition(n, k, seed):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n, k, k))
    return rng.normal(size=(n, k)), roots @ roots.transpose(0, 2, 1) + 0.2 * np.eye(k)


def size_of(m, v):
    """E|X| for X ~ N(m, v), by SciPy's folded normal distribution."""
    return stats.foldnorm.mean(abs(m) / np.sqrt(v), scale=np.sqrt(v))


def surprisal(params, x, y):
    """-log p(x, y), from SciPy's densities; x of shape (N, K), one y."""
    noise = stats.norm.logpdf(y - x @ params.dictionary.T, scale=params.precision**-0.5).sum(-1)
    return -noise - stats.laplace.logpdf(x, scale=1 / params.prior.rates).sum(-1)


def draws(m, S, n=400_000, seed=0):
    return m + np.random.default_rng(seed).standard_normal((n, len(m))) @ np.linalg.cholesky(S).T


def smooth_energy(x):
    """Neither quadratic nor separable; with its slope and its Hessian below."""
    return np.log(np.cosh(1.3 * x[..., 0])) + 0.5 * (x[..., 0] - 2 * x[..., 1] + 0.7) ** 2 + 0.1 * x[..., 1] ** 4


def smooth_slope(x):
    miss = x[..., 0] - 2 * x[..., 1] + 0.7
    return np.stack([1.3 * np.tanh(1.3 * x[..., 0]) + miss, -2 * miss + 0.4 * x[..., 1] ** 3], -1)


def smooth_hessian(x):
    H = np.array([[1.0, -2.0], [-2.0, 4.0]]) + np.zeros((*x.shape[:-1], 2, 2))
    H[..., 0, 0] += 1.69 / np.cosh(1.3 * x[..., 0]) ** 2
    H[..., 1, 1] += 1.2 * x[..., 1] ** 2
    return H


def average(f, m, S):
    """E[f(X)] for X ~ N(m, S) in two dimensions, by quadrature."""
    return np.tensordot(HEIGHTS2, f(m + NODES2 @ np.linalg.cholesky(S).T), 1)


def best_smooth_gaussian():
    """The Gaussian of least loss for the smooth energy: over means and roots, by a general optimizer."""

    def split(free):
        L = np.array([[np.exp(free[2]), 0], [free[3], np.exp(free[4])]])
        return free[:2], L @ L.T

    def loss(free):
        m, S = split(free)
        return average(smooth_energy, m, S) - 0.5 * np.log(np.linalg.det(S))

    return split(minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x)


def test_eq_8_1():
    """The relative entropy of the two joints by integrals, and by the joint's cross entropy and log |P|."""
    y, weights = np.array([-1.2, 0.4, 2.0]), np.array([0.2, 0.5, 0.3])
    nu, deviations = np.array([-0.8, 0.1, 1.5]), np.array([0.5, 0.3, 0.8])
    joint = lambda x, n: stats.laplace.pdf(x, scale=1.25) * stats.norm.pdf(y[n], 0.9 * x, 0.6)

    def inner(f, n):
        guess = stats.norm(nu[n], deviations[n])
        ends = nu[n] + 11 * deviations[n] * np.array([-1, 1])
        return quad(lambda x: guess.pdf(x) * f(x, guess), *ends, points=[0.0], epsabs=1e-12)[0]

    left = weights @ [inner(lambda x, g, n=n: np.log(g.pdf(x) * weights[n] / joint(x, n)), n) for n in range(3)]
    cross = weights @ [inner(lambda x, g, n=n: -np.log(joint(x, n)), n) for n in range(3)]
    half_log_P, data_entropy = weights @ -np.log(deviations), -weights @ np.log(weights)
    c = -0.5 * (1 + np.log(2 * np.pi)) - data_entropy  # K = 1
    right = cross + half_log_P + c
    assert_only_as_printed(
        left, right, cross - half_log_P + c, cross + 2 * half_log_P + c, right + data_entropy, rtol=1e-8
    )


def test_eq_8_2():
    """With a pair for each datum the loss falls apart: each is fitted alone, and better than by one for all."""
    y = np.random.default_rng(1).normal(size=(5, 2)) * 1.5
    options = gaussian_codes.Options(tolerance=1e-12, steps=2000)
    together = gaussian_codes.posterior(WIDE, y, options)
    alone = [gaussian_codes.posterior(WIDE, y[n : n + 1], options) for n in range(5)]
    shared = np.tile(together.means.mean(0), (5, 1))
    assert_only_as_printed(
        np.concatenate([each.means for each in alone]), together.means, shared, together.means[::-1], atol=1e-4
    )
    one_for_all = gaussian_codes.Recognition(shared, np.tile(together.covariances.mean(0), (5, 1, 1)))
    gap = gaussian_codes.free_energy(WIDE, one_for_all, y) - gaussian_codes.free_energy(WIDE, together, y)
    assert gap.min() > 0 and gap.mean() > 0.5


def test_eq_8_3():
    """The slope in the mean by differences of a quadrature, and the average slope of the energy."""
    m, S = np.array([0.4, -0.3]), np.array([[0.8, 0.3], [0.3, 0.5]])
    left = by_differences(lambda m: average(smooth_energy, m, S), m)
    assert_only_as_printed(left, average(smooth_slope, m, S), smooth_slope(m), -average(smooth_slope, m, S), rtol=1e-7)
    at_rest = average(smooth_slope, *best_smooth_gaussian())
    assert np.abs(at_rest).max() < 1e-6


def test_eq_8_4():
    """The slope in the covariance is half of the average Hessian, and at rest that Hessian is the precision."""
    m, S = np.array([0.4, -0.3]), np.array([[0.8, 0.3], [0.3, 0.5]])
    change = np.array([[0.3, -0.2], [-0.2, 0.5]])
    h = 1e-5
    along = (average(smooth_energy, m, S + h * change) - average(smooth_energy, m, S - h * change)) / (2 * h)
    H = average(smooth_hessian, m, S)
    assert_only_as_printed(
        along, 0.5 * np.trace(H @ change), np.trace(H @ change), 0.5 * np.trace(smooth_hessian(m) @ change), rtol=1e-6
    )
    m, S = best_smooth_gaussian()
    P, H = np.linalg.inv(S), average(smooth_hessian, m, S)
    assert_only_as_printed(P, H, 2 * H, smooth_hessian(m), rtol=1e-5)


def test_eqs_8_3_and_8_4_become_laplaces_approximation_for_quadratic_energies():
    """Then the mean is the mode, and the precision the Hessian there; for a quartic energy neither is."""
    A, b = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([1.0, -2.0])
    params = gaussian_codes.Parameters(np.linalg.cholesky(A).T, 1.0, Laplace(1e-9))  # next to no prior
    y = np.linalg.solve(np.linalg.cholesky(A), b)[None]
    found = gaussian_codes.posterior(params, y, gaussian_codes.Options(tolerance=0, steps=500))
    np.testing.assert_allclose(found.means[0], np.linalg.solve(A, b), rtol=1e-5)
    np.testing.assert_allclose(np.linalg.inv(found.covariances[0]), A, rtol=1e-5)
    m, S = best_smooth_gaussian()
    mode = minimize(smooth_energy, np.zeros(2), jac=smooth_slope, options={"gtol": 1e-10}).x
    assert np.abs(mode - m).max() > 0.01 and np.abs(np.linalg.inv(S) - smooth_hessian(mode)).max() > 0.1


def test_eq_8_5():
    """The joint density of the library is the product of SciPy's, and its moments are those of its samples."""
    x, y = np.random.default_rng(2).normal(size=(7, 3)), np.array([0.8, -0.5])
    right = sparse_coding.log_joint(WIDE, x, np.tile(y, (7, 1)))
    swapped = sparse_coding.log_joint(WIDE._replace(precision=1 / PRECISION), x, np.tile(y, (7, 1)))
    assert_only_as_printed(-surprisal(WIDE, x, y), right, swapped, right + 1)
    drawn = gaussian_codes.sample(WIDE, 400_000, np.random.default_rng(3))
    covariance = C @ np.diag(2 / RATES**2) @ C.T + np.eye(2) / PRECISION
    found = np.cov(drawn.observations.T)
    assert_only_as_printed(covariance, found, found + np.eye(2) * (PRECISION - 1 / PRECISION), rtol=0.02, atol=0.02)


def test_eq_8_6():
    """The smooth energy is below the Laplace energy by at most alpha log 2 / beta, which it is far out."""
    x, alpha = np.linspace(-9, 9, 721), 1.4
    for beta in (5.0, 50.0):
        gap = alpha * np.abs(x) - alpha / beta * np.log(np.cosh(beta * x))
        assert_only_as_printed(gap.max(), alpha * np.log(2) / beta, alpha * np.log(2), alpha / beta)
        assert gap.min() > -1e-12 and gap[360] == 0
    near = stats.laplace.cdf(0.2, scale=0.5**0.5) - 0.5, stats.norm.cdf(0.2) - 0.5  # both of variance 1
    assert near[0] > 1.5 * near[1]


def cross_entropy(params, m, S, y):
    """E[-log p(X, y)] by an integral over each direction that matters: of the noise, and of each |x|."""
    A, K = params.dictionary, len(m)
    D = len(A)
    misfit = sum(
        quad(
            lambda e, d=d: e * e * stats.norm.pdf(e, y[d] - A[d] @ m, np.sqrt(A[d] @ S @ A[d])),
            -80,
            80,
            points=[y[d] - A[d] @ m],
            epsabs=1e-11,
        )[0]
        for d in range(D)
    )
    prices = params.prior.rates @ [size_of(m[k], S[k, k]) for k in range(K)]
    return misfit, prices, -np.log(params.prior.rates / 2).sum()


def test_eq_8_7(evidence):
    """With three sources and two numbers: the average surprisal over draws; D and K are told apart, and the sign."""
    m, S = (each[0] for each in recognition(1, 3, 4))
    S, y = 0.05 * S, np.array([0.8, -0.5])
    x = draws(m, S)
    values = surprisal(WIDE, x, y)
    error = values.std() / np.sqrt(len(values))
    misfit, prices, log_Z = cross_entropy(WIDE, m, S, y)
    rest = log_Z + 0.5 * PRECISION * misfit + prices
    mended, printed = rest - np.log(PRECISION) + np.log(2 * np.pi), rest + 1.5 * np.log(PRECISION)
    wrong_size = rest - 1.5 * np.log(PRECISION) + 1.5 * np.log(2 * np.pi)
    assert abs(mended - values.mean()) < 4.5 * error
    assert min(abs(wrong - values.mean()) for wrong in (printed, printed + np.log(2 * np.pi), wrong_size)) > 20 * error
    # In the precision the printed sign has no minimum: the best precision is D over the misfit.
    slopes = [
        (sum_at(2 * PRECISION) - sum_at(PRECISION))
        for sum_at in (
            lambda p: 0.5 * p * misfit - np.log(p),
            lambda p: np.mean(surprisal(WIDE._replace(precision=p), x, y)),
        )
    ]
    assert slopes[0] == pytest.approx(slopes[1], abs=0.05)
    evidence("8.7", exact=mended, printed=printed)


def test_eq_8_8():
    """Differences of the loss between two settings of everything but lambda and alpha; the constant drops out."""
    y, other = np.array([0.8, -0.5]), WIDE._replace(dictionary=1.4 * C[:, ::-1] + 0.1)
    totals, right, plain = [], [], []
    for seed, params in ((5, WIDE), (6, other)):
        m, S = (each[0] for each in recognition(1, 3, seed))
        A, P = params.dictionary, np.linalg.inv(S)
        misfit, prices, log_Z = cross_entropy(params, m, S, y)
        totals.append(0.5 * PRECISION * misfit + prices - stats.multivariate_normal(m, S).entropy())
        blurred, at_the_mean = np.trace(A @ S @ A.T), ((y - A @ m) ** 2).sum()
        rest = 0.5 * np.linalg.slogdet(P)[1] + prices
        right.append(0.5 * PRECISION * (blurred + at_the_mean) + rest)
        plain.append(0.5 * PRECISION * at_the_mean + rest)
        recognized = gaussian_codes.Recognition(m[None], S[None])
        assert gaussian_codes.free_energy(params, recognized, y[None])[0] - totals[-1] == pytest.approx(
            log_Z + np.log(2 * np.pi / PRECISION), abs=1e-9
        )
    assert_only_as_printed(np.diff(totals), np.diff(right), np.diff(plain), -np.diff(right), rtol=1e-8)


def dictionary_part(A, nu, S, y):
    """Half of lambda times the misfit, averaged over data and over draws of the codes."""
    z = np.random.default_rng(7).standard_normal((3000, 3))
    z = (z - z.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T, bias=True))).T  # moments exactly 0 and 1
    x = nu[:, None] + np.einsum("sk,njk->nsj", z, np.linalg.cholesky(S))
    return 0.5 * PRECISION * ((y[:, None] - x @ A.T) ** 2).sum(-1).mean()


def test_eq_8_9():
    """The gradient by differences, the zero of it by a general optimizer, and both in the library's M step."""
    nu, S = recognition(30, 3, 8)
    y = np.random.default_rng(9).normal(size=(30, 2))
    left = by_differences(lambda A: dictionary_part(A, nu, S, y), C, 1e-4)
    blur, pull = C @ S.mean(0), (y - nu @ C.T).T @ nu / 30
    assert_only_as_printed(left, PRECISION * (blur - pull), -PRECISION * pull, PRECISION * (blur + pull), rtol=1e-7)
    best = minimize(lambda A: dictionary_part(A.reshape(2, 3), nu, S, y), C.ravel(), options={"gtol": 1e-8}).x.reshape(
        2, 3
    )
    scatter = S.mean(0) + nu.T @ nu / 30
    right = (y.T @ nu / 30) @ np.linalg.inv(scatter)
    assert_only_as_printed(best, right, (y.T @ nu / 30) @ np.linalg.inv(nu.T @ nu / 30), rtol=1e-4, atol=1e-5)
    statistics = gaussian_codes.Statistics(WIDE, y.T @ nu / 30, scatter, 0.0)
    np.testing.assert_allclose(gaussian_codes.maximize(statistics).dictionary, right, rtol=1e-9)


def best_gaussian(params, y):
    """The Gaussian of least free energy for one datum of two sources: by a general optimizer, E|X| by SciPy."""

    def split(free):
        L = np.array([[np.exp(free[2]), 0], [free[3], np.exp(free[4])]])
        return free[:2], L @ L.T

    def loss(free):
        m, S = split(free)
        A = params.dictionary
        misfit = ((y - A @ m) ** 2).sum() + np.trace(A @ S @ A.T)
        return (
            0.5 * params.precision * misfit
            + params.prior.rates @ [size_of(m[k], S[k, k]) for k in range(2)]
            - free[2]
            - free[4]
        )

    return split(minimize(loss, np.array([0.1, -0.1, -0.5, 0, -0.5]), options={"gtol": 1e-7}).x)


DATA = np.array([[1.5, -0.4], [0.3, 0.2], [-0.7, 1.1]])


def test_eq_8_10(evidence):
    """The zero of the exact slope has erf where the printed condition has the sign; the mode is another point."""
    A, gaps = SQUARE.dictionary, []
    modes = sparse_coding.mode(SQUARE, DATA)
    for y, mode in zip(DATA, modes):
        m, S = best_gaussian(SQUARE, y)
        pull = PRECISION * A.T @ (y - A @ m)
        # The mean of sign(X) is a difference of two probabilities: no error function on this side.
        sign = 1 - 2 * stats.norm.cdf(0, m, np.sqrt(np.diag(S)))
        assert_only_as_printed(pull, SQUARE.prior.rates * sign, SQUARE.prior.rates * np.sign(m), atol=1e-4)
        gaps.append(np.abs(m - mode).max())
        best = minimize(
            lambda x, y=y: surprisal(SQUARE, x[None], y)[0],
            mode + 0.1,
            method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-12},
        ).x
        np.testing.assert_allclose(mode, best, atol=1e-5)  # the printed problem is that of the mode
    assert min(gaps) > 0.01
    found = gaussian_codes.posterior(SQUARE, DATA, gaussian_codes.Options(tolerance=1e-14, steps=2000))
    np.testing.assert_allclose(found.means[1], best_gaussian(SQUARE, DATA[1])[0], atol=1e-4)
    evidence("8.10", exact=found.means[1], printed=modes[1])


def test_eq_8_11(evidence):
    """The exact precision has 2 alpha N(0; nu, s^2) on its diagonal; sech^2 at the mode depends on beta alone."""
    A, rates, y = SQUARE.dictionary, SQUARE.prior.rates, DATA[1]
    m, S = best_gaussian(SQUARE, y)
    s = np.sqrt(np.diag(S))
    mode = sparse_coding.mode(SQUARE, y[None])[0]
    printed = {beta: PRECISION * A.T @ A + np.diag(rates * beta / np.cosh(beta * mode) ** 2) for beta in (5.0, 50.0)}
    exact = PRECISION * A.T @ A + np.diag(2 * rates * stats.norm.pdf(0, m, s))
    assert_only_as_printed(np.linalg.inv(S), exact, *printed.values(), rtol=1e-3)
    assert np.count_nonzero(mode) == 1  # one code is zero, where the energy has its corner
    # For the smooth neighbor of the energy, a sharp one, the mean Hessian is the exact one and not that at the mean.
    smooth = rates * [
        quad(
            lambda x, k=k: 50 / np.cosh(np.clip(50 * x, -300, 300)) ** 2 * stats.norm.pdf(x, m[k], s[k]),
            -1,
            1,
            points=[0.0],
            epsabs=1e-10,
        )[0]
        for k in range(2)
    ]
    np.testing.assert_allclose(PRECISION * A.T @ A + np.diag(smooth), exact, rtol=2e-3)
    k = int(np.flatnonzero(mode == 0)[0])
    tight = gaussian_codes.posterior(SQUARE, y[None], gaussian_codes.Options(tolerance=1e-14, steps=2000)).covariances[
        0
    ]
    np.testing.assert_allclose(tight, S, atol=1e-4)
    evidence(
        "8.11",
        exact=np.sqrt(tight[k, k]),
        five=np.sqrt(np.linalg.inv(printed[5.0])[k, k]),
        fifty=np.sqrt(np.linalg.inv(printed[50.0])[k, k]),
    )


def test_box_em_for_laplace_sparse_coding(evidence):
    """Its M step as mended never raises the loss; as printed the second factor is no matrix of the right kind."""
    truth = SQUARE._replace(dictionary=np.array([[1.0, 0.6], [0.0, 0.8]]), precision=20.0)
    y = gaussian_codes.sample(truth, 60, np.random.default_rng(10)).observations
    statistics = gaussian_codes.expected_statistics(truth, y)
    found = gaussian_codes.posterior(truth, y)
    inner = found.covariances.mean(0) + np.mean([np.outer(nu, nu) for nu in found.means], 0)
    scalar = found.covariances.mean(0) + np.mean([nu @ nu for nu in found.means])  # a number to each entry
    cross = np.mean([np.outer(row, nu) for row, nu in zip(y, found.means)], 0)
    mended, printed = cross @ np.linalg.inv(inner), cross @ np.linalg.inv(scalar)
    assert_only_as_printed(
        gaussian_codes.maximize(statistics).dictionary,
        mended,
        printed,
        cross @ np.linalg.inv(inner - found.covariances.mean(0)),
        rtol=1e-7,
    )
    losses = [
        gaussian_codes.free_energy(truth._replace(dictionary=A), found, y).mean()
        for A in (truth.dictionary, mended, printed)
    ]
    assert losses[1] < losses[0] < losses[2]
    with pytest.warns(UserWarning, match="stopped"):
        fit = em.fit(gaussian_codes, truth, y, tolerance=0, max_iterations=5)
    assert (np.diff(fit.losses) <= 1e-5).all()
    evidence("Box EM for Laplace sparse coding", before=losses[0], mended=losses[1], printed=losses[2])


def test_text_8_1_1_the_classical_loss(evidence):
    """log |P| as a function of C has the slope of lambda tr[C P^-1 C'] at a fixed P; and the marginal needs p(y|x)."""
    extra = np.diag([0.7, 1.9, 0.4])
    left = by_differences(lambda A: np.linalg.slogdet(PRECISION * A.T @ A + extra)[1], C)
    S = np.linalg.inv(PRECISION * C.T @ C + extra)
    right = by_differences(lambda A: PRECISION * np.trace(A @ S @ A.T), C)
    assert_only_as_printed(left, 2 * PRECISION * C @ S, right / 2, PRECISION * C @ S, rtol=1e-6)
    np.testing.assert_allclose(right, left, rtol=1e-6)
    y, c, deviation = 0.8, 0.9, 0.5
    prior, emission = (lambda x: stats.laplace.pdf(x)), (lambda x: stats.norm.pdf(y, c * x, deviation))
    marginal = quad(lambda x: prior(x) * emission(x), -20, 20, points=[0, 1], epsabs=1e-12)[0]
    wrong = quad(lambda x: prior(x) ** 2 * emission(x) / marginal, -20, 20, points=[0, 1], epsabs=1e-12)[0]
    # -log p(y) by another way: Y is a sum of a Laplace number and noise, so by a convolution of their densities in y.
    other = quad(
        lambda e: stats.norm.pdf(e, 0, deviation) * stats.laplace.pdf(y - e, scale=c), -5, 5, points=[y], epsabs=1e-12
    )[0]
    assert_only_as_printed(other, marginal, wrong, rtol=1e-7)
    evidence("Text 8.1.1-a", exact=marginal, printed=wrong)
