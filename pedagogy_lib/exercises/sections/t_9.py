"""Exercises of T.9: 4DVar in a latent space."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _report_cases(rng):
    cases = []
    for T, L in ((6, 2), (9, 3)):
        y = rng.normal(size=(T, L))
        foretold = y + rng.normal(size=(T, L))
        y[1], y[3, 0] = np.nan, np.nan
        cases.append((foretold, y, rng.uniform(0.2, 2)))
    return cases


def _step_cases(rng):
    return [
        (rng.normal(size=Z), rng.normal(size=(T, L, Z)), rng.normal(size=(T, L)), rng.uniform(0.3, 2))
        for T, L, Z in ((3, 2, 2), (2, 1, 3))
    ]


def _curvature_cases(rng):
    cases = []
    for Z, K in ((2, 4), (3, 5)):
        A = rng.normal(size=(Z + 2, Z))
        cases.append((np.eye(Z) + A.T @ A, rng.normal(size=(K, Z))))
    return cases


@task("T.9-a", cases=_report_cases)
def excess(foretold, y, error):
    """Return by how many deviations the misfit exceeds the number of reports."""
    seen = ~np.isnan(y)
    squares = ((foretold[seen] - y[seen]) / error) ** 2
    return (squares.sum() - seen.sum()) / np.sqrt(2 * seen.sum())


@excess.mistake(
    "counted silent gauges",
    "Silent gauges are no reports: count the numbers of y that are there, not all of them.",
)
def _silent(foretold, y, error):
    return (np.nansum(((foretold - y) / error) ** 2) - y.size) / np.sqrt(2 * y.size)


@excess.mistake(
    "took the square root of the number alone",
    "A square of a standard normal has variance two, so that the sum has the deviation sqrt(2 n).",
)
def _no_two(foretold, y, error):
    return np.sqrt(2) * excess(foretold, y, error)


@excess.mistake(
    "did not square the error",
    "Divide by the error before you square: the sum is one of squares of standard normals.",
)
def _error_once(foretold, y, error):
    return excess(foretold, y, np.sqrt(error))


@excess.mistake(
    "compared with nothing",
    "Take the number of reports away first: so large is the sum if all is well.",
)
def _not_less(foretold, y, error):
    n = (~np.isnan(y)).sum()
    return excess(foretold, y, error) + n / np.sqrt(2 * n)


@excess.mistake(
    "returned a ratio",
    "This is the misfit over the number of reports. Wanted is the difference, in deviations.",
)
def _ratio(foretold, y, error):
    return np.nansum(((foretold - y) / error) ** 2) / (~np.isnan(y)).sum()


@task("T.9-b", cases=_step_cases, stars=2)
def latent_step(z, seen, misfits, error):
    """Return the latents after one step, shape (Z,)."""
    A = seen.reshape(misfits.size, len(z)) / error
    slope = z + A.T @ misfits.ravel() / error
    return z - np.linalg.solve(np.eye(len(z)) + A.T @ A, slope)


@latent_step.mistake(
    "left the prior out of the slope",
    "The prior is in your curvature and not in your slope. Where the step is zero, is J at its minimum?",
)
def _no_pull(z, seen, misfits, error):
    A = seen.reshape(misfits.size, len(z)) / error
    return z - np.linalg.solve(np.eye(len(z)) + A.T @ A, A.T @ misfits.ravel() / error)


@latent_step.mistake(
    "left the prior out of the curvature",
    "The second derivative of |z|^2 / 2 is the identity: without it the step is too long.",
)
def _no_identity(z, seen, misfits, error):
    A = seen.reshape(misfits.size, len(z)) / error
    return z - np.linalg.pinv(A.T @ A) @ (z + A.T @ misfits.ravel() / error)


@latent_step.mistake(
    "went uphill",
    "The step is minus the solution: H x - y is what is foretold too much.",
)
def _uphill(z, seen, misfits, error):
    return 2 * z - latent_step(z, seen, misfits, error)


@latent_step.mistake(
    "divided by the error once",
    "R is the error's square. In the slope the misfit is divided by it, as in the curvature.",
)
def _once(z, seen, misfits, error):
    A = seen.reshape(misfits.size, len(z))
    return z - np.linalg.solve(np.eye(len(z)) + A.T @ A / error**2, z + A.T @ misfits.ravel() / error)


@latent_step.mistake(
    "returned the step alone",
    "This is how far to go. Return where the search is after it.",
)
def _step_alone(z, seen, misfits, error):
    return latent_step(z, seen, misfits, error) - z


@task("T.9-c", cases=_curvature_cases, stars=2)
def deviations(curvature, slopes):
    """Return the standard deviation of every number of the state, shape (K,)."""
    spread = np.linalg.solve(curvature, slopes.T)
    return np.sqrt(np.einsum("kz,zk->k", slopes, spread))


@deviations.mistake(
    "took the curvature for the covariance",
    "The covariance is the inverse of the curvature: where J is steep the latents are well known.",
)
def _not_inverted(curvature, slopes):
    return np.sqrt(np.einsum("kz,zy,ky->k", slopes, curvature, slopes))


@deviations.mistake(
    "returned variances",
    "These are variances. Take the square root.",
)
def _variances(curvature, slopes):
    return deviations(curvature, slopes) ** 2


@deviations.mistake(
    "took the latents for independent",
    "Latents vary together: the whole inverse is needed, not its diagonal alone.",
)
def _diagonal(curvature, slopes):
    return np.sqrt(slopes**2 @ np.linalg.inv(curvature).diagonal())


@deviations.mistake(
    "inverted the diagonal",
    "One over the curvature's diagonal is the variance of a latent while the others are held. Here they are free.",
)
def _held(curvature, slopes):
    return np.sqrt(slopes**2 @ (1 / curvature.diagonal()))


@deviations.mistake(
    "added deviations",
    "Deviations do not add; variances and covariances do.",
)
def _added(curvature, slopes):
    return np.abs(slopes) @ np.sqrt(np.linalg.inv(curvature).diagonal())
