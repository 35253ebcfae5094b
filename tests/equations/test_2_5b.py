"""Lesson 2.5b, beyond the textbook: a model that leaves out fast scales, and errors that remember."""

import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.dynamics import fields


def test_slow_and_fast_numbers_exchange_energy_and_make_none():
    """Half the squares of both, along the field: what is forced less what is damped, and nothing else."""
    K, J, F, h, c, b = 6, 4, 11.0, 0.7, 8.0, 5.0
    x = np.random.default_rng(0).normal(size=K * (1 + J))
    u, v = x[:K], x[K:]
    left = x @ fields.lorenz96_two_level(K, J, F, h, c, b).velocity(x)
    right = F * u.sum() - u @ u - c * (v @ v)
    exchanged = h * c / b * (np.repeat(u, J) @ v)
    assert abs(exchanged) > 0.1
    assert_only_as_printed(left, right, right + exchanged, right - exchanged, F * u.sum() - u @ u - v @ v)
    # The forecaster's model keeps the slow part alone, and lacks what was exchanged.
    slow = u @ fields.lorenz96(K, F).velocity(u)
    found = fields.lorenz96_two_level(K, J, F, h, c, b).velocity(x)[:K]
    assert_only_as_printed(u @ found, slow - exchanged, slow, slow + exchanged)


def sum_of_errors(alpha, n):
    """Variance of the sum of n errors over n times that of one, from their covariances, one by one."""
    at = np.arange(n)
    return (alpha ** np.abs(at[:, None] - at)).sum() / n


def test_errors_that_remember_add_up_faster():
    for alpha, n in ((0.8, 5), (0.8, 24), (-0.4, 7), (0.0, 6)):
        right = (1 + alpha) / (1 - alpha) - 2 * alpha * (1 - alpha**n) / (n * (1 - alpha) ** 2)
        forever = (1 + alpha) / (1 - alpha)
        wrong = (forever, 1.0) if alpha else (1.1,)
        assert_only_as_printed(sum_of_errors(alpha, n), right, *wrong, rtol=1e-10)
    assert abs(sum_of_errors(0.8, 5000) - 9) < 0.05


def test_a_simulated_sum_has_that_variance():
    rng, alpha, n = np.random.default_rng(1), 0.8, 5
    r = rng.standard_normal(100_000)
    total = r.copy()
    for _ in range(n - 1):
        r = alpha * r + np.sqrt(1 - alpha**2) * rng.standard_normal(len(r))
        total += r
    assert_only_as_printed(total.var() / n, sum_of_errors(alpha, n), 1.0, rtol=0.03)
