"""The experiments of chapters/03-undirected/3.3-the-helmholtz-machine.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.models.undirected import helmholtz
from pedagogy_lib.models.undirected.helmholtz import Arrow


def machine(weights, offset, log_odds):
    """Three lamps that hang on two causes alike, and recognition by fair coins."""
    upward = Arrow(np.zeros((2, 3)), Bernoulli(np.zeros(2)))
    downward = Arrow(np.tile(weights, (3, 1)), Bernoulli(np.full(3, offset)))
    return helmholtz.Parameters((upward,), (downward,), Bernoulli(np.array(log_odds)))


def from_the_truth(truth, nights, rng):
    """Wake-sleep that begins at the truth: cost and slack after 500 and 8,000 steps, and where it ends."""
    found = []
    for update in islice(helmholtz.wake_sleep(truth, nights, rng, 0.2, batch=200), 8000):
        if update.iteration + 1 in (500, 8000):
            found.append(helmholtz.terms(update.params, nights))
    return *found, update.params


def test_3_3_e_weak_lamps():
    rng = np.random.default_rng(0)
    weak = machine([4.0, 4.0], -2.0, [-1.0, -1.0])
    nights = helmholtz.sample(weak, 2000, rng).observations
    true = helmholtz.terms(weak, nights).cost
    early, late, params = from_the_truth(weak, nights, rng)
    idle, busy = sorted(np.abs(params.downward[0].weights).mean(0))

    strong = machine([8.0, 8.0], -4.0, [-2.0, -2.0])
    many = helmholtz.sample(strong, 2000, rng).observations
    strong_true = helmholtz.terms(strong, many).cost
    either = 1 - (1 / (1 + np.exp(-2))) ** 2  # the probability of one cause or the other
    single = helmholtz.terms(machine([8.0, 0.0], -4.0, [np.log(either / (1 - either)), 0.0]), many).cost
    hold(
        "3.3-e",
        true=true,
        rise=early.cost - true,
        back=late.cost - true,
        slack=late.slack,
        idle=idle,
        busy=busy,
        strong=from_the_truth(strong, many, rng)[1].cost - strong_true,
        single=single - strong_true,
    )
