"""Noise-contrastive estimation: learning an unnormalized model by telling data from noise.

A classifier is shown N data and nu N draws of noise whose density p_n is known, and has to say which is which. Its log
odds are made of the model,

    h(y)      = -F(y; params) - c - log p_n(y)      the noise's energy less the model's; c stands for log Z (10.3)
    p(data|y) = sigma(h(y) - log nu)                                                    (10.2, where nu is 1)
    loss      = [<-log sigma(h - log nu)>_data + nu <-log sigma(log nu - h)>_noise] / (1 + nu)         (10.4)

F is the model's marginal energy and c one more parameter. With data without end the loss has its least value only
where exp(-F - c) is the density of the data, which is normalized: so c comes out as log Z.

Two relatives need no c, or lose it. `local_loss` sets one datum against K - 1 draws as if both were equally common, so
that its minimum is off by log(K - 1). `conditional_value_and_gradient` compares each datum with a moved copy of itself,
so that the normalizer cancels.

A ``model`` is anything that has, as the modules of `pedagogy_lib.models.undirected` do,

    marginal_energy(params, y)     -log p(y), up to a constant
    phase(params, y, weights)      the weighted sum of -dF/dparams over the rows of y, of the structure of ``params``

``y`` has shape (N, D), a datum in each row; ``ratio`` is nu.

References
----------
Sections 10.1.1 and 10.1.3, Eqs. 10.1-10.4, 10.12, 10.13. M. Gutmann and A. Hyvarinen (2012); C. Ceylan and
M. Gutmann (2018), the conditional form.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from pedagogy_lib import checks


class Parameters(NamedTuple):
    """An unnormalized model's parameters, and its normalizer as one more.

    model : the parameters of the model
    log_normalizer : ndarray, shape (1,), c
    """

    model: Any
    log_normalizer: np.ndarray


class Noise(NamedTuple):
    """What the data are told from.

    sample : callable of (n, rng), returning rows
    log_density : callable of rows, shape (M, D), returning shape (M,), normalized
    """

    sample: Callable
    log_density: Callable


class Fit(NamedTuple):
    """Where the loss of a model that is linear in its parameters has its minimum.

    coefficients : ndarray, shape (P,), d
    log_normalizer : float, c
    """

    coefficients: np.ndarray
    log_normalizer: float


class Against(NamedTuple):
    """A model against fresh noise at every step, as `pedagogy_lib.learning.optimization` takes it.

    model, noise, ratio : as for `value_and_gradient`; ratio times the number of data must be a whole number
    """

    model: Any
    noise: Noise
    ratio: float = 1.0

    def loss(self, params, y, rng):
        """The loss at draws of noise."""
        return self.value_and_gradient(params, y, rng)[0]

    def value_and_gradient(self, params, y, rng):
        """Loss and gradient at draws of noise."""
        count = checks.number("ratio", self.ratio, above=0) * len(y)
        if count < 0.5 or not np.isclose(count, round(count), rtol=1e-12):
            raise ValueError(f"ratio: expected a whole number of draws for {len(y)} data, got {count:g}")
        drawn = self.noise.sample(round(count), checks.generator("rng", rng))
        if len(drawn) != round(count):
            raise ValueError(f"noise.sample: expected {round(count)} rows, as asked for, got {len(drawn)}")
        return value_and_gradient(self.model, params, y, drawn, self.noise.log_density)


def log_ratio(model, params, y, log_noise):
    """The log odds without the shares: h(y) = -F(y) - c - log p_n(y).

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    log_noise : array_like, shape (N,), log p_n at y

    Returns
    -------
    ndarray, shape (N,)

    References
    ----------
    Eq. 10.3.
    """
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected noise_contrastive.Parameters, got {type(params).__name__}")
    c = checks.array("params.log_normalizer", params.log_normalizer, (1,))
    log_noise = checks.array("log_noise", log_noise, (len(y),))
    return -model.marginal_energy(params.model, y) - c - log_noise


def posterior(h, ratio=1.0):
    """The classifier's probability that a row is a datum.

    Parameters
    ----------
    h : array_like, from `log_ratio`
    ratio : float, draws of noise for each datum

    Returns
    -------
    ndarray, of the shape of h

    References
    ----------
    Eq. 10.2.
    """
    return expit(checks.array("h", h) - np.log(checks.number("ratio", ratio, above=0)))


def loss(h_data, h_noise):
    """The classifier's cross entropy per row, in nats.

    Parameters
    ----------
    h_data : array_like, shape (N,), `log_ratio` at the data
    h_noise : array_like, shape (M,), at the noise; the ratio is M / N

    Returns
    -------
    float

    References
    ----------
    Eq. 10.4 where M is N.
    """
    h_data, h_noise = checks.array("h_data", h_data, ("N",)), checks.array("h_noise", h_noise, ("M",))
    return _loss(h_data, h_noise)


def value_and_gradient(model, params, y, drawn, log_density):
    """The loss of a model at data and noise, and its derivative by the model's parameters and by log Z.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    drawn : array_like, shape (M, D), noise
    log_density : callable
        log p_n of rows.

    Returns
    -------
    float, Parameters
    """
    y = checks.array("y", y, ("N", "D"))
    rows = np.concatenate([y, checks.array("drawn", drawn, ("M", y.shape[1]))])
    h, N = log_ratio(model, params, rows, log_density(rows)), len(y)
    is_datum = np.arange(len(rows)) < N
    # dL/dh: what the classifier believes less what is true, as in all logistic regression
    slope = (expit(h - _log_ratio_of_counts(N, len(drawn))) - is_datum) / len(rows)
    of_model = model.phase(params.model, rows, slope)
    return _loss(h[:N], h[N:]), Parameters(of_model, -slope.sum(keepdims=True))


def local_loss(h_positive, h_negative):
    """The loss of "local" NCE: every row by itself, as if data and noise were equally common.

    Parameters
    ----------
    h_positive : array_like, shape (N,)
    h_negative : array_like, shape (N, K - 1)

    Returns
    -------
    float
        Least where exp(h) = p / ((K - 1) p_n), and not where it is p / p_n.

    References
    ----------
    Eq. 10.13, the last line.
    """
    h_positive = _some("h_positive", checks.array("h_positive", h_positive, ("N",)))
    h_negative = checks.array("h_negative", h_negative, (len(h_positive), "K - 1"))
    return float((np.logaddexp(0, -h_positive) + np.logaddexp(0, h_negative).sum(1)).mean())


def conditional_value_and_gradient(model, params, y, moved):
    """The loss of conditional NCE and its derivative: which of two is the datum, and which its moved copy?

    Parameters
    ----------
    params : the parameters of the model alone: there is no normalizer to learn
    y, moved : array_like, shape (N, D)
        Data, and each of them moved by noise that would as readily move it back.

    Returns
    -------
    float, and a gradient of the structure of the parameters

    Notes
    -----
    For noise of deviation s in every direction, small, the loss is log 2 + s^2 / 4 times the loss of implicit score
    matching.
    """
    checks.model("model", model, "marginal_energy", "phase")
    y = _some("y", checks.array("y", y, ("N", "D")))
    moved = checks.array("moved", moved, y.shape)
    rows, N = np.concatenate([y, moved]), len(y)
    F = model.marginal_energy(params, rows)
    doubt = expit(F[:N] - F[N:]) / N                        # sigma(-G), where G = log p(y) - log p(moved)
    gradient = model.phase(params, rows, np.concatenate([-doubt, doubt]))
    return float(np.logaddexp(0, F[:N] - F[N:]).mean()), gradient


def fit(T_data, T_noise, noise_at_data, noise_at_noise, steps=200):
    """Find the minimum for a model whose log density is linear in its parameters, T(y)'d - c, by Newton's method.

    The classifier's log odds are then linear too, so that this is logistic regression: inputs T, an intercept -c, and
    an offset for every row, -log p_n - log nu. The loss has one minimum, if it has any.

    Parameters
    ----------
    T_data, T_noise : array_like, shape (N, P) and (M, P)
        The statistics of data and noise.
    noise_at_data, noise_at_noise : array_like, shape (N,) and (M,), log p_n at each
    steps : int
        The most steps of Newton's method, those included that are taken back.

    Returns
    -------
    Fit

    Raises
    ------
    RuntimeError
        If there is no minimum, because a polynomial (or whatever T is) tells every datum from every draw.
    """
    T_data = _some("T_data", checks.array("T_data", T_data, ("N", "P")))
    T_noise = _some("T_noise", checks.array("T_noise", T_noise, ("M", T_data.shape[1])))
    N, M, steps = len(T_data), len(T_noise), checks.count("steps", steps)
    noise_at_data = checks.array("noise_at_data", noise_at_data, (N,))
    noise_at_noise = checks.array("noise_at_noise", noise_at_noise, (M,))
    T = np.concatenate([T_data, T_noise])
    center, scale = T.mean(0), T.std(0)
    if not (scale > 0).all():
        raise ValueError("T_data, T_noise: expected statistics that vary, got a column of equal numbers")
    inputs = np.column_stack([(T - center) / scale, np.ones(N + M)])
    offsets = -np.concatenate([noise_at_data, noise_at_noise]) - np.log(M / N)
    b = _newton(inputs, np.arange(N + M) < N, offsets, steps)
    d = b[:-1] / scale
    return Fit(d, float(center @ d - b[-1]))


def covariance(scores, log_density, log_noise, weights, ratio):
    """The covariance of NCE's estimates for many data, times their number.

    Parameters
    ----------
    scores : array_like, shape (M, P)
        The derivatives of log p by the parameters at M places; one of the parameters is c, whose column is -1.
    log_density, log_noise : array_like, shape (M,)
        Of the data, which the model can equal, and of the noise.
    weights : array_like, shape (M,)
        The places' share of space, so that ``weights @ f`` is an integral.
    ratio : float
        ``numpy.inf`` gives maximum likelihood, with c its log Z.

    Returns
    -------
    ndarray, shape (P, P)
        Where the noise is thin the integrals may be off: rows of many large numbers say so.

    References
    ----------
    M. Gutmann and A. Hyvarinen (2012), theorem 3.
    """
    log_density = checks.array("log_density", log_density, ("M",))
    shape = log_density.shape
    scores = checks.array("scores", scores, (*shape, "P"))
    log_noise, weights = checks.array("log_noise", log_noise, shape), checks.array("weights", weights, shape)
    if np.ndim(ratio) == 0 and ratio == np.inf:
        believed, spread = np.ones(shape), 1.0
    else:
        ratio = checks.number("ratio", ratio, above=0)
        believed, spread = expit(np.log(ratio) + log_noise - log_density), 1 + 1 / ratio
    mass = weights * np.exp(log_density) * believed          # p times the probability of "noise"
    information = (scores * mass[:, None]).T @ scores
    half = np.linalg.solve(information, mass @ scores)
    found = np.linalg.inv(information) - spread * np.outer(half, half)
    return checks.held("scores, log_density", scores, found)


def _loss(h_data, h_noise):
    """-log of the classifier's probability of the truth, averaged over all rows."""
    log_nu = _log_ratio_of_counts(len(h_data), len(h_noise))
    wrong = np.logaddexp(0, log_nu - h_data).sum() + np.logaddexp(0, h_noise - log_nu).sum()
    return float(wrong / (len(h_data) + len(h_noise)))


def _newton(inputs, is_datum, offsets, steps):
    """Logistic regression: Newton steps, held back as much as it takes to go down."""
    sign = np.where(is_datum, -1.0, 1.0)
    cost = lambda b: np.logaddexp(0, sign * (inputs @ b + offsets)).mean()
    b, damping = np.zeros(inputs.shape[1]), 1e-8
    b[-1] = -np.median(offsets)                             # begin where the classifier is undecided
    value = cost(b)
    for _ in range(steps):
        believed = expit(inputs @ b + offsets)
        gradient = inputs.T @ (believed - is_datum) / len(inputs)
        hessian = (inputs * (believed * (1 - believed))[:, None]).T @ inputs / len(inputs)
        step = np.linalg.solve(hessian + damping * np.eye(len(b)), gradient)
        if gradient @ step < 1e-16 and value > 1e-5:
            return b
        there = cost(b - step)
        if there <= value:
            b, value, damping = b - step, there, damping / 10
        else:
            damping *= 10
    raise RuntimeError(f"fit: no minimum found in {steps} steps, the loss is {value:.2g}: data and noise may lie apart")


def _log_ratio_of_counts(N, M):
    if not (N and M):
        raise ValueError(f"data and noise: expected at least one row of each, got {N} and {M}")
    return np.log(M / N)


def _some(name, rows):
    if not len(rows):
        raise ValueError(f"{name}: expected at least one row, got none")
    return rows
