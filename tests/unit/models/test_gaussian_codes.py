"""Sparse coding with Gaussian recognition: against quadrature, direct minimization and the exact marginal."""

from itertools import islice

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from pedagogy_lib.distributions.heavy_tailed import Cauchy, HyperbolicCosine, Laplace
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gaussian_codes as model
from pedagogy_lib.models.static import ica, sparse_coding

C = np.array([[1.0, 0.4, -0.3], [0.2, -0.9, 0.8]])
PARAMS = model.Parameters(C, 4.0, Laplace(np.array([1.0, 1.5, 0.7])))
SQUARE = model.Parameters(np.array([[1.0, 0.5], [-0.3, 0.8]]), 3.0, Laplace(1.2))


def data(n, params=PARAMS, seed=0):
    return model.sample(params, n, np.random.default_rng(seed)).observations


def average_size(m, s):
    return quad(lambda x: abs(x) * norm.pdf(x, m, s), m - 12 * s, m + 12 * s, points=[0.0], epsabs=1e-12)[0]


def by_hand(params, nu, S, y):
    """The free energy from its definition, the mean of |x| by quadrature."""
    D, K = params.dictionary.shape
    rates = np.broadcast_to(params.prior.rates, K)
    folded = [average_size(m, np.sqrt(v)) for m, v in zip(nu, np.diag(S))]
    misfit = ((y - params.dictionary @ nu) ** 2).sum() + np.trace(params.dictionary @ S @ params.dictionary.T)
    energy = 0.5 * params.precision * misfit + 0.5 * D * np.log(2 * np.pi / params.precision)
    return energy + rates @ folded - np.log(rates / 2).sum() - 0.5 * np.linalg.slogdet(2 * np.pi * np.e * S)[1]


def exact_cost(params, y):
    """-log p(y) by a sum over a fine grid of codes of two dimensions."""
    axis = np.linspace(-14, 14, 1401)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    logs = np.array([sparse_coding.log_joint(params, grid, np.tile(row, (len(grid), 1))) for row in y])
    return -np.logaddexp.reduce(logs, axis=1) - 2 * np.log(axis[1] - axis[0])


def test_the_mean_of_the_absolute_value_and_its_slopes():
    nu, v = np.array([0.0, 0.7, -2.0]), np.array([1.0, 0.3, 4.0])
    mean, slope, curvature = model.fold(nu, v)
    for k in range(3):
        value = lambda m, w: average_size(m, np.sqrt(w))
        assert mean[k] == pytest.approx(value(nu[k], v[k]), rel=1e-8)
        assert slope[k] == pytest.approx((value(nu[k] + 1e-4, v[k]) - value(nu[k] - 1e-4, v[k])) / 2e-4, abs=1e-6)
        assert curvature[k] == pytest.approx((value(nu[k], v[k] + 1e-4) - value(nu[k], v[k] - 1e-4)) / 1e-4, abs=1e-6)


def test_the_free_energy_is_that_of_its_definition():
    rng, y = np.random.default_rng(1), data(3)
    R = rng.normal(size=(3, 3, 3))
    found = model.Recognition(rng.normal(size=(3, 3)), R @ R.transpose(0, 2, 1) + 0.1 * np.eye(3))
    for n, energy in enumerate(model.free_energy(PARAMS, found, y)):
        assert energy == pytest.approx(by_hand(PARAMS, found.means[n], found.covariances[n], y[n]), rel=1e-9)


def test_no_other_gaussian_has_a_lower_free_energy():
    y = data(2, seed=2)
    found = model.posterior(PARAMS, y, model.Options(tolerance=1e-12))
    for n in range(2):
        def cost(free, n=n):
            L = np.zeros((3, 3))
            L[np.tril_indices(3)] = free[3:]
            S = L @ L.T + 1e-12 * np.eye(3)
            return model.free_energy(PARAMS, model.Recognition(free[None, :3], S[None]), y[n : n + 1])[0]

        begin = np.r_[np.zeros(3), np.eye(3)[np.tril_indices(3)]]
        best = minimize(cost, begin, method="BFGS", options={"gtol": 1e-7}).fun
        assert model.free_energy(PARAMS, found, y)[n] == pytest.approx(best, abs=1e-6)


def test_the_conditions_8_3_and_8_4_hold_and_those_of_8_10_do_not():
    y = data(4, seed=3)
    nu, S = model.posterior(PARAMS, y, model.Options(tolerance=1e-14, steps=2000))
    _, slope, curvature = model.fold(nu, np.diagonal(S, axis1=1, axis2=2))
    gradient = 4.0 * (nu @ C.T - y) @ C + PARAMS.prior.rates * slope
    assert np.abs(gradient).max() < 1e-5
    assert np.allclose(np.linalg.inv(S), 4.0 * C.T @ C + np.eye(3) * (PARAMS.prior.rates * curvature)[:, None], rtol=1e-4)
    assert np.abs(sparse_coding.mode(PARAMS, y) - nu).max() > 0.02


def test_it_bounds_the_exact_cost_and_is_nearer_than_laplaces_gaussian():
    y = data(6, SQUARE, seed=4)
    exact = exact_cost(SQUARE, y)
    best = model.free_energy(SQUARE, model.posterior(SQUARE, y), y)
    assert (best > exact).all() and (best - exact).mean() < 0.15
    modes = sparse_coding.laplace_approximation(SQUARE, y, 30.0)
    other = model.free_energy(SQUARE, model.Recognition(modes.modes, np.linalg.inv(modes.precisions)), y)
    assert (other > best + 1e-3).all()


def test_em_never_rises_and_turns_to_the_dictionary():
    true = model.Parameters(np.array([[1.0, 0.6], [0.0, 0.8]]), 20.0, Laplace(1.0))
    y = data(200, true, seed=5)
    begun = true._replace(dictionary=np.array([[0.7, 0.1], [-0.4, 1.0]]))
    with pytest.warns(UserWarning, match="stopped after 60"):
        fit = em.fit(model, begun, y, options=model.Options(tolerance=1e-3), tolerance=0, max_iterations=60)
    assert (np.diff(fit.losses) <= 1e-3).all()
    found = fit.params.dictionary / np.linalg.norm(fit.params.dictionary, axis=0)
    before = begun.dictionary / np.linalg.norm(begun.dictionary, axis=0)
    assert np.abs(np.diag(before.T @ true.dictionary)).min() < 0.91
    assert np.abs(np.diag(found.T @ true.dictionary)).min() > 0.95
    assert np.abs(np.linalg.norm(fit.params.dictionary, axis=0) - 1).max() < 0.3

    class Short:
        expected_statistics = staticmethod(model.expected_statistics)

        @staticmethod
        def maximize(statistics, options=None):
            return statistics.params._replace(dictionary=0.5 * model.maximize(statistics).dictionary)

    with pytest.raises(em.LossRoseError):
        list(islice(em.iterate(Short, begun, y), 12))


FINE = model.Options(tolerance=1e-12, steps=400)


@pytest.mark.parametrize("params", [PARAMS, SQUARE])
def test_the_relative_gradient_is_that_of_the_bound_under_the_metric(params):
    """Differences of the minimized free energy along C (I + S); Eq. 8.9's gradient, multiplied; not without the width."""
    y, C, K = data(7, params), params.dictionary, params.dictionary.shape[1]
    found = model.posterior(params, y, FINE)
    G = model.relative_gradient(params, found)

    def least(S):
        moved = params._replace(dictionary=C + C @ S)
        return model.free_energy(moved, model.posterior(moved, y, FINE, found), y).mean()

    for i in range(K):
        for j in range(K):
            S = np.zeros((K, K))
            S[i, j] = 1e-4
            assert G[i, j] == pytest.approx((least(S) - least(-S)) / 2e-4, abs=2e-5)
    nu, cov = found
    printed = params.precision * (C @ cov.mean(0) - (y - nu @ C.T).T @ nu / len(y))     # Eq. 8.9
    assert np.allclose(G, C.T @ printed, atol=2e-5)
    assert not np.allclose(G, G.T, atol=1e-2) and not np.allclose(G.T, C.T @ printed, atol=1e-2)
    at_the_mean = np.eye(K) - np.broadcast_to(params.prior.rates, K)[:, None] * np.sign(nu).T @ nu / len(y)
    assert not np.allclose(at_the_mean, C.T @ printed, atol=1e-2)


def test_one_source_settles_where_its_codes_are_as_large_as_the_prior_says():
    """By hand, for one number: the gradient is 1 - alpha <|X|>, by quadrature, and vanishes at the M step's fixed point."""
    one = model.Parameters(np.array([[1.7]]), 5.0, Laplace(1.3))
    y = data(40, one)
    found = model.posterior(one, y, FINE)
    size = np.mean([average_size(m, s) for m, s in zip(found.means[:, 0], np.sqrt(found.covariances[:, 0, 0]))])
    assert model.relative_gradient(one, found)[0, 0] == pytest.approx(1 - 1.3 * size, abs=1e-8)
    by_em = em.fit(model, one, y, options=FINE, tolerance=1e-9, max_iterations=500).params
    *_, last = islice(model.natural_gradient(one, y, 0.5, FINE), 25)
    assert last.params.dictionary[0, 0] == pytest.approx(by_em.dictionary[0, 0], rel=1e-3)
    assert abs(by_em.dictionary[0, 0] / 1.7 - 1) > 0.01
    steps = list(islice(model.natural_gradient(one._replace(dictionary=np.array([[0.5]])), y, 0.3, FINE), 40))
    assert (np.diff([step.loss for step in steps]) < 1e-9).all()
    first = next(model.natural_gradient(one, y, 0.5, FINE))     # the loss is that of the E step, a mean over data
    assert first.loss == pytest.approx(model.free_energy(one, found, y).mean(), rel=1e-9)


def test_without_noise_the_step_is_that_of_ica():
    """Its relative gradient tends to minus ICA's, on the same data; as the noise vanishes the gap does."""
    C, rng = np.array([[1.0, 0.6], [-0.4, 1.1]]), np.random.default_rng(1)
    y = rng.laplace(size=(100, 2)) @ C.T
    y -= y.mean(0)
    begin = C @ np.array([[1.2, 0.3], [-0.2, 0.9]])
    sharp = HyperbolicCosine(1.0, 400.0)                        # nearly Laplace
    D = ica.Parameters(np.linalg.inv(begin), np.zeros(2))
    x = ica.unmix(D, y)
    of_ica = sharp.derivative(x).T @ x / len(y) - np.eye(2)
    step = next(ica.natural_gradient(D, y, sharp, 1e-3))
    assert np.allclose(step.params.unmixing, D.unmixing - 1e-3 * of_ica @ D.unmixing)
    gaps = []
    for precision in (1.0, 30.0, 1e4):
        params = model.Parameters(begin, precision, Laplace(1.0))
        ours = next(model.natural_gradient(params, y, 1e-3, model.Options(1e-13, 1500)))
        gaps.append(np.abs(ours.gradient + of_ica).max())
        moved = np.linalg.inv(ours.params.dictionary)
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2] and gaps[2] < 0.02
    change = np.abs(step.params.unmixing - D.unmixing).max()
    assert np.abs(moved - step.params.unmixing).max() < 0.05 * change
    assert np.abs(moved - D.unmixing - (D.unmixing - step.params.unmixing)).max() > change     # the other way
    assert not np.allclose(-of_ica.T, ours.gradient, atol=0.02)


@pytest.mark.parametrize("call, words", [
    (lambda: model.posterior(PARAMS._replace(prior=Cauchy(1.0)), data(2)), "params.prior: expected a Laplace"),
    (lambda: model.posterior(PARAMS, np.zeros((0, 2))), "y: expected one observation"),
    (lambda: model.free_energy(PARAMS, model.Recognition(np.zeros((2, 3)), np.zeros((2, 2, 2))), data(2)), "recognition.covariances"),
])
def test_a_bad_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
