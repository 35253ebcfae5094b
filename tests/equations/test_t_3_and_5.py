"""Lessons T.3 and T.5, beyond the textbook: Fisher's identity, and multipliers computed backwards."""

import itertools

import numpy as np
from compare import assert_only_as_printed
from scipy.special import xlogy
from scipy.stats import multivariate_normal

from pedagogy_lib.inference import discrete
from pedagogy_lib.models.dynamical import lgssm


def central(f, x, h=1e-5):
    """Gradient by central differences."""
    x = np.asarray(x, float)
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


def readings_of(q, r, T):
    """Mean and covariance of the readings of a random walk from 3, of variance 2: min(s, t) steps in common."""
    t = np.arange(T)
    return np.full(T, 3.0), 2.0 + q * np.minimum.outer(t, t) + r * np.eye(T)


def test_the_gradient_of_a_likelihood_is_the_posterior_mean_of_the_joints():
    rng = np.random.default_rng(0)
    q, r, T = 0.7, 0.4, 12
    y = rng.multivariate_normal(*readings_of(q, r, T))
    by_differences = central(lambda logs: multivariate_normal.logpdf(y, *readings_of(*np.exp(logs), T)), np.log([q, r]))

    smoothed = lgssm.posterior(lgssm.local_level(q, r, 3.0, 2.0), y[:, None])
    m, V, C = smoothed.means[:, 0], smoothed.covariances[:, 0, 0], smoothed.cross_covariances[:, 0, 0]
    steps, misfits = np.sum(np.diff(m) ** 2 + V[1:] + V[:-1] - 2 * C), np.sum((y - m) ** 2 + V)
    identity = 0.5 * np.array([steps / q - (T - 1), misfits / r - T])
    at_the_mean = 0.5 * np.array([np.sum(np.diff(m) ** 2) / q - (T - 1), np.sum((y - m) ** 2) / r - T])
    unpaired = 0.5 * np.array([(steps + 2 * C.sum()) / q - (T - 1), misfits / r - T])
    assert_only_as_printed(by_differences, identity, at_the_mean, unpaired, rtol=1e-6)

    # A round of EM is a step along it: q'/q = 1 + gradient / (half the complete information's count).
    np.testing.assert_allclose([steps / (T - 1) / q, misfits / T / r],
                               1 + by_differences / (0.5 * np.array([T - 1, T])), rtol=1e-6)


A, B = np.array([[0.9, -0.4], [0.3, 0.8]]), np.array([[1.0, 0.2], [-0.5, 0.7]])
PULL = np.array([[1.0, 0.3], [0.3, 2.0]])


def law(x, control):
    return np.tanh(A @ x + B @ control)


def walk(start, controls):
    path = [np.asarray(start, float)]
    for control in controls:
        path.append(law(path[-1], control))
    return np.array(path)


def cost(path, controls):
    """A bend in every state, and a price of each control."""
    return sum(0.5 * x @ PULL @ x + np.cos(x[0]) for x in path) + sum(0.25 * u @ u for u in controls)


def multipliers(path, controls, transpose=True):
    """The theorem of T.5: from the last step to the first."""
    carried, found = np.zeros(2), []
    for t in reversed(range(len(path))):
        x = path[t]
        own = PULL @ x - np.array([np.sin(x[0]), 0.0])
        if t + 1 < len(path):
            J = (1 - path[t + 1] ** 2)[:, None] * A
            carried = (J.T if transpose else J) @ carried
        carried = own + carried
        found.append(carried)
    return np.array(found[::-1])


def of_controls(path, controls, prices):
    return np.array([0.5 * u + ((1 - after ** 2)[:, None] * B).T @ price
                     for u, after, price in zip(controls, path[1:], prices[1:], strict=True)])


def test_multipliers_are_prices_and_give_the_slope_of_every_control():
    rng = np.random.default_rng(1)
    start, controls = rng.normal(size=2), rng.normal(size=(5, 2))
    path = walk(start, controls)
    prices = multipliers(path, controls)

    # What is still to come costs, where the state at t is pushed and all later ones are walked anew.
    pushed = np.array([central(lambda x, left=controls[t:]: cost(walk(x, left), left), path[t]) for t in range(6)])
    upright = multipliers(path, controls, transpose=False)
    assert_only_as_printed(pushed, prices, upright, prices[::-1], rtol=1e-6)

    def by_controls(flat):
        return cost(walk(start, flat.reshape(5, 2)), flat.reshape(5, 2))

    slopes = central(by_controls, controls.ravel()).reshape(5, 2)
    late = of_controls(path, controls, np.roll(prices, 1, axis=0))      # the price of the state before
    assert_only_as_printed(slopes, of_controls(path, controls, prices), late, rtol=1e-6)


def test_the_multiplier_of_a_belief_is_minus_the_logarithm_of_the_backward_message():
    """In a chain of three states, seen five times, against all 243 sequences."""
    rng = np.random.default_rng(2)
    K, T = 3, 5
    initial, transition = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), K).T
    seen = rng.uniform(0.1, 2.0, (T, K))

    def weight(path):
        return initial[path[0]] * np.prod([transition[j, i] for i, j in itertools.pairwise(path)]) \
            * np.prod([seen[t, i] for t, i in enumerate(path)])

    paths = list(itertools.product(range(K), repeat=T))
    weights = np.array([weight(p) for p in paths])

    prices = np.zeros((T, K))                                 # after the last reading nothing is to be paid
    controls = [None] * T
    for t in reversed(range(1, T)):
        unnormalized = transition * (seen[t] * np.exp(-prices[t]))[:, None]
        prices[t - 1], controls[t] = -np.log(unnormalized.sum(0)), unnormalized / unnormalized.sum(0)

    still_to_come = np.array([[sum(w for w, p in zip(weights, paths, strict=True) if p[t] == i)
                               / sum(np.prod([transition[b, a] for a, b in itertools.pairwise(p)]) * initial[p[0]]
                                     * np.prod([seen[s, p[s]] for s in range(t + 1)])
                                     for p in itertools.product(range(K), repeat=t + 1) if p[-1] == i)
                               for i in range(K)] for t in range(T)])
    assert_only_as_printed(-np.log(still_to_come), prices, -prices, rtol=1e-10)

    # The least free energy, with the first belief chosen too, is minus the log-likelihood.
    first = initial * seen[0] * np.exp(-prices[0])
    belief, energy = first / first.sum(), 0.0
    energy += np.sum(xlogy(belief, belief) - belief * np.log(initial * seen[0]))
    for t in range(1, T):
        joint = controls[t] * belief
        energy += np.sum(joint * np.log(controls[t] / (transition * seen[t][:, None])))
        belief = joint.sum(1)
    np.testing.assert_allclose(energy, -np.log(weights.sum()), rtol=1e-12)
    filtered = discrete.filter(initial, transition, np.log(seen))
    np.testing.assert_allclose(belief, filtered.probabilities[-1], rtol=1e-10)
    np.testing.assert_allclose(first / first.sum(), discrete.smooth(transition, filtered).probabilities[0], rtol=1e-10)
