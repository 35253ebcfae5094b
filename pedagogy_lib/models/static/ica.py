"""Independent-components analysis (ICA): observations are mixtures of independent sources.

::

    p(x) = prod_k exp(-E_k(x_k)) / Z_k         sources: K of them, not Gaussian
    y    = C x + m                             observations: K of them, no noise; D = C^-1

Read from y to x, the same model is a discriminative one: unmix by x = D (y - m), squash each output
by its distribution function psi_k, z_k = psi_k(x_k), and make the entropy of z as large as possible
(InfoMax). Both readings have one loss,

    L = <sum_k E_k(X_k) + log Z_k> - log |det D|    =    H[Y] - H[Z].

There is no ``posterior`` and no ``recognize``: the mixing is invertible and without noise, so that
given y there is only one x, which `unmix` returns.

Everywhere ``source`` is the density that the sources are supposed to have, one of
`pedagogy_lib.distributions.sources` or an object of your own, ``params`` are `Parameters`, and ``y``
has shape (N, K). With the logistic density, the default, psi is the logistic function. Wider
observations are brought to K columns by `pedagogy_lib.learning.unmixing.whiten`.

References
----------
Section 5.2.1, Eqs. 5.22-5.28; section 9.1, Eqs. 9.1-9.5. A.J. Bell and T.J. Sejnowski (1995), "An
information-maximization approach to blind separation and blind deconvolution".
"""

from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.sources import LOGISTIC, TWO_BELLS, Several
from pedagogy_lib.learning import relative
from pedagogy_lib.learning.unmixing import whiten
from pedagogy_lib.models.static import _ica_passes


class Parameters(NamedTuple):
    """What there is to know.

    unmixing : ndarray, shape (K, K), invertible, the textbook's D
    mean : ndarray, shape (K,), m
    """

    unmixing: np.ndarray
    mean: np.ndarray


class Sample(NamedTuple):
    """Draws from the model.

    sources : ndarray, shape (N, K)
    observations : ndarray, shape (N, K)
    """

    sources: np.ndarray
    observations: np.ndarray


class Step(NamedTuple):
    """The unmixing was moved.

    iteration : int, from 0
    params : Parameters, after the step
    loss : float, before the step, nats per observation; NaN in `fastica`, which descends none
    excess : float, before the step: the largest entry of the relative gradient, zero at a minimum
        (`fastica`: one less the smallest cosine between a new row and the old one)
    """

    iteration: int
    params: Parameters
    loss: float
    excess: float


class Fit(NamedTuple):
    """Where learning came to rest.

    params : Parameters
    losses : ndarray, one for each step, before it
    converged : bool
    """

    params: Parameters
    losses: np.ndarray
    converged: bool


def start(y, rng):
    """Choose where learning begins: outputs that are white, turned at random.

    Parameters
    ----------
    y : array_like, shape (N, K)
    rng : numpy.random.Generator

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If the observations vary in fewer than K directions: whiten them to fewer columns first.
    """
    rng, white = checks.generator("rng", rng), whiten(y)
    turn, triangle = np.linalg.qr(rng.standard_normal(white.matrix.shape))
    return Parameters(turn * np.sign(np.diag(triangle)) @ white.matrix, white.mean)


def sample(params, n, rng, source=LOGISTIC):
    """Draw ``n`` vectors of sources, and mix them.

    Parameters
    ----------
    params, source
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eqs. 9.1 and 9.2.
    """
    D, m = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    x = source.sample((n, len(m)), rng)
    return Sample(x, np.linalg.solve(D, x.T).T + m)


def unmix(params, y):
    """Recover the sources: x = D (y - m).

    Parameters
    ----------
    params, y

    Returns
    -------
    ndarray, shape (N, K)

    References
    ----------
    Eq. 5.27.
    """
    params, y = _checked_pair(params, y)
    return _unmix(params, y)


def _unmix(params, y):
    """The same, of arguments that have been checked."""
    return (y - params.mean) @ params.unmixing.T


def squash(params, y, source=LOGISTIC):
    """Unmix, and pass every output through its distribution function: z = psi(x).

    Parameters
    ----------
    params, y, source

    Returns
    -------
    ndarray, shape (N, K)
        Between 0 and 1; uniform in the unit cube if the model is true.

    References
    ----------
    Eqs. 5.22, 5.27.
    """
    return source.cumulative(unmix(params, y))


def log_marginal(params, y, source=LOGISTIC):
    """Evaluate log p(y_n), by the change of variables.

    Parameters
    ----------
    params, y, source

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eqs. 5.26, 9.5.
    """
    params, y = _checked_pair(params, y)
    return _log_marginal(params, _unmix(params, y), source)


def _log_marginal(params, x, source):
    """log prod_k psi_k'(x_k) |det D|, of sources that have been unmixed."""
    log_normalizer = np.broadcast_to(source.log_normalizer(), x.shape[1]).sum()
    return -source.energy(x).sum(1) - log_normalizer + np.linalg.slogdet(params.unmixing)[1]


def loss(params, y, rng=None, source=LOGISTIC):
    """Minus the mean log likelihood: the entropy of the data less that of the squashed outputs.

    Parameters
    ----------
    params, y, source
    rng : None
        Not used: nothing here is random.

    Returns
    -------
    float
        In nats per observation.

    References
    ----------
    Eqs. 5.25, 9.4.
    """
    return float(-log_marginal(params, y, source).mean())


def gradient(params, y, rng=None, source=LOGISTIC):
    """The derivative of the loss: <E'(X) (Y - m)^T> - D^-T, and -D^T <E'(X)> for the mean.

    Parameters
    ----------
    params, y, rng, source
        As for `loss`.

    Returns
    -------
    Parameters

    References
    ----------
    Eq. 5.28, where y and the derivative stand in the other order.
    """
    params, y = _checked_pair(params, y)
    D, m = params
    slopes = source.derivative(_unmix(params, y))
    return Parameters(slopes.T @ (y - m) / len(y) - np.linalg.inv(D).T, -D.T @ slopes.mean(0))


class Under(NamedTuple):
    """This model under another source density, as `pedagogy_lib.learning.optimisation` takes it.

    source : the density of the sources
    """

    source: Any

    def loss(self, params, y, rng=None):
        """`loss` under this density."""
        return loss(params, y, rng, self.source)

    def gradient(self, params, y, rng=None):
        """`gradient` under this density."""
        return gradient(params, y, rng, self.source)


# --- learning ----------------------------------------------------------------------------------
# Every step multiplies: D <- (I + step) D, so that it is the same however the sources were mixed.


def natural_gradient(params, y, source=LOGISTIC, rate=0.5):
    """Descend along the natural gradient, one step at a time, without end.

    Parameters
    ----------
    params : Parameters
        The mean stays as it is.
    y, source
    rate : float, above zero

    Yields
    ------
    Step

    References
    ----------
    S. Amari, A. Cichocki and H.H. Yang (1996); J.-F. Cardoso and B. Laheld (1996), who call it the
    relative gradient.
    """
    params, y = _checked_pair(params, y)
    rate, iteration = checks.number("rate", rate, above=0), 0
    while True:
        x = _unmix(params, y)
        G = relative.gradient(source.derivative(x), x)
        cost = float(-_log_marginal(params, x, source).mean())
        params = params._replace(unmixing=params.unmixing - rate * G @ params.unmixing)
        yield Step(iteration, params, cost, float(np.abs(G).max()))
        iteration += 1


def quasi_newton(params, y, source=LOGISTIC):
    """Descend by Newton's method, with the Hessian that independent outputs would have.

    Parameters
    ----------
    params : Parameters
        The mean stays as it is.
    y, source

    Yields
    ------
    Step
        Until rounding lets no step lower the loss any more.

    References
    ----------
    P. Ablin, J.-F. Cardoso and A. Gramfort (2018), "Faster independent component analysis by
    preconditioning with Hessian approximations".
    """
    params, y = _checked_pair(params, y)
    x, iteration = _unmix(params, y), 0
    cost = float(-_log_marginal(params, x, source).mean())
    while True:
        slopes = source.derivative(x)
        G = relative.gradient(slopes, x)
        direction = relative.newton_direction(G, source.curvature(x), slopes, x)
        moved = _shorter_until_lower(params, x, source, direction, cost)
        if moved is None:                                   # uphill only: no better than rounding
            return
        before, (params, x, cost) = cost, moved
        yield Step(iteration, params, before, float(np.abs(G).max()))
        iteration += 1


def _shorter_until_lower(params, x, source, direction, cost):
    """Halve a step until the loss falls: the new parameters, their outputs and their loss."""
    for halving in range(20):
        factor = np.eye(len(direction)) + 0.5**halving * direction
        moved, outputs = params._replace(unmixing=factor @ params.unmixing), x @ factor.T
        lower = float(-_log_marginal(moved, outputs, source).mean())
        if lower < cost:
            return moved, outputs, lower
    return None


def fastica(params, y, source=LOGISTIC):
    """Turn white data until the outputs are independent: Newton's method among the rotations.

    Parameters
    ----------
    params : Parameters
        Only the rotation counts that is nearest to them on the white data.
    y : array_like, shape (N, K)
    source : source density
        Its derivative is the nonlinearity. It only has to be *some* density that is not Gaussian,
        because the sign of each curvature is found from the data; tanh, the usual choice, is that of
        `pedagogy_lib.distributions.sources.SECH`.

    Yields
    ------
    Step
        Outputs are uncorrelated and of variance one after each. The loss is NaN.

    References
    ----------
    A. Hyvarinen (1999), "Fast and robust fixed-point algorithms for independent component analysis".
    """
    params, y = _checked_pair(params, y)
    V, m = whiten(y)
    white = (y - m) @ V.T
    W, iteration = relative.nearest_rotation(params.unmixing @ np.linalg.inv(V)), 0
    while True:
        # <E'(x) v'> and <E''(x)>, where v is a white datum and x = W v
        cross, curvatures = _ica_passes.moments(source, white, W)
        moved = cross - curvatures[:, None] * W
        previous, W = W, relative.nearest_rotation(moved)
        change = 1 - np.abs((previous * W).sum(1)).min()
        yield Step(iteration, Parameters(W @ V, m), np.nan, float(change))
        iteration += 1


def iterate(params, y, method=quasi_newton, source=LOGISTIC):
    """Learn one step at a time, by the method that is given.

    Parameters
    ----------
    params, y, source
    method : generator function
        `quasi_newton`, `natural_gradient` or `fastica`.

    Yields
    ------
    Step
    """
    return method(params, y, source)


def fit(params, y, *, method=quasi_newton, source=LOGISTIC, tolerance=1e-7, max_iterations=1000):
    """Learn until the steps of a method leave nothing to gain.

    Parameters
    ----------
    params, y, source
    method : generator function
        As for `iterate`.
    tolerance : float
        Stop when the ``excess`` of a step is no larger.
    max_iterations : int

    Returns
    -------
    Fit
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    limit = checks.count("max_iterations", max_iterations)
    params, y = _checked_pair(params, y)
    losses, excess = [], np.inf
    for step in islice(iterate(params, y, method, source), limit):
        params, excess = step.params, step.excess
        losses.append(step.loss)
        if not np.isfinite(params.unmixing).all():
            raise FloatingPointError(
                f"unmixing: expected finite numbers, got others at iteration {step.iteration}; try a smaller rate"
            )
        if excess <= tolerance:
            break
    else:
        excess = _excess(params, y, source) if method is quasi_newton else excess
    return Fit(params, np.array(losses), excess <= tolerance)


def adapt(params, y, candidates=(LOGISTIC, TWO_BELLS)):
    """Give every source the density, of some candidates, under which its output is most probable.

    Each output is first brought to the scale that suits a candidate best, and then the candidates are
    compared. So the loss under what is returned is at most that under any other choice among them.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, K)
    candidates : tuple of source densities

    Returns
    -------
    Parameters
        With every row of the unmixing rescaled.
    pedagogy_lib.distributions.sources.Several

    References
    ----------
    The same purpose as the sign of extended InfoMax: T.-W. Lee, M. Girolami and T.J. Sejnowski (1999).
    """
    params, y = _checked_pair(params, y)
    x, K = _unmix(params, y), len(params.mean)
    scales, costs = np.empty((2, len(candidates), K))
    for c, candidate in enumerate(candidates):
        scales[c] = relative.best_scales(x, candidate)
        costs[c] = candidate.energy(x * scales[c]).mean(0) + candidate.log_normalizer() - np.log(scales[c])
    chosen = costs.argmin(0)
    unmixing = scales[chosen, np.arange(K)][:, None] * params.unmixing
    return params._replace(unmixing=unmixing), Several(tuple(candidates[c] for c in chosen))


def fit_adapted(params, y, *, candidates=(LOGISTIC, TWO_BELLS), rounds=10):
    """Learn, adapt the densities, and learn again, until no source changes its density.

    Parameters
    ----------
    params, y
    candidates : tuple of source densities
    rounds : int, at most

    Returns
    -------
    Fit
    pedagogy_lib.distributions.sources.Several
    """
    found, source = fit(params, y, method=fastica, tolerance=1e-4), None
    for _ in range(checks.count("rounds", rounds)):
        params, adapted = adapt(found.params, y, candidates)
        if adapted == source:
            break
        source = adapted
        found = fit(params, y, source=source)
    return found, source


def _excess(params, y, source):
    """The largest entry of the relative gradient."""
    x = _unmix(params, y)
    return float(np.abs(relative.gradient(source.derivative(x), x)).max())


def _checked(params):
    """The same parameters, checked against each other."""
    D = checks.array("params.unmixing", params.unmixing, ("K", "K"))
    K = len(D)
    if D.shape != (K, K) or K == 0:
        raise ValueError(f"params.unmixing: expected shape (K, K), got {D.shape}")
    mean = checks.array("params.mean", params.mean, (K,))
    if _is_singular(D):
        raise ValueError("params.unmixing: expected an invertible matrix, got one with dependent rows")
    return Parameters(D, mean)


def _is_singular(D):
    """Whether no inverse is left, to rounding: the units of columns and then of rows are taken out first."""
    for axis in (0, 1):
        lengths = np.linalg.norm(D, axis=axis, keepdims=True)
        if not lengths.all():
            return True
        D = D / lengths
    return np.linalg.cond(D) > 1e14


def _checked_pair(params, y):
    """Parameters, and observations of their width."""
    params = _checked(params)
    y = checks.observations("y", y, len(params.mean))
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y
