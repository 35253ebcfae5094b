"""Section 7.1: EM for the Gaussian mixture model, and K-means."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.optimize import minimize
from scipy.special import entr
from scipy.stats import multivariate_normal

from pedagogy_lib.models.static import gmm, kmeans

RNG = np.random.default_rng(71)
Y = np.concatenate([RNG.normal(size=(30, 2)), RNG.normal(size=(20, 2)) @ [[1.0, 0.5], [0.0, 0.4]] + [3.0, 1.0]])
SIGMA = np.array([[0.8, 0.2], [0.2, 0.5]])
SHARED = gmm.Parameters(np.array([0.7, 0.3]), np.array([[0.0, 0.5], [2.0, 1.0]]), np.stack([SIGMA, SIGMA]))


def joint_cross_entropy(weights, means, covariances, r):
    """<-log p(x, y)> under the responsibilities, by SciPy."""
    terms = [np.log(w) + multivariate_normal(m, c).logpdf(Y) for w, m, c in zip(weights, means, covariances)]
    return -(r * np.stack(terms, 1)).sum(1).mean()


@pytest.fixture(scope="module")
def e_step():
    return gmm.posterior(SHARED, Y).probabilities, gmm.expected_statistics(SHARED, Y)


def test_eq_7_1():
    joint = np.stack([w * multivariate_normal(m, SIGMA).pdf(Y) for w, m in zip(SHARED.weights, SHARED.means)], 1)
    left = joint / joint.sum(1, keepdims=True)            # Bayes' theorem with full densities
    deviations = Y[:, None] - SHARED.means
    squares = np.einsum("nki,ij,nkj->nk", deviations, np.linalg.inv(SIGMA), deviations)
    terms = np.exp(-0.5 * squares) * SHARED.weights
    no_half = np.exp(-squares) * SHARED.weights
    no_prior = np.exp(-0.5 * squares)
    assert_only_as_printed(
        left,
        terms / terms.sum(1, keepdims=True),
        no_half / no_half.sum(1, keepdims=True),
        no_prior / no_prior.sum(1, keepdims=True),
    )
    np.testing.assert_allclose(gmm.posterior(SHARED, Y).probabilities, left, rtol=1e-9, atol=1e-15)


def test_text_7_1_1_infinite_precision():
    """Covariance epsilon I, epsilon to zero: the nearest mean takes all, whatever the weights."""
    hard = kmeans.posterior(kmeans.Parameters(SHARED.means), Y).probabilities
    for weights in ([0.7, 0.3], [0.001, 0.999]):
        gaps = []
        for epsilon in (1.0, 0.1, 1e-3, 1e-5):
            tight = gmm.Parameters(np.array(weights), SHARED.means, np.stack([epsilon * np.eye(2)] * 2))
            gaps.append(np.abs(gmm.posterior(tight, Y).probabilities - hard).max())
        assert gaps[-1] < 1e-12
        assert gaps[0] > 0.1


def test_text_7_1_1_closer_in_which_distance(evidence):
    """A slip: for a general shared covariance the limit is not the Euclidean nearest mean.

    Along the first axis the spread is a tenth of that along the second. The origin is at distance
    1 from the first mean and 2 from the second, but the second takes all of it.
    """
    means, shape = np.array([[1.0, 0.0], [0.0, 2.0]]), np.diag([1.0, 100.0])
    origin = np.zeros((1, 2))
    posteriors = [
        gmm.posterior(gmm.Parameters(np.full(2, 0.5), means, np.stack([epsilon * shape] * 2)), origin).probabilities[0]
        for epsilon in (1.0, 0.1, 0.01)
    ]
    np.testing.assert_allclose(posteriors[-1], [0.0, 1.0], atol=1e-12)
    np.testing.assert_array_equal(kmeans.posterior(kmeans.Parameters(means), origin).probabilities[0], [1.0, 0.0])
    # Measured in units of the covariance, the second mean is the nearer: 0.2 against 1.
    in_units = np.sqrt(np.einsum("ki,ij,kj->k", means, np.linalg.inv(shape), means))
    np.testing.assert_allclose(in_units, [1.0, 0.2])
    evidence("Text 7.1.1-a", plain=np.linalg.norm(means, axis=1), in_units=in_units, posterior=posteriors[-1])


def test_box_gmm_mixing_proportions(e_step):
    r, statistics = e_step
    # Left: the minimizer of the joint cross entropy over the simplex, by a general optimizer.
    found = minimize(
        lambda a: joint_cross_entropy([1 / (1 + np.exp(-a[0])), 1 / (1 + np.exp(a[0]))], SHARED.means, [SIGMA] * 2, r),
        [0.0],
        tol=1e-12,
    ).x[0]
    left = np.array([1 / (1 + np.exp(-found)), 1 / (1 + np.exp(found))])
    assert_only_as_printed(left, r.mean(0), r.mean(0)[::-1], SHARED.weights, rtol=1e-5)
    np.testing.assert_allclose(gmm.maximize(statistics).weights, r.mean(0), rtol=1e-12)


def test_box_gmm_means(e_step):
    r, statistics = e_step
    found = minimize(
        lambda m: joint_cross_entropy(SHARED.weights, m.reshape(2, 2), [SIGMA] * 2, r), np.zeros(4), tol=1e-12
    ).x.reshape(2, 2)
    right = (r.T @ Y / len(Y)) / r.mean(0)[:, None]
    assert_only_as_printed(found, right, r.T @ Y / len(Y), SHARED.means, rtol=1e-4)
    np.testing.assert_allclose(gmm.maximize(statistics).means, right, rtol=1e-12)


def test_box_gmm_covariances(e_step):
    r, statistics = e_step
    new = gmm.maximize(statistics)

    def loss(flat):
        roots = [np.array([[np.exp(a), 0], [b, np.exp(c)]]) for a, b, c in flat.reshape(2, 3)]
        return joint_cross_entropy(SHARED.weights, new.means, [root @ root.T for root in roots], r)

    flat = minimize(loss, np.zeros(6), tol=1e-13).x.reshape(2, 3)
    roots = [np.array([[np.exp(a), 0], [b, np.exp(c)]]) for a, b, c in flat]
    left = np.stack([root @ root.T for root in roots])
    centered = Y[:, None] - new.means
    share = r.mean(0)[:, None, None]
    first = np.einsum("nk,nki,nkj->kij", r, centered, centered) / len(Y) / share
    second = np.einsum("nk,ni,nj->kij", r, Y, Y) / len(Y) / share - np.einsum("ki,kj->kij", new.means, new.means)
    for right in (first, second, new.covariances):
        assert_only_as_printed(left, right, right * share, np.stack([SIGMA] * 2), rtol=1e-3)
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_text_7_1_observed_classes_are_a_special_case():
    """With one-hot responsibilities the same M step is the sample statistics of each class."""
    draw = gmm.sample(SHARED, 500, np.random.default_rng(1))
    new = gmm.maximize(gmm.observed_statistics(np.eye(2)[draw.classes], draw.observations))
    for k in range(2):
        own = draw.observations[draw.classes == k]
        assert_only_as_printed(own.mean(0), new.means[k], draw.observations.mean(0))
        assert_only_as_printed(np.cov(own.T, bias=True), new.covariances[k], np.cov(draw.observations.T, bias=True))
        assert new.weights[k] == pytest.approx(len(own) / 500)


def test_box_em_under_exact_inference(e_step):
    """At the posterior the joint relative entropy is the marginal one; elsewhere it exceeds it by the KL."""
    r, _ = e_step
    marginal = -gmm.log_marginal(SHARED, Y).mean()
    assert_only_as_printed(marginal, gmm.free_energy(SHARED, r, Y), gmm.free_energy(SHARED, np.full_like(r, 0.5), Y))
    other = np.random.default_rng(2).dirichlet(np.ones(2), len(Y))
    divergence = (other * np.log(other / r)).sum(1).mean()           # Eq. 6.6
    assert_only_as_printed(gmm.free_energy(SHARED, other, Y), marginal + divergence, marginal)
    by_hand = joint_cross_entropy(*SHARED, other) - entr(other).sum(1).mean()
    assert_only_as_printed(by_hand, gmm.free_energy(SHARED, other, Y), joint_cross_entropy(*SHARED, other))


def test_box_k_means():
    """Each half-step minimizes the sum of squared distances, with the other half held fixed."""
    params = kmeans.Parameters(SHARED.means)
    statistics = kmeans.expected_statistics(params, Y)
    distances = np.array([[np.linalg.norm(y - m) for m in params.means] for y in Y])
    assigned = np.eye(2)[[int(np.argmin(row)) for row in distances]]
    np.testing.assert_array_equal(kmeans.posterior(params, Y).probabilities, assigned)
    assert not np.array_equal(kmeans.posterior(params, Y).probabilities, 1 - assigned)
    found = minimize(lambda m: (assigned * ((Y[:, None] - m.reshape(2, 2)) ** 2).sum(2)).sum(), np.zeros(4), tol=1e-12)
    assert_only_as_printed(
        found.x.reshape(2, 2), kmeans.maximize(statistics).means, params.means, (assigned.T @ Y) / len(Y), rtol=1e-5
    )
    assert statistics.loss == pytest.approx((distances.min(1) ** 2).mean(), rel=1e-12)


def test_box_k_means_superscripts(evidence):
    """A slip: the M step's result is labeled (i), but those are the means that the E step used.

    With (i) on both the box would say that every mean is already the average of its class.
    """
    used = SHARED.means                                   # mu^(i), in the E step
    assigned = kmeans.posterior(kmeans.Parameters(used), Y).probabilities
    averages = (assigned.T @ Y) / assigned.sum(0)[:, None]
    made = kmeans.maximize(kmeans.expected_statistics(kmeans.Parameters(used), Y)).means
    assert_only_as_printed(averages, made, used)          # mu^(i+1), not mu^(i)
    evidence("Box K-means", used=used[0], average=averages[0])
    for _ in range(100):
        used, made = made, kmeans.maximize(kmeans.expected_statistics(kmeans.Parameters(made), Y)).means
    np.testing.assert_array_equal(used, made)             # equal only at the end
