"""Sparse coding with Gaussian recognition distributions: EM that knows how sure a code is.

The generative model is that of `pedagogy_lib.models.static.sparse_coding` with its `Laplace` prior::

    p(x)   = prod_k alpha_k / 2 exp(-alpha_k |x_k|)
    p(y|x) = N(C x, I / lambda)

Its posterior has no closed form. The recognition distribution is a Gaussian for each datum, N(nu, P^-1), with
parameters of its own (*local* parameters). Of all Gaussians the E step finds the one of least free energy, and
the M step the dictionary; the loss bounds the cost of the data, and never rises.

Under a Gaussian the Laplace energy has a mean in closed form, so that nothing is approximated besides the family:

    E|X| = nu erf(nu / (s sqrt 2)) + 2 s^2 N(0; nu, s^2)

No ``log_marginal``: it is what the free energy bounds. The other verbs take ``params`` from
`sparse_coding.start`; ``y`` is array_like of shape (N, D).

`fold` is a building block, and trusts its arguments, which its callers have checked.

References
----------
Section 8.1, Eqs. 8.1-8.11. M. Opper and C. Archambeau (2009), for the Gaussian of least free energy; M.E. Khan
and H. Rue (2023), for the steps by natural gradient.
"""

from itertools import count
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import LOG_TAU
from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.inference.modes import costs
from pedagogy_lib.models.static import sparse_coding
from pedagogy_lib.models.static.sparse_coding import Parameters, sample

__all__ = [
    "Options",
    "Parameters",
    "Recognition",
    "Statistics",
    "Step",
    "expected_statistics",
    "fold",
    "free_energy",
    "maximize",
    "natural_gradient",
    "observed_statistics",
    "posterior",
    "relative_gradient",
    "sample",
    "start",
]


class Recognition(NamedTuple):
    """A Gaussian over the code of each datum.

    means : ndarray, shape (N, K), nu
    covariances : ndarray, shape (N, K, K), P^-1
    """

    means: np.ndarray
    covariances: np.ndarray


class Statistics(NamedTuple):
    """All that the M step needs to know of the data, averaged over N observations.

    params : Parameters, those that gave the codes
    cross : ndarray, shape (D, K), <Y nu^T>
    scatter : ndarray, shape (K, K), <P^-1 + nu nu^T>
    loss : float, the free energy, in nats per observation; NaN for observed codes
    """

    params: Parameters
    cross: np.ndarray
    scatter: np.ndarray
    loss: float


class Step(NamedTuple):
    """One step along the natural gradient.

    iteration : int, from 0
    params : Parameters, after the step
    loss : float, the free energy before it, in nats per observation
    gradient : ndarray, shape (K, K), the relative gradient before it
    """

    iteration: int
    params: Parameters
    loss: float
    gradient: np.ndarray


class Options(NamedTuple):
    """What may be asked of the E step.

    tolerance : float
        It stops when no datum's free energy falls by more than this, in nats.
    steps : int
        And after this many steps in any case.
    """

    tolerance: float = 1e-6
    steps: int = 200


PLAIN = Options()


def start(y, k, precision, rates, rng):
    """Choose a dictionary to start from: see `sparse_coding.start`.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
    precision : float, lambda
    rates : float or array_like of shape (K,), alpha
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    return sparse_coding.start(y, k, precision, Laplace(rates), rng)


def fold(means, variances):
    """The mean of |X| for Gaussian X, and its two derivatives.

    Parameters
    ----------
    means, variances : ndarrays of one shape

    Returns
    -------
    mean : ndarray, E|X|
    slope : ndarray, with respect to the mean of X: erf(nu / (s sqrt 2)), a sign with a soft middle
    curvature : ndarray, twice that with respect to the variance: 2 N(0; nu, s^2)
    """
    s = np.sqrt(variances)
    slope = erf(means / (s * np.sqrt(2)))
    curvature = 2 * np.exp(-0.5 * means**2 / variances) / (s * np.sqrt(2 * np.pi))
    return means * slope + variances * curvature, slope, curvature


def free_energy(params, recognition, y):
    """The free energy of each datum: the bound that both steps lower.

    Parameters
    ----------
    params : Parameters
    recognition : Recognition
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N,)
        In nats; at least -log p(y_n).

    References
    ----------
    Eqs. 8.1, 8.7 and 8.8, with all their constants.
    """
    params, y = _checked_pair(params, y)
    K = params.dictionary.shape[1]
    means = checks.array("recognition.means", recognition.means, (len(y), K))
    covariances = checks.array("recognition.covariances", recognition.covariances, (len(y), K, K))
    covariances = checks.covariance("recognition.covariances", covariances, K)
    return checks.held("params.dictionary", params.dictionary, _free_energy(params, means, covariances, y))


def _free_energy(params, means, covariances, y):
    C, precision, prior = params
    (D, K), rates = C.shape, np.broadcast_to(prior.rates, C.shape[1])
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    misfit = ((y - means @ C.T) ** 2).sum(1) + np.einsum("ij,nji->n", C.T @ C, covariances)  # under Eq. 8.7
    emission = 0.5 * (precision * misfit + D * (LOG_TAU - np.log(precision)))
    source = fold(means, variances)[0] @ rates - np.log(rates / 2).sum()
    entropy = 0.5 * (np.linalg.slogdet(covariances)[1] + K * (LOG_TAU + 1))
    return emission + source - entropy


def posterior(params, y, options=PLAIN, begin=None):
    """Find the Gaussian of least free energy for each datum.

    Each step is one of natural gradient: the precision moves towards the mean Hessian of the energy (Eq. 8.4), and
    the mean against the mean slope (Eq. 8.3), divided by that precision. A step that does not lower the free energy
    of a datum is halved.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    options : Options
    begin : Recognition, optional
        Where to begin; at the prior's moments if not given.

    Returns
    -------
    Recognition
    """
    return _posterior(*_checked_pair(params, y), options, begin)[0]


def _posterior(params, y, options, begin=None):
    C, precision, prior = params
    K, rates = C.shape[1], np.broadcast_to(prior.rates, C.shape[1])
    gram, pull = precision * C.T @ C, precision * y @ C
    if begin is None:
        begin = Recognition(np.zeros((len(y), K)), np.tile(np.diag(2 / rates**2), (len(y), 1, 1)))
    means, covariances = begin
    precisions, energies = np.linalg.inv(covariances), _free_energy(params, means, covariances, y)
    share = np.ones(len(y))
    for _ in range(checks.count("options.steps", options.steps)):
        _, slope, curvature = fold(means, np.diagonal(covariances, axis1=1, axis2=2))
        wanted = gram + costs.diagonals(rates * curvature)  # Eq. 8.4
        new_precisions = precisions + share[:, None, None] * (wanted - precisions)
        new_covariances = np.linalg.inv(new_precisions)
        gradient = means @ gram - pull + rates * slope  # Eq. 8.3
        new_means = means - share[:, None] * np.einsum("nij,nj->ni", new_covariances, gradient)
        new_energies = _free_energy(params, new_means, new_covariances, y)
        better = new_energies <= energies
        fall = np.where(better, energies - new_energies, np.inf)
        means = np.where(better[:, None], new_means, means)
        covariances = np.where(better[:, None, None], new_covariances, covariances)
        precisions = np.where(better[:, None, None], new_precisions, precisions)
        energies = np.where(better, new_energies, energies)
        share = np.where(better, np.minimum(1.0, 1.5 * share), 0.5 * share)
        if ((fall <= options.tolerance) | (share < 1e-8)).all():
            break
    return Recognition(means, 0.5 * (covariances + covariances.transpose(0, 2, 1))), energies


def expected_statistics(params, y, options=PLAIN):
    """The E step: the best Gaussian for each datum, and what it says of the dictionary.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    options : Options

    Returns
    -------
    Statistics
    """
    params, y = _checked_pair(params, y)
    checks.squarable("y", y)
    found, energies = _posterior(params, y, options)
    checks.held("params.dictionary", params.dictionary, energies)
    scatter = found.covariances.mean(0) + found.means.T @ found.means / len(y)
    return Statistics(params, y.T @ found.means / len(y), scatter, float(energies.mean()))


def observed_statistics(codes, y, params):
    """The same statistics for codes that are known. The loss is NaN.

    Parameters
    ----------
    codes : array_like, shape (N, K)
    y : array_like, shape (N, D)
    params : Parameters

    Returns
    -------
    Statistics
    """
    params, y = _checked_pair(params, y)
    x = checks.array("codes", codes, (len(y), params.dictionary.shape[1]))
    return Statistics(params, y.T @ x / len(y), x.T @ x / len(y), np.nan)


def maximize(statistics, options=PLAIN):
    """The M step: the dictionary by the normal equations, no element of it held to any length.

    Long elements with small codes do not come cheap here, as they do where the mode is taken for the code: a
    long element makes the uncertainty of its code dear, by the trace in Eq. 8.8.

    Parameters
    ----------
    statistics : Statistics
    options : Options
        None of them concerns this step.

    Returns
    -------
    Parameters

    References
    ----------
    Eq. 8.9.
    """
    statistics = checks.record("statistics", statistics, cross="DK", scatter="KK")
    dictionary = np.linalg.solve(statistics.scatter, statistics.cross.T).T
    return statistics.params._replace(dictionary=dictionary)


def relative_gradient(params, recognition):
    """The slope of the loss for a dictionary that is multiplied, C (I + S), with respect to S at zero.

    It is C^T dL/dC. After the E step the conditions of Eqs. 8.3 and 8.4 turn the gradient of Eq. 8.9 into

        I - <E'(X) X^T>,    X from the recognition distribution,

    in which neither the data nor the dictionary is left: of Gaussian X, <E'_i X_j> = <E'_i> nu_j + <E''_i> Cov_ij.

    Parameters
    ----------
    params : Parameters
    recognition : Recognition
        That of `posterior` for these parameters, and for the data that are learned from.

    Returns
    -------
    ndarray, shape (K, K)
        The diagonal is 1 - alpha_k <|X_k|>: it is zero where a code is on average as large as its prior says.
    """
    K = costs.checked(params).dictionary.shape[1]
    means = checks.array("recognition.means", recognition.means, ("N", K))
    covariances = checks.array("recognition.covariances", recognition.covariances, (len(means), K, K))
    _, slope, curvature = fold(means, np.diagonal(covariances, axis1=1, axis2=2))
    pulls = slope.T @ means / len(means) + (curvature[:, :, None] * covariances).mean(0)
    return np.eye(K) - np.broadcast_to(params.prior.rates, K)[:, None] * pulls


def natural_gradient(params, y, rate=0.3, options=PLAIN):
    """Learn the dictionary along the natural (relative) gradient, one step at a time, without end.

        C <- C (I - rate C^T dL/dC) = C - rate C C^T dL/dC

    Nothing is inverted, unlike in `maximize`; and the steps multiply, so that they are those of `ica` where there is
    no noise.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    rate : float, above zero
    options : Options

    Yields
    ------
    Step

    References
    ----------
    Below Eq. 8.9. S. Amari, A. Cichocki and H.H. Yang (1996); M.S. Lewicki and T.J. Sejnowski (2000), with one code
    for each datum in the place of a distribution.
    """
    params, y = _checked_pair(params, y)
    rate, recognition = checks.number("rate", rate, above=0), None
    checks.squarable("params.dictionary", params.dictionary)
    for iteration in count():
        recognition, energies = _posterior(params, y, options, recognition)
        G = relative_gradient(params, recognition)
        params = params._replace(dictionary=params.dictionary - rate * params.dictionary @ G)
        yield Step(iteration, params, float(energies.mean()), G)


def _checked_pair(params: Any, y):
    """The parameters, with a `Laplace` prior, and observations that fit them: at least one."""
    params = costs.checked(params)
    if not isinstance(params.prior, Laplace):
        raise ValueError(f"params.prior: expected a Laplace prior, got {type(params.prior).__name__}")
    y = checks.observations("y", y, len(params.dictionary))
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y
