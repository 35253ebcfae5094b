"""Exercises of lesson M.3, Hamiltonian Monte Carlo."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _quartic_slope(x):
    return -(x**3)


def _slanted_slope(x):
    return -np.array([[2.0, 0.3], [0.3, 1.0]]) @ x


def _glide_cases(rng):
    kinds = ((_slanted_slope, 2, 0.3, 4), (_quartic_slope, 3, 0.2, 3))
    return [
        (f, rng.normal(size=d), rng.normal(size=d), size, steps, rng.uniform(0.5, 3, size=d))
        for f, d, size, steps in kinds
    ]


def _glide(gradient, x, v, size, steps, masses, last=0.5, heavy=-1, first=0.5, uphill=1):
    v = v + uphill * first * size * gradient(x)
    for _ in range(steps):
        x = x + size * v * masses ** float(heavy)
        v = v + uphill * size * gradient(x)
    return x, v - uphill * last * size * gradient(x)


@task("M.3-a", cases=_glide_cases, parts=("x", "v"), stars=2)
def glide(gradient, x, v, size, steps, masses):
    """With ``x``, ``v`` and ``masses`` of shape (D,), returning the new (x, v)."""
    return _glide(gradient, x, v, size, steps, masses)


@glide.mistake("both bugs left", "Nothing has changed: which way do masses act, and how large is the last kick?")
def _(*case):
    return _glide(*case, last=0.0, heavy=1)


@glide.mistake(
    "last kick whole", "The masses are right. But the glide must end with half a kick, or it cannot be retraced."
)
def _(*case):
    return _glide(*case, last=0.0)


@glide.mistake(
    "masses upside down", "The kicks are right. But heavy things move slowly: divide the momentum by the masses."
)
def _(*case):
    return _glide(*case, heavy=1)


@glide.mistake("masses forgotten", "The velocity is the momentum divided by the masses.")
def _(*case):
    return _glide(*case, heavy=0)


@glide.mistake("half a kick too few", "Half of the last kick must be taken back, not all of it.")
def _(*case):
    return _glide(*case, last=1.0)


@glide.mistake("kicked in full at first", "The first kick is half of one.")
def _(*case):
    return _glide(*case, first=1.0)


@glide.mistake("went down the density", "The gradient is that of +log p: add it.")
def _(*case):
    return _glide(*case, uphill=-1)


def _slope_cases(rng):
    return [(float(rng.normal()), rng.normal(size=d), float(rng.normal()), rng.normal(size=d)) for d in (3, 5)]


def _slope(w, x, slope_w, slope_x, chain=1.0, volume=1.0, stretch=1.0):
    return slope_w + chain * (x @ slope_x) + volume * len(x), np.exp(stretch * w) * slope_x


@task("M.3-b", cases=_slope_cases, parts=("the slope in w", "the slope in z"), stars=2)
def other_slope(w, x, slope_w, slope_x):
    """With ``x`` and ``slope_x`` of shape (D,), returning a number and an array of shape (D,)."""
    return _slope(w, x, slope_w, slope_x)


@other_slope.mistake(
    "volume forgotten",
    "The density per unit of z is larger by e to the power of D w: its logarithm has the slope D in w.",
)
def _(*case):
    return _slope(*case, volume=0.0)


@other_slope.mistake("x held fixed", "With z held fixed, x moves when w moves: dx/dw = x.")
def _(*case):
    return _slope(*case, chain=0.0)


@other_slope.mistake("slope in z not stretched", "dx/dz is e to the power of w.")
def _(*case):
    return _slope(*case, stretch=0.0)


@other_slope.mistake("stretched the wrong way", "dx/dz is e to the power of w, not of -w.")
def _(*case):
    return _slope(*case, stretch=-1.0)


@other_slope.mistake("volume with the wrong sign", "The density per unit of z is larger, not smaller: add D.")
def _(*case):
    return _slope(*case, volume=-1.0)
