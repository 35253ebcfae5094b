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
from pedagogy_lib.distributions.gaussian import LOG_TAU, AffineGaussian, Gaussian

METHODS = ("joseph", "covariance", "sqrt")
BACKENDS = ("auto", "numba", "numpy")

#: A pivot this small against its row, times the size of the matrix, is rounding and not a number.
ROUNDING = 8 * np.finfo(float).eps
#: How far the variance of an observation may fall below what it was: half of the digits; on
#: roots, where a variance of 1e-24 has a root of 1e-12, about all of them.
DIGITS = {"joseph": 1.5e-8, "covariance": 1.5e-8, "sqrt": 1e-24}
#: How many standard deviations from zero an observation may lie, before its own rounding counts.
REACH = 4e10

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
    J = gain
    return Gaussian(
        filtered.mean + (smoothed.mean - predicted.mean) @ J.T,  # x_{t-1|t-1} + J (x_{t|T} - x_{t|t-1})
        symmetric(J @ smoothed.covariance @ J.T + covariance),   # J Y_{t|T} J' + Y_{t-1|t,T}
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


def solve_root(root, right):
    """Solve (L L') x = right for a lower triangular root L."""
    halfway = solve_triangular(root, right, lower=True, check_finite=False)
    return solve_triangular(root, halfway, lower=True, trans="T", check_finite=False)


def solve_semidefinite(matrix, right):
    """Solve matrix x = right where the matrix may be singular, as a noiseless state makes it.

    The directions in which the matrix is zero are left out. For a covariance the right-hand side
    is zero there too, and the answer is exact.
    """
    root = semidefinite_root(matrix)
    known = np.diag(root) > 0
    solution = np.zeros_like(right)
    # A zero column of the root says nothing: take it and its row out, and solve what is left.
    solution[known] = solve_root(root[np.ix_(known, known)], right[known])
    return solution


def semidefinite_root(matrix):
    """Lower triangular L with L L' = matrix; a pivot that is only rounding gives a zero column."""
    try:
        root = np.linalg.cholesky(matrix)
        if (np.diag(root) ** 2 > ROUNDING * len(matrix) * np.diag(matrix)).all():
            return root
    except np.linalg.LinAlgError:
        pass
    rest, root = matrix.copy(), np.zeros_like(matrix)
    for j, variance in enumerate(np.diag(matrix)):
        if rest[j, j] > ROUNDING * len(matrix) * variance:
            root[j:, j] = rest[j:, j] / np.sqrt(rest[j, j])
            rest -= np.outer(root[:, j], root[:, j])
    return root


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


def symmetric(matrix):
    """The symmetric part: rounding must not make Y differ from its transpose."""
    return (matrix + matrix.T) / 2


# ------------------------------------------------------- the same four, on square roots


class Rooted(NamedTuple):
    """A Gaussian N(mean, L L') that carries the root L of its covariance.

    mean : ndarray, shape (K,) or (B, K)
    root : ndarray, shape (K, K), lower triangular
    """

    mean: np.ndarray
    root: np.ndarray


def triangular(wide, scale):
    """Lower triangular L with L L' = M M', for a wide matrix M: rotate its rows.

    An orthogonal transformation from the right leaves M M' alone. So M M' itself is never formed,
    which would square the ratio of the largest number to the smallest, and drop half the digits.

    Parameters
    ----------
    wide : ndarray, shape (K, M)
    scale : ndarray, shape (K,)
        The sizes of the numbers from which the rows were computed. What is left of a row, after
        the rows above it, and is only rounding of that, becomes zero: it has no direction.
    """
    root = np.linalg.qr(wide.T, mode="r").T
    noise = ROUNDING * wide.shape[1] * scale
    if (np.abs(np.diag(root)) <= noise).any():
        root = _reflect(wide, noise)
    return root * np.where(np.diag(root) < 0, -1.0, 1.0)        # the diagonal positive


def _reflect(wide, noise):
    """Householder's triangularization, row by row, that leaves rows of rounding out."""
    rest, used, root = wide.copy(), 0, np.zeros((len(wide), len(wide)))
    for i, row in enumerate(rest):
        length = np.linalg.norm(row[used:])
        if length > noise[i]:
            normal = row[used:].copy()
            normal[0] += np.copysign(length, normal[0])     # the mirror takes the row to an axis
            below = rest[i:, used:]
            below -= np.outer(below @ normal, normal * (2 / (normal @ normal)))
            root[i:, i] = rest[i:, used]                    # the axis is column i of the root
            used += 1
    return root


def sizes(matrix):
    """The lengths of the rows: for a root of a covariance, the standard deviations."""
    return np.sqrt((matrix**2).sum(1))


def invert_roots(root, matrix, noise_root):
    """Eq. 2.27 on roots, as one triangularization.

    With covariance L L' of x, and y = C x + noise of covariance N N'::

        [ C L  N ]              [ S^1/2       0     ]
        [  L   0 ]  is rotated  [ K S^1/2  L_{x|y} ]

    Multiply either side by its transpose: the blocks are the covariances of (y, x), jointly.
    Nothing is ever subtracted.

    Returns
    -------
    marginal_root, gain_root, posterior_root : ndarray
        S^1/2, K S^1/2 and L_{x|y}.
    """
    L = len(matrix)
    joint = np.block([[matrix @ root, noise_root], [root, np.zeros((len(root), noise_root.shape[1]))]])
    scale = np.concatenate([np.abs(matrix) @ sizes(root) + sizes(noise_root), sizes(root)])
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
    predicted_root, gain_root, past_root = invert_roots(filtered.root, A, noise_root)
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


def solve_lower(root, right):
    """Solve L x = right for a lower triangular root, leaving out the directions where it is zero."""
    known = np.diag(root) > 0
    solution = np.zeros_like(right)
    solution[known] = solve_triangular(root[np.ix_(known, known)], right[known], lower=True, check_finite=False)
    return solution


def covariance_root(covariance):
    """A root N with N N' = covariance, which may be singular or a stack of matrices."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        # Eigenvectors of the correlations: units must not decide what counts as zero.
        scale = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
        scale = np.where(scale > 0, scale, 1.0)
        correlation = covariance / scale[..., :, None] / scale[..., None, :]
        values, vectors = np.linalg.eigh(correlation)
        return scale[..., :, None] * vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]


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
        remains of the approach sums to less than 1e-15 of them, at the rate that was measured on
        the way. A missing observation thaws them. Refused with time-varying parameters.
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
        (counted from 0). What is returned is accurate to 1e-6: the log-likelihood relative to
        itself, the means to their largest values.

    References
    ----------
    Section 2.2.2, Eqs. 2.45-2.49.
    """
    method = checks.option("method", method, METHODS)
    problem, single = _checked(initial, transition, emission, y, inputs)
    if steady_state:
        _refuse_varying(problem)
    kernel = _backend(backend)
    run = partial(_filter_compiled, kernel) if kernel else _filter_reference
    parts = [(g, run(problem.of(g), method, bool(steady_state))) for g in _groups(problem.y)]
    return _assemble(Filtered, parts, single, own=(0, 2, 4))


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
    ValueError, numpy.linalg.LinAlgError
        As for `filter`.

    References
    ----------
    Section 2.2.2, Eqs. 2.50-2.55.
    """
    method = checks.option("method", method, METHODS)
    problem, single = _checked(initial, transition, emission, y, inputs)
    kernel = _backend(backend)
    run = partial(_smooth_compiled, kernel) if kernel else _smooth_reference
    if filtered is None:
        filtered = filter(initial, transition, emission, y, inputs, method, backend=backend)
    filtered = _checked_filtered(filtered, problem, single, method)
    parts = [
        (g, run(problem.of(g), _of_group(filtered, g, single), method)) for g in _groups(problem.y)
    ]
    return _assemble(Smoothed, parts, single, own=(0,))


# ------------------------------------------------------------- the reference, in NumPy


def _filter_reference(problem, method, steady_state):
    """Run the half-updates along sequences that miss the same observations."""
    initial, transition, emission, y, pushes = problem.arrows(method)
    (B, T, L), K = y.shape, len(initial.mean)
    predicted_means, means = np.empty((B, T, K)), np.empty((B, T, K))
    predicted_spreads, spreads = np.empty((T, K, K)), np.empty((T, K, K))
    log_likelihoods = np.zeros((B, T))
    move, correct = _HALF_UPDATES[method]
    watch, limit = _Watch(L, method), _Limit()
    belief = initial._replace(mean=np.broadcast_to(initial.mean, (B, K)))       # Eq. 2.49
    for t in range(T):
        if t > 0:
            push = 0.0 if pushes is None else pushes[:, t - 1]
            belief = move(belief, _at(transition, t - 1), push)                 # Eq. 2.48
            belief = limit.hold(belief) if steady_state else belief
        predicted_means[:, t], predicted_spreads[t] = belief
        seen = ~np.isnan(y[0, t])
        if seen.any():
            with _step(t):
                arrow = _observed(_at(emission, t), seen, method)
                corrected = correct(belief, arrow, y[:, t, seen])               # Eq. 2.47
                watch.innovation(seen, corrected.innovation_root, y[:, t, seen])
                watch.cancellation(belief, corrected.belief)
            belief, log_likelihoods[:, t], _ = corrected
        if steady_state:
            limit.approach(problem, predicted_spreads[: t + 1], seen, method)
        means[:, t], spreads[t] = belief
    if method == "sqrt":
        return (
            predicted_means, _squares(predicted_spreads), means, _squares(spreads),
            log_likelihoods, spreads,
        )
    return predicted_means, predicted_spreads, means, spreads, log_likelihoods, None


_HALF_UPDATES = {
    "joseph": (time_update, measurement_update),
    "covariance": (time_update, partial(measurement_update, method="covariance")),
    "sqrt": (time_update_sqrt, measurement_update_sqrt),
}


def _smooth_reference(problem, filtered, method):
    """Walk back along sequences that miss the same observations."""
    transition = problem.arrows(method).transition
    spreads = filtered.roots if method == "sqrt" else filtered.covariances
    means, (T, K) = np.empty_like(filtered.means), filtered.means.shape[1:]
    covariances, gains = np.empty((T, K, K)), np.empty((T - 1, K, K))
    belief_type = Rooted if method == "sqrt" else Gaussian
    belief = belief_type(filtered.means[:, -1], spreads[-1])        # at T the two beliefs agree
    means[:, -1], covariances[-1] = belief.mean, filtered.covariances[-1]
    for t in range(T - 2, -1, -1):
        arrow = _at(transition, t)
        now = belief_type(filtered.means[:, t], spreads[t])
        ahead = Gaussian(filtered.predicted_means[:, t + 1], filtered.predicted_covariances[t + 1])
        with _step(t):
            if method == "sqrt":
                belief, gains[t] = backward_step_sqrt(belief, now, ahead, arrow)
            else:
                gains[t], past = future_conditioning(now, arrow, method)        # Eq. 2.53
                belief = backward_step(belief, now, ahead, gains[t], past)      # Eq. 2.54
        means[:, t] = belief.mean
        covariances[t] = _squares(belief.root) if method == "sqrt" else belief.covariance
    cross_covariances = covariances[1:] @ np.swapaxes(gains, 1, 2)              # Eq. 2.55
    return means, covariances, cross_covariances, gains


# ------------------------------------------------------------------------- the kernels


def _filter_compiled(kernel, problem, method, steady_state):
    """As `_filter_reference`, in compiled loops."""
    fields, trouble, t = kernel.filter(
        problem.arrows(method), method, steady_state, DIGITS[method], REACH
    )
    if trouble != kernel.OK:
        message = {
            kernel.NOT_DEFINITE: NOT_DEFINITE,
            kernel.LOST: LOST[method],
            kernel.OUT_OF_REACH: OUT_OF_REACH,
            kernel.CANCELLED: CANCELLED,
        }[trouble]
        with _step(t):
            raise np.linalg.LinAlgError(message)
    return fields


def _smooth_compiled(kernel, problem, filtered, method):
    """As `_smooth_reference`, in compiled loops."""
    return kernel.smooth(problem.arrows(method), filtered, method)


# ------------------------------------------------------------------------- on guard


class _Watch:
    """Raises when what an update left over is mostly rounding."""

    def __init__(self, size, method):
        self.peak = np.zeros(size)
        self.method = method

    def innovation(self, seen, root, y):
        """Compare each pivot of the innovation covariance with the largest variance so far.

        The variance that an observation had before earlier ones explained it carries a rounding
        error of its own size times 1e-16, and that error stays.
        """
        variances = (root**2).sum(1)
        self.peak[seen] = np.maximum(self.peak[seen], variances)
        if (np.diag(root) ** 2 < DIGITS[self.method] * self.peak[seen]).any():
            raise np.linalg.LinAlgError(LOST[self.method])
        if (np.abs(y) > REACH * np.sqrt(variances)).any():
            raise np.linalg.LinAlgError(OUT_OF_REACH)

    def cancellation(self, before, after):
        """For Y - K C Y: the difference of two nearly equal numbers has few digits left."""
        if self.method == "covariance":
            left, was = np.diag(after.covariance), np.diag(before.covariance)
            if (left < DIGITS[self.method] * was).any():
                raise np.linalg.LinAlgError(CANCELLED)


class _Limit:
    """Freezes the predicted covariance once nothing that matters remains of its approach."""

    def __init__(self):
        self.frozen = self.steps_left = None

    def hold(self, belief):
        """Put the frozen covariance, if there is one, in the belief's place for it."""
        return belief if self.frozen is None else belief._replace(**{belief._fields[1]: self.frozen})

    def approach(self, problem, predicted, seen, method):
        """Look at the newest predicted covariance, and decide."""
        if not seen.all():
            self.__init__()
        if len(predicted) < 2 or not seen.all() or self.frozen is not None:
            return
        before, now = (_squares(predicted[-2:]) if method == "sqrt" else predicted[-2:])
        if self.steps_left is None:
            change = _relative_change(before, now)
            if change < 1e-12:
                self.steps_left = _steps_left(change, _rate(problem, now))
        else:
            self.steps_left -= 1
        if self.steps_left is not None and self.steps_left <= 0:
            self.frozen = predicted[-1].copy()


def _relative_change(before, now):
    """The largest change of a covariance, in units of the standard deviations."""
    scale = np.sqrt(np.outer(np.diag(now), np.diag(now)))
    return (np.abs(now - before) / np.where(scale > 0, scale, 1.0)).max()


def _steps_left(change, rate):
    """How many steps until all changes to come, a geometric series, sum to below 1e-15."""
    if change == 0 or rate == 0:
        return 0
    if rate >= 1:
        return np.inf
    return max(0.0, np.ceil(np.log(1e-15 * (1 - rate) / change) / np.log(rate)))


def _rate(problem, Y):
    """How fast the covariance approaches its limit: changes shrink by this factor each step.

    One step takes a small change D of Y to F D F', with F = A (I - K C): the factor is the square
    of the spectral radius of F.
    """
    A, C, R = problem.transition.matrix, problem.emission.matrix, problem.emission.covariance
    K = solve_root(innovation_root(symmetric(C @ Y @ C.T + R)), C @ Y).T
    return np.abs(np.linalg.eigvals(A - A @ K @ C)).max() ** 2


@contextmanager
def _step(t):
    """Name the time step in whatever goes wrong."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(f"at time step t={t} (counted from 0): {error}") from None


def _at(arrow, t):
    """The arrow in force at step t: of each part that changes in time, row t."""
    return type(arrow)(*(
        part[t] if np.ndim(part) > size else part for part, size in zip(arrow, (2, 1, 2))
    ))


def _observed(arrow, seen, method):
    """The emission of those entries that were observed."""
    matrix, offset, spread = arrow
    rows = spread[seen] if method == "sqrt" else spread[np.ix_(seen, seen)]
    return type(arrow)(matrix[seen], offset[seen], rows)


def _squares(roots):
    """L L' of each root."""
    return roots @ np.swapaxes(roots, -1, -2)


# ------------------------------------------------------------- arguments in, results out


class _Problem(NamedTuple):
    """Checked arguments: a batch of B sequences, and the model they share."""

    initial: Gaussian
    transition: AffineGaussian
    emission: AffineGaussian
    y: np.ndarray              # (B, T, L)
    pushes: np.ndarray | None  # (B, T-1, K)

    def of(self, group):
        """The same problem for some of the sequences."""
        if len(group) == len(self.y):
            return self
        pushes = None if self.pushes is None else self.pushes[group]
        return self._replace(y=self.y[group], pushes=pushes)

    def arrows(self, method):
        """The problem as ``method`` wants it: with roots in the place of covariances, or not."""
        if method != "sqrt":
            return self
        start = covariance_root(self.initial.covariance)
        root = lambda part: part._replace(covariance=covariance_root(part.covariance))
        return self._replace(
            initial=Rooted(self.initial.mean, triangular(start, sizes(start))),
            transition=root(self.transition),
            emission=root(self.emission),
        )


def _checked(initial, transition, emission, y, inputs):
    """Check all arguments against each other."""
    mean = checks.array("initial.mean", initial.mean, ("K",))
    K = len(mean)
    covariance = checks.covariance("initial.covariance", initial.covariance, K, definite=False)
    C = checks.array("emission.matrix", emission.matrix)
    if C.ndim not in (2, 3) or C.shape[-1] != K or C.shape[-2] == 0:
        raise ValueError(
            f"emission.matrix: expected shape (L, {K}) or (T, L, {K}), "
            f"because initial.mean has length {K}, got {C.shape}"
        )
    L = C.shape[-2]
    observed = checks.observations("y", y, L, missing=True, batch=True)
    batch = observed if observed.ndim == 3 else observed[None]
    B, T = batch.shape[:2]
    if B == 0 or T == 0:
        raise ValueError(f"y: expected at least one time step, got shape {observed.shape}")
    return (
        _Problem(
            Gaussian(mean, covariance),
            _checked_arrow("transition", transition, K, K, T - 1),
            _checked_arrow("emission", emission, L, K, T),
            batch,
            _checked_inputs(inputs, B, T, K, observed.ndim == 3),
        ),
        observed.ndim == 2,
    )


def _checked_arrow(name, arrow, L, K, steps):
    """Check the three parts of a conditional; any of them may have a first axis of time."""
    matrix = _constant_or_varying(f"{name}.matrix", arrow.matrix, (L, K), steps)
    offset = _constant_or_varying(f"{name}.offset", arrow.offset, (L,), steps)
    covariance = _constant_or_varying(f"{name}.covariance", arrow.covariance, (L, L), steps)
    if covariance.size:
        checks.covariance(f"{name}.covariance", covariance, L, definite=False)
    return AffineGaussian(matrix, offset, covariance)


def _constant_or_varying(name, value, shape, steps):
    """An array of this shape, or with one row more of axes for every time step."""
    given = checks.array(name, value)
    if given.shape in (shape, (steps, *shape)):
        return given
    raise ValueError(
        f"{name}: expected shape {shape}, or {(steps, *shape)} if it changes in time, "
        f"got {given.shape}"
    )


def _checked_inputs(inputs, B, T, K, batch):
    """Inputs as (B, T-1, K), or None. Nothing is copied."""
    if inputs is None:
        return None
    given = checks.array("inputs", inputs)
    if given.shape != (T - 1, K) and not (batch and given.shape == (B, T - 1, K)):
        also = f" or {(B, T - 1, K)}" if batch else ""
        raise ValueError(
            f"inputs: expected shape {(T - 1, K)}{also}, one row less than y has, got {given.shape}"
        )
    return np.broadcast_to(given, (B, T - 1, K))


def _refuse_varying(problem):
    """A steady state needs parameters that stay the same."""
    for name in ("transition", "emission"):
        for part, values, ndim in zip(AffineGaussian._fields, getattr(problem, name), (2, 1, 2)):
            if values.ndim > ndim and part != "offset":
                raise ValueError(
                    f"steady_state: expected parameters that do not change in time, "
                    f"got {name}.{part} of shape {values.shape}"
                )


def _groups(y):
    """Sequences that miss the same observations: they share every covariance."""
    missing = np.isnan(y)
    if len(y) == 1 or not missing.any():
        return [np.arange(len(y))]
    _, kinds = np.unique(missing.reshape(len(y), -1), axis=0, return_inverse=True)
    return [np.flatnonzero(kinds.ravel() == kind) for kind in range(kinds.max() + 1)]


def _assemble(result, parts, single, own):
    """Put the groups' results together: ``own`` fields have a row for each sequence."""
    if len(parts) == 1:
        fields = list(parts[0][1])
        if single:
            return result(*(f[0] if i in own else f for i, f in enumerate(fields)))
        B = len(parts[0][0])
        shared = lambda f: None if f is None else np.broadcast_to(f, (B, *f.shape))
        return result(*(f if i in own else shared(f) for i, f in enumerate(fields)))
    B = sum(len(group) for group, _ in parts)
    fields = []
    for i, field in enumerate(parts[0][1]):
        if field is None:
            fields.append(None)
            continue
        whole = np.empty((B, *(field.shape[1:] if i in own else field.shape)))
        for group, values in parts:
            whole[group] = values[i]
        fields.append(whole)
    return result(*fields)


def _of_group(filtered, group, single):
    """What the filter found for some sequences, as the smoother wants it: covariances once."""
    if single:
        means = (filtered.predicted_means[None], filtered.means[None], filtered.log_likelihoods[None])
        shared = lambda f: f
    else:
        means = (filtered.predicted_means[group], filtered.means[group], filtered.log_likelihoods[group])
        shared = lambda f: f[group[0]]
    roots = None if filtered.roots is None else shared(filtered.roots)
    return Filtered(
        means[0], shared(filtered.predicted_covariances),
        means[1], shared(filtered.covariances), means[2], roots,
    )


def _checked_filtered(filtered, problem, single, method):
    """Check that a given filter result belongs to these arguments."""
    shape = problem.y.shape[1:2] if single else problem.y.shape[:2]
    K = len(problem.initial.mean)
    if method == "sqrt" and filtered.roots is None:
        raise ValueError('filtered: expected the result of filter(..., method="sqrt"), got no roots')
    checks.array("filtered.means", filtered.means, (*shape, K))
    checks.array("filtered.predicted_means", filtered.predicted_means, (*shape, K))
    for name in ("predicted_covariances", "covariances"):
        checks.array(f"filtered.{name}", getattr(filtered, name), (*shape, K, K))
    return filtered


def _backend(name):
    """The compiled kernels, or None for the reference."""
    name = checks.option("backend", name, BACKENDS)
    if name == "numpy":
        return None
    return kernels.load("kalman", required=name == "numba")
