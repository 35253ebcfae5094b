"""Public functions outside the models are given what they cannot use, one array of their arguments at a time.

A room of the table is walked by introspection: a function that is new in it fails until it has an example here, or
stands among those that trust their arguments, with the reason.
"""

import inspect
import re
from importlib import import_module

import numpy as np
import pytest
from models.test_attacked import leaves, replaced, spelled, spoilt

from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics import fields
from pedagogy_lib.inference import assimilation, discrete
from pedagogy_lib.learning import learned_motion
from pedagogy_lib.learning.networks import circle, recurrent
from pedagogy_lib.learning.regression import autoregression

RNG = np.random.default_rng(0)
FIELD = fields.lorenz63()
X3, ROWS = RNG.normal(size=3), RNG.normal(size=(4, 3))
CHAIN = np.array([[0.7, 0.2], [0.3, 0.8]])
EMISSIONS = np.log(RNG.uniform(0.1, 1, size=(5, 2)))
FILTERED = discrete.filter(np.array([0.4, 0.6]), CHAIN, EMISSIONS)
SMOOTHED = discrete.smooth(CHAIN, FILTERED)
GAUSS = Gaussian(X3, np.eye(3))
AFFINE = AffineGaussian(RNG.normal(size=(2, 3)), RNG.normal(size=2), np.eye(2))
TABLE = Categorical(np.array([0.3, 0.7]))
WINDOW = assimilation.Window(GAUSS, assimilation.linear_motion(0.9 * np.eye(3)), np.eye(3)[:2], np.eye(2),
                             RNG.normal(size=(5, 2)), np.eye(3))                                  # fmt: skip
DECODER = assimilation.Decoder(lambda z: z, lambda z: np.eye(3))
MOTION = (learned_motion.Growth(np.array([0.1, -0.1])),)
PATH = learned_motion.run(MOTION, np.ones((2, 2)), 0.1, 3)
RECURRENT = recurrent.start(3, 2, RNG)
LAYERS = (circle.Convolution.start(2, 3, 3, RNG), circle.Fourier.start(3, 2, 2, RNG))
FIELDS = circle.run(LAYERS, RNG.normal(size=(2, 5, 2)))
RECORD = recurrent.forward(RECURRENT, RNG.normal(size=(2, 4, 3)))

#: By module: an example of every public function, as keywords.
EXAMPLES = {
    "dynamics.steppers": {
        "flow": dict(field=FIELD, x=ROWS, dt=0.01), "trajectory": dict(field=FIELD, x=X3, dt=0.01, steps=3),
        "tangent": dict(field=FIELD, x=X3, change=X3 + 1, dt=0.01), "adjoint": dict(field=FIELD, x=X3, gradient=X3 + 1, dt=0.01),
    },
    "dynamics.multistep": {
        "tangent": dict(field=FIELD, x=X3, change=X3 + 1, dt=0.01, steps=4), "adjoint": dict(field=FIELD, x=X3, gradient=X3 + 1, dt=0.01, steps=4),
    },
    "learning.unmixing": {
        "whiten": dict(y=RNG.normal(size=(20, 3))), "amari_distance": dict(gains=np.eye(3) + 0.1), "align": dict(gains=np.eye(3) + 0.1),
        "kurtosis": dict(x=ROWS), "mutual_information": dict(x=RNG.normal(size=(120, 2))),
    },
    "inference.discrete": {
        "filter": dict(initial=np.array([0.4, 0.6]), transition=CHAIN, log_emissions=EMISSIONS),
        "smooth": dict(transition=CHAIN, filtered=FILTERED),
        "filter_and_smooth": dict(initial=np.array([0.4, 0.6]), transition=CHAIN, log_emissions=EMISSIONS),
        "pair_posteriors": dict(transition=CHAIN, filtered=FILTERED, smoothed=SMOOTHED),
        "alpha_unnormalised": dict(initial=np.array([0.4, 0.6]), transition=CHAIN, log_emissions=EMISSIONS),
        "viterbi": dict(initial=np.array([0.4, 0.6]), transition=CHAIN, log_emissions=EMISSIONS),
        "sample": dict(transition=CHAIN, filtered=FILTERED, n=3, rng=None),
    },
    "inference.assimilation.strong_constraint": {
        "strong_cost": dict(window=WINDOW, first=X3), "strong_gradient": dict(window=WINDOW, first=X3), "strong": dict(window=WINDOW),
    },
    "inference.assimilation.latent_space": {
        "latent_cost": dict(window=WINDOW, decoder=DECODER, latent=X3), "latent_gradient": dict(window=WINDOW, decoder=DECODER, latent=X3),
        "latent_curvature": dict(window=WINDOW, decoder=DECODER, latent=X3), "latent": dict(window=WINDOW, decoder=DECODER),
    },
    "inference.assimilation.control_variable": {
        "preconditioned": dict(window=WINDOW, root=np.eye(3)), "preconditioned_slope": dict(window=WINDOW, root=np.eye(3), v=X3),
    },
    "inference.assimilation.weak_constraint": {
        "weak_cost": dict(window=WINDOW, states=RNG.normal(size=(5, 3))), "weak_gradient": dict(window=WINDOW, states=RNG.normal(size=(5, 3))), "weak": dict(window=WINDOW),
    },
    "inference.assimilation.problems": {
        "motion": dict(field=FIELD, dt=0.1), "linear_motion": dict(A=np.eye(3)), "trajectory": dict(window=WINDOW, first=X3),
    },
    "learning.networks.recurrent": {
        "forward": dict(params=RECURRENT, y=RNG.normal(size=(2, 4, 3))),
        "backward": dict(params=RECURRENT, record=RECORD, hidden_gradient=RNG.normal(size=(2, 4, 2))),
        "clip": dict(gradient=RECURRENT, longest=0.5),
    },
    "learning.networks.circle": {
        "run": dict(layers=LAYERS, z=FIELDS[0]), "run_back": dict(layers=LAYERS, fields=FIELDS, pull=FIELDS[-1]),
        "kernel": dict(layer=LAYERS[1], P=5), "stretched": dict(layer=LAYERS[1], factor=2),
    },
    "learning.regression.autoregression": {
        "lagged": dict(y=ROWS, p=2), "fit": dict(y=RNG.normal(size=(20, 3)), p=2), "companion": dict(coefficients=RNG.normal(size=(2, 3, 3))),
        "forecast": dict(params=autoregression.fit(RNG.normal(size=(20, 3)), 2), y=ROWS, count=2),
    },
    "distributions.gaussian": {
        "sample": dict(distribution=GAUSS, n=3, rng=None), "log_density": dict(distribution=GAUSS, y=ROWS),
        "marginalize": dict(source=GAUSS, emission=AFFINE), "invert": dict(source=GAUSS, emission=AFFINE, y=np.ones(2)),
    },
    "distributions.categorical": {
        "sample": dict(distribution=TABLE, n=3, rng=None), "log_density": dict(distribution=TABLE, y=np.array([1, 0])),
    },
    "learning.objectives.information": {
        "bits": dict(nats=ROWS), "entropy": dict(p=np.array([0.2, 0.8])), "cross_entropy": dict(p=np.array([0.2, 0.8]), q=np.array([0.4, 0.6])),
        "relative_entropy": dict(p=np.array([0.2, 0.8]), q=np.array([0.4, 0.6])),
    },
    "learning.learned_motion.steps": {
        "run": dict(terms=MOTION, first=np.ones((2, 2)), dt=0.1, count=3), "pull_back": dict(terms=MOTION, path=PATH, pulls=np.ones((4, 2, 2))),
    },
    "learning.learned_motion.continuous": {
        "pull_back": dict(terms=MOTION, last=np.ones((2, 2)), pulls=np.ones((4, 2, 2)), dt=0.1),
    },
}  # fmt: skip
#: Public, and yet without a check of their own: a line of mathematics that a page prints, or a step of a loop whose
#: door has checked what it hands on.
TRUSTING = {
    "inference.discrete": {"time_update", "measurement_update", "gamma_step", "divide"},
    "learning.learned_motion.steps": {"walk", "walk_back", "step", "step_back"},
    "learning.networks.recurrent": {"start", "run", "run_back", "check", "sequences"},
    "learning.networks.circle": {"windows", "forward", "backward", "check", "check_circle"},
    "dynamics.steppers": {"rule"},
    "distributions.gaussian": {"watch"},
    "distributions.categorical": {"marginalize", "invert"},
}
#: What a function is handed in a record and does not read, or may be missing.
UNREAD = {
    ("smooth", "filtered.log_likelihoods"), ("pair_posteriors", "filtered.log_likelihoods"), ("sample", "filtered.log_likelihoods"), ("pair_posteriors", "smoothed.pair_sums"),
    *((name, "window.model_error") for name in ("latent_cost", "latent_gradient", "latent_curvature", "latent")),
    ("strong_cost", "window.model_error"), ("strong_gradient", "window.model_error"), ("strong", "window.model_error"),
    *((name, f"window.{part}") for name in ("preconditioned", "preconditioned_slope") for part in ("model_error", "background.covariance")),
    ("forecast", "params.covariance"),
}  # fmt: skip
CASES = [(room, name) for room, functions in EXAMPLES.items() for name in functions]


def attacked(function, example):
    """One sentence for each attack that had another outcome than an error with the argument's name."""

    def call(**changed):
        found = function(**{**example, **changed, **({"rng": np.random.default_rng(1)} if "rng" in example else {})})
        return next(found) if inspect.isgenerator(found) else found

    call()
    for key, value in example.items():
        for place, array in leaves(value):
            where = ".".join([key, *spelled(value, place)])
            if (function.__name__, where) in UNREAD or (function.__name__ == "trajectory" and key == "window"):
                continue
            for what, wrong in spoilt(array):
                if (where, what) in {("window.y", "no number"), ("nats", "infinite")}:
                    continue                                          # that is how a gap is written, or the impossible
                try:
                    with np.errstate(all="ignore"):
                        call(**{key: replaced(value, place, wrong)})
                except (ValueError, TypeError) as error:
                    if not re.search(rf"({where.replace('.', '|')})\b", str(error)):
                        yield f"{where} {what}: {type(error).__name__}: {str(error)[:90]}"
                except Exception as error:
                    yield f"{where} {what}: {type(error).__name__}: {str(error)[:90]}"
                else:
                    yield f"{where} {what}: accepted"


@pytest.mark.parametrize(("room", "name"), CASES, ids=[f"{room.rpartition('.')[2]}-{name}" for room, name in CASES])
@pytest.mark.filterwarnings("ignore")
def test_a_function_refuses_what_it_cannot_use_and_names_it(room, name):
    assert list(attacked(getattr(import_module(f"pedagogy_lib.{room}"), name), EXAMPLES[room][name])) == []


def test_every_public_function_of_these_rooms_has_an_example_or_a_reason():
    for room, functions in EXAMPLES.items():
        module = import_module(f"pedagogy_lib.{room}")
        public = {name for name, found in vars(module).items()
                  if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_")}  # fmt: skip
        assert public == set(functions) | TRUSTING.get(room, set()), room


def test_a_function_without_a_check_would_be_seen():
    found = list(attacked(lambda y: y.sum(), {"y": np.ones((3, 2))}))
    assert [line.partition(":")[0] for line in found][:3] == ["y infinite", "y no number", "y complex"]
