"""Exercises of section 2.2.1: the hidden Markov model and the alpha-gamma algorithm."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _tables(rng, k, t):
    """Initial probabilities, a transition, and likelihoods of t observations."""
    return rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), size=k).T, rng.uniform(0.05, 0.6, (t, k))


def _unnormalized(initial, transition, likelihoods):
    alpha = initial * likelihoods[0]
    for likelihood in likelihoods[1:]:
        alpha = transition @ alpha * likelihood
    return alpha / alpha.sum(), np.log(alpha.sum())


def _ratio(numerator, denominator):
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _pair_cases(rng):
    """Two ordinary steps; one in which a state cannot be reached."""
    found = []
    for k in (3, 4):
        initial, transition, likelihoods = _tables(rng, k, 1)
        found.append((rng.dirichlet(np.ones(k)), 1e-3 * initial * likelihoods[0], transition))
    barred = np.array([[0.7, 0.2, 0.0], [0.3, 0.8, 0.0], [0.0, 0.0, 1.0]])
    found.append((np.array([0.4, 0.6, 0.0]), np.array([0.02, 0.01, 0.0]), barred))
    return found


def _best_cases(rng):
    found = []
    for k in (3, 4):
        initial, transition, likelihoods = _tables(rng, k, 2)
        found.append((np.log(initial * likelihoods[0]), np.log(transition), np.log(likelihoods[1])))
    return found


@task("2.2.1-a", cases=lambda rng: [_tables(rng, 3, 6), _tables(rng, 2, 900)])
def forward(initial, transition, likelihoods, looks=True, first=True):
    """Return (belief, log_likelihood).

    Normalize after every step; the logarithms of the normalizers add up.
    """
    belief, total = initial, 0.0
    for t, likelihood in enumerate(likelihoods):
        if t > 0 or not first:
            belief = transition @ belief
        joint = belief * likelihood if looks else belief
        total += np.log(joint.sum())
        belief = joint / joint.sum()
    return belief, total


@forward.mistake(
    "never normalized",
    "This is right on paper. On 900 steps the numbers fall below the smallest that a float can hold, and it "
    "divides zero by zero. Divide by the sum after every step, and add up the logarithms of the sums.",
)
def _(initial, transition, likelihoods):
    return _unnormalized(initial, transition, likelihoods)


@forward.mistake(
    "moved before the first observation",
    "The initial probabilities are those of the first state: there is no time update before the first observation.",
)
def _(initial, transition, likelihoods):
    return forward(initial, transition, likelihoods, first=False)


@forward.mistake(
    "kept only the last cost",
    "The log-likelihood is the sum of the logarithms of all normalizers (Eq. 2.40), not the last one alone.",
)
def _log_of_last(initial, transition, likelihoods):
    belief, _ = forward(initial, transition, likelihoods)
    before = forward(initial, transition, likelihoods[:-1])[0]
    return belief, np.log((transition @ before * likelihoods[-1]).sum())


@forward.mistake(
    "transposed the transition",
    "Columns of the transition sum to one: the new belief is transition @ belief.",
)
def _(initial, transition, likelihoods):
    return forward(initial, transition.T, likelihoods)


def _pair_edges():
    """Probabilities as small as after many observations: nothing may be added to them."""
    transition = np.array([[0.9, 0.3], [0.1, 0.7]])
    return [(np.array([0.25, 0.75]), np.array([3e-13, 1e-13]), transition)]


@task("2.2.1-b", cases=_pair_cases, edges=_pair_edges, stars=2)
def gamma_step(gamma, alpha_before, transition):
    """Return an array of shape (K, K)."""
    return _ratio(gamma, transition @ alpha_before)[:, None] * transition * alpha_before


@gamma_step.mistake(
    "left the ratio on the columns",
    "The ratio of gamma to the prediction belongs to the later state, which is the row. As it stands it multiplies "
    "the columns.",
)
def _(gamma, alpha_before, transition):
    return _ratio(gamma, transition @ alpha_before) * transition * alpha_before


@gamma_step.mistake(
    "divided zero by zero",
    "Right where every state is possible. In the last case one state cannot be reached: its prediction is zero "
    "and so is its gamma; the ratio must be taken as zero.",
)
def _plain_pair(gamma, alpha_before, transition):
    return (gamma / (transition @ alpha_before))[:, None] * transition * alpha_before


@gamma_step.mistake(
    "multiplied the two beliefs",
    "The denominator of Eq. 2.44 is missing: divide by the prediction, the sum of alpha times the transition "
    "over the state before.",
)
def _(gamma, alpha_before, transition):
    return gamma[:, None] * transition * alpha_before


@gamma_step.mistake(
    "returned gamma",
    "This is the last line of Eq. 2.44. The question is about the pair: do not sum over the later state yet.",
)
def _(gamma, alpha_before, transition):
    return gamma_step(gamma, alpha_before, transition).sum(0)


@gamma_step.mistake(
    "swapped the axes",
    "The numbers are right and the axes are swapped: the row is the later state, as in the transition.",
)
def _(gamma, alpha_before, transition):
    return gamma_step(gamma, alpha_before, transition).T


def _best_edges():
    """A rare state that is the best way to another, and a way that is barred."""
    transition = np.array([[0.98, 0.01, 0.5], [0.01, 0.98, 0.0], [0.01, 0.01, 0.5]])
    with np.errstate(divide="ignore"):
        return [
            (np.log([0.6, 0.3, 0.1]), np.log(transition), np.log([0.1, 0.7, 0.2])),
            (np.array([-2000.0, -2001.0, -2004.0]), np.log(transition), np.log([0.3, 0.4, 0.3])),
        ]


@task("2.2.1-c", cases=_best_cases, edges=_best_edges, parts=("log_best", "came_from"), stars=2)
def best_step(log_best, log_transition, log_likelihood):
    """Return (log_best, came_from)."""
    scores = log_transition + log_best
    return scores.max(1) + log_likelihood, scores.argmax(1)


@best_step.mistake(
    "summed",
    "This is the filter's step: it sums over the states before. The best path wants the largest of them.",
)
def _log_sum(log_best, log_transition, log_likelihood):
    scores = log_transition + log_best
    return np.log(np.exp(scores).sum(1)) + log_likelihood, scores.argmax(1)


@best_step.mistake(
    "took the best over the wrong axis",
    "Row i, column j of the scores leads from j to i. For each new state take the best along its row.",
)
def _(log_best, log_transition, log_likelihood):
    return (
        (log_transition + log_best).max(0) + log_likelihood,
        (log_transition + log_best).argmax(0),
    )


@best_step.mistake(
    "came from the best state so far",
    "Where a path came from depends on where it goes: the move costs something too. Take the argmax of the "
    "scores, one for each new state.",
)
def _(log_best, log_transition, log_likelihood):
    return (
        best_step(log_best, log_transition, log_likelihood)[0],
        np.full(len(log_best), log_best.argmax()),
    )


@best_step.mistake(
    "forgot the observation",
    "Add the log-likelihood of the observation in each new state.",
)
def _(log_best, log_transition, log_likelihood):
    return best_step(log_best, log_transition, 0.0)
