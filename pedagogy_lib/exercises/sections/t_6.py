"""Exercises of T.6: a prior that knows the climate."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _weight_cases(rng):
    return [(rng.normal(size=(n, 3)), rng.normal(), rng.uniform(0.1, 1)) for n in (4, 7)] + [
        (np.array([[0.0, 0.0, 40.0], [0.0, 0.0, 41.0], [0.0, 0.0, -30.0]]), 0.0, 0.5)]


def _guess_cases(rng):
    cases = []
    for n, L in ((3, 1), (4, 2)):
        root = rng.normal(size=(n, 3, 3))
        V, R = root @ root.transpose(0, 2, 1), np.diag(rng.uniform(0.1, 1, L))
        cases.append((rng.normal(size=(n, 3)), V, rng.normal(size=(L, 3)), R, rng.normal(size=L)))
    return cases


def _rank_cases(rng):
    return [(rng.normal(size=(6, 5)), rng.normal(size=6)), (rng.normal(size=(9, 3)), 3 * rng.normal(size=9))]


@task("T.6-a", cases=_weight_cases)
def weights(states, report, deviation):
    """Return weights of shape (N,) that sum to one."""
    logs = -0.5 * ((states[:, 2] - report) / deviation) ** 2
    w = np.exp(logs - logs.max())
    return w / w.sum()


@weights.mistake(
    "let all weights vanish",
    "Far from the report every exponential is zero, and zero over zero is no number. Subtract the largest logarithm "
    "first: weights are ratios.",
)
def _vanish(states, report, deviation):
    with np.errstate(invalid="ignore", divide="ignore"):
        w = np.exp(-0.5 * ((states[:, 2] - report) / deviation) ** 2)
        return w / w.sum()


@weights.mistake(
    "did not square the deviation",
    "The exponent is minus half the square of (height - report) / deviation: divide before you square.",
)
def _not_squared(states, report, deviation):
    return weights(states, report, np.sqrt(deviation))


@weights.mistake(
    "left out the half",
    "The exponent of a Gaussian has a half in front.",
)
def _no_half(states, report, deviation):
    return weights(states, report, deviation / np.sqrt(2))


@weights.mistake(
    "read the wrong number",
    "The instrument reports the third number of a state.",
)
def _first_number(states, report, deviation):
    return weights(states[:, ::-1], report, deviation)


@weights.mistake(
    "did not normalize",
    "The weights are right up to a factor. Divide by their sum.",
)
def _not_normalized(states, report, deviation):
    logs = -0.5 * ((states[:, 2] - report) / deviation) ** 2
    return np.exp(logs - logs.max())


@task("T.6-b", cases=_guess_cases, stars=2)
def informed_guess(guess, V, H, R, y):
    """Return the guesses, shape (N, D), that have seen y."""
    S = H @ V @ H.T + R
    gain = np.linalg.solve(S, H @ V).transpose(0, 2, 1)
    return guess + np.einsum("ndl,nl->nd", gain, y - guess @ H.T)


@informed_guess.mistake(
    "trusted the guess",
    "Your gain is V H' R^-1. While there is much noise the guess is unsure, and H V H' says how much: S = H V H' + R.",
)
def _trusted(guess, V, H, R, y):
    gain = np.einsum("nij,lj->nil", V, H) @ np.linalg.inv(R)
    return guess + np.einsum("ndl,nl->nd", gain, y - guess @ H.T)


@informed_guess.mistake(
    "forgot the instrument",
    "Your S lacks R, so that the guess is moved onto the report as if the instrument never erred.",
)
def _no_instrument(guess, V, H, R, y):
    S = H @ V @ H.T
    gain = np.linalg.solve(S, H @ V).transpose(0, 2, 1)
    return guess + np.einsum("ndl,nl->nd", gain, y - guess @ H.T)


@informed_guess.mistake(
    "used one spread for all",
    "Every row has a spread of its own. Near the edge between two wings it is wide, inside one it is narrow.",
)
def _one_spread(guess, V, H, R, y):
    return informed_guess(guess, np.broadcast_to(V.mean(0), V.shape), H, R, y)


@informed_guess.mistake(
    "moved what is seen alone",
    "The gain is V H' S^-1: what is not seen moves too, as far as it varies together with what is.",
)
def _seen_alone(guess, V, H, R, y):
    only = V * np.eye(V.shape[-1])
    S = H @ V @ H.T + R
    gain = np.linalg.solve(S, H @ only).transpose(0, 2, 1)
    return guess + np.einsum("ndl,nl->nd", gain, y - guess @ H.T)


@informed_guess.mistake(
    "turned the surprise round",
    "The guess moves toward the report: y less H times the guess.",
)
def _turned(guess, V, H, R, y):
    return 2 * guess - informed_guess(guess, V, H, R, y)


@task("T.6-c", cases=_rank_cases, stars=2)
def crps(draws, truths):
    """Return the mean over cases, a number."""
    to_truth = np.abs(draws - truths[:, None]).mean(1)
    between = np.abs(draws[:, :, None] - draws[:, None]).mean((1, 2))
    return (to_truth - 0.5 * between).mean()


@crps.mistake(
    "forgot the spread",
    "This is the mean distance of the draws to the truth. It would be least if all draws were alike. Take half of the "
    "mean distance between draws away.",
)
def _no_spread(draws, truths):
    return np.abs(draws - truths[:, None]).mean()


@crps.mistake(
    "took all of the spread",
    "Half of the mean distance between draws is taken away, not all of it.",
)
def _all_spread(draws, truths):
    return 2 * crps(draws, truths) - np.abs(draws - truths[:, None]).mean()


@crps.mistake(
    "measured the mean alone",
    "This is the distance of the mean of the draws to the truth: it knows nothing of the spread.",
)
def _mean_alone(draws, truths):
    return np.abs(draws.mean(1) - truths).mean()


@crps.mistake(
    "compared draws of different cases",
    "Only draws for the same truth are compared with each other.",
)
def _across(draws, truths):
    between = np.abs(draws.ravel()[:, None] - draws.ravel()).mean()
    return np.abs(draws - truths[:, None]).mean() - 0.5 * between


@crps.mistake(
    "squared the distances",
    "These are squares. The score is made of distances, and has the units of what is forecast.",
)
def _squared(draws, truths):
    to_truth = ((draws - truths[:, None]) ** 2).mean(1)
    between = ((draws[:, :, None] - draws[:, None]) ** 2).mean((1, 2))
    return (to_truth - 0.5 * between).mean()
