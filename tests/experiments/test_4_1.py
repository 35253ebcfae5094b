"""The experiments of chapters/04-learning/4.1-learning-as-optimization.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data

GEYSER = data.old_faithful().values
TARGET = (GEYSER[:, 1] - 71) / 14
POWERS = np.vander((GEYSER[:, 0] - 3.35) / 1.75, 13, increasing=True)
PENALTIES = np.geomspace(1e-4, 1, 81)


def loss(coefficients, which):
    return 0.5 * ((TARGET[which] - POWERS[which] @ coefficients) ** 2).mean()


def descended(shown, steps, rate=0.7):
    """The coefficients after each step of gradient descent from zero."""
    H, pull = POWERS[shown].T @ POWERS[shown] / shown.sum(), POWERS[shown].T @ TARGET[shown] / shown.sum()
    path = [np.zeros(13)]
    for _ in range(steps):
        path.append(path[-1] - rate * (H @ path[-1] - pull))
    return np.array(path)


def penalized(shown, penalty):
    F, free = POWERS[shown], np.diag([0.0] + 12 * [1.0])
    return np.linalg.solve(F.T @ F / len(F) + penalty * free, F.T @ TARGET[shown] / len(F))


def compared(shown, steps):
    """Losses on the hidden eruptions at each step, the best step and the best penalty, and the coefficients of both."""
    path = descended(shown, steps)
    hidden = np.array([loss(c, ~shown) for c in path])
    fits = [penalized(shown, p) for p in PENALTIES]
    best, chosen = hidden.argmin(), np.argmin([loss(c, ~shown) for c in fits])
    return hidden, best, PENALTIES[chosen], path[best], fits[chosen]


def test_4_1_f_early_stopping():
    N = len(TARGET)
    shown = np.random.default_rng(14).permutation(N) < 15  # the page's fifteen eruptions
    hidden, best, penalty, stopped, ridge = compared(shown, 10_000)
    ratios = []
    for seed in range(8):
        other = np.random.default_rng(seed).permutation(N) < 15
        its_hidden, _, _, _, its_ridge = compared(other, 2000)
        ratios.append(its_hidden.min() / loss(its_ridge, ~other))
    hold(
        "4.1-f",
        best=best,
        lowest=hidden[best],
        after_1000=hidden[1000],
        after_10000=hidden[10_000],
        penalty=penalty,
        product=0.7 * best * penalty,
        ridge=loss(ridge, ~shown),
        alike=np.corrcoef(stopped, ridge)[0, 1],
        others=np.median(ratios),
    )
