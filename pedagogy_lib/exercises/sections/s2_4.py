"""Exercises of chapter 2.4: ensemble Kalman filters."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _ensembles(rng, shapes):
    """Members, and images of them that are not straight."""
    found = []
    for N, K, L in shapes:
        members = 2.0 + rng.normal(size=(N, K)) @ rng.normal(size=(K, K))
        root = rng.normal(size=(L, L))
        found.append((members, np.sin(members[:, :L]) + members[:, -L:], root @ root.T + 0.5 * np.eye(L)))
    return found


def _gain_cases(rng):
    return _ensembles(rng, ((6, 3, 2), (4, 5, 2), (9, 2, 1)))


def _serial_cases(rng):
    return [(x, h[:, 0], rng.normal(), R[0, 0]) for x, h, R in _ensembles(rng, ((6, 3, 1), (5, 5, 2), (12, 2, 1)))]


def _inflation_cases(rng):
    cases = []
    for T, L, scale, r in ((30, 4, 1.3, 1.0), (50, 1, 1.0, 0.4), (12, 6, 2.0, 0.1), (40, 3, 0.05, 1.0)):
        variances = rng.gamma(2.0, 0.5, size=(T, L)) + 0.05
        root = np.sqrt(scale**2 * variances + (r if scale > 0.1 else 0.3 * r))
        cases.append((0.3 + root * rng.normal(size=(T, L)), variances, r))
    return cases


@task("2.4-a", cases=_gain_cases)
def ensemble_gain(members, images, noise, count=None, covary=True):
    """With shapes (N, K), (N, L), (L, L), returning (K, L)."""
    N = len(members) - 1 if count is None else count
    X, Y = (members - members.mean(0), images - images.mean(0)) if covary else (members, images)
    return np.linalg.solve(Y.T @ Y / N + noise, Y.T @ X / N).T


@ensemble_gain.mistake(
    "divided by N",
    "Almost. The mean was taken from the same members, so a covariance has the divisor N - 1.",
)
def _gain_counted_n(members, images, noise):
    return ensemble_gain(members, images, noise, len(members))


@ensemble_gain.mistake(
    "did not center",
    "These are mean products, not covariances. Take the means of the members and of the images away first.",
)
def _gain_not_centered(members, images, noise):
    return ensemble_gain(members, images, noise, covary=False)


@ensemble_gain.mistake(
    "forgot the noise",
    "This gain trusts the data completely. What you expect to see varies with the members and with the "
    "station's noise: add R to the covariance of the images.",
)
def _gain_no_noise(members, images, noise):
    return ensemble_gain(members, images, 0 * noise)


@ensemble_gain.mistake(
    "transposed the gain",
    "The numbers are right. The gain carries a surprise, of length L, to a state, of length K: shape (K, L).",
)
def _gain_transposed(members, images, noise):
    return ensemble_gain(members, images, noise).T


@ensemble_gain.mistake(
    "did not divide",
    "Both products of deviations grow with the number of members, and R does not: divide them by N - 1.",
)
def _gain_undivided(members, images, noise):
    return ensemble_gain(members, images, noise, 1)


@ensemble_gain.mistake(
    "added the noise twice",
    "R counts once. If your images carry perturbations already, their covariance holds R: do not add it again. "
    "Here they do not.",
)
def _gain_noise_twice(members, images, noise):
    return ensemble_gain(members, images, 2 * noise)


@task("2.4-b", cases=_serial_cases, stars=2)
def serial_update(members, images, y, r, alpha=None, count=None):
    """With shapes (N, K), (N,) and two numbers, returning (N, K)."""
    mean, X = members.mean(0), members - members.mean(0)
    d, N = images - images.mean(), len(images) - 1 if count is None else count
    s = d @ d / N
    k = X.T @ d / N / (s + r)
    alpha = 1 / (1 + np.sqrt(r / (s + r))) if alpha is None else alpha
    return mean + k * (y - images.mean()) + X - alpha * np.outer(d, k)


@serial_update.mistake(
    "pulled the deviations with the whole gain",
    "This is alpha = 1: the update without perturbed observations. The mean is right, and the ensemble too "
    "narrow, by k r k'.",
)
def _serial_full(members, images, y, r):
    return serial_update(members, images, y, r, alpha=1.0)


@serial_update.mistake(
    "left the deviations",
    "The mean is right, but the members are as far apart as before. Take alpha d_i k away from each deviation.",
)
def _serial_not_shrunk(members, images, y, r):
    return serial_update(members, images, y, r, alpha=0.0)


@serial_update.mistake(
    "used alpha for the mean too",
    "The deviations are right. The mean moves by the whole gain; alpha is for the deviations only.",
)
def _serial_mean_too(members, images, y, r):
    d = images - images.mean()
    s = d @ d / (len(d) - 1)
    right, alpha = serial_update(members, images, y, r), 1 / (1 + np.sqrt(r / (s + r)))
    k = (members - members.mean(0)).T @ d / (len(d) - 1) / (s + r)
    return right - (1 - alpha) * k * (y - images.mean())


@serial_update.mistake(
    "took the root of s / (s + r)",
    "In alpha stands r, the variance of the noise: with r = 0 the datum is certain, alpha is 1/(1 + 0), and "
    "nothing of d must be left.",
)
def _serial_ratio_turned(members, images, y, r):
    d = images - images.mean()
    s = d @ d / (len(d) - 1)
    return serial_update(members, images, y, r, alpha=1 / (1 + np.sqrt(s / (s + r))))


@serial_update.mistake(
    "took the other root",
    "The covariance comes out right, but with alpha above one: the members change sides. Take 1 / (1 + root).",
)
def _serial_other_root(members, images, y, r):
    d = images - images.mean()
    s = d @ d / (len(d) - 1)
    return serial_update(members, images, y, r, alpha=1 / (1 - np.sqrt(r / (s + r))))


@serial_update.mistake(
    "divided by N",
    "Variances of a sample have the divisor N - 1, here in s and in the covariance of the states with d.",
)
def _serial_counted_n(members, images, y, r):
    return serial_update(members, images, y, r, count=len(images))


@task("2.4-c", cases=_inflation_cases, stars=2)
def needed_inflation(surprises, variances, r):
    """With shapes (T, L), (T, L) and a number, returning a number."""
    squared = ((surprises**2).sum() - r * surprises.size) / variances.sum()
    return np.sqrt(max(squared, 0.0))


@needed_inflation.mistake(
    "kept the noise in the surprises",
    "A surprise has two causes: the forecast errs, and the station errs. Take r away from each square first.",
)
def _inflation_with_noise(surprises, variances, r):
    return np.sqrt((surprises**2).sum() / variances.sum())


@needed_inflation.mistake(
    "forgot the root",
    "This is lambda squared. Deviations are multiplied by lambda, so variances by its square.",
)
def _inflation_squared(surprises, variances, r):
    return needed_inflation(surprises, variances, r) ** 2


@needed_inflation.mistake(
    "centered the surprises",
    "You took the mean of the surprises away. A surprise that is always on one side is an error too: use the "
    "mean square.",
)
def _inflation_centered(surprises, variances, r):
    return needed_inflation(surprises - surprises.mean(), variances, r)


@needed_inflation.mistake(
    "averaged ratios",
    "You divided each square by its own variance. Where that is small, chance makes huge ratios. Sum both "
    "sides first, then divide.",
)
def _inflation_of_ratios(surprises, variances, r):
    return np.sqrt(max(((surprises**2 - r) / variances).mean(), 0.0))


@needed_inflation.mistake(
    "took the noise away once",
    "Each of the T L squares holds an r of its own.",
)
def _inflation_noise_once(surprises, variances, r):
    return np.sqrt(max(((surprises**2).sum() - r) / variances.sum(), 0.0))


@needed_inflation.mistake(
    "inflated the noise too",
    "Inflation widens the ensemble, not the noise of the stations: lambda^2 multiplies the variances only.",
)
def _inflation_of_everything(surprises, variances, r):
    return np.sqrt((surprises**2).sum() / (variances + r).sum())


def _rank_cases(rng):
    cases = []
    for ensembles, members in ((9, 20), (8, 7)):
        u, kind = np.linspace(-1, 1, members + 1), rng.permutation(np.arange(ensembles) % 4)
        counts, side = [], 1
        for what in kind:
            size, side = rng.uniform(0.5, 0.9), -side if what == 3 else side
            shape = {0: 0 * u, 1: u**2 - np.mean(u**2), 2: np.mean(u**2) - u**2, 3: side * u}[int(what)]
            counts.append(rng.multinomial(200_000, (1 + size * shape) / (members + 1)))
        cases.append((np.array(counts),))
    return cases


@task("2.4-d", cases=_rank_cases, stars=2)
def diagnose(counts):
    """With ``counts`` of shape (M, N + 1), returning M whole numbers."""
    share = counts / counts.sum(1, keepdims=True)
    place = np.linspace(-1, 1, counts.shape[1])
    lean, width = share @ place, share @ place**2 / np.mean(place**2)
    return np.select([abs(lean) > 0.06, width > 1.1, width < 0.9], [3, 1, 2], 0)


@diagnose.mistake(
    "mixed up hollow and dome",
    "If the truth lies outside the members too often, the outer ranks are high: a hollow means too sure, a dome "
    "too modest.",
)
def _(counts):
    return np.array([0, 2, 1, 3])[diagnose(counts)]


@diagnose.mistake(
    "saw only one side of a bias",
    "Members may be too high or too low, so that the histogram may slope either way.",
)
def _(counts):
    lean = counts @ np.linspace(-1, 1, counts.shape[1])
    found = diagnose(counts)
    return np.where((found == 3) & (lean < 0), 0, found)


@diagnose.mistake(
    "looked at the first bar only",
    "A high first bar may be a hollow or a slope: look at the last one, too.",
)
def _(counts):
    first = counts[:, 0] / counts.mean(1)
    return np.select([first > 1.2, first < 0.8], [1, 2], 0)
