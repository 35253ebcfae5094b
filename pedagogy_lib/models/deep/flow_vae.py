"""Variational autoencoder with a richer guess: a Gaussian with a full covariance, bent by planar layers.

::

    generative model     x ~ N(0, I),   y | x from the emission network                    (as in `vae`)
    recognition model    x_0 = nu + L e,   e ~ N(0, I),   L lower triangular
                         x_m = x_(m-1) + u_m tanh(w_m'x_(m-1) + b_m),   m = 1 ... M,   x = x_M

    log q(x|y) = log N(e; 0, I) - sum_k log L_kk - sum_m log|1 + w_m'u_m (1 - tanh^2)|

The numbers nu, L, u, w and b belong to one datum. A network gives them for all (*amortized*), or they are learned
for each datum by themselves (`Local`), which says how good a guess of this family could be. With M = 0 the guess
is a Gaussian whose latents may be correlated; each planar layer squeezes or stretches the latents across one more
line.

``y`` has shape (N, D), a datum in each row; ``params`` are `Parameters`. ``posterior`` and ``maximize`` are missing,
as in `vae`: the integral over x has no closed form, and all weights are learned by their gradient.

References
----------
Sections 8.2 and 9.2. D.J. Rezende and S. Mohamed (2015), Eqs. 10-14 and appendix A.1. Local and amortized guesses:
C. Cremer, X. Li and D. Duvenaud (2018).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.networks import feedforward
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.models.deep import _emissions, _planes
from pedagogy_lib.models.deep._emissions import log_normal, slopes, surprisals


class Parameters(NamedTuple):
    """Two networks.

    recognition : tuple of layers, from D inputs to as many linear units as `width` says
    emission : tuple of layers, from K inputs to D units; the last is one of `outputs`
    log_noise : ndarray, shape (1,) or (D,), the logarithm of the emission's variance; None unless Gaussian
    """

    recognition: tuple
    emission: tuple
    log_noise: np.ndarray | None


class Guess(NamedTuple):
    """The recognition distribution of each datum, in numbers.

    means : ndarray, shape (N, K), nu
    factors : ndarray, shape (N, K, K), L
    pushes : ndarray, shape (N, M, K), u before it is moved; see `bijections.Planar`
    normals : ndarray, shape (N, M, K), w
    offsets : ndarray, shape (N, M), b
    """

    means: np.ndarray
    factors: np.ndarray
    pushes: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray


class Sample(NamedTuple):
    """Latents of shape (n, K), and observations of shape (n, D)."""

    latents: np.ndarray
    observations: np.ndarray


class Draws(NamedTuple):
    """Latents of shape (N, K), and the logarithm of the guess's density there, shape (N,)."""

    latents: np.ndarray
    log_density: np.ndarray


def width(latents, planes):
    """The numbers of one guess: K means, K log L_kk, K(K-1)/2 below them, and 2K + 1 for each planar layer."""
    K, M = checks.count("latents", latents, minimum=1), checks.count("planes", planes, minimum=0)
    return 2 * K + K * (K - 1) // 2 + M * (2 * K + 1)


def start(y, latents, planes, hidden, layer, output, rng):
    """Draw weights to start learning from.

    Parameters
    ----------
    y : array_like, shape (N, D)
    latents, planes : int, K and M
    hidden, layer, output, rng
        As for `vae.start`.

    Returns
    -------
    Parameters
        Of the type of ``y``: float32 if it is, else float64.
    """
    units = width(latents, planes)
    recognition, emission, log_noise = _emissions.start(y, latents, units, hidden, layer, output, rng)
    biases = recognition[-1].biases.copy()
    biases[width(latents, 0) :] = rng.standard_normal(units - width(latents, 0))    # a plane needs a direction
    recognition = (*recognition[:-1], recognition[-1]._replace(biases=biases))
    params = Parameters(recognition, emission, log_noise)
    _checked(params, y)
    return params


def sample(params, n, rng):
    """Draw sources, and data from them.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    _check(params)
    rng, first = checks.generator("rng", rng), params.emission[0].weights
    x = rng.standard_normal((checks.count("n", n), first.shape[1])).astype(first.dtype)
    return Sample(x, _emissions.sample(params, x, rng))


def recognize(params, y):
    """The guess for each datum, from the network.

    Returns
    -------
    Guess
    """
    y = _checked(params, y)
    return guess(feedforward.run(params.recognition, y).output, _latents(params))


def guess(numbers, latents):
    """Read guesses off rows of numbers, as the network gives them and `Local` learns them.

    Parameters
    ----------
    numbers : array_like, shape (N, U), in the order of `width`
    latents : int, K

    Returns
    -------
    Guess
    """
    numbers = checks.array("numbers", numbers, ("N", "U"))
    K = checks.count("latents", latents, minimum=1)
    _planes_of(numbers.shape[1], K, "numbers", "columns")
    return _read(numbers, K)


def bend(q, noise):
    """Take standard Gaussian numbers to latents, by the guess of each datum.

    Parameters
    ----------
    q : Guess
    noise : array_like, shape (N, K), e

    Returns
    -------
    Draws
    """
    q = checks.record("q", q, means="NK", factors="NKK", pushes="NMK", normals="NMK", offsets="NM")
    noise = checks.array("noise", noise, q.means.shape)
    x, log_density, _ = _run(q, noise)
    return Draws(x, log_density)


def loss(params, y, rng):
    """Minus the evidence lower bound (ELBO), from one draw of the source for each datum, in nats per datum."""
    return value_and_gradient(params, y, rng)[0]


def value_and_gradient(params, y, rng):
    """The loss and its gradient, from one pass through both networks and back.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    float, Parameters
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    up = feedforward.run(params.recognition, y)
    value, to_numbers, emission, to_noise = _bound(params, up.output, y, rng)
    recognition = feedforward.run_back(params.recognition, up, to_numbers, False)
    return value, Parameters(recognition.params, emission.params, to_noise)


def log_marginal(params, y, rng, samples=100):
    """Estimate log p(y) by importance sampling; as `vae.log_marginal`, from this guess.

    Returns
    -------
    ndarray, shape (N,)
    """
    y, rng = _checked(params, y), checks.generator("rng", rng)
    q, log_weights = _read(feedforward.run(params.recognition, y).output, _latents(params)), []
    for _ in range(checks.count("samples", samples, minimum=1)):
        x, log_density, _ = _run(q, rng.standard_normal(q.means.shape).astype(q.means.dtype))
        eta = feedforward.run(params.emission, x).output
        log_weights.append(log_normal(x) - surprisals(params, eta, y) - log_density)
    return parameters.held(params, logsumexp(log_weights, axis=0) - np.log(samples))


class Local(NamedTuple):
    """The same loss with guesses that are learned for each datum by themselves (Eq. 8.2), the emission held.

    As `pedagogy_lib.learning.optimization` takes a model: its parameters are rows of numbers, shape (N, U), one
    for each datum, as `guess` reads them.

    emission, log_noise : as in `Parameters`
    copies : int, draws for each datum and step
    correlated : bool, whether L may have entries below its diagonal
    """

    emission: tuple
    log_noise: np.ndarray | None
    copies: int = 10
    correlated: bool = True

    def loss(self, numbers, y, rng):
        """Minus the bound, averaged over data and draws, in nats."""
        return self.value_and_gradient(numbers, y, rng)[0]

    def value_and_gradient(self, numbers, y, rng):
        """The loss and its gradient in the numbers, shape (N, U)."""
        _emissions.check(self)
        y, rng = _emissions.data(self, y), checks.generator("rng", rng)
        copies, K = checks.count("copies", self.copies, minimum=1), _latents(self)
        numbers = checks.array("numbers", numbers, (len(y), "U"))
        _planes_of(numbers.shape[1], K, "numbers", "columns")
        value, slope, *_ = _bound(self, np.tile(numbers, (copies, 1)), np.tile(y, (copies, 1)), rng)
        slope = slope.reshape(copies, *numbers.shape).sum(0)
        if not self.correlated:
            slope[:, 2 * K : width(K, 0)] = 0
        return value, slope


# --- the pieces ---------------------------------------------------------------------------------


def _bound(params, numbers, y, rng):
    """<-log p(y|x) - log p(x) + log q(x|y)> with one draw for each row, and its slopes.

    Returns
    -------
    float; slope in the numbers, (N, U); `feedforward.Gradients` of the emission; slope in the log noise
    """
    q = _read(numbers, _latents(params))
    noise = rng.standard_normal(q.means.shape).astype(q.means.dtype)
    x, log_density, passages = _run(q, noise)
    down = feedforward.run(params.emission, x)
    value = (surprisals(params, down.output, y) - log_normal(x) + log_density).mean()
    slope, to_noise = slopes(params, down.output, y)
    emission = feedforward.run_back(params.emission, down, slope, input_gradient=True)
    to_x = emission.inputs + x / len(y)                         # the prior's slope is x
    return float(value), _run_back(q, noise, passages, to_x), emission, to_noise


def _run(q, noise):
    """x = x_M, log q(x), and the passages through the planar layers."""
    if not (q.normals * q.normals).sum(-1).all():
        raise ValueError("normals: expected vectors with a direction, for each plane, got zeros among the numbers")
    x = q.means + np.einsum("nij,nj->ni", q.factors, noise)
    log_density = log_normal(noise) - np.log(np.einsum("nii->ni", q.factors)).sum(1)
    passages = []
    for m in range(q.offsets.shape[1]):
        passages.append(_planes.run(x, q.pushes[:, m], q.normals[:, m], q.offsets[:, m]))
        x, log_density = passages[-1].output, log_density - passages[-1].log_volume
    return x, log_density, passages


def _run_back(q, noise, passages, to_x):
    """The slope in the numbers of each guess, shape (N, U), from that in x and that of log q, which is 1/N."""
    N, K = noise.shape
    share = to_x.dtype.type(1 / N)
    of_planes = []
    for passage in reversed(passages):
        to_x, *of_plane = _planes.run_back(passage.kept, to_x, np.full(N, -share))
        of_planes.insert(0, np.column_stack(of_plane))
    to_factor = to_x[:, :, None] * noise[:, None]
    diagonal = np.einsum("nii->ni", to_factor) * np.einsum("nii->ni", q.factors) - share    # L_kk = exp(number)
    below = to_factor[:, *np.tril_indices(K, -1)]
    return np.hstack([to_x, diagonal, below, *of_planes])


def _read(numbers, K):
    """Rows of numbers as a Guess."""
    means, diagonals, below, planes = np.split(numbers, np.cumsum([K, K, K * (K - 1) // 2]), axis=1)
    factors = np.zeros((len(numbers), K, K), numbers.dtype)
    factors[:, *np.diag_indices(K)] = np.exp(diagonals)
    factors[:, *np.tril_indices(K, -1)] = below
    planes = planes.reshape(len(numbers), -1, 2 * K + 1)
    return Guess(means, factors, planes[..., :K], planes[..., K : 2 * K], planes[..., 2 * K])


def _latents(params):
    return params.emission[0].weights.shape[1]


# --- checks -------------------------------------------------------------------------------------


def _planes_of(units, K, name, what):
    """The number of planar layers in so many numbers."""
    planes, rest = divmod(units - width(K, 0), 2 * K + 1)
    if planes < 0 or rest:
        raise ValueError(
            f"{name}: expected {width(K, 0)} {what} and {2 * K + 1} for each planar layer, got {units} for {K} latents"
        )
    return planes


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    feedforward.check_layers(params.recognition, "params.recognition")
    _emissions.check(params)
    last = params.recognition[-1]
    if type(last) is not Linear:
        raise TypeError(f"params.recognition[-1]: expected Linear, got {type(last).__name__}")
    _planes_of(len(last.biases), _latents(params), "params.recognition[-1]", "units")


def _checked(params, y):
    _check(params)
    return _emissions.data(params, y, params.recognition[0])
