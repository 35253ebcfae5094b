"""Messages of Gaussians, against dense linear algebra, the Kalman smoother and quadrature."""

import chain_models
import numpy as np
import pytest
from scipy import integrate, stats

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman, trees
from pedagogy_lib.inference.trees import information_form


def chain(initial, transition, emission, T):
    factors = [information_form.prior("x0", initial)]
    factors += [information_form.conditional(f"x{t}", f"x{t - 1}", transition) for t in range(1, T)]
    return factors + [information_form.conditional(f"y{t}", f"x{t}", emission) for t in range(T)]


def random_loopy(seed, n=5):
    """A positive definite precision with loops, as factors; its mean, its covariance and its integral."""
    rng = np.random.default_rng(seed)
    lengths = dict(zip("abcde", [1, 2, 1, 3, 2]))
    factors = [information_form.prior(name, Gaussian(rng.normal(size=k), chain_models.covariances(rng, k))) for name, k in lengths.items()]
    for child, parent in ("ab", "bc", "cd", "da", "ae", "ce"):
        matrix = 0.7 * rng.normal(size=(lengths[child], lengths[parent]))
        factors.append(information_form.conditional(child, parent, AffineGaussian(
            matrix, rng.normal(size=lengths[child]), chain_models.covariances(rng, lengths[child]))))
    places, start = {}, 0
    for name, k in lengths.items():
        places[name], start = np.arange(start, start + k), start + k
    J, h, c = np.zeros((start, start)), np.zeros(start), 0.0
    for f in factors:
        at = np.concatenate([places[name] for name in f.names])
        J[np.ix_(at, at)] += f.precision
        h[at] += f.shift
        c += f.constant
    total = c + 0.5 * h @ np.linalg.solve(J, h) + 0.5 * start * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(J)[1]
    return factors, places, np.linalg.solve(J, h), np.linalg.inv(J), total


@pytest.mark.parametrize("seed", range(5))
def test_a_junction_tree_of_gaussians_is_dense_linear_algebra(seed):
    factors, places, mean, covariance, total = random_loopy(seed)
    tree = trees.junction_tree(information_form, factors)
    beliefs = trees.propagate(information_form, tree)
    for scope, factor in zip(tree.scopes, beliefs.factors):
        at = np.concatenate([places[name] for name in scope])
        found = information_form.moments(factor)
        np.testing.assert_allclose(found[0], mean[at], atol=1e-9)
        np.testing.assert_allclose(found[1], covariance[np.ix_(at, at)], atol=1e-9)
    np.testing.assert_allclose(beliefs.log_total, total, rtol=1e-10)
    best, log_value = trees.most_probable(information_form, tree)
    for name, at in places.items():
        np.testing.assert_allclose(best[name], mean[at], atol=1e-9)
    at_the_mean = total - 0.5 * len(mean) * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(covariance)[1]
    np.testing.assert_allclose(log_value, at_the_mean, rtol=1e-9)
    np.testing.assert_allclose(trees.propagate(information_form, tree, maximize=True).log_total, at_the_mean, rtol=1e-9)


def test_a_chain_is_the_kalman_smoother():
    rng = np.random.default_rng(0)
    initial, transition, emission = chain_models.model(rng)
    T = 12
    y = rng.normal(size=(T, 2))
    filtered = kalman.filter(initial, transition, emission, y)
    smoothed = kalman.smooth(initial, transition, emission, y)
    for layout in (trees.junction_tree, trees.factor_graph):
        clusters = layout(information_form, chain(initial, transition, emission, T))
        beliefs = trees.propagate(information_form, clusters, {f"y{t}": y[t] for t in range(T)})
        for t in range(T):
            mean, covariance = information_form.moments(trees.marginal(information_form, beliefs, f"x{t}"))
            np.testing.assert_allclose(mean, smoothed.means[t], atol=1e-9)
            np.testing.assert_allclose(covariance, smoothed.covariances[t], atol=1e-9)
        np.testing.assert_allclose(beliefs.log_total, filtered.log_likelihood, rtol=1e-10)


def test_a_factor_is_the_density():
    rng = np.random.default_rng(1)
    affine = AffineGaussian(rng.normal(size=(2, 3)), rng.normal(size=2), chain_models.covariances(rng, 2))
    factor = information_form.conditional("y", "x", affine)
    x, y = rng.normal(size=3), rng.normal(size=2)
    expected = stats.multivariate_normal(affine.matrix @ x + affine.offset, affine.covariance).logpdf(y)
    np.testing.assert_allclose(information_form.value(factor, {"x": x, "y": y}), expected)
    np.testing.assert_allclose(information_form.total(information_form.observe(factor, {"x": x})), 0, atol=1e-12)


def test_sums_and_maxima_against_quadrature():
    factor = information_form.product([
        information_form.prior("a", Gaussian(np.array([0.5]), np.array([[2.0]]))),
        information_form.conditional("b", "a", AffineGaussian(np.array([[1.5]]), np.array([-1.0]), np.array([[0.7]])))], ("a", "b"), {"a": 1, "b": 1})
    at = lambda a: information_form.value(factor, {"a": np.array([a]), "b": np.array([0.3])})
    integral = integrate.quad(lambda a: np.exp(at(a)), -30, 30)[0]
    summed, highest = (reduce(factor, ("b",)) for reduce in (information_form.sum_out, information_form.max_out))
    here = {"b": np.array([0.3])}
    np.testing.assert_allclose(np.exp(information_form.value(summed, here)), integral, rtol=1e-8)
    np.testing.assert_allclose(information_form.value(highest, here), max(map(at, np.linspace(-5, 5, 200001))), rtol=1e-8)


def test_draws_have_the_right_moments():
    factors, places, mean, covariance, _ = random_loopy(2)
    beliefs = trees.propagate(information_form, trees.junction_tree(information_form, factors))
    drawn = trees.sample(information_form, beliefs, 50000, np.random.default_rng(0))
    together = np.hstack([drawn[name] for name in places])
    spread = np.sqrt(np.diag(covariance))
    assert (np.abs(together.mean(0) - mean) < 5 * spread / np.sqrt(50000)).all()
    assert np.abs(np.cov(together.T) / np.outer(spread, spread) - covariance / np.outer(spread, spread)).max() < 0.03


def test_loopy_propagation_has_the_right_means_and_the_wrong_covariances():
    """Weiss and Freeman (2001)."""
    rng = np.random.default_rng(4)
    n = 6
    J = np.eye(n) * 2
    for i in range(n):
        J[i, (i + 1) % n] = J[(i + 1) % n, i] = 0.6
    h = rng.normal(size=n)
    quadratic = lambda names, J, h: information_form.Quadratic(names, (1,) * len(names), J, h, 0.0)
    factors = [quadratic((f"v{i}", f"v{(i + 1) % n}"), np.array([[1, 0.6], [0.6, 1]]), np.array([h[i], 0])) for i in range(n)]
    beliefs, sweep = trees.loopy(information_form, trees.factor_graph(information_form, factors))
    assert sweep.change < 1e-9
    found = [information_form.moments(trees.marginal(information_form, beliefs, f"v{i}")) for i in range(n)]
    np.testing.assert_allclose([one[0][0] for one in found], np.linalg.solve(J, h), atol=1e-7)
    assert max(abs(one[1][0, 0] - np.linalg.inv(J)[0, 0]) for one in found) > 1e-3


@pytest.mark.parametrize("call, message", [
    (lambda: information_form.conditional("x", "x", AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))), "two different names"),
    (lambda: information_form.prior("x", Gaussian(np.zeros(2), np.eye(3))), "gaussian.covariance"),
    (lambda: trees.propagate(information_form, trees.junction_tree(information_form, [
        information_form.conditional("y", "x", AffineGaussian(np.array([[1.0, 1.0]]), np.zeros(1), np.eye(1)))]), {"y": np.zeros(1)}), "integrated over x"),
    (lambda: trees.propagate(information_form, trees.junction_tree(information_form, [
        information_form.prior("x", Gaussian(np.zeros(2), np.eye(2)))]), {"x": np.zeros(3)}), r"evidence\['x'\]"),
])
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
