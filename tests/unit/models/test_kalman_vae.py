"""The autoencoder of films: on linear pictures it is the Kalman smoother; elsewhere its parts are held against dense algebra."""

import numpy as np
import pytest

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.learning import networks, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.models.dynamical import kalman_vae, lgssm
from pedagogy_lib.models.dynamical.normalizing_kalman import StateSpace


def moves(K=3, C=2):
    rng = np.random.default_rng(3)
    A = 0.9 * np.linalg.qr(rng.normal(size=(K, K)))[0]
    return lgssm.Parameters(Gaussian(rng.normal(size=K), 0.7 * np.eye(K)), AffineGaussian(A, rng.normal(size=K), 0.2 * np.eye(K)),
                            AffineGaussian(np.eye(C, K), np.zeros(C), np.eye(C)))


def linear(C=2, D=5):
    """A model whose pictures are W a + b + noise, with the recognition that is then exact; and the same as one LGSSM."""
    rng = np.random.default_rng(4)
    W = np.linalg.qr(rng.normal(size=(D, C)))[0] * np.array([1.5, 0.6])[:C]
    b, model = rng.normal(size=D), moves()
    precision = (W**2).sum(0)                                  # W'W, diagonal
    read = Linear((W / precision).T, -(W / precision).T @ b)
    params = kalman_vae.Parameters((read,), (outputs.Gaussian(W, b),), -np.log(precision), StateSpace(model))
    exact = model._replace(emission=AffineGaussian(W @ np.eye(C, 3), b, np.eye(D)))
    films = np.stack([lgssm.sample(exact, 7, rng).observations for _ in range(4)])
    return params, exact, films


def test_on_linear_pictures_it_is_the_kalman_smoother():
    params, exact, films = linear()
    truth = np.array([lgssm.log_marginal(exact, film) for film in films])
    for samples in (1, 3):
        np.testing.assert_allclose(kalman_vae.log_marginal(params, films, np.random.default_rng(0), samples), truth, rtol=1e-9)
    film = films[0].copy()
    film[2:4] = np.nan
    found, smoothed = kalman_vae.posterior(params, film), lgssm.posterior(exact, film)
    np.testing.assert_allclose(found.means, smoothed.means, atol=1e-9)
    np.testing.assert_allclose(found.covariances, smoothed.covariances, atol=1e-9)
    rng = np.random.default_rng(1)
    bound = np.mean([kalman_vae.loss(params, films, rng) for _ in range(3000)])
    assert bound == pytest.approx(-truth.sum() / films[..., 0].size, abs=0.01)
    # Another recognition: a looser bound, other beliefs, and no longer one and the same weight for every draw.
    other = params._replace(log_variances=params.log_variances + 1.0)
    assert np.abs(kalman_vae.log_marginal(other, films, np.random.default_rng(0), 1) - truth).max() > 1e-2
    assert np.mean([kalman_vae.loss(other, films, rng) for _ in range(3000)]) > bound + 0.03
    assert np.abs(kalman_vae.posterior(other, film).means - smoothed.means).max() > 1e-2


def curved():
    rng = np.random.default_rng(5)
    films = (rng.random((3, 6, 8)) < 0.4).astype(float)
    params = kalman_vae.start(films, 2, 3, (5,), networks.Tanh, outputs.Bernoulli, rng)
    return params._replace(state_space=StateSpace(moves()), log_variances=np.log([0.3, 0.8])), films


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_the_gradient_is_that_of_the_loss(weight):
    params, films = curved()
    flat = parameters.flatten(params).vector
    def value(vector):
        return kalman_vae.value_and_gradient(parameters.view(vector, params), films, np.random.default_rng(2), weight)[0]
    found = parameters.flatten(kalman_vae.value_and_gradient(params, films, np.random.default_rng(2), weight)[1]).vector
    steps = 1e-5 * np.eye(len(flat))
    numbers = np.array([(value(flat + e) - value(flat - e)) / 2e-5 for e in steps])
    np.testing.assert_allclose(found, numbers, atol=1e-7)
    assert np.abs(found[-2:]).min() > 1e-4                     # S is in it, and moves the loss
    assert np.abs(found - np.roll(numbers, 1)).max() > 1e-3


def test_the_codes_of_a_film_in_one_vector_have_the_moments_that_the_smoother_finds():
    params, films = curved()
    prior = kalman_vae.film._codes_in_time(params, 6)
    read = kalman_vae.recognize(params, films[0])
    mean = prior.mean + prior.P @ prior.M @ (read.ravel() - prior.mean)
    V = (prior.P - prior.P @ prior.M @ prior.P).reshape(6, 2, 6, 2)
    smoothed = kalman_vae.posterior(params, films[0])
    np.testing.assert_allclose(mean.reshape(6, 2), smoothed.means[:, :2], atol=1e-9)
    np.testing.assert_allclose(np.stack([V[t, :, t] for t in range(6)]), smoothed.covariances[:, :2, :2], atol=1e-9)
    drawn = np.concatenate([kalman_vae.film._draw(prior, np.tile(read.ravel(), (500, 1)), np.random.default_rng(seed)).codes for seed in range(20)])
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), V.reshape(12, 12), atol=0.05)


def test_refitting_makes_the_readings_no_less_likely():
    params, films = curved()
    def likelihood(params):
        return sum(lgssm.log_marginal(kalman_vae.inference._with_readings(params), kalman_vae.recognize(params, film)) for film in films)
    before = likelihood(params)
    for _ in range(5):
        params = kalman_vae.refit(params, films)
        after = likelihood(params)
        assert after >= before - 1e-9
        before = after
    assert after > likelihood(curved()[0]) + 1


def test_learning_lowers_the_loss_and_keeps_its_turns():
    params, films = curved()
    turns = kalman_vae.iterate(params, films, np.random.default_rng(0), warm_up=1)
    kept = [next(turns) for _ in range(150)]
    assert np.mean([t.loss for t in kept[-20:]]) < kept[0].loss - 0.5
    assert kept[10].params.emission[0].weights is not kept[11].params.emission[0].weights
    again = kalman_vae.iterate(params, films, np.random.default_rng(0), warm_up=1)
    assert [next(again).loss for _ in range(20)] == [t.loss for t in kept[:20]]


def test_a_film_is_drawn_as_the_states_say():
    params, exact, _ = linear()
    rng = np.random.default_rng(6)
    drawn = [kalman_vae.sample(params, 3, rng) for _ in range(4000)]
    last = np.array([d.observations[2] for d in drawn])
    reference = np.array([lgssm.sample(exact, 3, rng).observations[2] for _ in range(4000)])
    np.testing.assert_allclose(last.mean(0), reference.mean(0), atol=0.1)
    np.testing.assert_allclose(np.cov(last.T), np.cov(reference.T), atol=0.15)


def test_what_it_cannot_use_is_refused():
    params, films = curved()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="films of at least two"):
        kalman_vae.loss(params, films[:, :1], rng)
    half = films[0].copy()
    half[1, 2] = np.nan
    with pytest.raises(ValueError, match="row with some NaN"):
        kalman_vae.posterior(params, half)
    with pytest.raises(ValueError, match="pictures of 8"):
        kalman_vae.loss(params, films[..., :7], rng)
    with pytest.raises(ValueError, match="linear units"):
        kalman_vae.loss(params._replace(recognition=params.emission), films, rng)
    with pytest.raises(TypeError, match="StateSpace"):
        kalman_vae.loss(params._replace(state_space=moves()), films, rng)
    with pytest.raises(ValueError, match="log_variances"):
        kalman_vae.loss(params._replace(log_variances=np.zeros(3)), films, rng)
    one = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    small = lgssm.Parameters(Gaussian(np.zeros(1), np.eye(1)), one, one)
    with pytest.raises(ValueError, match="at least 2 states"):
        kalman_vae.loss(params._replace(state_space=StateSpace(small)), films, rng)
