"""Exercises of chapter 2.5: 4DVar and the adjoint method."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _euler_cases(rng):
    return [(rng.normal(size=2), rng.normal(size=2), rng.uniform(0.05, 0.3), rng.uniform(0.8, 2.0)) for _ in range(4)]


def _gradient_cases(rng):
    cases = []
    for k, n, T in ((2, 1, 4), (3, 2, 5), (2, 2, 1)):
        A, H = rng.normal(size=(k, k)), rng.normal(size=(n, k))
        cases.append(
            (rng.normal(size=k), rng.normal(size=k), _spd(rng, k), A, H, _spd(rng, n), rng.normal(size=(T, n)))
        )
    return cases


def _weak_cases(rng):
    return [
        (rng.normal(size=(k, k)), _spd(rng, k), _spd(rng, k), rng.normal(size=(n, k)), _spd(rng, n), T)
        for k, n, T in ((2, 1, 3), (2, 2, 4), (3, 1, 2))
    ]


@task("2.5-a", cases=_euler_cases)
def euler_adjoint(x, gradient, dt, frequency):
    """Return an array of shape (2,)."""
    angle, speed = gradient
    return np.array([angle - dt * frequency**2 * np.cos(x[0]) * speed, speed + dt * angle])


@euler_adjoint.mistake(
    "the tangent",
    "This is the tangent, M v. The adjoint is M' g: what multiplied the angle to make the speed now "
    "multiplies the speed's gradient to make the angle's.",
)
def _the_tangent(x, gradient, dt, frequency):
    angle, speed = gradient
    return np.array([angle + dt * speed, speed - dt * frequency**2 * np.cos(x[0]) * angle])


@euler_adjoint.mistake(
    "forgot what stays",
    "The step is x plus something, so M is the identity plus something. You returned the second part only.",
)
def _no_identity(x, gradient, dt, frequency):
    return euler_adjoint(x, gradient, dt, frequency) - gradient


@euler_adjoint.mistake(
    "forgot dt",
    "The velocity is multiplied by dt in the step, so its slope is multiplied by dt in M.",
)
def _no_dt(x, gradient, dt, frequency):
    return euler_adjoint(x, gradient, 1.0, frequency)


@euler_adjoint.mistake(
    "did not differentiate the sine",
    "You carried the gradient through sin(x). It must go through the slope of the sine at x.",
)
def _not_linearised(x, gradient, dt, frequency):
    angle, speed = gradient
    return np.array([angle - dt * frequency**2 * np.sin(x[0]) * speed, speed + dt * angle])


@euler_adjoint.mistake(
    "ran the motion backwards",
    "You changed the sign of dt. The adjoint is no step back in time: it is the transpose of a step forward.",
)
def _backward_step(x, gradient, dt, frequency):
    return euler_adjoint(x, gradient, -dt, frequency)


@euler_adjoint.mistake(
    "did not square the frequency",
    "The acceleration is -frequency^2 sin(angle).",
)
def _frequency_not_squared(x, gradient, dt, frequency):
    return euler_adjoint(x, gradient, dt, np.sqrt(frequency))


@task("2.5-b", cases=_gradient_cases, stars=2)
def adjoint_gradient(first, background, B, A, H, R, y):
    """With y of shape (T, L), returning shape (K,)."""
    states = [first]
    for _ in range(len(y) - 1):
        states.append(A @ states[-1])
    carried = np.zeros(len(first))
    for x, datum in zip(states[::-1], y[::-1]):
        carried = A.T @ carried + H.T @ np.linalg.solve(R, H @ x - datum)
    return carried + np.linalg.solve(B, first - background)


@adjoint_gradient.mistake(
    "forgot to transpose the motion",
    "On the way back you multiplied by A. The gradient is carried back by A'.",
)
def _forgot_to_transpose(first, background, B, A, H, R, y):
    states = [first]
    for _ in range(len(y) - 1):
        states.append(A @ states[-1])
    carried = np.zeros(len(first))
    for x, datum in zip(states[::-1], y[::-1]):
        carried = A @ carried + H.T @ np.linalg.solve(R, H @ x - datum)
    return carried + np.linalg.solve(B, first - background)


@adjoint_gradient.mistake(
    "forgot the background",
    "The data are all there. The background has a misfit, too: add B^-1 (x_1 - x_b) at the end.",
)
def _no_background(first, background, B, A, H, R, y):
    return adjoint_gradient(first, background, B, A, H, R, y) - np.linalg.solve(B, first - background)


@adjoint_gradient.mistake(
    "did not weigh the misfits",
    "Each misfit is divided by the covariance of its noise: H' R^-1 (H x - y).",
)
def _unweighted(first, background, B, A, H, R, y):
    return adjoint_gradient(first, background, B, A, H, np.eye(len(R)), y)


@adjoint_gradient.mistake(
    "went uphill",
    "This is minus the gradient. With J the sum of squares of H x - y, its slope is H' R^-1 (H x - y).",
)
def _uphill(first, background, B, A, H, R, y):
    return -adjoint_gradient(first, background, B, A, H, R, y)


@adjoint_gradient.mistake(
    "carried forwards in time",
    "You carried the first misfit the furthest. The last one has the longest way to the first state: start "
    "from the end.",
)
def _forwards(first, background, B, A, H, R, y):
    x, carried = first, np.zeros(len(first))
    for t, datum in enumerate(y):
        x = A @ x if t else x
        carried = A.T @ carried + H.T @ np.linalg.solve(R, H @ x - datum)
    return carried + np.linalg.solve(B, first - background)


@adjoint_gradient.mistake(
    "did not carry the misfits",
    "You added misfits of different times as they are. Each must be carried back to the first state, by A' "
    "for every step.",
)
def _not_carried(first, background, B, A, H, R, y):
    x, total = first, np.linalg.solve(B, first - background)
    for t, datum in enumerate(y):
        x = A @ x if t else x
        total = total + H.T @ np.linalg.solve(R, H @ x - datum)
    return total


@adjoint_gradient.mistake(
    "carried once too often",
    "The misfit of the first time belongs to the first state already. Carry, then add; do not carry after "
    "the last sum.",
)
def _once_too_often(first, background, B, A, H, R, y):
    pulled = np.linalg.solve(B, first - background)
    return A.T @ (adjoint_gradient(first, background, B, A, H, R, y) - pulled) + pulled


@task("2.5-c", cases=_weak_cases, stars=2)
def weak_precision(A, B, Q, H, R, T):
    """Return an array of shape (T K, T K)."""
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


@weak_precision.mistake(
    "forgot that a state is also a source",
    "x_t stands in two departures: as the target of x_{t-1} and as the source of x_{t+1}. The second gives "
    "A' Q^-1 A on the diagonal.",
)
def _no_push_back(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K).copy()
    for t in range(T - 1):
        found[t, :, t] -= A.T @ np.linalg.inv(Q) @ A
    return found.reshape(T * K, T * K)


@weak_precision.mistake(
    "gave the last state a successor",
    "No departure follows the last state: its block has no A' Q^-1 A.",
)
def _last_has_a_successor(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).copy()
    found[-K:, -K:] += A.T @ np.linalg.inv(Q) @ A
    return found


@weak_precision.mistake(
    "lost the sign between neighbours",
    "In |x_{t+1} - A x_t|^2 the mixed term has a minus: the block below the diagonal is -Q^-1 A.",
)
def _off_diagonal_sign(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K)
    same = np.eye(T, dtype=bool)[:, None, :, None]
    return np.where(same, found, -found).reshape(T * K, T * K)


@weak_precision.mistake(
    "swapped the blocks beside the diagonal",
    "Block (t+1, t), below the diagonal, is -Q^-1 A; its transpose, -A' Q^-1, lies above.",
)
def _blocks_swapped(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K)
    same = np.eye(T, dtype=bool)[:, None, :, None]
    return np.where(same, found, found.transpose(2, 1, 0, 3)).reshape(T * K, T * K)


@weak_precision.mistake(
    "charged the first state by Q",
    "The first state departs from the background, not from a motion: its block has B^-1 where the others have Q^-1.",
)
def _q_for_the_first(A, B, Q, H, R, T):
    return weak_precision(A, Q, Q, H, R, T)


@weak_precision.mistake(
    "forgot the observations",
    "This is the precision of the prior. Every time that is observed adds H' R^-1 H to its block.",
)
def _nothing_seen(A, B, Q, H, R, T):
    return weak_precision(A, B, Q, 0 * H, R, T)
