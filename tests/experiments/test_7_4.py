"""The experiments of chapters/07-invertible/7.4-lgssm-learning.ipynb."""

import numpy as np
from experiments import hold
from scipy.optimize import minimize

from pedagogy_lib import data
from pedagogy_lib.models.dynamical import lgssm

FLOW = data.nile().values[:, 1]


def river(step, noise):
    return lgssm.local_level(step, noise, initial_mean=1000.0, initial_variance=1e7)


def cost(logs):
    return float(-lgssm.log_marginal(river(*np.exp(logs)), FLOW[:, None]))


def one_round(step, noise):
    found = lgssm.posterior(river(step, noise), FLOW[:, None])
    x, P, both = found.means[:, 0], found.covariances[:, 0, 0], found.cross_covariances[:, 0, 0]
    return (np.diff(x) ** 2 + P[1:] + P[:-1] - 2 * both).mean(), ((FLOW - x) ** 2 + P).mean()


def passes_of_em(start, enough):
    variances, passes = start, 0
    while cost(np.log(variances)) > enough:
        variances, passes = one_round(*variances), passes + 2
    return passes


def passes_of_gradients(start, enough):
    costs = []

    def counted(logs):
        costs.append(cost(logs))
        return costs[-1]

    minimize(counted, np.log(start), method="L-BFGS-B")
    return int(np.argmax(np.array(costs) <= enough)) + 1


def test_7_4_e_em_or_gradients():
    enough = minimize(cost, np.log([1500.0, 15000.0]), method="Nelder-Mead", options={"fatol": 1e-9}).fun + 0.01
    found = {}
    for step in (10, 1000, 30000):
        found[f"em_{step}"] = passes_of_em((step, 15000), enough)
        found[f"gradient_{step}"] = passes_of_gradients((step, 15000), enough)
    first_round = cost(np.log((10, 15000))) - cost(np.log(one_round(10, 15000)))
    hold("7.4-e", first_round=first_round, **found)
