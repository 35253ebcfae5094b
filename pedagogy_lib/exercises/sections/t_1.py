"""Exercises of lesson T.1, universal differential equations."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _logistic_cases(rng):
    return [
        (float(rng.uniform(0.3, 1.2)), float(rng.uniform(0.05, 0.4)), dt, rng.uniform(0.1, 1.0, size=n))
        for dt, n in ((0.5, 4), (0.2, 7), (1.0, 2))
    ]


def _slopes(r, first, dt, y, jump=1.0, stay=1.0, step=1.0, half=1.0, before=lambda x, s: x[s]):
    x = [first]
    for _ in range(len(y) - 1):
        x.append(x[-1] + dt * r * x[-1] * (1 - x[-1]))
    pulls = half * (np.array(x) - y)
    adjoint, of_rate = pulls[-1], 0.0
    for s in range(len(y) - 2, -1, -1):
        at = before(x, s)
        of_rate += step * dt * at * (1 - at) * adjoint
        adjoint = (stay + dt * r * (1 - 2 * x[s])) * adjoint + jump * pulls[s]
    return of_rate, adjoint


@task("T.1-a", cases=_logistic_cases, parts=("dS/dr", "dS/dx_0"), stars=2)
def slopes(r, first, dt, y):
    """With ``y`` of shape (S + 1,), returning the derivatives with respect to ``r`` and ``first``: two numbers."""
    return _slopes(r, first, dt, y)


@slopes.mistake("the direct pulls forgotten", "Each observed state is pulled by its own misfit too, not only the last.")
def _(*case):
    return _slopes(*case, jump=0.0)


@slopes.mistake("the state's own share forgotten", "x stays where it is, plus a step: the step's slope in x is 1 + ...")
def _(*case):
    return _slopes(*case, stay=0.0)


@slopes.mistake("a step without dt", "The first state is right. The rate moves a state by dt times x (1 - x).")
def _(r, first, dt, y):
    return _slopes(r, first, dt, y, step=1 / dt)


@slopes.mistake("the state after the step", "The first state is right. The rate acted at the state *before* each step.")
def _(*case):
    return _slopes(*case, before=lambda x, s: x[s + 1])


@slopes.mistake("twice as large", "The square has a factor one half before it.")
def _(*case):
    return _slopes(*case, half=2.0)


def _heun_cases(rng):
    found = []
    for d, dt in ((2, 0.3), (3, 0.1)):
        A, b = rng.normal(size=(d, d)), rng.normal(size=d)
        found.append((
            lambda x, A=A, b=b: np.tanh(A @ x + b),
            lambda x, A=A, b=b: (1 - np.tanh(A @ x + b) ** 2)[:, None] * A,
            rng.normal(size=d), dt, rng.normal(size=d),
        ))  # fmt: skip
    return found


def _heun(velocity, jacobian, x, dt, adjoint, along=1.0, first=0.5, second=0.5, keep=1.0, turn=True, moved=1.0):
    middle = x + moved * dt * velocity(x)
    J, K = (f.T if turn else f for f in (jacobian(x), jacobian(middle)))
    back = K @ (second * dt * adjoint)
    return keep * adjoint + back + J @ (first * dt * adjoint + along * dt * back)


@task("T.1-b", cases=_heun_cases, stars=3)
def heun_back(velocity, jacobian, x, dt, adjoint):
    """With ``x`` and ``adjoint`` of shape (K,), returning an array of shape (K,)."""
    return _heun(velocity, jacobian, x, dt, adjoint)


@heun_back.mistake(
    "the first slope's second use forgotten",
    "The first slope is used twice: in the sum, and on the way to the place of the second.",
)
def _(*case):
    return _heun(*case, along=0.0)


@heun_back.mistake("not transposed", "An adjoint is carried by the transpose of the Jacobian.")
def _(*case):
    return _heun(*case, turn=False)


@heun_back.mistake("Euler's step", "That is the adjoint of Euler's step. Heun's looks at a second slope.")
def _(*case):
    return _heun(*case, first=1.0, second=0.0)


@heun_back.mistake("both slopes at x", "The second slope was taken at x + dt f(x), and so is its Jacobian.")
def _(*case):
    return _heun(*case, moved=0.0)


@heun_back.mistake("the state itself forgotten", "The new state holds the old one: its gradient passes on too.")
def _(*case):
    return _heun(*case, keep=0.0)


def _clearance_cases(rng):
    found = []
    for n in (30, 60):
        prey = np.exp(rng.uniform(-1, 2.5, size=n))
        limit, half = rng.uniform(0.3, 0.9), rng.uniform(1.0, 4.0)
        found.append((prey, limit / (1 + prey / half)))
    return found


@task("T.1-c", cases=_clearance_cases, parts=("the clearance at no prey", "the prey at which it is halved"), stars=2)
def read_off(prey, clearance):
    """With ``prey`` and ``clearance`` of shape (N,), returning two numbers, c_0 and n_h."""
    slope, level = np.polyfit(prey, 1 / clearance, 1)
    return 1 / level, level / slope


@read_off.mistake("the line's own numbers", "1 / c is a line in n: its level is 1 / c_0, its slope 1 / (c_0 n_h).")
def _(prey, clearance):
    slope, level = np.polyfit(prey, 1 / clearance, 1)
    return level, slope


@read_off.mistake("one over the slope", "The first number is right. The slope of 1 / c is 1 / (c_0 n_h).")
def _(prey, clearance):
    slope, level = np.polyfit(prey, 1 / clearance, 1)
    return 1 / level, 1 / slope


@read_off.mistake("the clearance of the fewest prey", "No datum lies at n = 0: follow the line of 1 / c there.")
def _(prey, clearance):
    slope, level = np.polyfit(prey, 1 / clearance, 1)
    return clearance[prey.argmin()], level / slope


@read_off.mistake("a line through c itself", "c is no line in n. Which function of c is?")
def _(prey, clearance):
    slope, level = np.polyfit(prey, clearance, 1)
    return level, -level / slope / 2
