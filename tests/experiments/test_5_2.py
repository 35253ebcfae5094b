"""The experiments of chapters/05-discriminative/5.2-infomax-and-independent-components.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import unmixing
from pedagogy_lib.models.static import ica

MIXING = np.array([[0.7, 0.3], [0.4, 0.6]])


def test_5_2_e_unmix_pictures():
    scenes = data.photographs().astype(float)
    distances, information, kurtosis, peaked = [], [], [], []
    for pair in ((0, 1), (0, 2), (1, 2)):
        flat = scenes[list(pair)].reshape(2, -1).T
        flat = flat - flat.mean(0)
        steps = np.diff(scenes[list(pair)], axis=2).reshape(2, -1).T
        y, changes = flat @ MIXING.T, steps @ MIXING.T
        begin = ica.start(y, np.random.default_rng(0))
        found = (
            ica.fit(begin, y).params,
            ica.fit_adapted(begin, y)[0].params,
            ica.fit(ica.start(changes, np.random.default_rng(0)), changes).params,
        )
        distances.append([unmixing.amari_distance(params.unmixing @ MIXING) for params in found])
        information.append(unmixing.mutual_information(flat)[0, 1])
        kurtosis.append(unmixing.kurtosis(flat).max())
        peaked.append(unmixing.kurtosis(steps).min())
    logistic, adapted, differences = np.transpose(distances)
    hold(
        "5.2-e",
        logistic=logistic.mean(),
        adapted=adapted.mean(),
        differences=differences.max(),
        kurtosis=max(kurtosis),
        peaked=min(peaked),
        information=np.mean(information),
    )
