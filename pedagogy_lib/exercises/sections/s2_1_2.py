"""Exercises of section 2.1.2: jointly Gaussian models and factor analysis."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _joint_cases(rng):
    """Prior, emission and one observation; as many of one as of the other, and more."""
    cases = []
    for K, L in ((2, 3), (3, 3)):
        roots = [rng.normal(size=(n, n)) for n in (K, L)]
        prior, noise = (root @ root.T + 0.5 * np.eye(len(root)) for root in roots)
        C, c, y = rng.normal(size=(L, K)), rng.normal(size=L), rng.normal(size=L)
        cases.append((rng.normal(size=K), prior, C, c, noise, y))
    return cases


def _sensor_cases(rng):
    cases = []
    for K in (2, 4):
        root = rng.normal(size=(K, K))
        cases.append((rng.normal(size=K), root @ root.T + 0.3 * np.eye(K), rng.normal(size=K), 0.4, 0.7, 1.3))
    return cases


def _picture_cases(rng):
    cases = []
    for D, K in ((6, 2), (9, 3)):
        y = rng.normal(size=D) + 2
        y[rng.choice(D, D // 3, replace=False)] = np.nan
        cases.append((rng.normal(size=(D, K)), rng.normal(size=D), rng.uniform(0.2, 1, D), y))
    return cases


def _factors(C, c, variances, y, seen):
    carried = C[seen].T / variances[seen]
    return np.linalg.solve(carried @ C[seen] + np.eye(C.shape[1]), carried @ (y[seen] - c[seen]))


@task("2.1.2-a", cases=_joint_cases)
def posterior(mean, covariance, C, c, noise, y, *, transposed=True, centred=True, with_prior_mean=True):
    """With shapes (K,), (K, K), (L, K), (L,), (L, L), (L,), returning the mean (K,) and covariance (K, K)."""
    P = np.linalg.inv(covariance)
    carried = C.T @ np.linalg.inv(noise) if transposed else C @ np.linalg.inv(noise)
    precision = carried @ C + P
    pull = carried @ (y - c if centred else y) + (P @ mean if with_prior_mean else 0)
    return np.linalg.solve(precision, pull), np.linalg.inv(precision)


@posterior.mistake(
    "did not centre",
    "The covariance is right. The emission speaks of y - c: take its offset away first (Eq. 2.13).",
)
def _(*a):
    return posterior(*a, centred=False)


@posterior.mistake(
    "forgot the prior's mean",
    "The covariance is right. The prior pulls too, with its precision times its mean (Eq. 2.13).",
)
def _(*a):
    return posterior(*a, with_prior_mean=False)


@posterior.mistake(
    "returned the precision",
    "The mean is right. The second answer is the posterior's precision; invert it once more.",
)
def _returned_precision(*arguments):
    mean, covariance = posterior(*arguments)
    return mean, np.linalg.inv(covariance)


@posterior.mistake(
    "took covariances for precisions",
    "Precisions add, not covariances: invert both before you add them (Eq. 2.14).",
)
def _averaged_covariances(mean, covariance, C, c, noise, y):
    total = C.T @ noise @ C + covariance
    return np.linalg.solve(total, C.T @ noise @ (y - c) + covariance @ mean), np.linalg.inv(total)


@task("2.1.2-b", cases=_sensor_cases, stars=2)
def see(mean, covariance, row, offset, variance, y):
    """With shapes (K,), (K, K), (K,) and three numbers, returning the new mean and the new covariance."""
    gain = covariance @ row / (row @ covariance @ row + variance)
    return mean + gain * (y - offset - row @ mean), covariance - np.outer(gain, row @ covariance)


@see.mistake(
    "moved by the datum and not by the surprise",
    "The gain multiplies what the present mean did not predict: y - (row' mean + offset), Eq. 2.24.",
)
def _without_surprise(mean, covariance, row, offset, variance, y):
    gain = covariance @ row / (row @ covariance @ row + variance)
    return mean + gain * (y - offset), covariance - np.outer(gain, row @ covariance)


@see.mistake(
    "divided by the noise alone",
    "Divide by the variance of y under the present belief: row' covariance row + variance, Eq. 2.17.",
)
def _sure_of_its_prediction(mean, covariance, row, offset, variance, y):
    gain = covariance @ row / variance
    return mean + gain * (y - offset - row @ mean), covariance - np.outer(gain, row @ covariance)


@see.mistake(
    "added uncertainty",
    "To see something cannot make you less sure here: the second term of Eq. 2.23 is taken away.",
)
def _wider(mean, covariance, row, offset, variance, y):
    gain = covariance @ row / (row @ covariance @ row + variance)
    return mean + gain * (y - offset - row @ mean), covariance + np.outer(gain, row @ covariance)


@task("2.1.2-c", cases=_picture_cases, stars=2)
def fill_in(loadings, offset, noise_variances, y):
    """With shapes (D, K), (D,), (D,), (D,), where NaN is missing; returning (D,) with the gaps filled."""
    seen = ~np.isnan(y)
    return np.where(seen, y, loadings @ _factors(loadings, offset, noise_variances, y, seen) + offset)


@fill_in.mistake(
    "filled with the mean",
    "That is what you would say before you saw anything. Let the seen entries move the factors first.",
)
def _fill_with_mean(C, c, variances, y):
    return np.where(np.isnan(y), c, y)


@fill_in.mistake(
    "forgot the offset",
    "The factors are right. An entry is its row of the loadings times the factors, plus its offset.",
)
def _fill_without_offset(C, c, variances, y):
    seen = ~np.isnan(y)
    return np.where(seen, y, C @ _factors(C, c, variances, y, seen))


@fill_in.mistake(
    "replaced what was seen",
    "The gaps are right. Where y was seen, keep y: the model's opinion of it is less good than the datum.",
)
def _replace_all(C, c, variances, y):
    return C @ _factors(C, c, variances, y, ~np.isnan(y)) + c


@fill_in.mistake(
    "took missing for zero",
    "You told the model that the missing entries are zero. Leave their rows of the loadings out instead.",
)
def _zeros_for_missing(C, c, variances, y):
    guess = np.where(np.isnan(y), 0.0, y)
    return np.where(np.isnan(y), C @ _factors(C, c, variances, guess, np.ones(len(y), bool)) + c, y)
