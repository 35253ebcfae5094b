"""`kalman.filter` and `kalman.smooth`: arguments checked, sequences grouped, kernels chosen.

Sequences that miss the same observations share all covariances, which are computed once for them. The
work is done by a compiled kernel (`pedagogy_lib.kernels.kalman`) or, without numba, by `reference`.
"""

from functools import partial

from pedagogy_lib import checks, kernels
from pedagogy_lib.inference.kalman import batches, growth, guards, reference
from pedagogy_lib.inference.kalman.problem import checked, checked_filtered, refuse_varying
from pedagogy_lib.inference.kalman.results import Filtered, Smoothed
from pedagogy_lib.inference.kalman.roots import with_roots

METHODS = ("joseph", "covariance", "sqrt")


def filter(
    initial,
    transition,
    emission,
    y,
    inputs=None,
    method="joseph",
    steady_state=False,
    backend="auto",
):
    """Run the Kalman filter along one sequence of observations, or along several.

    Parameters
    ----------
    initial : Gaussian
        p(x_1), of size K; a singular covariance (a known start) is welcome.
    transition : AffineGaussian
        A, a and Q of p(x_{t+1} | x_t). Each of the three may change in time: with a first axis of
        length T-1, row t moves x_t to x_{t+1}. A singular covariance is welcome.
    emission : AffineGaussian
        C, c and R of p(y_t | x_t). Each of the three may change in time: with a first axis of
        length T. A singular covariance is welcome where the state is uncertain enough.
    y : array_like, shape (T, L) or (B, T, L)
        Observations, at least one; NaN marks what is missing, a whole row or single entries.
    inputs : array_like, shape (T-1, K) or (B, T-1, K), optional
        The controls' effect B u_t, in the space of the states; row t pushes x_t to x_{t+1}.
    method : {"joseph", "covariance", "sqrt"}
        How covariances are updated; see above. ``"sqrt"`` is for stiff problems: sensors of very
        different precision, nearly equal sensors, a vague prior with precise data.
    steady_state : bool
        Let the kernel freeze covariances and gains once they have converged. With parameters that
        do not change the covariances approach a limit geometrically; they are frozen when everything
        that remains of the approach sums to less than 1e-15 of the variances. A missing observation
        thaws them. Refused with time-varying parameters (offsets and inputs may vary). The NumPy
        reference has no such short cut, and computes every step.
    backend : {"auto", "numba", "numpy"}
        The compiled kernel, or the NumPy reference; ``"auto"`` takes the kernel if numba is there.

    Returns
    -------
    Filtered

    Raises
    ------
    ValueError
        If an argument has the wrong shape, is not finite, or is no covariance.
    numpy.linalg.LinAlgError
        If the innovation covariance is singular or has lost its digits, with the time step
        (counted from 0). What is returned is accurate to 1e-6 or better, or 1e-5 where the noise of
        the sensors is nearly singular itself: the log-likelihood relative to itself, means and
        covariances relative to their largest entries.

    References
    ----------
    Section 2.2.2, Eqs. 2.45-2.49.
    """
    method = checks.option("method", method, METHODS)
    problem, single = checked(initial, transition, emission, y, inputs)
    run = _filter_of(kernels.choose("kalman", backend), method, steady_state)
    if steady_state:
        refuse_varying(problem)
    given = with_roots(problem) if method == "sqrt" else problem
    parts = [(group, run(given.of(group))) for group in batches.groups(problem.y)]
    return batches.assemble(Filtered, parts, single, own=(0, 2, 4))


def smooth(
    initial,
    transition,
    emission,
    y,
    inputs=None,
    method="joseph",
    filtered=None,
    backend="auto",
):
    """Run the Rauch-Tung-Striebel smoother, after the filter.

    Parameters
    ----------
    initial, transition, emission, y, inputs, method, backend
        As for `filter`.
    filtered : Filtered, optional
        What `filter` returned for the same arguments and the same method, if you have it. Without
        it the filter is run first.

    Returns
    -------
    Smoothed

    Raises
    ------
    ValueError
        As for `filter`.
    numpy.linalg.LinAlgError
        As for `filter`; and if rounding has grown, by an estimate, to 1e-7 of the largest numbers.
        It does where the dynamics damp two states at different rates, without noise, for many
        steps: the smoother undoes the damping. ``method="sqrt"`` goes farther than the others.
        (What a few steps damp to nothing, by factors of ten and more, the estimate may miss.)

    References
    ----------
    Section 2.2.2, Eqs. 2.50-2.55.
    """
    method = checks.option("method", method, METHODS)
    problem, single = checked(initial, transition, emission, y, inputs)
    run = _smoother_of(kernels.choose("kalman", backend), method)
    if filtered is None:
        filtered = filter(initial, transition, emission, y, inputs, method, backend=backend)
    filtered = checked_filtered(filtered, problem, single, method)
    given = with_roots(problem) if method == "sqrt" else problem
    parts = [
        (group, run(given.of(group), batches.of_group(filtered, group, single)))
        for group in batches.groups(problem.y)
    ]
    return batches.assemble(Smoothed, parts, single, own=(0,))


def _filter_of(kernel, method, steady_state):
    """The filter of this kernel, or of the reference: from a problem, the fields of `Filtered`."""
    if kernel is None:
        return partial(reference.filter, method=method)

    def run(problem):
        found = kernel.filter(problem, method, steady_state, guards.DIGITS[method], guards.REACH)
        fields, trouble, t = found
        guards.refuse(kernel, trouble, t, method)
        return fields

    return run


def _smoother_of(kernel, method):
    """The smoother of this kernel, or of the reference: the fields of `Smoothed`, under guard."""

    def run(problem, filtered):
        if kernel is None:
            fields = reference.smooth(problem, filtered, method)
            growth.watch(filtered, fields, method)
            return fields
        fields, may_grow = kernel.smooth(problem, filtered, method)
        if may_grow:
            growth.watch(filtered, fields, method, kernel.follow_rounding)
        return fields

    return run
