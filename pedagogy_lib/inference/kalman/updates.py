"""The Kalman filter and the Rauch-Tung-Striebel smoother: the mathematics, and nothing else.

    p(x_1)         = N(mu_1, Sigma_1)                     initial, a Gaussian
    p(x_t|x_{t-1}) = N(A x_{t-1} + B u_{t-1} + a, Q)      transition, an AffineGaussian
    p(y_t|x_t)     = N(C x_t + c, R)                      emission, an AffineGaussian

(The textbook's Sigma_x is Q here, and its Sigma_{y|x} is R.) A belief is a Gaussian with two indices:
x_{t|s}, shape (K,), and Y_{t|s}, shape (K, K), are the mean and the covariance of x_t given y_1 ... y_s.
The filter alternates two updates, the smoother walks back with two more. (B sequences that share their
covariances may be updated together: then x has shape (B, K), one sequence in a row.)

`kalman.filter` and `kalman.smooth` compute the same, in batches, compiled, and under guard: see `passes`.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 2.2.2, Eqs. 2.45-2.55, which apply Eqs. 2.26 and 2.27 of Section 2.1.2.
"""

import numpy as np

from pedagogy_lib.distributions.gaussian import LOG_TAU, Gaussian
from pedagogy_lib.inference._matrices import solve_lower, solve_root, solve_semidefinite, symmetric
from pedagogy_lib.inference.kalman.results import Corrected, Filtered, Smoothed


def filter_loop(initial, transition, emission, y, inputs=None):
    """Filter y, shape (T, L), where NaN is missing; row t of ``inputs`` is B u_t. Eqs. 2.45-2.49."""
    belief = initial                                        # x_{1|0}, Y_{1|0}: Eq. 2.49
    predicted, filtered, log_likelihoods = [], [], np.zeros(len(y))
    for t in range(len(y)):
        if t > 0:
            push = 0.0 if inputs is None else inputs[t - 1]
            belief = time_update(belief, transition, push)  # Eq. 2.48
        predicted.append(belief)
        seen = ~np.isnan(y[t])                              # the rest teaches nothing
        if seen.any():
            belief, log_likelihoods[t], _ = measurement_update(     # Eq. 2.47
                belief, rows(emission, seen), y[t, seen]
            )
        filtered.append(belief)
    return Filtered(*stacked(predicted), *stacked(filtered), log_likelihoods)


def smoother_loop(transition, filtered):
    """Smooth what `filter_loop` returned; the data are not needed again. Eqs. 2.50-2.55."""
    T, K = filtered.means.shape
    means, covariances = filtered.means.copy(), filtered.covariances.copy()
    gains = np.empty((T - 1, K, K))
    belief = Gaussian(means[-1], covariances[-1])           # at T filter and smoother agree
    for t in range(T - 2, -1, -1):
        now = Gaussian(filtered.means[t], filtered.covariances[t])
        ahead = Gaussian(
            filtered.predicted_means[t + 1], filtered.predicted_covariances[t + 1]
        )
        gains[t], past = future_conditioning(now, transition)       # Eq. 2.53
        belief = backward_step(belief, now, ahead, gains[t], past)  # Eq. 2.54
        means[t], covariances[t] = belief
    cross_covariances = covariances[1:] @ np.swapaxes(gains, 1, 2)  # Eq. 2.55
    return Smoothed(means, covariances, cross_covariances, gains)


def time_update(belief, transition, push=0.0):
    """p(x_t | y_1 ... y_{t-1}): from x_{t-1|t-1} and Y_{t-1|t-1}, and a push B u_{t-1}. Eq. 2.48."""
    x, Y = belief
    A, a, Q = transition
    return Gaussian(
        x @ A.T + push + a,             # x_{t|t-1} = A x_{t-1|t-1} + B u_{t-1} + a
        symmetric(A @ Y @ A.T + Q),     # Y_{t|t-1} = A Y_{t-1|t-1} A' + Q
    )


def joseph(Y, C, R, K):
    """The covariance of x given y in Joseph form, from a prior Y, an emission C, R and the gain K."""
    # A sum of squares, so that rounding cannot make it indefinite.
    keep = np.eye(len(Y)) - K @ C
    return symmetric(keep @ Y @ keep.T + K @ R @ K.T)


def difference(Y, C, R, K):
    """The same covariance as Eq. 2.27 prints it, Y - K C Y: the first form to lose its digits."""
    return symmetric(Y - K @ C @ Y)


def measurement_update(belief, emission, y, posterior=joseph):
    """p(x_t | y_1 ... y_t) as `Corrected`, from x_{t|t-1} and Y_{t|t-1}. Eqs. 2.47 and 2.40."""
    x, Y = belief
    C, c, R = emission
    S = symmetric(C @ Y @ C.T + R)      # the covariance of y_t, Eq. 2.26
    root = np.linalg.cholesky(S)
    K = solve_root(root, C @ Y).T       # K = Y C' S^-1
    innovation = y - (x @ C.T + c)
    belief = Gaussian(
        x + innovation @ K.T,           # x_{t|t} = x_{t|t-1} + K [y - (C x_{t|t-1} + c)]
        posterior(Y, C, R, K),          # Y_{t|t} = Y - K C Y
    )
    return Corrected(belief, log_density(innovation, root), root)


def future_conditioning(filtered, transition, posterior=joseph):
    """p(x_{t-1} | x_t, y_1 ... y_{t-1}): its gain J_{t-1} and covariance Y_{t-1|t,T}. Eq. 2.53.

    Its mean is a function of x_t: x_{t-1|t-1} + J (x_t - x_{t|t-1}).
    """
    Y = filtered.covariance
    A, _, Q = transition
    predicted = symmetric(A @ Y @ A.T + Q)          # Y_{t|t-1}
    J = solve_semidefinite(predicted, A @ Y).T      # J = Y A' Y_{t|t-1}^-1
    return J, posterior(Y, A, Q, J)                 # Y_{t-1|t,T} = Y - J A Y


def backward_step(smoothed, filtered, predicted, gain, covariance):
    """p(x_{t-1} | y_1 ... y_T), from x_{t|T} and Y_{t|T}; the data do not appear. Eq. 2.54."""
    J, change = gain, smoothed.mean - predicted.mean
    return Gaussian(
        # x_{t-1|T} = x_{t-1|t-1} + J (x_{t|T} - x_{t|t-1})
        filtered.mean + change @ J.T,
        # Y_{t-1|T} = J Y_{t|T} J' + Y_{t-1|t,T}
        symmetric(J @ smoothed.covariance @ J.T + covariance),
    )


def rows(emission, seen):
    """The emission of those entries of y that were seen."""
    C, c, R = emission
    return type(emission)(C[seen], c[seen], R[np.ix_(seen, seen)])


def stacked(beliefs):
    """The means of several beliefs in one array, and their covariances in another."""
    return map(np.array, zip(*beliefs))


def log_density(innovation, root):
    """log N(innovation; 0, S) for S = root root', of one innovation or of a row for each sequence."""
    whitened = solve_lower(root, innovation.T)                      # root^-1 [y - (C x + c)]
    log_determinant = 2 * np.log(np.diag(root)).sum()
    return -0.5 * ((whitened**2).sum(0) + log_determinant + len(root) * LOG_TAU)
