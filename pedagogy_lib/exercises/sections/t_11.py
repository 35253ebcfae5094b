"""Exercises of T.11: priors learned from a climate."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _weighed_cases(rng):
    return [(rng.normal(size=n), rng.uniform(0.1, 3, n), 2 * rng.normal()) for n in (4, 9, 15)]


def _unseen_cases(rng):
    cases = []
    for n, D, L in ((30, 4, 2), (40, 6, 3)):
        means = rng.normal(size=(n, D)) @ rng.normal(size=(D, D))
        cases.append((means, means[0, :L] + 0.3 * rng.normal(size=L), rng.uniform(0.2, 0.5), rng.uniform(0.6, 1.2)))
    far = np.array([[100.0, 1.0, 2.0], [140.0, 3.0, -1.0], [160.0, 0.0, 4.0]]) + 0.1 * rng.normal(size=(3, 3))
    return cases + [(far, np.array([rng.uniform(30, 40)]), 0.3, 0.9)]  # likelihoods too small for the machine


def _rank_cases(rng):
    """Flat, a U, a dome and a slope, of several lengths, each a little uneven."""
    cases = []
    for B in (5, 10):
        d = np.abs(np.linspace(-1, 1, B))
        shapes = np.array([np.ones(B), 0.3 + d**2, 1.3 - d**2, np.linspace(0.4, 1.6, B)])
        n = rng.integers(150, 400, 4)
        cases.append((np.array([rng.multinomial(k, q / q.sum()) for k, q in zip(n, shapes)]),))
    return cases


@task("T.11-a", cases=_weighed_cases, stars=2)
def weighed_crps(x, w, truth):
    """Return a number."""
    w = w / w.sum()
    between = w @ np.abs(x[:, None] - x) @ w
    return w @ np.abs(x - truth) - 0.5 * between


@weighed_crps.mistake(
    "did not normalize",
    "The weights need not sum to one. Divide by their sum first; the second term has them twice.",
)
def _not_normalized(x, w, truth):
    return w @ np.abs(x - truth) - 0.5 * (w @ np.abs(x[:, None] - x) @ w)


@weighed_crps.mistake(
    "forgot the weights between states",
    "Distances between two states are averaged with the weights of both.",
)
def _plain_between(x, w, truth):
    w = w / w.sum()
    return w @ np.abs(x - truth) - 0.5 * np.abs(x[:, None] - x).mean()


@weighed_crps.mistake(
    "used no weights",
    "All states count alike here. Each counts for its weight, in both terms.",
)
def _no_weights(x, w, truth):
    return weighed_crps(x, np.ones(len(x)), truth)


@weighed_crps.mistake(
    "forgot the spread",
    "This is the mean distance to the truth. Take half of the mean distance between two states away, or a single guess "
    "would be the best forecast.",
)
def _no_spread(x, w, truth):
    return w @ np.abs(x - truth) / w.sum()


@weighed_crps.mistake(
    "took all of the spread",
    "Half of the mean distance between two states is taken away, not all of it.",
)
def _all_spread(x, w, truth):
    return 2 * weighed_crps(x, w, truth) - w @ np.abs(x - truth) / w.sum()


@task("T.11-b", cases=_unseen_cases, stars=2)
def unseen(means, y, r2, s2):
    """Return an array of shape (2, D - L): means, and variances."""
    L = len(y)
    logs = -0.5 * ((means[:, :L] - y) ** 2).sum(1) / (r2 + s2)
    w = np.exp(logs - logs.max())
    w = w / w.sum()
    m = w @ means[:, L:]
    return np.array([m, w @ (means[:, L:] - m) ** 2 + s2])


def _part_of(means, y, r2, s2):
    """Weights by the variance r2, and s2 added to the variances."""
    return unseen(means, y, r2 - s2, s2)


@unseen.mistake(
    "left the noise out twice",
    "A report differs from a decoder's mean by the state's own noise, too; and so does an unseen place. Both lack s2.",
)
def _neither(means, y, r2, s2):
    return _part_of(means, y, r2, s2) - np.array([[0.0], [s2]])


@unseen.mistake(
    "left the noise out of the weights",
    "The variances have the noise now, but the weights compare y with the decoder's mean as if the instrument alone "
    "erred: r2 + s2.",
)
def _sharp_weights(means, y, r2, s2):
    return _part_of(means, y, r2, s2)


@unseen.mistake(
    "left the noise out of the variances",
    "The weights are right. An unseen place is the decoder's mean plus noise: add s2 to its variance.",
)
def _sharp_states(means, y, r2, s2):
    return unseen(means, y, r2, s2) - np.array([[0.0], [s2]])


@unseen.mistake(
    "added the instrument's error",
    "Nobody measures the unseen places: their variance has s2 in it, and not r2.",
)
def _instrument_too(means, y, r2, s2):
    return unseen(means, y, r2, s2) + np.array([[0.0], [r2]])


@task("T.11-c", cases=_rank_cases, stars=2)
def lean_and_width(counts):
    """Return an array of shape (2, M)."""
    B = counts.shape[1]
    n, d = counts.sum(1), np.arange(B) - (B - 1) / 2
    variance = (B**2 - 1) / 12
    lean = counts @ d / n / np.sqrt(variance / n)
    width = (counts @ d**2 / n - variance) / np.sqrt((B**2 - 1) * (B**2 - 4) / 180 / n)
    return np.array([lean, width])


@lean_and_width.mistake(
    "took the mean for the variance",
    "By chance the *mean* of n distances scatters by the root of their variance over n, and so does the mean of the "
    "squares. Yours does not know how many truths there were.",
)
def _no_count(counts):
    return lean_and_width(counts) / np.sqrt(counts.sum(1))


@lean_and_width.mistake(
    "took distances from the first rank",
    "The middle of the ranks 0 to B - 1 is (B - 1) / 2.",
)
def _other_middle(counts):
    B = counts.shape[1]
    n, d = counts.sum(1), np.arange(B) - B / 2
    variance = (B**2 - 1) / 12
    lean = counts @ d / n / np.sqrt(variance / n)
    return np.array([lean, (counts @ d**2 / n - variance) / np.sqrt((B**2 - 1) * (B**2 - 4) / 180 / n)])


@lean_and_width.mistake(
    "turned the width round",
    "Too sharp should come out above zero: the truth is at the ends, and the squares of the distances are too large.",
)
def _turned_round(counts):
    return lean_and_width(counts) * np.array([[1.0], [-1.0]])


@lean_and_width.mistake(
    "took the squares about their own mean",
    "You took the lean out of the squares. For a flat histogram the middle is known: measure from it.",
)
def _about_the_mean(counts):
    B = counts.shape[1]
    n, d = counts.sum(1), np.arange(B) - (B - 1) / 2
    found = lean_and_width(counts)
    shift = (counts @ d / n) ** 2 / np.sqrt((B**2 - 1) * (B**2 - 4) / 180 / n)
    return found - np.array([np.zeros(len(n)), shift])


@lean_and_width.mistake(
    "did not take the root",
    "Divide by standard deviations, not by variances.",
)
def _no_root(counts):
    B = counts.shape[1]
    n = counts.sum(1)
    roots = np.sqrt([(B**2 - 1) / 12 / n, (B**2 - 1) * (B**2 - 4) / 180 / n])
    return lean_and_width(counts) / roots
