"""The experiments of chapters/02-directed/2.2.1-hidden-markov-model.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.models.dynamical import hmm

A = np.array([[0.94, 0.04, 0.00], [0.03, 0.91, 0.19], [0.03, 0.05, 0.81]])
EARTH = hmm.Parameters(np.full(3, 1 / 3), A, hmm.Poissons(np.array([[13.1], [19.7], [29.7]])))


def contest(years, rng, n):
    """Wrong years and wholly right sequences, a row for the best path and one for the best states."""
    scores = []
    for _ in range(n):
        drawn = hmm.sample(EARTH, years, rng)
        path = hmm.most_probable_path(EARTH, drawn.observations).states
        each = hmm.posterior(EARTH, drawn.observations).probabilities.argmax(1)
        scores.append([((guess != drawn.states).mean(), (guess == drawn.states).all()) for guess in (path, each)])
    return np.mean(scores, 0)


def test_2_2_1_e_path_or_states():
    rng = np.random.default_rng(0)
    (wrong_50, whole_50), (wrong_50_each, whole_50_each) = contest(50, rng, 4000)
    (wrong_10, whole_10), (wrong_10_each, whole_10_each) = contest(10, rng, 4000)
    hold(
        "2.2.1-e",
        wrong_50=wrong_50_each,
        fewer_50=wrong_50 - wrong_50_each,
        whole_50=whole_50,
        more_50=whole_50 - whole_50_each,
        wrong_10=wrong_10_each,
        fewer_10=wrong_10 - wrong_10_each,
        whole_10=whole_10,
        more_10=whole_10 - whole_10_each,
    )
