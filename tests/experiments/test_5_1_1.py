"""The experiments of chapters/05-discriminative/5.1.1-linear-regression.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning.regression import crossvalidation, linear

BIRDS = data.penguins()
CHINSTRAPS = BIRDS.values[BIRDS.classes == 1]
INPUTS, MASS = CHINSTRAPS[:, :3] / CHINSTRAPS[:, :3].std(0), CHINSTRAPS[:, 3:]
PENALTIES = np.geomspace(0.01, 1000, 21)


def trials(size, rng, fixed=None, repeats=200):
    """Errors (g) on the other birds of least squares and of the prior, and the penalty, for each draw of birds."""
    found = []
    for _ in range(repeats):
        order = rng.permutation(len(MASS))
        seen, others = order[:size], order[size:]
        penalty = fixed
        if fixed is None:
            penalty = PENALTIES[crossvalidation.leave_one_out(INPUTS[seen], MASS[seen], PENALTIES).errors.argmin()]
        fits = linear.least_squares(INPUTS[seen], MASS[seen]), linear.ridge(INPUTS[seen], MASS[seen], 1 / penalty)
        off = [np.sqrt(np.mean((linear.predict(fit, INPUTS[others]) - MASS[others]) ** 2)) for fit in fits]
        found.append((*off, penalty))
    return np.array(found)


def test_5_1_1_e_when_a_prior_helps():
    rng = np.random.default_rng(0)
    by_size = {size: trials(size, rng) for size in (6, 40)}
    chosen = np.median(by_size[6][:, 2])
    fixed_6, fixed_40 = trials(6, rng, chosen), trials(40, rng, chosen)
    hold(
        "5.1.1-e",
        plain_6=np.median(by_size[6][:, 0]),
        prior_6=np.median(by_size[6][:, 1]),
        wild_6=np.mean(by_size[6][:, 0] > 2 * MASS.std()),
        plain_40=by_size[40][:, 0].mean(),
        gain_40=np.mean(by_size[40][:, 0] - by_size[40][:, 1]),
        penalty_6=chosen,
        penalty_40=np.median(by_size[40][:, 2]),
        scatter=np.quantile(by_size[6][:, 2], 0.9) / np.quantile(by_size[6][:, 2], 0.1),
        fixed_6=np.median(fixed_6[:, 1]),
        fixed_gain_40=np.mean(fixed_40[:, 0] - fixed_40[:, 1]),
    )
