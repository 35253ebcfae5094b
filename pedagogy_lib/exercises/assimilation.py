"""Exercises of chapter 2.5: 4DVar and the adjoint method."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


# ------------------------------------------------------------------ a: one step, backwards


def _euler_adjoint(x, gradient, dt, frequency):
    angle, speed = gradient
    return np.array([angle - dt * frequency**2 * np.cos(x[0]) * speed, speed + dt * angle])


def _euler_cases(rng):
    return [(rng.normal(size=2), rng.normal(size=2), rng.uniform(0.05, 0.3), rng.uniform(0.8, 2.0)) for _ in range(4)]


def _the_tangent(x, gradient, dt, frequency):
    angle, speed = gradient
    return np.array([angle + dt * speed, speed - dt * frequency**2 * np.cos(x[0]) * angle])


def _no_identity(x, gradient, dt, frequency):
    return _euler_adjoint(x, gradient, dt, frequency) - gradient


def _no_dt(x, gradient, dt, frequency):
    return _euler_adjoint(x, gradient, 1.0, frequency)


def _not_linearised(x, gradient, dt, frequency):
    angle, speed = gradient
    return np.array([angle - dt * frequency**2 * np.sin(x[0]) * speed, speed + dt * angle])


def _backward_step(x, gradient, dt, frequency):
    return _euler_adjoint(x, gradient, -dt, frequency)


def _frequency_not_squared(x, gradient, dt, frequency):
    return _euler_adjoint(x, gradient, dt, np.sqrt(frequency))


EULER_ADJOINT = Task(
    "2.5-a",
    "euler_adjoint(x, gradient, dt, frequency), returning an array of shape (2,)",
    _euler_adjoint,
    _euler_cases,
    (
        Mistake(
            "the tangent",
            _the_tangent,
            "This is the tangent, M v. The adjoint is M' g: what multiplied the angle to make the speed now "
            "multiplies the speed's gradient to make the angle's.",
        ),
        Mistake(
            "forgot what stays",
            _no_identity,
            "The step is x plus something, so M is the identity plus something. You returned the second part only.",
        ),
        Mistake(
            "forgot dt",
            _no_dt,
            "The velocity is multiplied by dt in the step, so its slope is multiplied by dt in M.",
        ),
        Mistake(
            "did not differentiate the sine",
            _not_linearised,
            "You carried the gradient through sin(x). It must go through the slope of the sine at x.",
        ),
        Mistake(
            "ran the motion backwards",
            _backward_step,
            "You changed the sign of dt. The adjoint is no step back in time: it is the transpose of a step forward.",
        ),
        Mistake(
            "did not square the frequency",
            _frequency_not_squared,
            "The acceleration is -frequency^2 sin(angle).",
        ),
    ),
)


# ------------------------------------------------------------------ b: the whole way back


def _adjoint_gradient(first, background, B, A, H, R, y):
    states = [first]
    for _ in range(len(y) - 1):
        states.append(A @ states[-1])
    carried = np.zeros(len(first))
    for x, datum in zip(states[::-1], y[::-1]):
        carried = A.T @ carried + H.T @ np.linalg.solve(R, H @ x - datum)
    return carried + np.linalg.solve(B, first - background)


def _gradient_cases(rng):
    cases = []
    for k, n, T in ((2, 1, 4), (3, 2, 5), (2, 2, 1)):
        A, H = rng.normal(size=(k, k)), rng.normal(size=(n, k))
        cases.append((rng.normal(size=k), rng.normal(size=k), _spd(rng, k), A, H, _spd(rng, n),
                      rng.normal(size=(T, n))))
    return cases


def _forgot_to_transpose(first, background, B, A, H, R, y):
    states = [first]
    for _ in range(len(y) - 1):
        states.append(A @ states[-1])
    carried = np.zeros(len(first))
    for x, datum in zip(states[::-1], y[::-1]):
        carried = A @ carried + H.T @ np.linalg.solve(R, H @ x - datum)
    return carried + np.linalg.solve(B, first - background)


def _no_background(first, background, B, A, H, R, y):
    return _adjoint_gradient(first, background, B, A, H, R, y) - np.linalg.solve(B, first - background)


def _unweighted(first, background, B, A, H, R, y):
    return _adjoint_gradient(first, background, B, A, H, np.eye(len(R)), y)


def _uphill(first, background, B, A, H, R, y):
    return -_adjoint_gradient(first, background, B, A, H, R, y)


def _forwards(first, background, B, A, H, R, y):
    x, carried = first, np.zeros(len(first))
    for t, datum in enumerate(y):
        x = A @ x if t else x
        carried = A.T @ carried + H.T @ np.linalg.solve(R, H @ x - datum)
    return carried + np.linalg.solve(B, first - background)


def _not_carried(first, background, B, A, H, R, y):
    x, total = first, np.linalg.solve(B, first - background)
    for t, datum in enumerate(y):
        x = A @ x if t else x
        total = total + H.T @ np.linalg.solve(R, H @ x - datum)
    return total


def _once_too_often(first, background, B, A, H, R, y):
    pulled = np.linalg.solve(B, first - background)
    return A.T @ (_adjoint_gradient(first, background, B, A, H, R, y) - pulled) + pulled


ADJOINT_GRADIENT = Task(
    "2.5-b",
    "adjoint_gradient(first, background, B, A, H, R, y), with y of shape (T, L), returning shape (K,)",
    _adjoint_gradient,
    _gradient_cases,
    (
        Mistake(
            "forgot to transpose the motion",
            _forgot_to_transpose,
            "On the way back you multiplied by A. The gradient is carried back by A'.",
        ),
        Mistake(
            "forgot the background",
            _no_background,
            "The data are all there. The background has a misfit, too: add B^-1 (x_1 - x_b) at the end.",
        ),
        Mistake(
            "did not weigh the misfits",
            _unweighted,
            "Each misfit is divided by the covariance of its noise: H' R^-1 (H x - y).",
        ),
        Mistake(
            "went uphill",
            _uphill,
            "This is minus the gradient. With J the sum of squares of H x - y, its slope is H' R^-1 (H x - y).",
        ),
        Mistake(
            "carried forwards in time",
            _forwards,
            "You carried the first misfit the furthest. The last one has the longest way to the first state: start "
            "from the end.",
        ),
        Mistake(
            "did not carry the misfits",
            _not_carried,
            "You added misfits of different times as they are. Each must be carried back to the first state, by A' "
            "for every step.",
        ),
        Mistake(
            "carried once too often",
            _once_too_often,
            "The misfit of the first time belongs to the first state already. Carry, then add; do not carry after "
            "the last sum.",
        ),
    ),
)


# ------------------------------------------------------- c: the matrix of the weak problem


def _weak_precision(A, B, Q, H, R, T):
    K, seen = len(A), H.T @ np.linalg.solve(R, H)
    B1, Q1 = np.linalg.inv(B), np.linalg.inv(Q)
    found = np.zeros((T, K, T, K))
    for t in range(T):
        found[t, :, t] = seen + (B1 if t == 0 else Q1)
        if t < T - 1:
            found[t, :, t] += A.T @ Q1 @ A
            found[t + 1, :, t] = -Q1 @ A
            found[t, :, t + 1] = -A.T @ Q1
    return found.reshape(T * K, T * K)


def _weak_cases(rng):
    return [(rng.normal(size=(k, k)), _spd(rng, k), _spd(rng, k), rng.normal(size=(n, k)), _spd(rng, n), T)
            for k, n, T in ((2, 1, 3), (2, 2, 4), (3, 1, 2))]


def _no_push_back(A, B, Q, H, R, T):
    K = len(A)
    found = _weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K).copy()
    for t in range(T - 1):
        found[t, :, t] -= A.T @ np.linalg.inv(Q) @ A
    return found.reshape(T * K, T * K)


def _last_has_a_successor(A, B, Q, H, R, T):
    K = len(A)
    found = _weak_precision(A, B, Q, H, R, T).copy()
    found[-K:, -K:] += A.T @ np.linalg.inv(Q) @ A
    return found


def _off_diagonal_sign(A, B, Q, H, R, T):
    K = len(A)
    found = _weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K)
    same = np.eye(T, dtype=bool)[:, None, :, None]
    return np.where(same, found, -found).reshape(T * K, T * K)


def _blocks_swapped(A, B, Q, H, R, T):
    K = len(A)
    found = _weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K)
    same = np.eye(T, dtype=bool)[:, None, :, None]
    return np.where(same, found, found.transpose(2, 1, 0, 3)).reshape(T * K, T * K)


def _q_for_the_first(A, B, Q, H, R, T):
    return _weak_precision(A, Q, Q, H, R, T)


def _nothing_seen(A, B, Q, H, R, T):
    return _weak_precision(A, B, Q, 0 * H, R, T)


WEAK_PRECISION = Task(
    "2.5-c",
    "weak_precision(A, B, Q, H, R, T), returning an array of shape (T K, T K)",
    _weak_precision,
    _weak_cases,
    (
        Mistake(
            "forgot that a state is also a source",
            _no_push_back,
            "x_t stands in two departures: as the target of x_{t-1} and as the source of x_{t+1}. The second gives "
            "A' Q^-1 A on the diagonal.",
        ),
        Mistake(
            "gave the last state a successor",
            _last_has_a_successor,
            "No departure follows the last state: its block has no A' Q^-1 A.",
        ),
        Mistake(
            "lost the sign between neighbours",
            _off_diagonal_sign,
            "In |x_{t+1} - A x_t|^2 the mixed term has a minus: the block below the diagonal is -Q^-1 A.",
        ),
        Mistake(
            "swapped the blocks beside the diagonal",
            _blocks_swapped,
            "Block (t+1, t), below the diagonal, is -Q^-1 A; its transpose, -A' Q^-1, lies above.",
        ),
        Mistake(
            "charged the first state by Q",
            _q_for_the_first,
            "The first state departs from the background, not from a motion: its block has B^-1 where the others "
            "have Q^-1.",
        ),
        Mistake(
            "forgot the observations",
            _nothing_seen,
            "This is the precision of the prior. Every time that is observed adds H' R^-1 H to its block.",
        ),
    ),
)

TASKS = (EULER_ADJOINT, ADJOINT_GRADIENT, WEAK_PRECISION)
