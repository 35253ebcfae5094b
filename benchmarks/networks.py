"""Networks: a classifier, a variational autoencoder, a diffusion model and two flows, beside PyTorch and JAX.

Everybody begins at the same weights and takes the same steps of Adam, on the same batches; the answers that are
compared are the losses along the way. PyTorch runs in eager mode, JAX compiles a step, or a whole epoch where the
peer's name says scan. Ours goes through `optimization.run`, with its checks.
"""

import numpy as np

from benchmarks import contest
from pedagogy_lib import data
from pedagogy_lib.distributions import noising
from pedagogy_lib.learning import bijections, differentiation, networks, optimization, parameters
from pedagogy_lib.learning.bijections.autoregressive import masks as autoregressive_masks
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import diffusion, flow, vae
from pedagogy_lib.models.discriminative import network

#: The digits that are dealt, in whole batches of a hundred.
DEALT, BATCH = 1700, 100


def digits(dtype=np.float64):
    """Pixels from 0 to 1, and classes."""
    found = data.digits()
    return (found.values[:DEALT] / 16).astype(dtype), found.classes[:DEALT]


def arrays(params):
    """The leaves of the parameters, in order."""
    return [np.array(value) for _, value in parameters.leaves(params)]


def deal(source, *rows):
    """Batches of an epoch, as `optimization` deals them."""
    order = source.permutation(len(rows[0]))
    for first in range(0, len(order), BATCH):
        chosen = order[first : first + BATCH]
        yield tuple(part[chosen] for part in rows)


def learn(model, start, y, rng, iterations, **options):
    """Our steps; the losses before each."""
    rng = np.random.default_rng(2) if rng is None else rng
    found = optimization.run(model, start, y, rng, iterations=iterations, **options)
    return [found.losses.astype(arrays(start)[0].dtype)]


def stack(u, layers, bend):
    """A network on any package's arrays: pairs of weights and biases, a bend between them."""
    for l in range(0, len(layers), 2):
        u = u @ layers[l].T + layers[l + 1]
        u = bend(u) if l + 2 < len(layers) else u
    return u


# ------------------------------------------------------------------------- a classifier


class Tape:
    """The classifier's loss, on our tape."""

    @staticmethod
    def value_and_gradient(params, y, rng):
        def cost(params):
            eta = stack(y.inputs, [part for layer in params.layers for part in layer], lambda u: np.maximum(u, 0.0))
            return (differentiation.logsumexp(eta, axis=1) - np.sum(eta * y.outputs, axis=1)).mean()

        return differentiation.value_and_gradient(cost, params)


def classifier(H, dtype):
    """An epoch of a classifier 64-H-H-10 of rectifiers on the digits."""
    y, labels = digits(dtype)
    pairs = network.Pairs(y, np.eye(10, dtype=dtype)[labels])
    start = network.start(pairs, (H, H), networks.Rectified, outputs.Categorical, np.random.default_rng(0))
    steps = DEALT // BATCH

    def ours(rng=None):
        return learn(network, start, pairs, rng, steps, batch_size=BATCH)

    def tape():
        return lambda rng=None: learn(Tape, start, pairs, rng, steps, batch_size=BATCH)

    def torch():
        t = contest.Torch(dtype)
        inputs, classes = t.array(y), t.torch.as_tensor(labels).long()
        entropy, rectified = t.torch.nn.functional.cross_entropy, t.torch.relu

        def cost(weights, y, labels):
            return entropy(stack(y, weights, rectified), labels)

        return lambda rng=None: t.descend(arrays(start), cost, deal(t.source(rng), inputs, classes))

    def jax():
        j = contest.Jax(dtype)

        def cost(weights, y, x):
            logs = j.jax.nn.log_softmax(stack(y, weights, j.jax.nn.relu))
            return -(logs * x).sum(1).mean()

        step = j.jax.jit(j.adam(cost))
        return lambda rng=None: j.descend(step, arrays(start), deal(j.source(rng), *pairs))

    return ours, {"our tape": tape, "torch": torch, "jax, jit": jax}


# ------------------------------------------------------------------------- an autoencoder


def autoencoder(H, K):
    """An epoch of a variational autoencoder 64-H-K-H-64 on the digits, pixels as coins."""
    y, _ = digits()
    start = vae.start(y, K, (H,), networks.Tanh, outputs.Bernoulli, np.random.default_rng(0))

    def ours(rng=None):
        return learn(vae, start, y, rng, DEALT // BATCH, batch_size=BATCH)

    def bound(weights, y, noise, package, surprise):
        """Minus the evidence lower bound, with the pathwise gradient."""
        up = stack(y, weights[:4], package.tanh)
        nu, log_s = up[:, :K], up[:, K:]
        eta = stack(nu + package.exp(log_s) * noise, weights[4:], package.tanh)
        divergence = 0.5 * (nu**2 + package.exp(2 * log_s) - 1).sum(1) - log_s.sum(1)
        return (surprise(eta, y) + divergence).mean()

    def torch():
        t = contest.Torch()
        inputs, entropy = t.array(y), t.torch.nn.functional.binary_cross_entropy_with_logits

        def cost(weights, y, noise):
            return bound(weights, y, noise, t.torch, lambda eta, y: entropy(eta, y, reduction="none").sum(1))

        def run(rng=None):
            source = t.source(rng)
            return t.descend(arrays(start), cost, ((*b, source.normal(BATCH, K)) for b in deal(source, inputs)))

        return run

    def jax():
        j = contest.Jax()
        inputs, softplus = j.array(y), j.jax.nn.softplus

        def cost(weights, y, noise):
            return bound(weights, y, noise, j.np, lambda eta, y: (softplus(eta) - y * eta).sum(1))

        step = j.adam(cost)
        epoch = j.jax.jit(lambda state, order, noise: j.jax.lax.scan(
            lambda state, part: step(state, (inputs[part[0]], part[1])), state, (order, noise)))

        def run(rng=None):
            source = j.source(rng)
            order = source.permutation(DEALT).reshape(-1, BATCH)
            noise = source.normal(len(order), BATCH, K)
            return [np.array(epoch(j.begin(arrays(start)), order, noise)[1])]

        return run

    return ours, {"torch": torch, "jax, scan": jax}


# ------------------------------------------------------------------------- a diffusion model


def denoiser(H):
    """A diffusion model of the digits with two hidden layers of rectifiers."""
    y = digits()[0] * 4 - 2
    return diffusion.start(
        y, (H, H), networks.Rectified, denoising.Noise, noising.log_linear(), np.random.default_rng(0)), y


def noise_in(x, eta, weights, package, bend):
    """The network's answer: the noise in x, told the log signal-to-noise ratio, for any package."""
    waves = [wave(f * eta) for wave in (package.sin, package.cos) for f in (0.2, 0.4, 0.8)]
    return stack(package.concatenate([x, eta / 9, *waves], 1), weights, bend)


def diffusion_steps(H, steps):
    """Steps of Adam on one batch of two hundred digits: draws of levels and noise, forward, backward."""
    start, y = denoiser(H)
    y = y[:200]
    N, D = y.shape

    def ours(rng=None):
        return learn(diffusion, start, y, rng, steps)

    def bound(weights, y, times, noise, package, bend, sigmoid):
        """9 |noise - answer|^2, and what does not depend on the weights."""
        eta = 9 - 18 * (times % 1)[:, None]
        a, v = sigmoid(eta) ** 0.5, sigmoid(-eta) ** 0.5
        error = noise_in(a * y + v * noise, eta, weights, package, bend) - noise
        return 9 * (error**2).sum(1).mean() + ends

    # The divergence of the last level from the prior, and the cost of the datum given the first.
    low, high = 1 / (1 + np.exp(9.0)), 1 / (1 + np.exp(-9.0))
    ends = 0.5 * ((low * y**2 + high - 1 - np.log(high)).sum(1).mean() + D * (np.log(2 * np.pi) - 9 + 1))

    def torch():
        t = contest.Torch()
        inputs, grid = t.array(y), t.array(np.arange(N) / N)

        def cost(weights, shift, noise):
            return bound(weights, inputs, grid + shift, noise, t.torch, t.torch.relu, t.torch.sigmoid)

        def run(rng=None):
            source = t.source(rng)
            return t.descend(arrays(start), cost, ((source.uniform(), source.normal(N, D)) for _ in range(steps)))

        return run

    def jax():
        j = contest.Jax()
        grid = j.array(np.arange(N) / N)
        step = j.jax.jit(j.adam(lambda weights, shift, noise: bound(
            weights, y, grid + shift, noise, j.np, j.jax.nn.relu, j.jax.nn.sigmoid)))

        def run(rng=None):
            source = j.source(rng)
            return j.descend(step, arrays(start), ((source.uniform(), source.normal(N, D)) for _ in range(steps)))

        return run

    return ours, {"torch": torch, "jax, jit": jax}


def diffusion_sampling(H, N, steps):
    """Ancestral sampling: the network once for each level, and noise drawn anew."""
    start, y = denoiser(H)
    etas = np.linspace(-9, 9, steps + 1)
    a, v = 1 / np.sqrt(1 + np.exp(-etas)), 1 / np.sqrt(1 + np.exp(etas))

    def ours(rng=None):
        return [diffusion.sample(start, N, np.random.default_rng(2) if rng is None else rng, steps).observations]

    def down(x, noise, eta, there, here, weights, package, bend):
        """One level down, as the recognition model goes when the guess is the datum."""
        (b, w), (a, v) = there, here
        found = noise_in(x, eta, weights, package, bend)
        fresh = v * (1 - (b * v / (a * w)) ** 2) ** 0.5
        return a * (x - w * found) / b + (v**2 - fresh**2) ** 0.5 * found + fresh * noise

    def torch():
        t = contest.Torch()
        weights = [t.array(part) for part in arrays(start)]

        def run(rng=None):
            source = t.source(rng)
            with t.torch.no_grad():
                x = source.normal(N, y.shape[1])
                for s in range(steps):
                    eta = t.torch.full((N, 1), etas[s], dtype=t.dtype)
                    there, here = (a[s], v[s]), (a[s + 1], v[s + 1])
                    x = down(x, source.normal(*x.shape), eta, there, here, weights, t.torch, t.torch.relu)
                return [(x / a[-1] + v[-1] / a[-1] * source.normal(*x.shape)).numpy()]

        return run

    def jax():
        j = contest.Jax()
        weights, levels = [j.array(part) for part in arrays(start)], j.array(np.stack([a, v], 1))

        @j.jax.jit
        def step(x, noise, s):
            eta = j.np.full((N, 1), j.array(etas)[s])
            return down(x, noise, eta, levels[s], levels[s + 1], weights, j.np, j.jax.nn.relu)

        def run(rng=None):
            source = j.source(rng)
            x = source.normal(N, y.shape[1])
            for s in range(steps):
                x = step(x, source.normal(*x.shape), s)
            return [np.asarray(x / a[-1] + v[-1] / a[-1] * source.normal(*x.shape))]

        return run

    return ours, {"torch": torch, "jax, jit": jax}


# ------------------------------------------------------------------------- flows


def moons(N):
    """Two half circles, each beginning inside the other, and noise."""
    rng = np.random.default_rng(0)
    angle, side = np.pi * rng.random(N), rng.integers(2, size=N)
    arcs = np.stack([np.cos(angle), np.sin(angle)], 1) * np.where(side, -1, 1)[:, None]
    return arcs + np.stack([side, 0.5 * side], 1) + 0.1 * rng.standard_normal((N, 2))


def bounded(package, raw):
    """A log scale between -3 and 3."""
    return 3 * package.tanh(raw / 3)


def coupling(package, x, weights):
    """RealNVP: the second column moves, as a network of the first says; its log stretch."""
    found = stack(x[:, :1], weights, package.tanh)
    s = bounded(package, found[:, 1:])
    return package.concatenate([x[:, :1], package.exp(s) * x[:, 1:] + found[:, :1]], 1), s[:, 0]


def autoregression(masks):
    """MAF: every column moves, as a masked network of those before it says."""
    def layer(package, x, weights):
        seen = [w * masks[l // 2] if l % 2 == 0 else w for l, w in enumerate(weights)]
        found = stack(x, seen, package.tanh)
        s = bounded(package, found[:, 2:])
        return package.exp(-s) * (x - found[:, :2]), -s.sum(1)

    return layer


def flow_steps(kind, H, count, steps):
    """Steps of Adam for a flow of so many layers, with networks of two hidden layers, on one batch of two moons."""
    y = moons(256)
    start = flow.start(y, kind, count, (H, H), np.random.default_rng(0))
    per = len(arrays(start.layers[1]))
    masks = autoregressive_masks((2, H, H, 4))
    layer = coupling if kind is bijections.Affine else None

    def ours(rng=None):
        return learn(flow, start, y, rng, steps)

    def surprise(weights, y, layer, package, flip):
        """Minus the mean log density: back through the layers, and the columns turned over between them."""
        x = (y - weights[1]) @ weights[0].T
        volume = package.linalg.slogdet(weights[0])[1]
        for l in range(count):
            x, stretch = layer(package, flip(x) if l else x, weights[2 + per * l : 2 + per * (l + 1)])
            volume = volume + stretch
        return (0.5 * (x**2).sum(1) - volume).mean() + np.log(2 * np.pi)

    def torch():
        t = contest.Torch()
        inputs, chosen = t.array(y), layer or autoregression([t.array(mask) for mask in masks])

        def cost(weights):
            return surprise(weights, inputs, chosen, t.torch, lambda x: x.flip(1))

        return lambda rng=None: t.descend(arrays(start), cost, [()] * steps)

    def jax():
        j = contest.Jax()
        chosen = layer or autoregression([j.array(mask) for mask in masks])
        step = j.jax.jit(j.adam(lambda weights: surprise(weights, y, chosen, j.np, lambda x: x[:, ::-1])))
        return lambda rng=None: j.descend(step, arrays(start), [()] * steps)

    return ours, {"torch": torch, "jax, jit": jax}


FLOW = {"torch": 2.5, "jax, jit": 1.2}
#: For each task: what prepares it, sizes, quick sizes, rounds, and the ratios that we mean to reach at least.
TASKS = {
    "classifier 64-H-H-10, 17 steps (hidden units)":
        (lambda H: classifier(H, np.float64), (256,), (16,), 11, {"torch": 1.4, "jax, jit": 1.2}),
    "classifier 64-H-H-10, 17 steps, float32 (hidden units)":
        (lambda H: classifier(H, np.float32), (256,), (16,), 11, {"torch": 1.4, "jax, jit": 1.2}),
    "VAE on digits, an epoch (hidden units, latents)":
        (autoencoder, (256, 10), (16, 2), 11, {"torch": 2, "jax, scan": 1}),
    "diffusion model of digits, steps (hidden units, steps)":
        (diffusion_steps, (128, 20), (16, 3), 11, {"torch": 1.8, "jax, jit": 1}),
    "diffusion model of digits, sampling (hidden units, samples, steps)":
        (diffusion_sampling, (128, 2_000, 200), (16, 20, 5), 5, {"torch": 1.5, "jax, jit": 0.85}),
    "RealNVP on two moons, steps (hidden units, layers, steps)":
        (lambda *size: flow_steps(bijections.Affine, *size), (64, 6, 10), (8, 2, 3), 11, FLOW),
    "MAF on two moons, steps (hidden units, layers, steps)":
        (lambda *size: flow_steps(bijections.Autoregressive, *size), (64, 6, 10), (8, 2, 3), 11, FLOW),
}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    return contest.results("networks", TASKS, quick)
