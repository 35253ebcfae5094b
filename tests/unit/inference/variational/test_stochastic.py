"""Stochastic variational inference: against coordinate ascent, which it is where a step sees all and goes all the way."""

from itertools import islice

import numpy as np
import pytest

from pedagogy_lib.inference.variational import stochastic
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import bayesian_gmm as model


def clouds(rng, n=3000):
    return np.vstack([rng.normal(size=(n // 3, 2)), rng.normal(size=(n - n // 3, 2)) * 0.5 + [4, 1]])


def begun(y, seed=0):
    return model.start(y, 2, np.random.default_rng(seed))


def test_a_whole_step_with_all_data_is_coordinate_ascent():
    y = clouds(np.random.default_rng(0), 60)
    step = next(stochastic.iterate(model, begun(y), y, np.random.default_rng(1), 60, rate=lambda step: 1.0))
    rounds = em.iterate(model, begun(y), y)
    next(rounds)
    for mine, theirs in zip(step.params[1:], next(rounds).params[1:]):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_blending_is_linear_in_what_adds_up():
    y = clouds(np.random.default_rng(2), 60)
    a, b = begun(y), em.fit(model, begun(y), y).params
    found = model.blend(a, b, 0.3)
    second = lambda p: p.scatters + p.strengths[:, None, None] * p.means[:, :, None] * p.means[:, None, :]
    first = lambda p: p.strengths[:, None] * p.means
    for part in (second, first, lambda p: p.counts, lambda p: p.strengths, lambda p: p.degrees):
        np.testing.assert_allclose(part(found), 0.7 * part(a) + 0.3 * part(b), rtol=1e-12)
    assert not np.allclose(found.scatters, 0.7 * a.scatters + 0.3 * b.scatters, rtol=1e-3)
    np.testing.assert_allclose(model.blend(a, b, 0.0).scatters, a.scatters)


def test_batches_end_near_coordinate_ascent_after_little_reading():
    y = clouds(np.random.default_rng(3))
    exact = em.fit(model, begun(y), y).losses[-1]
    steps = list(islice(stochastic.iterate(model, begun(y), y, np.random.default_rng(4), 50), 120))
    assert steps[-1].seen == 6000
    reached = model.expected_statistics(steps[-1].params, y).loss
    assert exact <= reached < exact + 0.01
    forgetful = list(islice(stochastic.iterate(model, begun(y), y, np.random.default_rng(4), 50, lambda step: 1.0), 120))
    assert model.expected_statistics(forgetful[-1].params, y).loss > reached


def test_the_mean_of_the_batches_answers_is_that_of_all_data():
    y = clouds(np.random.default_rng(5), 60)
    params = begun(y)
    answers = [model.maximize(model.expected_statistics(params, part)._replace(size=60)) for part in y.reshape(6, 10, 2)]
    whole = model.maximize(model.expected_statistics(params, y))
    for name in ("counts", "strengths", "degrees"):
        np.testing.assert_allclose(np.mean([getattr(a, name) for a in answers], 0), getattr(whole, name), rtol=1e-12)


@pytest.mark.parametrize("call, words", [
    (lambda: stochastic.robbins_monro(forgetting=0.5), "forgetting"),
    (lambda: stochastic.robbins_monro(forgetting=1.5), "forgetting"),
    (lambda: model.blend(begun(gmm_data()), begun(gmm_data()), 1.5), "share"),
])
def test_a_bad_argument_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def gmm_data():
    return clouds(np.random.default_rng(6), 60)
