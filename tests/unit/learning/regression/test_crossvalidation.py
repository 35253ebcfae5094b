"""Leaving out in one step, against refits: brute force, in 60 digits, and by scikit-learn."""

import numpy as np
import pytest
from regressions import refit
from sklearn.linear_model import RidgeCV

from pedagogy_lib.learning.regression import crossvalidation

PENALTIES = np.array([1e-12, 1e-6, 0.01, 1.0, 1e4])


def problem(N, M, K=2, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(N, M)) + 3
    return y, y @ rng.normal(size=(M, K)) + rng.normal(size=(N, K)) + 5


def refits(y, x, folds, intercept, penalties=PENALTIES, **options):
    found = np.empty((len(penalties), *x.shape))
    for i, penalty in enumerate(penalties):
        for fold in np.unique(folds):
            rows = np.flatnonzero(folds == fold)
            found[i, rows] = refit(y, x, penalty, rows, intercept, **options)
    return found


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("N, M", [(12, 3), (9, 8), (8, 8), (6, 9), (8, 7)])
def test_leave_one_out_is_refitting(N, M, intercept):
    """To 1e-10, also at a penalty of 1e-12 where the fit passes through every sample."""
    y, x = problem(N, M)
    found = crossvalidation.leave_one_out(y, x, PENALTIES, intercept)
    expected = refits(y, x, np.arange(N), intercept)
    np.testing.assert_allclose(found.residuals, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.errors, (expected**2).mean((1, 2)), rtol=1e-10)
    # Wrong: a penalty of the average is not the same number without the sample; the other kind of intercept.
    for wrong in (refits(y, x, np.arange(N), intercept, [1.0], averaged=True), refits(y, x, np.arange(N), not intercept, [1.0])):
        assert not np.allclose(wrong[0], found.residuals[3], rtol=1e-4)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("N, M", [(12, 3), (9, 8), (6, 9)])
def test_folds_are_refitting(N, M, intercept):
    y, x = problem(N, M, seed=1)
    folds = np.arange(N) % 3
    found = crossvalidation.leave_folds_out(y, x, PENALTIES, folds, intercept)
    np.testing.assert_allclose(found.residuals, refits(y, x, folds, intercept), rtol=1e-10, atol=1e-10)
    alone = crossvalidation.leave_folds_out(y, x, PENALTIES, np.arange(N), intercept)
    single = crossvalidation.leave_one_out(y, x, PENALTIES, intercept)
    np.testing.assert_allclose(alone.residuals, single.residuals, rtol=1e-10)
    assert not np.allclose(found.residuals, single.residuals, rtol=1e-3)


def test_a_sample_that_alone_tells_a_weight():
    """Its leverage is 1: without a penalty nothing predicts it; with 1e-12 the others do, to 1e-10."""
    y, x = problem(10, 3, seed=2)
    y[:, 2] = 0
    y[4, 2] = 1.0
    found = crossvalidation.leave_one_out(y, x, PENALTIES)
    np.testing.assert_allclose(found.residuals, refits(y, x, np.arange(10), True), rtol=1e-10, atol=1e-10)
    folds = np.repeat(np.arange(5), 2)
    found = crossvalidation.leave_folds_out(y, x, PENALTIES, folds)
    np.testing.assert_allclose(found.residuals, refits(y, x, folds, True), rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match="penalties: expected a penalty above 0.* sample 4"):
        crossvalidation.leave_one_out(y, x, [0.0])
    with pytest.raises(ValueError, match="penalties: expected a penalty above 0"):
        crossvalidation.leave_folds_out(y, x, [0.0], folds)


def test_no_penalty_and_the_training_error():
    y, x = problem(30, 4, seed=3)
    found = crossvalidation.leave_one_out(y, x, [0.0, 5.0])
    inputs = np.column_stack([y, np.ones(30)])
    for n in range(30):
        others = np.arange(30) != n
        w = np.linalg.lstsq(inputs[others], x[others], rcond=None)[0]
        np.testing.assert_allclose(found.residuals[0, n], x[n] - inputs[n] @ w, rtol=1e-10)
    w = np.linalg.lstsq(inputs, x, rcond=None)[0]
    assert found.training[0] == pytest.approx(((x - inputs @ w) ** 2).mean(), rel=1e-10)
    assert found.training[0] < found.errors[0]


def test_against_scikit_learn():
    y, x = problem(60, 5, K=1, seed=4)
    penalties = np.geomspace(0.01, 100, 9)
    peer = RidgeCV(penalties, store_cv_results=True, scoring=None).fit(y, x[:, 0])
    found = crossvalidation.leave_one_out(y, x, penalties)
    np.testing.assert_allclose(found.residuals[:, :, 0] ** 2, np.squeeze(peer.cv_results_).T, rtol=1e-8)


def test_arguments():
    y, x = problem(10, 3)
    for wrong, message in [
        (lambda: crossvalidation.leave_one_out(y, x[:, 0], [1.0]), "x: expected shape .*reshape it to"),
        (lambda: crossvalidation.leave_one_out(y, x, [-1.0]), "penalties: .*none below 0"),
        (lambda: crossvalidation.leave_one_out(y, x, []), "penalties"),
        (lambda: crossvalidation.leave_one_out(y[:1], x[:1], [1.0]), "y: expected at least two samples"),
        (lambda: crossvalidation.leave_folds_out(y, x, [1.0], np.zeros(10)), "folds: expected at least two"),
        (lambda: crossvalidation.leave_folds_out(y, x, [1.0], np.zeros(9)), "folds: expected shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong()
