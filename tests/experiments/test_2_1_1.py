"""The experiments of chapters/02-directed/2.1.1-mixture-models.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.models.static import gmm


def test_2_1_1_g_how_many_birds_qda_needs():
    birds = data.penguins()
    truth = gmm.maximize(gmm.observed_statistics(np.eye(3)[birds.classes], birds.values))
    rng = np.random.default_rng(0)
    fresh = gmm.sample(truth, 20_000, rng)

    def error(params):
        guess = gmm.posterior(params, fresh.observations).probabilities.argmax(1)
        return np.mean(guess != fresh.classes)

    def errors(each, repeats=20):
        rows = []
        for _ in range(repeats):
            pairs = zip(truth.means, truth.covariances)
            y = np.concatenate([rng.multivariate_normal(mean, covariance, size=each) for mean, covariance in pairs])
            statistics = gmm.observed_statistics(np.repeat(np.eye(3), each, 0), y)
            qda = gmm.maximize(statistics)._replace(weights=truth.weights)
            pooled = np.broadcast_to(qda.covariances.mean(0), qda.covariances.shape)
            rows.append((error(qda._replace(covariances=pooled)), error(qda)))
        return np.mean(rows, 0)

    lda_5, qda_5 = errors(5)
    lda_20, qda_20 = errors(20)
    gain_50, gain_200 = (np.subtract(*errors(each)) for each in (50, 200))
    hold("2.1.1-g", lda_5=lda_5, qda_5=qda_5, lda_20=lda_20, qda_20=qda_20, gain_50=gain_50, gain_200=gain_200)
