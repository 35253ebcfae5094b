"""The experiments of chapters/91-time/T.6-a-prior-that-knows-the-climate.ipynb."""

import numpy as np
from experiments import hold
from scipy.spatial import cKDTree

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics import fields, steppers

LAW = fields.lorenz63()


def long_run(rng, boxes=400, times=500):
    x = steppers.flow(LAW, rng.normal(size=(boxes, 3)) * 8 + [0, 0, 25], 0.05, 300)
    states = []
    for _ in range(times):
        x = steppers.flow(LAW, x, 0.1)
        states.append(x)
    return np.concatenate(states)


def test_T_6_e_reports_of_another_number_and_of_two_times():
    climate = long_run(np.random.default_rng(0))
    center, scale = climate.mean(0), climate.std(0)
    x, z = climate[:, 0], climate[:, 2]
    of = lambda event, report: np.average(event, weights=np.exp(-0.5 * (x - report) ** 2))

    see = AffineGaussian(np.eye(3)[:1], np.zeros(1), np.array([[1 / scale[0] ** 2]]))
    states = (climate - center) / scale
    easy = gaussian.invert(Gaussian(states.mean(0), np.cov(states.T)), see, [(8 - center[0]) / scale[0]])
    far, _ = cKDTree(states).query(gaussian.sample(easy, 2000, np.random.default_rng(0)))

    later = steppers.flow(LAW, climate[::4], 0.01, 50)
    heights, right = np.column_stack([z[::4], later[:, 2]]), x[::4] > 0
    shares = [np.average(right, weights=np.exp(-0.5 * ((heights - pair) ** 2).sum(1))) for pair in heights[100:130]]
    hold(
        "T.6-e",
        low=of(z < 24, 8),
        between=of((z > 22) & (z < 28), 8),
        low_14=of(z < 24, 14),
        strange_easy=np.mean(far > 0.3),
        right_wing=np.mean(shares),
        surest=max(max(share, 1 - share) for share in shares),
    )
