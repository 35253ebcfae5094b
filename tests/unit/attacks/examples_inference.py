"""Examples of the functions of `inference`, as they should be called."""

import numpy as np
from attacks.examples_distributions import AFFINE, FIELD, GAUSS, LEVEL, X3
from attacks.machinery import SEED, Lazy

from pedagogy_lib.distributions import noising
from pedagogy_lib.distributions.gaussian import AffineGaussian
from pedagogy_lib.distributions.heavy_tailed import Cauchy, Laplace
from pedagogy_lib.inference import assimilation, discrete, graphs, kalman, markov_graphs, mcmc, nonlinear, particles
from pedagogy_lib.inference.trees import clusters, information_form, propagation, tables
from pedagogy_lib.inference.variational import black_box, transforms
from pedagogy_lib.models.static import bayesian_gmm, sparse_coding

RNG = np.random.default_rng(1)
START = np.array([0.4, 0.6])
CHAIN = np.array([[0.7, 0.2], [0.3, 0.8]])
EMISSIONS = np.log(RNG.uniform(0.1, 1, size=(5, 2)))
FILTERED = discrete.filter(START, CHAIN, EMISSIONS)
SMOOTHED = discrete.smooth(CHAIN, FILTERED)
CHAIN_OF = dict(initial=START, transition=CHAIN, log_emissions=EMISSIONS)
MOVE = AffineGaussian(0.8 * np.eye(3) + 0.1, X3 / 5, np.eye(3) / 2)
SERIES = RNG.normal(size=(5, 2))
KALMAN = dict(initial=GAUSS, transition=MOVE, emission=AFFINE, y=SERIES)
SEEN = kalman.filter(**KALMAN)
WINDOW = assimilation.Window(GAUSS, assimilation.linear_motion(0.9 * np.eye(3)), np.eye(3)[:2], np.eye(2), SERIES, np.eye(3))
DECODER = assimilation.Decoder(lambda z: z, lambda z: np.eye(3))
CURVE = nonlinear.Curve(lambda x: x + 0.1 * np.sin(x), np.eye(3) / 4)
SENSOR = nonlinear.Curve(lambda x: x[:, :2] ** 2, np.eye(2) / 4)
BENT = dict(initial=GAUSS, transition=CURVE, emission=SENSOR, y=SERIES)
BENT_SEEN = nonlinear.filter(**BENT)
WALK = particles.Model(
    lambda n, rng: rng.normal(size=(n, 1)), lambda x, t, rng: x + rng.normal(size=x.shape),
    lambda x, y, t: -0.5 * ((y - x) ** 2).sum(-1), lambda after, before, t: -0.5 * ((after - before) ** 2).sum(-1),
    lambda x, t, rng: x + rng.normal(size=x.shape))  # fmt: skip
SERIES1 = RNG.normal(size=(4, 1))
SWARM = particles.filter(WALK, SERIES1, 6, np.random.default_rng(0))
PARENTS = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
NET = graphs.Network(PARENTS, {
    "a": np.array([0.3, 0.7]), "b": CHAIN, "c": CHAIN, "d": np.array([[[0.1, 0.2], [0.3, 0.4]], [[0.9, 0.8], [0.7, 0.6]]])})  # fmt: skip
TIES = markov_graphs.moral(PARENTS)
FACTORS = tables.from_network(NET)
TREE = clusters.junction_tree(tables, FACTORS)
BELIEFS = propagation.propagate(tables, TREE)
normal = lambda x: -0.5 * x @ x
BOWL = dict(log_density=normal, gradient=lambda x: -x, start=X3)
CODES = sparse_coding.Parameters(RNG.normal(size=(4, 6)), 2.0, Laplace(1.0))
CURVED = CODES._replace(prior=Cauchy(1.0))
PATCHES = RNG.normal(size=(3, 4))
INPUTS, OUTPUTS = RNG.normal(size=(12, 2)), RNG.normal(size=12)
TARGET = black_box.Target(
    lambda x: (-0.5 * (x**2).sum(1), -x), lambda x, y: (-0.5 * ((y[:, None] - x[:, 0]) ** 2).sum(0), np.stack([(y[:, None] - x[:, 0]).sum(0), 0 * x[:, 1]], 1)),
    (transforms.Real(), transforms.Positive()))  # fmt: skip
GUESS = black_box.Guess(TARGET, 12)
GUESSED = GUESS.start(np.array([0.1, 1.0]), 0.3)
BLOBS = np.concatenate([RNG.normal(size=(10, 2)), RNG.normal(size=(10, 2)) + 4])
SPLIT = bayesian_gmm.start(BLOBS, 2, np.random.default_rng(0))
LADDER = [noising.Level(1.0, 2.0), noising.Level(1.0, 0.5)]

EXAMPLES = {
    "inference.annealed_langevin": {
        "anneal": dict(score=lambda x, level: -x, levels=LADDER, start=RNG.normal(size=(3, 2)), steps=2, size=0.1, rng=SEED)},
    "inference.assimilation.control_variable": {
        "preconditioned": dict(window=WINDOW, root=np.eye(3)), "preconditioned_slope": dict(window=WINDOW, root=np.eye(3), v=X3),
    },
    "inference.assimilation.latent_space": {
        **{name: dict(window=WINDOW, decoder=DECODER, latent=X3) for name in ("latent_cost", "latent_gradient", "latent_curvature")},
        "latent": dict(window=WINDOW, decoder=DECODER),
    },
    "inference.assimilation.problems": {
        "motion": dict(field=FIELD, dt=0.1), "linear_motion": dict(A=np.eye(3)), "trajectory": dict(window=WINDOW, first=X3),
    },
    "inference.assimilation.searches": {"follow": dict(steps=Lazy(lambda: assimilation.strong(WINDOW)))},
    "inference.assimilation.strong_constraint": {
        "strong_cost": dict(window=WINDOW, first=X3), "strong_gradient": dict(window=WINDOW, first=X3), "strong": dict(window=WINDOW),
    },
    "inference.assimilation.two_levels": {
        "parameter_gradient": dict(window=WINDOW, first=X3, sensitivity=lambda x: x[:, None]),
        "bilevel": dict(problem=lambda theta: WINDOW._replace(motion=assimilation.linear_motion(theta[0] * np.eye(3))), parameter=np.array([0.8]), sensitivity=lambda x, theta: x[:, None]),
    },
    "inference.assimilation.weak_constraint": {
        "weak_cost": dict(window=WINDOW, states=RNG.normal(size=(5, 3))), "weak_gradient": dict(window=WINDOW, states=RNG.normal(size=(5, 3))), "weak": dict(window=WINDOW),
    },
    "inference.discrete.sequences": {
        "filter": CHAIN_OF, "filter_and_smooth": CHAIN_OF, "alpha_unnormalized": CHAIN_OF, "viterbi": CHAIN_OF,
        "smooth": dict(transition=CHAIN, filtered=FILTERED),
        "pair_posteriors": dict(transition=CHAIN, filtered=FILTERED, smoothed=SMOOTHED),
        "sample": dict(transition=CHAIN, filtered=FILTERED, n=3, rng=SEED),
    },
    "inference.ensemble": {
        **{name: dict(members=RNG.normal(size=(6, 3)), move=lambda x, t, rng: x + 0.1 * rng.normal(size=x.shape), look=lambda x: x[:, :2], noise=np.eye(2), y=SERIES, rng=SEED)
           for name in ("steps", "filter")},
        "gaspari_cohn": dict(distances=np.arange(4.0), radius=2.0), "circular_distance": dict(a=np.arange(4.0), b=np.arange(3.0), size=5.0),
    },
    "inference.graphs": {
        "order": dict(parents=PARENTS), "ancestors": dict(parents=PARENTS, names=("b",)), "reach": dict(parents=PARENTS, start="a", given=("b",)),
        "separated": dict(parents=PARENTS, a="b", b="c", given=("a",)), "joint": dict(network=NET),
        "condition": dict(network=NET, query=("d",), evidence={"b": 1}), "eliminate": dict(network=NET, query=("d",), evidence={"b": 1}),
        "sample": dict(network=NET, n=3, rng=SEED),
    },
    "inference.kalman.health": {
        "innovations": dict(emission=AFFINE, y=SERIES, filtered=SEEN),
        "squared_errors": dict(states=RNG.normal(size=(5, 3)), means=SEEN.means, covariances=SEEN.covariances),
        "consistency": dict(squares=np.array([1.0, 2.0, 3.0]), degrees=2), "whiteness": dict(series=RNG.normal(size=30), lags=3),
    },
    "inference.kalman.passes": {"filter": KALMAN, "smooth": KALMAN},
    "inference.markov_graphs": {
        "from_edges": dict(edges=[("a", "b"), ("b", "c")]), "edges": dict(neighbors=TIES), "separated": dict(neighbors=TIES, a="a", b="d", given=("b",)),
        "moral": dict(parents=PARENTS), "moral_separated": dict(parents=PARENTS, a="b", b="c", given=("a",)), "blanket": dict(parents=PARENTS, name="a"),
        "orient": dict(neighbors=TIES, sequence=("a", "b", "c", "d")),
        "claims": dict(names=("a", "b", "c"), separated=lambda a, b, given: False), "interactions": dict(logs=np.log(np.array([[0.1, 0.2], [0.3, 0.4]]))),
    },
    "inference.mcmc.samplers": {
        "metropolis_hastings": dict(log_density=normal, propose=mcmc.random_walk(0.5), start=X3, rng=SEED),
        "random_walk": dict(scale=0.5), "independent": dict(sample=lambda rng: rng.normal(size=3), log_density=normal),
        "gibbs": dict(conditionals=[(i, lambda x, rng: rng.normal()) for i in range(3)], start=X3, rng=SEED),
        "langevin": dict(**BOWL, size=0.1, rng=SEED), "hamiltonian": dict(**BOWL, size=0.1, steps=3, rng=SEED),
    },
    "inference.mcmc.chains": {
        "collect": dict(events=Lazy(lambda: mcmc.metropolis_hastings(normal, mcmc.random_walk(0.5), X3, np.random.default_rng(0))), n=3),
    },
    "inference.mcmc.few_states": {
        "metropolis_matrix": dict(proposal=CHAIN, target=START), "imbalance": dict(transition=CHAIN, target=START), "stationary": dict(transition=CHAIN),
    },
    "inference.mcmc.diagnostics": {
        "autocorrelation": dict(samples=RNG.normal(size=30)), "effective_sample_size": dict(chains=RNG.normal(size=(2, 30))),
        "potential_scale_reduction": dict(chains=RNG.normal(size=(2, 30))),
    },
    "inference.modes.coordinates": {"coordinate_descent": dict(params=CODES, y=PATCHES)},
    "inference.modes.parabolas": {"newton": dict(params=CURVED, y=PATCHES)},
    "inference.modes.shrinkage": {"fista": dict(params=CODES, y=PATCHES)},
    "inference.nonlinear.passes": {
        "filter": BENT, "smooth": dict(transition=CURVE, filtered=BENT_SEEN), "innovations": dict(**BENT, filtered=BENT_SEEN),
    },
    "inference.nonlinear.lines": {"sigma_points": dict(kappa=0.5), "gauss_hermite": dict(order=3)},
    "inference.nonlinear.differences": {
        "numerical_jacobian": dict(function=lambda x: x**2, x=X3),
    },
    "inference.particles.models": {
        "each": dict(initial=lambda rng: rng.normal(), move=lambda x, t, rng: x + rng.normal(), log_emission=lambda x, y, t: -0.5 * (y - x) ** 2),
        "sample": dict(model=WALK, T=4, rng=SEED),
    },
    "inference.particles.updates": {"steps": dict(model=WALK, y=SERIES1, n=6, rng=SEED)},
    "inference.particles.passes": {
        "filter": dict(model=WALK, y=SERIES1, n=6, rng=SEED), "moments": dict(model=WALK, y=SERIES1, n=6, rng=SEED),
    },
    "inference.particles.resampling": {
        "resample": dict(weights=np.array([0.2, 0.3, 0.5]), n=4, rng=SEED), "effective_size": dict(weights=np.array([0.2, 0.3, 0.5])),
    },
    "inference.particles.smoothing": {
        "smooth": dict(model=WALK, filtered=SWARM), "sample_paths": dict(model=WALK, filtered=SWARM, m=2, rng=SEED),
    },
    "inference.reverse_diffusion": {
        **{name: dict(denoise=lambda x, level: 0.5 * x, schedule=noising.cosine(), start=RNG.normal(size=(3, 2)), steps=3, rng=SEED) for name in ("reverse", "sample")},
        "spread": dict(denoise=lambda x, level: 0.5 * x, x=RNG.normal(size=(3, 2)), level=LEVEL),
        "guided": dict(denoise=lambda x, level: 0.5 * x, emission=AffineGaussian(np.eye(2)[:1], np.zeros(1), np.eye(1)), y=np.array([1.0])),
    },
    "inference.trees.clusters": {
        "interaction_graph": dict(factors=FACTORS), "factor_graph": dict(rules=tables, factors=FACTORS), "junction_tree": dict(rules=tables, factors=FACTORS),
        "observe": dict(rules=tables, clusters=TREE, evidence={"b": 1}),
    },
    "inference.trees.information_form": {
        "prior": dict(name="x", gaussian=GAUSS), "conditional": dict(child="y", parent="x", affine=AFFINE),
        "moments": dict(factor=information_form.prior("x", GAUSS)),
    },
    "inference.trees.propagation": {
        "propagate": dict(rules=tables, clusters=TREE), "marginal": dict(rules=tables, beliefs=BELIEFS, names="b"), "most_probable": dict(rules=tables, clusters=TREE),
        "sample": dict(rules=tables, beliefs=BELIEFS, n=3, rng=SEED), "loopy": dict(rules=tables, clusters=TREE),
        "iterate_loopy": dict(rules=tables, clusters=TREE),
    },
    "inference.trees.tables": {
        "factor": dict(names=("a", "b"), values=CHAIN), "from_network": dict(network=NET), "probabilities": dict(factor=FACTORS[0])},
    "inference.trees.triangulation": {"removals": dict(neighbors=TIES), "triangulate": dict(neighbors=TIES),
        "search": dict(neighbors=TIES, rng=SEED), "sweep": dict(neighbors=TIES)},
    "inference.variational.black_box": {
        "log_joint": dict(target=TARGET, z=RNG.normal(size=(3, 2)), y=OUTPUTS), "gaussian": dict(params=GUESSED), "to_units": dict(target=TARGET, z=RNG.normal(size=(3, 2))),
        "laplace": dict(target=TARGET, y=OUTPUTS, x=np.array([0.1, 1.0])),
        "Guess.start": dict(self=GUESS, x=np.array([0.1, 1.0]), deviation=0.3),
        "Guess.value_and_gradient": dict(self=GUESS, params=GUESSED, y=OUTPUTS, rng=SEED), "Guess.loss": dict(self=GUESS, params=GUESSED, y=OUTPUTS, rng=SEED),
        "Guess.sample": dict(self=GUESS, params=GUESSED, n=3, rng=SEED), "Guess.importance": dict(self=GUESS, params=GUESSED, y=OUTPUTS, n=3, rng=SEED),
    },
    "inference.variational.mean_field": {
        "factorize": dict(target=GAUSS), "match_marginals": dict(target=GAUSS), "ascend": dict(target=GAUSS, means=X3),
        "ascend_table": dict(log_joint=np.log(np.array([[0.1, 0.2, 0.1], [0.3, 0.1, 0.2]])), second=np.array([0.2, 0.3, 0.5])),
    },
    "inference.variational.regression": {
        "iterate": dict(x=INPUTS, y=OUTPUTS), "fit": dict(x=INPUTS, y=OUTPUTS),
    },
    "inference.variational.stochastic": {
        "robbins_monro": dict(delay=1.0, forgetting=0.7), "iterate": dict(model=bayesian_gmm, params=SPLIT, y=BLOBS, rng=SEED, batch_size=5)},
}  # fmt: skip
