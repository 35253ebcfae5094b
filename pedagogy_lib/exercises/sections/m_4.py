"""Exercises of lesson M.4, the diagnosis of chains."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _autoregression(rng, phi, n, mean=0.0):
    x = rng.normal(size=n)
    for i in range(1, n):
        x[i] = phi * x[i - 1] + np.sqrt(1 - phi**2) * x[i]
    return mean + x


def _batch_cases(rng):
    return [(_autoregression(rng, 0.8, 203, 5.0), 10), (_autoregression(rng, 0.3, 96), 8)]


def _batch(chain, batches, late=True, ddof=1, scaled=True, total=False):
    L = len(chain) // batches
    used = chain[len(chain) - L * batches :] if late else chain[: L * batches]
    means = used.reshape(batches, L).mean(1)
    time = (L if scaled else 1) * means.var(ddof=ddof) / used.var(ddof=ddof)
    return (len(chain) if total else len(used)) / time


@task("M.4-a", cases=_batch_cases, stars=2)
def batch_size(chain, batches):
    """With ``chain`` of shape (N,), returning one number."""
    return _batch(chain, batches)


@batch_size.mistake(
    "left out the end", "What is over is left out at the start, where the chain may not have arrived yet."
)
def _(*case):
    return _batch(*case, late=False)


@batch_size.mistake("divided by the number", "Divide both variances by their number less one: ddof=1.")
def _(*case):
    return _batch(*case, ddof=0)


@batch_size.mistake(
    "length of a piece forgotten",
    "The mean of L independent samples has variance sigma^2 / L: the time is L times the ratio.",
)
def _(*case):
    return _batch(*case, scaled=False)


@batch_size.mistake("counted steps that were left out", "The effective size is that of the steps that you used.")
def _(chain, batches):
    if len(chain) % batches == 0:
        return 1.5 * _batch(chain, batches)
    return _batch(chain, batches, total=True)


@batch_size.mistake(
    "returned the time", "This is the autocorrelation time. The effective size is the number of steps divided by it."
)
def _(chain, batches):
    return len(chain) // batches * batches / _batch(chain, batches)


def _r_hat_cases(rng):
    return [
        (rng.normal(size=(3, 20)) + np.linspace(-2, 2, 20),),
        (rng.normal(size=(4, 12)) + rng.normal(size=(4, 1)),),
    ]


def _r_hat(chains, split=True, root=True):
    parts = np.concatenate(np.split(chains, 2, axis=1)) if split else chains
    N = parts.shape[1]
    W, B = parts.var(1, ddof=1).mean(), parts.mean(1).var(ddof=1)
    ratio = ((N - 1) / N * W + B) / W
    return np.sqrt(ratio) if root else ratio


@task("M.4-b", cases=_r_hat_cases, stars=2)
def split_r_hat(chains):
    """With shape (M, N), N even, returning one number."""
    return _r_hat(chains)


def _times_n(chains, split):
    parts = np.concatenate(np.split(chains, 2, axis=1)) if split else chains
    N = parts.shape[1]
    W, B = parts.var(1, ddof=1).mean(), N * parts.mean(1).var(ddof=1)
    return np.sqrt(((N - 1) / N * W + B) / W)


@split_r_hat.mistake(
    "both bugs left", "Nothing has changed: what would show a drift that all chains share, and how large is B?"
)
def _(chains):
    return _times_n(chains, False)


@split_r_hat.mistake("not split", "B is right. But cut each chain in two halves first, so that a drift is seen.")
def _(chains):
    return _r_hat(chains, split=False)


@split_r_hat.mistake("B times N", "The chains are split. But B is the variance of the means itself, not N times that.")
def _(chains):
    return _times_n(chains, True)


@split_r_hat.mistake("root forgotten", "Take the root of the ratio.")
def _(chains):
    return _r_hat(chains, root=False)


@split_r_hat.mistake(
    "split into even and odd steps",
    "The halves must be the first and the second half: even and odd steps drift together.",
)
def _(chains):
    parts = np.concatenate([chains[:, ::2], chains[:, 1::2]])
    return _r_hat(parts, split=False)
