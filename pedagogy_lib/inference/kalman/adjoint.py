"""The smoother in its adjoint form: the data are carried back, and no covariance is inverted.

The Rauch-Tung-Striebel smoother divides by Y_{t+1|t}, and so undoes what the dynamics have damped. The
adjoint form writes the same answer as a correction of the prediction::

    x_{t|T} = x_{t|t-1} + Y_{t|t-1} r_t
    Y_{t|T} = Y_{t|t-1} - Y_{t|t-1} N_t Y_{t|t-1}

where r_t and N_t collect what y_t ... y_T have to say. They run backwards through A', which damps what
A damps. (The multipliers of chapter 2.5 run backwards in the same way.)

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
A. Bryson and M. Frazier (1963); P. de Jong (1989). The answers are those of Eqs. 2.50 and 2.55.
"""

import numpy as np

from pedagogy_lib.inference._matrices import solve_root, symmetric
from pedagogy_lib.inference.kalman.results import Smoothed
from pedagogy_lib.inference.kalman.updates import rows


def adjoint_smoother(transition, emission, y, filtered):
    """Smooth one sequence with a model that does not change in time, after `filter_loop` or `filter`.

    Nothing watches the rounding here. Where dynamics damp without noise it is the most accurate form;
    where sensors are very precise and the prior is vague it may lose digits that
    ``smooth(..., method="sqrt")`` keeps.

    Parameters
    ----------
    transition, emission : AffineGaussian
    y : ndarray, shape (T, L), NaN where missing
    filtered : Filtered

    Returns
    -------
    Smoothed
        Without ``gains``.
    """
    A, I = transition.matrix, np.eye(len(transition.matrix))
    x, Y = filtered.predicted_means, filtered.predicted_covariances
    means, covariances, cross_covariances = x.copy(), Y.copy(), np.empty_like(Y[1:])
    r, N = np.zeros(len(A)), np.zeros(A.shape)          # after T there are no data
    for t in range(len(y) - 1, -1, -1):
        if t < len(y) - 1:
            # Cov[x_{t+1}, x_t]: A Y_{t|t}, less what the data from t+1 on tell of it
            cross_covariances[t] = (I - Y[t + 1] @ N) @ A @ filtered.covariances[t]
            r, N = A.T @ r, A.T @ N @ A                 # back through the transition
        seen = ~np.isnan(y[t])
        if seen.any():                                  # back through the update
            C, c, R = rows(emission, seen)
            root = np.linalg.cholesky(symmetric(C @ Y[t] @ C.T + R))
            G = solve_root(root, C)                     # S^-1 C
            keep = I - Y[t] @ C.T @ G                   # I - K C
            # r = C' S^-1 [y - (C x_{t|t-1} + c)] + (I - K C)' r
            r = G.T @ (y[t, seen] - C @ x[t] - c) + keep.T @ r
            # N = C' S^-1 C + (I - K C)' N (I - K C)
            N = C.T @ G + keep.T @ N @ keep
        means[t] += Y[t] @ r                            # x_{t|T} = x_{t|t-1} + Y r
        covariances[t] -= symmetric(Y[t] @ N @ Y[t])    # Y_{t|T} = Y - Y N Y
    return Smoothed(means, covariances, cross_covariances, None)
