"""Particle filters, ensembles and Hamiltonian Monte Carlo, and how their cost grows.

The bootstrap filter runs on the stochastic-volatility model, resampling systematically before every
move and keeping mean and variance of every belief, everywhere alike. The answers are random: they are
compared by their log-likelihoods and means, within what chance allows at that number of particles.
"""

import numpy as np

from benchmarks import costs, machine
from benchmarks.race import race
from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.inference import ensemble, mcmc
from pedagogy_lib.inference import particles as pf
from pedagogy_lib.models.dynamical import state_space

STEPS = 1000
MU, PHI, SIGMA = -1.0, 0.95, 0.2
#: Particles, rounds, and the ratios that we mean to reach against `particles` and against JAX.
SIZES = ((1_000, 15, 5.0, 3.5), (10_000, 9, 3.5, 4.0), (100_000, 5, 5.0, 5.0))
SMOOTHED = (250, 500, 1000, 2000, 4000)


def returns(steps=STEPS):
    """A sequence of the model's own."""
    model = state_space.stochastic_volatility(MU, PHI, SIGMA)
    return model, pf.sample(model, steps, np.random.default_rng(0))[1]


def ours(y, n, backend="auto"):
    """This library's filter, through its public function, checks included."""
    model, rng = state_space.stochastic_volatility(MU, PHI, SIGMA), np.random.default_rng(1)

    def run():
        found = pf.moments(model, y, n, rng, backend=backend)
        return found.means[:, 0], found.log_likelihood

    return run


def package(y, n):
    """The package `particles`: NumPy, with a compiled resampling."""
    import particles
    from particles import collectors, state_space_models

    class Volatility(state_space_models.StochVol):
        """The same model."""

    model = state_space_models.Bootstrap(ssm=Volatility(mu=MU, rho=PHI, sigma=SIGMA), data=list(y[:, 0]))

    def run():
        filter = particles.SMC(fk=model, N=n, resampling="systematic", ESSrmin=1.0, collect=[collectors.Moments()])
        filter.run()
        return np.array([np.ravel(m["mean"])[0] for m in filter.summaries.moments]), filter.logLt

    return run


def jax_scan(y, n):
    """One `lax.scan`, compiled before it is timed, in double precision, and waited for."""
    import jax
    import jax.numpy as jnp

    def filter(key, y):
        first, *keys = jax.random.split(key, len(y) + 1)
        x = MU + SIGMA / jnp.sqrt(1 - PHI**2) * jax.random.normal(first, (n,))

        def step(x, now):
            datum, key = now
            log_w = -0.5 * (jnp.log(2 * jnp.pi) + x + datum**2 * jnp.exp(-x))
            peak = log_w.max()
            w = jnp.exp(log_w - peak)
            total = w.sum()
            w = w / total
            one, other = jax.random.split(key)
            places = (jnp.arange(n) + jax.random.uniform(one)) / n
            # Each parent's children are counted by where its edge falls, and marked: no search.
            edges = jnp.ceil(jnp.cumsum(w) * n - places[0] * n).astype(jnp.int32)
            parents = jnp.repeat(jnp.arange(n), jnp.diff(edges, prepend=0), total_repeat_length=n)
            moved = MU + PHI * (x[parents] - MU) + SIGMA * jax.random.normal(other, (n,))
            mean = w @ x
            kept = mean, w @ (x - mean) ** 2, 1 / (w @ w), peak + jnp.log(total / n)
            return moved, kept

        _, kept = jax.lax.scan(step, x, (y, jnp.array(keys)))
        return kept

    compiled, data, seeds = jax.jit(filter), jax.numpy.asarray(y[:, 0]), iter(range(10_000))
    compiled(jax.random.PRNGKey(99), data)

    def run():
        means, _, _, logs = jax.block_until_ready(compiled(jax.random.PRNGKey(next(seeds)), data))
        return np.asarray(means), float(np.sum(logs))

    return run


def reference(y, n):
    """The same in NumPy, for functions of many states at once."""
    def log_emission(x, y, t):
        return -0.5 * (np.log(2 * np.pi) + x[:, 0] + y[0] ** 2 * np.exp(-x[:, 0]))

    model = pf.Model(
        lambda n, rng: MU + SIGMA / np.sqrt(1 - PHI**2) * rng.standard_normal((n, 1)),
        lambda x, t, rng: MU + PHI * (x - MU) + SIGMA * rng.standard_normal(x.shape),
        log_emission,
    )
    rng = np.random.default_rng(1)

    def run():
        found = pf.moments(model, y, n, rng)
        return found.means[:, 0], found.log_likelihood

    return run


PEERS = {"particles": package, "JAX, lax.scan": jax_scan, "ours in NumPy": reference}

SETUP = """
import numpy as np
from pedagogy_lib.inference import particles
from pedagogy_lib.models.dynamical import state_space
model, y, rng = state_space.stochastic_volatility(), np.ones((20, 1)), np.random.default_rng(0)
"""


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    sizes = ((200, 2, None, None),) if quick else SIZES
    steps = 30 if quick else STEPS
    rows = [row for size in sizes for row in _filters(steps, *size)]
    if not quick:
        rows += _flatness(steps, sizes)
    rows += _smoothers(SMOOTHED[:2] if quick else SMOOTHED, 10 if quick else 50)
    draws, rounds = (20, 1) if quick else (1000, 5)
    rows += _ensembles(draws, rounds) + _hamiltonian(draws, rounds)
    first = {"particle filter": "particles.moments(model, y, 100, rng)"}
    return {
        "suite": "particles",
        "size": "Steps, particles; or as the task says",
        **machine.describe(),
        "speed": rows,
        "costs": costs.first_calls(SETUP, first, 1 if quick else 3),
    }


def _filters(steps, n, rounds, *targets):
    """One row for each peer: our time, theirs, the ratio."""
    _, y = returns(steps)
    our_run = ours(y, n)
    mine, rows = our_run(), []
    for (name, peer), target in zip(PEERS.items(), (*targets, None)):
        row = {"task": "bootstrap filter", "size": [steps, n], "peer": name, "target": target}
        try:
            theirs = peer(y, n)
        except ImportError:
            rows.append({**row, "skipped": "not installed"})
            continue
        difference = _compare(name, n, mine, theirs())
        rows.append({**row, **race(our_run, {name: theirs}, rounds)[name], "difference": difference})
    return rows


def _compare(name, n, mine, theirs):
    """The largest difference of means, in units of what chance makes of it. Raises if it is no chance."""
    means = np.abs(mine[0] - theirs[0]).max() * np.sqrt(n)
    logs = abs(mine[1] - theirs[1]) * np.sqrt(n / len(mine[0]))
    # A belief's standard deviation is under 1/2, and the logarithm's noise a few units in these scales.
    if means > 12 or logs > 12:
        raise AssertionError(f"{name} and we differ by {means:.1f} in the means and {logs:.1f} in the log-likelihood")
    return float(f"{means:.2g}")


def _flatness(steps, sizes):
    """How the time for one particle and step grows with the number of particles."""
    _, y = returns(steps)
    least, found = sizes[0][0], []
    for n, rounds, *_ in sizes[1:]:
        # Few particles as often as gives the same work: then what else runs slows both alike.
        repeats, few, many = n // least, ours(y, least), ours(y, n)
        peer = f"ours with {least:,} particles, {repeats} times"
        raced = race(many, {peer: lambda few=few, repeats=repeats: [few() for _ in range(repeats)]}, rounds)
        row = {"task": "the same number of moves", "size": [steps, n], "target": 1 / 1.3, "peer": peer}
        found.append({**row, **raced[peer]})
    return found


def _smoothers(sizes, steps):
    """As many paths as particles: drawn by Markov chains, and with every particle weighed for each."""
    model, y = returns(steps)
    rows = []
    for n in sizes:
        rng = np.random.default_rng(2)
        filtered = pf.filter(model, y, n, rng)
        chains = lambda filtered=filtered, n=n, rng=rng: pf.sample_paths(model, filtered, n, rng, "mcmc")
        exact = lambda filtered=filtered, n=n, rng=rng: pf.sample_paths(model, filtered, n, rng, "exact")
        gap = np.abs(chains().mean(0) - exact().mean(0)).max() * np.sqrt(n)
        if gap > 12:
            raise AssertionError(f"the two smoothers' means differ by {gap:.1f} / sqrt({n})")
        rows.append({
            "task": "backward simulation, O(N)", "size": [steps, n], "peer": "ours, O(N^2)", "target": None,
            **race(chains, {"exact": exact}, 3)["exact"], "difference": float(f"{gap:.2g}"),
        })
    return rows


def _ensembles(cycles, rounds, size=40, members=40):
    """The stochastic ensemble Kalman filter on Lorenz 96, seen everywhere, against filterpy's."""
    field, rng = fields.lorenz96(size), np.random.default_rng(3)
    move = lambda x: steppers.flow(field, x, 0.05)
    truth = [steppers.flow(field, 8 + rng.standard_normal(size), 0.05, 400)]
    for _ in range(cycles - 1):
        truth.append(move(truth[-1]))
    truth = np.array(truth)
    y, first = truth + rng.standard_normal(truth.shape), truth[0] + rng.standard_normal((members, size))

    def ours():
        found = ensemble.filter(
            first, lambda x, t, rng: move(x), lambda x: x, np.eye(size), y, rng, "stochastic", inflation=1.1,
        )
        return np.sqrt(((found.means - truth) ** 2).mean())

    task = f"ensemble filter, Lorenz 96, {cycles:,} cycles; states, members"
    row = {"task": task, "size": [size, members], "peer": "filterpy", "target": None}
    try:
        from filterpy.kalman import EnsembleKalmanFilter
    except ImportError:
        return [{**row, "skipped": "not installed"}]

    def theirs():
        filter = EnsembleKalmanFilter(
            x=first.mean(0), P=np.eye(size), dim_z=size, dt=0.05, N=members, hx=lambda x: x, fx=lambda x, dt: move(x),
        )
        filter.R, filter.Q, filter.sigmas = np.eye(size), 1e-10 * np.eye(size), first.copy()
        errors = []
        for t, datum in enumerate(y):
            if t > 0:
                filter.predict()
            filter.sigmas = filter.sigmas.mean(0) + 1.1 * (filter.sigmas - filter.sigmas.mean(0))
            filter.update(datum)
            errors.append(((filter.sigmas.mean(0) - truth[t]) ** 2).mean())
        return np.sqrt(np.mean(errors))

    mine, their = ours(), theirs()
    if max(mine, their) > 0.6:
        raise AssertionError(f"an ensemble lost the truth: root mean square errors {mine:.2f} (ours) and {their:.2f}")
    raced = race(ours, {"filterpy": theirs}, rounds)["filterpy"]
    return [{**row, **raced, "difference": float(f"{abs(mine - their):.1e}")}]


def _hamiltonian(draws, rounds, size=100, leaps=6):
    """A Gaussian of many dimensions, with standard deviations from 0.5 to 2, against blackjax."""
    scales = np.linspace(0.5, 2, size)

    def ours():
        rng = np.random.default_rng(4)
        chain = mcmc.hamiltonian(
            lambda x: -0.5 * float(((x / scales) ** 2).sum()), lambda x: -x / scales**2,
            np.zeros(size), 0.2, leaps, rng,
        )
        return np.array([next(chain).state for _ in range(draws)])

    task = "Hamiltonian Monte Carlo, Gaussian; draws, dimensions"
    row = {"task": task, "size": [draws, size], "peer": "blackjax, JAX", "target": None}
    try:
        import blackjax
        import jax
        import jax.numpy as jnp
    except ImportError:
        return [{**row, "skipped": "not installed"}]
    kernel = blackjax.hmc(
        lambda x: -0.5 * ((x / scales) ** 2).sum(), step_size=0.2, inverse_mass_matrix=np.ones(size),
        num_integration_steps=leaps,
    )

    @jax.jit
    def chain(key):
        step = lambda state, key: (lambda found: (found[0], found[0].position))(kernel.step(key, state))
        return jax.lax.scan(step, kernel.init(jnp.zeros(size)), jax.random.split(key, draws))[1]

    theirs = lambda: np.asarray(jax.block_until_ready(chain(jax.random.PRNGKey(5))))
    gap = max(np.abs(found.std(0) / scales - 1).max() for found in (ours(), theirs()))
    if draws >= 1000 and gap > 0.5:
        raise AssertionError(f"a standard deviation is wrong by {gap:.0%}")
    raced = race(ours, {"blackjax": theirs}, rounds)["blackjax"]
    return [{**row, **raced, "difference": float(f"{gap:.1e}")}]
