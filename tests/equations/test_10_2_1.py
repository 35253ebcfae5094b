"""Sections 10.2 and 10.2.1: energies, their normalizer, and the gradient, by tables and by differences."""

from itertools import product
from math import lgamma

import numpy as np
from compare import assert_only_as_printed
from scipy.optimize import minimize

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import harmonium

XS, YS = (np.array(list(product((0.0, 1.0), repeat=n))) for n in (2, 3))
SHARES = np.array([0.3, 0.05, 0.1, 0.02, 0.08, 0.15, 0.05, 0.25])  # p(y), all eight


def energies(theta):
    """E(x, y) for all pairs, shape (4, 8), from a vector: W row by row, b_x, b_y."""
    W, b, c = theta[:6].reshape(2, 3), theta[6:8], theta[8:]
    return np.array([[-c @ y - b @ x - y @ W.T @ x for y in YS] for x in XS])


def joint(theta):
    weights = np.exp(-energies(theta))
    return weights / weights.sum()


def divergence(theta, p=SHARES):
    return p @ np.log(p / joint(theta).sum(0))


def slopes(function, theta, h=1e-5):
    """The derivative by differences: an array with the parameters first."""
    return np.array([(function(theta + h * e) - function(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])


def machine(seed=0):
    theta = np.random.default_rng(seed).normal(size=11)
    return theta, harmonium.Parameters(
        theta[:6].reshape(2, 3), layers.Bernoulli(theta[6:8]), layers.Bernoulli(theta[8:])
    )


def hybrid(theta):
    table = joint(theta)
    return table / table.sum(0) * SHARES


def test_eq_10_14():
    """Z is the sum that makes the distribution one; the library sums over one layer."""
    theta, params = machine()
    Z = sum(np.exp(-e) for e in energies(theta).ravel())
    assert_only_as_printed(
        np.log(Z), harmonium.log_partition(params), np.log(np.exp(energies(theta)).sum()), rtol=1e-12
    )
    drawn = harmonium.sample(params, 200_000, np.random.default_rng(1))
    at = (drawn.latents @ [2, 1]).astype(int), (drawn.observations @ [4, 2, 1]).astype(int)
    shares = np.zeros((4, 8))
    np.add.at(shares, at, 1 / 200_000)
    assert_only_as_printed(shares, np.exp(-energies(theta)) / Z, np.full((4, 8), 1 / 32), atol=0.004)


def test_eq_10_15():
    """The derivative of the relative entropy of the marginals, and the average over the hybrid of that of the joint."""
    theta, _ = machine()
    right = (-slopes(lambda t: np.log(joint(t)), theta) * hybrid(theta)).sum((1, 2))
    under_model = (-slopes(lambda t: np.log(joint(t)), theta) * joint(theta)).sum((1, 2))
    assert_only_as_printed(slopes(divergence, theta), right, under_model, -right, rtol=1e-6, atol=1e-9)


def test_eq_10_16():
    """The same as a difference of two averages of the derivative of the energy; each line of the display."""
    theta, _ = machine()
    left, dE = slopes(divergence, theta), slopes(energies, theta)
    seen, expected = (dE * hybrid(theta)).sum((1, 2)), (dE * joint(theta)).sum((1, 2))
    d_log_Z = slopes(lambda t: np.log(np.exp(-energies(t)).sum()), theta)
    assert_only_as_printed(left, d_log_Z + seen, seen, rtol=1e-6, atol=1e-9)
    assert_only_as_printed(left, seen - expected, expected - seen, seen, rtol=1e-6, atol=1e-9)


def test_eq_10_17():
    """Both conditionals of coins below counts, against a long table of the joint."""
    rng = np.random.default_rng(3)
    W, b, c = 0.5 * rng.normal(size=(2, 1)), rng.normal(size=2), np.array([0.3])
    params = harmonium.Parameters(W, layers.Bernoulli(b), layers.Poisson(c))
    n = np.arange(80.0)
    table = np.exp([[x @ b + c[0] * y + y * (W[:, 0] @ x) - lgamma(y + 1) for y in n] for x in XS])
    up, down = table / table.sum(0), table / table.sum(1)[:, None]
    eta = harmonium.posterior(params, n[:, None]).natural
    printed = np.exp(XS @ eta.T - np.logaddexp(0, eta).sum(1))
    assert_only_as_printed(up, printed, np.exp(XS @ (b + 0 * eta).T - np.logaddexp(0, b + 0 * eta).sum(1)), rtol=1e-9)
    zeta = harmonium.emission(params, XS).natural
    factorials = np.array([lgamma(y + 1) for y in n])
    assert_only_as_printed(
        down, np.exp(n * zeta - factorials - np.exp(zeta)), np.exp(n * zeta - np.exp(zeta)), rtol=1e-9
    )


def test_eq_10_18():
    """The energy of the harmonium: minus the log of the product of a conditional and its marginal, up to log Z."""
    theta, params = machine()
    pairs = [(x, y) for x in XS for y in YS]
    xs, ys = (np.array(side) for side in zip(*pairs))
    eta = harmonium.posterior(params, ys).natural
    log_posterior = (xs * eta - np.logaddexp(0, eta)).sum(1)
    left = -log_posterior - harmonium.log_marginal(params, ys) - harmonium.log_partition(params)
    assert_only_as_printed(left, harmonium.energy(params, xs, ys), -harmonium.energy(params, xs, ys), rtol=1e-10)
    assert_only_as_printed(left, energies(theta).ravel(), energies(-theta).ravel(), rtol=1e-10)
    dE = slopes(energies, theta)
    TU = np.array([[np.outer(x, y).ravel() for y in YS] for x in XS])
    assert_only_as_printed(np.moveaxis(dE[:6], 0, -1), -TU, TU, atol=1e-9)
    assert_only_as_printed(
        dE[6:8], -np.broadcast_to(XS.T[:, :, None], (2, 4, 8)), XS.T[:, :, None] + np.zeros(8), atol=1e-9
    )
    assert_only_as_printed(
        dE[8:], -np.broadcast_to(YS.T[:, None], (3, 4, 8)), YS.T[:, None] + np.zeros((4, 8)), atol=1e-9
    )


def test_eq_10_19():
    """The derivative of the relative entropy is the model's statistics less the hybrid's."""
    theta, params = machine()
    statistics = lambda table: np.concatenate(
        [np.einsum("ij,ik,jd->kd", table, XS, YS).ravel(), table.sum(1) @ XS, table.sum(0) @ YS]
    )
    left = slopes(divergence, theta)
    printed = statistics(joint(theta)) - statistics(hybrid(theta))
    assert_only_as_printed(left, printed, -printed, statistics(joint(theta)), rtol=1e-6, atol=1e-9)
    y = np.repeat(YS, np.round(100 * SHARES).astype(int), axis=0)
    found = parameters.flatten(harmonium.value_and_gradient(params, y)[1]).vector
    assert_only_as_printed(left, found, parameters.flatten(harmonium.model_phase(params)).vector, rtol=1e-6, atol=1e-9)


def test_text_10_2_1_matching_statistics_are_not_yet_learning(evidence):
    """No weights, and visible biases that fit: all statistics match. Learning from elsewhere goes on."""
    means = SHARES @ YS
    flat = np.concatenate([np.zeros(6), [0.4, -0.3], np.log(means / (1 - means))])
    gap = np.abs(slopes(divergence, flat)).max()
    best = minimize(divergence, np.random.default_rng(4).normal(size=11), method="BFGS", options={"maxiter": 200}).fun
    assert gap < 1e-9 and divergence(flat) > best + 0.2
    assert_only_as_printed(0.0, gap, np.abs(slopes(divergence, machine()[0])).max(), atol=1e-9)
    evidence("Text 10.2.1-a", still=divergence(flat), learned=best)
