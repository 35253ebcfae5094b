"""Exercises of section 2.2.2, sampling-based approaches: particle smoothing, and better proposals."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _backward_cases(rng):
    return [(rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n)), rng.random((n, n))) for n in (4, 7)]


def _normalized(weights):
    return weights / weights.sum()


def _pushed(h, mu, phi, sigma, eta):
    return mu + phi * (h - mu) + sigma * eta


def _weighed(h, y):
    return h, -0.5 * (np.log(2 * np.pi) + h + y**2 * np.exp(-h))


def _volatility_cases(rng):
    return [(1.0 + rng.normal(size=n), rng.normal(), 1.0, 0.9, 0.4, rng.normal(size=n)) for n in (5, 8)]


def _draw_cases(rng):
    return [(rng.dirichlet(np.ones(n)), rng.random((m, n)), rng.random(m)) for n, m in ((5, 4), (8, 6))]


def _draw_edges():
    """A particle without weight; a place on the edge between two sides."""
    return [(np.array([0.0, 0.5, 0.5]), np.ones((2, 3)), np.array([0.0, 0.5]))]


@task("2.2.2d-a", cases=_volatility_cases, stars=2)
def volatility_step(h, y, mu, phi, sigma, eta):
    """With h and eta of shape (I,), returning (h, log_likelihoods), both of shape (I,)."""
    return _weighed(_pushed(h, mu, phi, sigma, eta), y)


@volatility_step.mistake(
    "weighed the old particles",
    "Today's return is drawn with today's volatility. Weigh the particles after they have moved.",
)
def _(h, y, mu, phi, sigma, eta):
    return (_pushed(h, mu, phi, sigma, eta), _weighed(h, y)[1])


@volatility_step.mistake(
    "took the variance for the deviation",
    "exp(h) is the variance of the return. Its standard deviation is exp(h / 2).",
)
def _(h, y, mu, phi, sigma, eta):
    return (
        _pushed(h, mu, phi, sigma, eta),
        _weighed(2 * _pushed(h, mu, phi, sigma, eta), y)[1],
    )


@volatility_step.mistake(
    "left out the normalizing factor",
    "Only the exponent is there. A Gaussian with a larger variance is also lower: its factor "
    "1 / sqrt(2 pi exp(h)) depends on the particle, and without it the largest h always wins.",
)
def _(h, y, mu, phi, sigma, eta):
    return (
        _pushed(h, mu, phi, sigma, eta),
        -0.5 * y**2 * np.exp(-_pushed(h, mu, phi, sigma, eta)),
    )


@volatility_step.mistake(
    "pulled towards zero",
    "It is the deviation from mu that shrinks by the factor phi, not h itself.",
)
def _(h, y, mu, phi, sigma, eta):
    return _weighed(phi * h + sigma * eta, y)


@volatility_step.mistake(
    "added the level twice",
    "mu + phi h has its level at mu / (1 - phi). Subtract mu before you multiply by phi.",
)
def _(h, y, mu, phi, sigma, eta):
    return _weighed(mu + phi * h + sigma * eta, y)


@task("2.2.2d-b", cases=_draw_cases, edges=_draw_edges, stars=2)
def step_back(alpha, moves, u):
    """With shapes (I,), (m, I) and (m,), returning m indices."""
    edges = np.cumsum(alpha * moves, axis=1)
    return (edges <= u[:, None] * edges[:, -1:]).sum(1)


@step_back.mistake(
    "left the filter out",
    "By Eq. 2.60 a particle is chosen in proportion to its weight times the density of the move. Where is alpha?",
)
def _(alpha, moves, u):
    return step_back(np.ones_like(alpha), moves, u)


@step_back.mistake(
    "left the transition out",
    "This draws from the filter's weights alone. Each path asks which particle could have moved to where it stands.",
)
def _(alpha, moves, u):
    return step_back(alpha, np.ones_like(moves), u)


@step_back.mistake(
    "did not normalize",
    "alpha times the moves does not sum to one. Divide each row by its sum before you compare it with u, or "
    "multiply u by that sum.",
)
def _(alpha, moves, u):
    return (np.cumsum(alpha * moves, axis=1) <= u[:, None]).sum(1)


@step_back.mistake(
    "one dart for all paths",
    "Every path has a place u of its own.",
)
def _(alpha, moves, u):
    return step_back(alpha, moves, np.full(len(u), u[0]))


@step_back.mistake(
    "took the most probable",
    "This takes the most probable particle for each path. A path of the smoother is a draw, not a mode.",
)
def _(alpha, moves, u):
    return (alpha * moves).argmax(1)


@task("2.2.2d-c", cases=_backward_cases, stars=2)
def backward_step(beta, alpha, moves):
    """With shapes (I,), (I,), (I, I), returning the earlier beta, shape (I,)."""
    pair = alpha * moves
    return beta @ (pair / pair.sum(1, keepdims=True))


@backward_step.mistake(
    "left both bugs in",
    "Nothing has changed yet. Which particles does each row of the pairs speak of, and over what must it sum to one "
    "before beta averages the rows?",
)
def _(beta, alpha, moves):
    return _normalized(beta @ (alpha * moves).T)


@backward_step.mistake(
    "did not divide by the prediction",
    "Each row of the pairs must be divided by its own sum before beta averages them (Eq. 2.60). "
    "Normalizing at the end is not the same.",
)
def _(beta, alpha, moves):
    return _normalized(alpha * (beta @ moves))


@backward_step.mistake(
    "left the filter out",
    "Where is alpha? It is the prior with which the transition is turned round.",
)
def _(beta, alpha, moves):
    return backward_step(beta, np.ones_like(alpha), moves)


@backward_step.mistake(
    "swapped before and after",
    "moves[k, j] is the density of going to particle k from particle j. You used it the other way round.",
)
def _(beta, alpha, moves):
    return backward_step(beta, alpha, moves.T)


@backward_step.mistake(
    "summed over the wrong axis",
    "For each particle k of the later time the weights of the earlier ones j sum to one: sum over j, axis 1.",
)
def _(beta, alpha, moves):
    return beta @ (alpha * moves / (alpha * moves).sum(0))


@backward_step.mistake(
    "used the filter for beta",
    "The average over the later particles takes the later smoother's weights, beta.",
)
def _(beta, alpha, moves):
    return backward_step(alpha, alpha, moves)
