"""ICA against quadrature, finite differences, scikit-learn, and sources that are known."""

from itertools import islice

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.optimize import minimize
from scipy.stats import entropy
from sklearn.decomposition import FastICA

from pedagogy_lib.distributions.heavy_tailed import HyperbolicCosine
from pedagogy_lib.distributions.sources import LOGISTIC, NORMAL, SECH, SMOOTH_LAPLACE, TWO_BELLS, Several
from pedagogy_lib.learning import optimization, relative
from pedagogy_lib.learning.unmixing import align, amari_distance, mutual_information, whiten
from pedagogy_lib.models.static import ica
from pedagogy_lib.models.static.ica import _passes

RNG = np.random.default_rng(0)
C = np.array([[1.0, 0.6, -0.3], [0.2, 1.0, 0.5], [-0.7, 0.1, 0.8]])
X = RNG.laplace(size=(4000, 3)) * [1, 2, 0.5]
Y = X @ C.T + [1.0, -2.0, 30.0]
MIXED = Several((LOGISTIC, TWO_BELLS, SECH))
PARAMS = ica.Parameters(np.linalg.inv(C) + 0.1 * RNG.normal(size=(3, 3)), Y.mean(0) + 0.1)
DENSITIES = [LOGISTIC, SECH, SMOOTH_LAPLACE, NORMAL, TWO_BELLS, MIXED]
METHODS = [ica.quasi_newton, ica.natural_gradient, ica.fastica]


class Student:
    """A density of the reader's own, Student's t with five degrees of freedom: only what learning needs."""

    energy = staticmethod(lambda x: 3 * np.log1p(x**2 / 5))
    derivative = staticmethod(lambda x: 6 * x / (5 + x**2))
    curvature = staticmethod(lambda x: 6 * (5 - x**2) / (5 + x**2) ** 2)
    log_normalizer = staticmethod(lambda: np.log(np.sqrt(5) * 3 * np.pi / 8))


@pytest.mark.parametrize("source", [LOGISTIC, SECH, TWO_BELLS, NORMAL, Several((TWO_BELLS, SECH))])
def test_the_density_of_the_observations_has_the_mass_one(source):
    params = ica.Parameters(np.array([[1.5, 0.8], [-0.4, 0.9]]), np.array([0.3, -0.2]))
    density = lambda v, u: np.exp(ica.log_marginal(params, [[u, v]], source)[0])
    grid = np.arange(-40, 40, 0.1)                          # a sum is exact for smooth tails that die out
    u, v = (side.ravel() for side in np.meshgrid(grid, grid))
    mass = np.exp(ica.log_marginal(params, np.column_stack([u, v]), source)).sum() * 0.01
    assert mass == pytest.approx(1, rel=1e-6)
    corner = dblquad(density, 0, 1, -1, 2, epsabs=1e-8)[0]
    assert 0.01 < corner < 0.5                              # a probability, by another rule
    determinant = abs(np.linalg.det(params.unmixing))
    assert mass / determinant != pytest.approx(1, rel=0.1)  # without the Jacobian it is none


@pytest.mark.parametrize("source", [*DENSITIES, Student])
def test_the_gradient_agrees_with_finite_differences(source):
    found, h = ica.gradient(PARAMS, Y, None, source), 1e-5
    for field in ("unmixing", "mean"):
        value, slope = getattr(PARAMS, field), np.empty_like(getattr(PARAMS, field))
        for index in np.ndindex(value.shape):
            step = np.zeros_like(value)
            step[index] = h
            ends = [ica.loss(PARAMS._replace(**{field: value + s * step}), Y, None, source) for s in (1, -1)]
            slope[index] = (ends[0] - ends[1]) / (2 * h)
        np.testing.assert_allclose(getattr(found, field), slope, rtol=1e-5, atol=1e-7)
    D = PARAMS.unmixing
    printed = found.unmixing + np.linalg.inv(D).T - np.linalg.inv(D)       # the inverse, not transposed
    assert not np.allclose(found.unmixing, printed, atol=1e-3)


def test_sampling_and_unmixing_undo_each_other():
    drawn = ica.sample(PARAMS, 500, np.random.default_rng(1), MIXED)
    np.testing.assert_allclose(ica.unmix(PARAMS, drawn.observations), drawn.sources, atol=1e-10)
    assert not np.allclose(ica.unmix(PARAMS._replace(mean=0 * PARAMS.mean), drawn.observations), drawn.sources, atol=0.1)
    assert ica.sample(PARAMS, 0, RNG).observations.shape == (0, 3)
    again = ica.sample(PARAMS, 500, np.random.default_rng(1), MIXED)
    np.testing.assert_array_equal(again.observations, drawn.observations)


def test_squashed_outputs_are_uniform_where_the_model_is_true():
    drawn = ica.sample(PARAMS, 50_000, np.random.default_rng(2), MIXED)
    counts = [np.histogram(z, 20, (0, 1))[0] for z in ica.squash(PARAMS, drawn.observations, MIXED).T]
    wrong = [np.histogram(z, 20, (0, 1))[0] for z in ica.squash(PARAMS, drawn.observations, SECH).T]
    assert max(entropy(c, np.ones(20)) for c in counts) < 0.001
    assert max(entropy(c, np.ones(20)) for c in wrong) > 0.01


@pytest.mark.parametrize("source", [LOGISTIC, SMOOTH_LAPLACE, Student])
@pytest.mark.parametrize("method", METHODS)
def test_known_sources_are_recovered(method, source):
    options = {"tolerance": 1e-6, "max_iterations": 3000}
    found = ica.fit(ica.start(Y, np.random.default_rng(3)), Y, method=method, source=source, **options)
    assert found.converged
    gains = found.params.unmixing @ C
    assert amari_distance(gains) < 0.03
    order, scales = align(gains)
    x = ica.unmix(found.params, Y)[:, order] * scales
    correlations = np.corrcoef(x.T, X.T)[:3, 3:]
    assert np.diag(correlations).min() > 0.998
    assert amari_distance(whiten(Y).matrix @ C) > 0.2       # decorrelation alone does not


def test_quasi_newton_and_natural_gradient_find_the_minimum_that_a_general_search_finds():
    peer = minimize(lambda v: ica.loss(PARAMS._replace(unmixing=v.reshape(3, 3), mean=Y.mean(0)), Y), PARAMS.unmixing.ravel())
    start = PARAMS._replace(mean=Y.mean(0))
    for method in (ica.quasi_newton, ica.natural_gradient):
        found = ica.fit(start, Y, method=method, tolerance=1e-8)
        assert found.converged
        assert (np.diff(found.losses) <= 1e-12).all()
        assert ica.loss(found.params, Y) == pytest.approx(peer.fun, abs=1e-8)
        assert amari_distance(found.params.unmixing @ np.linalg.inv(peer.x.reshape(3, 3))) < 1e-4
        # E[tanh(x / 2) x'] = I is the whole condition
        x = ica.unmix(found.params, Y)
        np.testing.assert_allclose(np.tanh(x / 2).T @ x / len(x), np.eye(3), atol=1e-7)
        assert np.abs(np.tanh(x).T @ x / len(x) - np.eye(3)).max() > 0.1
    assert len(ica.fit(start, Y).losses) < 15


def test_the_plain_gradient_goes_through_the_optimizer_of_the_house():
    white = whiten(Y)
    z = (Y - white.mean) @ white.matrix.T
    start = ica.start(z, np.random.default_rng(4))
    found = optimization.run(ica, start, z, RNG, iterations=1000, method=optimization.Adam(0.02))
    assert amari_distance(found.params.unmixing @ white.matrix @ C) < 0.03
    two = optimization.run(ica.Under(SECH), start, z, RNG, iterations=200, method=optimization.Adam(0.02))
    assert two.losses[0] == ica.loss(start, z, None, SECH)
    assert two.losses[-1] < two.losses[0]


@pytest.mark.parametrize("method", [ica.quasi_newton, ica.natural_gradient])
def test_every_step_is_the_same_however_the_sources_were_mixed(method):
    """Equivariance: D C follows one path for all C. The plain gradient's does not."""
    other = np.array([[1.0, 0.99, 0.98], [0.99, 1.0, 0.99], [0.0, 0.0, 100.0]])
    gains = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    paths = []
    for mixing in (C, other):
        start = ica.Parameters(gains @ np.linalg.inv(mixing), (X @ mixing.T).mean(0))
        paths.append([s.params.unmixing @ mixing for s in islice(ica.iterate(start, X @ mixing.T, method), 6)])
    np.testing.assert_allclose(paths[0], paths[1], rtol=1e-6, atol=1e-8)


def test_the_plain_gradient_depends_on_the_mixing():
    other, moves = C @ np.diag([1, 10, 0.1]), []
    for mixing in (C, other):
        start = ica.Parameters(np.linalg.inv(mixing) * 1.1, (X @ mixing.T).mean(0))
        step = ica.gradient(start, X @ mixing.T).unmixing
        moves.append(step @ mixing)
    assert np.abs(moves[0] - moves[1]).max() > 1


def test_fastica_agrees_with_scikit_learn():
    start = ica.start(Y, np.random.default_rng(5))
    ours = ica.fit(start, Y, method=ica.fastica, source=SECH, tolerance=1e-12)
    peer = FastICA(whiten="unit-variance", fun="logcosh", tol=1e-12, max_iter=500, random_state=0).fit(Y)
    gains = ours.params.unmixing @ np.linalg.pinv(peer.components_)
    assert amari_distance(gains) < 1e-6
    x = ica.unmix(ours.params, Y)
    np.testing.assert_allclose(np.cov(x.T, bias=True), np.eye(3), atol=1e-10)
    # x - tanh x, of the two bells, is the same contrast, because on white data a linear part drops out.
    for source, same in ((TWO_BELLS, True), (LOGISTIC, False)):
        other = ica.fit(start, Y, method=ica.fastica, source=source, tolerance=1e-12).params
        assert (amari_distance(other.unmixing @ np.linalg.pinv(peer.components_)) < 1e-6) == same


@pytest.mark.parametrize("source", [*DENSITIES, Student, HyperbolicCosine(1.7, 2.5), HyperbolicCosine(np.array([1.0, 2, 3]), 0.5)])
@pytest.mark.parametrize("block", [7, 4096])
def test_averages_in_blocks_are_averages(monkeypatch, source, block):
    monkeypatch.setattr(_passes, "BLOCK", block)
    white, W = RNG.normal(size=(100, 3)), RNG.normal(size=(3, 3))
    cross, curvatures = _passes.moments(source, white, W)
    x = white @ W.T
    np.testing.assert_allclose(cross, np.mean([np.outer(e, v) for e, v in zip(source.derivative(x), white)], axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(curvatures, source.curvature(x).mean(0), rtol=1e-10, atol=1e-12)
    assert not np.allclose(curvatures, source.curvature(white).mean(0), rtol=1e-3) or source == NORMAL


def test_gaussian_sources_rotate_freely_and_the_numbers_say_so():
    g = np.random.default_rng(6).normal(size=(20_000, 2))
    y = g @ C[:2, :2].T
    found = ica.fit(ica.start(y, RNG), y)
    x = ica.unmix(found.params, y)
    margins = relative.margins(x, LOGISTIC)
    assert (np.abs(margins.values) < 3 * margins.errors).all()
    turn = lambda a: np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    normal = ica.fit(ica.start(y, RNG), y, source=NORMAL).params
    costs = [ica.loss(normal._replace(unmixing=turn(a) @ normal.unmixing), y, None, NORMAL) for a in np.linspace(0, np.pi, 9)]
    assert np.ptp(costs) < 1e-12                            # exactly flat under a Gaussian density
    under = [ica.loss(found.params._replace(unmixing=turn(a) @ found.params.unmixing), y) for a in np.linspace(0, np.pi, 9)]
    assert np.ptp(under) < 3e-3                             # flat but for the sampling under a logistic one
    laplace = ica.fit(ica.start(Y, RNG), Y)
    firm = relative.margins(ica.unmix(laplace.params, Y), LOGISTIC)
    assert (firm.values > 5 * firm.errors).all()
    costs = [ica.loss(laplace.params._replace(unmixing=np.kron(np.eye(2), turn(a))[:3, :3] @ laplace.params.unmixing), Y)
             for a in (0, 0.7)]
    assert costs[1] - costs[0] > 0.01


def test_the_wrong_kind_of_density_mixes_as_much_as_it_can_and_the_margins_are_below_zero():
    u = np.random.default_rng(7).uniform(-1, 1, (5000, 2))
    y = u @ C[:2, :2].T
    wrong = ica.fit(ica.start(y, RNG), y, source=LOGISTIC)
    assert amari_distance(wrong.params.unmixing @ C[:2, :2]) > 0.9
    right = ica.fit(ica.start(y, RNG), y, source=TWO_BELLS)
    assert amari_distance(right.params.unmixing @ C[:2, :2]) < 0.03
    margins = relative.margins(u * relative.best_scales(u, LOGISTIC), LOGISTIC)
    assert (margins.values < -5 * margins.errors).all()
    assert mutual_information(ica.unmix(wrong.params, y))[0, 1] > 0.05
    assert abs(mutual_information(ica.unmix(right.params, y))[0, 1]) < 0.01
    either = ica.fit(ica.start(y, RNG), y, method=ica.fastica)           # finds the sign by itself
    assert amari_distance(either.params.unmixing @ C[:2, :2]) < 0.03


def test_each_source_is_given_the_density_that_suits_it():
    rng = np.random.default_rng(8)
    x = np.column_stack([rng.laplace(size=5000), rng.uniform(-1, 1, 5000), rng.choice([-1.0, 1], 5000) + 0.1 * rng.normal(size=5000)])
    y = x @ C.T
    found, source = ica.fit_adapted(ica.start(y, rng), y)
    assert found.converged
    gains = found.params.unmixing @ C
    assert amari_distance(gains) < 0.02
    assert [source.parts[k] for k in align(gains).order] == [LOGISTIC, TWO_BELLS, TWO_BELLS]
    params, chosen = ica.adapt(found.params, y)
    assert chosen == source
    assert ica.loss(params, y, None, chosen) <= ica.loss(found.params, y, None, source) + 1e-12
    one = ica.fit(ica.start(y, rng), y, source=LOGISTIC)
    assert amari_distance(one.params.unmixing @ C) > 0.1


def test_a_stream_can_be_stopped_and_gone_on_with():
    start = ica.start(Y, np.random.default_rng(9))
    whole = [s.params.unmixing for s in islice(ica.iterate(start, Y), 6)]
    half = list(islice(ica.iterate(start, Y), 3))[-1].params
    rest = [s.params.unmixing for s in islice(ica.iterate(half, Y), 3)]
    np.testing.assert_allclose(rest, whole[3:], rtol=1e-9)
    found = ica.fit(start, Y, max_iterations=2)
    assert not found.converged
    assert len(found.losses) == 2
    assert len(list(islice(ica.iterate(start, Y), 200))) < 50            # until nothing lowers it any more


def test_bad_arguments_are_named():
    bad = PARAMS._replace(unmixing=np.ones((3, 3)))
    for call, message in (
        (lambda: ica.unmix(bad, Y), "params.unmixing: expected an invertible matrix"),
        (lambda: ica.unmix(PARAMS._replace(unmixing=np.ones((2, 3))), Y), r"params.unmixing: expected shape \(K, K\)"),
        (lambda: ica.unmix(PARAMS, Y.T), "y: expected shape .* transpose it"),
        (lambda: ica.loss(PARAMS, Y[:0]), "y: expected one observation at least"),
        (lambda: ica.loss(PARAMS, np.where(Y > 3, np.nan, Y)), "y: expected finite numbers"),
        (lambda: next(ica.natural_gradient(PARAMS, Y, rate=0)), "rate: expected a number above 0"),
        (lambda: ica.start(Y, 0), "rng: expected a numpy.random.Generator"),
        (lambda: ica.start(np.column_stack([Y, Y[:, 0]]), RNG), "vary in 4 directions, got 3"),
        (lambda: ica.unmix(PARAMS._replace(mean=np.zeros(2)), Y), r"params.mean: expected shape \(3,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(FloatingPointError, match="try a smaller rate"), np.errstate(all="ignore"):
        ica.fit(PARAMS, Y, method=lambda p, y, s: ica.natural_gradient(p, y, s, rate=1e3))


def test_units_do_not_matter():
    units = np.array([1e-9, 1.0, 1e6])
    found = ica.fit(ica.start(Y * units, np.random.default_rng(3)), Y * units)
    assert found.converged
    assert amari_distance(found.params.unmixing @ (units[:, None] * C)) < 0.03
