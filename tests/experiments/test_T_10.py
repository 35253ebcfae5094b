"""The experiments of chapters/91-time/T.10-a-law-learned-under-noise.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.learning import optimization
from pedagogy_lib.models.dynamical import deep_markov

PLACES = np.linspace(-1.6, 1.6, 33)


def step(x, rng):
    """Down the slope of two wells, at -1 and 1, with kicks."""
    for _ in range(5):
        x = x + 0.16 * (x - x**3) + 0.6 * np.sqrt(0.08) * rng.standard_normal(x.shape)
    return x


def records(n, error, seed):
    rng = np.random.default_rng(seed)
    states = [rng.choice([-1.0, 1.0], n) + 0.3 * rng.standard_normal(n)]
    for _ in range(39):
        states.append(step(states[-1], rng))
    states = np.array(states).T
    return (states + error * rng.standard_normal(states.shape))[..., None]


def learned(y):
    """The law, as the mean step in the units of the readings, and the size of the errors."""
    begin = deep_markov.start(y, 1, (16,), 8, 2.0, np.random.default_rng(1))
    method = optimization.Adam(optimization.cosine(0.02, 1200))
    rng, batch = np.random.default_rng(2), min(32, len(y))
    p = optimization.run(deep_markov, begin, y, rng, batch_size=batch, iterations=1200, method=method).params
    c, b = p.emission[0].weights[0, 0], p.emission[0].biases[0]
    x = ((PLACES - b) / c)[:, None]
    return c * (deep_markov.advance(p, x) - x)[:, 0], np.exp(p.log_noise[0] / 2)


def pulls(law):
    """The strongest step into either well from between them."""
    return -law[(PLACES > -1) & (PLACES < 0)].min(), law[(PLACES > 0) & (PLACES < 1)].max()


def wells(law):
    return PLACES[:-1][(law[:-1] > 0) & (law[1:] <= 0)]


def test_T_10_e_fewer_records_and_noisier_ones():
    law, _ = learned(records(200, 0.35, 0))
    few = [learned(records(200, 0.35, seed)[:10])[0] for seed in (0, 1)]
    noisy, error = learned(records(200, 0.7, 0))
    of_few = [pull for each in few for pull in pulls(each)]
    hold(
        "T.10-e",
        pull_least=min(pulls(law)),
        pulls_apart_10=max(of_few) - min(of_few),
        wells_off_10=max(np.abs(wells(each) - [-1, 1]).max() for each in few),
        error_07=error,
        flatter=noisy @ law / (law @ law),
    )
