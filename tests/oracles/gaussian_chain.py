"""What a chain of Gaussians implies, by conditioning the joint distribution of all its variables.

Nothing here knows of a recursion. `Dense` is plain linear algebra in floats; `exact` is the same with 80
digits, for problems whose covariances span the range of floats; `from_the_start` is a regression, for
chains without noise.
"""

import mpmath
import numpy as np
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal


class Dense:
    """The joint Gaussian of all states and observations, conditioned by plain linear algebra."""

    def __init__(self, initial, transition, emission, y, inputs=None):
        (T, L), K = y.shape, len(initial.mean)
        self.T, self.K, self.L, self.y = T, K, L, y.ravel()
        F, mean = np.eye(T * K), np.zeros(T * K)          # x = F (noise), noise with covariance W
        W = np.zeros((T * K, T * K))
        mean[:K], W[:K, :K] = initial.mean, initial.covariance
        for t in range(T - 1):
            now, then = slice(t * K, (t + 1) * K), slice((t + 1) * K, (t + 2) * K)
            A = _at(transition.matrix, t, 2)
            F[then] += A @ F[now]
            mean[then] = A @ mean[now] + _at(transition.offset, t, 1)
            mean[then] += 0 if inputs is None else inputs[t]
            W[then, then] = _at(transition.covariance, t, 2)
        self.mean, self.covariance = mean, F @ W @ F.T
        self.C, self.R = np.zeros((T * L, T * K)), np.zeros((T * L, T * L))
        self.c = np.zeros(T * L)
        for t in range(T):
            rows = slice(t * L, (t + 1) * L)
            self.C[rows, t * K : (t + 1) * K] = _at(emission.matrix, t, 2)
            self.R[rows, rows] = _at(emission.covariance, t, 2)
            self.c[rows] = _at(emission.offset, t, 1)

    def given(self, steps):
        """Mean and covariance of all states, given the observations of the first steps."""
        use = ~np.isnan(self.y) & (np.arange(len(self.y)) < steps * self.L)
        C = self.C[use]
        S = C @ self.covariance @ C.T + self.R[np.ix_(use, use)]
        gain = np.linalg.solve(S, C @ self.covariance).T if use.any() else np.zeros((len(self.mean), 0))
        error = self.y[use] - C @ self.mean - self.c[use]
        return self.mean + gain @ error, self.covariance - gain @ C @ self.covariance

    def log_likelihood(self):
        use = ~np.isnan(self.y)
        if not use.any():
            return 0.0
        C = self.C[use]
        S = C @ self.covariance @ C.T + self.R[np.ix_(use, use)]
        return multivariate_normal(C @ self.mean + self.c[use], S).logpdf(self.y[use])

    def block(self, covariance, t, s):
        return covariance[t * self.K : (t + 1) * self.K, s * self.K : (s + 1) * self.K]

    def check(self, filtered, smoothed, atol=1e-9):
        """Assert that every number of the filter and of the smoother is the dense one."""
        def close(actual, expected):
            assert_allclose(actual, expected, rtol=1e-9, atol=atol)

        means, covariance = self.given(self.T)
        close(smoothed.means.ravel(), means)
        for t in range(self.T):
            close(smoothed.covariances[t], self.block(covariance, t, t))
            if t:
                close(smoothed.cross_covariances[t - 1], self.block(covariance, t, t - 1))
            x, Y = self.given(t + 1)
            close(filtered.means[t], x[t * self.K : (t + 1) * self.K])
            close(filtered.covariances[t], self.block(Y, t, t))
            x, Y = self.given(t)
            close(filtered.predicted_means[t], x[t * self.K : (t + 1) * self.K])
            close(filtered.predicted_covariances[t], self.block(Y, t, t))
        close(filtered.log_likelihood, self.log_likelihood())


def _at(part, t, ndim):
    return part[t] if np.ndim(part) > ndim else part


def exact(initial, transition, emission, y):
    """Log-likelihood and smoothed means and covariances, by dense conditioning in 80 digits.

    What is NaN in y is missing.
    """
    (T, L), K = y.shape, len(initial.mean)
    matrix = lambda values: mpmath.matrix(np.asarray(values).tolist())
    with mpmath.workdps(80):
        A, Q, P = map(matrix, (transition.matrix, transition.covariance, initial.covariance))
        C, R = matrix(emission.matrix), matrix(emission.covariance)
        a, c = matrix(transition.offset), matrix(emission.offset)
        means, spreads = [matrix(initial.mean)], [P]
        for _ in range(T - 1):
            means.append(A * means[-1] + a)
            spreads.append(A * spreads[-1] * A.T + Q)
        joint, cross = mpmath.zeros(T * L), mpmath.zeros(T * K, T * L)
        error = mpmath.zeros(T * L, 1)
        for s in range(T):
            block = spreads[s]                      # Cov[x_t, x_s] for t = s, s + 1, ...
            for t in range(s, T):
                for u, v, B in ((t, s, block), (s, t, block.T)):
                    cross[u * K : (u + 1) * K, v * L : (v + 1) * L] = B * C.T
                    joint[u * L : (u + 1) * L, v * L : (v + 1) * L] = C * B * C.T
                block = A * block
            joint[s * L : (s + 1) * L, s * L : (s + 1) * L] = C * spreads[s] * C.T + R
            error[s * L : (s + 1) * L, 0] = matrix(np.nan_to_num(y[s])) - C * means[s] - c
        seen = np.flatnonzero(~np.isnan(y.ravel())).tolist()
        if not seen:
            return 0.0, *_floats(means, spreads)
        joint = _part(joint, seen, seen)
        cross, error = _part(cross, range(T * K), seen), _part(error, seen, [0])
        precision = joint**-1
        gain = cross * precision
        change = gain * error
        log_likelihood = -(error.T * precision * error)[0] / 2
        log_likelihood -= mpmath.log(mpmath.det(2 * mpmath.pi * joint)) / 2
        x = [[float(means[t][k] + change[t * K + k]) for k in range(K)] for t in range(T)]
        Y = []
        for t in range(T):
            rows = slice(t * K, (t + 1) * K)
            posterior = spreads[t] - gain[rows, :] * cross[rows, :].T
            Y.append([[float(posterior[i, j]) for j in range(K)] for i in range(K)])
        return float(log_likelihood), np.array(x), np.array(Y)


def _floats(means, spreads):
    return np.array([[float(v) for v in x] for x in means]), np.array([np.array(Y.tolist(), float) for Y in spreads])


def _part(matrix, rows, columns):
    return mpmath.matrix([[matrix[i, j] for j in columns] for i in rows])


def errors(filtered, smoothed, truth):
    """Of the log-likelihood, relative; of means and covariances, relative to their largest."""
    log_likelihood, means, covariances = truth
    largest = np.abs(means).max(0)
    return (
        abs(filtered.log_likelihood - log_likelihood) / max(1.0, abs(log_likelihood)),
        (np.abs(smoothed.means - means) / np.where(largest > 0, largest, 1.0)).max(),
        np.abs(smoothed.covariances - covariances).max() / max(np.abs(covariances).max(), 1e-300),
    )


def from_the_start(initial, transition, emission, y):
    """Smoothed means and covariances of a chain without noise or offsets: a regression for x_1."""
    powers = np.array([np.linalg.matrix_power(transition.matrix, t) for t in range(len(y))])
    weight = np.linalg.inv(emission.covariance)
    rows = emission.matrix @ powers                         # E[y_t | x_1] is a row of these, times x_1
    prior = np.linalg.inv(initial.covariance)
    covariance = np.linalg.inv(prior + np.einsum("tlk,lm,tmj->kj", rows, weight, rows))
    mean = covariance @ (prior @ initial.mean + np.einsum("tlk,lm,tm->k", rows, weight, y))
    return powers @ mean, powers @ covariance @ np.swapaxes(powers, 1, 2)
