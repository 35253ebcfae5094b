"""The experiments of chapters/09-reparameterizations/9.2b-guesses-that-bend.ipynb."""

import numpy as np
from experiments import hold
from scipy.special import logsumexp

from pedagogy_lib import data
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import flow_vae, vae

INK = (data.digits().values >= 8).astype(float)
ORDER = np.random.default_rng(0).permutation(len(INK))
TRAIN, TEST = INK[ORDER[:1500]], INK[ORDER[1500:1650]]
EDGE = np.linspace(-5, 5, 161)
GRID = np.stack(np.meshgrid(EDGE, EDGE), -1).reshape(-1, 2)


def learned(model, start, y, steps=3000, seed=1):
    method = optimization.Adam(optimization.cosine(0.003, steps))
    rng = np.random.default_rng(seed)
    return optimization.run(model, start, y, rng, method=method, batch_size=100, iterations=steps).params


class Reader:
    """Only the recognition network is learned; the emission is held."""

    def __init__(self, emission):
        self.emission = emission

    def value_and_gradient(self, recognition, y, rng):
        value, found = flow_vae.value_and_gradient(flow_vae.Parameters(recognition, self.emission, None), y, rng)
        return value, found.recognition


def gap(numbers, emission, y, rounds=100):
    """Minus the bound of these guesses, less the exact cost by a sum over a grid: nats per digit."""
    q, rng, total = flow_vae.guess(numbers, 2), np.random.default_rng(7), 0
    for _ in range(rounds):
        drawn = flow_vae.bend(q, rng.standard_normal((len(y), 2)))
        logits = networks.forward(emission, drawn.latents).output
        energy = (np.logaddexp(0, logits) - y * logits).sum(1) + 0.5 * (drawn.latents**2).sum(1) + np.log(2 * np.pi)
        total = total + energy + drawn.log_density
    eta = networks.forward(emission, GRID).output
    logs = y @ eta.T - np.logaddexp(0, eta).sum(1) - 0.5 * (GRID**2).sum(1) - np.log(2 * np.pi)
    exact = -logsumexp(logs, axis=1) - 2 * np.log(EDGE[1] - EDGE[0])
    return (total / rounds - exact).mean()


def test_9_2b_e_where_the_part_comes_from():
    start = vae.start(TRAIN, 2, (100, 50), networks.Tanh, outputs.Bernoulli, np.random.default_rng(1))
    params = learned(vae, start, TRAIN)

    def by_network(y):
        read = vae.recognize(params, y)
        return np.column_stack([read.means, np.log(read.deviations), np.zeros(len(y))])

    def with_fewer(n):
        fresh = flow_vae.start(TRAIN, 2, 0, (100, 50), networks.Tanh, outputs.Bernoulli, np.random.default_rng(2))
        recognition = learned(Reader(params.emission), fresh.recognition, TRAIN[:n], seed=2)
        return gap(networks.forward(recognition, TEST).output, params.emission, TEST)

    some = TRAIN[:150]
    best = optimization.run(
        flow_vae.Local(params.emission, None, 10, False),
        by_network(some),
        some,
        np.random.default_rng(1),
        method=optimization.Adam(optimization.cosine(0.03, 400)),
        iterations=400,
    ).params
    hold(
        "9.2b-e",
        train=gap(by_network(some), params.emission, some),
        family=gap(best, params.emission, some),
        test=gap(by_network(TEST), params.emission, TEST),
        with_300=with_fewer(300),
        with_600=with_fewer(600),
        with_1500=with_fewer(1500),
    )
