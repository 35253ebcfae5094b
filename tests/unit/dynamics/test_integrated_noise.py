"""Motions driven by white noise, against matrix exponentials and quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics.integrated_noise import integrated_noise
from pedagogy_lib.models.dynamical import lgssm


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("interval", [0.3, 2.0])
def test_integrated_noise_agrees_with_quadrature(order, interval):
    A, Q = integrated_noise(order, interval)
    N, b = np.eye(order, k=1), np.eye(order)[-1]
    np.testing.assert_allclose(A, expm(N * interval), rtol=1e-12, atol=1e-15)
    for i in range(order):
        for j in range(order):
            exact = quad(lambda s: (expm(N * s) @ b)[i] * (expm(N * s) @ b)[j], 0, interval)[0]  # noqa: B023
            assert Q[i, j] == pytest.approx(exact, rel=1e-9)
    # two steps of half the length are one step: what a lump of noise at the end of a step would break
    half, noise = integrated_noise(order, interval / 2)
    np.testing.assert_allclose(half @ noise @ half.T + noise, Q, rtol=1e-12)
    lump = interval * np.outer(b, b)
    if order > 1:
        assert not np.allclose(half @ (lump / 2) @ half.T + lump / 2, lump)


def test_the_two_motions_of_the_plane_are_of_one_kind():
    A, Q = integrated_noise(2, 0.7)
    velocity = lgssm.constant_velocity(0.7, 0.3, 0.5, Gaussian(np.zeros(4), np.eye(4)))
    np.testing.assert_allclose(velocity.transition.matrix, np.kron(A, np.eye(2)))
    np.testing.assert_allclose(velocity.transition.covariance, 0.3 * np.kron(Q, np.eye(2)))
    A, Q = integrated_noise(3, 0.7)
    start = Gaussian(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), np.zeros((6, 6)))
    model = lgssm.constant_acceleration(0.7, 0.0, 0.0, start)
    drawn = lgssm.sample(model, 4, np.random.default_rng(0))
    t = 0.7 * np.arange(4)[:, None]
    path = start.mean[:2] + start.mean[2:4] * t + start.mean[4:] * t**2 / 2
    np.testing.assert_allclose(drawn.observations, path)                   # a parabola, without noise
    noisy = lgssm.constant_acceleration(0.7, 0.4, 0.5, start)
    np.testing.assert_allclose(noisy.transition.covariance, 0.4 * np.kron(Q, np.eye(2)))
    np.testing.assert_allclose(noisy.emission.covariance, 0.5 * np.eye(2))


def test_wrong_arguments_are_named():
    for arguments, name in [((0, 1.0), "order"), ((2, 0.0), "interval")]:
        with pytest.raises(ValueError, match=f"^{name}: "):
            integrated_noise(*arguments)
