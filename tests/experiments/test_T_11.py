"""The experiments of chapters/91-time/T.11-half-a-circle-unseen.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics import fields, steppers

PLACES, ERROR, LAW = 6, 0.5, fields.lorenz96(6, 8.0)


def long_run(circles, times, rng):
    x = steppers.flow(LAW, 2.5 + 3 * rng.standard_normal((circles, PLACES)), 0.05, 400)
    states = []
    for _ in range(times):
        x = steppers.flow(LAW, x, 0.05, 4)
        states.append(x)
    return np.concatenate(states)


def test_T_11_e_which_places_report():
    states = long_run(2000, 50, np.random.default_rng(0))
    climate = np.concatenate([np.roll(states, k, axis=1) for k in range(PLACES)])
    background = Gaussian(climate.mean(0), np.cov(climate.T))
    truths, rng = long_run(80, 1, np.random.default_rng(9)), np.random.default_rng(11)

    def both(*seen):
        """Error of the Gaussian and spread of counting, root mean squares over the unseen places."""
        seen, unseen = list(seen), [k for k in range(PLACES) if k not in seen]
        see = AffineGaussian(np.eye(PLACES)[seen], np.zeros(len(seen)), ERROR**2 * np.eye(len(seen)))
        misses, variances = [], []
        for truth in truths:
            y = truth[seen] + ERROR * rng.standard_normal(len(seen))
            misses.append((gaussian.invert(background, see, y).mean - truth)[unseen])
            near = climate[np.abs(climate[:, seen[0]] - y[0]) < 5 * ERROR]
            w = np.exp(-0.5 * ((near[:, seen] - y) ** 2).sum(1) / ERROR**2)
            mean = np.average(near[:, unseen], axis=0, weights=w)
            variances.append(np.average((near[:, unseen] - mean) ** 2, axis=0, weights=w))
        return np.sqrt(np.mean(np.square(misses))), np.sqrt(np.mean(variances))

    (gauss_135, counting_135), (gauss_3, counting_3), (gauss_4, counting_4) = (
        both(0, 2, 4),
        both(0, 1, 2),
        both(0, 1, 2, 3),
    )
    hold(
        "T.11-e",
        gauss_135=gauss_135,
        counting_135=counting_135,
        gauss_4=gauss_4,
        counting_4=counting_4,
        ratio_3=counting_3 / gauss_3,
    )
