"""The experiments of chapters/03-undirected/3.4-harmoniums-in-time.ipynb."""

from functools import partial
from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.exponential_family.layers import Poisson
from pedagogy_lib.models.undirected import recurrent

CENTERS = np.linspace(-0.3, 1.3, 20)
RULES = {
    "rtrbm": recurrent.divergence,
    "refh": partial(recurrent.refh_divergence, feedback="means"),
    "trbm": partial(recurrent.divergence, feedback="draws"),
}


def bounces(n, T, rng):
    """Places of balls between walls at 0 and 1, and the pulses of twenty cells."""
    path, place, speed = np.empty((n, T)), rng.random(n), rng.choice([-1, 1], n) * rng.uniform(0.05, 0.07, n)
    for t in range(T):
        path[:, t] = place
        place = place + speed
        speed = np.where((place < 0) | (place > 1), -speed, speed)
        place = np.where(place < 0, -place, np.where(place > 1, 2 - place, place))
    return path, rng.poisson(0.6 * np.exp(-(((path[..., None] - CENTERS) / 0.12) ** 2) / 2)).astype(float)


def error(params, path, y):
    """Root mean square of the place, after the first ten moments."""
    activity = np.exp(params.visible.biases + recurrent.filter(params, y).means @ params.weights)
    place = (activity @ CENTERS + 0.0005) / (activity.sum(-1) + 0.001)
    return np.sqrt(((place - path)[:, 10:] ** 2).mean())


def errors(rule, rate, steps, y, test, rng, every=250):
    """The error every 250 steps of learning."""
    begin = recurrent.start(y, 60, Poisson, rng)
    updates = recurrent.iterate(begin, y, rng, lambda k: rate * (1 - k / steps) + 0.002, RULES[rule], batch=10)
    return np.array([error(u.params, *test) for u in islice(updates, steps) if (u.iteration + 1) % every == 0])


def test_3_4_e_a_matter_of_the_rate():
    rng = np.random.default_rng(0)
    (_, y), test = bounces(60, 40, rng), bounces(60, 40, rng)
    short = {rule: errors(rule, 0.05, 2000, y, test, rng) for rule in RULES}
    long = {rule: errors(rule, 0.05, 4000, y, test, rng) for rule in ("rtrbm", "refh")}
    hold(
        "3.4-e",
        rtrbm=short["rtrbm"][-1],
        refh=short["refh"][-1],
        trbm=short["trbm"][-1],
        rtrbm_long=long["rtrbm"][-1],
        refh_long=long["refh"][-1],
        refh_rise=long["refh"][-1] - long["refh"].min(),
    )
