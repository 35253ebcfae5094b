"""Score matching against differences, quadrature, and each loss against the others."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.learning import differentiation, networks, optimization, parameters
from pedagogy_lib.learning.objectives import scores

MIXTURE = noised_mixture.Mixture(
    np.array([0.4, 0.6]), np.array([[-1.0, 0.3], [0.8, -0.5]]), np.array([[[0.2, 0.1], [0.1, 0.3]], [[0.3, 0.0], [0.0, 0.1]]])
)
LEVEL = noising.Level(0.8, 0.6)


def network(seed=0):
    params = networks.start((2, 7, 5, 2), np.random.default_rng(seed), networks.Tanh)
    return tuple(type(layer)(layer.weights, 0.3 * np.arange(len(layer.biases))) for layer in params)


def run(params, x):
    return networks.forward(params, x).output


def grid_average(function, density):
    """The integral over the plane, by a sum over a fine grid."""
    axis = np.linspace(-6, 6, 241)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    return (function(points) * np.exp(density(points))).sum() * (axis[1] - axis[0]) ** 2


def density(x):
    return noised_mixture.log_density(MIXTURE, x, LEVEL)


def true_score(x):
    return noised_mixture.score(MIXTURE, x, LEVEL)


def test_the_jacobian_along_a_direction_is_the_tapes():
    params, x = network(), np.random.default_rng(1).normal(size=(4, 2))
    record = networks.forward(params, x)
    d = np.random.default_rng(2).normal(size=(4, 2))
    found = scores.along(params, record, d)

    def program(row):
        for layer in params[:-1]:
            row = np.tanh(layer.weights @ row + layer.biases)
        return params[-1].weights @ row + params[-1].biases

    for n in range(4):
        J = differentiation.jacobian(program, x[n])
        assert_allclose(found[n], J @ d[n], rtol=1e-10)
        assert not np.allclose(found[n], J.T @ d[n], rtol=1e-3)


def test_implicit_is_explicit_up_to_half_the_mean_square_score():
    """Hyvarinen's theorem, both averages over the same integral; the constant does not depend on the network."""
    constant = grid_average(lambda x: 0.5 * (true_score(x) ** 2).sum(1), density)
    for seed in (0, 1):
        params = network(seed)
        explicit = grid_average(lambda x, p=params: 0.5 * ((run(p, x) - true_score(x)) ** 2).sum(1), density)

        def by_differences(x, p=params, h=1e-5):
            trace = sum((run(p, x + h * e)[:, i] - run(p, x - h * e)[:, i]) / (2 * h) for i, e in enumerate(np.eye(2)))
            return 0.5 * (run(p, x) ** 2).sum(1) + trace

        implicit = grid_average(by_differences, density)
        assert_allclose(explicit - implicit, constant, rtol=1e-4)
        x = np.random.default_rng(3).normal(size=(50, 2))
        assert_allclose(scores.implicit_loss(params, x), by_differences(x).mean(), rtol=1e-7)
        assert not np.isclose(scores.implicit_loss(params, x), 0.5 * (run(params, x) ** 2).sum(1).mean(), rtol=0.05)


def test_slices_are_right_on_average():
    params, x = network(), np.random.default_rng(3).normal(size=(50, 2))
    exact = scores.implicit_loss(params, x)
    sliced = [scores.sliced_loss(params, x, np.random.default_rng(k)) for k in range(2000)]
    assert_allclose(np.mean(sliced), exact, atol=5 * np.std(sliced) / 2000**0.5)
    assert np.std(sliced) > 1e-3


LAYERS = [networks.Linear, networks.Tanh, networks.Logistic, networks.Softplus, networks.Exponential, networks.LeakyRectified, networks.Rectified]


def mixed(hidden, last=networks.Linear, seed=0, D=2):
    """A network whose hidden layers are of one class, its last layer of another."""
    rng = np.random.default_rng(seed)
    kinds = (hidden, hidden, last)
    sizes = (D, 4, 3, D)
    return tuple(kind(0.6 * rng.normal(size=(b, a)), 0.4 * rng.normal(size=b)) for kind, a, b in zip(kinds, sizes, sizes[1:]))


@pytest.mark.parametrize("directions", [None, 1, 3])
@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_gradients_are_those_of_the_loss(kind, directions):
    """Differences of the loss, which `test_implicit_is_explicit...` holds against differences of the network itself."""
    objective, x = scores.Matching(directions), np.random.default_rng(1).normal(size=(6, 2))
    draw = lambda: np.random.default_rng(7)
    for last in (networks.Linear, kind):
        params = mixed(kind, last)
        flat = parameters.flatten(params)
        value, found = objective.value_and_gradient(params, x, draw())
        assert value == objective.loss(params, x, draw())
        assert value == (scores.implicit_loss(params, x) if directions is None else scores.sliced_loss(params, x, draw(), directions))
        slope, h = parameters.flatten(found).vector, 1e-5
        assert [type(layer) for layer in found] == [type(layer) for layer in params]
        by_differences = [
            (objective.loss(parameters.view(flat.vector + h * e, params), x, draw()) - objective.loss(parameters.view(flat.vector - h * e, params), x, draw())) / (2 * h)
            for e in np.eye(flat.vector.size)
        ]
        assert_allclose(slope, by_differences, rtol=1e-6, atol=1e-8)


def test_a_gradient_that_leaves_the_bend_out_is_noticed(monkeypatch):
    """The slope of tanh moves with its output: held fixed, the gradient is another one."""
    params, x = mixed(networks.Tanh), np.random.default_rng(1).normal(size=(6, 2))
    right = scores.Matching().value_and_gradient(params, x)[1]
    monkeypatch.setattr(networks.Tanh, "bend", staticmethod(lambda z: 0.0))
    assert np.abs(scores.Matching().value_and_gradient(params, x)[1][0].weights - right[0].weights).max() > 0.01


def test_bends_are_derivatives_of_slopes():
    z, h = np.array([0.2, 0.5, 0.9]), 1e-6
    for kind in (*LAYERS, networks.Logarithm):
        slopes = (kind.slope(z + h) * 1.0 - kind.slope(z - h) * 1.0) / (2 * h)
        assert_allclose(kind.bend(z) + 0 * z, slopes + 0 * z, rtol=1e-8, atol=1e-8)


def test_slices_over_all_signs_are_the_trace_and_its_gradient():
    """The mean of d' J d over every vector of signs is tr J, datum by datum: nothing is left to chance."""
    D = 3
    params, x = mixed(networks.Tanh, D=D), np.random.default_rng(2).normal(size=(5, D))
    record = networks.forward(params, x)
    signs = np.array(list(product([-1.0, 1.0], repeat=D)))
    value, found = scores._value_and_gradient(params, record, np.repeat(signs[:, None], 5, 1) / len(signs) ** 0.5)
    exact, gradient = scores.Matching().value_and_gradient(params, x)
    assert_allclose(value, exact, rtol=1e-12)
    assert_allclose(parameters.flatten(found).vector, parameters.flatten(gradient).vector, rtol=1e-11, atol=1e-14)
    few = scores._value_and_gradient(params, record, np.repeat(signs[:2, None], 5, 1) / 2**0.5)      # d and half a turn: not I
    assert abs(few[0] - exact) > 1e-3
    many = [scores.Matching(4).value_and_gradient(params, x, np.random.default_rng(k))[0] for k in range(400)]
    alone = [scores.Matching(1).value_and_gradient(params, x, np.random.default_rng(k))[0] for k in range(400)]
    assert_allclose(np.mean(many), exact, atol=5 * np.std(many) / 20)
    assert np.var(alone) / np.var(many) == pytest.approx(4, rel=0.4)


@pytest.mark.parametrize("directions", [None, 2])
def test_on_gaussian_data_the_minimum_is_the_precision(directions):
    """Of f(x) = b - P x, P is the inverse of the data's covariance, and b is P times their mean."""
    rng = np.random.default_rng(3)
    root = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.4, 0.3, 1.1]])
    x = rng.normal(size=(400, 3)) @ root.T + [0.5, -1.0, 2.0]
    P = np.linalg.inv(np.cov(x.T, bias=True))
    best = (networks.Linear(-P, P @ x.mean(0)),)
    gradient = scores.Matching().value_and_gradient(best, x)[1][0]
    assert_allclose(gradient.weights, 0, atol=1e-12)
    assert_allclose(gradient.biases, 0, atol=1e-12)
    unbiased = scores.Matching().value_and_gradient((networks.Linear(-np.linalg.inv(np.cov(x.T)), best[0].biases),), x)[1][0]
    assert np.abs(unbiased.weights).max() > 1e-3
    begin = (networks.Linear(-np.eye(3), np.zeros(3)),)
    method = optimization.Adam(optimization.cosine(0.05, 1500))
    found = optimization.run(scores.Matching(directions), begin, x, rng, iterations=1500, method=method).params[0]
    # Slices leave noise in each step, because the next draw is another one; the falling rate averages it out.
    atol = 1e-6 if directions is None else 0.1
    assert_allclose(found.weights, -P, atol=atol)
    assert np.abs(found.weights + np.linalg.inv(root @ root.T + np.eye(3))).max() > 0.2
    single = tuple(networks.Linear(*(part.astype(np.float32) for part in layer)) for layer in begin)
    value, slope = scores.Matching(directions).value_and_gradient(single, x.astype(np.float32), np.random.default_rng(0))
    assert slope[0].weights.dtype == slope[0].biases.dtype == np.float32


def test_a_layer_that_does_not_say_how_it_bends_is_refused():
    class Squared(networks.Linear):
        __slots__ = ()
        activate = staticmethod(np.square)
        slope = staticmethod(lambda z: 2 * np.sqrt(z))

    own = (Squared(np.eye(2), np.ones(2)),)
    scores.implicit_loss(own, np.ones((3, 2)))
    with pytest.raises(TypeError, match=r"network\[0\]: expected a layer whose class says how its slope bends, got Squared"):
        scores.Matching().value_and_gradient(own, np.ones((3, 2)))


def test_denoising_is_explicit_up_to_a_constant():
    """Vincent's theorem: the difference is the same for every network."""
    rng = np.random.default_rng(4)
    y = noised_mixture.sample(MIXTURE, 400_000, rng)
    x = noising.corrupt(LEVEL, y, rng)
    gaps = []
    for seed in (0, 1, 2):
        params = network(seed)
        denoising = scores.denoising_loss(lambda x, p=params: run(p, x), y, LEVEL, np.random.default_rng(5))
        gaps.append(denoising - scores.explicit_loss(run(params, x), true_score(x)))
    # |z/v|^2 has the mean D / v^2; the score's own mean square is taken off.
    constant = 0.5 * (2 / LEVEL.deviation**2 - grid_average(lambda x: (true_score(x) ** 2).sum(1), density))
    assert_allclose(gaps, constant, atol=0.02)
    assert constant > 0.5
    best = scores.denoising_loss(true_score, y, LEVEL, np.random.default_rng(5))
    assert_allclose(best, constant, atol=0.02)                  # at the score itself nothing but the constant is left
    assert scores.denoising_loss(lambda x: 0.9 * true_score(x), y, LEVEL, np.random.default_rng(5)) > best + 0.001


def test_tweedie_goes_both_ways():
    x = np.random.default_rng(6).normal(size=(5, 2))
    covariance = LEVEL.deviation**2 * np.eye(2)
    mean = noised_mixture.denoise(MIXTURE, x, LEVEL)
    assert_allclose(scores.tweedie_score(x, mean, LEVEL.signal, covariance), true_score(x), rtol=1e-9)
    assert_allclose(scores.tweedie_mean(x, true_score(x), LEVEL.signal, covariance), mean, rtol=1e-9)
    slanted = np.array([[0.5, 0.2], [0.2, 0.3]])
    there = scores.tweedie_score(x, mean, 0.7, slanted)
    assert_allclose(scores.tweedie_mean(x, there, 0.7, slanted), mean, rtol=1e-9)
    assert not np.allclose(scores.tweedie_mean(x, there, 1.0, slanted), mean, rtol=0.1)


def test_what_does_not_fit_is_named():
    x, rng = np.zeros((3, 2)), np.random.default_rng(0)
    narrow = networks.start((2, 3, 1), rng, networks.Tanh)
    for match, call in (
        ("network: expected as many outputs", lambda: scores.implicit_loss(narrow, x)),
        ("mean: expected shape", lambda: scores.tweedie_score(x, x[:2], 1.0, np.eye(2))),
        ("covariance", lambda: scores.tweedie_mean(x, x, 1.0, np.eye(3))),
        ("signal", lambda: scores.tweedie_mean(x, x, 0.0, np.eye(2))),
        ("score: expected shape", lambda: scores.explicit_loss(x, x[:, :1])),
        (r"function\(x\)", lambda: scores.denoising_loss(lambda x: x[:1], x, LEVEL, rng)),
        ("rng", lambda: scores.sliced_loss(network(), x, 0)),
        ("rng", lambda: scores.Matching(2).value_and_gradient(network(), x)),
        ("directions", lambda: scores.sliced_loss(network(), x, rng, 0)),
    ):
        with pytest.raises(ValueError, match=match):
            call()
