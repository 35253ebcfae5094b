"""Ours beside PyTorch and JAX: where draws come from, Adam as their users write it, and the loop over the tasks.

A task is prepared for its sizes: our contender, and for each peer a function that imports it and returns its own. A
contender is called ``run(rng)`` to compare answers: then every draw comes from that generator of NumPy's, so that all
see the same noise. Called ``run()`` it is timed: then each draws from its own package's generator, as its users do.
"""

import numpy as np

from benchmarks import machine
from benchmarks.race import race

#: How far two answers may differ, relative to the largest number in them, where everybody computes in this precision.
TOLERANCES = {np.dtype(np.float64): 1e-8, np.dtype(np.float32): 1e-4}


class Fed:
    """Draws from a generator of NumPy's, handed to another package."""

    def __init__(self, rng, convert):
        self.rng, self.convert = rng, convert

    def normal(self, *shape):
        return self.convert(self.rng.standard_normal(shape))

    def uniform(self, *shape):
        return self.convert(self.rng.random(shape))

    def permutation(self, n):
        return self.rng.permutation(n)


class Torch:
    """PyTorch on one thread: arrays, draws and steps of Adam."""

    def __init__(self, dtype=np.float64):
        import torch

        torch.set_num_threads(1)
        self.torch, self.dtype = torch, getattr(torch, np.dtype(dtype).name)

    def array(self, value):
        return self.torch.as_tensor(np.array(value), dtype=self.dtype)

    def source(self, rng):
        """Draws of its own, or fed ones."""
        return self if rng is None else Fed(rng, self.array)

    def normal(self, *shape):
        return self.torch.randn(shape, dtype=self.dtype)

    def uniform(self, *shape):
        return self.torch.rand(shape, dtype=self.dtype)

    def permutation(self, n):
        return self.torch.randperm(n)

    def descend(self, start, cost, batches, rate=1e-3):
        """Steps of Adam in eager mode; the losses before each."""
        weights = [self.array(part).requires_grad_() for part in start]
        method, losses = self.torch.optim.Adam(weights, lr=rate), []
        for batch in batches:
            loss = cost(weights, *batch)
            method.zero_grad()
            loss.backward()
            method.step()
            losses.append(loss.detach())
        return [self.torch.stack(losses).numpy()]


class Jax:
    """JAX on one thread: the same, with every step compiled."""

    def __init__(self, dtype=np.float64):
        import jax
        import jax.numpy as jnp

        self.jax, self.np, self.dtype = jax, jnp, np.dtype(dtype)
        self.key = jax.random.key(0)
        self.draws = {
            name: jax.jit(getattr(jax.random, name), static_argnums=(1, 2)) for name in ("normal", "uniform")
        }

    def array(self, value):
        return self.np.asarray(value, self.dtype)

    def source(self, rng):
        return self if rng is None else Fed(rng, self.array)

    def normal(self, *shape):
        return self._draw("normal", shape)

    def uniform(self, *shape):
        return self._draw("uniform", shape)

    def permutation(self, n):
        return np.asarray(self.jax.random.permutation(self._next(), n))

    def _draw(self, name, shape):
        return self.draws[name](self._next(), shape, self.dtype)

    def _next(self):
        self.key, key = self.jax.random.split(self.key)
        return key

    def adam(self, cost, rate=1e-3):
        """One step, compiled: of (weights, means, squares, iteration) and a batch."""
        jnp, value_and_slope = self.np, self.jax.value_and_grad(cost)

        def step(state, batch):
            weights, means, squares, i = state
            loss, slopes = value_and_slope(weights, *batch)
            means = [0.9 * m + 0.1 * g for m, g in zip(means, slopes)]
            squares = [0.999 * s + 0.001 * g * g for s, g in zip(squares, slopes)]
            back, up = 1 / (1 - 0.9**i), 1 / (1 - 0.999**i)
            moved = [w - rate * m * back / (jnp.sqrt(s * up) + 1e-8) for w, m, s in zip(weights, means, squares)]
            return (moved, means, squares, i + 1), loss

        return step

    def begin(self, start):
        """The state before the first step."""
        weights = [self.array(part) for part in start]
        zeros = [self.np.zeros_like(part) for part in weights]
        return weights, zeros, zeros, self.np.asarray(1.0, self.dtype)

    def descend(self, step, start, batches):
        """Steps that were compiled, one after the other; the losses before each."""
        state, losses = self.begin(start), []
        for batch in batches:
            state, loss = step(state, batch)
            losses.append(loss)
        self.jax.block_until_ready(state)
        return [np.array(losses)]


def results(suite, tasks, quick):
    """Measure everything; the result is plain enough for JSON.

    ``tasks`` maps a name to: what prepares the task, sizes, quick sizes, rounds, and a goal for each peer.
    """
    rows = []
    for task, (prepare, full, small, rounds, goals) in tasks.items():
        rows += compete(task, prepare, small if quick else full, 2 if quick else rounds, goals)
    return {"suite": suite, "size": "Size", **machine.describe(), "speed": rows}


def compete(task, prepare, size, rounds, goals):
    """One row for each peer: our time, theirs, the ratio; refused where the answers differ."""
    ours, peers = prepare(*size)
    expected, rows, runs, differences = ours(np.random.default_rng(1)), [], {}, {}
    for name, load in peers.items():
        try:
            runs[name] = load()
        except ImportError:
            continue
        differences[name] = difference(expected, runs[name](np.random.default_rng(1)), name, (task, size))
    raced = race(ours, runs, rounds) if runs else {}
    for name in peers:
        row = {"task": task, "size": list(size), "peer": name, "target": goals.get(name)}
        if name in raced:
            rows.append({**row, **raced[name], "difference": float(f"{differences[name]:.1e}")})
        else:
            rows.append({**row, "skipped": "not installed"})
    return rows


def difference(ours, theirs, name, where):
    """The largest difference of each part, relative to the largest number in it or to 1."""
    found = 0.0
    for a, b in zip(ours, theirs, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        apart = float(np.abs(a - b).max() / max(1.0, np.abs(a).max()))
        limit = TOLERANCES[min(a.dtype, b.dtype, key=lambda kind: kind.itemsize)]
        if a.shape != b.shape or not apart <= limit:
            raise AssertionError(f"{name} and we differ by {apart:.1e}: {where[0]}, {where[1]}")
        found = max(found, apart)
    return found
