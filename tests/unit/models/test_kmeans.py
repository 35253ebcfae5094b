"""K-means, against scikit-learn and brute force."""

from itertools import product

import numpy as np
import pytest
from sklearn.cluster import KMeans

from pedagogy_lib.learning import em
from pedagogy_lib.models.static import kmeans

RNG = np.random.default_rng(0)
Y = np.concatenate([RNG.normal(size=(50, 2)) + center for center in ([0, 0], [5, 0], [0, 6])])


def test_lloyd_agrees_with_scikit_learn():
    start = kmeans.start(Y, 3, np.random.default_rng(1))
    found = em.fit(kmeans, start, Y, tolerance=0.0)
    peer = KMeans(3, init=start.means, n_init=1, algorithm="lloyd", tol=0.0).fit(Y)
    np.testing.assert_allclose(found.params.means, peer.cluster_centers_, rtol=1e-12)
    assert found.losses[-1] * len(Y) == pytest.approx(peer.inertia_, rel=1e-12)
    assert not np.allclose(start.means, peer.cluster_centers_, rtol=1e-3)


def test_the_best_of_several_starts_is_the_best_partition():
    y = np.array([[0.0], [0.2], [1.0], [1.3], [5.0], [5.1], [9.0]])
    starts = [kmeans.start(y, 3, np.random.default_rng(seed)) for seed in range(10)]
    best, losses = em.fit_best(kmeans, starts, y, tolerance=0.0)
    every = []
    for labels in product(range(3), repeat=7):
        if len(set(labels)) == 3:
            groups = [y[np.array(labels) == k] for k in range(3)]
            every.append(sum(((g - g.mean(0)) ** 2).sum() for g in groups) / 7)
    assert best.losses[-1] == pytest.approx(min(every), rel=1e-12)
    assert len(losses) == 10
    assert min(losses) == best.losses[-1]


def test_distances_and_ties():
    params = kmeans.Parameters(np.array([[0.0], [2.0]]))
    np.testing.assert_array_equal(kmeans.squared_distances(params, [[1.0], [3.0]]), [[1, 1], [9, 1]])
    np.testing.assert_array_equal(kmeans.posterior(params, [[1.0], [3.0]]).probabilities, [[1, 0], [0, 1]])


def test_start_chooses_different_observations_and_prefers_far_ones():
    means = kmeans.start(Y, 3, np.random.default_rng(2)).means
    assert all((mean == Y).all(1).any() for mean in means)
    pair = np.array([[0.0], [0.0], [0.0], [7.0]])
    for seed in range(20):
        assert set(kmeans.start(pair, 2, np.random.default_rng(seed)).means.ravel()) == {0.0, 7.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kmeans.start(np.zeros((5, 2)), 2, np.random.default_rng(0)), "k: expected at most the number of different"),
        (lambda: kmeans.start(Y, 0, np.random.default_rng(0)), "k: expected a whole number"),
        (lambda: kmeans.start(Y, 2, 7), "rng: expected"),
        (lambda: kmeans.start(Y[0], 2, np.random.default_rng(0)), r"y: expected shape \(N, D\), got \(2,\)"),
        (lambda: kmeans.posterior(kmeans.Parameters(np.zeros(2)), Y), r"params.means: expected shape \(K, D\)"),
        (lambda: kmeans.posterior(kmeans.Parameters(np.zeros((2, 3))), Y), r"y: expected shape \(N, 3\)"),
        (lambda: kmeans.posterior(kmeans.Parameters(np.zeros((2, 2))), Y * np.nan), "y: expected finite numbers"),
        (
            lambda: kmeans.maximize(kmeans.expected_statistics(kmeans.Parameters(np.array([[0.0, 0], [99, 99]])), Y)),
            "expected data nearest to every mean, got none for mean 1; start again",
        ),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
