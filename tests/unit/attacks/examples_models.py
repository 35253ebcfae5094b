"""Examples of the functions of `models`: their arguments are filled in by name, from what the contracts' tests use."""

import inspect

import numpy as np
from attacks.machinery import SEED
from attacks.rooms import modules, public
from models.test_contracts import EM, claims, data, gradient_data

from pedagogy_lib.distributions import noising
from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.distributions.exponential_family.multinomial import multinomial
from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.distributions.heavy_tailed import Cauchy
from pedagogy_lib.distributions.sources import LOGISTIC, Normal
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import flow_vae
from pedagogy_lib.models.static import gmm
from pedagogy_lib.models.undirected import harmonium

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(4, 3))
COUNTS = RNG.multinomial(5, [0.2, 0.3, 0.5], size=6).astype(float)


def short(name):
    return name.rpartition(".")[2]


def given(name, model):
    """Parameters, data and statistics of a model, and what its start asks for, as they should be."""
    rng = np.random.default_rng(0)
    y, besides = data(name, rng) if EM in claims(model) else gradient_data(name, rng)
    y = type(y)(*(part[:4] for part in y)) if hasattr(y, "_fields") else y[:6 if y.ndim == 3 else 20]
    asked = [key for key in inspect.signature(model.start).parameters if key not in ("y", "rng")]
    found = {"y": y, "rng": SEED, "n": 4, **dict(zip(asked, besides)), "params": model.start(y, *besides, rng)}
    if hasattr(model, "expected_statistics"):
        found["statistics"] = model.expected_statistics(found["params"], y)
    return found


SHARES = RNG.dirichlet([1.0, 1.0], size=20)
#: What a function wants besides, or instead: by module, then by function.
BESIDES = {
    "diffusion": {"sample": dict(steps=3), "denoising_draws": dict(denoise=lambda x, level: 0.5 * x, schedule=noising.cosine(), y=ROWS, u=np.full((4, 1), 0.3), rng=SEED), "denoise": dict(x=ROWS, level=noising.Level(0.8, 0.6)), "force": dict(x=ROWS, level=noising.Level(0.8, 0.6)),
                  "terms": dict(steps=3), "log_marginal": dict(steps=3, draws=2),
                  "bound_terms": dict(denoise=lambda x, level: 0.5 * x, steps=3), "bits_per_dimension": dict(nats=np.array([-1.0, -2.0]), size=3)},
    "discrete_vae": {"decode": dict(x=np.eye(3)[[[0, 1], [1, 2], [2, 0], [0, 0]]])},
    "flow": {"generate": dict(x=ROWS)},
    "flow_vae": {"width": dict(latents=2, planes=1), "guess": dict(numbers=RNG.normal(size=(4, flow_vae.width(2, 1))), latents=2),
                 "bend": dict(q=flow_vae.guess(RNG.normal(size=(4, flow_vae.width(2, 1))), 2), noise=RNG.normal(size=(4, 2))), "log_marginal": dict(samples=5)},
    "vae": {"decode": dict(x=RNG.normal(size=(4, 2))), "decode_slopes": dict(x=RNG.normal(size=(4, 2))), "log_marginal": dict(samples=5)},
    "deep_markov": {"advance": dict(x=RNG.normal(size=(4, 2))), "log_marginal": dict(samples=5)},
    "hmm": {"pair_posteriors": dict(found=None), "observed_statistics": dict(states=np.arange(20) % 2, emission=None)},
    "kalman_vae": {"decode": dict(codes=RNG.normal(size=(4, 2))), "log_marginal": dict(samples=5)},
    "learned_transition": {"pairs": {}, "predict": dict(x=ROWS), "free_run": dict(first=ROWS, count=3), "sample": dict(count=3)},
    "universal": {"states": dict(count=3), "sample": dict(count=3)},
    "lgssm": {"local_level": dict(level_variance=1.0, observation_variance=1.0, initial_mean=0.0, initial_variance=1.0),
              "constant_velocity": dict(interval=0.5, acceleration_variance=0.1, observation_variance=1.0, initial=Gaussian(np.zeros(4), np.eye(4))),
              "constant_acceleration": dict(interval=0.5, jerk_variance=0.1, observation_variance=1.0, initial=Gaussian(np.zeros(6), np.eye(6))),
              "observed_statistics": dict(states=RNG.normal(size=(20, 2)))},
    "normalizing_kalman": {"bend": dict(z=ROWS), "iterate": dict(descents=1, refits=1)},
    "state_space": {"bearings": dict(observers=np.array([[0.0, 1.0], [1.0, 0.0]]))},
    "bayesian_gmm": {"observed_statistics": dict(responsibilities=SHARES), "with_prior": dict(guess=None, prior=None), "blend": dict(a=None, b=None, share=0.5)},
    "factor_analysis": {"observed_statistics": dict(factors=RNG.normal(size=(20, 2))), "residual_variances": dict(loadings=RNG.normal(size=(3, 2)))},
    "gaussian_codes": {"fold": dict(means=ROWS, variances=ROWS**2 + 1), "free_energy": dict(recognition=None), "observed_statistics": dict(codes=RNG.normal(size=(20, 4)))},
    "gmm": {"observed_statistics": dict(responsibilities=SHARES), "free_energy": dict(responsibilities=SHARES),
            "linear_boundary": dict(params=gmm.Parameters(np.full(2, 0.5), ROWS[:2], np.stack([np.eye(3)] * 2)), k=0, j=1)},
    "ica": {"fit": dict(max_iterations=1000), "adapt": {}, "fit_adapted": dict(rounds=2), "sample": dict(source=LOGISTIC)},
    "kmeans": {"observed_statistics": dict(assignments=np.eye(2)[np.arange(20) % 2])},
    "pca": {"reconstruct": dict(coordinates=RNG.normal(size=(4, 2)))},
    "sparse_coding": {**{name: dict(x=RNG.normal(size=(20, 5))) for name in ("energy", "energy_gradient", "log_joint")},
                      "energy_hessian": dict(x=RNG.normal(size=(20, 5))),
                      "laplace_approximation": dict(sharpness=2.0), "observed_statistics": dict(codes=RNG.normal(size=(20, 5)))},
    "dbn": {"replace_top": dict(top=None), "improve_top": dict(rate=0.1), "up_down": dict(rate=0.1)},
    "harmonium": {"start": {}, "energy": dict(x=np.ones((20, 3))), "emission": dict(x=np.ones((4, 3))), "loosened": dict(level=0.5), "heated": dict(level=0.5),
                  "replicated": dict(length=3), "from_conditionals": dict(hidden=None, visible=None, up=None, down=None)},
    "helmholtz": {"sleep": dict(dreams=3), "wake_sleep": dict(rate=0.1)},
    "polynomial": {},
    "recurrent": {"iterate": dict(rate=0.1), "sample": dict(length=3)},
}  # fmt: skip


def example(name, model, verb, function, found):
    """The arguments of a function, by name: of those without a default, all; of the others, what is named above."""
    wanted = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.kind.name.startswith("POS")]
    besides = BESIDES.get(short(name), {}).get(verb, {})
    arguments = {**{key: found[key] for key in wanted if key in found}, **besides, **MADE_FROM.get((short(name), verb), lambda f, m: {})(found, model)}
    return arguments


#: Arguments that are made from the model's own parameters.
MADE_FROM = {
    ("hmm", "pair_posteriors"): lambda f, m: dict(found=m.posterior(f["params"], f["y"])),
    ("hmm", "observed_statistics"): lambda f, m: dict(emission=f["params"].emission),
    ("bayesian_gmm", "with_prior"): lambda f, m: dict(guess=gmm.start(f["y"], 2, np.random.default_rng(0)), prior=m.vague_prior(f["y"])),
    ("bayesian_gmm", "blend"): lambda f, m: dict(a=f["params"], b=f["params"]._replace(means=f["params"].means + 1)),
    ("bayesian_gmm", "observed_statistics"): lambda f, m: dict(prior=f["params"].prior),
    ("gaussian_codes", "free_energy"): lambda f, m: dict(recognition=m.posterior(f["params"], f["y"])),
    ("gaussian_codes", "relative_gradient"): lambda f, m: dict(recognition=m.posterior(f["params"], f["y"])),
    ("dbn", "replace_top"): lambda f, m: dict(top=f["params"].top),
    ("dbn", "invert"): lambda f, m: dict(params=harmonium.rbm(f["y"], 3, np.random.default_rng(0))),
    ("dbn", "unroll"): lambda f, m: dict(params=harmonium.rbm(f["y"], 3, np.random.default_rng(0))),
    ("harmonium", "rbm"): lambda f, m: dict(units=2),
    ("harmonium", "gaussian_bernoulli"): lambda f, m: dict(units=2),
    ("harmonium", "poisson_bernoulli"): lambda f, m: dict(units=2),
    ("harmonium", "from_conditionals"): lambda f, m: dict(
        hidden=f["params"].hidden, visible=f["params"].visible, up=f["params"].weights, down=f["params"].weights.T),
    ("harmonium", "replicated"): lambda f, m: dict(params=m.start(COUNTS, 2, multinomial(5), layers.Bernoulli, np.random.default_rng(0))),
    ("sparse_coding", "energy_hessian"): lambda f, m: dict(params=f["params"]._replace(prior=Cauchy(1.0))),
    ("gmm", "Labeled.expected_statistics"): lambda f, m: dict(self=m.Labeled(np.arange(20) % 3 - 1)),
    ("gmm", "Labeled.maximize"): lambda f, m: dict(self=m.Labeled(np.arange(20) % 3 - 1)),
    ("ica", "Under.loss"): lambda f, m: dict(self=m.Under(Normal())), ("ica", "Under.gradient"): lambda f, m: dict(self=m.Under(Normal())),
    ("flow", "Under.loss"): lambda f, m: dict(self=m.Under(Normal())), ("flow", "Under.value_and_gradient"): lambda f, m: dict(self=m.Under(Normal())),
    **{("flow_vae", f"Local.{verb}"): lambda f, m: dict(self=m.Local(f["params"].emission, None, 2, False), numbers=RNG.normal(size=(20, m.width(2, 1))))
       for verb in ("loss", "value_and_gradient")},
    ("vae", "decode_slopes"): lambda f, m: dict(x=np.ones(2), params=m.start(ROWS, 2, (5,), networks.Tanh, outputs.Gaussian, np.random.default_rng(0))),
    ("kalman_vae", "recognize"): lambda f, m: dict(y=f["y"][0]), ("kalman_vae", "posterior"): lambda f, m: dict(y=f["y"][0]),
    ("recurrent_network", "continuation"): lambda f, m: dict(params=m.start(m.Pairs(f["y"].outputs, f["y"].outputs), 5, outputs.Categorical, np.random.default_rng(0)), y=f["y"].outputs[0]),
    ("network", "predict"): lambda f, m: dict(y=f["y"].inputs),
    ("network", "sample_outputs"): lambda f, m: dict(y=f["y"].inputs),
    ("recurrent_network", "predict"): lambda f, m: dict(y=f["y"].inputs),
    ("contrastive_encoder", "encode"): lambda f, m: dict(y=f["y"].first),
}  # fmt: skip


def examples():
    """By module: an example of every public function whose arguments all have a name above."""
    found = {}
    for name, model in modules(["models"]):
        arguments = given(name, model) if hasattr(model, "start") else {}
        found[name] = {verb: example(name, model, verb, function, arguments) for verb, function in public(model)}
    return found


EXAMPLES = examples()
