"""The variational autoencoder against differences, quadrature, a tape, and the linear case that has a closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from pedagogy_lib.learning import differentiation, networks, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import vae
from pedagogy_lib.models.static import ppca

OUTPUTS = {
    "Gaussian": lambda rng, N, D: rng.normal(size=(N, D)),
    "Bernoulli": lambda rng, N, D: rng.integers(2, size=(N, D)).astype(float),
    "Categorical": lambda rng, N, D: np.eye(D)[rng.integers(D, size=N)],
    "Poisson": lambda rng, N, D: rng.poisson(2.0, size=(N, D)).astype(float),
}


def problem(kind, latents=2, N=7, D=4, seed=0, noise=1):
    rng = np.random.default_rng(seed)
    y = OUTPUTS[kind](rng, N, D)
    params = vae.start(y, latents, (6, 5), networks.Tanh, getattr(outputs, kind), rng)
    if kind == "Gaussian":
        params = params._replace(log_noise=rng.normal(size=noise))
    return y, params


def grid(half=7.0, count=141):
    """Points of the plane and their common area, for sums that stand for integrals."""
    axis = np.linspace(-half, half, count)
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), (axis[1] - axis[0]) ** 2


def surprisals_at(params, y, x):
    """-log p(y|x), shape (len(x), N), written out for the two kinds that the quadrature needs."""
    z = x
    for layer in params.emission[:-1]:
        z = np.tanh(z @ layer.weights.T + layer.biases)
    eta = z @ params.emission[-1].weights.T + params.emission[-1].biases
    if params.log_noise is None:
        p = expit(eta)[:, None]
        return -(y * np.log(p) + (1 - y) * np.log1p(-p)).sum(2)
    v = np.exp(params.log_noise)
    return 0.5 * ((y - eta[:, None]) ** 2 / v + np.log(2 * np.pi * v)).sum(2)


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("noise", [1, 4])
def test_the_gradient_is_that_of_the_loss_at_fixed_draws(kind, noise):
    y, params = problem(kind, noise=noise)
    flat = parameters.flatten(params)
    _, found = vae.value_and_gradient(params, y, np.random.default_rng(9))
    slope = parameters.flatten(found).vector
    for along in np.random.default_rng(1).normal(size=(4, flat.vector.size)):
        up, down = (
            vae.loss(parameters.view(flat.vector + h * along, params), y, np.random.default_rng(9)) for h in (1e-5, -1e-5)
        )
        assert_allclose(slope @ along, (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
        other = vae.loss(parameters.view(flat.vector + 1e-5 * along, params), y, np.random.default_rng(8))
        assert not np.isclose(slope @ along, (other - down) / 2e-5, rtol=1e-2)       # other draws: no derivative


def test_the_gradient_is_the_tapes():
    y, params = problem("Bernoulli")
    noise = np.random.default_rng(9).standard_normal((len(y), 2))

    def program(both):
        recognition, emission = both
        z = y
        for layer in recognition[:-1]:
            z = np.tanh(z @ layer[0].T + layer[1])
        moments = z @ recognition[-1][0].T + recognition[-1][1]
        nu, t = moments[:, :2], moments[:, 2:]
        z = nu + np.exp(t) * noise
        for layer in emission[:-1]:
            z = np.tanh(z @ layer[0].T + layer[1])
        eta = z @ emission[-1][0].T + emission[-1][1]
        fit = np.sum(np.logaddexp(0.0 * eta, eta) - y * eta)
        return (fit + np.sum(0.5 * (nu**2 + np.exp(2 * t) - 1) - t)) / len(y)

    plain = tuple(tuple(tuple(layer) for layer in net) for net in (params.recognition, params.emission))
    value, expected = differentiation.value_and_gradient(program, plain)
    loss, found = vae.value_and_gradient(params, y, np.random.default_rng(9))
    assert_allclose(loss, value, rtol=1e-13)
    ours = parameters.flatten((found.recognition, found.emission)).vector
    assert_allclose(ours, parameters.flatten(expected).vector, rtol=1e-10, atol=1e-13)
    wrong = vae.value_and_gradient(params, y, np.random.default_rng(9), weight=0.9)[1]
    assert not np.allclose(parameters.flatten((wrong.recognition, wrong.emission)).vector, ours, rtol=1e-3)


@pytest.mark.parametrize("kind", ["Gaussian", "Bernoulli"])
def test_the_bound_lies_below_the_integral_and_rises_to_it(kind):
    y, params = problem(kind, N=3, seed=3)
    last = params.recognition[-1]                                                    # near the source, hence wide enough
    params = params._replace(recognition=(*params.recognition[:-1], last._replace(weights=0.2 * last.weights)))
    x, area = grid()
    prior = np.exp(-0.5 * (x**2).sum(1)) / (2 * np.pi)
    exact = np.log((prior[:, None] * np.exp(-surprisals_at(params, y, x))).sum(0) * area)
    rng = np.random.default_rng(0)
    estimates = {n: np.mean([vae.log_marginal(params, y, rng, n) for _ in range(8000 // n)], axis=0) for n in (1, 10, 4000)}
    assert (estimates[1].mean() < estimates[10].mean() < exact.mean())
    assert_allclose(estimates[4000], exact, atol=0.05)
    bound = -np.mean([vae.loss(params, y, rng) for _ in range(4000)])
    assert_allclose(bound, estimates[1].mean(), atol=0.1)
    assert abs(bound - exact.mean()) > 0.15                                          # the gap is no rounding


def test_a_linear_autoencoder_is_probabilistic_pca():
    """With the exact posterior as recognition model every single draw gives log p(y)."""
    rng = np.random.default_rng(5)
    y = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(80, 5)) + 1.0
    centered = y - y.mean(0)
    values, vectors = np.linalg.eigh(centered.T @ centered / len(y))
    v = values[:3].mean()                                                            # Tipping and Bishop's optimum
    W = vectors[:, :2:-1] * np.sqrt(values[:2:-1] - v)
    M = W.T @ W + v * np.eye(2)                                                      # diagonal at the optimum
    up = np.linalg.solve(M, W.T)
    log_s = 0.5 * np.log(v / np.diag(M))
    recognition = (networks.Linear(np.vstack([up, np.zeros((2, 5))]), np.concatenate([-up @ y.mean(0), log_s])),)
    params = vae.Parameters(recognition, (outputs.Gaussian(W, y.mean(0)),), np.log([v]))
    expected = ppca.log_marginal(ppca.Parameters(W, y.mean(0), v), y)
    for seed in range(3):
        assert_allclose(vae.log_marginal(params, y, np.random.default_rng(seed), 1), expected, rtol=1e-10)
    worse = params._replace(log_noise=np.log([1.01 * v]))
    assert not np.allclose(vae.log_marginal(worse, y, np.random.default_rng(0), 1), expected, rtol=1e-6)
    # Learning from elsewhere comes to the same number, up to the noise of its draws.
    begin = vae.start(y, 2, (), networks.Tanh, outputs.Gaussian, rng)
    run = optimization.run(vae, begin, y, rng, method=optimization.Adam(optimization.cosine(0.02, 3000)), iterations=3000)
    learned = np.mean([vae.loss(run.params, y, rng) for _ in range(200)])
    assert_allclose(learned, -expected.mean(), atol=0.03)


@pytest.mark.parametrize("kind", ["Gaussian", "Poisson"])
def test_the_terms_add_up(kind):
    y, params = problem(kind, N=300, seed=2)
    found = vae.terms(params, y, np.random.default_rng(4))
    assert_allclose(found.reconstruction + found.divergence, vae.loss(params, y, np.random.default_rng(4)), rtol=1e-12)
    averaged = np.mean([vae.terms(params, y, np.random.default_rng(seed)) for seed in range(200)], axis=0)
    assert_allclose(averaged[2] + averaged[3], averaged[1], rtol=0.02)               # Eq. 8.21, sampled
    assert 0 < found.information < np.log(len(y)) and averaged[3] > 0


def test_samples_have_the_models_moments():
    _, params = problem("Gaussian")
    x, y = vae.sample(params, 200_000, np.random.default_rng(0))
    points, area = grid()
    prior = np.exp(-0.5 * (points**2).sum(1)) / (2 * np.pi) * area
    assert_allclose(y.mean(0), prior @ vae.decode(params, points), atol=0.02)
    residual = y - vae.decode(params, x)
    assert_allclose(residual.var(), np.exp(params.log_noise[0]), rtol=0.01)
    assert x.shape == (200_000, 2) and y.shape == (200_000, 4)


def test_the_slopes_of_the_decoder_are_those_of_differences():
    _, params = problem("Gaussian")
    x, h = np.array([0.3, -0.8]), 1e-6
    ends = vae.decode(params, x + h * np.vstack([np.eye(2), -np.eye(2)]))
    found = vae.decode_slopes(params, x)
    assert_allclose(found, ((ends[:2] - ends[2:]) / (2 * h)).T, rtol=1e-7)
    assert not np.allclose(found, vae.decode_slopes(params, np.zeros(2)), rtol=0.05)       # they change from place to place
    with pytest.raises(ValueError, match="x: expected shape"):
        vae.decode_slopes(params, np.zeros(3))
    with pytest.raises(ValueError, match="expected a Gaussian emission, got Poisson"):
        vae.decode_slopes(problem("Poisson")[1], x)


def test_single_precision_stays_and_agrees():
    y, params = problem("Bernoulli")
    small = parameters.each(lambda leaf: None if leaf is None else leaf.astype(np.float32), params)
    value, found = vae.value_and_gradient(small, y.astype(np.float32), np.random.default_rng(2))
    assert {leaf.dtype for leaf in (found.recognition[0].weights, found.emission[-1].biases)} == {np.dtype(np.float32)}
    assert_allclose(value, vae.loss(params, y, np.random.default_rng(2)), rtol=1e-5)


def test_what_does_not_fit_is_named():
    y, params = problem("Bernoulli")
    rng = np.random.default_rng(0)
    for error, match, call in (
        (TypeError, "params: expected Parameters", lambda: vae.loss(tuple(params), y, rng)),
        (ValueError, r"y: expected shape \(N, 4\)", lambda: vae.loss(params, y[:, :3], rng)),
        (ValueError, "expected numbers from 0 to 1", lambda: vae.loss(params, 2 * y, rng)),
        (ValueError, "finite", lambda: vae.loss(params, np.where(y > 0, np.nan, y), rng)),
        (ValueError, "expected 4 linear units", lambda: vae.loss(params._replace(recognition=params.recognition[:-1]), y, rng)),
        (ValueError, "exactly where the emission is Gaussian", lambda: vae.loss(params._replace(log_noise=np.zeros(1)), y, rng)),
        (ValueError, "rng", lambda: vae.loss(params, y, 3)),
        (ValueError, "samples", lambda: vae.log_marginal(params, y, rng, 0)),
        (ValueError, "latents", lambda: vae.start(y, 0, (3,), networks.Tanh, outputs.Bernoulli, rng)),
        (ValueError, "log_noise: expected shape", lambda: vae.loss(problem("Gaussian")[1]._replace(log_noise=np.zeros(3)), y, rng)),
    ):
        with pytest.raises(error, match=match):
            call()
