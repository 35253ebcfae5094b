"""Stick breaking against brute-force Jacobians, sticks broken in a loop, and Dirichlets, whose moments are known."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad
from scipy.special import digamma, gammaln, polygamma

from pedagogy_lib.inference.variational import black_box, transforms
from pedagogy_lib.learning import optimization, parameters

ALPHA = np.array([3.0, 1.5, 4.0])


def jacobian(function, z, h=1e-6):
    return np.array([(function(z + e) - function(z - e)) / (2 * h) for e in h * np.eye(len(z))]).T


def broken(z):
    """A stick, broken piece by piece."""
    left, pieces = 1.0, []
    for k, number in enumerate(z):
        part = 1 / (1 + (len(z) - k) * np.exp(-number))
        pieces.append(left * part)
        left -= left * part
    return np.array([*pieces, left])


@pytest.mark.parametrize("units", [2, 3, 6])
def test_a_simplex_keeps_what_it_promises(units):
    T, rng = transforms.Simplex(units), np.random.default_rng(units)
    z, slopes = 1.5 * rng.standard_normal((5, units - 1)), rng.standard_normal((5, units))
    x = T.forward(z)
    assert np.allclose(x, [broken(row) for row in z], rtol=1e-12) and np.allclose(x.sum(1), 1, rtol=1e-14) and (x > 0).all()
    assert np.allclose(T.inverse(x), z, rtol=1e-9, atol=1e-9)
    assert np.allclose(T.forward(np.zeros(units - 1)), 1 / units)
    for row, slope in zip(z, slopes):
        J = jacobian(T.forward, row)
        volume = np.linalg.slogdet(J[:-1])[1]                   # of the first K - 1 shares
        assert np.isclose(T.log_slope(row).sum(), volume, atol=1e-8)
        assert np.allclose(T.carry(row, slope), J.T @ slope, atol=1e-8)
        assert np.allclose(T.bend(row), jacobian(lambda at: T.log_slope(at).sum(keepdims=True), row)[0], atol=1e-8)
        if units > 2:
            # Wrong: each piece as if the stick were whole; a pull that forgets that later shares shrink.
            b = 1 / (1 + np.arange(units - 1, 0, -1) * np.exp(-row))
            assert not np.isclose(np.log(b * (1 - b)).sum(), volume, atol=1e-3)
            assert not np.allclose(T.forward(row)[:-1] * (1 - b) * slope[:-1], J.T @ slope, atol=1e-3)


def test_a_tuple_is_its_transforms_one_after_the_other():
    """Alike neighbors act together if they act number by number; sticks do not, because each is whole."""
    free, stick = transforms.Positive(), transforms.Simplex(3)
    many, rng = (free, free, transforms.Between(-1.0, 3.0), stick, stick, free), np.random.default_rng(0)
    z, slopes = rng.standard_normal((4, 8)), rng.standard_normal((4, 10))
    ends, units = np.cumsum([t.free for t in many])[:-1], np.cumsum([t.units for t in many])[:-1]
    parts, pulls = np.split(z, ends, 1), np.split(slopes, units, 1)
    x = transforms.forward(many, z)
    assert np.allclose(x, np.hstack([t.forward(part) for t, part in zip(many, parts)]), rtol=1e-14)
    assert np.allclose(transforms.inverse(many, x), z, rtol=1e-9)
    volumes, bends = transforms.log_volume(many, z)
    assert np.allclose(volumes, sum(t.log_slope(part).sum(1) for t, part in zip(many, parts)), rtol=1e-13)
    assert np.allclose(bends, np.hstack([t.bend(part) for t, part in zip(many, parts)]), rtol=1e-13)
    carried = np.hstack([t.carry(part, pull) for t, part, pull in zip(many, parts, pulls)])
    assert np.allclose(transforms.carry(many, z, slopes), carried, rtol=1e-13)
    assert np.allclose(x[:, 3:6].sum(1), 1) and np.allclose(x[:, 6:9].sum(1), 1)


def test_extreme_numbers_lose_nothing():
    T = transforms.Simplex(3)
    found = T.log_slope(np.array([[-400.0, 0.0], [400.0, -400.0]]))
    assert np.isfinite(found).all()
    # b = e^z / 2 for the first, so that log x_1 (1 - b) = -400 - log 2; the second piece is halved: log(1/4).
    assert np.allclose(found[0], [-400 - np.log(2), np.log(0.25)], rtol=1e-12)


def test_a_dirichlet_keeps_its_mass_and_its_mean():
    """By quadrature over z, with the length factor and without it."""
    T, dirichlet = transforms.Simplex(3), stats.dirichlet(ALPHA)

    def integral(f, factor=1.0):
        inside = lambda b, a: f(T.forward([a, b])) * np.exp(factor * T.log_slope([a, b]).sum())
        return dblquad(inside, -14, 10, -14, 10, epsabs=1e-6)[0]

    density = lambda x: dirichlet.pdf(x / x.sum())
    assert integral(density) == pytest.approx(1, abs=1e-4)
    assert abs(integral(density, 0.0) - 1) > 0.1
    assert integral(lambda x: density(x) * x[1]) == pytest.approx(ALPHA[1] / ALPHA.sum(), abs=1e-4)


def dirichlet_target(alpha, more=()):
    """A Dirichlet prior, with a Gaussian unknown beside it if ``more`` has a transform."""

    def log_prior(x):
        shares, rest = x[:, : len(alpha)], x[:, len(alpha) :]
        values = (alpha - 1) @ np.log(shares).T - 0.5 * (rest**2).sum(1)
        return values, np.hstack([(alpha - 1) / shares, -rest])

    def log_likelihood(x, y):
        return y.sum(0) @ np.log(x[:, : len(alpha)]).T, np.hstack([y.sum(0) / x[:, : len(alpha)], 0 * x[:, len(alpha) :]])

    return black_box.Target(log_prior, log_likelihood, (transforms.Simplex(len(alpha)), *more))


def test_the_slopes_of_the_log_joint_are_its_slopes_in_mixed_company():
    target = dirichlet_target(ALPHA, (transforms.Real(), transforms.Between(-1.0, 2.0)))
    y, z = np.eye(3)[[0, 0, 2]], np.random.default_rng(0).standard_normal((4, 4))
    slopes = black_box.log_joint(target, z, y)[1]
    for row, slope in zip(z, slopes):
        assert np.allclose(jacobian(lambda at: black_box.log_joint(target, at[None], y)[0], row)[0], slope, atol=1e-6)
    assert black_box.to_units(target, z).shape == (4, 5) and transforms.sizes(target.transforms) == (4, 5)
    x = black_box.to_units(target, z)
    assert np.allclose(transforms.inverse(target.transforms, x), z)


def best_stick(a, b):
    """The best Gaussian over z, the logit of a Beta(a, b), by Gauss and Hermite's rule and a fixed point."""
    nodes, heights = np.polynomial.hermite_e.hermegauss(80)
    heights = heights / heights.sum()
    m, log_s = np.log(a / b), -0.5 * np.log(a * b / (a + b))
    for _ in range(100):
        s = np.exp(log_s)
        p = 1 / (1 + np.exp(-(m + s * nodes)))
        # E[log joint] = a m - (a + b) E[log(1 + e^z)], up to a constant: slopes in m, and in s with the entropy's 1 / s.
        m += (a - (a + b) * heights @ p) / ((a + b) * heights @ (p * (1 - p)))
        curvature = (a + b) * heights @ (p * (1 - p))
        log_s += 0.5 * (-0.5 * np.log(curvature) - log_s)       # s^2 = 1 / E[curvature] (Price)
    return m, np.exp(log_s)


def test_the_guess_of_a_dirichlet_is_the_best_for_each_stick():
    """The sticks are independent Betas: b_k ~ Beta(alpha_k, alpha_{k+1} + ... + alpha_K)."""
    target = dirichlet_target(np.ones(3))
    y = np.eye(3)[[0] * 6 + [1] * 2 + [2] * 4]
    guess = black_box.Guess(target, len(y), full=True, draws=32)
    begin = guess.start(np.full(3, 1 / 3), 0.5)
    run = optimization.run(guess, begin, y, np.random.default_rng(0), method=optimization.Adam(optimization.cosine(0.05, 1500)), iterations=1500)
    alpha = 1 + y.sum(0)
    sticks = np.array([best_stick(alpha[0], alpha[1:].sum()), best_stick(alpha[1], alpha[2])])
    wanted = sticks[:, 0] + np.log([2, 1])                      # the shift
    assert np.allclose(run.params.mean, wanted, atol=0.02)
    assert np.allclose(np.exp(run.params.logs), sticks[:, 1], atol=0.02) and abs(run.params.lower[1, 0]) < 0.02
    assert not np.allclose(run.params.mean, sticks[:, 0], atol=0.1)
    x = guess.sample(run.params, 100_000, np.random.default_rng(1))
    exact = stats.dirichlet(alpha)
    assert np.allclose(x.mean(0), exact.mean(), atol=0.01)
    assert np.allclose(np.cov(x.T), exact.cov(), atol=0.002)
    # The logarithm of a small share has a longer tail than the guess: the deviation of log x_2 is too small.
    true = np.sqrt(polygamma(1, alpha[1]) - polygamma(1, alpha.sum()))
    assert 0.8 * true < np.log(x[:, 1]).std() < 0.97 * true
    assert abs(np.log(x[:, 1]).mean() - (digamma(alpha[1]) - digamma(alpha.sum()))) < 0.03
    # The free energy is at least minus the log evidence, which is known.
    evidence = gammaln(alpha).sum() - gammaln(alpha.sum())
    loss = len(y) * guess._replace(draws=50_000).loss(run.params, y, np.random.default_rng(2))
    assert -evidence < loss < -evidence + 0.1


def test_the_best_guess_has_the_mean_shares_exactly():
    """By quadrature over each stick; the Gaussian at the mode (Laplace's) has other means."""
    nodes, heights = np.polynomial.hermite_e.hermegauss(80)
    mean = lambda m, s: heights @ (1 / (1 + np.exp(-(m + s * nodes)))) / heights.sum()
    for alpha in (np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 7.0]), np.array([20.0, 4.0, 11.0])):
        found, left, at_mode = [], 1.0, []
        for k in range(2):
            a, b = alpha[k], alpha[k + 1 :].sum()
            found.append(left * mean(*best_stick(a, b)))
            at_mode.append(left * mean(np.log(a / b), np.sqrt((a + b) / (a * b))))
            left *= b / (a + b)
        assert np.allclose(found, stats.dirichlet(alpha).mean()[:2], rtol=1e-6)
        assert not np.allclose(at_mode, stats.dirichlet(alpha).mean()[:2], rtol=2e-3)


def test_the_gradient_of_the_guess_is_that_of_its_loss():
    target = dirichlet_target(ALPHA)
    guess, y = black_box.Guess(target, 3, full=True, draws=4), np.eye(3)
    params = guess.start([0.2, 0.3, 0.5], 0.4)._replace(lower=np.array([[0.0, 0.0], [0.3, 0.0]]))
    found = parameters.flatten(guess.value_and_gradient(params, y, np.random.default_rng(7))[1]).vector
    flat = parameters.flatten(params).vector
    for i in (0, 1, 2, 3, 6):
        h = 1e-6 * np.eye(len(flat))[i]
        up, down = (guess.loss(parameters.view(flat + e, params), y, np.random.default_rng(7)) for e in (h, -h))
        assert found[i] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("call, words", [
    (lambda: transforms.Simplex(1), "units"),
    (lambda: transforms.Simplex(3).inverse([0.5, 0.5]), "x: expected 3 shares"),
    (lambda: transforms.Simplex(3).inverse([0.5, 0.4, 0.2]), "that sum to one"),
    (lambda: transforms.Simplex(3).inverse([0.5, 0.5, 0.0]), "x: expected numbers above 0"),
    (lambda: black_box.Guess(dirichlet_target(ALPHA), 1).start([0.5, 0.5], 1.0), "x: expected shape"),
    (lambda: black_box.log_joint(dirichlet_target(ALPHA), np.zeros((2, 3)), np.eye(3)), "z: expected shape"),
])
def test_a_bad_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
