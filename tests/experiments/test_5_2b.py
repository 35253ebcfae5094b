"""The experiments of chapters/05-discriminative/5.2b-a-few-labels.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gmm

BIRDS = data.penguins()
Y, SPECIES = BIRDS.values[:, :2], BIRDS.classes
SHARED = gmm.Options(shared=True)


class HeldLoosely:
    """A named bird has its name with probability 0.9, before its bill is seen."""

    def __init__(self, labels):
        self.prior = np.ones((len(labels), 3))                # nothing is known of the others
        self.prior[labels >= 0] = 0.05
        self.prior[labels >= 0, labels[labels >= 0]] = 0.9

    def posterior(self, params, y):
        weighted = gmm.posterior(params, y).probabilities * self.prior
        return weighted / weighted.sum(1, keepdims=True), weighted.sum(1)

    def expected_statistics(self, params, y, options):
        r, total = self.posterior(params, y)
        loss = -(gmm.log_marginal(params, y) + np.log(total)).mean()
        return gmm.observed_statistics(r, y)._replace(loss=loss)

    maximize = staticmethod(gmm.maximize)


def means_of(labels):
    return np.array([Y[labels == k].mean(0) for k in range(3)])


def learn(model, labels):
    start = gmm.Parameters(np.full(3, 1 / 3), means_of(labels), np.tile(np.cov(Y.T) / 4, (3, 1, 1)))
    return em.fit(model, start, Y, options=SHARED).params


def test_5_2b_e_wrong_names():
    rows, recognized = [], []
    for seed in range(30):
        rng, labels = np.random.default_rng(seed), np.full(len(Y), -1)
        for k in range(3):
            labels[rng.permutation(np.flatnonzero(k == SPECIES))[:10]] = k
        three, mistaken = rng.choice(np.flatnonzero(labels >= 0), 3, replace=False), labels.copy()
        mistaken[three] = (labels[three] + rng.integers(1, 3, 3)) % 3
        row = []
        for names in (labels, mistaken):
            near = ((Y[:, None] - means_of(names)) ** 2).sum(-1).argmin(1)
            mixed = gmm.posterior(learn(gmm.Labeled(names), names), Y).probabilities.argmax(1)
            row += [100 * (guess != SPECIES)[labels < 0].mean() for guess in (near, mixed)]
        rows.append(row)
        loose = HeldLoosely(mistaken)
        r, _ = loose.posterior(learn(loose, mistaken), Y)
        recognized += list(r[three].argmax(1) == SPECIES[three])
    nearest, mixture, nearest_wrong, mixture_wrong = np.median(rows, 0)
    hold(
        "5.2b-e",
        nearest=nearest,
        nearest_wrong=nearest_wrong,
        mixture=mixture,
        mixture_wrong=mixture_wrong,
        farthest=max(row[2] - row[0] for row in rows),
        recognized=np.mean(recognized),
    )
