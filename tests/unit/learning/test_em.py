"""EM as a stream: the order of events, the tolerance, the restarts, and the error when the loss rises."""

from itertools import islice
from typing import NamedTuple

import numpy as np
import pytest

from pedagogy_lib.learning import em
from pedagogy_lib.models.static import gmm, kmeans

Y = np.concatenate([np.random.default_rng(0).normal(size=(60, 1)), 4 + np.random.default_rng(1).normal(size=(40, 1))])
START = gmm.Parameters(np.array([0.5, 0.5]), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))


def test_events_alternate_and_carry_the_parameters():
    events = list(islice(em.iterate(gmm, START, Y), 6))
    assert [type(e) for e in events] == [em.Expectation, em.Maximization] * 3
    assert [e.iteration for e in events] == [0, 0, 1, 1, 2, 2]
    assert events[0].params is START
    assert events[2].params is events[1].params
    assert events[0].loss == pytest.approx(-gmm.log_marginal(START, Y).mean())


def test_the_loss_never_rises_and_fit_stops_at_the_tolerance():
    result = em.fit(gmm, START, Y, tolerance=1e-6)
    falls = -np.diff(result.losses)
    assert (falls >= -1e-14).all()
    assert result.converged
    assert falls[-1] <= 1e-6 < falls[-2]
    assert result.losses[-1] == pytest.approx(-gmm.log_marginal(result.params, Y).mean(), rel=1e-12)


@pytest.mark.parametrize("unit", [1e-7, 1e-5, 1.0, 1e6])
def test_the_units_of_the_data_do_not_change_when_it_stops(unit):
    """K-means measures in squared units: an absolute tolerance would stop the smallest after one iteration."""
    means = np.array([[-1.0], [0.0]])
    plain = em.fit(kmeans, kmeans.Parameters(means), Y)
    scaled = em.fit(kmeans, kmeans.Parameters(unit * means), unit * Y)
    assert len(scaled.losses) == len(plain.losses) > 3
    np.testing.assert_allclose(scaled.params.means, unit * plain.params.means, rtol=1e-9)


def test_a_rise_in_small_units_is_an_error_too():
    class Backwards:
        expected_statistics = staticmethod(kmeans.expected_statistics)
        maximize = staticmethod(lambda statistics: kmeans.Parameters(-kmeans.maximize(statistics).means))

    with pytest.raises(em.LossRoseError):
        em.fit(Backwards, kmeans.Parameters(1e-6 * START.means), 1e-6 * Y)


def test_stopping_early_warns():
    with pytest.warns(UserWarning, match="stopped after 2 iterations"):
        result = em.fit(gmm, START, Y, max_iterations=2)
    assert not result.converged
    assert len(result.losses) == 3


def test_a_rise_of_the_loss_is_an_error():
    class Broken:
        expected_statistics = staticmethod(gmm.expected_statistics)

        @staticmethod
        def maximize(statistics):                         # forgets to divide by the shares
            return gmm.maximize(statistics)._replace(means=statistics.sums)

    with pytest.raises(em.LossRoseError, match=r"loss: expected at most .* got .* at iteration"):
        em.fit(Broken, START, Y)


def test_a_loss_that_is_not_a_number_is_an_error():
    class Nothing(NamedTuple):
        loss: float = np.nan

    class Model:
        expected_statistics = staticmethod(lambda params, y: Nothing())
        maximize = staticmethod(lambda statistics: None)

    with pytest.raises(em.LossRoseError, match="got nan at iteration 0"):
        em.fit(Model, None, Y)


def test_any_object_with_the_two_verbs_can_be_fitted():
    assert em.fit(kmeans, kmeans.Parameters(START.means), Y).converged
    assert em.fit(gmm, START, Y, options=gmm.Options(prior=(np.eye(1), 2.0))).converged


def test_restarts_keep_the_best_and_survive_failures():
    bad = START._replace(covariances=np.zeros((2, 1, 1)))
    other = START._replace(means=np.array([[0.0], [4.0]]))
    best, losses = em.fit_best(gmm, [bad, START, other], Y)
    assert np.isnan(losses[0])
    assert best.losses[-1] == np.nanmin(losses)
    with pytest.raises(ValueError, match="one start at least that EM can finish, got 1: params.covariances"):
        em.fit_best(gmm, [bad], Y)
    with pytest.raises(ValueError, match="no start was given"):
        em.fit_best(gmm, [], Y)


@pytest.mark.parametrize(("options", "message"), [
    ({"tolerance": -1.0}, "tolerance: expected a number of at least 0"),
    ({"max_iterations": 1.5}, "max_iterations: expected a whole number"),
])
def test_what_is_wrong_is_said(options, message):
    with pytest.raises(ValueError, match=message):
        em.fit(gmm, START, Y, **options)


def test_a_rise_within_the_rounding_of_the_largest_loss_is_none():
    """A loss that has fallen from 1e6 to 1 cannot be told from one that is 1e-5 higher; one that was never large can."""

    class Statistics(NamedTuple):
        at: int
        loss: float

    def follow(*losses):
        model = type("Told", (), {"expected_statistics": staticmethod(lambda params, y: Statistics(params, losses[params])),
                                  "maximize": staticmethod(lambda statistics: statistics.at + 1)})  # fmt: skip
        return [event.loss for event in islice(em.iterate(model, 0, None), 2 * len(losses)) if isinstance(event, em.Expectation)]

    assert follow(1e6, 1.0, 1.0 + 1e-5) == [1e6, 1.0, 1.0 + 1e-5]
    assert follow(-1e6, -1e6 + 1e-5) == [-1e6, -1e6 + 1e-5]
    for rising in ((2.0, 1.0, 1.0 + 1e-5), (1e6, 1.0, 1.0 + 1e-3)):
        with pytest.raises(RuntimeError):
            follow(*rising)
