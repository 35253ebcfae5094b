"""The adjoint form of the smoother: the same answers, without the inverse of a covariance."""

import numpy as np
import pytest
from chain_models import damped, holes, model
from gaussian_chain import Dense, from_the_start

from pedagogy_lib.inference import kalman


@pytest.mark.parametrize("missing", ["", "rows", "entries"])
def test_agrees_with_dense_conditioning(missing):
    rng = np.random.default_rng(40)
    for K, L, T in [(3, 2, 6), (1, 1, 5), (2, 4, 4), (3, 2, 1)]:
        initial, transition, emission = model(rng, K, L)
        y = holes(rng, 2 * rng.standard_normal((T, L)), missing)
        inputs = rng.standard_normal((T - 1, K))
        filtered = kalman.filter(initial, transition, emission, y, inputs)
        smoothed = kalman.adjoint_smoother(transition, emission, y, filtered)
        dense = Dense(initial, transition, emission, y, inputs)
        dense.check(filtered, smoothed)
        assert smoothed.gains is None
        if T > 1:
            turned = transition._replace(matrix=transition.matrix.T + 0.1)
            wrong = kalman.adjoint_smoother(turned, emission, y, filtered)
            with pytest.raises(AssertionError):
                dense.check(filtered, wrong)


def test_is_right_where_the_usual_form_undoes_damping():
    """Of these twenty the usual smoother refuses some, and without its guard is wrong by more than a tenth."""
    refused, worst = 0, 0.0
    for seed, rates in enumerate([(0.95, 0.95), (0.99, 0.98), (0.95, 0.9), (0.9, 0.6), (0.999, 0.5)] * 4):
        initial, move, look, y = damped(rates, 120, seed)
        means, covariances = from_the_start(initial, move, look, y)
        filtered = kalman.filter(initial, move, look, y)
        found = kalman.adjoint_smoother(move, look, y, filtered)
        assert np.abs(found.means - means).max() < 1e-11 * np.abs(means).max()
        assert np.abs(found.covariances - covariances).max() < 1e-11 * np.abs(covariances).max()
        usual = kalman.smoother_loop(move, filtered)
        worst = max(worst, np.abs(usual.covariances - covariances).max() / np.abs(covariances).max())
        try:
            kalman.smooth(initial, move, look, y)
        except np.linalg.LinAlgError:
            refused += 1
    assert refused >= 4
    assert not worst < 0.1
