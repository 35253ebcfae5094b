"""Logistic and Poisson regression as models: SciPy's densities, finite differences, and the minimum that IRLS finds."""

import numpy as np
import pytest
from scipy import stats

from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.learning.regression import generalized
from pedagogy_lib.models.discriminative import logistic, poisson

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(200, 3))
S = Y @ [0.5, -0.3, 0.2] + 0.4
CASES = {
    "logistic": (logistic, (RNG.random(200) < 1 / (1 + np.exp(-S))).astype(float), lambda s: stats.bernoulli(1 / (1 + np.exp(-s))), families.Bernoulli()),
    "poisson": (poisson, RNG.poisson(np.exp(S)).astype(float), lambda s: stats.poisson(np.exp(s)), families.Poisson()),
}
PARAMS = (np.array([0.3, 0.1, -0.4]), np.asarray(0.2))


@pytest.mark.parametrize("name", CASES)
def test_densities_and_gradient(name):
    model, x, density, _ = CASES[name]
    params, pairs, rng = model.Parameters(*PARAMS), model.Pairs(Y, x), np.random.default_rng(1)
    s = Y @ PARAMS[0] + PARAMS[1]
    np.testing.assert_allclose(model.log_conditional(params, pairs), density(s).logpmf(x), rtol=1e-10)
    assert model.loss(params, pairs) == pytest.approx(-density(s).logpmf(x).mean())
    np.testing.assert_allclose(model.predict(params, Y), density(s).mean(), rtol=1e-12)
    drawn = np.mean([model.sample_outputs(params, Y, rng) for _ in range(2000)], axis=0)
    assert (np.abs(drawn - density(s).mean()) < 5 * density(s).std() / np.sqrt(2000)).all()
    flat, slope = parameters.flatten(params), parameters.flatten(model.gradient(params, pairs, rng)).vector
    for along in rng.normal(size=(3, 4)):
        up, down = (model.loss(parameters.view(flat.vector + h * along, params), pairs, rng) for h in (1e-5, -1e-5))
        assert (up - down) / 2e-5 == pytest.approx(slope @ along, rel=1e-6, abs=1e-8)
        assert (up - down) / 2e-5 != pytest.approx(0.9 * slope @ along, rel=1e-3)


@pytest.mark.parametrize("name", CASES)
def test_descent_arrives_where_irls_does(name):
    model, x, _, family = CASES[name]
    pairs, rng = model.Pairs(Y, x), np.random.default_rng(2)
    first = model.start(pairs, rng)
    run = optimization.run(model, first, pairs, rng, method=optimization.GradientDescent(0.3), iterations=1500)
    fit = generalized.fit(Y, x, family)
    np.testing.assert_allclose(run.params.coefficients, fit.coefficients, atol=1e-6)
    assert run.params.intercept == pytest.approx(fit.intercept, abs=1e-6)
    batches = optimization.run(model, first, pairs, rng, batch_size=50, iterations=50)
    assert batches.losses[-1] < run.losses[0] + 0.5


def test_arguments():
    params = logistic.Parameters(*PARAMS)
    for call, message in [
        (lambda: logistic.loss(params, logistic.Pairs(Y, np.full(200, 2.0))), "y.outputs: expected numbers from 0 to 1"),
        (lambda: logistic.loss(params, logistic.Pairs(Y[:, :2], np.zeros(200))), "y: expected shape"),
        (lambda: logistic.loss(params, logistic.Pairs(Y[:9], np.zeros(200))), "y.inputs: expected shape"),
        (lambda: poisson.predict(params, Y[0]), "y: expected shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
