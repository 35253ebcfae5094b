"""Learning, and filtering of many sequences at once: against scikit-learn and dynamax.

As in the other suites, the answers are compared before anything is timed.
"""

import warnings

import numpy as np

from benchmarks import machine
from benchmarks.kalman import problem
from benchmarks.race import race
from pedagogy_lib.distributions import noising
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.distributions.sources import SECH
from pedagogy_lib.inference import kalman
from pedagogy_lib.learning import em, networks, optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import diffusion
from pedagogy_lib.models.discriminative import network
from pedagogy_lib.models.dynamical import lgssm
from pedagogy_lib.models.static import bayesian_gmm, gmm, ica, kmeans

#: How far two answers may differ, relative to the largest number in them.
TOLERANCE = 1e-6


# ------------------------------------------------------------------------- the tasks


def mixture(K, D, N, iterations):
    """EM for a Gaussian mixture with full covariances."""
    rng = np.random.default_rng(0)
    roots = rng.standard_normal((K, D, D)) / np.sqrt(D)
    truth = gmm.Parameters(
        np.full(K, 1 / K), 2 * rng.standard_normal((K, D)), roots @ np.swapaxes(roots, 1, 2) + 0.3 * np.eye(D)
    )
    y = gmm.sample(truth, N, rng).observations
    start = gmm.Parameters(truth.weights, truth.means + 0.5 * rng.standard_normal((K, D)), np.stack([np.eye(D)] * K))

    def ours():
        params = _iterate(gmm, start, y, iterations)
        return params.means, params.covariances

    def scikit_learn():
        from sklearn.mixture import GaussianMixture

        def run():
            model = GaussianMixture(
                K, weights_init=start.weights, means_init=start.means, precisions_init=start.covariances,
                init_params="random_from_data", tol=0.0, reg_covar=0.0, max_iter=iterations,
            )
            model.fit(y)
            return model.means_, model.covariances_

        return run

    return ours, {"scikit-learn": scikit_learn}


def bayesian_mixture(K, D, N, iterations):
    """Coordinate ascent for the Bayesian Gaussian mixture, both from the same responsibilities."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((N, D)) + 3 * rng.standard_normal((K, D))[rng.integers(K, size=N)]
    responsibilities = gmm.posterior(gmm.start(y, K, rng), y).probabilities
    prior = bayesian_gmm.vague_prior(y)
    start = bayesian_gmm.maximize(bayesian_gmm.observed_statistics(responsibilities, y, prior))

    def ours():
        params = _iterate(bayesian_gmm, start, y, iterations)
        return params.means, params.scatters / params.degrees[:, None, None]

    def scikit_learn():
        from sklearn.mixture import BayesianGaussianMixture

        class Started(BayesianGaussianMixture):
            def _initialize_parameters(self, X, *args, **kwargs):
                self._initialize(X, responsibilities)

        def run():
            model = Started(
                n_components=K, weight_concentration_prior_type="dirichlet_distribution", tol=0.0, reg_covar=0.0,
                weight_concentration_prior=prior.count, mean_precision_prior=prior.strength, mean_prior=prior.mean,
                degrees_of_freedom_prior=prior.degrees, covariance_prior=prior.scatter, max_iter=iterations,
            )
            model.fit(y)
            return model.means_, model.covariances_

        return run

    return ours, {"scikit-learn": scikit_learn}


def lloyd(K, D, N, iterations):
    """K-means, on data without clusters: so that it does not end early."""
    y = np.random.default_rng(0).standard_normal((N, D))
    start = kmeans.Parameters(y[:K].copy())

    def ours():
        return (_iterate(kmeans, start, y, iterations).means,)

    def scikit_learn():
        from sklearn.cluster import KMeans

        def run():
            model = KMeans(K, init=start.means, n_init=1, max_iter=iterations, tol=0.0, algorithm="lloyd")
            return (model.fit(y).cluster_centers_,)

        return run

    return ours, {"scikit-learn, Lloyd": scikit_learn}


def sources(K, N, iterations):
    """FastICA on Laplace sources, with tanh, symmetric: whitening and so many steps, from one start."""
    rng = np.random.default_rng(0)
    y = rng.laplace(size=(N, K)) @ rng.normal(size=(K, K))
    start = ica.start(y, rng)

    def ours():
        found = ica.fit(start, y, method=ica.fastica, source=SECH, tolerance=0, max_iterations=iterations)
        assert len(found.losses) == iterations
        return (found.params.unmixing,)

    def scikit_learn():
        from sklearn.decomposition import FastICA

        # Both whiten, each to axes of its own: the same start, seen from its axes.
        its_axes = FastICA(K, max_iter=1, random_state=0).fit(y).whitening_ * np.sqrt(N)
        turned = start.unmixing @ np.linalg.inv(its_axes)

        def run():
            return (FastICA(K, w_init=turned, tol=0, max_iter=iterations).fit(y).components_,)

        return run

    return ours, {"scikit-learn": scikit_learn}


def infomax(K, N):
    """InfoMax on Laplace sources, to its optimum: ours begins on every twentieth datum."""
    rng = np.random.default_rng(0)
    y = rng.laplace(size=(N, K)) @ rng.normal(size=(K, K))
    start = ica.start(y, rng)

    def rows(unmixing):
        """Of length one, the largest entry positive, in an order that both can tell."""
        unmixing = unmixing / np.linalg.norm(unmixing, axis=1, keepdims=True)
        unmixing = unmixing * np.sign(unmixing[np.arange(K), np.abs(unmixing).argmax(1)])[:, None]
        return unmixing[np.lexsort(unmixing.round(4).T)]

    def ours():
        rough = ica.fit(start, y[::20], source=SECH, tolerance=1e-3).params
        return (rows(ica.fit(rough, y, source=SECH, tolerance=1e-8).params.unmixing),)

    def by_picard():
        from picard import picard

        def run():
            whitening, turned, _ = picard(y.T, ortho=False, fun="tanh", tol=1e-8, max_iter=500, random_state=0)
            return (rows(turned @ whitening),)

        return run

    return ours, {"picard": by_picard}


def state_space(K, L, T, iterations):
    """EM for a linear-Gaussian state-space model. dynamax is timed as it is called: it compiles every time."""
    initial, transition, emission, y = problem(K, L, T)
    start = lgssm.Parameters(initial, transition, emission)

    def ours():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)        # it has not converged: on purpose
            found = em.fit(lgssm, start, y, tolerance=0, max_iterations=iterations)
        return _numbers(found.params)

    def dynamax():
        from dynamax.linear_gaussian_ssm import LinearGaussianSSM

        model = LinearGaussianSSM(K, L)
        params, properties = model.initialize(
            initial_mean=initial.mean, initial_covariance=initial.covariance,
            dynamics_weights=transition.matrix, dynamics_bias=transition.offset,
            dynamics_covariance=transition.covariance, emission_weights=emission.matrix,
            emission_bias=emission.offset, emission_covariance=emission.covariance,
        )

        def run():
            found, _ = model.fit_em(params, properties, y, num_iters=iterations, verbose=False)
            dynamics, emissions = found.dynamics, found.emissions
            return _numbers(lgssm.Parameters(
                Gaussian(found.initial.mean, found.initial.cov),
                AffineGaussian(dynamics.weights, dynamics.bias, dynamics.cov),
                AffineGaussian(emissions.weights, emissions.bias, emissions.cov),
            ))

        return run

    return ours, {"dynamax": dynamax}


def many_sequences(K, L, T, B):
    """The Kalman filter over a batch that shares its parameters. dynamax is compiled before, for the batch."""
    initial, transition, emission, y = problem(K, L, T)
    y = y + 0.3 * np.random.default_rng(1).standard_normal((B, T, L))

    def ours():
        found = kalman.filter(initial, transition, emission, y)
        return found.means, found.log_likelihoods.sum(1)

    def dynamax():
        import jax
        import jax.numpy as jnp
        from dynamax.linear_gaussian_ssm import inference as d

        params = d.ParamsLGSSM(
            initial=d.ParamsLGSSMInitial(mean=jnp.asarray(initial.mean), cov=jnp.asarray(initial.covariance)),
            dynamics=d.ParamsLGSSMDynamics(
                weights=jnp.asarray(transition.matrix), bias=jnp.asarray(transition.offset),
                input_weights=jnp.zeros((K, 0)), cov=jnp.asarray(transition.covariance),
            ),
            emissions=d.ParamsLGSSMEmissions(
                weights=jnp.asarray(emission.matrix), bias=jnp.asarray(emission.offset),
                input_weights=jnp.zeros((L, 0)), cov=jnp.asarray(emission.covariance),
            ),
        )
        batched, data = jax.jit(jax.vmap(lambda y: d.lgssm_filter(params, y))), jnp.asarray(y)

        def run():
            found = jax.block_until_ready(batched(data))
            return found.filtered_means, found.marginal_loglik

        return run

    return ours, {"dynamax, vmap": dynamax}


def backpropagation(H, N, steps):
    """Gradient steps of a classifier 64-H-H-10 of rectifiers, on one batch: forward, backward and the update."""
    rng = np.random.default_rng(0)
    y, labels = rng.standard_normal((N, 64)), np.arange(N) % 10
    pairs = network.Pairs(y, np.eye(10)[labels])
    start = network.start(pairs, (H, H), networks.Rectified, outputs.Categorical, rng)
    descent = optimization.GradientDescent(0.05)

    def ours():
        layers = optimization.run(network, start, pairs, rng, method=descent, iterations=steps).params.layers
        return [part for layer in layers for part in (layer.weights.T, layer.biases)]

    def scikit_learn():
        from sklearn.neural_network import MLPClassifier

        model = MLPClassifier(
            (H, H), activation="relu", solver="sgd", alpha=0.0, batch_size=N, learning_rate_init=0.05, momentum=0.0,
            nesterovs_momentum=False, shuffle=False,
        )
        model.partial_fit(y, labels, classes=np.arange(10))

        def run():
            for weights, biases, layer in zip(model.coefs_, model.intercepts_, start.layers):
                weights[:], biases[:] = layer.weights.T, layer.biases
            for _ in range(steps):
                model.partial_fit(y, labels)
            return [np.array(part) for pair in zip(model.coefs_, model.intercepts_) for part in pair]

        return run

    return ours, {"scikit-learn, MLPClassifier": scikit_learn}


def denoiser(H):
    """A diffusion model of 16 numbers with two hidden layers of rectifiers, and data for it."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((2_000, 16))
    return diffusion.start(y, (H, H), networks.Rectified, denoising.Noise, noising.log_linear(), rng), y


def by_hand(weights, x, eta):
    """The network of `denoiser` written out: the noise in x, and what the way back needs."""
    waves = np.array([0.2, 0.4, 0.8])
    z = [np.hstack([x, eta / 9, np.sin(waves * eta), np.cos(waves * eta)])]
    for l, (D, d) in enumerate(weights):
        u = z[-1] @ D.T + d
        z.append(np.maximum(u, 0.0) if l < 2 else u)
    return z


def diffusion_steps(H, N, steps):
    """Gradient steps of a diffusion model on one batch: draws of levels and noise, forward, backward, the update."""
    start, y = denoiser(H)
    y, descent = y[:N], optimization.GradientDescent(0.001)

    def ours():
        run = optimization.run(diffusion, start, y, np.random.default_rng(1), method=descent, iterations=steps)
        return [part for layer in run.params.network for part in layer]

    def numpy():
        def run():
            rng, weights = np.random.default_rng(1), [[np.copy(part) for part in layer] for layer in start.network]
            for _ in range(steps):
                eta = 9 - 18 * ((rng.random() + np.arange(N) / N) % 1)[:, None]
                noise = rng.standard_normal(y.shape)
                x = y / np.sqrt(1 + np.exp(-eta)) + noise / np.sqrt(1 + np.exp(eta))
                z = by_hand(weights, x, eta)
                b = 18 * (z[-1] - noise) / N                # from 18/2 |output - noise|^2, at every level the same
                for l in (2, 1, 0):
                    D, d = weights[l]
                    back = (b @ D) * (z[l] > 0) if l else None
                    D -= 0.001 * b.T @ z[l]
                    d -= 0.001 * b.sum(0)
                    b = back
            return [part for layer in weights for part in layer]

        return run

    return ours, {"written out in NumPy": numpy}


def diffusion_sampling(H, N, steps):
    """Deterministic sampling from a diffusion model."""
    start, _ = denoiser(H)

    def ours():
        return [diffusion.sample(start, N, np.random.default_rng(1), steps, noise=0.0).observations]

    def numpy():
        def run():
            x = np.random.default_rng(1).standard_normal((N, 16))
            etas = np.linspace(-9, 9, steps + 1)
            levels = np.stack([1 / np.sqrt(1 + np.exp(-etas)), 1 / np.sqrt(1 + np.exp(etas))], 1)
            for eta, (b, w), (a, v) in zip(etas, levels, levels[1:]):
                noise = by_hand(start.network, x, np.full((N, 1), eta))[-1]
                x = a * (x - w * noise) / b + v * noise
            return [x / a]

        return run

    return ours, {"written out in NumPy": numpy}


#: For each task: sizes, quick sizes, the ratio that we mean to reach at least, the rounds.
TASKS = {
    "mixture, EM (classes, dimensions, observations, iterations)":
        (mixture, (10, 10, 100_000, 50), (3, 2, 500, 5), 3, 5),
    "Bayesian mixture, coordinate ascent (classes, dimensions, observations, rounds)":
        (bayesian_mixture, (5, 10, 100_000, 20), (3, 2, 500, 5), 3.5, 5),
    "Bayesian mixture, coordinate ascent, few data (classes, dimensions, observations, rounds)":
        (bayesian_mixture, (3, 2, 2000, 100), (3, 2, 500, 5), 3, 5),
    "K-means (classes, dimensions, observations, iterations)":
        (lloyd, (10, 10, 100_000, 50), (3, 2, 500, 3), 0.95, 15),
    "FastICA (sources, observations, iterations)":
        (sources, (8, 100_000, 6), (3, 2_000, 3), 1.5, 15),
    "InfoMax, to its optimum (sources, observations)":
        (infomax, (8, 100_000), (3, 2_000), 3, 9),
    "state-space model, EM (states, sensors, steps, iterations)":
        (state_space, (4, 8, 1_000, 20), (2, 3, 40, 3), 30, 5),
    "filter of many sequences (states, sensors, steps, sequences)":
        (many_sequences, (4, 2, 1_000, 256), (2, 1, 30, 16), 2, 15),
    "network, gradient steps (hidden units, batch, steps)":
        (backpropagation, (256, 100, 200), (16, 20, 5), 1.2, 9),
    "diffusion model, gradient steps (hidden units, batch, steps)":
        (diffusion_steps, (256, 200, 100), (16, 20, 5), 0.8, 9),
    "diffusion model, deterministic sampling (hidden units, samples, steps)":
        (diffusion_sampling, (256, 500, 50), (16, 20, 5), 0.8, 9),
}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    rows = []
    for task, (prepare, full, small, target, rounds) in TASKS.items():
        rows += _race(task, prepare, small if quick else full, target, 2 if quick else rounds)
    return {"suite": "learning", "size": "Size", **machine.describe(), "speed": rows}


def _race(task, prepare, size, target, rounds):
    """One row for each peer: our time, theirs, the ratio."""
    ours, others = prepare(*size)
    expected, rows = ours(), []
    for name, load in others.items():
        row = {"task": task, "size": list(size), "peer": name, "target": target}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")                     # peers, too, say that they have not converged
            try:
                theirs = load()
            except ImportError:
                rows.append({**row, "skipped": "not installed"})
                continue
            difference = _difference(expected, theirs())
            if difference > TOLERANCE:
                raise AssertionError(f"{name} and we differ by {difference:.1e}: {task}, {size}")
            raced = race(ours, {name: theirs}, rounds)[name]
        rows.append({**row, **raced, "difference": float(f"{difference:.1e}")})
    return rows


def _iterate(model, params, y, iterations):
    """So many rounds of E and M step, as `em.iterate` takes them."""
    for event in em.iterate(model, params, y):
        if isinstance(event, em.Maximization) and event.iteration == iterations - 1:
            return event.params


def _numbers(params):
    return [np.asarray(part) for arrow in (params.initial, params.transition, params.emission) for part in arrow]


def _difference(ours, theirs):
    """The largest difference of each part, relative to the largest number in it or to 1."""
    return max(
        float(np.abs(np.asarray(a) - np.asarray(b)).max() / max(1.0, np.abs(np.asarray(a)).max()))
        for a, b in zip(ours, theirs)
    )
