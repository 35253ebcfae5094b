"""Exercises of T.5: multipliers computed backwards."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _rate_cases(rng):
    return [(rng.uniform(0.1, 0.9, T + 1), rng.normal(size=T + 1)) for T in (3, 6)]


def _chain(rng, K, T):
    return rng.dirichlet(np.ones(K), K).T, rng.uniform(0.05, 1, (T, K))


def _cost_cases(rng):
    return [_chain(rng, K, T) for K, T in ((2, 4), (3, 6), (2, 1))]


def _step_cases(rng):
    return [(_chain(rng, K, 1)[0], rng.uniform(0.05, 1, K), 3 * rng.normal(size=K)) for K in (2, 3)]


@task("T.5-a", cases=_rate_cases)
def rate_gradient(x, multipliers):
    """Return dJ/dr, a number."""
    before = x[:-1]
    return multipliers[1:] @ (before * (1 - before))


@rate_gradient.mistake(
    "took the multiplier of the step before",
    "x[t] is made of x[t - 1], and the law that makes it has the multiplier of t: lambda[1:] belongs to x[:-1].",
)
def _step_before(x, multipliers):
    return multipliers[:-1] @ (x[:-1] * (1 - x[:-1]))


@rate_gradient.mistake(
    "used the state that was made",
    "The rate multiplies x (1 - x) of the step before, from which the law starts.",
)
def _made(x, multipliers):
    return multipliers[1:] @ (x[1:] * (1 - x[1:]))


@rate_gradient.mistake(
    "took the slope with respect to the state",
    "1 - 2 x is the derivative of x (1 - x) by x. Here the rate is moved, and x stays.",
)
def _by_state(x, multipliers):
    return multipliers[1:] @ (1 - 2 * x[:-1])


@rate_gradient.mistake(
    "averaged",
    "Every step has the same rate, so that what each receives is added up.",
)
def _averaged(x, multipliers):
    return rate_gradient(x, multipliers) / (len(x) - 1)


@rate_gradient.mistake(
    "turned the sign round",
    "With lambda_t = dJ / d(push at t), the rate pushes by x (1 - x): no minus.",
)
def _sign(x, multipliers):
    return -rate_gradient(x, multipliers)


@task("T.5-b", cases=_cost_cases, stars=2)
def costs_to_go(A, likelihoods):
    """Return the multipliers, shape (T, K)."""
    T, K = likelihoods.shape
    found = np.zeros((T, K))
    for t in range(T - 1, 0, -1):
        found[t - 1] = -np.log(A.T @ (likelihoods[t] * np.exp(-found[t])))
    return found


@costs_to_go.mistake(
    "summed over the wrong end",
    "A[i, j] goes to i from j. The cost of standing in j sums over where one may go, i: that is A.T @ ...",
)
def _wrong_end(A, likelihoods):
    return costs_to_go(A.T, likelihoods)


@costs_to_go.mistake(
    "counted what is seen today",
    "The multiplier of day t holds what comes after t. Today's likelihood is paid on arrival, at step t.",
)
def _today(A, likelihoods):
    return costs_to_go(A, likelihoods) - np.log(likelihoods)


@costs_to_go.mistake(
    "left out the likelihoods",
    "Without what is seen every way is as good as another, and all multipliers are zero.",
)
def _unseen(A, likelihoods):
    return costs_to_go(A, np.ones_like(likelihoods))


@costs_to_go.mistake(
    "averaged the costs",
    "This is the cost of moving by A whatever is seen later. The best moves lean toward what is cheap: average the "
    "exponentials, and take minus the logarithm.",
)
def _mean_cost(A, likelihoods):
    T, K = likelihoods.shape
    found = np.zeros((T, K))
    for t in range(T - 1, 0, -1):
        found[t - 1] = A.T @ (found[t] - np.log(likelihoods[t]))
    return found


@costs_to_go.mistake(
    "returned the messages",
    "These are the messages beta. The multipliers are minus their logarithms.",
)
def _messages(A, likelihoods):
    return np.exp(-costs_to_go(A, likelihoods))


@task("T.5-c", cases=_step_cases, stars=2)
def best_moves(A, likelihood, multipliers):
    """Return Q, shape (K, K)."""
    Q = A * (likelihood * np.exp(-multipliers))[:, None]
    return Q / Q.sum(0)


@best_moves.mistake(
    "weighed the columns",
    "Likelihood and multiplier are of the state that one moves to, which is in the rows.",
)
def _columns(A, likelihood, multipliers):
    Q = A * (likelihood * np.exp(-multipliers))
    return Q / Q.sum(0)


@best_moves.mistake(
    "normalized the rows",
    "From each state j one goes somewhere: every column sums to one.",
)
def _rows(A, likelihood, multipliers):
    Q = A * (likelihood * np.exp(-multipliers))[:, None]
    return Q / Q.sum(1, keepdims=True)


@best_moves.mistake(
    "turned the sign of the multipliers",
    "A multiplier is a cost: what is dear is avoided. exp(-lambda).",
)
def _sign_of_multipliers(A, likelihood, multipliers):
    return best_moves(A, likelihood, -multipliers)


@best_moves.mistake(
    "forgot the multipliers",
    "This looks one day ahead, at that day's likelihood alone. What comes after is in the multipliers.",
)
def _one_day(A, likelihood, multipliers):
    return best_moves(A, likelihood, 0 * multipliers)


@best_moves.mistake(
    "forgot the likelihood",
    "The multipliers hold what comes after the day. What is seen on it is the likelihood's to say.",
)
def _no_likelihood(A, likelihood, multipliers):
    return best_moves(A, np.ones_like(likelihood), multipliers)
