"""Exercises of section 2.2.2: the Kalman filter and the RTS smoother."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _forecast_cases(rng):
    cases = []
    for k, m, h in ((2, 1, 3), (3, 2, 4)):
        belief, move = (rng.normal(size=k), _spd(rng, k)), (0.7 * rng.normal(size=(k, k)), _spd(rng, k))
        cases.append((*belief, *move, rng.normal(size=(m, k)), _spd(rng, m), h))
    return cases


def _forecast_edges():
    """The next reading, and a level that wanders for a hundred years."""
    one = np.eye(1)
    return [
        (np.array([1.0]), 2 * one, one, 3 * one, one, 5 * one, 1),
        (np.array([800.0]), 4032 * one, one, 1469 * one, one, 15099 * one, 100),
    ]


def _forecast(mean, covariance, A, Q, C, R, h, carried=True):
    for _ in range(h):
        mean, covariance = A @ mean, A @ covariance @ A.T + (Q if carried else 0)
    return C @ mean, C @ covariance @ C.T + R


@task("2.2.2-a", cases=_forecast_cases, edges=_forecast_edges, parts=("mean", "covariance"), stars=2)
def forecast(mean, covariance, A, Q, C, R, h):
    """With shapes (K,), (K, K), (K, K), (K, K), (L, K), (L, L) and a number, returning shapes (L,) and (L, L)."""
    return _forecast(mean, covariance, A, Q, C, R, h)


@forecast.mistake(
    "without the sensor's noise", "That is what C x will be. The reading has noise of its own: add R, once."
)
def _(mean, covariance, A, Q, C, R, h):
    return _forecast(mean, covariance, A, Q, C, 0 * R, h)


@forecast.mistake("noise of the last step only", "Each of the h moves adds its Q, and the moves after it carry it on.")
def _(mean, covariance, A, Q, C, R, h):
    mean, covariance = _forecast(mean, covariance, A, Q, C, C @ Q @ C.T + R, h, carried=False)
    return mean, covariance


@forecast.mistake(
    "noise not carried on",
    "h Q is right for A = 1 only: noise that came in early is moved by every later A, on both sides.",
)
def _(mean, covariance, A, Q, C, R, h):
    return _forecast(mean, covariance, A, Q, C, C @ (h * Q) @ C.T + R, h, carried=False)


@forecast.mistake("one step too few", "From x_t to x_{t+h} there are h moves.")
def _(mean, covariance, A, Q, C, R, h):
    return _forecast(mean, covariance, A, Q, C, R, h - 1)


def _fuse_cases(rng):
    cases = []
    for k, m in ((2, 3), (3, 4)):
        y = rng.normal(size=m)
        y[1] = np.nan
        cases.append((rng.normal(size=k), _spd(rng, k), rng.normal(size=(m, k)), rng.uniform(0.2, 2.0, m), y))
    return cases


def _fuse_edges():
    """No sensor speaks; and two that read the same number."""
    mean, covariance = np.array([1.0, -1.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    C = np.array([[1.0, 0.0], [1.0, 0.0]])
    return [
        (mean, covariance, C, np.ones(2), np.full(2, np.nan)),
        (mean, covariance, C, np.array([1.0, 4.0]), np.array([3.0, 2.0])),
    ]


def _one(mean, covariance, row, variance, y):
    gain = covariance @ row / (row @ covariance @ row + variance)
    return mean + gain * (y - row @ mean), covariance - np.outer(gain, row @ covariance)


@task("2.2.2-b", cases=_fuse_cases, edges=_fuse_edges, parts=("mean", "covariance"), stars=2)
def fuse(mean, covariance, C, variances, y):
    """With shapes (K,), (K, K), (M, K), (M,), (M,), returning shapes (K,) and (K, K)."""
    for row, variance, value in zip(C, variances, y):
        if not np.isnan(value):
            mean, covariance = _one(mean, covariance, row, variance, value)
    return mean, covariance


@fuse.mistake("took silence for a zero", "A sensor that is silent (NaN) did not read zero. Leave it out.")
def _(mean, covariance, C, variances, y):
    return fuse(mean, covariance, C, variances, np.nan_to_num(y))


@fuse.mistake(
    "every sensor against the first belief",
    "After the first sensor the belief is narrower and lies elsewhere. The second one must correct that belief.",
)
def _(mean, covariance, C, variances, y):
    changes = [_one(mean, covariance, *sensor) for sensor in zip(C, variances, y) if not np.isnan(sensor[2])]
    return mean + sum(m - mean for m, _ in changes), covariance + sum(P - covariance for _, P in changes)


@fuse.mistake("let silence spread", "One NaN has made everything NaN. A silent sensor is left out.")
def _(mean, covariance, C, variances, y):
    for row, variance, value in zip(C, variances, y):
        mean, covariance = _one(mean, covariance, row, variance, value)
    return mean, covariance


@fuse.mistake(
    "standard deviations for variances",
    "variances are squares already: the sensor's variance joins that of the prediction.",
)
def _(mean, covariance, C, variances, y):
    return fuse(mean, covariance, C, variances**2, y)


def _change_cases(rng):
    cases = []
    for k in (1, 2):
        Y, A = _spd(rng, k), rng.normal(size=(k, k))
        predicted = A @ Y @ A.T + _spd(rng, k)
        J = np.linalg.solve(predicted, A @ Y).T
        after = 0.4 * predicted
        before = Y + J @ (after - predicted) @ J.T
        cases.append(((rng.normal(size=k), after), (rng.normal(size=k), before), J))
    return cases


def _change_edges():
    """A state that cannot change: what is known of one step is known of the other."""
    P = np.array([[2.0, 1.0], [1.0, 3.0]])
    return [((np.array([1.0, 2.0]), P), (np.array([1.0, 2.0]), P), np.eye(2))]


@task("2.2.2-c", cases=_change_cases, edges=_change_edges, parts=("mean", "covariance"), stars=2)
def change(now, before, J):
    """Each of the two a pair (mean, covariance), returning a pair."""
    cross = now[1] @ J.T
    return now[0] - before[0], now[1] + before[1] - cross - cross.T


@change.mistake(
    "as if they were independent",
    "Neighboring states are correlated, because the one makes the other: take their cross-covariance away, twice.",
)
def _(now, before, J):
    return now[0] - before[0], now[1] + before[1]


@change.mistake(
    "the cross-covariance added", "It is the difference whose covariance is asked: cross terms come with a minus."
)
def _(now, before, J):
    cross = now[1] @ J.T
    return now[0] - before[0], now[1] + before[1] + cross + cross.T


@change.mistake(
    "subtracted the covariances", "Covariances of a difference do not subtract: both uncertainties are in it."
)
def _(now, before, J):
    return now[0] - before[0], now[1] - before[1]


@change.mistake(
    "the other covariance under the gain",
    "Eq. 2.55 multiplies the covariance of the later state by J^T. You used that of the earlier one.",
)
def _(now, before, J):
    cross = before[1] @ J.T
    return now[0] - before[0], now[1] + before[1] - cross - cross.T


_HEALTHY, _SIZE, _SLOW, _QUICK = range(4)


def _run(y, q, r):
    """Innovations and their variances, of a filter for a level that wanders."""
    x, P, v, S = 0.0, 1.0, np.empty(len(y)), np.empty(len(y))
    for t, value in enumerate(y):
        P += q
        v[t], S[t] = value - x, P + r
        x, P = x + P / S[t] * v[t], P * r / S[t]
    return v, S


def _rivers(rng, kinds, T=2500):
    y = np.cumsum(np.sqrt(0.3) * rng.normal(size=T)) + rng.normal(size=T)
    told = {_HEALTHY: (1, 1), _SIZE: (0.4, 0.4), _SLOW: (1 / 30, 1), _QUICK: (30, 1)}
    runs = []
    for kind in kinds:
        v, S = _run(y, 0.3 * told[kind][0], told[kind][1])
        # A wrong gain, with variances as large as the innovations are: their size gives nothing away.
        runs.append((v, S * (v**2 / S).mean() if kind in (_SLOW, _QUICK) else S))
    return tuple(np.array(runs).swapaxes(0, 1))


def _diagnose_cases(rng):
    kinds = rng.permutation(4)
    return [_rivers(rng, chosen) for chosen in (kinds[:3], kinds[1:], range(4))]


def _found(v, S, white=0.12, size=0.2):
    e = v / np.sqrt(S)
    r = (e[:, 1:] * e[:, :-1]).sum(1) / (e**2).sum(1)
    off = abs((e**2).mean(1) - 1) > size
    return np.select([r > white, r < -white, off], [_SLOW, _QUICK, _SIZE], _HEALTHY)


@task("2.2.2-d", cases=_diagnose_cases, stars=2)
def diagnose(v, S):
    """With shapes (M, T) and (M, T), returning M whole numbers from 0 to 3."""
    return _found(v, S)


@diagnose.mistake(
    "looked at sizes only",
    "Some of these have squares of the right size, and are sick nevertheless: compare each innovation with the one "
    "before it.",
)
def _(v, S):
    return _found(v, S, white=9)


@diagnose.mistake(
    "looked at whiteness only", "One of these is white, and still wrong: are its squares as large as the filter said?"
)
def _(v, S):
    return _found(v, S, size=99)


@diagnose.mistake(
    "slow and quick exchanged",
    "A filter with too low a gain lags behind, so that its innovations keep their sign: a positive correlation.",
)
def _(v, S):
    return np.array([0, 1, 3, 2])[_found(v, S)]


@diagnose.mistake(
    "not divided by their variances", "The squares must be measured by S, which the filter stated beforehand."
)
def _(v, S):
    return _found(v, np.ones_like(S))
