"""The experiments of chapters/02-directed/2.2.2c-digits-and-damping.ipynb."""

from time import process_time

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.models.dynamical import lgssm

METHODS = ("covariance", "joseph", "sqrt")


def ordinary(K):
    """A model of K states, half of them seen."""
    A, C = 0.9 * np.eye(K) + 0.1 * np.eye(K, k=1), np.eye(K)[: K // 2]
    noise = AffineGaussian(A, np.zeros(K), 0.1 * np.eye(K)), AffineGaussian(C, np.zeros(K // 2), np.eye(K // 2))
    return lgssm.Parameters(Gaussian(np.zeros(K), np.eye(K)), *noise)


def stiff(R, P0, rng, T=30):
    """The page's twin sensors."""
    A = np.eye(4) + 0.1 * np.eye(4, k=1)
    C = np.array([[1.0, 0, 0, 0], [1.0, 1e-5, 0, 0]])
    noise = AffineGaussian(A, np.zeros(4), 1e-6 * np.eye(4)), AffineGaussian(C, np.zeros(2), R * np.eye(2))
    model = lgssm.Parameters(Gaussian(np.zeros(4), P0 * np.eye(4)), *noise)
    start = model._replace(initial=Gaussian(np.zeros(4), np.eye(4)))
    return model, lgssm.sample(start, T, rng).observations


def seconds(K, method, rng):
    """The least time of five, after one that is not counted."""
    params, times = ordinary(K), []
    y = lgssm.sample(params, 1000, rng).observations
    for _ in range(6):
        begin = process_time()
        lgssm.filter(params, y, method=method)
        times.append(process_time() - begin)
    return min(times[1:])


def refuses(R, method, rng):
    try:
        lgssm.filter(*stiff(R, 1 / R, rng), method=method)
    except np.linalg.LinAlgError:
        return True
    return False


def test_2_2_2c_d_at_what_price():
    rng = np.random.default_rng(0)
    times = {K: [seconds(K, method, rng) for method in METHODS] for K in (2, 32)}
    first = {m: next((k for k in range(2, 9) if refuses(10.0**-k, m, rng)), 9) for m in METHODS}
    hold(
        "2.2.2c-d",
        joseph=times[32][1] / times[32][0],
        roots_2=times[2][2] / times[2][0],
        roots_32=times[32][2] / times[32][0],
        refused=first["covariance"],
        joseph_refused=first["joseph"],
        roots_refused=first["sqrt"],
    )
