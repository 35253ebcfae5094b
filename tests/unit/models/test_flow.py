"""Normalizing flows: densities that sum to one, gradients by differences, ICA as the linear case, InfoMax."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from pedagogy_lib.distributions.sources import LOGISTIC, NORMAL, SECH
from pedagogy_lib.learning import bijections as B
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.models.deep import flow
from pedagogy_lib.models.static import ica

KINDS = (B.Additive, B.Affine, B.Autoregressive, B.InverseAutoregressive, B.Planar, B.Radial, B.Spline)


def moons(n, rng):
    angle, lower = np.pi * rng.random(n), rng.random(n) < 0.5
    arc = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.where(lower[:, None], [1.0, 0.5] - arc, arc) + 0.1 * rng.normal(size=(n, 2))


def bent(kind, D=2, seed=0, size=0.3, count=3):
    """A flow that is far from the identity, and data in its reach."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(30, D)) @ rng.normal(size=(D, D))
    flat = parameters.flatten(flow.start(y, kind, count, (6, 5), rng))
    flat.vector[:] += size * rng.normal(size=flat.vector.size)
    return flat.params, y


def grid(half=12.0, count=1201):
    axis = np.linspace(-half, half, count)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2), (axis[1] - axis[0]) ** 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_density_sums_to_one(kind):
    params, _ = bent(kind, size=0.15)
    points, area = grid()
    density = np.exp(flow.log_marginal(params, points))
    assert_allclose(density.sum() * area, 1, atol=1e-4)
    if kind is not B.Additive:                                  # its one volume is that of the first, linear layer
        x = flow.normalize(params, points)
        assert abs(np.exp(NORMAL.energy(x).sum(1) * -1).sum() * area / (2 * np.pi) - 1) > 1e-3
    wrong = params._replace(layers=params.layers[1:])
    without = np.exp(flow.log_marginal(wrong, flow.normalize(params._replace(layers=params.layers[:1]), points)))
    assert abs(without.sum() * area - 1) > 1e-2                 # the volume of that layer left out


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_the_density(kind):
    params, _ = bent(kind, size=0.15)
    y = flow.sample(params, 200_000, np.random.default_rng(1)).observations
    points, area = grid()
    density = np.exp(flow.log_marginal(params, points)) * area
    for low, high in (([-1, -1], [0, 1]), ([0, 0], [2, 1]), ([-3, -2], [0, 0])):
        inside = ((y > low) & (y < high)).all(1).mean()
        box = ((points > low) & (points < high)).all(1)
        assert_allclose(density[box].sum(), inside, atol=0.01)
    x = flow.sample(params, 10, np.random.default_rng(1))
    assert_allclose(flow.normalize(params, x.observations), x.sources, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", [NORMAL, SECH])
def test_the_gradient_is_that_of_differences(kind, source):
    params, y = bent(kind, D=3)
    value, found = flow.value_and_gradient(params, y, None, source)
    assert value == flow.loss(params, y, None, source) == pytest.approx(-flow.log_marginal(params, y, source).mean())
    flat, slope = parameters.flatten(params), parameters.flatten(found).vector
    for along in np.random.default_rng(2).normal(size=(3, flat.vector.size)):
        up, down = (flow.loss(parameters.view(flat.vector + h * along, params), y, None, source) for h in (1e-5, -1e-5))
        assert_allclose(slope @ along, (up - down) / 2e-5, rtol=1e-5, atol=1e-7)
        assert not np.isclose(0.99 * slope @ along, (up - down) / 2e-5, rtol=1e-4)


def test_one_mixing_layer_is_independent_components_analysis():
    rng = np.random.default_rng(3)
    y = rng.laplace(size=(500, 3)) @ rng.normal(size=(3, 3)) + 1
    old = ica.start(y, rng)
    new = flow.Parameters((B.Mixing(old.unmixing, old.mean),))
    for source in (LOGISTIC, SECH):
        assert_allclose(flow.log_marginal(new, y, source), ica.log_marginal(old, y, source), rtol=1e-12)
        assert_allclose(flow.squash(new, y, source), ica.squash(old, y, source), rtol=1e-12)
        (found,) = flow.value_and_gradient(new, y, None, source)[1].layers
        expected = ica.gradient(old, y, None, source)
        assert_allclose(found.matrix, expected.unmixing, rtol=1e-10, atol=1e-13)
        assert_allclose(found.mean, expected.mean, rtol=1e-10, atol=1e-13)
        one, other = (module.sample(params, 9, np.random.default_rng(4), source) for module, params in ((flow, new), (ica, old)))
        assert_allclose(one.observations, other.observations, rtol=1e-12)
    assert not np.allclose(flow.log_marginal(new, y), ica.log_marginal(old, y))      # Gaussian sources: another model
    best = ica.fit(old, y)
    run = optimization.run(flow.Under(LOGISTIC), new, y, rng, method=optimization.Adam(optimization.cosine(0.03, 1500)), iterations=1500)
    assert_allclose(flow.loss(run.params, y, None, LOGISTIC), best.losses[-1], atol=2e-3)   # here the mean moves too


def test_likelihood_is_infomax():
    """One number by three routes: among observations, among sources, and the entropy of the squashed outputs."""
    truth, _ = bent(B.Affine, seed=5, size=0.1)
    guess, _ = bent(B.Planar, seed=6, size=0.1)
    points, area = grid(9.0, 601)
    p, q = (np.exp(flow.log_marginal(one, points)) for one in (truth, guess))
    among_observations = (p * np.log(p / q)).sum() * area

    y = flow.generate(guess, points)                            # the same points, as sources of the guess
    source = stats.norm.pdf(points).prod(1)
    induced = np.exp(flow.log_marginal(truth, y)) * source / np.exp(flow.log_marginal(guess, y))
    among_sources = (induced * np.log(induced / source)).sum() * area

    middles = (np.arange(700) + 0.5) / 700                    # of the unit square's cells
    z = np.stack(np.meshgrid(middles, middles), -1).reshape(-1, 2)
    y = flow.generate(guess, stats.norm.ppf(z))
    density = np.exp(flow.log_marginal(truth, y) - flow.log_marginal(guess, y))
    entropy = -(density * np.log(density)).mean()
    assert_allclose(among_sources, among_observations, rtol=1e-6)
    assert_allclose(-entropy, among_observations, rtol=2e-3)
    assert not np.isclose((source * np.log(source / induced)).sum() * area, among_observations, rtol=0.05)   # the reverse
    drawn = flow.sample(truth, 400_000, np.random.default_rng(7)).observations
    likelihood = flow.loss(guess, drawn) - flow.loss(truth, drawn)
    assert_allclose(likelihood, among_observations, rtol=0.03)


@pytest.mark.parametrize("kind,count,best", [(B.Affine, 6, 1.2), (B.Autoregressive, 6, 1.2), (B.Additive, 8, 1.2), (B.Spline, 3, 1.2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_moons_are_learned(kind, count, best, dtype):
    rng = np.random.default_rng(8)
    y, fresh = moons(2000, rng).astype(dtype), moons(4000, rng).astype(dtype)
    params = flow.start(y, kind, count, (24, 24), rng)
    before = flow.loss(params, fresh)
    run = optimization.run(
        flow, params, y, rng, method=optimization.Adam(optimization.cosine(0.01, 800)), batch_size=256, iterations=800)
    assert run.params.layers[-1].network[0].weights.dtype == dtype
    gaussian = -stats.multivariate_normal(y.mean(0), np.cov(y.T)).logpdf(fresh).mean()
    assert before > gaussian - 0.02 and flow.loss(run.params, fresh) < best < gaussian - 0.4


def test_nothing_is_promoted_to_double():
    for kind in KINDS:
        params = flow.start(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32), kind, 2, (4,), np.random.default_rng(1))
        y = np.ones((2, 3), np.float32)
        found = [*parameters.leaves(flow.value_and_gradient(params, y)[1]), ("x", flow.normalize(params, y))]
        assert {value.dtype for _, value in found} == {np.dtype(np.float32)}
        assert flow.sample(params, 2, np.random.default_rng(0)).observations.dtype == np.float32


def test_what_does_not_fit_is_named():
    params, y = bent(B.Affine)
    rng = np.random.default_rng(0)
    for error, match, call in (
        (TypeError, "params: expected Parameters", lambda: flow.loss(params.layers, y)),
        (ValueError, r"params.layers\[0\].matrix", lambda: flow.loss(params, np.ones((3, 3)))),
        (ValueError, r"y: expected shape \(N, D\)", lambda: flow.loss(params, y[0])),
        (ValueError, "finite", lambda: flow.loss(params, np.full((2, 2), np.nan))),
        (ValueError, "expected float64", lambda: flow.normalize(params, y.astype(np.float32))),
        (ValueError, "x: expected shape", lambda: flow.generate(params, y[0])),
        (ValueError, "rng", lambda: flow.sample(params, 3, 0)),
        (ValueError, "permutations alone", lambda: flow.sample(flow.Parameters((B.Reverse(),)), 3, rng)),
        (TypeError, "kind: expected a class of bijections", lambda: flow.start(y, "RealNVP", 2, (3,), rng)),
        (ValueError, "columns that vary", lambda: flow.start(np.ones((5, 2)), B.Affine, 2, (3,), rng)),
        (ValueError, "count", lambda: flow.start(y, B.Affine, 0, (3,), rng)),
        (ValueError, "two columns at least", lambda: flow.start(y[:, :1], B.Affine, 1, (3,), rng)),
    ):
        with pytest.raises(error, match=match):
            call()
