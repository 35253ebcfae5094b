"""The linear-Gaussian state-space model: a hidden vector that moves, and is seen through noise.

::

    p(x_1)           = N(mu_1, Sigma_1)
    p(x_t | x_{t-1}) = N(A x_{t-1} + B u_{t-1} + a, Sigma_x)
    p(y_t | x_t)     = N(C x_t + c, Sigma_{y|x})

The chain is the hidden Markov model's; only the distributions are others. Inference is the Kalman
filter and the Rauch-Tung-Striebel (RTS) smoother, in `pedagogy_lib.inference.kalman`.

============  ======================================================
`model`       parameters, and sequences drawn from them
`inference`   filter, smoother, log p(y): what section 2.2.2 derives
`learning`    the E step and the M step: what section 7.4 derives
`ready_made`  a level that wanders, and points that are tracked
============  ======================================================

References
----------
Sections 2.2.2 (inference) and 7.4 (learning).
"""

from pedagogy_lib.models.dynamical.lgssm.inference import filter, log_marginal, posterior
from pedagogy_lib.models.dynamical.lgssm.learning import (
    PLAIN,
    Options,
    Statistics,
    expected_statistics,
    maximize,
    observed_statistics,
    start,
)
from pedagogy_lib.models.dynamical.lgssm.model import Parameters, Sample, sample
from pedagogy_lib.models.dynamical.lgssm.ready_made import constant_acceleration, constant_velocity, local_level

__all__ = [
    "PLAIN",
    "Options",
    "Parameters",
    "Sample",
    "Statistics",
    "constant_acceleration",
    "constant_velocity",
    "expected_statistics",
    "filter",
    "local_level",
    "log_marginal",
    "maximize",
    "observed_statistics",
    "posterior",
    "sample",
    "start",
]
