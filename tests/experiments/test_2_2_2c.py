"""The experiments of chapters/02-directed/2.2.2c-digits-and-damping.ipynb. Times are of the machine: not tested."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.models.dynamical import lgssm

METHODS = ("covariance", "joseph", "sqrt")


def stiff(R, P0, rng, T=30):
    """The page's twin sensors."""
    A = np.eye(4) + 0.1 * np.eye(4, k=1)
    C = np.array([[1.0, 0, 0, 0], [1.0, 1e-5, 0, 0]])
    noise = AffineGaussian(A, np.zeros(4), 1e-6 * np.eye(4)), AffineGaussian(C, np.zeros(2), R * np.eye(2))
    model = lgssm.Parameters(Gaussian(np.zeros(4), P0 * np.eye(4)), *noise)
    start = model._replace(initial=Gaussian(np.zeros(4), np.eye(4)))
    return model, lgssm.sample(start, T, rng).observations


def refuses(R, method, rng):
    try:
        lgssm.filter(*stiff(R, 1 / R, rng), method=method)
    except np.linalg.LinAlgError:
        return True
    return False


def test_2_2_2c_d_at_what_price():
    rng = np.random.default_rng(0)
    first = {m: next((k for k in range(2, 9) if refuses(10.0**-k, m, rng)), 9) for m in METHODS}
    hold(
        "2.2.2c-d",
        refused=first["covariance"],
        joseph_refused=first["joseph"],
        roots_refused=first["sqrt"],
    )
