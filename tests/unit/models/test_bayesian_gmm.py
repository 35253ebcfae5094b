"""The Bayesian mixture: against the evidence by enumeration, SciPy's densities, and direct perturbation."""

from itertools import islice, product

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, logsumexp
from sklearn.mixture import BayesianGaussianMixture

from pedagogy_lib.learning import em
from pedagogy_lib.models.static import bayesian_gmm as model
from pedagogy_lib.models.static import gmm

PRIOR = model.Prior(0.7, np.array([0.5, -0.5]), 0.8, np.array([[2.0, 0.3], [0.3, 1.0]]), 3.5)


def evidence_of_class(y, prior):
    """log p(y) of one class, by the chain rule: each datum's Student-t density given those before it."""
    D, total = y.shape[1], 0.0
    kappa, m, nu, S = prior.strength, prior.mean, prior.degrees, prior.scatter
    for row in y:
        scale = S * (kappa + 1) / (kappa * (nu - D + 1))
        total += stats.multivariate_t.logpdf(row, m, scale, df=nu - D + 1)
        S = S + kappa / (kappa + 1) * np.outer(row - m, row - m)
        kappa, m, nu = kappa + 1, (kappa * m + row) / (kappa + 1), nu + 1
    return total


def log_joint_of(assignment, y, prior, K):
    """log p(x, y), all parameters integrated out."""
    sizes = np.bincount(assignment, minlength=K)
    a = np.full(K, prior.count)
    labels = gammaln(a.sum()) - gammaln(a.sum() + len(y)) + (gammaln(a + sizes) - gammaln(a)).sum()
    return labels + sum(evidence_of_class(y[assignment == k], prior) for k in range(K))


def begun(y, K, seed=0, prior=PRIOR):
    return model.with_prior(gmm.start(y, K, np.random.default_rng(seed)), y, prior)


def few(rng, n=7):
    return np.vstack([rng.normal(size=(n // 2, 2)), rng.normal(size=(n - n // 2, 2)) + [3, 1]])


def test_one_class_is_exact():
    y = np.random.default_rng(0).normal(size=(9, 2))
    fit = em.fit(model, begun(y, 1), y)
    assert fit.losses[-1] * 9 == pytest.approx(-evidence_of_class(y, PRIOR), rel=1e-12)
    # The prior's own scatter must be added to that of the data, and that between their means.
    wrong = fit.params._replace(scatters=fit.params.scatters - PRIOR.scatter)
    assert model.expected_statistics(wrong, y).loss * 9 > -evidence_of_class(y, PRIOR) + 0.01


def test_classes_far_apart_are_exact_up_to_their_names():
    y = np.vstack([np.random.default_rng(0).normal(size=(5, 2)), 400 + np.random.default_rng(1).normal(size=(6, 2))])
    prior = PRIOR._replace(mean=np.full(2, 200.0), strength=1e-4)
    fit = em.fit(model, begun(y, 2, prior=prior), y)
    labels = np.repeat([0, 1], [5, 6])
    assert fit.losses[-1] * 11 == pytest.approx(-log_joint_of(labels, y, prior, 2), rel=1e-10)


def test_the_free_energy_bounds_the_evidence():
    far = PRIOR._replace(mean=np.full(2, 15.0), strength=1e-4)
    for apart, prior, least, most in ((0, PRIOR, 0, 2.5), (30, far, np.log(2) - 1e-3, np.log(2) + 0.1)):
        y = few(np.random.default_rng(2))
        y[3:] += apart
        evidence = logsumexp([log_joint_of(np.array(a), y, prior, 2) for a in product(range(2), repeat=len(y))])
        found = [em.fit(model, begun(y, 2, seed, prior), y).losses[-1] * len(y) for seed in range(4)]
        assert least < min(found) + evidence < most      # far apart, only the two ways to name the classes are lost


def test_the_discounts_are_expectations_of_logarithms():
    rng = np.random.default_rng(3)
    params = begun(few(rng), 2)
    y, n = np.array([[0.3, 0.9]]), 40_000
    weights = stats.dirichlet(params.counts).rvs(n, random_state=rng)
    for k in range(2):
        covariances = stats.invwishart(params.degrees[k], params.scatters[k]).rvs(n, random_state=rng)
        roots = np.linalg.cholesky(covariances)
        means = params.means[k] + np.einsum("nij,nj->ni", roots, rng.normal(size=(n, 2))) / np.sqrt(params.strengths[k])
        z = np.linalg.solve(roots, (y - means)[..., None])[..., 0]
        logs = np.log(weights[:, k]) - np.log(roots[:, [0, 1], [0, 1]]).sum(1) - np.log(2 * np.pi) - 0.5 * (z**2).sum(1)
        found = model.posterior(params, y)
        expected = found.log_marginals[0] + np.log(found.probabilities[0, k])
        assert abs(logs.mean() - expected) < 5 * logs.std() / np.sqrt(n)
        plain = expected - np.log(model.discounts(params)[k])
        assert abs(logs.mean() - plain) > 20 * logs.std() / np.sqrt(n)


def test_the_divergence_is_an_average_of_log_ratios():
    rng = np.random.default_rng(4)
    params, n = begun(few(rng), 2), 20_000
    p = params.prior
    weights = stats.dirichlet(params.counts).rvs(n, random_state=rng)
    logs = stats.dirichlet(params.counts).logpdf(weights.T) - stats.dirichlet([p.count] * 2).logpdf(weights.T)
    for k in range(2):
        covariances = stats.invwishart(params.degrees[k], params.scatters[k]).rvs(n, random_state=rng)
        logs += stats.invwishart(params.degrees[k], params.scatters[k]).logpdf(np.moveaxis(covariances, 0, -1))
        logs -= stats.invwishart(p.degrees, p.scatter).logpdf(np.moveaxis(covariances, 0, -1))
        roots = np.linalg.cholesky(covariances)
        z = rng.normal(size=(n, 2))
        means = params.means[k] + np.einsum("nij,nj->ni", roots, z) / np.sqrt(params.strengths[k])
        back = np.linalg.solve(roots, (means - p.mean)[..., None])[..., 0]
        logs += np.log(params.strengths[k] / p.strength) - 0.5 * (z**2).sum(1) + 0.5 * p.strength * (back**2).sum(1)
    assert abs(logs.mean() - model.divergence(params)) < 5 * logs.std() / np.sqrt(n)


def test_no_other_factor_is_better():
    rng = np.random.default_rng(5)
    y = few(rng, 40)
    params = em.fit(model, begun(y, 2), y, tolerance=1e-13).params
    best = model.expected_statistics(params, y).loss
    for name in ("counts", "means", "strengths", "scatters", "degrees"):
        value = getattr(params, name)
        for factor in (0.95, 1.05):
            assert model.expected_statistics(params._replace(**{name: value * factor}), y).loss > best


def test_the_loss_never_rises_and_a_wrong_m_step_is_seen():
    y = few(np.random.default_rng(6), 60)
    losses = em.fit(model, begun(y, 4), y).losses
    assert (np.diff(losses) <= 1e-12).all() and len(losses) > 3

    class Forgetful:
        expected_statistics = staticmethod(model.expected_statistics)

        @staticmethod
        def maximize(statistics):
            right = model.maximize(statistics)
            return right._replace(means=np.repeat(right.means.mean(0)[None], len(right.means), 0))

    with pytest.raises(em.LossRoseError):
        list(islice(em.iterate(Forgetful, begun(y, 4), y), 20))


def test_classes_that_are_not_needed_are_given_back_to_the_prior():
    y = few(np.random.default_rng(7), 300)
    y[150:] += 4
    prior = model.vague_prior(y, count=1e-3)
    params = em.fit(model, begun(y, 6, prior=prior), y).params
    assert np.sort(params.counts)[-3:].tolist() == pytest.approx([0.001, 150, 150], abs=2)
    idle = np.argmin(params.counts)
    assert params.counts[idle] == pytest.approx(1e-3, rel=1e-6)
    assert np.allclose(params.means[idle], prior.mean) and np.allclose(params.scatters[idle], prior.scatter)


def test_the_predictive_density_is_a_mixture_of_students():
    rng = np.random.default_rng(8)
    params = em.fit(model, begun(few(rng, 30), 2), few(rng, 30)).params
    y = rng.normal(size=(5, 2))
    logs = [
        stats.multivariate_t.logpdf(y, m, S * (k + 1) / (k * (nu - 1)), df=nu - 1)
        for m, S, k, nu in zip(params.means, params.scatters, params.strengths, params.degrees)
    ]
    expected = logsumexp(np.array(logs) + np.log(params.counts / params.counts.sum())[:, None], axis=0)
    assert np.allclose(model.log_predictive(params, y), expected, rtol=1e-12)
    drawn = model.sample(params, 40_000, rng).observations
    share = params.counts / params.counts.sum()
    assert drawn.mean(0) == pytest.approx(share @ params.means, abs=0.1)
    inside = (np.abs(drawn - 1) < 1).all(1).mean()
    grid = (np.arange(200) + 0.5) / 100
    cells = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    assert inside == pytest.approx(np.exp(model.log_predictive(params, cells)).sum() / 1e4, abs=0.01)


def test_backends_agree():
    y = few(np.random.default_rng(9), 50)
    params = begun(y, 3)
    one, other = (model.expected_statistics(params, y, backend=b) for b in ("numpy", "auto"))
    assert one.loss == pytest.approx(other.loss, rel=1e-12)
    assert np.allclose(one.scatters, other.scatters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("change, words", [
    ({"counts": np.array([1.0, 0.0])}, "params.counts: expected numbers above 0"),
    ({"degrees": np.array([1.0, 5.0])}, "params.degrees: expected numbers above 1"),
    ({"prior": PRIOR._replace(strength=0.0)}, "prior.strength"),
    ({"prior": PRIOR._replace(mean=np.zeros(3))}, "prior.mean"),
])
def test_a_bad_argument_is_named(change, words):
    y = few(np.random.default_rng(10))
    with pytest.raises(ValueError, match=words):
        model.posterior(begun(y, 2)._replace(**change), y)


def test_scikit_learn_ends_at_the_same_factors():
    y = few(np.random.default_rng(11), 200)
    peer = BayesianGaussianMixture(
        n_components=2, tol=1e-12, max_iter=5000, weight_concentration_prior_type="dirichlet_distribution", random_state=0,
        weight_concentration_prior=PRIOR.count, mean_precision_prior=PRIOR.strength, mean_prior=PRIOR.mean,
        degrees_of_freedom_prior=PRIOR.degrees, covariance_prior=PRIOR.scatter, reg_covar=0.0,
    ).fit(y)
    found = em.fit(model, begun(y, 2), y, tolerance=1e-14).params
    order = np.argsort(found.means[:, 0])[np.argsort(np.argsort(peer.means_[:, 0]))]
    np.testing.assert_allclose(found.means[order], peer.means_, atol=1e-5)
    np.testing.assert_allclose(found.counts[order], peer.weight_concentration_, atol=1e-3)
    np.testing.assert_allclose((found.scatters / found.degrees[:, None, None])[order], peer.covariances_, atol=1e-4)
