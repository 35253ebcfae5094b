"""Steps that multiply, against finite differences of the loss."""

import numpy as np
import pytest

from pedagogy_lib.distributions.sources import LOGISTIC, NORMAL, SECH, TWO_BELLS
from pedagogy_lib.learning import relative

RNG = np.random.default_rng(0)
DENSITIES = [LOGISTIC, SECH, TWO_BELLS]


def loss(S, x, source):
    """The loss after the step I + S, up to a constant."""
    factor = np.eye(len(S)) + S
    return source.energy(x @ factor.T).sum(1).mean() - np.linalg.slogdet(factor)[1]


def entry(i, j, h):
    S = np.zeros((3, 3))
    S[i, j] = h
    return S


@pytest.mark.parametrize("source", DENSITIES)
def test_the_relative_gradient_is_the_slope_along_a_step(source):
    x, h = RNG.normal(size=(200, 3)), 1e-5
    G = relative.gradient(source.derivative(x), x)
    slope = [[(loss(entry(i, j, h), x, source) - loss(entry(i, j, -h), x, source)) / (2 * h) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(G, slope, atol=1e-8)
    assert not np.allclose(G.T, slope, atol=1e-3)


@pytest.mark.parametrize("source", DENSITIES)
def test_the_direction_is_newtons_where_the_outputs_are_independent(source):
    """A grid of all combinations is exactly independent: there the Hessian by differences gives the same step."""
    one = source.sample((3, 12), np.random.default_rng(1))
    one = one - one.mean(1, keepdims=True)
    one *= 3 / one.std(1, keepdims=True)                    # so wide that every block is positive definite
    x = np.stack([side.ravel() for side in np.meshgrid(*one, indexing="ij")], -1)
    slopes = source.derivative(x) - source.derivative(x).mean(0)
    h, names = 1e-4, [(i, j) for i in range(3) for j in range(3)]
    hessian = np.array([[
        (loss(entry(*a, h) + entry(*b, h), x, source) - loss(entry(*a, h) + entry(*b, -h), x, source)
         - loss(entry(*a, -h) + entry(*b, h), x, source) + loss(entry(*a, -h) + entry(*b, -h), x, source)) / (4 * h**2)
        for b in names] for a in names])
    G = relative.gradient(slopes, x)
    assert np.linalg.eigvalsh(hessian).min() > relative.FLATTEST
    newton = -np.linalg.solve(hessian, G.ravel()).reshape(3, 3)
    found = relative.newton_direction(G, source.curvature(x), slopes, x)
    np.testing.assert_allclose(found, newton, rtol=1e-4, atol=1e-5)
    assert not np.allclose(-G, newton, rtol=0.05)


@pytest.mark.parametrize("source", [*DENSITIES, NORMAL])
def test_the_direction_always_goes_downhill(source):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3)) * 10.0 ** rng.uniform(-1, 1, 3)
        slopes = source.derivative(x)
        G = relative.gradient(slopes, x)
        step = relative.newton_direction(G, source.curvature(x), slopes, x)
        assert (step * G).sum() < 0
        assert loss(1e-5 * step / np.abs(step).max(), x, source) < loss(0 * step, x, source)


@pytest.mark.parametrize("source", [*DENSITIES, NORMAL])
def test_the_best_scale_is_where_the_loss_is_lowest(source):
    x = np.column_stack([RNG.laplace(size=400), 1000 * RNG.uniform(-1, 1, 400), 1e-4 * RNG.normal(size=400)])
    scales = relative.best_scales(x, source)
    costs = [[source.energy(f * s * x[:, k]).mean() - np.log(f * s) for f in (0.99, 1, 1.01)] for k, s in enumerate(scales)]
    assert (np.argmin(costs, 1) == 1).all()


def test_the_nearest_rotation_is_nearer_than_others():
    W = RNG.normal(size=(3, 3))
    R = relative.nearest_rotation(W)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    for seed in range(50):
        other = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
        assert np.linalg.norm(W - R) <= np.linalg.norm(W - other)
    assert np.linalg.norm(W - R) < np.linalg.norm(W - R.T)


@pytest.mark.parametrize("source", DENSITIES)
def test_margins_are_zero_for_gaussians_and_tell_the_kinds_apart(source):
    normal, laplace, uniform = (RNG.normal(size=200_000), RNG.laplace(size=200_000), RNG.uniform(-1, 1, 200_000))
    x = np.column_stack([normal, laplace, uniform])
    x *= relative.best_scales(x, source)
    found = relative.margins(x, source)
    assert abs(found.values[0]) < 4 * found.errors[0]
    sign = -1 if source is TWO_BELLS else 1
    assert sign * found.values[1] > 10 * found.errors[1]
    assert sign * found.values[2] < -10 * found.errors[2]
    with pytest.raises(ValueError, match="x: expected two rows at least"):
        relative.margins(x[:1], source)


def test_the_standard_error_of_a_margin_is_what_repetition_shows():
    repeated = [relative.margins(np.random.default_rng(s).laplace(size=(1000, 1)), LOGISTIC) for s in range(400)]
    spread = np.std([one.values[0] for one in repeated])
    assert np.mean([one.errors[0] for one in repeated]) == pytest.approx(spread, rel=0.1)
