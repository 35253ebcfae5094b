"""The experiments of chapters/02-directed/2.2-dynamical-models.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.inference import recursions

CELLS = np.arange(24)
DOORS = np.isin(CELLS, [2, 3, 7, 13, 18, 19, 20])
START = Categorical(np.full(24, 1 / 24))
TRANSITION = Table(0.1 * np.eye(24) + 0.8 * np.roll(np.eye(24), 1, 0) + 0.1 * np.roll(np.eye(24), 2, 0))
EMISSION = Table(np.where(DOORS, [[0.07], [0.93]], [[0.93], [0.07]]))


def journey(rng, T=40):
    """The cells of one journey, and its reports."""
    path = (rng.integers(24) + np.concatenate([[0], np.cumsum(rng.choice(3, T - 1, p=[0.1, 0.8, 0.1]))])) % 24
    return path, (rng.random(T) < EMISSION.probabilities[1, path]).astype(int)


def trust(path, y, lags):
    """The probability of the true cell, averaged over the journey, for each lag."""
    events = recursions.filter(categorical, START, TRANSITION, EMISSION, y)
    filtered = [e.distribution for e in events if isinstance(e, recursions.MeasurementUpdate)]
    right = np.empty((len(path), len(lags)))
    for t in range(len(path)):
        for n, lag in enumerate(lags):
            window = filtered[t : t + lag + 1]  # the filter's beliefs from this step to the one waited for
            *_, last = recursions.smooth(categorical, window, TRANSITION)
            right[t, n] = last.distribution.probabilities[path[t]]
    return right


def test_2_2_f_how_long_to_wait():
    rng = np.random.default_rng(0)
    by_step = np.mean([trust(*journey(rng), (0, 3, 10, 20, 40)) for _ in range(100)], 0)
    filtered, three, ten, twenty, smoothed = by_step.mean(0)
    early, late = by_step[:20].mean(0), by_step[20:].mean(0)
    hold(
        "2.2-f",
        filtered=filtered,
        three=three,
        ten=ten,
        left_20=smoothed - twenty,
        early_10=early[2] - early[0],
        late_share=(late[1] - late[0]) / (late[4] - late[0]),
    )
