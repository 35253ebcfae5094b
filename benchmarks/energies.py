"""Unnormalized densities: harmoniums, annealing, and a posterior known up to its normalizer, beside PyTorch and JAX.

Contrastive divergence is raced for an epoch. scikit-learn's machine keeps persistent chains, at the cost of the same
five products of matrices; to compare answers it is begun at the data, as everybody else is.
"""

import numpy as np

from benchmarks import contest
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.inference.variational import black_box, transforms
from pedagogy_lib.learning import optimization
from pedagogy_lib.learning.objectives import annealed_importance, contrastive
from pedagogy_lib.models.undirected import harmonium, recurrent

BATCH = 100


# ------------------------------------------------------------------------- a restricted Boltzmann machine


class Draws:
    """Uniform numbers where scikit-learn's step asks for them: some to sample with, then none for chains to go on."""

    def __init__(self, numbers):
        self.numbers = iter([numbers])

    def uniform(self, size):
        return next(self.numbers, np.ones(size))


def divergence(D, L, N, dtype):
    """An epoch of contrastive divergence with one step, rate 0.05, batches of a hundred."""
    rng, rate = np.random.default_rng(0), 0.05 / BATCH
    y = (rng.random((N, D)) < rng.random(D) * rng.random((N, 1))).astype(dtype)
    start = harmonium.rbm(y[:1000], L, rng)
    first = start.weights, start.hidden.biases, start.visible.biases

    def batches(source, fed):
        """An epoch; in float32 a few, because over many some draw falls between two roundings of its threshold."""
        few = 3 if fed is not None and dtype == np.float32 else None
        return source.permutation(N).reshape(-1, BATCH)[:few]

    def ours(rng=None):
        steps = len(batches(np.random.default_rng(0), rng))
        stream = contrastive.iterate(
            harmonium, start, y, np.random.default_rng(2) if rng is None else rng, 0.05, batch_size=BATCH)
        params = contrastive.last(stream, steps).params
        return [1e3 * part for part in (params.weights, params.hidden.biases, params.visible.biases)]

    def torch():
        t = contest.Torch(dtype)
        inputs, sigmoid, affine = t.array(y), t.torch.sigmoid, t.torch.addmm

        def step(W, b, c, y, uniform):
            before = sigmoid(affine(b, y, W.T))
            x = (uniform(BATCH, L) < before).to(t.dtype)
            seen = (uniform(BATCH, D) < sigmoid(affine(c, x, W))).to(t.dtype)
            after = sigmoid(affine(b, seen, W.T))
            W.addmm_(before.T, y, alpha=rate).addmm_(after.T, seen, alpha=-rate)
            b.add_((before - after).sum(0), alpha=rate)
            c.add_((y - seen).sum(0), alpha=rate)

        def run(rng=None):
            source, weights = t.source(rng), [t.array(part) for part in first]
            with t.torch.no_grad():
                for rows in batches(source, rng):
                    step(*weights, inputs[rows], source.uniform)
            return [1e3 * part.numpy() for part in weights]

        return run

    def jax():
        j = contest.Jax(dtype)
        inputs, sigmoid = j.array(y), j.jax.nn.sigmoid

        @j.jax.jit
        def step(weights, rows, u, v):
            (W, b, c), y = weights, inputs[rows]
            before = sigmoid(b + y @ W.T)
            x = (u < before).astype(j.dtype)
            seen = (v < sigmoid(c + x @ W)).astype(j.dtype)
            after = sigmoid(b + seen @ W.T)
            slopes = before.T @ y - after.T @ seen, (before - after).sum(0), (y - seen).sum(0)
            return [part + rate * slope for part, slope in zip(weights, slopes)]

        def run(rng=None):
            source, weights = j.source(rng), [j.array(part) for part in first]
            for rows in batches(source, rng):
                weights = step(weights, rows, source.uniform(BATCH, L), source.uniform(BATCH, D))
            return [1e3 * np.asarray(part) for part in weights]

        return run

    def scikit_learn():
        from sklearn.neural_network import BernoulliRBM

        inputs = y.astype(dtype)

        def run(rng=None):
            model = BernoulliRBM(L, learning_rate=0.05, batch_size=BATCH, n_iter=1, random_state=0)
            if rng is None:
                return model.fit(inputs)
            model.components_, model.intercept_hidden_, model.intercept_visible_ = (np.array(p, dtype) for p in first)
            for rows in batches(contest.Fed(rng, np.array), rng):
                up = model.transform(inputs[rows])
                model.h_samples_ = (rng.random(up.shape) < up).astype(dtype)
                model._fit(inputs[rows], Draws(rng.random((BATCH, D))))
            return [1e3 * part for part in (model.components_, model.intercept_hidden_, model.intercept_visible_)]

        return run

    return ours, {"torch": torch, "jax, jit": jax, "scikit-learn, persistent": scikit_learn}


# ------------------------------------------------------------------------- a harmonium in time


def through_time(D, L, T, B):
    """Contrastive divergence of a recurrent temporal machine, one step of the chain; the gradient back through time."""
    rng = np.random.default_rng(0)
    y = (rng.random((B, T, D)) < 0.3).astype(float)
    params = recurrent.start(y, L, Bernoulli, rng)
    first = params.weights, params.feedback, params.hidden.biases, params.visible.biases, params.initial

    def ours(rng=None):
        g = recurrent.divergence(params, y, np.random.default_rng(2) if rng is None else rng)
        return [1e3 * part for part in (g.weights, g.feedback, g.hidden.biases, g.visible.biases, g.initial)]

    def torch(batched):
        t = contest.Torch()
        weights, data = [t.array(part).requires_grad_() for part in first], t.array(y)
        coin = lambda p, u: (u < p).to(t.dtype)
        softplus, sigmoid = t.torch.nn.functional.softplus, t.torch.sigmoid

        def height(y, b, W, c):
            return (y @ c + softplus(b + y @ W.T).sum(-1)).sum()

        def drawn(y, b, W, c, source):
            """Where one step of the chain leads; nothing goes back through it."""
            with t.torch.no_grad():
                x = coin(sigmoid(b + y @ W.T), source.uniform(*b.shape))
                return coin(sigmoid(c + x @ W), source.uniform(*y.shape))

        def run(rng=None):
            source, (W, F, b_x, c, initial) = t.source(rng), weights
            known, biases, loss = initial.expand(B, L), [], 0.0
            evidence = data @ W.T
            for s in range(T):
                b = b_x + known @ F.T
                known = sigmoid(b + evidence[:, s])
                biases.append(b)
                if not batched:
                    seen = drawn(data[:, s], b, W, c, source)
                    loss = loss + height(seen, b, W, c) - height(data[:, s], b, W, c)
            if batched:
                b, rows = t.torch.stack(biases, 1).reshape(-1, L), data.reshape(-1, D)
                loss = height(drawn(rows, b, W, c, source), b, W, c) - height(rows, b, W, c)
            return [1e3 * part.numpy() for part in t.torch.autograd.grad(loss / (B * T), weights)]

        return run

    def by_step():
        """The draws of every moment, from those that are dealt for all moments at once."""
        contender = torch(batched=False)
        return lambda rng=None: contender(None if rng is None else Dealt(rng, B, T, L, D))

    return ours, {"torch, all moments at once": lambda: torch(batched=True), "torch, moment by moment": by_step}


class Dealt:
    """Uniform numbers for each moment in turn: what a generator would deal to all moments at once."""

    def __init__(self, rng, B, T, *units):
        pools = [rng.random((B * T, K)).reshape(B, T, K) for K in units]
        self.numbers = (pool[:, s] for s in range(T) for pool in pools)

    def random(self, shape):
        return next(self.numbers).reshape(shape)


# ------------------------------------------------------------------------- annealing


def annealing(D, L, N, levels):
    """Annealed importance sampling: log Z of a restricted Boltzmann machine, by so many walkers."""
    rng = np.random.default_rng(0)
    y = (rng.random((1000, D)) < rng.random(D)).astype(float)
    params = harmonium.rbm(y, L, rng)
    params = params._replace(weights=0.3 * rng.standard_normal((L, D)) / np.sqrt(L))
    ladder = np.linspace(0, 1, levels)

    def ours(rng=None):
        rng = np.random.default_rng(2) if rng is None else rng
        found = annealed_importance.forward(
            *harmonium.annealing(params),
            harmonium.draw_independent(params, N, rng), harmonium.independent_log_partition(params), ladder, rng)
        return [found.log_weights, found.log_ratio]

    def torch():
        t = contest.Torch()
        W, b, c = t.array(params.weights), t.array(params.hidden.biases), t.array(params.visible.biases)
        softplus, sigmoid = t.torch.nn.functional.softplus, t.torch.sigmoid
        coin = lambda p, u: (u < p).to(t.dtype)

        def run(rng=None):
            source = t.source(rng)
            y, logs = coin(sigmoid(c).expand(N, D), source.uniform(N, D)), t.torch.zeros(N, dtype=t.dtype)
            for before, level in zip(ladder, ladder[1:]):
                u = y @ W.T
                logs += (softplus(b + level * u) - softplus(b + before * u)).sum(1)
                x = coin(sigmoid(b + level * u), source.uniform(N, L))
                y = coin(sigmoid(c + level * (x @ W)), source.uniform(N, D))
            total = t.torch.logsumexp(logs, 0) - np.log(N) + softplus(b).sum() + softplus(c).sum()
            return [logs.numpy(), float(total)]

        return run

    return ours, {"torch": torch}


# ------------------------------------------------------------------------- a posterior by its gradient


def guess(N, K, steps):
    """ADVI: a mean-field guess of a logistic regression's weights, eight draws a step, with Adam."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((N, K))
    x = (rng.random(N) < 1 / (1 + np.exp(-y @ rng.standard_normal(K)))).astype(float)

    def log_prior(w):
        return -0.5 * (w**2).sum(1), -w

    def log_likelihood(w, y):
        s, inputs, x = w @ y[:, :-1].T, y[:, :-1], y[:, -1]
        softplus = np.maximum(s, 0) + np.log1p(np.exp(-np.abs(s)))
        return (x * s - softplus).sum(1), (x - 0.5 - 0.5 * np.tanh(0.5 * s)) @ inputs

    target = black_box.Target(log_prior, log_likelihood, (transforms.Real(),) * K)
    model, pairs = black_box.Guess(target, N), np.column_stack([y, x])
    start = model.start(np.zeros(K), 0.1)
    first, constant = (start.mean, start.logs), 0.5 * K * (np.log(2 * np.pi) + 1)

    def ours(rng=None):
        rng = np.random.default_rng(2) if rng is None else rng
        return [optimization.run(model, start, pairs, rng, method=optimization.Adam(0.01), iterations=steps).losses]

    def free_energy(weights, noise, y, x, package, softplus):
        mean, logs = weights
        w = mean + package.exp(logs) * noise
        s = w @ y.T
        joint = -0.5 * (w**2).sum(1) + (x * s - softplus(s)).sum(1)
        return (-joint.mean() - logs.sum() - constant) / N

    def torch():
        t = contest.Torch()
        inputs, classes, softplus = t.array(y), t.array(x), t.torch.nn.functional.softplus

        def cost(weights, noise):
            return free_energy(weights, noise, inputs, classes, t.torch, softplus)

        def run(rng=None):
            source = t.source(rng)
            return t.descend(first, cost, ((source.normal(8, K),) for _ in range(steps)), 0.01)

        return run

    def jax():
        j = contest.Jax()
        step = j.adam(lambda weights, noise: free_energy(weights, noise, y, x, j.np, j.jax.nn.softplus), 0.01)
        whole = j.jax.jit(lambda state, noise: j.jax.lax.scan(lambda state, z: step(state, (z,)), state, noise))
        return lambda rng=None: [np.array(whole(j.begin(first), j.source(rng).normal(steps, 8, K))[1])]

    return ours, {"torch": torch, "jax, scan": jax}


BOTH = {"torch": 1.1, "jax, jit": 1.1, "scikit-learn, persistent": 1.1}
#: For each task: what prepares it, sizes, quick sizes, rounds, and the ratios that we mean to reach at least.
TASKS = {
    "RBM, CD-1, an epoch (visible, hidden, data)":
        (lambda *size: divergence(*size, np.float64), (784, 500, 10_000), (12, 8, 300), 5, BOTH),
    "RBM, CD-1, an epoch, in float32 (visible, hidden, data)":
        (lambda *size: divergence(*size, np.float32), (784, 500, 10_000), (12, 8, 300), 5, dict.fromkeys(BOTH, 0.95)),
    "RTRBM, gradient of CD-1 through time (visible, hidden, moments, sequences)":
        (through_time, (225, 200, 100, 20), (6, 4, 5, 3), 9,
         {"torch, all moments at once": 1.1, "torch, moment by moment": 1.5}),
    "AIS, log Z of an RBM (visible, hidden, walkers, levels)":
        (annealing, (64, 50, 100, 1000), (6, 4, 10, 20), 5, {}),
    "ADVI, logistic regression (data, weights, steps)":
        (guess, (200, 5, 1000), (20, 2, 10), 7, {"torch": 8, "jax, scan": 0.45}),
}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    return contest.results("energies", TASKS, quick)
