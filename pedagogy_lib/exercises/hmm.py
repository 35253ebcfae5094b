"""Exercises of section 2.2.1: the hidden Markov model and the alpha-gamma algorithm."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _tables(rng, k, t):
    """Initial probabilities, a transition, and likelihoods of t observations."""
    return rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k).T, rng.uniform(0.05, 0.6, (t, k))


def _forward(initial, transition, likelihoods, looks=True, first=True):
    """Normalise after every step; the logarithms of the normalisers add up."""
    belief, total = initial, 0.0
    for t, likelihood in enumerate(likelihoods):
        if t > 0 or not first:
            belief = transition @ belief
        joint = belief * likelihood if looks else belief
        total += np.log(joint.sum())
        belief = joint / joint.sum()
    return belief, total


def _log_of_last(initial, transition, likelihoods):
    belief, _ = _forward(initial, transition, likelihoods)
    before = _forward(initial, transition, likelihoods[:-1])[0]
    return belief, np.log((transition @ before * likelihoods[-1]).sum())


FORWARD = Task(
    "2.2.1-a",
    "forward(initial, transition, likelihoods), returning (belief, log_likelihood)",
    _forward,
    lambda rng: [_tables(rng, 3, 6), _tables(rng, 2, 900)],
    (
        Mistake(
            "never normalised",
            lambda initial, transition, likelihoods: _unnormalised(initial, transition, likelihoods),
            "This is right on paper. On 900 steps the numbers fall below the smallest that a float can hold, and it "
            "divides zero by zero. Divide by the sum after every step, and add up the logarithms of the sums.",
        ),
        Mistake(
            "moved before the first observation",
            lambda initial, transition, likelihoods: _forward(initial, transition, likelihoods, first=False),
            "The initial probabilities are those of the first state: there is no time update before the first "
            "observation.",
        ),
        Mistake(
            "kept only the last cost",
            _log_of_last,
            "The log-likelihood is the sum of the logarithms of all normalisers (Eq. 2.40), not the last one alone.",
        ),
        Mistake(
            "transposed the transition",
            lambda initial, transition, likelihoods: _forward(initial, transition.T, likelihoods),
            "Columns of the transition sum to one: the new belief is transition @ belief.",
        ),
    ),
)


def _unnormalised(initial, transition, likelihoods):
    alpha = initial * likelihoods[0]
    for likelihood in likelihoods[1:]:
        alpha = transition @ alpha * likelihood
    return alpha / alpha.sum(), np.log(alpha.sum())


def _ratio(numerator, denominator):
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _pair(gamma, alpha_before, transition):
    return _ratio(gamma, transition @ alpha_before)[:, None] * transition * alpha_before


def _pair_cases(rng):
    """Two ordinary steps; one in which a state cannot be reached."""
    found = []
    for k in (3, 4):
        initial, transition, likelihoods = _tables(rng, k, 1)
        found.append((rng.dirichlet(np.ones(k)), 1e-3 * initial * likelihoods[0], transition))
    barred = np.array([[0.7, 0.2, 0.0], [0.3, 0.8, 0.0], [0.0, 0.0, 1.0]])
    found.append((np.array([0.4, 0.6, 0.0]), np.array([0.02, 0.01, 0.0]), barred))
    return found


def _plain_pair(gamma, alpha_before, transition):
    return (gamma / (transition @ alpha_before))[:, None] * transition * alpha_before


PAIR = Task(
    "2.2.1-b",
    "gamma_step(gamma, alpha_before, transition), returning an array of shape (K, K)",
    _pair,
    _pair_cases,
    (
        Mistake(
            "divided zero by zero",
            _plain_pair,
            "Right where every state is possible. In the last case one state cannot be reached: its prediction is zero "
            "and so is its gamma; the ratio must be taken as zero.",
        ),
        Mistake(
            "multiplied the two beliefs",
            lambda gamma, alpha_before, transition: gamma[:, None] * transition * alpha_before,
            "The denominator of Eq. 2.44 is missing: divide by the prediction, the sum of alpha times the transition "
            "over the state before.",
        ),
        Mistake(
            "returned gamma",
            lambda gamma, alpha_before, transition: _pair(gamma, alpha_before, transition).sum(0),
            "This is the last line of Eq. 2.44. The question is about the pair: do not sum over the later state yet.",
        ),
        Mistake(
            "swapped the axes",
            lambda gamma, alpha_before, transition: _pair(gamma, alpha_before, transition).T,
            "The numbers are right and the axes are swapped: the row is the later state, as in the transition.",
        ),
    ),
)


def _best_step(log_best, log_transition, log_likelihood):
    scores = log_transition + log_best
    return scores.max(1) + log_likelihood, scores.argmax(1)


def _best_cases(rng):
    found = []
    for k in (3, 4):
        initial, transition, likelihoods = _tables(rng, k, 2)
        found.append((np.log(initial * likelihoods[0]), np.log(transition), np.log(likelihoods[1])))
    return found


def _log_sum(log_best, log_transition, log_likelihood):
    scores = log_transition + log_best
    return np.log(np.exp(scores).sum(1)) + log_likelihood, scores.argmax(1)


VITERBI = Task(
    "2.2.1-c",
    "best_step(log_best, log_transition, log_likelihood), returning (log_best, came_from)",
    _best_step,
    _best_cases,
    (
        Mistake(
            "summed",
            _log_sum,
            "This is the filter's step: it sums over the states before. The best path wants the largest of them.",
        ),
        Mistake(
            "took the best over the wrong axis",
            lambda log_best, log_transition, log_likelihood: (
                (log_transition + log_best).max(0) + log_likelihood,
                (log_transition + log_best).argmax(0),
            ),
            "Row i, column j of the scores leads from j to i. For each new state take the best along its row.",
        ),
        Mistake(
            "came from the best state so far",
            lambda log_best, log_transition, log_likelihood: (
                _best_step(log_best, log_transition, log_likelihood)[0],
                np.full(len(log_best), log_best.argmax()),
            ),
            "Where a path came from depends on where it goes: the move costs something too. Take the argmax of the "
            "scores, one for each new state.",
        ),
        Mistake(
            "forgot the observation",
            lambda log_best, log_transition, log_likelihood: _best_step(log_best, log_transition, 0.0),
            "Add the log-likelihood of the observation in each new state.",
        ),
    ),
)

TASKS = (FORWARD, PAIR, VITERBI)
