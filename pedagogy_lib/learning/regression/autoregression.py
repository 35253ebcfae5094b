"""Autoregression: the next state from the last p, and the Markov model that this is.

::

    y_t = A_1 y_{t-1} + ... + A_p y_{t-p} + b + noise of covariance Q

When a part of the state is never seen, the last picture does not tell the next, and earlier ones help. Such a model is
a Markov model all the same, of the *stacked* state (y_t, ..., y_{t-p+1}): `lagged` stacks it, and `companion` is its
transition matrix.

References
----------
`state_estimation_4dvar`, "Autoregressive priors". G.U. Yule (1927); F. Takens (1981), "Detecting strange attractors in
turbulence", on when lags are enough.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Parameters(NamedTuple):
    """What there is to know.

    coefficients : ndarray, shape (p, K, K), A_1 ... A_p
    offset : ndarray, shape (K,), b
    covariance : ndarray, shape (K, K), Q
    """

    coefficients: np.ndarray
    offset: np.ndarray
    covariance: np.ndarray


def lagged(y, p):
    """Stack each moment with the p - 1 before it, the latest first.

    Parameters
    ----------
    y : array_like, shape (T, K)
    p : int
        At most T.

    Returns
    -------
    ndarray, shape (T - p + 1, p K)
        The first row is (y_{p-1}, ..., y_0).
    """
    y, p = checks.array("y", y, ("T", "K")), checks.count("p", p)
    if p > len(y):
        raise ValueError(f"p: expected at most {len(y)}, the length of y, got {p}")
    return np.concatenate([y[p - 1 - lag : len(y) - lag] for lag in range(p)], 1)


def fit(y, p):
    """Least squares of each moment on the p before it: maximum likelihood, given the first p.

    Parameters
    ----------
    y : array_like, shape (T, K)
        More than p (K + 1) + 1 moments, not all alike.
    p : int

    Returns
    -------
    Parameters
    """
    y, p = checks.array("y", y, ("T", "K")), checks.count("p", p)
    K, needed = y.shape[1], p * (y.shape[1] + 1) + 1
    if len(y) <= needed:
        raise ValueError(f"y: expected more than {needed} moments for {p} lags of {K} numbers, got {len(y)}")
    inputs = np.column_stack([lagged(y, p)[:-1], np.ones(len(y) - p)])
    found, _, rank, _ = np.linalg.lstsq(inputs, y[p:], rcond=None)
    if rank < inputs.shape[1]:
        raise ValueError(f"y: expected moments that determine {p} lags, got inputs of rank {rank} of {inputs.shape[1]}")
    misfits = y[p:] - inputs @ found
    coefficients = found[:-1].reshape(p, K, K).transpose(0, 2, 1)
    return Parameters(coefficients, found[-1], misfits.T @ misfits / len(misfits))


def companion(coefficients):
    """The transition matrix of the stacked state: the lags predict, and all but the oldest move down by one.

    Parameters
    ----------
    coefficients : array_like, shape (p, K, K)

    Returns
    -------
    ndarray, shape (p K, p K)
    """
    A = checks.array("coefficients", coefficients, ("p", "K", "K"))
    if not len(A):
        raise ValueError(f"coefficients: expected one lag at least, got shape {A.shape}")
    p, K, _ = A.shape
    return np.vstack([A.transpose(1, 0, 2).reshape(K, p * K), np.eye((p - 1) * K, p * K)])


def forecast(params, y, count):
    """The means of the next moments, each from those before it, forecasts included.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, K)
        At least the last p moments.
    count : int

    Returns
    -------
    ndarray, shape (count, K)
    """
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    A = checks.array("params.coefficients", params.coefficients, ("p", "K", "K"))
    b = checks.array("params.offset", params.offset, (A.shape[1],))
    y, count = checks.array("y", y, ("T", A.shape[1])), checks.count("count", count, minimum=0)
    if len(y) < len(A):
        raise ValueError(f"y: expected at least the last {len(A)} moments, got {len(y)}")
    found = list(y)
    for _ in range(count):
        found.append(b + sum(A[lag] @ found[-1 - lag] for lag in range(len(A))))
    return checks.held("params.coefficients", A, np.array(found[len(y) :]).reshape(count, A.shape[1]))
