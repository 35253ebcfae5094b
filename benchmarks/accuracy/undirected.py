"""Machines with an energy: gradients, normalizers, bounds on information, and sums over many states.

The exact answers are sums over every state, written as plain products of tables, or quadrature. What is an
approximation by design is no verdict's business: it stands beside the exact number, with the sign of its error.
"""

from itertools import product

import numpy as np
from scipy.special import logsumexp

from benchmarks.accuracy.verdicts import Question, relative, weigh
from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.inference import trees
from pedagogy_lib.inference.trees import tables
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.objectives import annealed_importance, contrastive, info_nce, noise_contrastive, tempering
from pedagogy_lib.models.undirected import harmonium

#: How far apart the two ends of annealing may lie, in nats, before together they are no answer.
AGREED = 0.5


def rows(quick=False):
    """All rows of this family."""
    few = 2 if quick else 10
    return [*_machines(few), _annealing(quick), _noise_contrast(few), _info(few), *_graphs(few)]


def beside(quick=False):
    """Approximations, and what they approximate."""
    return [*_biases(quick), *_ends(quick), *_loopy()]


# Every state ---------------------------------------------------------------------------------------


def machine(seed, K=4, D=6, strength=1.0):
    """A machine of coins."""
    rng = np.random.default_rng(seed)
    return harmonium.Parameters(
        strength * rng.normal(size=(K, D)), layers.Bernoulli(rng.normal(size=K)), layers.Bernoulli(rng.normal(size=D))
    )


def every(params):
    """Hidden states, visible states, and the logarithm of each pair's weight: plain sums of products."""
    K, D = params.weights.shape
    xs, ys = (np.array(list(product((0.0, 1.0), repeat=n))) for n in (K, D))
    return xs, ys, xs @ params.hidden.biases[:, None] + ys @ params.visible.biases + xs @ params.weights @ ys.T


def exact_gradient(params, y):
    """Of the average of -log p(y): weights, hidden and visible biases, in a row."""
    xs, ys, logs = every(params)
    joint = np.exp(logs - logsumexp(logs))
    total = np.zeros(params.weights.size + sum(params.weights.shape))
    seen = np.array([(ys == row).all(1).argmax() for row in y])
    given = joint[:, seen] / joint[:, seen].sum(0) / len(y)
    for weights, states, sign in ((given, y, -1), (joint, ys, 1)):
        parts = xs.T @ weights @ states, xs.T @ weights.sum(1), weights.sum(0) @ states
        total += sign * np.concatenate([np.ravel(part) for part in parts])
    return total


def two_modes(gap):
    """One hidden coin, twelve pixels: either all are off or all on, and the second is likelier by so many nats."""
    b, w = np.full(12, -4.0), np.full((1, 12), 8.0)
    bias = gap + 12 * (np.logaddexp(0, -4.0) - np.logaddexp(0, 4.0))
    return harmonium.Parameters(w, layers.Bernoulli(np.array([bias])), layers.Bernoulli(b))


def _machines(count):
    rng = np.random.default_rng(0)
    machines = [(machine(seed, strength=s),) for seed in range(count) for s in (0.1, 1.0, 10.0)]
    learned = [(params, rng.integers(0, 2, (20, 6)).astype(float)) for (params,) in machines]
    far = [(two_modes(gap),) for gap in (-1000.0, -30.0, 0.0, 13.0, 1000.0)]

    def log_Z(case, found):
        exact = logsumexp(every(case[0])[2])
        return abs(found - exact) / max(abs(exact), 1.0)

    # The hidden layer summed in closed form, or the visible one: both stand for the same sum.
    either = {
        "ours": lambda params: harmonium.log_partition(params),
        "ours, turned": lambda params: harmonium.log_partition(
            harmonium.Parameters(params.weights.T, params.visible, params.hidden)),
    }
    yield weigh(Question("coins in two layers, weights of 0.1 to 10", "log Z", machines, log_Z, 1e-12), either)
    yield weigh(Question("two far modes, up to 1000 nats apart", "log Z", far, log_Z, 1e-12),
                {**either, "summed without logarithms": lambda params: np.log(np.exp(every(params)[2]).sum())})
    yield weigh(
        Question("coins in two layers, weights of 0.1 to 10", "the gradient", learned,
                 lambda case, found: relative(exact_gradient(*case), found), 1e-10),
        {"ours": lambda params, y: parameters.flatten(harmonium.value_and_gradient(params, y)[1]).vector},
    )


# Annealing -----------------------------------------------------------------------------------------


def annealed(params, walkers, rng, levels=200):
    """log Z from both ends."""
    how = harmonium.annealing(params)
    known, levels = harmonium.independent_log_partition(params), np.linspace(0, 1, levels)
    first, own = harmonium.draw_independent(params, walkers, rng), harmonium.sample(params, walkers, rng).observations
    return (annealed_importance.forward(*how, first, known, levels, rng),
            annealed_importance.reverse(*how, own, known, levels, rng))


def uneven():
    """Two far modes; a walker that begins without weights almost never meets the heavier one."""
    low, high = np.where(np.arange(20) < 18, -4.0, 4.0), np.where(np.arange(20) < 18, 4.0, -4.0)
    bias = 13 + np.logaddexp(0, low).sum() - np.logaddexp(0, high).sum()
    return harmonium.Parameters((high - low)[None], layers.Bernoulli(np.array([bias])), layers.Bernoulli(low))


def _annealing(quick):
    cases = [(uneven(), seed) for seed in range(2 if quick else 10)]
    cases += [(machine(seed, strength=0.5), seed) for seed in range(2 if quick else 10)]

    def one_end(params, seed):
        return annealed(params, 100, np.random.default_rng(seed))[0].log_ratio

    def both_ends(params, seed):
        up, down = annealed(params, 100, np.random.default_rng(seed))
        if down.log_ratio - up.log_ratio > AGREED:
            raise ArithmeticError(f"the two ends lie {down.log_ratio - up.log_ratio:.0f} nats apart")
        return (up.log_ratio + down.log_ratio) / 2

    def error(case, found):
        return abs(found - harmonium.log_partition(case[0]))

    return weigh(
        Question("annealed importance sampling: two far modes, or none", "log Z in nats", cases, error, AGREED),
        {"ours, both ends": both_ends, "ours, one end": one_end},
    )


def _ends(quick):
    params, exact = uneven(), harmonium.log_partition(uneven())
    up, down = annealed(params, 100, np.random.default_rng(10), 50 if quick else 1000)
    where = "log Z of two far modes, 13 nats apart"
    return [
        {"problem": where, "method": f"annealing forward, with a standard error of {up.error:.1g} by its own account",
         "exact": exact, "found": up.log_ratio},
        {"problem": where, "method": "annealing in reverse", "exact": exact, "found": down.log_ratio},
    ]


def _biases(quick):
    """The part of the exact gradient that an estimate finds on average, along it: 1 is all of it."""
    params, rng = machine(3, strength=1.5), np.random.default_rng(4)
    y = rng.integers(0, 2, (200, 6)).astype(float)
    exact = harmonium.value_and_gradient(params, y)[1]
    ladder, rungs = np.repeat(y[None, :100], 6, 0), np.linspace(0.15, 1, 6)
    ways = {
        "CD-1": lambda rng: contrastive.divergence(harmonium, params, y, rng),
        "CD-10": lambda rng: contrastive.divergence(harmonium, params, y, rng, 10),
        "persistent chains, 100 sweeps": lambda rng: contrastive.persistent(harmonium, params, y, y[:100], rng, 100),
        "tempering, 100 rounds": lambda rng: tempering.tempered(harmonium, params, y, ladder, rungs, rng, 100),
    }
    for name, way in ways.items():
        repeats, rng = 4 if quick else 40, np.random.default_rng(5)
        found = contrastive.bias(lambda rng, way=way: way(rng).gradient, exact, repeats, rng)
        g = found.exact
        yield {"problem": "share of the gradient of a machine of coins", "method": name, "exact": 1.0,
               "found": float(1 + found.difference @ g / (g @ g))}


# Noise and contrast --------------------------------------------------------------------------------


def _noise_contrast(count):
    """exp(-d_0 y^4 / 4 + d_1 y^2): its normalizer by noise-contrastive estimation, and by quadrature."""
    grid = np.linspace(-6, 6, 20_001)

    def draw(a, n, rng):
        weights = np.exp(-grid**4 / 4 + a * grid**2)
        return rng.choice(grid, n, p=weights / weights.sum())

    cases = [(a, seed) for a in (0.0, 1.0) for seed in range(count)]

    def ours(a, seed):
        rng = np.random.default_rng(seed)
        y, noise = draw(a, 20_000, rng), 1.5 * rng.standard_normal(20_000)
        density = lambda y: -(y**2) / 4.5 - np.log(2 * np.pi * 2.25) / 2
        T = lambda y: np.column_stack([-(y**4) / 4, y**2])
        return noise_contrastive.fit(T(y), T(noise), density(y), density(noise))

    def error(case, found):
        d = found.coefficients
        weights = np.exp(-d[0] * grid**4 / 4 + d[1] * grid**2)
        return abs(found.log_normalizer - np.log(np.trapezoid(weights, grid)))

    what = "noise-contrastive estimation of a quartic density", "log Z of what it learned, in nats"
    return weigh(Question(*what, cases, error, 0.05), {"ours": ours})


def _info(count):
    """InfoNCE, with the best scores and with bolder ones: never above log K, whatever is shared."""
    cases = [(nats, K, factor, seed) for nats in (1.0, 10.0, 100.0) for K in (2, 32, 256) for factor in (1.0, 30.0)
             for seed in range(count)]

    def ours(nats, K, factor, seed):
        rng = np.random.default_rng(seed)
        v, z = np.exp(-2 * nats / 10), rng.normal(size=(K, 10))
        y = np.sqrt(1 - v) * z + np.sqrt(v) * rng.normal(size=(K, 10))
        apart = y[None] - np.sqrt(1 - v) * z[:, None]
        return info_nce.information(factor * (nats - (apart**2).sum(2) / (2 * v) + 0.5 * (y**2).sum(1)))

    return weigh(Question("InfoNCE, up to 100 nats shared", "a number that is at most log K", cases,
                          lambda case, found: found - np.log(case[1]), 1e-12), {"ours": ours})


# Graphs --------------------------------------------------------------------------------------------


def grid(side, coupling, seed):
    """Coins on a square grid, with random fields; neighbors like to agree."""
    rng, factors = np.random.default_rng(seed), []
    name = lambda i, j: f"x{i}{j}"
    for i in range(side):
        for j in range(side):
            factors.append(tables.factor([name(i, j)], np.exp(rng.normal(size=2))))
            for other in ((i + 1, j), (i, j + 1)):
                if max(other) < side:
                    factors.append(tables.factor([name(i, j), name(*other)], np.exp(coupling * np.eye(2))))
    return factors


def every_configuration(factors):
    """The logarithm of each configuration's weight, an axis for each name."""
    names = list(dict.fromkeys(name for factor in factors for name in factor.names))
    logs = np.zeros((2,) * len(names))
    for factor in factors:
        axes = [names.index(name) for name in factor.names]
        shape = [2 if k in axes else 1 for k in range(len(names))]
        logs = logs + np.transpose(factor.logs, np.argsort(axes)).reshape(shape)
    return names, logs


def _graphs(count):
    cases = [(grid(3, coupling, seed),) for seed in range(count) for coupling in (0.5, 5.0, 600.0)]

    def junction(factors):
        return trees.propagate(tables, trees.junction_tree(tables, factors))

    def marginals(case, beliefs):
        names, logs = every_configuration(case[0])
        joint = np.exp(logs - logsumexp(logs))
        worst = 0.0
        for k, name in enumerate(names):
            exact = joint.sum(tuple(j for j in range(len(names)) if j != k))
            worst = max(worst, np.abs(tables.probabilities(trees.marginal(tables, beliefs, [name])) - exact).max())
        return worst

    def log_Z(case, beliefs):
        exact = logsumexp(every_configuration(case[0])[1])
        return abs(beliefs.log_total - exact) / abs(exact)

    title = "a grid of nine coins, couplings up to 600 nats"
    yield weigh(Question(title, "log Z", cases, log_Z, 1e-12), {"ours, junction tree": junction})
    yield weigh(Question(title, "all marginals", cases, marginals, 1e-11), {"ours, junction tree": junction})


def _loopy():
    """One coin in the middle of a grid, by messages that go round."""
    for coupling in (0.5, 1.0, 2.0, 4.0):
        factors = grid(3, coupling, 1)
        names, logs = every_configuration(factors)
        joint = np.exp(logs - logsumexp(logs))
        k = names.index("x11")
        exact = joint.sum(tuple(j for j in range(9) if j != k))[1]
        beliefs, sweep = trees.loopy(tables, trees.factor_graph(tables, factors), damping=0.3, max_iterations=500)
        found = tables.probabilities(trees.marginal(tables, beliefs, ["x11"]))[1]
        yield {"problem": f"the middle of a grid of nine coins, couplings of {coupling:g}",
               "method": "loopy propagation" + ("" if sweep.change <= 1e-10 else ", which has not converged"),
               "exact": float(exact), "found": float(found)}
