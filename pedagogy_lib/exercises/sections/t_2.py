"""Exercises of lesson T.2, the normalizing Kalman filter."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _log_cases(rng):
    shapes = [{"size": n} for n in (5, 9)]
    return [(np.exp(rng.normal(1, 0.6, **s)), rng.normal(1, 0.5, **s), rng.uniform(0.1, 0.8, **s)) for s in shapes]


def _log(y, mean, deviation, volume=1.0, divided=1.0):
    scaled = (np.log(y) - mean) / deviation
    return -0.5 * scaled**2 - divided * np.log(deviation) - 0.5 * np.log(2 * np.pi) - volume * np.log(y)


@task("T.2-a", cases=_log_cases, stars=1)
def log_density(y, mean, deviation):
    """With all three of shape (T,), returning an array of shape (T,), in nats."""
    return _log(y, mean, deviation)


@log_density.mistake("the volume forgotten", "That is the density of log y. How much does the logarithm stretch at y?")
def _(*case):
    return _log(*case, volume=0.0)


@log_density.mistake("the volume's sign", "The slope of log y is 1 / y: its logarithm is minus log y.")
def _(*case):
    return _log(*case, volume=-1.0)


@log_density.mistake("the deviation forgotten", "A Gaussian's density is divided by its deviation.")
def _(*case):
    return _log(*case, divided=0.0)


def _scale_cases(rng):
    found = []
    for m, n in ((3, 6), (4, 9)):
        slopes = np.exp(rng.normal(rng.normal(0, 2, size=(m, 1)), 0.5, size=(m, n)))
        found.append((rng.normal(2, 1.5, size=m), slopes))
    return found


def _scales(costs, slopes, sign=-1.0, by=lambda slopes: np.log(slopes).mean(1), pick=np.argmin):
    found = costs + sign * by(slopes)
    return found, int(pick(found))


@task("T.2-b", cases=_scale_cases, parts=("the costs of the readings", "the scale of the lowest"), stars=2)
def compare(costs, slopes):
    """With ``costs`` of shape (M,), ``slopes`` of shape (M, T), returning an array of shape (M,) and a whole number."""
    return _scales(costs, slopes)


@compare.mistake("as they came", "Those are costs of z, each in other units: none can be compared with another.")
def _(*case):
    return _scales(*case, sign=0.0)


@compare.mistake("the sign", "Where z is stretched its density is lower, that of y is not: take the log slope away.")
def _(*case):
    return _scales(*case, sign=1.0)


@compare.mistake("the logarithm of the mean", "Every reading has its own slope: average the logarithms.")
def _(*case):
    return _scales(*case, by=lambda slopes: np.log(slopes.mean(1)))


@compare.mistake("a sum for all readings", "The costs are for each reading: average the log slopes, too.")
def _(*case):
    return _scales(*case, by=lambda slopes: np.log(slopes).sum(1))


@compare.mistake("the highest", "The costs are right. The best scale has the lowest.")
def _(*case):
    return _scales(*case, pick=np.argmax)


def _cube(y):
    return y**3 + y


def _steep(y):
    return np.log(y / (10 - y))


def _read_cases(rng):
    return [(_cube, rng.normal(0, 4, size=5), -5.0, 5.0), (_steep, rng.normal(0, 1.5, size=4), 1e-6, 10 - 1e-6)]


def _read(straighten, z, low, high, steps=60, below=np.less):
    low, high = np.full(len(z), low), np.full(len(z), high)
    for _ in range(steps):
        middle = (low + high) / 2
        too_low = below(straighten(middle), z)
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return (low + high) / 2


@task("T.2-c", cases=_read_cases, tolerance=1e-6, stars=2)
def read(straighten, z, low, high):
    """With ``z`` of shape (N,), returning an array of shape (N,)."""
    return _read(straighten, z, low, high)


@read.mistake("the wrong half", "Where the middle is still too low, what you look for lies above it.")
def _(*case):
    return _read(*case, below=np.greater)


@read.mistake("stopped early", "Halve until nothing changes: sixty times, say.")
def _(*case):
    return _read(*case, steps=8)


@read.mistake("carried forwards", "z was straightened already: look for the reading that has it.")
def _(straighten, z, low, high):
    return straighten(np.clip(z, low, high))
