"""Linear regression: p(x|y) = N(D y + d, S), fitted to N pairs of an input y and an output x.

Samples are rows here: ``y`` is (N, M) and ``x`` is (N, K). The textbook's data matrices are the
transposes, Y = y' and X = x', so that its X = D Y reads x = y D' below. D is (K, M) in both.

Every fit minimizes a *sum* over the samples, never an average. That matters as soon as there is a prior,
which is counted once and not N times.

References
----------
Section 5.1.1, Eqs. 5.1-5.10.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from pedagogy_lib import checks
from pedagogy_lib.learning import moments

EPS = np.finfo(float).eps
INTERCEPTS = ("center", "column", "none")


class Fit(NamedTuple):
    """An affine map, x = D y + d.

    weights : ndarray, shape (K, M), the textbook's D
    offset : ndarray, shape (K,), its d; zero where there is no intercept
    rank : int, how many combinations of the inputs (with the column of ones, if any) the data tell apart
    """

    weights: np.ndarray
    offset: np.ndarray
    rank: int


class Diagnosis(NamedTuple):
    """What a fit makes of its data.

    residuals : ndarray, shape (N, K), e = x - D y - d
    leverages : ndarray, shape (N,), the weight of each output in its own prediction, from 0 to 1
    noise_covariance : ndarray, shape (K, K), e'e divided by N less the number of coefficients
    standard_errors : ndarray, shape (K, M), of the weights
    offset_errors : ndarray, shape (K,), of the offset; zero where there is no intercept
    """

    residuals: np.ndarray
    leverages: np.ndarray
    noise_covariance: np.ndarray
    standard_errors: np.ndarray
    offset_errors: np.ndarray


def predict(fit, y):
    """The mean of the outputs at each input: D y + d, shape (N, K)."""
    fit = checks.record("fit", fit, weights="KM", offset="K")
    return checks.observations("y", y, fit.weights.shape[1]) @ fit.weights.T + fit.offset


def least_squares(y, x, route="qr", intercept="center"):
    """Choose the map whose squared errors have the smallest sum.

    Parameters
    ----------
    y : array_like, shape (N, M)
        Inputs, a sample in each row.
    x : array_like, shape (N, K)
        Outputs.
    route : {"normal equations", "qr", "svd", "newton", "moments"}
        All arrive at one answer. They differ in rounding, and where the inputs are dependent: there only
        "svd" answers, with the solution of smallest weights (the pseudo-inverse). All but "qr" and "svd" multiply
        the inputs with themselves, and so lose twice as many digits to inputs that nearly agree; nothing watches that.
    intercept : {"center", "column", "none"}
        Take the means away first, append a column of ones to y, or go through the origin.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If shapes do not fit, or the inputs are dependent and the route is not "svd".

    References
    ----------
    Eqs. 5.2, 5.7, 5.8; section 5.1.1.
    """
    y, x = _pairs(y, x)
    checks.option("route", route, (*_ROUTES, "moments"))
    checks.option("intercept", intercept, INTERCEPTS)
    if route == "moments":
        # The arrow whose moments <X>, <X Y'> are the data's; its means are taken away whatever `intercept` says.
        arrow = moments.regress(moments.moments(x, y), offset=intercept != "none", name="y")
        return Fit(arrow[0], arrow[1], y.shape[1] + (intercept == "column"))
    if intercept == "column":
        solution, rank = _ROUTES[route](_with_ones(y), x)
        return Fit(solution[:-1].T, solution[-1], rank)
    y_mean, x_mean = _means(y, x, intercept == "center")
    solution, rank = _ROUTES[route](y - y_mean, x - x_mean)
    return Fit(solution.T, x_mean - solution.T @ y_mean, rank)


def _by_normal_equations(y, x):
    """D = X Y' (Y Y')^-1 (Eq. 5.2), by Cholesky. Forming Y Y' squares the condition number."""
    scale = np.linalg.norm(y, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    z = y / scale                                       # units must not decide about the rank
    wanted = "no combination of which is lost to rounding in the normal equations"
    try:
        L = np.linalg.cholesky(z.T @ z)
    except np.linalg.LinAlgError:
        _refuse_rank(np.linalg.matrix_rank(z.T @ z), y.shape[1], wanted)
    _check_rank(L.T, 2 * np.sqrt(EPS), wanted)          # z = Q L', and z'z has been rounded
    w = solve_triangular(L.T, solve_triangular(L, z.T @ x, lower=True))
    return w / scale[:, None], y.shape[1]


def _by_qr(y, x):
    """y = Q R with orthonormal Q, so that R w = Q'x: the projection, without Y Y'."""
    if len(y) < y.shape[1]:
        _refuse_rank(np.linalg.matrix_rank(y), y.shape[1], "as many samples as inputs at least")
    Q, R = np.linalg.qr(y)
    _check_rank(R, len(y) * EPS, "none a combination of others")
    return solve_triangular(R, Q.T @ x), y.shape[1]


def _by_svd(y, x):
    """The pseudo-inverse: directions that the data do not tell get no weight, hence the smallest solution."""
    U, s, V = _svd(y)
    return V @ (U.T @ x / s[:, None]), len(s)


def _by_newton(y, x):
    """One step from w = 0, along the gradient over the Hessian (Eq. 5.7): exact, for the loss is quadratic."""
    w = np.zeros((y.shape[1], x.shape[1]))
    gradient, hessian = y.T @ (y @ w - x), y.T @ y
    rank = np.linalg.matrix_rank(y)
    if rank < len(w):
        _refuse_rank(rank, len(w), "or the Hessian has no inverse")
    return w - np.linalg.solve(hessian, gradient), len(w)


_ROUTES = {"normal equations": _by_normal_equations, "qr": _by_qr, "svd": _by_svd, "newton": _by_newton}


def weighted(y, x, covariance, intercept=True):
    """Least squares for samples whose errors have unequal variances, or are correlated with each other.

    Parameters
    ----------
    y, x
        As for `least_squares`.
    covariance : array_like, shape (N,) or (N, N)
        Variances of the errors, or their covariance between samples (the textbook's Upsilon), the same for
        each output. Only known up to a factor is enough.
    intercept : bool

    Returns
    -------
    Fit

    Notes
    -----
    D = X Upsilon^-1 Y' (Y Upsilon^-1 Y')^-1. With variances alone: weighted least squares; with a full
    matrix: generalized least squares. The column of ones is decorrelated with the inputs, hence no centering.

    References
    ----------
    Eq. 5.10.
    """
    y, x = _pairs(y, x)
    N, M = y.shape
    inputs = _with_ones(y) if intercept else y
    given = checks.array("covariance", covariance)
    if given.shape == (N,):
        if (given <= 0).any():
            raise ValueError(f"covariance: expected variances above 0, got {given.min():.3g} at {given.argmin()}")
        white_y, white_x = (v / np.sqrt(given)[:, None] for v in (inputs, x))
    else:
        # Any root of Upsilon decorrelates, also one that is not symmetric; Cholesky's is the cheapest.
        L = np.linalg.cholesky(checks.covariance("covariance", given, N, stack=False))
        white_y, white_x = (solve_triangular(L, v, lower=True) for v in (inputs, x))
    w, rank = _by_qr(white_y, white_x)
    return Fit(w[:M].T, w[M] if intercept else np.zeros(x.shape[1]), rank)


def ridge(y, x, prior_covariance, noise_covariance=1.0, intercept=True):
    """The most probable weights, where each row of D is drawn from N(0, prior_covariance) beforehand.

    Parameters
    ----------
    y, x
        As for `least_squares`.
    prior_covariance : float or array_like, shape (M, M)
        Of each row of D: the textbook's Sigma_d.
    noise_covariance : float or array_like, shape (K, K)
        Of the outputs, given the inputs.
    intercept : bool
        Whether there is an offset, about which the prior says nothing.

    Returns
    -------
    Fit

    Notes
    -----
    Minimizes, over the N samples and the K rows of D,

        sum_n (x_n - D y_n)' S^-1 (x_n - D y_n) / 2  +  sum_k d_k' Sigma_d^-1 d_k / 2 .

    Its zero gradient, X Y' = D Y Y' + S D Sigma_d^-1, is Eq. 5.6 for S = sigma^2 I: in averages the prior is
    divided by N. S does not cancel, unlike in Eq. 5.2. The eigenvectors of S turn the outputs into ones of
    independent noise, and each is then a ridge regression of its own.
    """
    y, x = _pairs(y, x)
    N, M = y.shape
    K = x.shape[1]
    prior = _as_covariance("prior_covariance", prior_covariance, M)
    variances, axes = np.linalg.eigh(_as_covariance("noise_covariance", noise_covariance, K))
    y_mean, x_mean = _means(y, x, intercept)
    L = np.linalg.cholesky(prior)                       # d = L v, with v from N(0, I)
    U, s, V = _svd((y - y_mean) @ L)
    shrunk = s[:, None] / (s[:, None] ** 2 + variances) * (U.T @ (x - x_mean) @ axes)
    weights = (L @ V @ shrunk @ axes.T).T
    return Fit(weights, x_mean - weights @ y_mean, M)


def diagnose(fit, y, x, intercept=True):
    """Residuals, leverages and standard errors of a least-squares fit.

    Parameters
    ----------
    fit : Fit
        Of these y and x, by `least_squares`.
    intercept : bool
        Whether the fit has an offset.

    Raises
    ------
    ValueError
        If there are not more samples than coefficients: then no noise can be told.

    References
    ----------
    Eqs. A.3-A.5.
    """
    y, x = _pairs(y, x)
    N, M = y.shape
    inputs = _with_ones(y) if intercept else y
    free = N - inputs.shape[1]
    if free <= 0:
        raise ValueError(f"y: expected more samples than coefficients, got {N} and {inputs.shape[1]}")
    Q, R = np.linalg.qr(inputs)
    _check_rank(R, N * EPS, "none a combination of others")
    predicted = predict(fit, y)
    if predicted.shape != x.shape:
        raise ValueError(f"x: expected {predicted.shape[1]} outputs in each row, as the fit has, got {x.shape[1]}")
    e = x - predicted
    noise = e.T @ e / free
    inverse = solve_triangular(R, np.eye(len(R)))       # Cov[w] = sigma^2 (R'R)^-1
    errors = np.sqrt(np.outer(np.diag(noise), (inverse**2).sum(1)))
    return Diagnosis(e, (Q**2).sum(1), noise, errors[:, :M], errors[:, M] if intercept else np.zeros(x.shape[1]))


def _pairs(y, x):
    """Check inputs and outputs: as many rows of both."""
    y = checks.array("y", y, ("N", "M"))
    if 0 in y.shape:
        raise ValueError(f"y: expected at least one sample and one input, got shape {y.shape}")
    x = checks.array("x", x)
    if x.ndim != 2 or len(x) != len(y):
        hint = f"; reshape it to ({x.size}, 1)" if x.shape == (len(y),) else "; samples are rows"
        raise ValueError(f"x: expected shape ({len(y)}, K), one row for each row of y, got {x.shape}{hint}")
    return y, x


def _means(y, x, center):
    return (y.mean(0), x.mean(0)) if center else (np.zeros(y.shape[1]), np.zeros(x.shape[1]))


def _with_ones(y):
    return np.column_stack([y, np.ones(len(y))])


def _as_covariance(name, value, size):
    if np.ndim(value) == 0:
        return checks.number(name, value, above=0) * np.eye(size)
    return checks.covariance(name, value, size, stack=False)


def _svd(y):
    """Thin SVD, y = U s V', without the directions that are only rounding."""
    U, s, Vt = np.linalg.svd(y, full_matrices=False)
    kept = s > max(y.shape) * EPS * s[0]
    return U[:, kept], s[kept], Vt[kept].T


def _check_rank(triangle, tolerance, wanted):
    """Refuse a triangular factor whose columns, each of length one, are dependent."""
    lengths = np.linalg.norm(triangle, axis=0)
    s = np.linalg.svd(triangle / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    rank = int((s > tolerance * s[0]).sum()) if s[0] > 0 else 0
    if rank < len(triangle):
        _refuse_rank(rank, len(triangle), wanted)


def _refuse_rank(rank, size, wanted):
    raise ValueError(
        f"y: expected {size} independent columns, {wanted}, got rank {rank}; "
        'route="svd" or `ridge` chooses one solution'
    )
