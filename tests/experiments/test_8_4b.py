"""The experiments of chapters/08-non-invertible/8.4b-black-box.ipynb."""

import numpy as np
from experiments import hold
from scipy.special import expit

from pedagogy_lib import data
from pedagogy_lib.inference.variational import black_box, transforms
from pedagogy_lib.learning import optimization

PENGUINS = data.penguins()
KEPT = PENGUINS.classes < 2
MEASURED = np.column_stack([PENGUINS.values[KEPT, 0], PENGUINS.classes[KEPT]])


def log_prior(x):
    away = (x[:, 0] - 44) / 5
    return -0.5 * away**2 - x[:, 1], np.stack([-away / 5, -np.ones_like(away)], 1)


def log_likelihood(x, y):
    boundary, steepness = x.T[:, :, None]
    away = y[:, 0] - boundary
    logit = steepness * away
    left = y[:, 1] - expit(logit)
    values = (y[:, 1] * logit - np.logaddexp(0, logit)).sum(1)
    return values, np.stack([(-left * steepness).sum(1), (left * away).sum(1)], 1)


TARGET = black_box.Target(log_prior, log_likelihood, (transforms.Real(), transforms.Positive()))


def effective_share(y, steps=800):
    guess = black_box.Guess(TARGET, len(y), full=True)
    method = optimization.Adam(optimization.cosine(0.05, steps))
    start = guess.start((44.0, 1.0), 0.3)
    learned = optimization.run(guess, start, y, np.random.default_rng(0), method=method, iterations=steps).params
    return guess.importance(learned, y, 20_000, np.random.default_rng(1))


def test_8_4b_e_how_much_data():
    orders = [np.random.default_rng(seed).permutation(len(MEASURED)) for seed in range(5)]
    shares = {n: [effective_share(MEASURED[order[:n]]) for order in orders] for n in (3, 6, 12)}
    hold(
        "8.4b-e",
        all_of_them=effective_share(MEASURED),
        lowest=min(min(found) for found in shares.values()),
        highest=max(max(found) for found in shares.values()),
        middle_3=np.median(shares[3]),
        middle_12=np.median(shares[12]),
    )
