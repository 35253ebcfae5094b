"""Exercises of section 2.1.2: jointly Gaussian models and factor analysis."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _joint_cases(rng):
    """Prior, emission and one observation; as many sensors as sources, and fewer."""
    cases = []
    for K, L in ((3, 2), (3, 3)):
        roots = [rng.normal(size=(n, n)) for n in (K, L)]
        prior, noise = (root @ root.T + 0.5 * np.eye(len(root)) for root in roots)
        C, c, y = rng.normal(size=(L, K)), rng.normal(size=L), rng.normal(size=L)
        cases.append((rng.normal(size=K), prior, C, c, noise, y))
    return cases


def _sensor_cases(rng):
    cases = []
    for K, L in ((2, 3), (4, 2)):
        root = rng.normal(size=(K, K))
        prior = root @ root.T + 0.3 * np.eye(K)
        sensors = rng.normal(size=(L, K)), rng.normal(size=L), rng.uniform(0.4, 2.0, L)
        cases.append((rng.normal(size=K), prior, *sensors, 2 * rng.normal(size=L)))
    return cases


def _picture_cases(rng):
    cases = []
    for D, K in ((6, 2), (9, 3)):
        y = rng.normal(size=D) + 2
        y[rng.choice(D, D // 3, replace=False)] = np.nan
        cases.append((rng.normal(size=(D, K)), rng.normal(size=D), rng.uniform(0.2, 0.7, D), y))
    return cases


@task("2.1.2-a", cases=_joint_cases)
def evidence(mean, covariance, C, c, noise, y, *, source=True, emission=True, halves=0.5):
    """With shapes (K,), (K, K), (L, K), (L,), (L, L), (L,), returning log p(y), a number in nats."""
    S = source * C @ covariance @ C.T + emission * noise
    e = y - C @ mean - c
    return -halves * (e @ np.linalg.solve(S, e) + np.linalg.slogdet(S)[1] + len(y) * np.log(2 * np.pi))


@evidence.mistake(
    "took the emission for the marginal",
    "That is p(y|x) at the prior's mean. The source is not known: add its covariance, carried over by C, Eq. 2.17.",
)
def _(*a):
    return evidence(*a, source=False)


@evidence.mistake(
    "forgot the noise",
    "That is the density of C x + c. Sensors have noise: add its covariance (Eq. 2.17).",
)
def _(*a):
    return evidence(*a, emission=False)


@evidence.mistake(
    "dropped the half",
    "That is twice the answer: a log density has a half before its square and before its log determinant.",
)
def _(*a):
    return evidence(*a, halves=1.0)


@evidence.mistake(
    "centered on the offset alone",
    "The mean of y is C mean + c (Eq. 2.16), and not c.",
)
def _without_prior_mean(mean, covariance, C, c, noise, y):
    return evidence(np.zeros_like(mean), covariance, C, c, noise, y)


@task("2.1.2-b", cases=_sensor_cases, stars=2)
def absorb(mean, covariance, rows, offsets, variances, y, *, present=True, within=True):
    """With shapes (K,), (K, K), (L, K), (L,), (L,), (L,), returning the new mean and the new covariance."""
    first = mean
    for row, offset, variance, seen in zip(rows, offsets, variances, y):
        carried = covariance @ row
        gain = carried / (row @ carried + variance) if within else carried / (row @ carried) + variance
        mean = mean + gain * (seen - offset - row @ (mean if present else first))
        covariance = covariance - np.outer(gain, carried)
    return mean, covariance


@absorb.mistake(
    "surprised by the first mean",
    "The covariance is right. Each sensor surprises the belief that the sensors before it left: "
    "y minus the row times the present mean, Eq. 2.24.",
)
def _(*a):
    return absorb(*a, present=False)


@absorb.mistake(
    "added the noise after dividing",
    "Look at the gain: with a noisier sensor it must become smaller. The noise belongs to the variance "
    "of y, which divides.",
)
def _(*a):
    return absorb(*a, within=False)


@absorb.mistake(
    "absorbed one sensor only",
    "That is what the first sensor says. Go through all the rows, each from the mean and the covariance "
    "that the last one left.",
)
def _first_only(mean, covariance, rows, offsets, variances, y):
    return absorb(mean, covariance, rows[:1], offsets[:1], variances[:1], y[:1])


@task("2.1.2-c", cases=_picture_cases, stars=2)
def fill_in(
    loadings, offset, noise_variances, y, *, unsure=True, noisy=True, root=True, keep=True, add=True, shared=True
):
    """With shapes (D, K), (D,), (D,), (D,), NaN if missing, returning the filled row, (D,), and a number."""
    seen = ~np.isnan(y)
    carried = loadings[seen].T / noise_variances[seen]
    S = np.linalg.inv(carried @ loadings[seen] + np.eye(loadings.shape[1]))
    guess = loadings @ (S @ carried @ (y - offset)[seen]) + add * offset
    lost = loadings[~seen]
    of_means = lost.sum(0) @ S @ lost.sum(0) if shared else np.einsum("dk,kl,dl->", lost, S, lost)
    variance = unsure * of_means + noisy * noise_variances[~seen].sum()
    return (np.where(seen, y, guess) if keep else guess), (np.sqrt(variance) if root else variance)


@fill_in.mistake(
    "forgot the offset",
    "The deviation is right. An entry is its row of the loadings times the factors, plus its offset.",
)
def _(*a):
    return fill_in(*a, add=False)


@fill_in.mistake(
    "replaced what was seen",
    "The gaps are right. Where y was seen, keep y: the model's opinion of it is less good than the datum.",
)
def _(*a):
    return fill_in(*a, keep=False)


@fill_in.mistake(
    "took the errors for independent",
    "The filled row is right. You added the variances of single entries. They share the factors, so that their "
    "errors do, too: add up the rows of the loadings first.",
)
def _(*a):
    return fill_in(*a, shared=False)


@fill_in.mistake(
    "took the factors for certain",
    "The filled row is right. The factors are uncertain too, and with them all entries that load on them.",
)
def _(*a):
    return fill_in(*a, unsure=False)


@fill_in.mistake(
    "forgot the noise of the entries",
    "The filled row is right. That is the deviation of the sum of their means; each entry has its own noise as well.",
)
def _(*a):
    return fill_in(*a, noisy=False)


@fill_in.mistake("returned a variance", "The filled row is right. That is a variance: the deviation is its root.")
def _(*a):
    return fill_in(*a, root=False)


@fill_in.mistake(
    "took missing for zero",
    "You told the model that the missing entries are zero. Leave their rows of the loadings out instead.",
)
def _zeros_for_missing(C, c, variances, y):
    lost = np.isnan(y)
    carried = C.T / variances
    S = np.linalg.inv(carried @ C + np.eye(C.shape[1]))
    total = C[lost].sum(0)
    guess = C @ (S @ carried @ (np.where(lost, 0.0, y) - c)) + c
    return np.where(lost, guess, y), np.sqrt(total @ S @ total + variances[lost].sum())
