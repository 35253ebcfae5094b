"""The experiments of chapters/91-time/T.2-normalizing-kalman-filter.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.learning.bijections import Mixing, Radial
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.dynamical import normalizing_kalman as nkf

N = 350


def channel(mean=0.0, variance=1.0):
    """A tide that turns in 12.4 hours and slowly forgets."""
    c, s = 0.98 * np.cos(2 * np.pi / 12.4), 0.98 * np.sin(2 * np.pi / 12.4)
    return lgssm.Parameters(
        Gaussian(np.zeros(2), 2 * variance * np.eye(2)),
        AffineGaussian(np.array([[c, -s], [s, c]]), np.zeros(2), 0.08 * variance * np.eye(2)),
        AffineGaussian(np.array([[1.0, 0.0]]), np.array([mean]), 0.06 * variance * np.eye(1)),
    )


def cost(params, y):
    return -nkf.filter(params, y).log_likelihoods[N:].mean()


def gain(y):
    """By how many nats a reading the learned scale is the cheaper, on readings that were not learned from."""
    model = channel(y[:N].mean(), y[:N].var())
    for _ in range(60):
        model = lgssm.maximize(lgssm.expected_statistics(model, y[:N]))
    straight = nkf.start(y[:N], (Mixing(np.eye(1), np.zeros(1)),), model)
    layers = (Radial.start(1, (), np.random.default_rng(k), np.dtype(float)) for k in range(6))
    first = nkf.start(y[:N], (Mixing(np.eye(1) / y[:N].std(), y[:N].mean(0)), *layers), channel())
    *_, last = islice(nkf.iterate(nkf.refit(first, y[:N], 20), y[:N]), 12)
    return cost(straight, y) - cost(last.params, y)


def test_T_2_e_noise_behind_the_bend():
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = 100 / (1 + np.exp(-1.6 * lgssm.sample(channel(), 500, rng).observations))
        gains.append((gain(y), gain(y + 5 * rng.normal(size=y.shape))))
    before, behind = np.mean(gains, axis=0)
    hold("T.2-e", gain=before, gain_behind=behind)
