"""A transition learned from films: likelihood against SciPy's densities, learning against least squares."""

import numpy as np
import pytest
from scipy.stats import norm

from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.learning import learned_motion, networks, optimization, parameters, quasi_newton
from pedagogy_lib.learning.networks.circle import Convolution, Fourier
from pedagogy_lib.learning.regression import autoregression
from pedagogy_lib.models.dynamical import learned_transition, universal


def model(rng, P=7):
    """Two layers on a circle."""
    layers = (Convolution.start(1, 3, 3, rng), Fourier.start(3, 1, 2, rng))
    return learned_transition.start(rng.normal(size=(2, 5, P)), (learned_motion.Circle(layers),))


def test_the_likelihood_is_the_product_of_one_step_densities():
    rng = np.random.default_rng(0)
    params, y = model(rng), rng.normal(size=(3, 4, 7))
    wide = params.terms[0].layers
    means = np.array([[x + np.squeeze(wide[1].run(np.tanh(wide[0].run(x[None, :, None])))) for x in film[:-1]] for film in y])
    densities = norm(means, np.exp(params.log_noise)).logpdf(y[:, 1:])
    assert learned_transition.predict(params, y[0]) == pytest.approx(np.concatenate([means[0], learned_transition.predict(params, y[0, 3:])]))
    assert learned_transition.log_marginal(params, y) == pytest.approx(densities.sum((1, 2)))
    assert learned_transition.loss(params, y) == pytest.approx(-densities.mean())
    assert learned_transition.loss(params, learned_transition.pairs(y)) == pytest.approx(-densities.mean())
    assert learned_transition.loss(params, y[:, ::-1]) != pytest.approx(-densities.mean(), abs=1e-3)


def test_the_strong_constraint_agrees_on_films_of_two_pictures_and_on_no_longer_ones():
    rng = np.random.default_rng(1)
    params, y = model(rng), rng.normal(size=(3, 4, 7))
    def strong(y):
        other = universal.Parameters(y[:, 0], params.log_noise, params.terms, params.clock)
        value, slope = universal.value_and_gradient(other, y)
        first = (params.log_noise + universal.HALF_LOG_TAU).mean()                   # the first picture has no misfit
        return y.shape[1] / (y.shape[1] - 1) * (value - first / y.shape[1]), slope.terms
    for films, alike in ((learned_transition.pairs(y), True), (y, False)):
        value, slope = learned_transition.value_and_gradient(params, films)
        other, terms = strong(films)
        both = [parameters.flatten(found).vector for found in (slope.terms, terms)]
        assert (other == pytest.approx(value, abs=1e-10)) == alike
        assert (both[0] == pytest.approx(2 * both[1], abs=1e-8)) == alike


@pytest.mark.parametrize("kind", ["circle", "two terms, four steps"])
def test_the_gradient_is_that_of_the_loss(kind):
    rng = np.random.default_rng(2)
    params, y = model(rng), rng.normal(size=(3, 4, 7))
    if kind != "circle":
        terms = (learned_motion.Known(fields.lorenz96(7)), learned_motion.Network.start(7, (3,), rng, last=1.0))
        params = learned_transition.start(y, terms, universal.Clock(0.1, 4, "rk4"))
    flat, slope = parameters.flatten(params), parameters.flatten(learned_transition.gradient(params, y)).vector
    for along in rng.normal(size=(4, len(slope))):
        up, down = (learned_transition.loss(parameters.view(flat.vector + h * along, params), y) for h in (1e-6, -1e-6))
        assert slope @ along == pytest.approx((up - down) / 2e-6, rel=1e-6)
        assert 0.99 * slope @ along != pytest.approx((up - down) / 2e-6, rel=1e-3)


def test_with_one_linear_layer_learning_is_linear_regression():
    rng = np.random.default_rng(3)
    y = np.cumsum(rng.normal(size=(60, 2)), 0) * 0.3
    linear = learned_motion.Network((networks.Linear(np.zeros((2, 2)), np.zeros(2)),))
    found = quasi_newton.fit(learned_transition, learned_transition.start(y[None], (linear,)), y[None], tolerance=1e-9).params
    exact = autoregression.fit(y, 1)
    assert np.eye(2) + found.terms[0].layers[0].weights == pytest.approx(exact.coefficients[0], abs=1e-5)
    assert np.exp(2 * found.log_noise) == pytest.approx(np.diag(exact.covariance), rel=1e-5)
    assert autoregression.fit(y, 2).coefficients[0] != pytest.approx(exact.coefficients[0], abs=1e-2)


def test_a_free_run_applies_the_transition_and_may_run_away():
    rng = np.random.default_rng(4)
    params, first = model(rng), rng.normal(size=(2, 7))
    run = learned_transition.free_run(params, first, 3)
    assert run.shape == (4, 2, 7) and (run[0] == first).all()
    for t in range(3):
        assert run[t + 1] == pytest.approx(learned_transition.predict(params, run[t]))
    exact = learned_transition.start(rng.normal(size=(1, 3, 7)), (learned_motion.Known(fields.lorenz96(7)),), universal.Clock(0.1, 2, "rk4"))
    assert learned_transition.free_run(exact, first, 3)[3] == pytest.approx(steppers.flow(fields.lorenz96(7), first, 0.05, 6))
    away = params._replace(terms=(learned_motion.Network((networks.Linear(9 * np.eye(7), np.zeros(7)),)),))
    assert not np.isfinite(learned_transition.free_run(away, first, 400)).all()


def test_films_are_drawn_with_the_noise_of_each_transition():
    rng = np.random.default_rng(5)
    params = model(rng)
    first = np.tile(rng.normal(size=7), (4000, 1))
    drawn = learned_transition.sample(params, 4000, rng, first, 2)
    assert drawn.states[:, 1].mean(0) == pytest.approx(learned_transition.predict(params, first[:1])[0], abs=0.1)
    assert drawn.states[:, 1].std(0) == pytest.approx(np.exp(params.log_noise), rel=0.06)
    assert drawn.states[:, 1].std(0) != pytest.approx(0.8 * np.exp(params.log_noise), rel=0.06)


def test_a_convolution_learns_a_circle_and_serves_another():
    def films(P, T, seed):
        x = steppers.flow(fields.lorenz96(P), 2.3 + np.random.default_rng(seed).normal(size=(8, P)), 0.025, 400)
        return (np.stack([steppers.flow(fields.lorenz96(P), x, 0.025, 2 * t) for t in range(T)], 1) - 2.34) / 3.64

    rng = np.random.default_rng(6)
    layers = Convolution.start(1, 16, 5, rng), Convolution.start(16, 1, 3, rng)
    y = learned_transition.pairs(films(12, 12, 0))
    begin = learned_transition.start(y, (learned_motion.Circle(layers),))
    run = optimization.run(learned_transition, begin, y, rng, batch_size=22, iterations=500, method=optimization.Adam(optimization.cosine(0.01, 500)))
    for P in (12, 30):
        other = run.params._replace(log_noise=np.resize(run.params.log_noise, P))
        y = learned_transition.pairs(films(P, 6, 1))
        error, stay = ((learned_transition.predict(other, y[:, 0]) - y[:, 1]).std(), (y[:, 0] - y[:, 1]).std())
        assert error < 0.3 * stay


def test_what_does_not_fit_is_refused_by_name():
    rng = np.random.default_rng(7)
    params, y = model(rng), rng.normal(size=(2, 3, 7))
    two = Convolution.start(1, 2, 3, rng)
    refused = [
        (lambda: learned_transition.loss(params, y[:, :1]), ValueError, "y: expected films of at least 2"),
        (lambda: learned_transition.loss(params, y[..., :6]), ValueError, "y: "),
        (lambda: learned_transition.start(0 * y, params.terms), ValueError, "y: expected numbers that change"),
        (lambda: learned_transition.start(y, (learned_motion.Circle((two,)),)), ValueError, "params.terms.*expected 1 channel in and 1 out"),
        (lambda: learned_transition.start(y[..., :2], params.terms), ValueError, "params.terms.*expected a circle of at least 3"),
        (lambda: learned_transition.loss(params._replace(clock=3), y), TypeError, "params.clock"),
        (lambda: learned_transition.loss(tuple(params), y), TypeError, "params: expected Parameters"),
        (lambda: learned_transition.free_run(params, y[0, 0], 3), ValueError, "first: "),
        (lambda: learned_transition.predict(params, y[0, 0]), ValueError, "x: "),
        (lambda: learned_transition.value_and_gradient(params, y[:0]), ValueError, "y: expected one film at least"),
    ]
    for call, kind, words in refused:
        with pytest.raises(kind, match=words):
            call()
