"""Universal differential equations: loss against SciPy's solver and densities, learning against SciPy's search."""

import copy
import pickle

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.stats import norm

from pedagogy_lib.dynamics import fields
from pedagogy_lib.learning import learned_motion, optimization, parameters, quasi_newton
from pedagogy_lib.models.dynamical import universal


def eaters(rng, sequences=2):
    """Prey and predators that begin in several places."""
    terms = (learned_motion.Growth(np.array([0.5, -0.6])), learned_motion.Predation.start((3,), rng, 0.5))
    first = rng.normal(scale=0.3, size=(sequences, 2))
    return universal.Parameters(first, np.log([0.1, 0.2]), terms, universal.Clock(0.5, 4))


def test_the_likelihood_is_that_of_scipys_trajectories_and_densities():
    rng = np.random.default_rng(0)
    params = eaters(rng)
    y = universal.sample(params, 2, rng, count=6).observations
    y[0, 2, 1] = y[1, 4] = np.nan
    growth, predation = params.terms

    def velocity(t, x):
        c = predation.clearance(np.exp(x[:1]))[0]
        return growth.rates + [-np.exp(x[1]) * c, np.exp(predation.log_gain + x[0]) * c]

    exact = np.array([solve_ivp(velocity, (0, 2.5), x, t_eval=np.arange(6) / 2, rtol=1e-10, atol=1e-12).y.T
                      for x in params.first])                                            # fmt: skip
    densities = norm(exact, np.exp(params.log_noise)).logpdf(y)
    assert universal.states(params, 6) == pytest.approx(exact, abs=1e-5)
    assert universal.log_marginal(params, y) == pytest.approx(np.nansum(densities, (1, 2)), abs=1e-3)
    assert universal.loss(params, y) == pytest.approx(-np.nanmean(densities), abs=1e-4)
    assert universal.loss(params, y) != pytest.approx(-np.nansum(densities) / densities.size, abs=1e-2)
    late = params._replace(clock=universal.Clock(0.51, 4))
    assert universal.log_marginal(late, y) != pytest.approx(np.nansum(densities, (1, 2)), abs=1e-3)


def test_missing_numbers_have_no_pull():
    rng = np.random.default_rng(1)
    params = eaters(rng)
    y = universal.sample(params, 2, rng, count=5).observations
    y[1] = np.nan
    slope = universal.gradient(params, y)
    assert not slope.first[1].any() and slope.first[0].any()
    other = params._replace(first=params.first + [[0.0, 0.0], [1.0, 1.0]])
    assert universal.loss(other, y) == universal.loss(params, y)


def test_learning_ends_where_scipys_search_ends():
    rng = np.random.default_rng(2)
    y = universal.sample(eaters(rng), 2, rng, count=12).observations
    begin = universal.start(y, (learned_motion.Growth(np.array([0.2, -0.2])), learned_motion.Predation.start((), rng)),
                            universal.Clock(0.5, 2))                                     # fmt: skip
    flat = parameters.flatten(begin)

    def both(vector):
        value, slope = universal.value_and_gradient(parameters.view(vector.copy(), begin), y)
        return (value, parameters.flatten(slope).vector) if np.isfinite(value) else (1e6, np.zeros_like(vector))

    theirs = minimize(both, flat.vector.copy(), jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-14})
    ours = quasi_newton.fit(universal, begin, y, iterations=500)
    assert ours.gradient_norm < 1e-6 < both(flat.vector)[0]
    assert ours.loss == pytest.approx(theirs.fun, abs=1e-6)
    assert quasi_newton.fit(universal, begin, y, iterations=3).loss > theirs.fun + 1e-3
    walked = optimization.run(universal, begin, y, rng, method=optimization.Adam(0.02), iterations=300)
    assert ours.loss < walked.losses[-1] < walked.losses[0]


def test_a_law_that_is_known_is_not_touched_and_what_it_lacks_is_found():
    """Lorenz's equations without their forcing: a network of no hidden units has to find a constant and a slope."""
    rng = np.random.default_rng(3)
    whole, part = fields.lorenz63(), fields.lorenz63(rho=20.0)
    first = rng.normal(size=(6, 3)) * [5, 5, 5] + [0, 0, 20]
    truth = universal.Parameters(first, np.log([0.01] * 3), (learned_motion.Known(whole),), universal.Clock(0.05, 2))
    y = universal.sample(truth, 6, rng, count=4)
    lacks = learned_motion.Network.start(3, (), rng)
    found = quasi_newton.fit(universal, universal.start(y.observations, (learned_motion.Known(part), lacks), truth.clock),
                             y.observations, iterations=300).params.terms                # fmt: skip
    assert found[0].field is part
    wanted = np.zeros((3, 3))
    wanted[1, 0] = 8.0                                                                   # rho's share: (28 - 20) a
    assert found[1].layers[0].weights == pytest.approx(wanted, abs=0.1)
    assert found[1].layers[0].weights != pytest.approx(wanted * 0.9, abs=0.1)


def test_a_clock_is_kept_by_copies_and_pickles():
    clock = universal.Clock(0.5, 3, "euler")
    for again in (pickle.loads(pickle.dumps(clock)), copy.deepcopy(clock)):
        assert (again.interval, again.steps, again.method) == (0.5, 3, "euler")
    params = eaters(np.random.default_rng(0))
    assert parameters.flatten(params).params.clock is params.clock


def test_a_motion_that_runs_away_costs_infinitely_much_and_is_refused_as_a_start():
    rng = np.random.default_rng(4)
    params = eaters(rng)
    y = universal.sample(params, 2, rng, count=5).observations
    wild = params._replace(terms=(params.terms[0]._replace(rates=np.array([500.0, 500.0])), params.terms[1]))
    assert not np.isfinite(universal.loss(wild, y))
    with pytest.raises(ValueError, match="params: expected a start with a finite loss"):
        next(quasi_newton.iterate(universal, wild, y))


@pytest.mark.parametrize("call, message", [
    (lambda p, y: universal.loss(p, y[0]), "y: expected shape"),
    (lambda p, y: universal.loss(p, y[:1]), "y: expected shape"),
    (lambda p, y: universal.loss(p, y * np.nan), "y: expected at least one number"),
    (lambda p, y: universal.loss(tuple(p), y), "params: expected Parameters"),
    (lambda p, y: universal.loss(p._replace(clock=(1.0, 2)), y), "params.clock: expected a Clock"),
    (lambda p, y: universal.loss(p._replace(log_noise=np.zeros(3)), y), "params.log_noise: expected shape"),
    (lambda p, y: universal.start(np.where(np.arange(5)[:, None] < 1, np.nan, y), p.terms, p.clock), "a first moment"),
    (lambda p, y: universal.start(y * 0, p.terms, p.clock), "y: expected numbers that vary"),
    (lambda p, y: universal.Clock(0.0), "interval: expected"),
    (lambda p, y: universal.Clock(1.0, 0), "steps: expected"),
    (lambda p, y: universal.Clock(1.0, 1, "scipy"), "method: expected one of"),
    (lambda p, y: universal.states(p, 0), "count: expected"),
])
def test_bad_arguments_are_named(call, message):
    params = eaters(np.random.default_rng(5))
    y = universal.sample(params, 2, np.random.default_rng(6), count=5).observations
    with pytest.raises((ValueError, TypeError), match=message):
        call(params, y)
