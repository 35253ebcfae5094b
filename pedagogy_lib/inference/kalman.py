"""The Kalman filter and the Rauch-Tung-Striebel smoother.

The model is a chain of Gaussian states with one Gaussian observation of each::

    p(x_1)         = N(mu_1, Sigma_1)                     initial
    p(x_t|x_{t-1}) = N(A x_{t-1} + B u_{t-1} + a, Q)      transition
    p(y_t|x_t)     = N(C x_t + c, R)                      emission

(The textbook's Sigma_x is Q here, and its Sigma_{y|x} is R.) A belief carries two indices:
x_{t|s} and Y_{t|s} are the mean and the covariance of x_t given y_1 ... y_s. The filter
alternates `time_update` and `measurement_update`; the smoother walks back with
`future_conditioning` and `backward_step`. These four functions say what is computed; `filter` and
`smooth` run them along a sequence, or run the compiled kernel that does the same work.

A covariance can be updated in three ways, and ``method`` chooses:

``"joseph"``
    The default. A sum of two positive semi-definite terms, which rounding cannot make indefinite.
``"covariance"``
    Y - K C Y, as Eq. 2.47 prints it. The shortest, and the first to lose its digits.
``"sqrt"``
    Carries a triangular root of the covariance, and with it twice as many digits, at a price.

No method returns digits that it does not have: where rounding has eaten them it raises
`numpy.linalg.LinAlgError` and names the time step.

References
----------
Section 2.2.2, Eqs. 2.45-2.55, which apply Eqs. 2.26 and 2.27 of Section 2.1.2.
"""

from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from pedagogy_lib import checks, kernels
from pedagogy_lib.distributions.gaussian import LOG_TAU, Gaussian
from pedagogy_lib.inference import _sequences as sequences
from pedagogy_lib.inference._matrices import (
    covariance_root,
    sizes,
    solve_lower,
    solve_root,
    solve_semidefinite,
    squares,
    symmetric,
    triangular,
)

METHODS = ("joseph", "covariance", "sqrt")
BACKENDS = ("auto", "numba", "numpy")

#: How far the variance of an observation may fall below what it was: half of the digits; on
#: roots, where a variance of 1e-24 has a root of 1e-12, about all of them.
DIGITS = {"joseph": 1.5e-8, "covariance": 1.5e-8, "sqrt": 1e-24}
#: How many standard deviations from zero an observation may lie, before its own rounding counts.
REACH = 4e10
#: Of a state whose deviation is only rounding of this the future tells nothing: its square is near
#: the end of the numbers, where they have fewer digits, down to none.
NOTHING = 1e-120
#: A step that no sequence reaches.
NEVER = 2**62

NOT_DEFINITE = (
    "the covariance of y, C Y C' + R, is not positive definite. Give emission.covariance more "
    "variance, leave out sensors that repeat others exactly, or use method='sqrt'"
)
LOST = {
    "joseph": (
        "the covariance of y has lost its digits: an entry is known, from earlier or from other "
        "entries, to half of all digits or more. Use method='sqrt'"
    ),
    "sqrt": (
        "the covariance of y has lost its digits, even on square roots. Bring the precisions of "
        "the sensors and of the initial state nearer to each other"
    ),
}
LOST["covariance"] = LOST["joseph"]
CANCELLED = (
    "the covariance of x has lost its digits in Y - K C Y. Use method='joseph' or method='sqrt'"
)
GROWN = (
    "the smoother has lost its digits: where the dynamics damp a state without noise, it undoes the "
    "damping, and rounding grows. Give transition.covariance a little variance in every direction"
)
OUT_OF_REACH = (
    "y lies so many standard deviations from zero that its own rounding counts. Subtract a "
    "constant from y and from emission.offset before it is rounded"
)


class Filtered(NamedTuple):
    """What the filter found. B sequences add a first axis of length B to every field.

    predicted_means : ndarray, shape (T, K), the textbook's x_{t|t-1} (Eq. 2.46)
    predicted_covariances : ndarray, shape (T, K, K), Y_{t|t-1} (Eq. 2.46)
    means : ndarray, shape (T, K), x_{t|t} (Eq. 2.45)
    covariances : ndarray, shape (T, K, K), Y_{t|t} (Eq. 2.45)
    log_likelihoods : ndarray, shape (T,), log p(y_t | y_1 ... y_{t-1}), 0 where y_t is missing
    roots : ndarray, shape (T, K, K), or None; with ``method="sqrt"`` the lower triangular roots
        of ``covariances``, which the smoother needs to keep its digits

    Sequences that miss the same observations share their covariances: these are then one array
    seen B times, and read-only.
    """

    predicted_means: np.ndarray
    predicted_covariances: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    log_likelihoods: np.ndarray
    roots: np.ndarray | None = None

    @property
    def log_likelihood(self):
        """log p(y_1 ... y_T), a number, or shape (B,) (Eq. 2.40)."""
        return self.log_likelihoods.sum(-1)


class Corrected(NamedTuple):
    """What one observation changed.

    belief : Gaussian, p(x_t | y_1 ... y_t)
    log_likelihood : float, or ndarray of shape (B,), log p(y_t | y_1 ... y_{t-1})
    innovation_root : ndarray, shape (L, L), lower triangular root of the covariance of y_t; where
        its diagonal is small against its rows, digits are lost
    """

    belief: tuple
    log_likelihood: float
    innovation_root: np.ndarray


class Smoothed(NamedTuple):
    """What the smoother found. B sequences add a first axis of length B to every field.

    means : ndarray, shape (T, K), x_{t|T} (Eq. 2.50)
    covariances : ndarray, shape (T, K, K), Y_{t|T} (Eq. 2.50)
    cross_covariances : ndarray, shape (T-1, K, K); row t is Cov[x_{t+1}, x_t | y_1 ... y_T],
        counting from 0 (Eq. 2.55)
    gains : ndarray, shape (T-1, K, K), J_t (Eq. 2.53)
    """

    means: np.ndarray
    covariances: np.ndarray
    cross_covariances: np.ndarray
    gains: np.ndarray


# ------------------------------------------------------------------ the four half-updates


def time_update(belief, transition, push=0.0):
    """Move the belief one step on, without looking: p(x_t | y_1 ... y_{t-1}).

    Parameters
    ----------
    belief : Gaussian
        x_{t-1|t-1}, shape (K,), or (B, K) for B sequences, and Y_{t-1|t-1}, shape (K, K).
    transition : AffineGaussian
        A, a and Q.
    push : array_like, broadcast to the mean
        The control's B u_{t-1}.

    Returns
    -------
    Gaussian
        x_{t|t-1} and Y_{t|t-1}.

    References
    ----------
    Eq. 2.48, which is Eq. 2.26 on the arrow x_{t-1} -> x_t.
    """
    x, Y = belief
    A, a, Q = transition
    return Gaussian(
        x @ A.T + push + a,             # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a
        symmetric(A @ Y @ A.T + Q),     # Y_{t|t-1} = A Y_{t-1|t-1} A' + Q
    )


def measurement_update(belief, emission, y, method="joseph"):
    """Look, and let the observation correct the belief: p(x_t | y_1 ... y_t).

    Parameters
    ----------
    belief : Gaussian
        x_{t|t-1}, shape (K,) or (B, K), and Y_{t|t-1}, shape (K, K).
    emission : AffineGaussian
        C, c and R.
    y : ndarray, shape (L,) or (B, L)
    method : {"joseph", "covariance"}

    Returns
    -------
    Corrected
        Its ``belief`` is x_{t|t} and Y_{t|t}.

    References
    ----------
    Eq. 2.47, which is Eq. 2.27 on the arrow x_t -> y_t; Eq. 2.40 for the log-likelihood.
    """
    x, Y = belief
    C, c, R = emission
    S = symmetric(C @ Y @ C.T + R)                      # the covariance of y, Eq. 2.26
    root = innovation_root(S)
    K = solve_root(root, C @ Y).T                       # K = Y C' S^-1
    innovation = y - (x @ C.T + c)
    belief = Gaussian(
        x + innovation @ K.T,                           # x_{t|t} = x_{t|t-1} + K [y - (C x + c)]
        posterior_covariance(Y, C, R, K, method),       # Y_{t|t} = Y - K C Y
    )
    return Corrected(belief, log_density(innovation, root), root)


def future_conditioning(filtered, transition, method="joseph"):
    """Turn the transition round: p(x_{t-1} | x_t, y_1 ... y_{t-1}).

    Its mean is a function of x_t: x_{t-1|t-1} + J (x_t - x_{t|t-1}).

    Parameters
    ----------
    filtered : Gaussian
        x_{t-1|t-1} and Y_{t-1|t-1}.
    transition : AffineGaussian
        A, a and Q.
    method : {"joseph", "covariance"}

    Returns
    -------
    gain : ndarray, shape (K, K)
        J_{t-1}.
    covariance : ndarray, shape (K, K)
        Y_{t-1|t,T}, the same for every x_t.

    References
    ----------
    Eq. 2.53, which is Eq. 2.27 on the arrow x_{t-1} -> x_t.
    """
    Y = filtered.covariance
    A, _, Q = transition
    predicted = symmetric(A @ Y @ A.T + Q)              # Y_{t|t-1}
    J = solve_semidefinite(predicted, A @ Y).T          # J = Y A' Y_{t|t-1}^-1
    return J, posterior_covariance(Y, A, Q, J, method)  # Y_{t-1|t,T} = Y - J A Y


def backward_step(smoothed, filtered, predicted, gain, covariance):
    """Take the whole future into account: p(x_{t-1} | y_1 ... y_T).

    Parameters
    ----------
    smoothed : Gaussian
        x_{t|T} and Y_{t|T}.
    filtered : Gaussian
        x_{t-1|t-1} and Y_{t-1|t-1}; only the mean is read.
    predicted : Gaussian
        x_{t|t-1} and Y_{t|t-1}; only the mean is read.
    gain, covariance : ndarray, shape (K, K)
        J_{t-1} and Y_{t-1|t,T}, from `future_conditioning`.

    Returns
    -------
    Gaussian
        x_{t-1|T} and Y_{t-1|T}.

    References
    ----------
    Eq. 2.54, which is Eq. 2.26 on the arrow x_t -> x_{t-1}. The data do not appear.
    """
    J, change = gain, smoothed.mean - predicted.mean
    return Gaussian(
        filtered.mean + change @ J.T,                   # x_{t-1|t-1} + J (x_{t|T} - x_{t|t-1})
        symmetric(J @ smoothed.covariance @ J.T + covariance),      # J Y_{t|T} J' + Y_{t-1|t,T}
    )


def posterior_covariance(Y, C, R, K, method):
    """The covariance of x given y, from that of x, the emission, and the gain.

    References
    ----------
    Eq. 2.27.
    """
    if method == "covariance":
        return symmetric(Y - K @ C @ Y)
    # Joseph form. Equal for this K, but a sum of two positive semi-definite terms, and an error
    # in K enters it only squared.
    keep = np.eye(len(Y)) - K @ C
    return symmetric(keep @ Y @ keep.T + K @ R @ K.T)


def innovation_root(S):
    """The Cholesky root of the covariance of y_t."""
    try:
        return np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        raise np.linalg.LinAlgError(NOT_DEFINITE) from None


def log_density(innovation, root):
    """log N(innovation; 0, L L'), with one innovation or a row for each sequence."""
    whitened = solve_triangular(root, innovation.T, lower=True)     # L^-1 [y - (C x + c)]
    log_determinant = 2 * np.log(np.diag(root)).sum()
    return -0.5 * ((whitened**2).sum(0) + log_determinant + len(root) * LOG_TAU)


# ------------------------------------------------------- the same four, on square roots


class Rooted(NamedTuple):
    """A Gaussian N(mean, L L') that carries the root L of its covariance.

    mean : ndarray, shape (K,) or (B, K)
    root : ndarray, shape (K, K), lower triangular
    """

    mean: np.ndarray
    root: np.ndarray


def invert_roots(root, matrix, noise_root, least=0.0):
    """Eq. 2.27 on roots, as one triangularization.

    With covariance L L' of x, and y = C x + noise of covariance N N'::

        [ C L  N ]              [ S^1/2       0     ]
        [  L   0 ]  is rotated  [ K S^1/2  L_{x|y} ]

    Multiply either side by its transpose: the blocks are the covariances of (y, x), jointly.
    Nothing is ever subtracted. A deviation of y counts as at least ``least``, and rounding of that
    as zero.

    Returns
    -------
    marginal_root, gain_root, posterior_root : ndarray
        S^1/2, K S^1/2 and L_{x|y}.
    """
    L, nothing = len(matrix), np.zeros((len(root), noise_root.shape[1]))
    joint = np.block([[matrix @ root, noise_root], [root, nothing]])
    scale = np.maximum(np.abs(matrix) @ sizes(root) + sizes(noise_root), least)
    scale = np.concatenate([scale, sizes(root)])
    joint = triangular(joint, scale)
    return joint[:L, :L], joint[L:, :L], joint[L:, L:]


def sum_root(matrix, root, noise_root):
    """Eq. 2.26 on roots: the root of C L L' C' + N N'."""
    scale = np.abs(matrix) @ sizes(root) + sizes(noise_root)
    return triangular(np.hstack([matrix @ root, noise_root]), scale)


def time_update_sqrt(belief, transition, push=0.0):
    """`time_update` on roots; ``transition`` carries a root of Q in place of Q. Eq. 2.48."""
    x, root = belief
    A, a, noise_root = transition
    return Rooted(
        x @ A.T + push + a,                             # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a
        sum_root(A, root, noise_root),                  # Y_{t|t-1} = A Y_{t-1|t-1} A' + Q
    )


def measurement_update_sqrt(belief, emission, y):
    """`measurement_update` on roots; ``emission`` carries a root of R in place of R. Eq. 2.47."""
    x, root = belief
    C, c, noise_root = emission
    S_root, gain_root, posterior_root = invert_roots(root, C, noise_root)
    if not (np.diag(S_root) > 0).all():
        raise np.linalg.LinAlgError(NOT_DEFINITE)
    innovation = y - (x @ C.T + c)
    whitened = solve_triangular(S_root, innovation.T, lower=True, check_finite=False).T
    belief = Rooted(x + whitened @ gain_root.T, posterior_root)     # K e = (K S^1/2) (S^-1/2 e)
    return Corrected(belief, log_density(innovation, S_root), S_root)


def backward_step_sqrt(smoothed, filtered, predicted, transition):
    """`future_conditioning` and `backward_step` on roots. Eqs. 2.53 and 2.54.

    Returns
    -------
    Rooted
        x_{t-1|T} and the root of Y_{t-1|T}.
    gain : ndarray, shape (K, K)
        J_{t-1}.
    """
    A, _, noise_root = transition
    predicted_root, gain_root, past_root = invert_roots(filtered.root, A, noise_root, NOTHING)
    # J = G P^-1 with G = J P and P = Y_{t|t-1}^1/2: G P^-1 (anything) needs no inverse of P.
    gain = gain_root @ solve_lower(predicted_root, np.eye(len(A)))
    spread = gain_root @ solve_lower(predicted_root, smoothed.root)     # J Y_{t|T}^1/2
    both = np.hstack([spread, past_root])
    whitened = solve_lower(predicted_root, (smoothed.mean - predicted.mean).T)
    belief = Rooted(
        filtered.mean + (gain_root @ whitened).T,       # x_{t-1|t-1} + J (x_{t|T} - x_{t|t-1})
        triangular(both, sizes(both)),                  # J Y_{t|T} J' + Y_{t-1|t,T}
    )
    return belief, gain


# ------------------------------------------------------------------------- the two passes


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
        Freeze covariances and gains once they have converged. With parameters that do not change
        the covariances approach a limit geometrically; they are frozen when everything that
        remains of the approach sums to less than 1e-15 of the variances. A missing observation
        thaws them. Refused with time-varying parameters (offsets and inputs may vary).
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
    problem, single = sequences.checked(initial, transition, emission, y, inputs)
    passes = _passes(backend)
    if steady_state:
        sequences.refuse_varying(problem)
    rooted = _with_roots(problem) if method == "sqrt" else problem
    parts = [
        (group, passes.filter(rooted.of(group), method, steady_state))
        for group in sequences.groups(problem.y)
    ]
    return sequences.assemble(Filtered, parts, single, own=(0, 2, 4))


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
    problem, single = sequences.checked(initial, transition, emission, y, inputs)
    passes = _passes(backend)
    if filtered is None:
        filtered = filter(initial, transition, emission, y, inputs, method, backend=backend)
    filtered = sequences.checked_filtered(filtered, problem, single, method)
    rooted = _with_roots(problem) if method == "sqrt" else problem
    parts = []
    for group in sequences.groups(problem.y):
        known = sequences.of_group(filtered, group, single)
        found, shaky = passes.smooth(rooted.of(group), known, method)
        if shaky:
            _watch_growth(passes, known, found, method)
        parts.append((group, found))
    return sequences.assemble(Smoothed, parts, single, own=(0,))


def _with_roots(problem):
    """The same problem with roots in the place of covariances."""
    mean, covariance = problem.initial
    start = covariance_root(covariance)
    transition, emission = problem.transition, problem.emission
    return problem._replace(
        initial=Rooted(mean, triangular(start, sizes(start))),
        transition=transition._replace(covariance=covariance_root(transition.covariance)),
        emission=emission._replace(covariance=covariance_root(emission.covariance)),
    )


# ------------------------------------------------------------------ the passes, in NumPy


def _filter_reference(problem, method, freeze):
    """Run the half-updates along sequences that miss the same observations."""
    initial, transition, emission, y, pushes = problem
    (B, T, L), K = y.shape, initial.mean.shape[1]
    predicted_means, means = np.empty((B, T, K)), np.empty((B, T, K))
    predicted_spreads, spreads = np.empty((T, K, K)), np.empty((T, K, K))
    log_likelihoods = np.zeros((B, T))
    whole, limit = ~np.isnan(y[0]).any(1), None         # the last step at which covariances change
    belief, peak = initial, np.zeros(L)                                         # Eq. 2.49
    for t in range(T):
        limit = limit if whole[t] else None
        if limit is None:
            move, correct = _HALF_UPDATES[method]
        if t > 0:
            push = 0.0 if pushes is None else pushes[:, t - 1]
            belief = move(belief, sequences.at(transition, t - 1), push)        # Eq. 2.48
        predicted_means[:, t], predicted_spreads[t] = predicted = belief
        seen = ~np.isnan(y[0, t])
        if seen.any():
            with _naming(t):
                arrow = _observed(sequences.at(emission, t), seen, method)
                corrected = correct(belief, arrow, y[:, t, seen])               # Eq. 2.47
                _watch(method, belief, corrected, y[:, t, seen], seen, peak)
            belief, log_likelihoods[:, t], _ = corrected
        means[:, t], spreads[t] = belief
        if freeze and limit is None and t > 0 and whole[t - 1 : t + 1].all():
            limit = _limit(problem, predicted_spreads, t, method)
        if limit == t:
            move, correct = _only_means(predicted, corrected, _gain(problem, predicted, method))
    if method == "sqrt":
        covariances = squares(predicted_spreads), squares(spreads)
        return [predicted_means, covariances[0], means, covariances[1], log_likelihoods, spreads]
    return [predicted_means, predicted_spreads, means, spreads, log_likelihoods, None]


_HALF_UPDATES = {
    "joseph": (time_update, measurement_update),
    "covariance": (time_update, partial(measurement_update, method="covariance")),
    "sqrt": (time_update_sqrt, measurement_update_sqrt),
}


def _smooth_reference(problem, filtered, method):
    """Walk back along sequences that miss the same observations."""
    root = method == "sqrt"
    T, K = filtered.means.shape[1:]
    means, covariances = np.empty_like(filtered.means), np.empty((T, K, K))
    gains = np.empty((T - 1, K, K))
    spreads, kind = (filtered.roots, Rooted) if root else (filtered.covariances, Gaussian)
    belief = kind(filtered.means[:, -1], spreads[-1])               # at T the two beliefs agree
    means[:, -1], covariances[-1] = belief.mean, filtered.covariances[-1]
    for t in range(T - 2, -1, -1):
        arrow, now = sequences.at(problem.transition, t), kind(filtered.means[:, t], spreads[t])
        ahead = Gaussian(filtered.predicted_means[:, t + 1], filtered.predicted_covariances[t + 1])
        if root:
            belief, gains[t] = backward_step_sqrt(belief, now, ahead, arrow)
        else:
            gains[t], past = future_conditioning(now, arrow, method)            # Eq. 2.53
            belief = backward_step(belief, now, ahead, gains[t], past)          # Eq. 2.54
        means[:, t] = belief.mean
        covariances[t] = squares(belief.root) if root else belief.covariance
    cross_covariances = covariances[1:] @ np.swapaxes(gains, 1, 2)              # Eq. 2.55
    return [means, covariances, cross_covariances, gains], True


def _observed(arrow, seen, method):
    """The emission of those entries that were observed."""
    matrix, offset, spread = arrow
    rows = spread[seen] if method == "sqrt" else spread[np.ix_(seen, seen)]
    return type(arrow)(matrix[seen], offset[seen], rows)


# ------------------------------------------------------------------ steady state


def _limit(problem, predicted_spreads, t, method):
    """The step at which the predicted covariance will have stopped changing; None if it is far off.

    One step takes a small change D of Y to F D F', with F = A (I - K C): changes shrink by the
    square of the spectral radius of F, which the size of F^256 tells. They are followed until
    everything that remains of this geometric series is below 1e-15 of the variances.
    """
    before, Y = predicted_spreads[t - 1], predicted_spreads[t]
    predicted = (Rooted if method == "sqrt" else Gaussian)(None, Y)
    if method == "sqrt":
        before, Y = squares(before), squares(Y)
    scale = np.sqrt(np.outer(np.diag(Y), np.diag(Y)))
    change = (np.abs(Y - before) / np.where(scale > 0, scale, 1.0)).max()
    if change > 1e-12:
        return None
    A, C = problem.transition.matrix, problem.emission.matrix
    K = _gain(problem, predicted, method)
    rate = np.linalg.norm(np.linalg.matrix_power(A - A @ K @ C, 256)) ** (2 / 256)
    if not rate < 1:
        return NEVER
    remaining = change * rate / (1 - rate)
    return t + (int(np.ceil(np.log(1e-15 / remaining) / np.log(rate))) if remaining > 1e-15 else 0)


def _gain(problem, predicted, method):
    """K of Eq. 2.47, given the belief x_{t|t-1}."""
    C, _, R = problem.emission
    if method == "sqrt":
        root, gain_root, _ = invert_roots(predicted.root, C, R)
        return solve_triangular(root, gain_root.T, lower=True, trans="T").T
    Y = predicted.covariance
    return solve_root(innovation_root(symmetric(C @ Y @ C.T + R)), C @ Y).T


def _only_means(predicted, corrected, K):
    """The half-updates where covariances have stopped changing: those given here stay."""

    def move(belief, transition, push):
        A, a, _ = transition
        return predicted._replace(mean=belief.mean @ A.T + push + a)            # Eq. 2.48

    def correct(belief, emission, y):
        C, c, _ = emission
        innovation, root = y - (belief.mean @ C.T + c), corrected.innovation_root
        belief = corrected.belief._replace(mean=belief.mean + innovation @ K.T)     # Eq. 2.47
        return Corrected(belief, log_density(innovation, root), root)

    return move, correct


# ------------------------------------------------------------------ the passes, compiled


class _Passes(NamedTuple):
    """The two passes of one backend, and what watches the second."""

    filter: callable        # (problem, method, freeze) -> the fields of Filtered
    smooth: callable        # (problem, filtered, method) -> the fields of Smoothed, any doubt
    rounding: callable      # `_grown_rounding`


def _passes(backend):
    """The passes of the backend that was asked for, or that is there."""
    backend = checks.option("backend", backend, BACKENDS)
    kernel = None if backend == "numpy" else kernels.load("kalman", required=backend == "numba")
    if kernel is None:
        return _Passes(_filter_reference, _smooth_reference, _grown_rounding)

    def run(problem, method, freeze):
        found = kernel.filter(problem, method, freeze, DIGITS[method], REACH)
        return _raising(kernel, found, method)

    return _Passes(run, kernel.smooth, kernel.grown_rounding)


def _raising(kernel, found, method):
    """The fields that a kernel returned, or an error if it met trouble."""
    fields, trouble, t = found
    if trouble == kernel.OK:
        return fields
    message = {
        kernel.NOT_DEFINITE: NOT_DEFINITE,
        kernel.LOST: LOST[method],
        kernel.OUT_OF_REACH: OUT_OF_REACH,
        kernel.CANCELLED: CANCELLED,
    }[trouble]
    with _naming(t):
        raise np.linalg.LinAlgError(message)


# ------------------------------------------------------------------ never silently wrong


def _watch(method, before, corrected, y, seen, peak):
    """Raise where what an update left over is mostly rounding.

    Each pivot of the innovation covariance is compared with the largest variance that its entry of
    y had so far, ``peak`` (updated here): a variance carries a rounding error of 1e-16 times the
    size it had before observations reduced it, and keeps that error.
    """
    root = corrected.innovation_root
    peak[seen] = np.maximum(peak[seen], sizes(root) ** 2)
    if (np.diag(root) ** 2 < DIGITS[method] * peak[seen]).any():
        raise np.linalg.LinAlgError(LOST[method])
    _within_reach(y, sizes(root))
    if method == "covariance":      # Y - K C Y, of two nearly equal numbers, has few digits left
        left, was = np.diag(corrected.belief.covariance), np.diag(before.covariance)
        if (left < DIGITS[method] * was).any():
            raise np.linalg.LinAlgError(CANCELLED)


def _watch_growth(passes, filtered, found, method):
    """Raise where rounding, carried back by the smoother, has grown too large for what was found."""
    means, covariances, _, gains = found
    digits = np.finfo(float).eps ** (2 if method == "sqrt" else 1)
    predicted, x = map(np.ascontiguousarray, (filtered.predicted_covariances, filtered.means))
    largest = np.diagonal(covariances, axis1=1, axis2=2).max()
    limits = (1e-13 if method == "sqrt" else 1e-7) * largest, 1e-6 * np.abs(means).max()
    spread, shift, t = passes.rounding(digits, limits, gains, predicted, x, means)
    if not (spread <= limits[0] and shift <= limits[1]):
        with _naming(t):
            raise np.linalg.LinAlgError(GROWN if method == "sqrt" else f"{GROWN}, or use method='sqrt'")


def _grown_rounding(unit, limits, gains, predicted, x, means):
    """How large rounding errors become when the smoother carries them back.

    An error E of Y_{t+1|T} becomes J E J' in Y_{t|T} (Eq. 2.54); so does the covariance E of errors
    of x_{t+1|T}. Both are followed, and each step adds its own: unit Y_{t|t-1} to the first (on
    roots unit is squared, and so is the error), and to the second the rounding of the means, where
    the future has changed them.

    Returns
    -------
    spread, shift : float
        The largest error of a variance, and the largest deviation of the errors of a mean.
    t : int
        Where following them has ended: at the start, or as soon as one is beyond its limit.
    """
    K, changed = x.shape[-1], means != x
    rounding = np.finfo(float).eps * np.where(changed, np.abs(x), 0.0).max(0)
    errors, largest, diagonal, t = np.zeros((2, K, K)), np.zeros(2), np.arange(K), 0
    for t in range(len(gains) - 1, -1, -1):
        errors = gains[t] @ errors @ gains[t].T
        errors[:, diagonal, diagonal] += unit * np.maximum(np.diag(predicted[t]), 0.0), rounding[t] ** 2
        largest = np.maximum(largest, errors[:, diagonal, diagonal].max(1))
        if not (largest[0] <= limits[0] and np.sqrt(largest[1]) <= limits[1]):
            break
    return largest[0], np.sqrt(largest[1]), t


def _within_reach(y, deviations):
    """Raise where the rounding of the data themselves is as large as what they can tell."""
    if (np.abs(y) > REACH * deviations).any():
        raise np.linalg.LinAlgError(OUT_OF_REACH)


@contextmanager
def _naming(t):
    """Name the time step in whatever goes wrong."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(f"at time step t={t} (counted from 0): {error}") from None
