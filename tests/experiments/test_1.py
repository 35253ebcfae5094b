"""The experiments of chapters/01-introduction/1-notation.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gmm


def test_1_f_sample_averages():
    birds = data.penguins()
    fitted = gmm.maximize(gmm.observed_statistics(np.eye(3)[birds.classes], birds.values[:, :2]))
    rng = np.random.default_rng(0)

    def draw(n):
        return gmm.sample(fitted, n, rng).observations

    spread = {n: np.std([gmm.log_marginal(fitted, draw(n)).mean() for _ in range(500)]) for n in (10, 1000)}
    above = {}
    for n, repeats in ((100, 200), (1000, 50)):
        samples = [draw(n) for _ in range(repeats)]
        learned = [em.fit(gmm, fitted, y).params for y in samples]
        gains = [gmm.log_marginal(own, y) - gmm.log_marginal(fitted, y) for own, y in zip(learned, samples)]
        above[n] = np.mean(gains, axis=1)
    hold(
        "1-f",
        narrower=spread[10] / spread[1000],
        above_100=above[100].mean(),
        above_1000=above[1000].mean(),
        never_below=np.mean(np.concatenate(list(above.values())) < 0),
    )
