"""The experiments of chapters/05-discriminative/5.1.2-generalized-linear-models.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import generalized

BIRDS = data.penguins()
TWO = BIRDS.classes < 2
BILL, KIND = BIRDS.values[TWO, 0], BIRDS.classes[TWO].astype(float)


def lda(y, x):
    """Slope and boundary by Bayes: two bells of one variance."""
    means = [y[x == k].mean() for k in (0, 1)]
    variance = np.mean((y - np.where(x == 1, means[1], means[0])) ** 2)
    slope = (means[1] - means[0]) / variance
    return slope, sum(means) / 2 - np.log(x.mean() / (1 - x.mean())) / slope


def curve(y, x, link):
    """Slope and boundary of a curve."""
    fit = generalized.fit(y[:, None], x, families.Bernoulli(), link)
    return fit.coefficients[0], -fit.intercept / fit.coefficients[0]


def all_three(y, x):
    return np.array([lda(y, x), curve(y, x, "logit"), curve(y, x, "probit")])


def test_5_1_2_e_one_odd_bird():
    sure = np.flatnonzero(KIND == 1)[BILL[KIND == 1].argmax()]
    mislabeled, long = KIND.copy(), BILL.copy()
    mislabeled[sure], long[sure] = 0, 100.0
    before, label, bill = all_three(BILL, KIND), all_three(BILL, mislabeled), all_three(long, KIND)
    flatter, narrower = 1 - label[:, 0] / before[:, 0], 1 - bill[:, 0] / before[:, 0]
    hold(
        "5.1.2-e",
        lda_flatter=flatter[0],
        logit_flatter=flatter[1],
        probit_flatter=flatter[2],
        lda_narrower=narrower[0],
        lda_boundary=bill[0, 1] - before[0, 1],
        others=np.abs(bill[1:] / before[1:] - 1).max(),
    )
