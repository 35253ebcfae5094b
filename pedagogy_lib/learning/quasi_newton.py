"""Newton's method without a Hessian: its inverse is learnt on the way, from how the slope changes.

References
----------
C.G. Broyden, R. Fletcher, D. Goldfarb and D.F. Shanno (1970), each on his own.
"""

import numpy as np


def bfgs(inverse, step, change):
    """Make the inverse curvature agree with the latest change of slope, if the cost is convex there.

    Parameters
    ----------
    inverse : ndarray, shape (P, P)
        What is believed so far of the inverse of the Hessian: positive definite.
    step, change : ndarray, shape (P,)
        The latest step, and by how much the slope changed along it.

    Returns
    -------
    ndarray, shape (P, P)
        It maps ``change`` to ``step``, and is positive definite still; the same as before where the
        cost is not convex along the step.
    """
    along = step @ change
    if along <= 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
        return inverse
    across = np.eye(len(step)) - np.outer(step, change) / along
    return across @ inverse @ across.T + np.outer(step, step) / along
