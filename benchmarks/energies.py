"""Unnormalized densities: harmoniums, annealing, and a posterior known up to its normalizer, beside PyTorch and JAX.

Contrastive divergence is raced for an epoch. scikit-learn's machine keeps persistent chains, which saves it one product
of matrices in five; to compare answers it is begun at the data, as everybody else is. Our harmoniums compute in double
precision only: the rows in float32 are what that costs beside those who need not.
"""


import numpy as np

from benchmarks import contest
from pedagogy_lib.inference.variational import black_box, transforms
from pedagogy_lib.learning import optimisation
from pedagogy_lib.learning.objectives import contrastive
from pedagogy_lib.models.undirected import harmonium

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
    y = (rng.random((N, D)) < rng.random(D) * rng.random((N, 1))).astype(float)
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
        params = contrastive.run(stream, steps).params
        return [part.astype(dtype) for part in (params.weights, params.hidden.biases, params.visible.biases)]

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
            return [part.numpy() for part in weights]

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
            return [np.asarray(part) for part in weights]

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
            return model.components_, model.intercept_hidden_, model.intercept_visible_

        return run

    return ours, {"torch": torch, "jax, jit": jax, "scikit-learn, persistent": scikit_learn}


# ------------------------------------------------------------------------- a posterior by its gradient


def guess(N, K, steps):
    """ADVI: a mean-field guess of a logistic regression's weights, eight draws a step, with Adam."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((N, K))
    x = (rng.random(N) < 1 / (1 + np.exp(-y @ rng.standard_normal(K)))).astype(float)

    def log_prior(w):
        return -0.5 * (w**2).sum(1), -w

    def log_likelihood(w, y):
        s = w @ y[:, :-1].T
        return (y[:, -1] * s - np.logaddexp(0, s)).sum(1), (y[:, -1] - 1 / (1 + np.exp(-s))) @ y[:, :-1]

    target = black_box.Target(log_prior, log_likelihood, (transforms.Real(),) * K)
    model, pairs = black_box.Guess(target, N), np.column_stack([y, x])
    start = model.start(np.zeros(K), 0.1)
    first, constant = (start.mean, start.logs), 0.5 * K * (np.log(2 * np.pi) + 1)

    def ours(rng=None):
        rng = np.random.default_rng(2) if rng is None else rng
        return [optimisation.run(model, start, pairs, rng, method=optimisation.Adam(0.01), iterations=steps).losses]

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
    "RBM, CD-1, an epoch, peers in float32 (visible, hidden, data)":
        (lambda *size: divergence(*size, np.float32), (784, 500, 10_000), (12, 8, 300), 5, dict.fromkeys(BOTH, 0.95)),
    "ADVI, logistic regression (data, weights, steps)":
        (guess, (200, 5, 1000), (20, 2, 10), 7, {"torch": 8, "jax, scan": 0.45}),
}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    return contest.results("energies", TASKS, quick)
