"""Ours against theirs: everybody's turn in every round."""

import time

import numpy as np


def race(ours, peers, rounds):
    """Time our run and the peers', and compare.

    A ratio is the median over rounds of (their time / our time) in the same round: what else the
    machine was doing in that moment slows both. In its turn everybody runs twice, and the second
    run counts: the first finds caches full of somebody else's numbers, or a core that has slept
    while threads on another one worked. The order is drawn, so that what is left of this evens out.

    Parameters
    ----------
    ours : callable
    peers : dict of str to callable
    rounds : int

    Returns
    -------
    dict of str to dict
        For each peer ``ours_ms``, ``theirs_ms``, ``ratio`` and its ``quartiles``.
    """
    runners = [ours, *peers.values()]
    rng = np.random.default_rng(0)
    times = np.empty((rounds, len(runners)))
    for turn in times:
        for runner in rng.permutation(len(runners)):
            runners[runner]()
            start = time.perf_counter()
            runners[runner]()
            turn[runner] = time.perf_counter() - start
    return {name: _compare(times[:, 0], theirs) for name, theirs in zip(peers, times.T[1:])}


def _compare(ours, theirs):
    ratios = theirs / ours
    return {
        "ours_ms": _round(1e3 * np.median(ours)),
        "theirs_ms": _round(1e3 * np.median(theirs)),
        "ratio": _round(np.median(ratios)),
        "quartiles": [_round(q) for q in np.quantile(ratios, (0.25, 0.75))],
    }


def _round(number):
    return float(f"{number:.3g}")
