"""The experiments of chapters/08-non-invertible/8.2a-variational-autoencoders.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import vae

INK = (data.digits().values >= 8).astype(float)
ORDER = np.random.default_rng(0).permutation(len(INK))
TRAIN, TEST = INK[ORDER[:1500]], INK[ORDER[1500:]]


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def value_and_gradient(self, params, y, rng):
        return vae.value_and_gradient(params, y, rng, weight=self.weight)


def learn(start, weight, steps, rng):
    method = optimization.Adam(optimization.cosine(0.003, steps))
    return optimization.run(
        Weighted(weight), start, TRAIN, rng, method=method, batch_size=100, iterations=steps
    ).params


def in_use(params):
    guess = vae.recognize(params, TEST)
    price = (0.5 * (guess.means**2 + guess.deviations**2 - 1) - np.log(guess.deviations)).mean(0)
    return (price > 0.05).sum()


def cost(params, draws):
    rng = np.random.default_rng(5)
    return -np.mean([vae.log_marginal(params, TEST, rng, draws).mean() for _ in range(20 if draws == 1 else 1)])


def test_8_2a_e_warming_up():
    rng = np.random.default_rng(1)
    start = vae.start(TRAIN, 10, (100, 50), networks.Tanh, outputs.Bernoulli, rng)
    cold = learn(start, 1.0, 3000, rng)
    first = learn(start, 0.1, 1000, rng)
    warm = learn(first, 1.0, 2000, rng)
    hold(
        "8.2a-e",
        cold=in_use(cold),
        first_stage=in_use(first),
        warm=in_use(warm),
        cold_bound=cost(cold, 1),
        worse=cost(warm, 1) - cost(cold, 1),
        better=cost(cold, 200) - cost(warm, 200),
    )
