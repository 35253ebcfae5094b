"""Exercises of section 7.3: EM for factor analysis, and principal components."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _posterior_cases(rng):
    """Centered data, and a posterior of the factors behind them."""
    cases = []
    for N, D, K in ((12, 4, 2), (20, 5, 1)):
        y = rng.normal(size=(N, D))
        y -= y.mean(0)
        gain, root = 0.4 * rng.normal(size=(D, K)), rng.normal(size=(K, K))
        cases.append((y, y @ gain, root @ root.T / K + 0.2 * np.eye(K)))
    return cases


def _covariance_cases(rng):
    cases = []
    for D, k in ((4, 2), (5, 1)):
        root = rng.normal(size=(D, D))
        cases.append((root @ root.T + 0.3 * np.eye(D), k))
    return cases


def _rebuilt(S, k, noise, kept):
    values, vectors = np.linalg.eigh(S)
    values, vectors = values[::-1], vectors[:, ::-1]
    sigma2 = noise(values, k)
    return (vectors[:, :k] * kept(values[:k], sigma2)) @ vectors[:, :k].T + sigma2 * np.eye(len(S))


def _discarded_mean(values, k):
    return values[k:].mean()


def _beyond(values, sigma2):
    return values - sigma2


def _round_cases(rng):
    cases = []
    for N, D, K in ((15, 4, 2), (9, 3, 1)):
        y = rng.normal(size=(N, D)) * np.arange(1, D + 1)
        cases.append((rng.normal(size=(D, K)), y - y.mean(0)))
    return cases


def _round_with(project):
    def answer(C, y):
        x = project(C, y)
        return y.T @ x @ np.linalg.inv(x.T @ x)

    return answer


@task("7.3-a", cases=_posterior_cases, stars=2)
def m_step(y, means, covariance, *, spread=1.0):
    """With shapes (N, D), (N, K), (K, K), returning C (D, K) and the noise variances (D,)."""
    N = len(y)
    cross, scatter = y.T @ means / N, means.T @ means / N + spread * covariance
    C = cross @ np.linalg.inv(scatter)
    return C, (y**2).mean(0) - (C * cross).sum(1)


@m_step.mistake(
    "took the means for the factors",
    "You regressed on the posterior means as if they were the factors. <X X'> is the mean of m m' plus the "
    "posterior covariance.",
)
def _(y, means, covariance):
    return m_step(y, means, covariance, spread=0.0)


@m_step.mistake(
    "divided the covariance by N",
    "Every observation has that posterior covariance. Averaged over N of them it is the covariance itself.",
)
def _spread_added_for_each(y, means, covariance):
    N = len(y)
    cross, scatter = y.T @ means / N, (means.T @ means + covariance) / N
    C = cross @ np.linalg.inv(scatter)
    return C, (y**2).mean(0) - (C * cross).sum(1)


@m_step.mistake(
    "measured the residuals at the means",
    "C is right. The residual y - C x also varies because x does: use <Y Y'> - C <X Y'>, or add C S C'.",
)
def _residuals_of_means(y, means, covariance):
    C, _ = m_step(y, means, covariance)
    return C, ((y - means @ C.T) ** 2).mean(0)


@m_step.mistake(
    "kept the whole noise covariance",
    "C is right, and so is the diagonal. The noise of a factor analyzer is diagonal: return (D,).",
)
def _whole_noise(y, means, covariance):
    C, _ = m_step(y, means, covariance)
    return C, y.T @ y / len(y) - C @ (y.T @ means / len(y)).T


@task("7.3-b", cases=_covariance_cases, stars=2)
def model_covariance(S, k):
    """With shape (D, D) and a number, returning C C' + sigma^2 I, shape (D, D)."""
    return _rebuilt(S, k, _discarded_mean, _beyond)


@model_covariance.mistake(
    "counted the noise twice",
    "Along a component the model's variance must equal the eigenvalue, and sigma^2 is a part of it already. "
    "Take it away before you put the component in.",
)
def _(S, k):
    return _rebuilt(S, k, _discarded_mean, lambda values, sigma2: values)


@model_covariance.mistake(
    "summed the discarded eigenvalues",
    "sigma^2 is the variance in each discarded direction: their mean, not their sum.",
)
def _(S, k):
    return _rebuilt(S, k, lambda values, k: values[k:].sum(), _beyond)


@model_covariance.mistake(
    "averaged all eigenvalues",
    "sigma^2 is the mean of the eigenvalues that are left over, without the first k.",
)
def _(S, k):
    return _rebuilt(S, k, lambda values, k: values.mean(), _beyond)


@model_covariance.mistake(
    "took the smallest eigenvalue",
    "One noise variance must do for all the discarded directions: their mean, not the least of them.",
)
def _(S, k):
    return _rebuilt(S, k, lambda values, k: values[-1], _beyond)


@task("7.3-c", cases=_round_cases)
def pca_round(C, y):
    """With shapes (D, K) and (N, D), centered, returning the next C, shape (D, K)."""
    x = y @ np.linalg.pinv(C).T
    return y.T @ x @ np.linalg.inv(x.T @ x)


@pca_round.mistake(
    "projected without the inverse",
    "C' y is the projection only if the columns of C are orthonormal. Divide by C'C: least squares.",
)
def _(*case):
    return _round_with(lambda C, y: y @ C)(*case)


@pca_round.mistake(
    "forgot the second regression",
    "The E step is right. The M step is a regression too: multiply by the inverse of <X X'>.",
)
def _(C, y):
    return y.T @ (y @ np.linalg.pinv(C).T) / len(y)


@pca_round.mistake(
    "orthonormalised",
    "The plane is right, and this is a good algorithm (orthogonal iteration). The box's M step returns other "
    "columns in the same plane: the regression of y on x.",
)
def _(C, y):
    return np.linalg.qr(y.T @ (y @ C))[0]


def _rebuild_cases(rng):
    found = []
    for n, d, k in ((6, 4, 2), (5, 5, 3)):
        spread = rng.normal(size=(d, d))
        found.append((rng.normal(size=(n, d)) @ spread + 2, rng.normal(size=(3, d)) @ spread + 2, k))
    return found


def _learned(train, test):
    return train.mean(0)


def _rebuild(train, test, k, center=_learned, added=1.0, pick=lambda V, k: V[:k]):
    mean = train.mean(0)
    directions = pick(np.linalg.svd(train - mean, full_matrices=False)[2], k)
    centered = (test - center(train, test))[:, : directions.shape[1]]
    return centered @ directions.T @ directions + added * mean[: directions.shape[1]]


def _own(train, test):
    return test.mean(0)


def _columns(V, k):
    return V[:, :k].T


@task("7.3-d", cases=_rebuild_cases, stars=2)
def rebuild(train, test, k):
    """With shapes (N, D) and (M, D), returning an array of shape (M, D)."""
    return _rebuild(train, test, k)


@rebuild.mistake("nothing mended", "Nothing has changed: look at the mean, at NumPy's V, and at the last line.")
def _(*case):
    return _rebuild(*case, center=_own, added=0.0, pick=_columns)


@rebuild.mistake("the mean not added again", "The data come back without their mean.")
def _(*case):
    return _rebuild(*case, added=0.0)


@rebuild.mistake("centered with their own mean", "Center new data with the mean that was learned.")
def _(*case):
    return _rebuild(*case, center=_own)


@rebuild.mistake("columns for rows", "The directions are the rows of NumPy's last result.")
def _(*case):
    return _rebuild(*case, pick=_columns)
