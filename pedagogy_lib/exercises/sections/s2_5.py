"""Exercises of chapter 2.5: 4DVar and the adjoint method."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _euler_cases(rng):
    return [(rng.normal(size=2), rng.normal(size=2), rng.uniform(0.05, 0.3), rng.uniform(0.8, 2.0)) for _ in range(4)]


def _curvature_cases(rng):
    cases = []
    for k, n, T in ((2, 1, 4), (3, 2, 5), (2, 2, 3)):
        A, H = rng.normal(size=(k, k)), rng.normal(size=(n, k))
        cases.append((rng.normal(size=k), _spd(rng, k), A, H, _spd(rng, n), T))
    return cases


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


@task("2.5-b", cases=_curvature_cases, stars=2)
def curvature_times(s, B, A, H, R, T):
    """Return an array of shape (K,)."""
    return _curvature_times(s, B, A, H, R, T)


def _curvature_times(s, B, A, H, R, T, forth=True, back=True, weighed=True):
    changes = [s]
    for _ in range(T - 1):
        changes.append((A if forth else A.T) @ changes[-1])
    carried = np.zeros(len(s))
    for change in changes[::-1]:
        pull = np.linalg.solve(R, H @ change) if weighed else H @ change
        carried = (A.T if back else A) @ carried + H.T @ pull
    return carried + np.linalg.solve(B, s)


@curvature_times.mistake(
    "forgot to transpose on the way back",
    "On the way back you multiplied by A. What is seen of a change is carried back by the adjoint, A'.",
)
def _(*case):
    return _curvature_times(*case, back=False)


@curvature_times.mistake(
    "transposed on the way forth",
    "A change is carried forwards by the tangent, A. Only the way back has A'.",
)
def _(*case):
    return _curvature_times(*case, forth=False)


@curvature_times.mistake(
    "forgot the background", "The data's part is all there. The background has a precision, too: add B^-1 s."
)
def _(s, B, A, H, R, T):
    return curvature_times(s, B, A, H, R, T) - np.linalg.solve(B, s)


@curvature_times.mistake(
    "multiplied by the background's covariance", "The matrix is a precision: its first part is B^-1, not B."
)
def _(s, B, A, H, R, T):
    return curvature_times(s, B, A, H, R, T) - np.linalg.solve(B, s) + B @ s


@curvature_times.mistake(
    "did not weigh what is seen", "What is seen of the change is divided by the covariance of the noise: H' R^-1 H S s."
)
def _(*case):
    return _curvature_times(*case, weighed=False)


@curvature_times.mistake(
    "carried once too often",
    "What is seen at the first time belongs to the first state already. Carry, then add; do not carry after the "
    "last sum.",
)
def _(s, B, A, H, R, T):
    own = np.linalg.solve(B, s)
    return A.T @ (curvature_times(s, B, A, H, R, T) - own) + own


@curvature_times.mistake("left out the first reading", "There are T readings. The first sees the change s itself.")
def _(s, B, A, H, R, T):
    seen = H.T @ np.linalg.solve(R, H @ s)
    return curvature_times(s, B, A, H, R, T) - seen


@curvature_times.mistake(
    "did not carry back",
    "You added what is seen at different times as it is. Each must be carried back to the first state, by A' for "
    "every step.",
)
def _(s, B, A, H, R, T):
    total, change = np.linalg.solve(B, s), s
    for t in range(T):
        change = A @ change if t else change
        total = total + H.T @ np.linalg.solve(R, H @ change)
    return total


def _adjoint_cases(rng):
    cases = []
    for pieces, k in ((12, 5), (9, 40)):
        units = 10.0 ** rng.integers(-9, 10, size=(pieces, 1))
        F = rng.normal(size=(pieces, k, k))
        u, g = rng.normal(size=(2, pieces, k)) * units[:, :1]
        forward = np.einsum("mij,mj->mi", F, u)
        for row, (gone, image) in enumerate(zip(g, forward)):      # every other pair of sums cancels, almost
            if row % 2:
                g[row] = gone - (gone @ image) * image / (image @ image) * (1 - 1e-8)
        back = np.einsum("mij,mi->mj", F, g)
        wrong = np.arange(pieces) % 3 == 1
        size = abs(g * forward).sum(1)
        shift = np.sign(u) * (size / abs(u).sum(1) * np.where(np.arange(pieces) % 2, 1.0, 1e-5))[:, None]
        order = rng.permutation(pieces)
        cases.append(tuple(array[order] for array in (u, g, forward, np.where(wrong[:, None], back + shift, back))))
    return cases


@task("2.5-c", cases=_adjoint_cases, stars=2)
def wrong_adjoints(u, g, forward, back):
    """With four arrays of shape (M, K), returning M truth values."""
    gap = abs((g * forward).sum(1) - (back * u).sum(1))
    size = abs(g * forward).sum(1) + abs(back * u).sum(1)
    return gap > 1e-9 * size


@wrong_adjoints.mistake(
    "wanted equality to the last bit",
    "Sums in another order differ by rounding, about 1e-16 of the size of what is summed. Leave room for that.",
)
def _(u, g, forward, back):
    return (g * forward).sum(1) != (back * u).sum(1)


@wrong_adjoints.mistake(
    "compared with a fixed number",
    "The pieces have different units. A gap of 1e-9 is nothing among numbers of 1e9, and everything among numbers "
    "of 1e-9: compare it with their size.",
)
def _(u, g, forward, back):
    return abs((g * forward).sum(1) - (back * u).sum(1)) > 1e-9


@wrong_adjoints.mistake(
    "compared with the sum",
    "A sum may be small because its terms cancel, and rounding does not shrink with it. Compare the gap with the "
    "sum of absolute values.",
)
def _(u, g, forward, back):
    left, right = (g * forward).sum(1), (back * u).sum(1)
    return abs(left - right) > 1e-9 * abs(left)


@wrong_adjoints.mistake("said which are right", "You marked the pieces that pass. Asked are those that are wrong.")
def _(*case):
    return ~wrong_adjoints(*case)


@wrong_adjoints.mistake(
    "was too lenient",
    "You let small errors pass. Some adjoints here are off by a hundred-thousandth only, and rounding is far "
    "below that.",
)
def _(u, g, forward, back):
    gap = abs((g * forward).sum(1) - (back * u).sum(1))
    return gap > 1e-2 * (abs(g * forward).sum(1) + abs(back * u).sum(1))
