"""Section 8.3, the connection to denoising score matching: Eqs. 8.44-8.48, by quadrature and differences."""

import numpy as np
from compare import assert_only_as_printed
from scipy import integrate

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.inference import mcmc
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.objectives import denoising, scores
from pedagogy_lib.models.deep import diffusion

DATA, SHARE = np.array([-1.0, 0.3, 1.4]), np.array([0.5, 0.2, 0.3])
NODES, HEIGHTS = np.polynomial.hermite_e.hermegauss(60)
HEIGHTS = HEIGHTS / HEIGHTS.sum()


def test_eq_8_44():
    """The library's Langevin step of size h is the equation's with epsilon = h^2 / 2; and it samples from p."""
    energy = lambda x: 0.25 * x**4 - 0.5 * x**2
    slope = lambda x: x**3 - x
    h, x0 = 0.1, np.array([0.7])
    step = next(
        mcmc.langevin(lambda x: -energy(x[0]), lambda x: -slope(x), x0, h, np.random.default_rng(3), adjusted=False)
    )
    z, eps = np.random.default_rng(3).standard_normal(1), h**2 / 2
    printed = x0 - eps * slope(x0) + np.sqrt(2 * eps) * z
    assert_only_as_printed(
        step.state, printed, x0 + eps * slope(x0) + np.sqrt(2 * eps) * z, x0 - eps * slope(x0) + np.sqrt(eps) * z
    )

    def second_moment(noise, seed=0, eps=0.005):
        rng, x = np.random.default_rng(seed), np.zeros(4000)
        for _ in range(1500):
            x = x - eps * slope(x) + np.sqrt(noise * eps) * rng.standard_normal(len(x))
        return (x**2).mean()

    mass, moment = (integrate.quad(lambda x, p=p: x**p * np.exp(-energy(x)), -6, 6)[0] for p in (0, 2))
    assert_only_as_printed(moment / mass, second_moment(2), second_moment(1), rtol=0.05)


def test_eq_8_45():
    """For noise that is not Gaussian: the logistic density, whose force is -tanh(./2)."""
    x = 0.4
    noise = lambda d: 0.25 / np.cosh(0.5 * d) ** 2
    marginal = lambda y: SHARE @ noise(y - DATA)
    left = (np.log(marginal(x + 1e-5)) - np.log(marginal(x - 1e-5))) / 2e-5
    posterior = SHARE * noise(x - DATA) / marginal(x)
    forces = -np.tanh(0.5 * (x - DATA))
    assert_only_as_printed(left, posterior @ forces, SHARE @ forces, -posterior @ forces, rtol=1e-8)


def test_eq_8_46():
    """Tweedie's formula with a slanted covariance: the posterior mean by a sum over data on a grid."""
    covariance, alpha = np.array([[0.5, 0.2], [0.2, 0.3]]), 0.7
    precision = np.linalg.inv(covariance)
    rng = np.random.default_rng(0)
    data, weights = rng.normal(size=(40, 2)), rng.dirichlet(np.ones(40))

    def log_density(y):
        d = y - alpha * data
        return np.log(weights @ np.exp(-0.5 * ((d @ precision) * d).sum(1)))

    y, h = np.array([0.3, -0.6]), 1e-5
    left = np.array([(log_density(y + h * e) - log_density(y - h * e)) / (2 * h) for e in np.eye(2)])
    d = y - alpha * data
    posterior = weights * np.exp(-0.5 * ((d @ precision) * d).sum(1))
    mean = posterior @ data / posterior.sum()
    right = precision @ (alpha * mean - y)
    assert_only_as_printed(left, right, precision @ (mean - y), covariance @ (alpha * mean - y), rtol=1e-7)
    np.testing.assert_allclose(scores.tweedie_score(y[None], mean[None], alpha, covariance)[0], left, rtol=1e-7)
    np.testing.assert_allclose(scores.tweedie_mean(y[None], left[None], alpha, covariance)[0], mean, rtol=1e-7)


def test_eq_8_47():
    """The force from the best guess is the slope of the noisy data's log density; the library's is the same formula."""
    mixture = noised_mixture.Mixture(SHARE, DATA[:, None], np.zeros((3, 1, 1)))
    v, rho, h = 0.7, 1.3, 1e-5
    level = noising.Level(v * rho, v)
    log_density = lambda x: np.log(SHARE @ np.exp(-0.5 * ((x - v * rho * DATA) / v) ** 2))
    for x in (-0.9, 0.2):
        left = (log_density(x + h) - log_density(x - h)) / (2 * h)
        m = noised_mixture.denoise(mixture, [[x]], level)[0, 0]
        assert_only_as_printed(left, (v * rho * m - x) / v**2, (rho * m - x) / v**2, (v * rho * m - x) / v, rtol=1e-6)
    params = diffusion.start(
        np.zeros((1, 1)), (4,), networks.Tanh, denoising.Velocity, noising.log_linear(), np.random.default_rng(0)
    )
    x = np.array([[0.3], [-1.0]])
    guess = diffusion.denoise(params, x, level)
    found = diffusion.force(params, x, level)
    assert_only_as_printed(found, (v * rho * guess - x) / v**2, (v * rho * guess - x) / v)


def test_eq_8_48():
    """Eq. 8.41 in terms of the guess, and the two lines in terms of the force, each integrated by itself."""
    rho, v = np.sqrt([30.0, 8.0, 2.0, 0.5, 0.05]), np.array([0.3, 0.7, 1.1, 0.9, 1.0])
    force = lambda x, l: np.sin(x) - 0.4 * x - 0.1 * l
    guess = lambda x, l: v[l] / rho[l] * force(x, l) + x / (v[l] * rho[l])  # the display before it

    def total(weight, square):
        return sum(
            share * weight(l) * (square(y, v[l] * (rho[l] * y + NODES), NODES, l) @ HEIGHTS)
            for l in range(1, 5)
            for y, share in zip(DATA, SHARE)
        )

    lost = lambda l: rho[l - 1] ** 2 - rho[l] ** 2
    first = total(lambda l: lost(l) / 2, lambda y, x, z, l: (y - guess(x, l)) ** 2)
    pull = lambda y, x, z, l: ((v[l] * rho[l] * y - x) / v[l] ** 2 - force(x, l)) ** 2
    second = total(lambda l: lost(l) / 2 * v[l] ** 2 / rho[l] ** 2, pull)
    third = total(lambda l: lost(l) / (2 * rho[l] ** 2), lambda y, x, z, l: (z + v[l] * force(x, l)) ** 2)
    wrong = total(lambda l: lost(l) / (2 * rho[l] ** 2), lambda y, x, z, l: (z - v[l] * force(x, l)) ** 2)
    assert_only_as_printed(first, second, total(lambda l: lost(l) / 2, pull))
    assert_only_as_printed(
        first, third, wrong, total(lambda l: lost(l) / 2, lambda y, x, z, l: (z + v[l] * force(x, l)) ** 2)
    )
    # The library's answer `Force` has the target -z / v and the scale v / rho.
    level = noising.Level(v * rho, v)
    _, scale = denoising.Force.guess(level)
    np.testing.assert_allclose(scale, v / rho)
    np.testing.assert_allclose(denoising.Force.target(None, 0.5, level), -0.5 / v)


def test_a_denoising_loss_is_a_summand_of_eq_8_48():
    rho, v = 1.3, 0.7
    force = lambda x: np.sin(x) - 0.4 * x
    integral = sum(s * ((NODES + v * force(v * (rho * y + NODES))) ** 2 @ HEIGHTS) for y, s in zip(DATA, SHARE))
    y = np.repeat(DATA, (SHARE * 200_000).astype(int))[:, None]
    found = scores.denoising_loss(force, y, noising.Level(v * rho, v), np.random.default_rng(0))
    assert_only_as_printed(2 * v**2 * found, integral, v**2 * integral, rtol=0.01)


def test_text_8_3_1_the_kernel_sum_is_a_mean(evidence):
    """The sum of N kernels integrates to N, and not to one."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=50)
    total = integrate.quad(
        lambda y: np.exp(-0.5 * ((y - points) / 0.3) ** 2).sum() / np.sqrt(2 * np.pi * 0.09), -8, 8, limit=400
    )[0]
    np.testing.assert_allclose(total, 50, rtol=1e-6)
    evidence("Text 8.3.1-c", samples=50, integral=total)
