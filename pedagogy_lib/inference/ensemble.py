"""Ensemble Kalman filters: a belief is a handful of states, and their sample covariance.

The state may have far more entries than the ensemble has members; no covariance of the whole state
is ever formed. Members move by the model, whatever it is. The measurement update is Kalman's, with
sample covariances in the place of the true ones, in one of two forms:

    ``"stochastic"``   each member is pulled towards a datum of its own, with noise added
    ``"sqrt"``         the mean moves as Kalman says, and the deviations are shrunk to match

A small ensemble errs in two ways, and each has its cure. It is too sure of itself: *inflation*
widens it. It sees covariances between distant places that are chance: *localization* tapers them.

References
----------
`state_estimation_4dvar`; G. Evensen (1994); G. Burgers, P. van Leeuwen and G. Evensen (1998);
C. Bishop et al. (2001) and B. Hunt et al. (2007), square roots; G. Gaspari and S. Cohn (1999).
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks

METHODS = ("stochastic", "sqrt")


class TimeUpdate(NamedTuple):
    """The members moved.

    t : int, from 0
    members : ndarray, shape (N, K)
    """

    t: int
    members: np.ndarray


class MeasurementUpdate(NamedTuple):
    """The members were pulled towards the data.

    t : int, from 0
    members : ndarray, shape (N, K)
    log_likelihood : float, log p(y_t | y_1 ... y_{t-1}) of a Gaussian with the ensemble's moments
    """

    t: int
    members: np.ndarray
    log_likelihood: float


class Filtered(NamedTuple):
    """What the filter found.

    members : ndarray, shape (T, N, K), after each measurement update
    predicted : ndarray, shape (T, N, K), before it
    log_likelihoods : ndarray, shape (T,)
    """

    members: np.ndarray
    predicted: np.ndarray
    log_likelihoods: np.ndarray

    @property
    def means(self):
        """The mean of each ensemble, shape (T, K)."""
        return self.members.mean(1)

    @property
    def spreads(self):
        """The standard deviation of each ensemble, shape (T, K)."""
        return self.members.std(1, ddof=1)


def steps(members, move, look, noise, y, rng, method="sqrt", inflation=1.0, taper=None):
    """Filter one half-update at a time.

    Parameters
    ----------
    members : array_like, shape (N, K)
        Draws from p(x_1); two at least.
    move : callable of (members, t, rng), draws x_{t+1} for each row of x_t
    look : callable of members, their noiseless data, shape (N, L)
    noise : array_like, shape (L, L)
        R, the covariance of the data's noise.
    y : array_like, shape (T, L)
        A row of NaN is missing.
    rng : numpy.random.Generator
    method : {"sqrt", "stochastic"}
    inflation : float
        Deviations are multiplied by this after every move.
    taper : pair of array_like, shapes (K, L) and (L, L), optional
        Localization: how much of the covariance between each state and each datum, and between
        each two data, to believe, from 0 to 1. `gaspari_cohn` of the distances gives both. With
        ``"sqrt"`` every state is updated on its own, each datum's noise divided by the taper.

    Yields
    ------
    TimeUpdate and MeasurementUpdate, in turn

    Raises
    ------
    ValueError
        If a function returns the wrong shape or numbers that are not finite; with the time step.
    """
    checks.function("look", look)
    members = checks.array("members", members, ("N", "K"))
    if len(members) < 2:
        raise ValueError(f"members: expected two at least, got {len(members)}")
    y = checks.array("y", y, ("T", "L"), missing=True)
    if len(y) > 1:
        checks.function("move", move)
    R = checks.covariance("noise", noise, y.shape[1], stack=False)
    rng, method = checks.generator("rng", rng), checks.option("method", method, METHODS)
    inflation = checks.number("inflation", inflation, above=0)
    taper = None if taper is None else _tapers(taper, members.shape[1], y.shape[1])
    return _steps(members, move, look, R, y, rng, method, inflation, taper)


def _steps(members, move, look, R, y, rng, method, inflation, taper):
    for t, datum in enumerate(y):
        if t > 0:
            members = _rows("move", move(members, t - 1, rng), members.shape, t)
        mean = members.mean(0)
        members = mean + inflation * (members - mean)
        yield TimeUpdate(t, members)
        cost = 0.0
        seen = ~np.isnan(datum)
        if seen.any():
            images = _rows("look", look(members), (len(members), len(datum)), t)
            members, cost = _update(members, *_seen(seen, images, datum, R, taper), rng, method)
        yield MeasurementUpdate(t, members, cost)


def _update(members, images, datum, R, taper, rng, method):
    """The members after a datum, and its cost."""
    cost = _log_likelihood(datum, images, R, taper)
    if method == "stochastic":
        moved = stochastic_update(members, images, datum, R, rng, taper)
    else:
        moved = sqrt_update(members, images, datum, R, taper)
    if np.isnan(moved).any() or np.isnan(cost):
        raise ValueError("noise, members, y: expected sizes that can be compared, got an update that is no number")
    return moved, cost


def _seen(seen, images, datum, R, taper):
    """What concerns the entries of the datum that were seen."""
    if seen.all():
        return images, datum, R, taper
    if taper is not None:
        taper = taper[0][:, seen], taper[1][np.ix_(seen, seen)]
    return images[:, seen], datum[seen], R[np.ix_(seen, seen)], taper


def filter(members, move, look, noise, y, rng, method="sqrt", inflation=1.0, taper=None):
    """Filter a sequence.

    Parameters
    ----------
    members, move, look, noise, y, rng, method, inflation, taper
        As for `steps`.

    Returns
    -------
    Filtered
    """
    after, before, costs = [], [], []
    for event in steps(members, move, look, noise, y, rng, method, inflation, taper):
        if isinstance(event, TimeUpdate):
            before.append(event.members)
        else:
            after.append(event.members)
            costs.append(event.log_likelihood)
    shape = (-1, *np.shape(members))
    return Filtered(np.reshape(after, shape), np.reshape(before, shape), np.array(costs))


def stochastic_update(members, images, y, noise, rng, taper=None):
    """Pull each member towards the datum plus noise of its own: x + K (y + e - h(x)).

    Without the noise the ensemble would shrink too much, by (I - K C) on both sides, where Kalman
    has it on one. A building block of `filter`, which has checked the arrays: here only ``rng`` is.

    Parameters
    ----------
    members : ndarray, shape (N, K)
    images : ndarray, shape (N, L), h of each member
    y : ndarray, shape (L,)
    noise : ndarray, shape (L, L)
    rng : numpy.random.Generator
    taper : pair of ndarray, shapes (K, L) and (L, L), optional

    Returns
    -------
    ndarray, shape (N, K)
    """
    rng = checks.generator("rng", rng)
    P_xy, P_yy = _covariances(members, images, taper)
    e = rng.standard_normal(images.shape) @ np.linalg.cholesky(noise).T
    e -= e.mean(0)                                    # so that the mean moves as Kalman says
    return members + np.linalg.solve(P_yy + noise, (y + e - images).T).T @ P_xy.T


def sqrt_update(members, images, y, noise, taper=None):
    """Move the mean by Kalman's rule, and shrink the deviations to Kalman's covariance.

    All happens in the space of the N members. With S = Y R^-1 Y' / (N - 1), for deviations Y of the
    images in rows, the weights of the mean are (I + S)^-1 Y R^-1 (y - mean) / (N - 1), and the
    deviations are multiplied by (I + S)^-1/2, the symmetric root, which keeps their sum zero. A
    building block of `filter`, which has checked the arguments.

    Parameters
    ----------
    members, images, y, noise, taper
        As for `stochastic_update`.

    Returns
    -------
    ndarray, shape (N, K)
    """
    mean, dx = members.mean(0), members - members.mean(0)
    dy, surprise = images - images.mean(0), y - images.mean(0)
    if taper is None:
        weights, root = _transform(dy, surprise, np.linalg.inv(noise))
        return mean + weights @ dx + root @ dx
    variances = _variances(noise)
    found = np.empty_like(members)
    for k, trust in enumerate(taper[0]):                  # each state has its own neighborhood
        near = trust > 1e-6
        precision = np.diag(trust[near] / variances[near])
        weights, root = _transform(dy[:, near], surprise[near], precision)
        found[:, k] = mean[k] + weights @ dx[:, k] + root @ dx[:, k]
    return found


def _transform(dy, surprise, precision):
    """The weights of the mean and the root for the deviations."""
    N = len(dy)
    carried = dy @ precision / (N - 1)                    # Y R^-1 / (N - 1)
    values, vectors = np.linalg.eigh(carried @ dy.T)      # of S
    shrink = 1 / (1 + np.maximum(values, 0.0))
    weights = vectors @ (shrink * (vectors.T @ (carried @ surprise)))
    return weights, (vectors * np.sqrt(shrink)) @ vectors.T


def gaspari_cohn(distances, radius):
    """A taper: 1 at distance 0, falling like a bell, exactly 0 from twice the radius on.

    It is a correlation function: multiplied entry by entry into a covariance, it leaves one.

    Parameters
    ----------
    distances : array_like, not negative
    radius : float

    Returns
    -------
    ndarray, of the shape of the distances
    """
    d = checks.array("distances", distances)
    if (d < 0).any():
        raise ValueError(f"distances: expected numbers of at least 0, got {d.min():.3g}")
    r = d / checks.number("radius", radius, above=0)
    near = 1 - r**2 * (5 / 3 - r * (5 / 8 + r * (1 / 2 - r / 4)))
    with np.errstate(divide="ignore", invalid="ignore"):
        far = 4 - r * (5 - r * (5 / 3 + r * (5 / 8 - r * (1 / 2 - r / 12)))) - 2 / (3 * r)
    return np.where(r <= 1, near, np.where(r < 2, np.maximum(far, 0.0), 0.0))


def circular_distance(a, b, size):
    """Distances between places on a circle.

    Parameters
    ----------
    a, b : array_like, shapes (I,) and (J,)
    size : float
        The length of the circle.

    Returns
    -------
    ndarray, shape (I, J)
    """
    size = checks.number("size", size, above=0)
    gap = np.abs(np.subtract.outer(checks.array("a", a, ("I",)), checks.array("b", b, ("J",)))) % size
    return np.minimum(gap, size - gap)


# --------------------------------------------------------------------------------- helpers


def _variances(noise):
    variances = np.diag(noise)
    deviations = np.sqrt(variances)
    beside = np.abs(noise - np.diag(variances))
    if (beside > 1e-12 * np.outer(deviations, deviations)).any():
        raise ValueError("noise: expected a diagonal matrix with a taper and method 'sqrt', got another")
    return variances


def _covariances(members, images, taper):
    """Cov[x, h(x)] and Cov[h(x)] of the ensemble, tapered."""
    dx, dy = members - members.mean(0), images - images.mean(0)
    P_xy, P_yy = dx.T @ dy / (len(dx) - 1), dy.T @ dy / (len(dx) - 1)
    return (P_xy, P_yy) if taper is None else (taper[0] * P_xy, taper[1] * P_yy)


def _log_likelihood(y, images, noise, taper):
    P_yy = np.cov(images.T).reshape(noise.shape)
    S = noise + (P_yy if taper is None else taper[1] * P_yy)
    surprise = y - images.mean(0)
    _, log_determinant = np.linalg.slogdet(S)
    return float(-0.5 * (surprise @ np.linalg.solve(S, surprise) + log_determinant + len(y) * np.log(2 * np.pi)))


def _tapers(taper, K, L):
    if len(taper) != 2:
        raise ValueError(f"taper: expected a pair of arrays, got {len(taper)}")
    shapes = ((K, L), (L, L))
    found = tuple(checks.array(f"taper[{i}]", taper[i], shapes[i]) for i in range(2))
    for i, part in enumerate(found):
        if (part < 0).any() or (part > 1 + 1e-12).any():
            raise ValueError(f"taper[{i}]: expected numbers from 0 to 1, got {part.min():.3g} to {part.max():.3g}")
    return found


def _rows(name, rows, shape, t):
    rows = np.asarray(rows, float)
    if rows.shape != shape or not np.isfinite(rows).all():
        got = "others" if rows.shape == shape else f"shape {rows.shape}"
        raise ValueError(f"{name}: expected finite numbers of shape {shape} at time step t={t}, got {got}")
    return rows
