"""Inference: which class an observation belongs to, and what it costs, by Bayes' theorem.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
Section 2.1.1, Eqs. 2.6-2.8 and 2.10.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.distributions.emissions import _passes
from pedagogy_lib.models.static.gmm.model import _checked_pair


class Posterior(NamedTuple):
    """What the observations say about their classes.

    probabilities : ndarray, shape (N, K), the responsibilities p(x_k = 1 | y_n); rows sum to one
    log_marginals : ndarray, shape (N,), log p(y_n), what normalized them, in nats
    """

    probabilities: np.ndarray
    log_marginals: np.ndarray


def posterior(params, y, backend="auto"):
    """Infer the classes: p(x_k = 1 | y_n), the responsibility of class k for observation n.

    Parameters
    ----------
    params, y
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    Posterior

    References
    ----------
    Eqs. 2.6-2.8.
    """
    return _posterior(*_checked_pair(params, y), backend)


def _posterior(params, y, backend="auto"):
    """The softmax of the log joint, and what normalizes it; the arguments have been checked."""
    found = Posterior(*_passes.responsibilities(y, *params, backend))
    if not np.isfinite(found.log_marginals).all():
        raise ValueError("y: expected an observation that some class can emit, got one of probability zero")
    return found


def log_marginal(params, y, backend="auto"):
    """Evaluate log p(y_n), what each observation costs (with the sign turned round).

    Parameters
    ----------
    params, y, backend
        As for `posterior`.

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 2.10.
    """
    return _posterior(*_checked_pair(params, y), backend).log_marginals
