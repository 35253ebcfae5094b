"""Filtering and smoothing in a chain, written once, from two operations.

A chain of hidden states x_1, x_2, ... with an observation y_t of each has three kinds of
fragment, each an arrow from a source to an emission::

    A   x_{t-1} -> x_t                     given y_1 ... y_{t-1}
    B   x_t     -> y_t                     given y_1 ... y_{t-1}
    C   x_t     -> x_{t-1}                 given y_1 ... y_T

On each fragment one may average the source out (marginalize) or turn the arrow round (invert).
Three fragments, two operations, six computations:

    ==========  ==========================  ==============================
    fragment    marginalize                 invert
    ==========  ==========================  ==============================
    A           time update, Eq. 2.36       future conditioning, Eq. 2.38
    B           data marginal, Eq. 2.40     measurement update, Eq. 2.37
    C           backward step, Eq. 2.39     posterior over sequences
    ==========  ==========================  ==============================

The functions below say exactly that and nothing else. What a distribution *is* they leave to
``rules``: a module with ``marginalize``, ``invert`` and ``log_density``, such as
`pedagogy_lib.distributions.categorical` (which makes this the hidden Markov model's
forward-backward algorithm) or `pedagogy_lib.distributions.gaussian` (which makes it the Kalman
filter and the Rauch-Tung-Striebel smoother). `pedagogy_lib.inference.kalman` does the second fast.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 2.2, Eqs. 2.35-2.40.
"""

from typing import Any, NamedTuple

import numpy as np


class TimeUpdate(NamedTuple):
    """The state moved on: p(x_t | y_1 ... y_{t-1})."""

    t: int
    distribution: Any


class MeasurementUpdate(NamedTuple):
    """The observation came in: p(x_t | y_1 ... y_t), and what that observation cost.

    ``log_likelihood`` is log p(y_t | y_1 ... y_{t-1}), or 0 where nothing was observed.
    """

    t: int
    distribution: Any
    log_likelihood: float


class FutureConditioning(NamedTuple):
    """The transition turned round: p(x_t | x_{t+1}, y_1 ... y_t), a function of x_{t+1}."""

    t: int
    distribution: Any


class BackwardStep(NamedTuple):
    """The future taken into account: p(x_t | y_1 ... y_T)."""

    t: int
    distribution: Any


def filter(rules, initial, transition, emission, y):
    """Filter a sequence forwards, one half-update at a time.

    Parameters
    ----------
    rules : module
        Has ``marginalize(source, emission)``, ``invert(source, emission, y)`` and
        ``log_density(distribution, y)``. It may have ``watch()``, which returns a function of
        (t, source, emission) that raises where rounding would take over; probabilities need none.
        It may have ``observed(emission, seen)``, the emission of those entries of y that were seen.
    initial : distribution
        p(x_1), in the form that ``rules`` understands.
    transition : conditional distribution or callable
        p(x_{t+1} | x_t); if it changes in time, a function of t, where t = 0 moves the first
        state to the second.
    emission : conditional distribution or callable
        p(y_t | x_t); if it changes in time, a function of t, starting with 0.
    y : sequence of T observations
        One that is NaN throughout is missing: it teaches nothing. Single entries that are NaN are
        left out where the rules have ``observed``; where not, the emission is given them as they are.

    Yields
    ------
    TimeUpdate or MeasurementUpdate
        In turn; the first measurement update, of the initial distribution, has no time update
        before it. The sum of the ``log_likelihood`` is log p(y_1 ... y_T), Eq. 2.40.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the rules watch over rounding and it has taken over, with the time step (counted from 0).

    References
    ----------
    Section 2.2, Eqs. 2.36, 2.37 and 2.40.
    """
    watch = _watch(rules)                                               # against rounding
    belief = initial                                                    # p(x_1): Eq. 2.49
    for t, observation in enumerate(y):
        if t > 0:
            belief = rules.marginalize(belief, at(transition, t - 1))  # Eq. 2.36 (fragment A)
            yield TimeUpdate(t, belief)
        log_likelihood = 0.0
        seen = ~np.isnan(np.asarray(observation, float))                # the rest teaches nothing
        if seen.any():
            look, datum = _observed(rules, at(emission, t), observation, seen)
            watch(t, belief, look)
            data = rules.marginalize(belief, look)                      # Eq. 2.40 (fragment B)
            log_likelihood = rules.log_density(data, datum)
            belief = rules.invert(belief, look, datum)                  # Eq. 2.37 (fragment B)
        yield MeasurementUpdate(t, belief, log_likelihood)


def smooth(rules, filtered, transition):
    """Smooth a sequence backwards, one half-update at a time. The data are not needed again.

    Parameters
    ----------
    rules : module
        As for `filter`.
    filtered : sequence of T distributions
        p(x_t | y_1 ... y_t), as the measurement updates of `filter` gave them.
    transition : conditional distribution or callable
        As for `filter`.

    Yields
    ------
    BackwardStep or FutureConditioning
        First the backward step of the last state, which is its filter distribution; then, from
        the last but one down to the first, a future conditioning and a backward step each.

    References
    ----------
    Section 2.2, Eqs. 2.38 and 2.39.
    """
    last = len(filtered) - 1
    if last < 0:
        return
    belief = filtered[last]                         # smoother and filter agree at T
    yield BackwardStep(last, belief)
    for t in range(last - 1, -1, -1):
        past = rules.invert(filtered[t], at(transition, t))            # Eq. 2.38 (fragment A)
        yield FutureConditioning(t, past)
        belief = rules.marginalize(belief, past)                        # Eq. 2.39 (fragment C)
        yield BackwardStep(t, belief)


def invert_backward_step(rules, smoothed, past):
    """The sixth computation: p(x_{t+1} | x_t, y_1 ... y_T), by inverting fragment C.

    Parameters
    ----------
    rules : module
        As for `filter`.
    smoothed : distribution
        p(x_{t+1} | y_1 ... y_T).
    past : conditional distribution
        p(x_t | x_{t+1}, y_1 ... y_t), from the future conditioning.

    Returns
    -------
    conditional distribution
        From it and the smoothed first state, whole sequences can be drawn forwards.

    References
    ----------
    Section 2.2, "Inference over sequences".
    """
    return rules.invert(smoothed, past)


def at(conditional, t):
    """The conditional distribution in force at step t."""
    return conditional(t) if callable(conditional) else conditional


def _watch(rules):
    """What the rules watch along one sequence: a function of (t, source, emission), which may raise."""
    return rules.watch() if hasattr(rules, "watch") else lambda t, source, emission: None


def _observed(rules, emission, observation, seen):
    """What concerns the entries of an observation that were seen: their emission, and they themselves."""
    if seen.all() or not hasattr(rules, "observed"):
        return emission, observation
    return rules.observed(emission, seen), np.asarray(observation, float)[seen]
