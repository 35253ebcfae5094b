"""The experiments of chapters/09-reparameterizations/9.1-one-density-two-readings.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions.sources import LOGISTIC, NORMAL, SECH
from pedagogy_lib.models.static import ica


def learn(y, source=LOGISTIC):
    return ica.fit(ica.Parameters(np.eye(1), np.zeros(1)), y, source=source).params


def lack(y, source, reach=60):
    """Minus the entropy of the answers, from the distances between those that are `reach` ranks apart."""
    z = np.sort(ica.squash(learn(y, source), y, source=source)[:, 0])
    i = np.arange(len(z))
    low, high = np.maximum(i - reach, 0), np.minimum(i + reach, len(z) - 1)
    return -np.log(len(z) * (z[high] - z[low]) / (high - low)).mean()


def test_9_1_e_a_better_curve():
    rng = np.random.default_rng(0)
    light = np.log(data.photographs() + rng.random((3, 256, 256)) + 4)
    blocks = light.reshape(3, 16, 16, 16, 16)
    contrast = blocks - blocks.mean((2, 4), keepdims=True)
    seen = np.broadcast_to(blocks.std((2, 4), keepdims=True) > 0.15, blocks.shape)
    contrasts = rng.permutation(contrast[seen])[:20_000, None]
    alone = [contrast[k][seen[k]][:, None] for k in range(3)]      # pagoda, trees, dahlia
    curves = [learn(y) for y in alone]
    costs = np.array([[ica.loss(curve, y) for y in alone] for curve in curves])
    more = costs - costs.diagonal()
    hold(
        "9.1-e",
        logistic=lack(contrasts, LOGISTIC),
        secant=lack(contrasts, SECH),
        gaussian=lack(contrasts, NORMAL),
        shared=max(more[0, 1], more[1, 0]),
        dahlia_on_pagoda=more[2, 0],
        dahlia_on_trees=more[2, 1],
    )
