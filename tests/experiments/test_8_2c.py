"""The experiments of chapters/08-non-invertible/8.2c-discrete-latents.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import discrete_vae

INK = (data.digits().values >= 8).astype(float)
ORDER = np.random.default_rng(0).permutation(len(INK))
TRAIN, TEST = INK[ORDER[:1500]], INK[ORDER[1500:]]


class By:
    """The model with one of the two estimators."""

    def __init__(self, estimator):
        self.estimator = estimator

    def value_and_gradient(self, params, y, rng):
        softness = 0.3 if self.estimator == "gumbel-softmax" else 1.0      # the score function has none
        return discrete_vae.value_and_gradient(params, y, rng, softness, self.estimator)


def bound(estimator, dice=8, pictures=100, seeds=(1, 2)):
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        start = discrete_vae.start(TRAIN, dice, 4, (60,), networks.Tanh, outputs.Bernoulli, rng)
        method = optimization.Adam(optimization.cosine(0.01, 800))
        params = optimization.run(
            By(estimator), start, TRAIN, rng, method=method, batch_size=pictures, iterations=800
        ).params
        for draw in range(2):
            again = np.random.default_rng(draw)
            hard = discrete_vae.value_and_gradient(params, TEST, again, estimator="score function", draws=20)[0]
            found.append(hard)
    return np.mean(found)


def test_8_2c_e_many_dice():
    path, score = "gumbel-softmax", "score function"
    hold(
        "8.2c-e",
        path=bound(path),
        score=bound(score),
        ten_pictures=bound(score, pictures=10) - bound(path, pictures=10),
        many_dice=bound(score, dice=24, seeds=(1,)) - bound(path, dice=24, seeds=(1,)),
    )
