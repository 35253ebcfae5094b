"""Exercises of T.8: a turning sea."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _field_cases(rng):
    return [(rng.normal(size=(N, N)) + rng.normal(), N) for N in (6, 8, 10)]


def _wave_cases(rng):
    """Real fields by half of their waves, and how many places there are along a side."""
    return [(np.fft.rfft2(field), N) for field, N in _field_cases(rng)]


def _sea_cases(rng):
    return [(rng.normal(size=(N, N)), radius) for N, radius in ((12, 0.7), (16, 1.3))]


def _swing_cases(rng):
    return [(rng.normal(size=(K, K)), rng.normal(size=K), 0.1, steps) for K, steps in ((2, 1), (3, 2), (3, 5), (2, 9))]


@task("T.8-a", cases=_wave_cases)
def mean_square(waves, size):
    """Return the mean square of the field over its places, a number."""
    twice = np.full(waves.shape[1], 2.0)
    twice[0] = twice[-1] = 1.0
    return (twice * np.abs(waves) ** 2).sum() / size**4


@mean_square.mistake(
    "counted half of the waves",
    "Half of the waves were left out of the array, because they are the conjugates of others. They are waves of the "
    "field all the same: count what stands for two twice.",
)
def _half(waves, size):
    return (np.abs(waves) ** 2).sum() / size**4


@mean_square.mistake(
    "counted every wave twice",
    "The first column has its conjugates in itself, and so has the last. They are counted once.",
)
def _all_twice(waves, size):
    return 2 * (np.abs(waves) ** 2).sum() / size**4


@mean_square.mistake(
    "forgot the last column",
    "The first column counts once, and so does the last one: waves of half the size are their own conjugates.",
)
def _last_twice(waves, size):
    twice = np.full(waves.shape[1], 2.0)
    twice[0] = 1.0
    return (twice * np.abs(waves) ** 2).sum() / size**4


@mean_square.mistake(
    "divided once by the number of places",
    "You have the sum of squares over the places. A transform without a norm makes squares larger by the number "
    "of places, size squared, and the mean asks for one more division by it.",
)
def _sum(waves, size):
    return mean_square(waves, size) * size**2


@task("T.8-b", cases=_sea_cases, stars=2)
def carried(q, radius):
    """Return J(psi, q) at the places of a square of side 2 pi, shape (N, N)."""
    N = len(q)
    k, l = np.arange(N // 2 + 1)[None], np.fft.fftfreq(N, 1 / N)[:, None]
    kept = (np.abs(k) < N / 3) & (np.abs(l) < N / 3)
    waves = kept * np.fft.rfft2(q)
    psi = -waves / (k**2 + l**2 + radius**-2)
    u, v = np.fft.irfft2(-1j * l * psi), np.fft.irfft2(1j * k * psi)
    product = u * np.fft.irfft2(1j * k * waves) + v * np.fft.irfft2(1j * l * waves)
    return np.fft.irfft2(kept * np.fft.rfft2(product))


def _faulty(q, radius, before=True, after=True, share=3, turn=1, bend=-2.0):
    N = len(q)
    k, l = np.arange(N // 2 + 1)[None], np.fft.fftfreq(N, 1 / N)[:, None]
    kept = (np.abs(k) < N / share) & (np.abs(l) < N / share)
    waves = (kept if before else 1) * np.fft.rfft2(q)
    psi = -waves / (k**2 + l**2 + radius**bend)
    u, v = np.fft.irfft2(-turn * 1j * l * psi), np.fft.irfft2(turn * 1j * k * psi)
    product = u * np.fft.irfft2(1j * k * waves) + v * np.fft.irfft2(1j * l * waves)
    return np.fft.irfft2((kept if after else 1) * np.fft.rfft2(product))


@carried.mistake(
    "left waves out after the product alone",
    "Waves from N/3 on are still in the factors. Their products come back as waves that are kept, and no mask can tell "
    "them from true ones afterwards: leave them out before the product, too.",
)
def _after_alone(q, radius):
    return _faulty(q, radius, before=False)


@carried.mistake(
    "left waves out before the product alone",
    "The factors are clean, but their product has waves up to twice as short, and those from N/3 on are still in it. "
    "They are not right, and next time they would be factors.",
)
def _before_alone(q, radius):
    return _faulty(q, radius, after=False)


@carried.mistake(
    "kept waves up to half the size",
    "Up to N/2 a wave can be shown, but the product of two such waves cannot: it is aliased onto kept ones. Keep those "
    "below N/3.",
)
def _half_rule(q, radius):
    return _faulty(q, radius, share=2)


@carried.mistake(
    "let the sea turn the other way",
    "Your J has the opposite sign: u is minus the slope of psi to the north, v is its slope to the east.",
)
def _other_way(q, radius):
    return _faulty(q, radius, turn=-1)


@carried.mistake(
    "took the radius for its inverse",
    "psi = -q / (k^2 + l^2 + 1 / radius^2): a small radius makes psi small.",
)
def _bent(q, radius):
    return _faulty(q, radius, bend=2.0)


@task("T.8-c", cases=_swing_cases, stars=2)
def back(A, gradient, dt, steps):
    """Return the gradient with respect to the first state, shape (K,)."""
    after = [gradient, np.zeros_like(gradient)]                        # l_{n+1}, l_{n+2}
    for n in range(steps - 1, -1, -1):
        here = 1.0 if n == 0 else 1.5
        after = [after[0] + dt * A.T @ (here * after[0] - 0.5 * after[1]), after[0]]
    return after[0]


def _back(A, gradient, dt, steps, first=1.0, late=True, sign=-0.5, transpose=True):
    M = A.T if transpose else A
    after = [gradient, np.zeros_like(gradient) if late else gradient]
    for n in range(steps - 1, -1, -1):
        here = first if n == 0 else 1.5
        after = [after[0] + dt * M @ (here * after[0] + sign * after[1]), after[0]]
    return after[0]


@back.mistake(
    "took no Euler step at the start",
    "The first step is Euler's, with weight 1 for the first slope; 3/2 is its weight in later steps.",
)
def _no_euler(A, gradient, dt, steps):
    return _back(A, gradient, dt, steps, first=1.5)


@back.mistake(
    "forgot the memory",
    "A slope is used in the step after the next, too, with weight -1/2, and so it receives from there.",
)
def _forgot(A, gradient, dt, steps):
    return _back(A, gradient, dt, steps, sign=0.0)


@back.mistake(
    "used a step after the last",
    "The slope at the place before the last is used in one step only: there is none after the last.",
)
def _too_late(A, gradient, dt, steps):
    return _back(A, gradient, dt, steps, late=False)


@back.mistake(
    "turned the memory's sign",
    "The older slope weighs -1/2, forwards and back.",
)
def _signed(A, gradient, dt, steps):
    return _back(A, gradient, dt, steps, sign=0.5)


@back.mistake(
    "did not transpose",
    "A carries a change forward. A gradient goes back by the transpose of A.",
)
def _not_transposed(A, gradient, dt, steps):
    return _back(A, gradient, dt, steps, transpose=False)
