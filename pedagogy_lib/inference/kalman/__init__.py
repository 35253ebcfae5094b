"""The Kalman filter and the Rauch-Tung-Striebel smoother.

The mathematics is in `updates`: four updates, and two loops that run them along a sequence. `filter`
and `smooth` do the same for one sequence or many, compiled where numba is there, and never silently
wrong. A covariance can be updated in three ways, and ``method`` chooses:

``"joseph"``
    The default. A sum of two positive semi-definite terms, which rounding cannot make indefinite.
``"covariance"``
    Y - K C Y, as Eq. 2.47 prints it. The shortest, and the first to lose its digits.
``"sqrt"``
    Carries a triangular root of the covariance (`roots`), and with it twice as many digits, at a price.

No method returns digits that it does not have: where rounding has eaten them it raises
`numpy.linalg.LinAlgError` and names the time step (`guards` for the filter, `growth` for the smoother).

=============  ==================================================================
`updates`      the mathematics: what the book prints
`adjoint`      the smoother written another way, without the inverse of a covariance
`roots`        the same updates on square roots
`results`      what is returned
`passes`       `filter` and `smooth`: checks, groups of sequences, choice of a kernel
`reference`    the two loops in NumPy, for groups of sequences and under guard
`guards`       what the filter watches; `growth`, what the smoother watches
`health`       whether the model is right: tests of the innovations and of the errors
`problem`      arguments, checked; `batches`, sequences grouped and put together
=============  ==================================================================

References
----------
Section 2.2.2, Eqs. 2.45-2.55.
"""

from pedagogy_lib.inference.kalman.adjoint import adjoint_smoother
from pedagogy_lib.inference.kalman.health import consistency, innovations, squared_errors, whiteness
from pedagogy_lib.inference.kalman.passes import METHODS, filter, smooth
from pedagogy_lib.inference.kalman.results import Corrected, Filtered, Smoothed
from pedagogy_lib.inference.kalman.updates import (
    backward_step,
    filter_loop,
    future_conditioning,
    measurement_update,
    smoother_loop,
    time_update,
)

__all__ = [
    "METHODS",
    "Corrected",
    "Filtered",
    "Smoothed",
    "adjoint_smoother",
    "backward_step",
    "consistency",
    "filter",
    "filter_loop",
    "future_conditioning",
    "innovations",
    "measurement_update",
    "smooth",
    "smoother_loop",
    "squared_errors",
    "time_update",
    "whiteness",
]
