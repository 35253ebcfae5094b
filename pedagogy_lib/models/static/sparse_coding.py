"""Sparse coding: many independent causes, of which only a few act at a time.

::

    p(x)   = prod_k exp(-E_k(x_k)) / Z_k       codes: K of them, heavy-tailed
    p(y|x) = N(C x, I / lambda)                observations: D dimensions, often fewer than K

The factor analyser's Gaussian source becomes one of the priors `Laplace`, `Cauchy` and
`HyperbolicCosine`. With that, two verbs are lost. There is no ``posterior`` and no ``log_marginal``:
none of these priors is conjugate to the Gaussian emission, so neither the posterior nor the
integral that normalises it has a closed form. What can be computed is the posterior's `mode`, and
Laplace's approximation round it: `laplace_approximation`.

References
----------
Section 2.1.3, Eqs. 2.28-2.34; Section 8.1.1 (learning).
"""

from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from pedagogy_lib import checks, kernels
from pedagogy_lib.distributions.gaussian import LOG_TAU
from pedagogy_lib.distributions.heavy_tailed import Cauchy, HyperbolicCosine, Laplace

BACKENDS = ("auto", "numba", "numpy")
#: Elements of the dictionary whose Gram matrix has a smaller pivot than this are taken for dependent.
SINGULAR = 1e-10
#: A rise of the energy up to this size, relative to the energy, is put down to rounding.
ROUNDING = 1e-13


class Parameters(NamedTuple):
    """What there is to know.

    dictionary : ndarray, shape (D, K), the textbook's C; its columns are the elements
    precision : float, above zero, lambda
    prior : Laplace, Cauchy or HyperbolicCosine
    """

    dictionary: np.ndarray
    precision: float
    prior: Any


class Sample(NamedTuple):
    """Draws from the model.

    codes : ndarray, shape (N, K)
    observations : ndarray, shape (N, D)
    """

    codes: np.ndarray
    observations: np.ndarray


class Step(NamedTuple):
    """One step of a search for the modes.

    iteration : int, from 0, the start
    codes : ndarray, shape (N, K)
    energies : ndarray, shape (N,), of the joint (`energy`)
    excess : ndarray, shape (N,), how far the energies are above their minima, divided by
        1 + lambda/2 ||y||^2. Under a `Laplace` prior it is a bound, the duality gap; otherwise it
        is Newton's estimate. It is that before a step of Newton's or a jump of coordinate
        descent, which leave less. Infinite at the start.
    """

    iteration: int
    codes: np.ndarray
    energies: np.ndarray
    excess: np.ndarray


class Approximation(NamedTuple):
    """Laplace's approximation of N posteriors, and of what the observations cost.

    modes : ndarray, shape (N, K), the means of the Gaussians
    precisions : ndarray, shape (N, K, K), the Hessians of the energy there (Eq. 2.31)
    log_marginals : ndarray, shape (N,), approximate log p(y_n) (Eq. 2.32), in nats
    """

    modes: np.ndarray
    precisions: np.ndarray
    log_marginals: np.ndarray


class Statistics(NamedTuple):
    """All that the dictionary's update needs to know of the data, averaged over N observations.

    params : Parameters, those that gave the codes
    cross : ndarray, shape (D, K), <Y X^T>
    scatter : ndarray, shape (K, K), <X X^T>
    loss : float, the mean energy of the joint at the modes, for a start and a fit to compare
    """

    params: Parameters
    cross: np.ndarray
    scatter: np.ndarray
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(sparse_coding, params, y, options=Options(...))``.

    sweeps : int, how often `maximize` goes through the elements of the dictionary
    """

    sweeps: int = 10


PLAIN = Options()


def start(y, k, precision, prior, rng):
    """Choose a dictionary to start learning from: observations, drawn and brought to length one.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
    precision : float
    prior : Laplace, Cauchy or HyperbolicCosine
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    y = checks.array("y", y, ("N", "D"))
    k, rng = checks.count("k", k), checks.generator("rng", rng)
    lengths = np.linalg.norm(y, axis=1)
    usable = np.flatnonzero(lengths)
    if len(usable) < k:
        raise ValueError(f"k: expected at most the number of observations that are not zero, got {k}")
    chosen = rng.choice(usable, k, replace=False)
    return _checked(Parameters((y[chosen] / lengths[chosen, None]).T, precision, prior))


def sample(params, n, rng):
    """Draw ``n`` codes and an observation from each.

    Parameters
    ----------
    params : Parameters
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eq. 2.28.
    """
    C, precision, prior = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    codes = prior.sample((n, C.shape[1]), rng)
    noise = rng.standard_normal((n, len(C))) / np.sqrt(precision)
    return Sample(codes, codes @ C.T + noise)


def energy(params, x, y):
    """The energy of the joint, less its constants: misfit plus price of the codes.

    Parameters
    ----------
    params : Parameters
    x : array_like, shape (N, K)
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N,)
        lambda/2 ||y - C x||^2 + sum_k E_k(x_k).

    References
    ----------
    Section 2.1.3, between Eqs. 2.32 and 2.33.
    """
    params, x, y = _checked_pair(params, x, y)
    return _energy(params, x, y)


def _energy(params, x, y):
    C, precision, prior = params
    misfit = ((y - x @ C.T) ** 2).sum(1)
    return 0.5 * precision * misfit + prior.energy(x).sum(1)


def gradient(params, x, y):
    """The derivative of the energy with respect to the codes.

    Parameters
    ----------
    params, x, y
        As for `energy`.

    Returns
    -------
    ndarray, shape (N, K)
    """
    params, x, y = _checked_pair(params, x, y)
    return _gradient(params, x, y)


def _gradient(params, x, y):
    C, precision, prior = params
    return precision * (x @ C.T - y) @ C + prior.derivative(x)


def hessian(params, x):
    """The second derivative of the energy with respect to the codes.

    Parameters
    ----------
    params : Parameters
        With a prior that has a curvature: not `Laplace`.
    x : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (N, K, K)

    References
    ----------
    Section 2.1.3, between Eqs. 2.32 and 2.33.
    """
    C, precision, prior = _smooth(_checked(params))
    x = checks.observations("x", x, C.shape[1])
    return precision * C.T @ C + _diagonals(prior.curvature(x))


def log_joint(params, x, y):
    """Evaluate log p(x_n, y_n).

    Parameters
    ----------
    params, x, y
        As for `energy`.

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 2.28.
    """
    params, x, y = _checked_pair(params, x, y)
    return -_energy(params, x, y) - _log_normalizer(params)


def _log_normalizer(params):
    """log Z of the joint: that of the prior, and (tau / lambda)^(D/2) of the emission."""
    D, K = params.dictionary.shape
    of_prior = np.broadcast_to(params.prior.log_normalizer(), K).sum()
    return of_prior + 0.5 * D * (LOG_TAU - np.log(params.precision))


# --- the mode of the posterior ---------------------------------------------------------------


def mode(params, y, start=None, *, tolerance=1e-10, max_iterations=10_000, backend="auto"):
    """Find the most probable code of each observation (MAP).

    Coordinate descent under a `Laplace` prior, and otherwise Newton's method. Under a `Cauchy`
    prior there may be several modes; the answer is one of them, and depends on the start.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
        Codes to start from; zeros if not given.
    tolerance : float
        Stop when the energy is above its minimum by no more than this, times 1 + lambda/2 ||y||^2.
    max_iterations : int
    backend : {"auto", "numba", "numpy"}
        Whether coordinate descent is compiled; automatically, where numba is installed.

    Returns
    -------
    ndarray, shape (N, K)

    Raises
    ------
    ValueError
        Besides bad arguments, if the search has not converged after ``max_iterations``.
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    limit = checks.count("max_iterations", max_iterations)
    backend = checks.option("backend", backend, BACKENDS)
    params, y, x = _checked_start(params, y, start)
    kernel = None if backend == "numpy" else kernels.load("sparse", required=backend == "numba")
    if kernel is not None and isinstance(params.prior, Laplace):
        return _compiled(kernel, params, y, x, tolerance, limit)
    search = coordinate_descent if isinstance(params.prior, Laplace) else newton
    for step in islice(search(params, y, x, tolerance=tolerance), limit + 1):
        if (step.excess <= tolerance).all():
            return step.codes
    raise ValueError(_not_converged(int(step.excess.argmax()), tolerance, limit))


def coordinate_descent(params, y, start=None, *, tolerance=0.0, jumps=True):
    """Lower the energy in one coordinate of the code at a time, under a `Laplace` prior.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
    tolerance : float
        A code whose excess (see `Step`) is not above this rests.
    jumps : bool
        Whether a code whose signs a sweep has not changed jumps to the bottom of the parabola that
        the energy is while they do not change, or as far as they do not. Without jumps, elements
        of the dictionary that are nearly parallel take thousands of sweeps to share the work.

    Yields
    ------
    Step
        The start, then one for each sweep through the K coordinates, without end.

    Notes
    -----
    With all coordinates fixed but x_k, and r = y - C x + c_k x_k, the energy is a parabola in x_k
    plus alpha |x_k|. Its minimum is soft(c_k' r, alpha / lambda) / (c_k' c_k).
    """
    params, y, x = _checked_start(params, y, start)
    if not isinstance(params.prior, Laplace):
        raise ValueError(f"params.prior: expected Laplace, got {type(params.prior).__name__}")
    C, precision, prior = params
    gram, step = C.T @ C, 1 / precision
    rates = Laplace(np.broadcast_to(np.asarray(prior.rates, float), C.shape[1]))
    iteration, moving, excess = 0, np.ones(len(y), bool), np.full(len(y), np.inf)
    yield Step(0, x, _energy(params, x, y), excess)
    while True:
        x, excess = x.copy(), excess.copy()
        before = x[moving]
        active = before.copy()
        slack = y[moving] @ C - active @ gram             # C' (y - C x)
        for k in np.flatnonzero(np.diag(gram)):
            target = slack[:, k] + gram[k, k] * active[:, k]
            new = Laplace(rates.rates[k]).proximal(target, step) / gram[k, k]
            slack -= np.outer(new - active[:, k], gram[k])
            active[:, k] = new
        excess[moving] = _duality_gap(params, active, y[moving])
        if jumps:
            steady = (np.sign(active) == np.sign(before)).all(1) & (excess[moving] > tolerance)
            for n in np.flatnonzero(steady):
                active[n] = _jump(gram, step * rates.rates, active[n], slack[n])
        x[moving] = active
        moving = excess > tolerance
        iteration += 1
        yield Step(iteration, x, _energy(params, x, y), excess)


def fista(params, y, start=None, *, accelerated=True):
    """Lower the energy along its smooth part's gradient, then shrink; with momentum.

    Parameters
    ----------
    params : Parameters
        With a prior that has a proximal operator: `Laplace`.
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
    accelerated : bool
        Whether each step starts beyond the last one, carried on by momentum (FISTA), or not (ISTA).

    Yields
    ------
    Step
        The start, then one for each step, without end.

    References
    ----------
    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse
    problems", SIAM J. Imaging Sci. 2 (2009) 183-202. After k steps the energy exceeds its minimum
    by at most 2 L ||x_0 - x*||^2 / (k + 1)^2, with L = lambda ||C||^2.
    """
    params, y, x = _checked_start(params, y, start)
    C, precision, prior = params
    if not hasattr(prior, "proximal"):
        raise ValueError(f"params.prior: expected a prior with a proximal operator, got {type(prior).__name__}")
    lipschitz = precision * np.linalg.norm(C, 2) ** 2
    step = 1 / lipschitz if lipschitz > 0 else 1.0
    yield Step(0, x, _energy(params, x, y), np.full(len(y), np.inf))
    iteration, momentum, ahead = 0, 1.0, x
    while True:
        before = x
        slope = precision * (ahead @ C.T - y) @ C         # of the smooth part, the misfit
        x = prior.proximal(ahead - step * slope, step)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        carried = (momentum - 1) / following if accelerated else 0.0
        ahead, momentum = x + carried * (x - before), following
        iteration += 1
        yield Step(iteration, x, _energy(params, x, y), _duality_gap(params, x, y))


def newton(params, y, start=None, *, tolerance=0.0):
    """Step to the bottom of the parabola that touches the energy, under a smooth prior.

    Where Newton's parabola leads uphill, a wider one is taken that lies above the energy: its
    bottom can only be lower than where it touches. So no step raises the energy.

    Parameters
    ----------
    params : Parameters
        With a prior that has a curvature: not `Laplace`.
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
    tolerance : float
        A code whose excess (see `Step`) was not above this before the step rests.

    Yields
    ------
    Step
        The start, then one for each step, without end.
    """
    params, y, x = _checked_start(params, y, start)
    prior = _smooth(params).prior
    quadratic = params.precision * params.dictionary.T @ params.dictionary
    energies, excess = _energy(params, x, y), np.full(len(y), np.inf)
    yield Step(0, x, energies, excess)
    iteration, moving = 0, np.ones(len(y), bool)
    while True:
        x, energies, excess = x.copy(), energies.copy(), excess.copy()
        at, of = x[moving], y[moving]
        slope, weight, curvature = _gradient(params, at, of), prior.weight(at), prior.curvature(at)
        below = energies[moving] + ROUNDING * np.abs(energies[moving])
        # A negative curvature would point to a maximum, and one of zero nowhere.
        tight = np.where(curvature >= 0, np.maximum(curvature, 1e-8 * weight), weight)
        found = at - _solve(quadratic + _diagonals(tight), slope)
        reached = _energy(params, found, of)
        uphill = reached > below
        if uphill.any():
            wide = quadratic + _diagonals(weight[uphill])
            found[uphill] = at[uphill] - _solve(wide, slope[uphill])
            reached[uphill] = _energy(params, found[uphill], of[uphill])
        # The parabola's bottom lies half of slope times step below.
        excess[moving] = 0.5 * (slope * (at - found)).sum(1) / _scale(params, of)
        x[moving], energies[moving] = found, reached
        moving = excess > tolerance
        iteration += 1
        yield Step(iteration, x, energies, excess)


# --- Laplace's approximation -----------------------------------------------------------------


def laplace_approximation(params, y, sharpness=None, *, modes=None):
    """Put a Gaussian on the mode of each posterior, as curved as the energy is there.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    sharpness : float, optional
        For a `Laplace` prior, which has no curvature, and only for that: the Hessian, and nothing
        else, is that of its smooth neighbour ``prior.smooth(sharpness)``.
    modes : array_like, shape (N, K), optional
        The modes, if they are known; otherwise `mode` finds them.

    Returns
    -------
    Approximation

    Raises
    ------
    ValueError
        If the Hessian is not positive definite at a given mode: then it is none.

    References
    ----------
    Eqs. 2.30-2.32; for the Laplace prior Eqs. 2.33 and 2.34, the latter with -alpha' |x| in the
    exponent.
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    curved = params
    if isinstance(params.prior, Laplace):
        if sharpness is None:
            raise ValueError("sharpness: expected a number above 0, because a Laplace prior has no curvature, got None")
        curved = params._replace(prior=params.prior.smooth(checks.number("sharpness", sharpness, above=0)))
    elif sharpness is not None:
        raise ValueError(f"sharpness: expected None, because the prior is smooth already, got {sharpness!r}")
    if modes is None:
        modes = mode(params, y)
    x = checks.array("modes", modes, (len(y), params.dictionary.shape[1]))
    precisions = hessian(curved, x)                       # Eq. 2.31
    try:
        roots = np.linalg.cholesky(precisions)
    except np.linalg.LinAlgError:
        raise ValueError(
            "modes: expected modes of the posterior, got points where the energy is not curved upwards"
        ) from None
    half_log_determinants = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    # Eq. 2.32: log p(x0, y) + K/2 log tau - 1/2 log |Hessian|
    log_marginals = log_joint(params, x, y) + 0.5 * x.shape[1] * LOG_TAU - half_log_determinants
    return Approximation(x, precisions, log_marginals)


# --- learning, in the simplest way -----------------------------------------------------------


def expected_statistics(params, y, options=PLAIN):
    """Code the data, then treat the modes as if they had been observed.

    Not an expectation under the posterior, which is out of reach: all of its mass is put on the
    mode. Section 8.1.1 does better, with a Gaussian.

    Parameters
    ----------
    params : Parameters
        The elements of the dictionary are at most of length one.
    y : array_like, shape (N, D)
    options : Options
        Of learning; none of them concerns this step.

    Returns
    -------
    Statistics
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    longest = np.linalg.norm(params.dictionary, axis=0).max()
    if longest > 1 + 1e-8:
        raise ValueError(f"params.dictionary: expected columns of length 1 at most, got {longest:.3g}")
    x = mode(params, y)
    return observed_statistics(x, y, params)._replace(loss=float(_energy(params, x, y).mean()))


def observed_statistics(codes, y, params):
    """The same statistics for codes that are known. The loss is NaN.

    Parameters
    ----------
    codes : array_like, shape (N, K)
    y : array_like, shape (N, D)
    params : Parameters
        What the dictionary's update begins at.

    Returns
    -------
    Statistics
    """
    params, x, y = _checked_pair(params, codes, y, "codes")
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return Statistics(params, y.T @ x / len(y), x.T @ x / len(y), np.nan)


def maximize(statistics, options=PLAIN):
    """Move each element of the dictionary to where the codes would have it, in turn.

    No element becomes longer than one. Otherwise long elements and small codes would cost nothing:
    the prior prices the codes, not the dictionary.

    Parameters
    ----------
    statistics : Statistics
    options : Options

    Returns
    -------
    Parameters
        An element that no code uses stays as it is.
    """
    sweeps = checks.count("sweeps", options.sweeps)
    params, cross, scatter, _ = statistics
    C = params.dictionary.copy()
    for _ in range(sweeps):
        for k in np.flatnonzero(np.diag(scatter)):
            # <(Y - C X) X_k> / <X_k^2>: regression of what is left of Y on X_k alone
            c = C[:, k] + (cross[:, k] - C @ scatter[:, k]) / scatter[k, k]
            C[:, k] = c / max(1.0, np.linalg.norm(c))
    return params._replace(dictionary=C)


# --- helpers ---------------------------------------------------------------------------------


def _compiled(kernel, params, y, x, tolerance, limit):
    """Coordinate descent in the kernel."""
    C, precision, prior = params
    K = C.shape[1]
    thresholds = np.broadcast_to(np.asarray(prior.rates, float) / precision, K).copy()
    codes, sweeps = np.array(x, order="C"), np.empty(len(y), np.int64)
    kernel.coordinate_descent(
        C.T @ C, thresholds, y @ C, (y**2).sum(1), 1 / precision, tolerance, SINGULAR, limit, codes, sweeps
    )
    if (sweeps > limit).any():
        raise ValueError(_not_converged(int(sweeps.argmax()), tolerance, limit))
    return codes


def _jump(gram, thresholds, x, slack):
    """One code at the bottom of the parabola of its signs, or where the first of them changes."""
    used = np.flatnonzero(x)
    prices = thresholds[used] * np.sign(x[used])
    root, last = _cholesky(gram[np.ix_(used, used)])
    if last is None:
        # gram x = C'y - threshold sign(x), among those that are used, as a correction of x
        d, longest = cho_solve((root, True), slack[used] - prices), 1.0
    else:
        # Element `last` is a combination of those before it. To exchange them leaves C x as it is:
        # in the cheaper direction, until one is not used any more.
        d, longest = np.zeros(len(used)), np.inf
        d[:last] = -solve_triangular(root[:last, :last].T, root[last, :last])
        d[last] = 1.0
        d *= -1.0 if prices @ d > 0 else 1.0
    zero_at = np.divide(-x[used], d, out=np.full(len(used), np.inf), where=d * x[used] < 0)
    share = min(longest, zero_at.min(initial=np.inf))
    moved = x.copy()
    if share < np.inf:
        moved[used] = np.where(zero_at <= share, 0.0, x[used] + share * d)
    return moved


def _cholesky(gram):
    """The lower root of a Gram matrix, up to the first row that depends on those before it."""
    try:
        root = np.linalg.cholesky(gram)
        if (np.diag(root) ** 2 > SINGULAR * np.diag(gram)).all():
            return root, None
    except np.linalg.LinAlgError:
        pass
    root = np.zeros_like(gram)
    for a, row in enumerate(gram):
        root[a, :a] = solve_triangular(root[:a, :a], row[:a], lower=True) if a else 0.0
        pivot = row[a] - root[a, :a] @ root[a, :a]
        if pivot <= SINGULAR * row[a]:
            return root, a
        root[a, a] = np.sqrt(pivot)
    return root, None                                     # by a hair of rounding


def _not_converged(n, tolerance, limit):
    return (
        f"max_iterations: expected codes within {tolerance:g} of the lowest energy, got code {n} still above "
        f"after {limit}; raise max_iterations or tolerance"
    )


def _duality_gap(params, x, y):
    """How far the energy is above its minimum at most, under a Laplace prior, relative to `_scale`.

    The energy is at least lambda (u'y - u'u / 2), for every u with lambda |c_k'u| <= alpha_k: the
    dual problem. The residual, shrunk until it fits, is such a u, and at the minimum it is the best.
    """
    C, precision, prior = params
    residual = y - x @ C.T
    pull = precision * np.abs(residual @ C)
    room = np.divide(prior.rates, pull, out=np.full_like(pull, np.inf), where=pull > 0)
    shrunk = np.minimum(1.0, room.min(1))[:, None] * residual
    below = precision * ((shrunk * y).sum(1) - 0.5 * (shrunk**2).sum(1))
    return (_energy(params, x, y) - below) / _scale(params, y)


def _scale(params, y):
    """What an excess of energy is compared with: the energy of a code of zeros, and one nat."""
    return 1 + 0.5 * params.precision * (y**2).sum(1)


def _solve(matrices, vectors):
    """One system for each row."""
    return np.linalg.solve(matrices, vectors[..., None])[..., 0]


def _diagonals(rows):
    """A diagonal matrix for each row."""
    return rows[..., None] * np.eye(rows.shape[-1])


def _smooth(params):
    """The same parameters, if their prior has a curvature."""
    if not hasattr(params.prior, "curvature"):
        raise ValueError(
            f"params.prior: expected a smooth prior, got {type(params.prior).__name__}; use prior.smooth(sharpness)"
        )
    return params


def _checked(params):
    """The same parameters, their fields checked against each other."""
    dictionary = checks.array("params.dictionary", params.dictionary, ("D", "K"))
    if 0 in dictionary.shape:
        raise ValueError(f"params.dictionary: expected one row and one column at least, got {dictionary.shape}")
    precision = checks.number("params.precision", params.precision, above=0)
    prior = params.prior
    if not isinstance(prior, (Laplace, Cauchy, HyperbolicCosine)):
        raise ValueError(f"params.prior: expected Laplace, Cauchy or HyperbolicCosine, got {prior!r}")
    for name, value in prior._asdict().items():
        given, K = checks.array(f"params.prior.{name}", value), dictionary.shape[1]
        shapes = ((),) if name == "sharpness" else ((), (K,))
        if given.shape not in shapes or (given <= 0).any():
            expected = "a number above 0" + (f", or {K} of them" if len(shapes) > 1 else "")
            raise ValueError(f"params.prior.{name}: expected {expected}, got {value!r}")
    return Parameters(dictionary, precision, prior)


def _checked_pair(params, x, y, name="x"):
    params = _checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    return params, checks.array(name, x, (len(y), params.dictionary.shape[1])), y


def _checked_start(params, y, start):
    params = _checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    shape = len(y), params.dictionary.shape[1]
    return params, y, np.zeros(shape) if start is None else checks.array("start", start, shape)
