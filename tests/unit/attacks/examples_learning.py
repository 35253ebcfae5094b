"""Examples of the functions of `learning`, as they should be called."""

import tempfile
from pathlib import Path

import numpy as np
from attacks.examples_distributions import ARROW, GAUSS, LEVEL, ROWS, TABLE, X3
from attacks.machinery import SEED, Lazy

from pedagogy_lib.distributions.exponential_family import dispersion
from pedagogy_lib.distributions.heavy_tailed import HyperbolicCosine
from pedagogy_lib.learning import bijections, learned_motion, moments, optimization, parameters
from pedagogy_lib.learning.codes import ans, bits_back, prefix
from pedagogy_lib.learning.networks import circle, feedforward, initialization, outputs, recurrent
from pedagogy_lib.learning.objectives import contrastive, noise_contrastive, schedules, scores
from pedagogy_lib.learning.optimization import states, walks
from pedagogy_lib.learning.regression import autoregression, gamma_shape, generalized, linear, softmax
from pedagogy_lib.models.discriminative import logistic
from pedagogy_lib.models.static import gmm
from pedagogy_lib.models.undirected import harmonium, polynomial

RNG = np.random.default_rng(2)
draw = lambda seed=0: np.random.default_rng(seed)
FLOW = (bijections.Affine.start(3, (4,), draw(), np.dtype(float)), bijections.Reverse())
STACK = ans.stack_of(b"some bytes that are there")
CODE = bits_back.model(TABLE, ARROW)
WORDS = prefix.huffman(np.array([0.5, 0.3, 0.2]))
square = lambda x: np.sum(x**2)
BLOBS = np.concatenate([RNG.normal(size=(10, 2)), RNG.normal(size=(10, 2)) + 4])
MIXTURE = gmm.start(BLOBS, 2, draw())
BELL = dict(mean=X3, deviations=np.array([0.5, 1.0, 2.0]), size=4, rng=SEED)
BALL = dict(mean=X3, covariance=GAUSS.covariance, size=4, rng=SEED)
DIE = dict(logits=X3, size=4, rng=SEED)
values, slopes = lambda x: (x**2).sum(-1), lambda x: 2 * x
MOTION = (learned_motion.Growth(np.array([0.1, -0.1])),)
PATH = learned_motion.run(MOTION, np.ones((2, 2)), 0.1, 3)
LAYERS = (circle.Convolution.start(2, 3, 3, RNG), circle.Fourier.start(3, 2, 2, RNG))
FIELDS = circle.run(LAYERS, RNG.normal(size=(2, 5, 2)))
NET = initialization.start((3, 4, 3), draw())
SPREAD = schedules.Spread(lambda schedule, y, u, rng: np.ones(len(y)), 9.0, -9.0)
NET_RECORD = feedforward.forward(NET, ROWS)
RECURRENT = recurrent.start(3, 2, RNG)
RECORD = recurrent.forward(RECURRENT, RNG.normal(size=(2, 4, 3)))
BITS = (RNG.random((6, 3)) < 0.5).astype(float)
RBM = harmonium.rbm(BITS, 2, draw())
CHAINED = dict(model=harmonium, params=RBM, y=BITS)
log_weight = lambda x, level: -0.5 * (1 + level) * (x**2).sum(1)
RUNGS = dict(log_weight=log_weight, transition=lambda x, level, rng: x, states=RNG.normal(size=(5, 2)), levels=np.array([0.0, 0.5, 1.0]), rng=SEED)
SCORES, LEVELS = RNG.normal(size=(4, 4)), np.array([0.5, 1.0])
NOISY = noise_contrastive.Parameters(RBM, np.array([0.3]))
coin = lambda rows: np.full(len(rows), -3 * np.log(2))
AGAINST = noise_contrastive.Against(harmonium, noise_contrastive.Noise(lambda n, rng: (rng.random((n, 3)) < 0.5).astype(float), coin), 1.0)
LINE = RNG.normal(size=(30, 2))
HEADS = (RNG.random(30) < 0.5).astype(float)
PAIRS = logistic.Pairs(LINE, HEADS)
COIN = logistic.start(PAIRS, draw())
LEARN = dict(model=logistic, params=COIN, y=PAIRS, rng=SEED)
SOME = optimization.run(logistic, COIN, PAIRS, draw(), iterations=2)
FOLDER = Path(tempfile.mkdtemp())
states.save(FOLDER / "state.npz", SOME.state)
BOWL = dict(loss=lambda x: 0.5 * x @ x, gradient=lambda x: x, start=X3)
X2, COUNTS = RNG.normal(size=(30, 2)), RNG.poisson(2.0, size=30).astype(float)
LINEAR = linear.least_squares(LINE, X2)
GLM, SMALL = generalized.fit(LINE, COUNTS, dispersion.Poisson()), generalized.fit(LINE[:, :1], COUNTS, dispersion.Poisson())
CLASSES = RNG.integers(3, size=30)
SOFT = softmax.fit(LINE, CLASSES)
SHAPES = gamma_shape.fit(LINE, np.random.default_rng(0).gamma(2.0, size=30))
SOURCE = HyperbolicCosine(1.0, 0.5)
PAIRED = moments.moments(X2, LINE)
ETA = RNG.normal(size=(4, 3))

EXAMPLES = {
    "learning.bijections.composition": {
        "check": dict(layers=FLOW, D=3),
        "rows": dict(name="y", value=ROWS, D=3, dtype=np.dtype(float)),
    },
    "learning.codes.ans": {
        "push": dict(stack=STACK, symbol=1, frequencies=[3, 5]), "pop": dict(stack=STACK, frequencies=[3, 5]), "length": dict(stack=STACK),
        "stack_of": dict(data=b"bytes"), "data_of": dict(stack=STACK), "frequencies": dict(probabilities=np.array([0.2, 0.8])),
    },
    "learning.codes.bits_back": {
        "model": dict(source=TABLE, emission=ARROW), "hard": dict(recognition=ARROW),
        "discretized": dict(means=np.array([0.0, 2.0]), variances=np.array([1.0, 0.5]), edges=np.array([-1.0, 0.5, 2.0])),
        "steps": dict(code=CODE, observations=np.array([0, 1, 2]), stack=STACK), "encode": dict(code=CODE, observations=np.array([0, 1, 2]), stack=STACK),
        "decode": dict(code=CODE, size=1, stack=bits_back.encode(CODE, np.array([1]), STACK)),
    },
    "learning.codes.prefix": {
        "merges": dict(probabilities=np.array([0.5, 0.3, 0.2])), "huffman": dict(probabilities=np.array([0.5, 0.3, 0.2])),
        "expected_length": dict(words=WORDS, probabilities=np.array([0.5, 0.3, 0.2])), "blocks": dict(probabilities=np.array([0.5, 0.3, 0.2]), n=2),
        "encode": dict(words=WORDS, outcomes=np.array([0, 2, 1])), "decode": dict(words=WORDS, text=prefix.encode(WORDS, np.array([0, 2, 1]))),
    },
    "learning.differentiation.derivatives": {
        **{name: dict(function=square, at=X3) for name in ("value_and_gradient", "gradient", "pull_back", "hessian")},
        "push_forward": dict(function=np.square, at=X3, along=X3 + 1), "jacobian": dict(function=np.square, at=X3),
        "hessian_product": dict(function=square, at=X3, along=X3 + 1),
    },
    "learning.em": {
        "iterate": dict(model=gmm, params=MIXTURE, y=BLOBS), "fit": dict(model=gmm, params=MIXTURE, y=BLOBS), "fit_best": dict(model=gmm, starts=[MIXTURE], y=BLOBS),
    },
    "learning.gradient_estimators.accuracy": {"measure": dict(terms=RNG.normal(size=(3, 4, 2)), exact=np.zeros(2))},
    "learning.gradient_estimators.categoricals": {
        "exact": dict(f=values, logits=X3), "score_function": dict(f=values, **DIE),
        "relaxed": dict(slope=slopes, softness=0.5, **DIE), "straight_through": dict(slope=slopes, softness=0.5, **DIE),
    },
    "learning.gradient_estimators.gaussian_moments": {
        "by_values": dict(f=values, **BALL), "by_slopes": dict(slope=slopes, **BALL),
        "by_curvatures": dict(slope=slopes, hessian=lambda x: np.broadcast_to(2 * np.eye(3), (*x.shape, 3)), **BALL),
    },
    "learning.gradient_estimators.gaussians": {
        "draw": BELL, "scores": dict(mean=X3, deviations=BELL["deviations"], x=ROWS), "score_function": dict(f=values, **BELL),
        "optimal_baseline": dict(f=values, **BELL), "pathwise": dict(slope=slopes, **BELL), "measure_valued": dict(f=values, **BELL),
    },
    "learning.gradient_estimators.score_function": {
        "terms": dict(scores=RNG.normal(size=(4, 2)), values=RNG.normal(size=4)), "optimal_baseline": dict(scores=RNG.normal(size=(4, 2)), values=RNG.normal(size=4)),
    },
    "learning.learned_motion.continuous": {"pull_back": dict(terms=MOTION, last=np.ones((2, 2)), pulls=np.ones((4, 2, 2)), dt=0.1)},
    "learning.learned_motion.steps": {
        "run": dict(terms=MOTION, first=np.ones((2, 2)), dt=0.1, count=3), "pull_back": dict(terms=MOTION, path=PATH, pulls=np.ones((4, 2, 2))),
    },
    "learning.learned_motion.terms": {"check": dict(terms=MOTION, K=2)},
    "learning.moments": {"moments": dict(targets=X2, sources=LINE), "raw": dict(moments=PAIRED), "regress": dict(moments=PAIRED)},
    "learning.networks.circle": {
        "run": dict(layers=LAYERS, z=FIELDS[0]), "run_back": dict(layers=LAYERS, fields=FIELDS, pull=FIELDS[-1]),
        "kernel": dict(layer=LAYERS[1], P=5), "stretched": dict(layer=LAYERS[1], factor=2), "check": dict(layers=LAYERS), "check_circle": dict(layers=LAYERS, P=5),
    },
    "learning.networks.feedforward": {
        "forward": dict(params=NET, y=ROWS), "backward": dict(params=NET, record=NET_RECORD, output_gradient=ROWS), "check_layers": dict(params=NET),
        "inputs": dict(name="y", value=ROWS, weights=NET[0].weights),
    },
    "learning.networks.initialization": {"start": dict(sizes=(3, 4, 2), rng=SEED)},
    "learning.networks.outputs": {
        "loss": dict(output=outputs.Bernoulli, eta=ETA, x=BITS[:4]), "slope": dict(output=outputs.Bernoulli, eta=ETA, x=BITS[:4])},
    "learning.networks.recurrent": {
        "start": dict(inputs=3, units=2, rng=SEED), "forward": dict(params=RECURRENT, y=RNG.normal(size=(2, 4, 3))),
        "backward": dict(params=RECURRENT, record=RECORD, hidden_gradient=RNG.normal(size=(2, 4, 2))), "clip": dict(gradient=RECURRENT, longest=0.5),
        "check": dict(params=RECURRENT), "sequences": dict(name="y", value=RNG.normal(size=(2, 4, 3)), weights=RECURRENT.input, width=3),
    },
    "learning.objectives.annealed_importance": {
        "anneal": RUNGS, "ratio": RUNGS, "forward": dict(**RUNGS, log_start=0.5), "reverse": dict(**RUNGS, log_start=0.5)},
    "learning.objectives.contrastive": {
        "divergence": dict(**CHAINED, rng=SEED), "persistent": dict(**CHAINED, chains=BITS[:2], rng=SEED), "iterate": dict(**CHAINED, rng=SEED, rate=0.1),
        "last": dict(stream=Lazy(lambda: contrastive.iterate(harmonium, RBM, BITS, draw(), 0.1)), iterations=2),
        "bias": dict(estimate=lambda rng: contrastive.divergence(harmonium, RBM, BITS, rng).gradient, exact=harmonium.value_and_gradient(RBM, BITS)[1], repeats=3, rng=SEED),
        "pseudo_likelihood": CHAINED,
    },
    "learning.objectives.info_nce": {
        name: dict(scores=SCORES, right=np.array([0, 1, 3, 2])) if name != "posterior" else dict(scores=SCORES)
        for name in ("posterior", "loss", "value_and_slope", "information", "accuracy")},
    "learning.objectives.information": {
        "bits": dict(nats=ROWS), "entropy": dict(p=np.array([0.2, 0.8])), "cross_entropy": dict(p=np.array([0.2, 0.8]), q=np.array([0.4, 0.6])),
        "relative_entropy": dict(p=np.array([0.2, 0.8]), q=np.array([0.4, 0.6])),
    },
    "learning.objectives.noise_contrastive": {
        "log_ratio": dict(model=harmonium, params=NOISY, y=BITS, log_noise=coin(BITS)), "posterior": dict(h=X3), "loss": dict(h_data=X3, h_noise=X3 + 1),
        "value_and_gradient": dict(model=harmonium, params=NOISY, y=BITS, drawn=BITS[::-1], log_density=coin),
        "local_loss": dict(h_positive=X3[:2], h_negative=RNG.normal(size=(2, 3))),
        "conditional_value_and_gradient": dict(model=harmonium, params=RBM, y=BITS, moved=BITS[::-1]),
        "fit": dict(T_data=LINE, T_noise=2 * RNG.normal(size=(40, 2)), noise_at_data=-0.1 * (LINE**2).sum(1), noise_at_noise=-0.1 * np.ones(40)),
        "covariance": dict(scores=np.column_stack([RNG.normal(size=(20, 1)), -np.ones(20)]), log_density=RNG.normal(size=20), log_noise=RNG.normal(size=20), weights=np.full(20, 0.05), ratio=2.0),
        "Against.loss": dict(self=AGAINST, params=NOISY, y=BITS, rng=SEED), "Against.value_and_gradient": dict(self=AGAINST, params=NOISY, y=BITS, rng=SEED),
    },
    "learning.objectives.schedules": {
        "best_shares": dict(squares=np.array([1.0, 4.0, 2.0])),
        "Spread.schedule": dict(self=SPREAD, scores=X3), "Spread.loss": dict(self=SPREAD, scores=X3, y=ROWS, rng=SEED),
        "Spread.value_and_gradient": dict(self=SPREAD, scores=X3, y=ROWS, rng=SEED),
    },
    "learning.objectives.scores": {
        "tweedie_score": dict(x=ROWS, mean=ROWS + 1, signal=0.8, covariance=np.eye(3)), "tweedie_mean": dict(x=ROWS, score=ROWS + 1, signal=0.8, covariance=np.eye(3)),
        "explicit_loss": dict(found=ROWS, score=ROWS + 1), "denoising_loss": dict(function=lambda x: -x, y=ROWS, level=LEVEL, rng=SEED),
        "implicit_loss": dict(network=NET, x=ROWS), "sliced_loss": dict(network=NET, x=ROWS, rng=SEED),
        **{f"Matching.{verb}": dict(self=scores.Matching(2), network=NET, x=ROWS, rng=SEED) for verb in ("loss", "value_and_gradient")},
    },
    "learning.objectives.tempering": {
        "walk": dict(model=harmonium, params=RBM, ladder=np.stack([BITS, BITS]), levels=LEVELS, rng=SEED),
        "tempered": dict(**CHAINED, ladder=np.stack([BITS, BITS]), levels=LEVELS, rng=SEED),
    },
    "learning.optimization.batches": {"minibatches": dict(n=5, size=2, rng=SEED)},
    "learning.optimization.running": {
        "run": dict(**LEARN, iterations=2), "iterate": LEARN, "resume": dict(model=logistic, state=SOME.state, y=PAIRS, iterations=3),
    },
    "learning.optimization.schedules": {
        "rate_at": dict(rate=0.1, iteration=3), "cosine": dict(rate=0.1, iterations=5), "stairs": dict(rate=0.1, every=5), "warm_up": dict(rate=0.1, iterations=5)},
    "learning.optimization.states": {
        "save": dict(path=str(FOLDER / "again.npz"), state=SOME.state), "load": dict(path=str(FOLDER / "state.npz"), params=COIN), "generator": dict(randomness=SOME.state.randomness),
    },
    "learning.optimization.walks": {
        "gradient_descent": dict(**BOWL, rate=0.1), "momentum": dict(**BOWL, rate=0.1), "adam": BOWL, "newton": dict(**BOWL, hessian=lambda x: np.eye(3)),
        "follow": dict(events=Lazy(lambda: walks.gradient_descent(**BOWL, rate=0.5))),
    },
    "learning.parameters": {
        "flatten": dict(params=COIN), "leaves": dict(params=COIN), "copy": dict(params=COIN, vector=np.zeros(parameters.flatten(COIN).vector.size)),
        "view": dict(vector=np.arange(float(parameters.flatten(COIN).vector.size)), like=COIN), "detach": dict(params=COIN), "each": dict(function=np.square, params=COIN),
        "check_same_shapes": dict(params=COIN, like=COIN, name="gradient"), "rows": dict(y=ROWS, index=np.array([0, 2])),
    },
    "learning.quasi_newton": {
        name: dict(model=polynomial, params=polynomial.start(X2[:, :1] / 2, 4), y=X2[:, :1] / 2) for name in ("iterate", "fit")},
    "learning.regression.autoregression": {
        "lagged": dict(y=ROWS, p=2), "fit": dict(y=RNG.normal(size=(20, 3)), p=2), "companion": dict(coefficients=RNG.normal(size=(2, 3, 3))),
        "forecast": dict(params=autoregression.fit(RNG.normal(size=(20, 3)), 2), y=ROWS, count=2),
    },
    "learning.regression.crossvalidation": {
        "leave_one_out": dict(y=LINE, x=X2, penalties=np.array([0.1, 1.0])),
        "leave_folds_out": dict(y=LINE, x=X2, penalties=np.array([0.1, 1.0]), folds=np.arange(30) % 3),
    },
    "learning.regression.gamma_shape": {
        "iterate": dict(y=LINE, x=np.exp(X2[:, 0])), "fit": dict(y=LINE, x=RNG.gamma(2.0, size=30)), "Line.at": dict(self=SHAPES.shape, y=LINE)},
    "learning.regression.generalized": {
        "iterate": dict(y=LINE, x=COUNTS, family=dispersion.Poisson()), "fit": dict(y=LINE, x=COUNTS, family=dispersion.Poisson()),
        "predict": dict(fit=GLM, y=LINE), "wald": dict(fit=GLM), "likelihood_ratio": dict(small=SMALL, large=GLM),
    },
    "learning.regression.linear": {
        "predict": dict(fit=LINEAR, y=LINE), "least_squares": dict(y=LINE, x=X2), "weighted": dict(y=LINE, x=X2, covariance=np.linspace(1, 2, 30)),
        "ridge": dict(y=LINE, x=X2, prior_covariance=np.eye(2)), "diagnose": dict(fit=LINEAR, y=LINE, x=X2),
    },
    "learning.regression.links": {"named": dict(family=dispersion.Poisson(), name="log")},
    "learning.regression.softmax": {
        "iterate": dict(y=LINE, x=CLASSES), "fit": dict(y=LINE, x=CLASSES), "probabilities": dict(fit=SOFT, y=LINE)},
    "learning.relative": {"margins": dict(x=X2, source=SOURCE)},
    "learning.unmixing": {
        "whiten": dict(y=RNG.normal(size=(20, 3))), "amari_distance": dict(gains=np.eye(3) + 0.1), "align": dict(gains=np.eye(3) + 0.1),
        "kurtosis": dict(x=ROWS), "mutual_information": dict(x=RNG.normal(size=(120, 2))),
    },
}  # fmt: skip
