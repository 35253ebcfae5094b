"""The experiments of chapters/06-latent-variables/6-expectation-maximization.ipynb."""

import numpy as np
from experiments import hold
from scipy.special import softmax

from pedagogy_lib import data

BIRDS = data.penguins()
KEPT = BIRDS.classes != 2
FLIPPER, SPECIES = BIRDS.values[KEPT, 2], BIRDS.classes[KEPT]
SHARE = np.bincount(SPECIES) / len(SPECIES)
SPREAD = np.array([FLIPPER[k == SPECIES].std() for k in (0, 1)])


def learn(y, means):
    """Return the means after each round of EM, until they move by less than a millionth."""
    path = [means]
    while len(path) < 2 or np.abs(path[-1] - path[-2]).max() >= 1e-6:
        r = softmax(np.log(SHARE / SPREAD) - 0.5 * ((y[:, None] - path[-1]) / SPREAD) ** 2, axis=1)
        path.append(r.T @ y / r.sum(0))
    return np.array(path)


def hidden_share(y, truth, rng, repeats=300):
    known, hidden = [], []
    for _ in range(repeats):
        rows = rng.integers(len(y), size=len(y))
        known.append(y[rows][SPECIES[rows] == 1].mean())
        hidden.append(learn(y[rows], truth)[-1, 1])
    return 1 - np.var(known) / np.var(hidden)


def test_6_e_how_much_is_hidden():
    rng = np.random.default_rng(0)
    rounds, left, hidden = {}, {}, {}
    for added in (0, 5, 10, 15, 20):
        y = FLIPPER + added * (SPECIES == 1)
        truth = np.array([y[k == SPECIES].mean() for k in (0, 1)])
        path = learn(y, truth + (-3, 3))
        moves = np.linalg.norm(np.diff(path, axis=0), axis=1)
        rounds[added], left[added], hidden[added] = len(moves), moves[-1] / moves[-2], hidden_share(y, truth, rng)
    hold(
        "6-e",
        rounds_0=rounds[0],
        rounds_20=rounds[20],
        left_0=left[0],
        left_20=left[20],
        hidden_0=hidden[0],
        hidden_20=hidden[20],
        apart=max(abs(left[added] - hidden[added]) for added in left),
    )
