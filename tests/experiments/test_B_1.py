"""The experiments of chapters/95-appendices/B.1-matrix-calculus.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import optimization


def test_B_1_e_the_damage_of_a_bad_step():
    birds = data.penguins()
    bills = birds.values[birds.classes == 2][:, :2]
    covariance = np.cov(bills.T, bias=True)
    precision = np.linalg.inv(covariance)

    def loss(w):
        W = w.reshape(2, 2)
        return 0.5 * np.trace(W @ covariance @ W.T) - np.linalg.slogdet(W)[1]

    def off(h):
        quotient = lambda w: np.array([(loss(w + h * e) - loss(w)) / h for e in np.eye(4)])
        walk = optimization.gradient_descent(loss, quotient, 0.25 * np.eye(2).ravel(), rate=0.05)
        *_, last = islice(walk, 401)
        W = last.params.reshape(2, 2)
        return np.linalg.norm(W.T @ W - precision) / np.linalg.norm(precision)

    hold("B.1-e", off_1=off(1e-1), off_8=off(1e-8), off_13=off(1e-13), off_15=off(1e-15))
