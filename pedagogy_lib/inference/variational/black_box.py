"""Black-box variational inference: a Gaussian guess for any model whose log density can be evaluated.

The free energy of a guess q(x; phi) is descended by a Monte Carlo gradient. `Guess` is the guess for one
`Target`, in the form that `pedagogy_lib.learning.optimization` takes, so that data may come in batches::

    guess = black_box.Guess(target, size=len(y))
    run = optimization.run(guess, guess.start(x, 0.1), y, rng, iterations=2000)

With the pathwise estimator and `transforms` this is automatic differentiation variational inference (ADVI); with
the score function, the black box in the narrow sense, which asks for no slopes. `laplace` is the classic to compare
with: a Gaussian at the mode, as narrow as the curvature there says.

References
----------
Section 8.4, which is empty in the textbook. R. Ranganath, S. Gerrish and D.M. Blei, "Black box variational
inference" (2014); A. Kucukelbir et al., "Automatic differentiation variational inference" (2017).
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import LOG_TAU, Gaussian
from pedagogy_lib.inference.variational import transforms
from pedagogy_lib.learning.gradient_estimators import score_function

ESTIMATORS = ("pathwise", "score function")


class Target(NamedTuple):
    """What is to be approximated: p(x|y), as a prior and a likelihood, each with its slopes.

    log_prior : callable
        Of x, shape (S, U), a guess in each row; returns values, shape (S,), and slopes, shape (S, U).
    log_likelihood : callable
        The same of x and y, summed over the rows of y.
    transforms : tuple of transforms from `transforms`, for consecutive unknowns, U in all; they have K free
        coordinates in all, as many as unknowns unless one is a `Simplex`
    """

    log_prior: Any
    log_likelihood: Any
    transforms: tuple


class Parameters(NamedTuple):
    """A Gaussian over z, the unknowns in coordinates without bounds: z = mean + L noise.

    mean : ndarray, shape (K,)
    logs : ndarray, shape (K,), the logarithms of L's diagonal
    lower : ndarray, shape (K, K), what of L stands below the diagonal; zero for mean field
    """

    mean: np.ndarray
    logs: np.ndarray
    lower: np.ndarray


def log_joint(target, z, y, share=1.0):
    """log p(z, y) in the coordinates without bounds, and its slopes.

    Parameters
    ----------
    target : Target
    z : array_like, shape (S, K)
    y
        The data, or a batch of them.
    share : float
        Which part of all the data y is: the likelihood is divided by it.

    Returns
    -------
    values : ndarray, shape (S,)
    slopes : ndarray, shape (S, K)
    """
    z, share = _checked_guesses(target, z), checks.number("share", share, above=0)
    x = transforms.forward(target.transforms, z)
    log_volumes, bends = transforms.log_volume(target.transforms, z)
    prior, prior_slopes = _answers("target.log_prior", target.log_prior(x), x.shape)
    data, data_slopes = _answers("target.log_likelihood", target.log_likelihood(x, y), x.shape)
    slopes = transforms.carry(target.transforms, z, prior_slopes + data_slopes / share) + bends
    return prior + data / share + log_volumes, slopes


class Guess(NamedTuple):
    """A Gaussian guess for a target, to be learned by its gradient.

    target : Target
    size : int, the number of all data
    full : bool, whether the unknowns may depend on each other (full rank), or not (mean field)
    draws : int, for each gradient
    estimator : {"pathwise", "score function"}
        The score function is used with its leave-one-out baseline, and so needs two draws at least.
    """

    target: Target
    size: int
    full: bool = False
    draws: int = 8
    estimator: str = "pathwise"

    def start(self, x, deviation):
        """A guess around ``x``, shape (U,), in the unknowns' own units, of one deviation in those without bounds."""
        mean = _free(self.target, x)
        log = np.log(checks.number("deviation", deviation, above=0))
        return Parameters(mean, np.full(len(mean), log), np.zeros((len(mean), len(mean))))

    def value_and_gradient(self, params, y, rng):
        """The free energy for each datum, in nats, from a few draws, and its gradient.

        Parameters
        ----------
        params : Parameters
        y
            The data, or a batch: its length is compared with ``size``.
        rng : numpy.random.Generator

        Returns
        -------
        float, Parameters
        """
        params = _checked(params)
        noise = checks.generator("rng", rng).standard_normal((self.draws, len(params.mean)))
        L = _factor(params)
        values, slopes = log_joint(self.target, params.mean + noise @ L.T, y, len(y) / self.size)
        if checks.option("estimator", self.estimator, ESTIMATORS) == "pathwise":
            mean, factor = slopes.mean(0), slopes.T @ noise / self.draws
        else:
            mean, factor = _by_values(values, noise, L)
        # The entropy of the Gaussian is the sum of the logs and constants: its slope in each log is one.
        entropy = params.logs.sum() + 0.5 * len(L) * (LOG_TAU + 1)
        lower = np.tril(factor, -1) if self.full else np.zeros_like(factor)
        found = Parameters(-mean, -np.diag(factor) * np.exp(params.logs) - 1, -lower)
        return float((-values.mean() - entropy) / self.size), Parameters(*(part / self.size for part in found))

    def loss(self, params, y, rng):
        """The free energy for each datum: see `value_and_gradient`."""
        return self.value_and_gradient(params, y, rng)[0]

    def sample(self, params, n, rng):
        """Draw ``n`` guesses of the unknowns, shape (n, U), in their own units."""
        params = _checked(params)
        noise = checks.generator("rng", rng).standard_normal((checks.count("n", n), len(params.mean)))
        return to_units(self.target, params.mean + noise @ _factor(params).T)

    def importance(self, params, y, n, rng):
        """The effective share of ``n`` importance weights p(x, y) / q(x): near one where the guess is the posterior."""
        params = _checked(params)
        noise = checks.generator("rng", rng).standard_normal((checks.count("n", n), len(params.mean)))
        values, _ = log_joint(self.target, params.mean + noise @ _factor(params).T, y)
        logs = values + 0.5 * (noise**2).sum(1)
        weights = np.exp(logs - logs.max())
        return float(weights.sum() ** 2 / (weights**2).sum() / n)


def gaussian(params):
    """The guess as a Gaussian over z."""
    params = _checked(params)
    L = _factor(params)
    return Gaussian(params.mean, L @ L.T)


def to_units(target, z):
    """The unknowns in their own units, for rows of z."""
    return transforms.forward(target.transforms, _checked_guesses(target, z))


def laplace(target, y, x):
    """Laplace's approximation: the Gaussian over z at the mode, with the curvature that log p has there.

    Parameters
    ----------
    target : Target
    y
        All of the data.
    x : array_like, shape (U,)
        Where the search for the mode begins, in the unknowns' own units.

    Returns
    -------
    Gaussian

    Raises
    ------
    ValueError
        If the curvature at the point found is not that of a mode.
    """
    _checked_target(target)
    begin = _free(target, x)

    def cost(z):
        values, slopes = log_joint(target, z[None], y)
        return -values[0], -slopes[0]

    mode = minimize(cost, begin, jac=True, method="BFGS", options={"gtol": 1e-8}).x
    step = 1e-4 * np.maximum(1.0, np.abs(mode))
    columns = [(cost(mode + h)[1] - cost(mode - h)[1]) / (2 * h.max()) for h in np.diag(step)]
    hessian = 0.5 * (np.array(columns) + np.array(columns).T)
    if np.linalg.eigvalsh(hessian)[0] <= 0:
        raise ValueError("target: expected a mode with curvature in every direction, found none from this start")
    return Gaussian(mode, np.linalg.inv(hessian))


# ------------------------------------------------------------------------------------ pieces


def _free(target, x):
    """The unknowns in coordinates without bounds."""
    x = checks.array("x", x, (transforms.sizes(target.transforms)[1],))
    return transforms.inverse(target.transforms, x)


def _checked_target(target):
    checks.having("target", target, "log_prior", "log_likelihood", "transforms")
    checks.function("target.log_prior", target.log_prior)
    checks.function("target.log_likelihood", target.log_likelihood)
    checks.several("target.transforms", target.transforms)


def _checked_guesses(target, z):
    """Rows of unknowns without bounds."""
    _checked_target(target)
    return checks.array("z", z, ("S", transforms.sizes(target.transforms)[0]))


def _checked(params):
    checks.having("params", params, *Parameters._fields)
    return checks.record("params", params, mean="K", logs="K", lower="KK")


def _factor(params):
    return np.diag(np.exp(params.logs)) + np.tril(params.lower, -1)


def _by_values(values, noise, L):
    """The score-function gradient of E[log p] in the mean and in L, each draw's baseline the mean of the others."""
    # d log q / d mean = L^-T noise, and d log q / d L = L^-T noise noise' less a constant. The constant is left out:
    # what it multiplies, the values less their leave-one-out baselines, sums to zero.
    turned = solve_triangular(L, noise.T, lower=True, trans="T").T
    scores = np.concatenate([turned, (turned[:, :, None] * noise[:, None, :]).reshape(len(noise), -1)], 1)
    found = score_function.terms(scores, values, score_function.LEAVE_ONE_OUT).mean(0)
    return found[: len(L)], found[len(L) :].reshape(L.shape)


def _answers(name, answer, shape):
    values, slopes = answer
    return checks.array(f"{name}, values", values, shape[:1]), checks.array(f"{name}, slopes", slopes, shape)
