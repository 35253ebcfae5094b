"""The experiments of chapters/91-time/T.1-universal-differential-equations.ipynb."""

import numpy as np
from experiments import hold
from scipy.integrate import solve_ivp

from pedagogy_lib.dynamics import fields
from pedagogy_lib.learning import quasi_newton
from pedagogy_lib.learning.learned_motion import Known, Predation
from pedagogy_lib.models.dynamical import universal

YEARS = 33


def clearance(hares):
    return 0.6 / (1 + hares / 2.5)


def alone(x):
    hares = np.exp(np.asarray(x)[..., 0])
    return np.stack([0.8 * (1 - hares / 12), np.full_like(hares, -0.45)], -1)


def valley(t, x):
    hares, lynx = np.exp(x)
    return alone(x) + np.array([-lynx * clearance(hares), 0.5 * hares * clearance(hares)])


def learned(y):
    """The clearance as a network has it that was learned from these counts."""
    slope = lambda x: np.array([[-0.8 * np.exp(x[0]) / 12, 0], [0, 0]])
    terms = Known(fields.Field(alone, slope)), Predation.start((6,), np.random.default_rng(1), 0.3)
    start = universal.start(y[None], terms, universal.Clock(1.0, steps=2))
    return quasi_newton.fit(universal, start, y[None], iterations=150).params.terms[1].clearance


def test_T_1_e_where_learned_clearances_agree():
    times = np.arange(YEARS)
    truth = solve_ivp(valley, (0, YEARS - 1), np.log([3.0, 0.4]), t_eval=times, rtol=1e-8, atol=1e-8).y.T
    curves = [learned(truth + 0.1 * np.random.default_rng(seed).normal(size=(YEARS, 2))) for seed in range(1, 6)]
    counted = np.geomspace(2, 11, 40)
    at = np.array([curve(np.array([0.5, 5.0])) for curve in curves])
    hold(
        "T.1-e",
        off_counted=max(np.abs(curve(counted) - clearance(counted)).max() for curve in curves),
        range_half=np.ptp(at[:, 0]),
        range_5=np.ptp(at[:, 1]),
    )
