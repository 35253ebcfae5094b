"""The Gaussian mixture model, against SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.mixture import GaussianMixture

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gmm

PARAMS = gmm.Parameters(
    np.array([0.5, 0.2, 0.3]),
    np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 3.0]]),
    np.array([[[1.0, 0.3], [0.3, 0.6]], [[0.5, 0.0], [0.0, 1.5]], [[0.8, -0.4], [-0.4, 0.9]]]),
)
DRAW = gmm.sample(PARAMS, 600, np.random.default_rng(0))
Y = DRAW.observations


def scipy_joint(params, y):
    terms = [w * multivariate_normal(m, c).pdf(y) for w, m, c in zip(*params)]
    return np.stack(terms, 1)


def test_posterior_and_marginal_agree_with_scipy():
    joint = scipy_joint(PARAMS, Y)
    np.testing.assert_allclose(gmm.posterior(PARAMS, Y).probabilities, joint / joint.sum(1, keepdims=True), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(gmm.log_marginal(PARAMS, Y), np.log(joint.sum(1)), rtol=1e-11)
    assert not np.allclose(gmm.log_marginal(PARAMS._replace(weights=np.full(3, 1 / 3)), Y), np.log(joint.sum(1)))


def test_far_away_nothing_underflows():
    far = np.array([[1e4, -1e4]])
    np.testing.assert_allclose(gmm.posterior(PARAMS, far).probabilities.sum(1), 1.0)
    assert np.isfinite(gmm.log_marginal(PARAMS, far)).all()


def test_a_class_of_weight_zero_gets_nothing():
    params = PARAMS._replace(weights=np.array([0.7, 0.0, 0.3]))
    assert (gmm.posterior(params, Y).probabilities[:, 1] == 0).all()


def test_sample_has_the_moments_of_its_classes():
    draw = gmm.sample(PARAMS, 100_000, np.random.default_rng(1))
    for k in range(3):
        own = draw.observations[draw.classes == k]
        assert len(own) == pytest.approx(100_000 * PARAMS.weights[k], rel=0.03)
        np.testing.assert_allclose(own.mean(0), PARAMS.means[k], atol=0.03)
        np.testing.assert_allclose(np.cov(own.T), PARAMS.covariances[k], atol=0.03)
    assert not np.allclose(draw.observations.mean(0), PARAMS.means[0], atol=0.03)


def test_em_agrees_with_scikit_learn():
    start = PARAMS._replace(means=PARAMS.means + 0.5, covariances=np.stack([np.eye(2)] * 3))
    found = em.fit(gmm, start, Y, tolerance=1e-13, max_iterations=3000)
    peer = GaussianMixture(
        3, means_init=start.means, weights_init=start.weights, precisions_init=start.covariances,
        init_params="random_from_data", reg_covar=0.0, tol=1e-13, max_iter=3000,
    ).fit(Y)
    np.testing.assert_allclose(found.params.means, peer.means_, rtol=1e-4)
    np.testing.assert_allclose(found.params.covariances, peer.covariances_, rtol=1e-3, atol=1e-5)
    assert found.losses[-1] == pytest.approx(-peer.score(Y), rel=1e-9)
    assert not np.allclose(start.means, peer.means_, rtol=1e-2)


def test_observed_classes_give_lda_and_qda():
    statistics = gmm.observed_statistics(np.eye(3)[DRAW.classes], Y)
    assert np.isnan(statistics.loss)
    lda = LinearDiscriminantAnalysis(solver="lsqr", store_covariance=True).fit(Y, DRAW.classes)
    qda = QuadraticDiscriminantAnalysis().fit(Y, DRAW.classes)
    shared = gmm.maximize(statistics, gmm.Options(shared=True))
    np.testing.assert_allclose(shared.covariances[0], lda.covariance_, rtol=1e-10)
    np.testing.assert_allclose(gmm.posterior(shared, Y).probabilities, lda.predict_proba(Y), rtol=1e-6, atol=1e-12)
    own = gmm.maximize(statistics)
    agree = gmm.posterior(own, Y).probabilities.argmax(1) == qda.predict(Y)
    assert agree.mean() > 0.99                            # scikit-learn divides by N - 1
    assert not np.allclose(own.covariances[0], lda.covariance_, rtol=0.1)


def test_statistics_keep_the_digits_of_a_tight_class_far_from_the_origin():
    rng = np.random.default_rng(3)
    y = 1e8 + rng.normal(size=(200, 1))
    found = gmm.maximize(gmm.observed_statistics(np.ones((200, 1)), y))
    assert found.covariances[0, 0, 0] == pytest.approx(y.var(), rel=1e-6)
    raw = (y**2).mean() - y.mean() ** 2                   # the textbook's form loses them
    assert abs(raw - y.var()) > 0.1


@pytest.mark.parametrize("shared", [False, True])
def test_a_prior_on_the_covariance_is_a_penalized_likelihood(shared):
    scale, strength = np.array([[0.2, 0.05], [0.05, 0.1]]), 4.0
    options = gmm.Options(shared=shared, prior=(scale, strength))
    begin = PARAMS._replace(covariances=np.stack([PARAMS.covariances[0]] * 3)) if shared else PARAMS
    result = em.fit(gmm, begin, Y, options=options, tolerance=1e-10)
    assert result.converged

    def objective(params):
        data = -np.log(scipy_joint(params, Y).sum(1)).mean()
        own = params.covariances[:1] if shared else params.covariances
        prior = sum(np.trace(scale @ np.linalg.inv(c)) + np.log(np.linalg.det(c)) for c in own)
        return data + 0.5 * strength * prior / len(Y)

    best = objective(result.params)
    assert result.losses[-1] == pytest.approx(best, rel=1e-12)
    rng = np.random.default_rng(4)
    for _ in range(40):                                   # no small change does better
        bump = rng.normal(size=(1 if shared else 3, 2, 2)) * 1e-3
        nearby = result.params._replace(
            means=result.params.means + rng.normal(size=(3, 2)) * 1e-3,
            covariances=result.params.covariances + bump + np.swapaxes(bump, 1, 2),
        )
        assert objective(nearby) > best - 1e-9
    assert objective(begin) > best


def test_a_collapsing_class_is_an_error_and_the_prior_cures_it():
    y = np.concatenate([np.random.default_rng(5).normal(size=(30, 2)), [[9.0, 9.0]]])
    start = gmm.Parameters(np.full(2, 0.5), np.array([[0.0, 0.0], [9.0, 9.0]]), np.stack([np.eye(2)] * 2))
    with pytest.raises(ValueError, match="got a singular covariance in state 1; a prior would keep it open"):
        em.fit(gmm, start, y)
    cured = em.fit(gmm, start, y, options=gmm.Options(prior=(0.1 * np.eye(2), 1.0))).params
    assert np.linalg.eigvalsh(cured.covariances[1]).min() > 0.01


def test_free_energy_bounds_the_loss_from_above():
    loss = -gmm.log_marginal(PARAMS, Y).mean()
    assert gmm.free_energy(PARAMS, gmm.posterior(PARAMS, Y).probabilities, Y) == pytest.approx(loss, rel=1e-12)
    rng = np.random.default_rng(6)
    for _ in range(5):
        assert gmm.free_energy(PARAMS, rng.dirichlet(np.ones(3), len(Y)), Y) > loss
    one_hot = np.eye(3)[DRAW.classes]                     # zeros contribute nothing
    assert np.isfinite(gmm.free_energy(PARAMS, one_hot, Y))
    # Neither does a class that cannot be: 0 times minus infinity is 0 here.
    two = PARAMS._replace(weights=np.array([0.0, 0.4, 0.6]))
    without = gmm.Parameters(*(part[1:] for part in two))
    r = gmm.posterior(without, Y).probabilities
    assert gmm.free_energy(two, np.column_stack([np.zeros(len(Y)), r]), Y) == pytest.approx(gmm.free_energy(without, r, Y), rel=1e-12)


def test_arguments_are_not_changed():
    copies = [part.copy() for part in PARAMS]
    y = Y.copy()
    statistics = gmm.expected_statistics(PARAMS, Y)
    gmm.maximize(statistics)
    gmm.maximize(statistics, gmm.Options(shared=True))
    for before, after in zip(copies, PARAMS):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(y, Y)


BAD = [
    (PARAMS._replace(weights=np.array([0.8, 0.2])), r"params.means: expected shape \(2, D\), got \(3, 2\)"),
    (PARAMS._replace(weights=np.array([0.5, 0.2, 0.4])), "params.weights: expected the entries to sum to 1"),
    (PARAMS._replace(means=PARAMS.means.T), r"params.means: expected shape \(3, D\), got \(2, 3\)"),
    (PARAMS._replace(covariances=PARAMS.covariances[0]), r"params.covariances: expected shape \(3, 2, 2\)"),
    (PARAMS._replace(covariances=-PARAMS.covariances), r"params.covariances\[0\]: expected a positive definite"),
    (PARAMS._replace(covariances=PARAMS.covariances + np.triu(np.ones((2, 2)), 1)), "expected a symmetric matrix"),
    (PARAMS._replace(means=PARAMS.means * np.nan), "params.means: expected finite numbers"),
]


@pytest.mark.parametrize(("params", "message"), BAD)
@pytest.mark.parametrize(
    "function",
    [
        lambda p: gmm.posterior(p, np.zeros((4, 2))).probabilities,
        lambda p: gmm.log_marginal(p, np.zeros((4, 2))),
        lambda p: gmm.expected_statistics(p, np.zeros((4, 2))),
        lambda p: gmm.sample(p, 3, np.random.default_rng(0)),
        lambda p: gmm.linear_boundary(p, 0, 1),
        gmm.emission,
    ],
)
def test_bad_parameters_are_named(function, params, message):
    with pytest.raises(ValueError, match=message):
        function(params)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gmm.posterior(PARAMS, np.zeros(2)), r"y: expected shape \(N, 2\), got \(2,\)"),
        (lambda: gmm.posterior(PARAMS, np.zeros((2, 5))), "samples are rows: transpose it"),
        (lambda: gmm.posterior(PARAMS, [[0.0, np.nan]]), "y: expected finite numbers"),
        (lambda: gmm.sample(PARAMS, 3, 0), "rng: expected a numpy.random.Generator"),
        (lambda: gmm.observed_statistics(np.ones((4, 2)), np.zeros((4, 2))), "responsibilities: expected every row to sum"),
        (lambda: gmm.observed_statistics(np.ones((3, 1)), np.zeros((4, 2))), r"responsibilities: expected shape \(4, K\)"),
        (lambda: gmm.maximize(gmm.observed_statistics([[1, 0]], [[0.0]])), "expected data in every class, got none in class 1"),
        (lambda: gmm.free_energy(PARAMS, np.ones((4, 1)), np.zeros((4, 2))), r"responsibilities: expected shape \(4, 3\)"),
        (lambda: gmm.linear_boundary(PARAMS, 0, 1), "expected equal covariances"),
        (lambda: gmm.linear_boundary(PARAMS, 0, 3), "j: expected a class from 0 to 2, got 3"),
        (lambda: gmm.linear_boundary(PARAMS, 1, 1), "j: expected another class than k"),
        (lambda: gmm.expected_statistics(PARAMS, Y, gmm.Options(prior=(np.eye(3), 1.0))), r"prior\[0\]: expected shape \(2, 2\)"),
        (lambda: gmm.maximize(gmm.expected_statistics(PARAMS, Y), gmm.Options(prior=(np.eye(2), 0.0))), r"prior\[1\]: expected a number above 0"),
        (lambda: gmm.maximize(gmm.expected_statistics(PARAMS, Y), gmm.Options(prior=1.0)), "prior: expected a pair"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_two_operations_on_a_die_say_the_same():
    """`categorical` knows no Gaussians, and no pass over the data; another emission is refused by it."""
    source, emission = Categorical(PARAMS.weights), gmm.emission(PARAMS)
    found = gmm.posterior(PARAMS, Y)
    np.testing.assert_allclose(found.probabilities, categorical.invert(source, emission, Y).probabilities, rtol=1e-9, atol=1e-15)
    marginal = categorical.log_density(categorical.marginalize(source, emission), Y)
    np.testing.assert_allclose(found.log_marginals, marginal, rtol=1e-11)
    moved = emission._replace(means=emission.means + 0.1)
    assert not np.allclose(found.log_marginals, categorical.log_density(categorical.marginalize(source, moved), Y))


def test_em_from_the_start_finds_clumps_that_lie_apart():
    rng = np.random.default_rng(8)
    y = np.concatenate([rng.normal(size=(80, 2)), [20.0, 0.0] + rng.normal(size=(40, 2)), [0.0, 20.0] + rng.normal(size=(40, 2))])
    found = em.fit(gmm, gmm.start(y, 3, rng), y).params
    np.testing.assert_allclose(np.sort(found.weights), [0.25, 0.25, 0.5], atol=1e-6)
    assert np.abs(found.covariances - np.eye(2)).max() < 0.6


@pytest.mark.parametrize("k", [0, 9])
def test_a_start_that_cannot_be_is_refused(k):
    with pytest.raises(ValueError, match="k: expected"):
        gmm.start(np.arange(8.0).reshape(4, 2), k, np.random.default_rng(0))


def test_some_labels_stand_between_observed_and_expected_statistics():
    classes = DRAW.classes
    all_known = gmm.Labeled(classes).expected_statistics(PARAMS, Y)
    observed = gmm.observed_statistics(np.eye(3)[classes], Y)
    for ours, theirs in zip(all_known[:-1], observed[:-1]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert all_known.loss == pytest.approx(-np.log(scipy_joint(PARAMS, Y)[np.arange(600), classes]).mean(), rel=1e-11)
    none = gmm.Labeled(np.full(600, -1)).expected_statistics(PARAMS, Y)
    for ours, theirs in zip(none, gmm.expected_statistics(PARAMS, Y)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    some = np.where(np.arange(600) % 2, classes, -1)
    half = gmm.Labeled(some).expected_statistics(PARAMS, Y)
    joint = scipy_joint(PARAMS, Y)
    r = np.where((some >= 0)[:, None], np.eye(3)[classes], joint / joint.sum(1, keepdims=True))
    np.testing.assert_allclose(half.shares, r.mean(0), rtol=1e-9)
    assert not np.allclose(half.shares, none.shares, rtol=1e-3)
    logs = np.where(some >= 0, np.log(joint[np.arange(600), classes]), np.log(joint.sum(1)))
    assert half.loss == pytest.approx(-logs.mean(), rel=1e-11)


def test_a_few_labels_name_the_classes_and_help_where_they_overlap():
    near = PARAMS._replace(means=0.45 * PARAMS.means)
    drawn = gmm.sample(near, 900, np.random.default_rng(5))
    y, classes = drawn.observations, drawn.classes
    labels = np.where(np.arange(900) < 60, classes, -1)
    begin = gmm.maximize(gmm.observed_statistics(np.eye(3)[classes[:60]], y[:60]))
    found = em.fit(gmm.Labeled(labels), begin, y)
    assert found.converged
    assert (np.diff(found.losses) <= 1e-12).all()                       # no number rises
    fresh = gmm.sample(near, 20_000, np.random.default_rng(6))
    right = lambda params: (gmm.posterior(params, fresh.observations).probabilities.argmax(1) == fresh.classes).mean()
    best = right(near)
    assert right(found.params) > right(begin)                           # better than the sixty labels alone
    assert best - right(found.params) < 0.03
    exchanged = em.fit(gmm.Labeled(labels), begin._replace(means=begin.means[[1, 0, 2]]), y)
    assert right(exchanged.params) == pytest.approx(right(found.params), abs=0.02)      # labels hold the names
    without = em.fit(gmm, begin._replace(means=begin.means[[1, 0, 2]]), y, tolerance=1e-6)
    assert right(without.params) < best - 0.1


def test_observations_without_a_label_count_their_weight():
    some = np.where(np.arange(600) % 3, -1, DRAW.classes)
    known = some >= 0
    twice = np.concatenate([np.flatnonzero(known)] * 2 + [np.flatnonzero(~known)])       # a weight of one half
    plain = gmm.Labeled(some[twice]).expected_statistics(PARAMS, Y[twice])
    half = gmm.Labeled(some, 0.5).expected_statistics(PARAMS, Y)
    for ours, theirs in zip(half, plain):
        np.testing.assert_allclose(ours, theirs if ours is not half.size else theirs / 2, rtol=1e-11)
    assert half.size == known.sum() + 0.5 * (~known).sum()
    assert not np.allclose(half.shares, gmm.Labeled(some).expected_statistics(PARAMS, Y).shares, rtol=1e-3)
    alone = gmm.Labeled(some, 0.0).expected_statistics(PARAMS, Y)
    observed = gmm.observed_statistics(np.eye(3)[some[known]], Y[known])
    for ours, theirs in zip(alone[:-1], observed[:-1]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11)
    fitted = em.fit(gmm.Labeled(some, 0.2), PARAMS, Y)
    assert fitted.converged and (np.diff(fitted.losses) <= 1e-12).all()
    for weight in (-1, np.nan, "a"):
        with pytest.raises((ValueError, TypeError), match="weight"):
            gmm.Labeled(some, weight).expected_statistics(PARAMS, Y)
    with pytest.raises(ValueError, match="weight: expected more than 0"):
        gmm.Labeled(np.full(600, -1), 0.0).expected_statistics(PARAMS, Y)


@pytest.mark.parametrize("labels", [[0, 1], np.full(600, 3), np.full(600, -2), np.zeros(600), np.full(600, "a")])
def test_labels_that_are_none(labels):
    with pytest.raises(ValueError, match="labels: expected"):
        gmm.Labeled(labels).expected_statistics(PARAMS, Y)
