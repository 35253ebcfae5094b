"""Exercises of T.4: films with missing pictures."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _divergence_cases(rng):
    return [(rng.normal(), rng.uniform(0.5, 2), rng.normal(), rng.uniform(0.1, 1)) for _ in range(4)]


def _fuse_cases(rng):
    cases = []
    for missing in (0, 2, 1):
        r = rng.normal(size=5)
        r[rng.choice(5, missing, replace=False)] = np.nan
        cases.append((rng.normal(size=5), rng.uniform(0.5, 2, 5), r, rng.uniform(0.1, 1)))
    return cases


def _period_cases(rng):
    cases = []
    for angle in (0.33, 1.2, 2.5):
        turn = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        S = np.eye(3) + 0.3 * rng.normal(size=(3, 3))
        cases.append((S @ np.block([[turn, np.zeros((2, 1))], [np.zeros((1, 2)), 0.95]]) @ np.linalg.inv(S),))
    slow, fast = (r * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for r, a in ((0.99, 0.2), (0.4, 1.5)))
    cases.append((np.block([[fast, np.zeros((2, 2))], [np.zeros((2, 2)), slow]]),))
    return [*cases, (np.diag([0.9, 0.5]),)]


@task("T.4-a", cases=_divergence_cases)
def divergence(m, P, r, S):
    """Return D_KL{q || p} in nats, for one code."""
    u, M = r - m, 1 / (P + S)
    return 0.5 * (P * (u * M) ** 2 + S * M - 1 + np.log((P + S) / S))


@divergence.mistake(
    "turned the two round",
    "This is D_KL{p || q}. The bound has the average under q, of log q less log p.",
)
def _turned(m, P, r, S):
    mean, V = m + P / (P + S) * (r - m), P * S / (P + S)
    return 0.5 * ((mean - m) ** 2 / V + P / V - 1 - np.log(P / V))


@divergence.mistake(
    "took the reading for the mean of q",
    "The mean of q lies between the prior's and the reading: m + P (r - m) / (P + S).",
)
def _reading(m, P, r, S):
    V = P * S / (P + S)
    return 0.5 * ((r - m) ** 2 / P + V / P - 1 - np.log(V / P))


@divergence.mistake(
    "took S for the variance of q",
    "S is the variance of the reading. That of q is smaller, because the prior knows something too: P S / (P + S).",
)
def _variance(m, P, r, S):
    mean = m + P / (P + S) * (r - m)
    return 0.5 * ((mean - m) ** 2 / P + S / P - 1 - np.log(S / P))


@divergence.mistake(
    "forgot the means",
    "This is what the two variances cost. The reading has moved the mean as well.",
)
def _means(m, P, r, S):
    return divergence(m, P, m, S)


@divergence.mistake(
    "left out the half",
    "Twice the right number: each logarithm of a Gaussian has a half in front.",
)
def _twice(m, P, r, S):
    return 2 * divergence(m, P, r, S)


@task("T.4-b", cases=_fuse_cases, stars=2)
def fuse(m, P, r, S):
    """Return (means, variances), with the shapes of ``m``."""
    gain = np.where(np.isnan(r), 0.0, P / (P + S))
    return m + gain * np.nan_to_num(r - m), (1 - gain) * P


@fuse.mistake(
    "read a zero where there was no picture",
    "A missing reading has become a reading of zero, and the belief runs after it. Where there is none, the belief "
    "stays as it was.",
)
def _zero(m, P, r, S):
    return fuse(m, P, np.nan_to_num(r), S)


@fuse.mistake(
    "kept the mean and narrowed the variance",
    "The means are right. Where nothing was read the variance must stay too: nothing was learned there.",
)
def _narrowed(m, P, r, S):
    return fuse(m, P, r, S)[0], P * S / (P + S) * np.ones_like(m)


@fuse.mistake(
    "let the gaps through",
    "A NaN in the reading has made the belief NaN. Without a reading the belief stays as it was.",
)
def _through(m, P, r, S):
    gain = P / (P + S)
    return m + gain * (r - m), np.where(np.isnan(r), np.nan, (1 - gain) * P)


@fuse.mistake(
    "weighed by the wrong variance",
    "The gain is P / (P + S): the less the belief knew, the more it listens.",
)
def _wrong_gain(m, P, r, S):
    gain = np.where(np.isnan(r), 0.0, S / (P + S))
    return m + gain * np.where(np.isnan(r), 0.0, r - m), (1 - gain) * P


@fuse.mistake(
    "kept the variance",
    "The means are right. A reading also makes the belief narrower: (1 - gain) P.",
)
def _kept(m, P, r, S):
    return fuse(m, P, r, S)[0], P * np.ones_like(m)


@task("T.4-c", cases=_period_cases, stars=2)
def period(A):
    """Return the number of pictures in a period, or infinity."""
    values = np.linalg.eigvals(A)
    turning = values[values.imag > 1e-9]
    if len(turning) == 0:
        return np.inf
    return 2 * np.pi / np.angle(turning[np.abs(turning).argmax()])


@period.mistake(
    "took the angle",
    "This is the angle of a step, in radians. A period is 2 pi of it.",
)
def _angle(A):
    return 2 * np.pi / period(A)


@period.mistake(
    "took the angle of an entry",
    "The entries of A depend on the coordinates of the state, its eigenvalues do not.",
)
def _entry(A):
    return 2 * np.pi / np.abs(np.arctan2(A[1, 0], A[0, 0]))


@period.mistake(
    "took the fastest motion",
    "There is more than one turning pair. The one that lasts is the one with the largest modulus.",
)
def _fastest(A):
    values = np.linalg.eigvals(A)
    angles = np.angle(values[values.imag > 1e-9])
    return 2 * np.pi / angles.max() if len(angles) else np.inf


@period.mistake(
    "took the imaginary part for the angle",
    "Close for slow swings with little damping. The angle is that of the complex number, np.angle.",
)
def _imaginary(A):
    values = np.linalg.eigvals(A)
    turning = values[values.imag > 1e-9]
    return 2 * np.pi / turning[np.abs(turning).argmax()].imag if len(turning) else np.inf


@period.mistake(
    "found a period where nothing turns",
    "With real eigenvalues there is no swing: return infinity.",
)
def _always(A):
    found = period(A)
    return found if np.isfinite(found) else 2 * np.pi
