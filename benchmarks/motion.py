"""Motion: a gradient through a thousand steps, a search among latents, a filter behind a bent scale, a turning sea.

The gradient is raced against this library's own tape, which writes the program down and reads it backwards, and
against JAX, which compiles the whole of it. No package is asked for the others: the search among few latents runs
beside one among all of the state's numbers; the filter behind a scale beside its two parts, called by hand; the sea
beside the same law written plainly with complex transforms, one for each factor of a product (pyqg, which would be the
peer, does not build beside NumPy 2). As in the other suites, the answers are compared before anything is timed.
"""

import numpy as np

from benchmarks import machine
from benchmarks.kalman import problem
from benchmarks.race import race
from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import fields, quasi_geostrophic, steppers
from pedagogy_lib.inference import assimilation
from pedagogy_lib.learning import bijections, differentiation
from pedagogy_lib.learning.bijections import composition
from pedagogy_lib.models.dynamical import lgssm, normalizing_kalman

#: How far two answers may differ, relative to the largest number in them.
TOLERANCE = 1e-8


def adjoint(K, T):
    """The gradient of a misfit over T steps of Lorenz 96 with respect to the first state."""
    rng, dt = np.random.default_rng(0), 0.002
    field, first = fields.lorenz96(K), rng.standard_normal(K) + 2
    settled = steppers.flow(field, first, 0.02, 500)
    # Small steps: over a long time the gradient of a chaotic motion has no digits, in any program.
    y = steppers.trajectory(field, settled, dt, T)[:: T // 10] + rng.standard_normal((11, K))
    window = assimilation.Window(
        Gaussian(settled, np.eye(K)), assimilation.motion(field, dt, T // 10), np.eye(K), np.eye(K), y
    )
    start = settled + 1e-3 * rng.standard_normal(K)

    def ours():
        return (assimilation.strong_gradient(window, start),)

    ahead, behind, far = (np.roll(np.arange(K), shift) for shift in (-1, 1, 2))

    def rate(x):
        return (x[ahead] - x[far]) * x[behind] - x + 8.0

    def step(x):
        """The fourth-order rule of Runge and Kutta."""
        a = rate(x)
        b = rate(x + dt / 2 * a)
        c = rate(x + dt / 2 * b)
        return x + dt / 6 * (a + 2 * b + 2 * c + rate(x + dt * c))

    def tape():
        def cost(x):
            total = 0.5 * np.sum((x - settled) ** 2) + 0.5 * np.sum((x - y[0]) ** 2)
            for t in range(T):
                x = step(x)
                if (t + 1) % (T // 10) == 0:
                    total = total + 0.5 * np.sum((x - y[(t + 1) // (T // 10)]) ** 2)
            return total

        return lambda: (differentiation.gradient(cost, start),)

    def jax():
        import jax

        def look(x, seen):
            """On to the next reading, and what the state misses it by."""
            x = jax.lax.fori_loop(0, T // 10, lambda _, x: step(x), x)
            return x, 0.5 * ((x - seen) ** 2).sum()

        def cost(x):
            far_off = 0.5 * ((x - settled) ** 2).sum() + 0.5 * ((x - y[0]) ** 2).sum()
            return far_off + jax.lax.scan(look, x, y[1:])[1].sum()

        slope, first = jax.jit(jax.grad(cost)), jax.numpy.asarray(start)
        return lambda: (np.asarray(slope(first)),)

    return ours, {"our tape": tape, "jax, scan": jax}


def bent_scale(K, L, T):
    """The likelihood of a normalizing Kalman filter, against its two parts called one after the other."""
    initial, transition, emission, y = problem(K, L, T)
    rng = np.random.default_rng(0)
    layers = tuple(kind.start(L, (), rng, np.dtype(float)) for kind in (bijections.Mixing, bijections.Radial))
    model = lgssm.Parameters(initial, transition, emission)
    params = normalizing_kalman.Parameters(layers, normalizing_kalman.StateSpace(model))

    def ours():
        return ([normalizing_kalman.log_marginal(params, y)],)

    def parts():
        def run():
            there = composition.run(layers, y)
            return ([lgssm.log_marginal(model, there.output) + there.log_volume.sum()],)

        return run

    return ours, {"plain filter and flow": parts}


def latent_iteration(cells, Z, T):
    """Newton's matrix of latent 4DVar, with Z columns through the tangent or with all K of the state's."""
    rng, K = np.random.default_rng(0), 3 * cells
    lake, slopes = fields.shallow_water(cells), np.vstack([rng.standard_normal((cells, Z)), np.zeros((2 * cells, Z))])
    rest, look = np.repeat([1.0, 0.0, 0.0], cells), np.eye(K)[[2, cells - 2]]
    y = 1 + 0.02 * rng.standard_normal((T, 2))

    def window(size):
        prior = Gaussian(np.zeros(size), np.eye(size))
        return assimilation.Window(prior, assimilation.motion(lake, 0.5), look, np.eye(2), y)

    decoder = assimilation.Decoder(
        lambda z: rest + 0.01 * np.tanh(slopes @ z), lambda z: 0.01 * (1 - np.tanh(slopes @ z) ** 2)[:, None] * slopes
    )
    z = rng.standard_normal(Z)
    start, G = decoder.state(z), decoder.tangent(z)
    whole = assimilation.Decoder(lambda x: start + x, lambda x: np.eye(K))

    def ours():
        return (assimilation.latent_curvature(window(Z), decoder, z),)

    def all_columns():
        def run():
            full = assimilation.latent_curvature(window(K), whole, np.zeros(K)) - np.eye(K)
            return (G.T @ full @ G + np.eye(Z),)

        return run

    return ours, {"full-space 4DVar": all_columns}


def turning_sea(N, steps):
    """Steps of the third-order rule of Adams and Bashforth on a square of sea with Rossby waves and friction."""
    rng, dt, beta, bend, viscosity = np.random.default_rng(0), 0.01, 1.0, 4.0, 1e-3
    sea = quasi_geostrophic.sea(N, beta=beta, radius=bend**-0.5, viscosity=viscosity)
    root = quasi_geostrophic.random_root(quasi_geostrophic.sea(16), np.exp(-0.5 * np.arange(7)))
    coarse = np.fft.fft2((root @ rng.standard_normal(root.shape[1])).reshape(16, 16))
    waves = np.zeros((N, N), complex)
    near = np.r_[0:6, -5:0]
    waves[np.ix_(near, near)] = coarse[np.ix_(near, near)] * (N / 16) ** 2
    first, law = np.fft.ifft2(waves).real.ravel(), quasi_geostrophic.field(sea)

    def ours():
        return (steppers.flow(law, first, dt, steps, "ab3"),)

    def plain():
        k = np.fft.fftfreq(N, 1 / N)
        kx, ky = np.meshgrid(k, k)
        square = kx**2 + ky**2
        kept = (np.maximum(np.abs(kx), np.abs(ky)) < N / 3) & (square > 0)

        def rate(q):
            hat = np.fft.fft2(q) * kept
            psi = -hat / (square + bend)
            u, v = np.fft.ifft2(-1j * ky * psi).real, np.fft.ifft2(1j * kx * psi).real
            qx, qy = np.fft.ifft2(1j * kx * hat).real, np.fft.ifft2(1j * ky * hat).real
            carried = np.fft.fft2(u * qx + v * qy) * kept
            return np.fft.ifft2(-carried - beta * 1j * kx * psi - viscosity * square * hat).real

        def run():
            q, slopes = first.reshape(N, N), []
            for n in range(steps):
                slopes = [rate(q), *slopes[:2]]
                if n < 2:
                    b = rate(q + dt / 2 * slopes[0])
                    c = rate(q + dt / 2 * b)
                    q = q + dt / 6 * (slopes[0] + 2 * b + 2 * c + rate(q + dt * c))
                else:
                    q = q + dt / 12 * (23 * slopes[0] - 16 * slopes[1] + 5 * slopes[2])
            return (q.ravel(),)

        return run

    return ours, {"plain complex transforms": plain}


#: What the ratio to a peer should be, where it is not the task's.
GOALS = {"jax, scan": None}
#: For each task: sizes, quick sizes, rounds, and what the ratio should be.
TASKS = {
    "gradient through Lorenz 96 (size, steps)": (adjoint, (40, 1000), (8, 20), 7, 5),
    "latent 4DVar, Newton's matrix (cells, latents, steps)": (latent_iteration, (48, 3, 20), (6, 2, 4), 11, 1),
    "normalizing Kalman filter, likelihood (states, readings, steps)": (bent_scale, (4, 2, 1000), (2, 2, 20), 15, 0.67),
    "turning sea, 64 x 64 (places along a side, steps)": (turning_sea, (64, 200), (16, 10), 9, 2),
}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    rows = []
    for task, (prepare, full, small, rounds, target) in TASKS.items():
        size = small if quick else full
        ours, others = prepare(*size)
        for name, load in others.items():
            row = {"task": task, "size": list(size), "peer": name, "target": GOALS.get(name, target)}
            try:
                theirs, expected = load(), ours()
            except ImportError:
                rows.append({**row, "skipped": "not installed"})
                continue
            difference = max(float(np.abs(np.subtract(a, b)).max() / max(1, np.abs(a).max()))
                             for a, b in zip(expected, theirs()))
            if not difference <= TOLERANCE:
                raise AssertionError(f"{name} and we differ by {difference:.1e}: {task}, {size}")
            raced = race(ours, {name: theirs}, 2 if quick else rounds)[name]
            rows.append({**row, **raced, "difference": float(f"{difference:.1e}")})
    return {"suite": "motion", "size": "Size", **machine.describe(), "speed": rows}
