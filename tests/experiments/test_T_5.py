"""The experiments of chapters/91-time/T.5-multipliers.ipynb."""

import numpy as np
from experiments import hold
from scipy.optimize import minimize
from scipy.special import log_softmax

from pedagogy_lib.models.dynamical import hmm

FIRST, SHOWN = np.array([0.6, 0.4]), np.array([[0.8, 0.1], [0.2, 0.9]])
Y = np.array([0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0])


def lost(stay_dry, stay_wet):
    """By how many nats the best product of beliefs stays above minus the log likelihood."""
    A = np.array([[stay_dry, 1 - stay_wet], [1 - stay_dry, stay_wet]])

    def free_energy(numbers):
        log_q = log_softmax(numbers.reshape(-1, 2), axis=1)
        q = np.exp(log_q)
        joint = np.einsum("ti,ij,tj->", q[1:], np.log(A), q[:-1]) + q[0] @ np.log(FIRST)
        return (q * (log_q - np.log(SHOWN[Y]))).sum() - joint

    always = [np.tile(weather, len(Y)) for weather in ([3.0, 0.0], [0.0, 3.0])]
    starts = [*np.random.default_rng(0).normal(size=(6, 2 * len(Y))), *always]
    least = min(minimize(free_energy, start).fun for start in starts)
    return least + hmm.log_marginal(hmm.Parameters(FIRST, A, hmm.Symbols(SHOWN)), Y)


def test_T_5_e_mean_field():
    hold(
        "T.5-e", equal_columns=lost(0.6, 0.4), lesson=lost(0.8, 0.7), lasts=lost(0.9, 0.9), lasts_long=lost(0.99, 0.99)
    )
