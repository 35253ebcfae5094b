"""The experiments of chapters/08-non-invertible/8.1-sparse-coding-by-em.ipynb."""

import numpy as np
from experiments import hold
from scipy.optimize import minimize

from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.models.static import gaussian_codes

BEGUN = gaussian_codes.Parameters(np.eye(2), 20.0, Laplace(1.0))


def learn(params, y):
    """Descend the free energy in the dictionary, the E step done at each trial."""
    last = [None]

    def loss(entries):
        trial = params._replace(dictionary=entries.reshape(2, 2))
        last[0] = q = gaussian_codes.posterior(trial, y, gaussian_codes.Options(tolerance=1e-7), begin=last[0])
        scatter = q.covariances.mean(0) + q.means.T @ q.means / len(y)
        slope = params.precision * (trial.dictionary @ scatter - y.T @ q.means / len(y))
        return gaussian_codes.free_energy(trial, q, y).mean(), slope.ravel()

    end = minimize(loss, params.dictionary.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return end.x.reshape(2, 2), end.fun


def test_8_1_e_arms_that_approach():
    errors, below = {}, []
    for other in (80, 50, 30):
        arms = np.deg2rad([20, other])
        truth = BEGUN._replace(dictionary=np.array([np.cos(arms), np.sin(arms)]))
        for n in (50, 150):
            found = []
            for seed in range(1, 5):
                y = gaussian_codes.sample(truth, n, np.random.default_rng(seed)).observations
                dictionary, cost = learn(BEGUN, y)
                directions = np.sort((np.rad2deg(np.arctan2(dictionary[1], dictionary[0])) + 90) % 180 - 90)
                found.append(np.abs(directions - [20, other]).max())
                below.append(cost < gaussian_codes.free_energy(truth, gaussian_codes.posterior(truth, y), y).mean())
            errors[other, n] = np.mean(found)
    hold(
        "8.1-e",
        apart_50=errors[80, 50],
        close_50=errors[30, 50],
        apart_150=errors[80, 150],
        close_150=errors[30, 150],
        below=np.mean(below),
    )
