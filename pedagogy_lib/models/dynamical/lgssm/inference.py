"""Inference: what a sequence says of its states, by the filter and the smoother of `pedagogy_lib.inference.kalman`.

In all functions ``params`` are `Parameters`; ``y`` is array_like of shape (T, L) or (B, T, L), in which NaN marks what
is missing; ``controls``, optional, is array_like of shape (T - 1, M) or (B, T - 1, M).

References
----------
Section 2.2.2, Eqs. 2.40 and 2.45-2.55.
"""

import numpy as np

from pedagogy_lib.inference import kalman
from pedagogy_lib.models.dynamical.lgssm.model import _pushes


def filter(params, y, controls=None, **options):
    """Infer each state from the observations up to it: p(x_t | y_1 ... y_t), by the Kalman filter.

    Parameters
    ----------
    params, y, controls
    **options
        Of `pedagogy_lib.inference.kalman.filter`.

    Returns
    -------
    pedagogy_lib.inference.kalman.Filtered
    """
    pushes = _pushes(params, controls, np.shape(y)[-2] if np.ndim(y) > 1 else 0)
    return kalman.filter(params.initial, params.transition, params.emission, y, pushes, **options)


def posterior(params, y, controls=None, **options):
    """Infer each state from all of the observations: p(x_t | y_1 ... y_T), by the RTS smoother.

    Parameters
    ----------
    params, y, controls
    **options
        Of `pedagogy_lib.inference.kalman.smooth`.

    Returns
    -------
    pedagogy_lib.inference.kalman.Smoothed
    """
    pushes = _pushes(params, controls, np.shape(y)[-2] if np.ndim(y) > 1 else 0)
    return kalman.smooth(params.initial, params.transition, params.emission, y, pushes, **options)


def log_marginal(params, y, controls=None, **options):
    """Evaluate log p(y_1 ... y_T), what a sequence costs (with the sign turned round).

    Parameters
    ----------
    params, y, controls, **options
        As for `filter`.

    Returns
    -------
    float, or ndarray of shape (B,)
        In nats.

    References
    ----------
    Eq. 2.40.
    """
    return filter(params, y, controls, **options).log_likelihood
