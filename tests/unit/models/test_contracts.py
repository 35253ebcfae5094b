"""Every model module is held to the contract that it claims: `pedagogy_lib.models` states both."""

import inspect
import pkgutil
from importlib import import_module

import numpy as np
import pytest

from pedagogy_lib import models
from pedagogy_lib.distributions import heavy_tailed, noising
from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning import bijections, em, learned_motion, networks, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import contrastive_encoder
from pedagogy_lib.models.discriminative import logistic, network, poisson, recurrent_network
from pedagogy_lib.models.dynamical import hmm, lgssm, universal

EM = {
    "start": ["y"],
    "sample": ["params", "n", "rng"],
    "posterior": ["params", "y"],
    "log_marginal": ["params", "y"],
    "expected_statistics": ["params", "y"],
    "observed_statistics": [None, "y"],                 # the latents go by the model's own name for them
    "maximize": ["statistics"],
}
GRADIENT = {
    "start": ["y"],
    "sample": ["params", "n", "rng"],
    "loss": ["params", "y", "rng"],
    "gradient": ["params", "y", "rng"],
    "value_and_gradient": ["params", "y", "rng"],
    "log_marginal": ["params", "y"],
}
#: Modules that hold no model of their own: ready-made parameters of a model of another room.
APART = {"pedagogy_lib.models.dynamical.state_space"}


def modules():
    """The models: whatever stands in one of the rooms, a file or a folder with files of its own."""
    rooms = [import_module(one.name) for one in pkgutil.iter_modules(models.__path__, "pedagogy_lib.models.")]
    found = [one.name for room in rooms for one in pkgutil.iter_modules(room.__path__, f"{room.__name__}.")]
    return sorted(name for name in found if not name.rpartition(".")[2].startswith("_") and name not in APART)


NAMES = modules()


def claims(module):
    """The contracts that a module claims."""
    found = [EM] if hasattr(module, "maximize") else []
    return found + ([GRADIENT] if hasattr(module, "loss") or hasattr(module, "value_and_gradient") else [])


def is_record(kind):
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def problems(module):
    """What a module lacks of what it claims, one sentence each."""
    contracts = claims(module)
    if not contracts:
        yield "claims no contract: it has neither maximize nor loss"
    if not is_record(getattr(module, "Parameters", None)):
        yield "Parameters is no NamedTuple"
    options = getattr(module, "Options", None)
    if options is not None and not (is_record(options) and len(options._field_defaults) == len(options._fields)):
        yield "Options is no NamedTuple, or a field of it has no default"
    for contract in contracts:
        either = {"gradient", "value_and_gradient"} if contract is GRADIENT else set()
        if either and not any(hasattr(module, verb) for verb in either):
            yield "has a loss and no gradient"
        for verb, arguments in contract.items():
            if hasattr(module, verb):
                yield from verb_problems(module, verb, arguments)
            elif verb not in either and f"``{verb}``" not in module.__doc__:
                yield f"has no {verb}, and its docstring does not say why"


def verb_problems(module, verb, arguments):
    """Whether a verb takes its arguments in the order of the contract."""
    given = list(inspect.signature(getattr(module, verb)).parameters)
    for wanted, name in zip(arguments, given):
        if wanted not in (None, name):
            yield f"{verb}: expected {wanted}, got {name}"
    if len(given) < len(arguments):
        yield f"{verb}: expected at least {len(arguments)} arguments, got {given}"
    if verb == "start" and given[-1] != "rng":
        yield f"start: expected rng at the end, got {given}"
    if not getattr(module, verb).__doc__:
        yield f"{verb} has no docstring"
    takes = "options" in given
    if verb in ("expected_statistics", "maximize") and takes != hasattr(module, "Options"):
        yield f"{verb}: expected options exactly where there are Options, got {given}"
    if takes and given[2 if verb == "expected_statistics" else given.index("options")] != "options":
        yield f"{verb}: expected options after y, got {given}"


def data(name, rng):
    """Observations for a model, and what its start asks for besides them."""
    y = rng.normal(size=(60, 1)) @ rng.normal(size=(1, 3)) + rng.normal(size=(60, 3))
    y[:30] += 3.0
    short = name.rpartition(".")[2]
    return y, {"hmm": (2, hmm.Gaussians), "ica": (), "sparse_coding": (5, 2.0, heavy_tailed.Laplace(1.0)), "gaussian_codes": (4, 2.0, 1.0)}.get(short, (2,))


def test_every_model_is_found():
    assert {name.rpartition(".")[2] for name in NAMES} >= {
        "factor_analysis", "gmm", "hmm", "kmeans", "lgssm", "network", "pca", "ppca",
        "recurrent_network", "sparse_coding",
    }
    for name in APART:
        assert not hasattr(import_module(name), "Parameters")


def lost(package):
    """What is public in a file of a model that is a folder, and not in the model."""
    for one in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for name, thing in vars(import_module(one.name)).items():
            here = getattr(thing, "__module__", None) == one.name and not name.startswith("_") and "._" not in one.name
            if here and (name not in package.__all__ or getattr(package, name) is not thing):
                yield f"{one.name}.{name}"


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(import_module(name), "__path__")])
def test_a_model_in_several_files_has_all_their_names(name, monkeypatch):
    package = import_module(name)
    assert list(lost(package)) == []
    monkeypatch.setattr(package, "__all__", [one for one in package.__all__ if one != "sample"])
    assert [one.rpartition(".")[2] for one in lost(package)] == ["sample"]


@pytest.mark.parametrize("name", NAMES)
def test_a_module_keeps_its_contract(name):
    assert list(problems(import_module(name))) == []


@pytest.mark.parametrize("name", [name for name in NAMES if EM in claims(import_module(name))])
def test_em_learns_from_where_the_model_starts(name):
    model, rng = import_module(name), np.random.default_rng(0)
    y, besides = data(name, rng)
    params = model.start(y, *besides, rng)
    assert type(params) is model.Parameters
    statistics = model.expected_statistics(params, y)
    assert is_record(type(statistics))
    assert np.isfinite(statistics.loss)
    assert type(model.maximize(statistics)) is model.Parameters
    if hasattr(model, "posterior"):
        assert is_record(type(model.posterior(params, y)))
    if hasattr(model, "log_marginal"):
        costs = model.log_marginal(params, y)
        assert statistics.loss == pytest.approx(-np.sum(costs) / len(y), rel=1e-10)
    if hasattr(model, "sample"):
        assert is_record(type(model.sample(params, 7, rng)))
    with pytest.warns(UserWarning, match="stopped after 3"):
        found = em.fit(model, params, y, tolerance=0, max_iterations=3)
    assert found.losses[-1] < found.losses[0]
    if hasattr(model, "Options"):
        plain = em.iterate(model, params, y, model.Options())
        assert next(plain).loss == pytest.approx(found.losses[0], rel=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if {"sample", "observed_statistics"} <= set(dir(import_module(name)))])
def test_observed_statistics_take_the_latents_that_were_sampled(name):
    model, rng = import_module(name), np.random.default_rng(1)
    y, besides = data(name, rng)
    params = model.start(y, *besides, rng)
    latents, seen = model.sample(params, 40, rng)
    short = name.rpartition(".")[2]
    if short in ("gmm", "bayesian_gmm"):
        latents = np.eye(2)[latents]                    # one-hot
    more = {"hmm": (getattr(params, "emission", None),), "sparse_coding": (params,), "gaussian_codes": (params,), "bayesian_gmm": (getattr(params, "prior", None),)}.get(short, ())
    statistics = model.observed_statistics(latents, seen, *more)
    assert np.isnan(statistics.loss)
    assert type(statistics) is type(model.expected_statistics(params, seen))
    assert type(model.maximize(statistics)) is model.Parameters


def gradient_data(name, rng):
    """Observations for a model that is learned by its gradient, and what its start asks for besides them."""
    y = rng.normal(size=(60, 3))
    labels = np.eye(4)[rng.integers(4, size=60)]
    return {
        "diffusion": (y, ((5,), networks.Tanh, denoising.Velocity, noising.log_linear())),
        "discrete_vae": ((y > 0).astype(float), (2, 3, (5,), networks.Tanh, outputs.Bernoulli)),
        "ica": (y, ()),
        "logistic": (logistic.Pairs(y, labels[:, 0]), ()),
        "network": (network.Pairs(y, labels), ((5,), networks.Tanh, outputs.Categorical)),
        "poisson": (poisson.Pairs(y, labels[:, 0]), ()),
        "recurrent_network": (
            recurrent_network.Pairs(y.reshape(6, 10, 3), labels.reshape(6, 10, 4)), (5, outputs.Categorical),
        ),
        "harmonium": ((y > 0).astype(float), (3, layers.Bernoulli, layers.Bernoulli)),
        "dbn": ((y > 0).astype(float), (3,)),
        "recurrent": ((y > 0).astype(float).reshape(6, 10, 3), (3, layers.Bernoulli)),
        "helmholtz": ((y > 0).astype(float), ((3, 2), layers.Bernoulli)),
        "contrastive_encoder": (contrastive_encoder.Pairs(y, y + 0.5 * y[:, ::-1]), ((5,), networks.Tanh, 2)),
        "polynomial": (y[:, :1] / 2, (4,)),
        "universal": (
            y.reshape(6, 10, 3) / 2, ((learned_motion.Network.start(3, (4,), rng),), universal.Clock(0.2, 2)),
        ),
        "deep_markov": (y.reshape(6, 10, 3), (2, (5,), 4, 2.0)),
        "learned_transition": (
            y.reshape(6, 10, 3) / 2, ((learned_motion.Network.start(3, (4,), rng),), universal.Clock(1.0, 1, "euler")),
        ),
        "kalman_vae": ((y.reshape(6, 10, 3) > 0).astype(float), (2, 3, (5,), networks.Tanh, outputs.Bernoulli)),
        "normalizing_kalman": (y, ((bijections.Mixing.start(3, (), rng, np.dtype(float)),
                                    bijections.Radial.start(3, (), rng, np.dtype(float))), lgssm.start(y, 2, rng))),
        "flow": (y, (bijections.Affine, 2, (5,))),
        "flow_vae": ((y > 0).astype(float), (2, 1, (5,), networks.Tanh, outputs.Bernoulli)),
        "vae": ((y > 0).astype(float), (2, (5,), networks.Tanh, outputs.Bernoulli)),
    }[name.rpartition(".")[2]]


@pytest.mark.parametrize("name", [name for name in NAMES if GRADIENT in claims(import_module(name))])
def test_a_gradient_is_that_of_the_loss_and_is_descended(name):
    model, rng = import_module(name), np.random.default_rng(0)
    y, besides = gradient_data(name, rng)
    params = model.start(y, *besides, rng)
    assert type(params) is model.Parameters
    draws = lambda: np.random.default_rng(3)            # a loss that draws is differentiated at fixed draws
    value, found = (
        model.value_and_gradient(params, y, draws()) if hasattr(model, "value_and_gradient")
        else (model.loss(params, y, draws()), model.gradient(params, y, draws()))
    )
    parameters.check_same_shapes(found, params, "gradient")
    flat, slope = parameters.flatten(params), parameters.flatten(found).vector
    for along in rng.normal(size=(3, flat.vector.size)):
        up, down = (model.loss(parameters.view(flat.vector + h * along, params), y, draws()) for h in (1e-5, -1e-5))
        assert (up - down) / 2e-5 == pytest.approx(slope @ along, rel=1e-6, abs=1e-8)
        assert (up - down) / 2e-5 != pytest.approx(0.9 * slope @ along, rel=1e-3)
    run = optimization.run(model, params, y, rng, method=optimization.GradientDescent(0.05), iterations=20)
    if model.loss(params, y, np.random.default_rng(4)) == value:
        assert run.losses[0] == pytest.approx(value, rel=1e-12)
    assert run.losses[-1] < run.losses[0]


class Wrong:
    """A model without a name for anything: it breaks each clause."""

    __doc__ = "No ``sample``: it is not generative."

    class Options:
        pass

    Parameters = dict
    start = staticmethod(lambda rng, y: None)
    posterior = staticmethod(lambda y, params: None)
    expected_statistics = staticmethod(lambda params, y: None)
    maximize = staticmethod(lambda statistics, shared: None)
    loss = staticmethod(lambda params, y: None)


def test_a_wrong_model_is_seen_through():
    found = "\n".join(problems(Wrong))
    for what in (
        "Parameters is no NamedTuple", "Options is no NamedTuple", "start: expected y, got rng",
        "start: expected rng at the end", "posterior: expected params, got y", "has no log_marginal, and its docstring",
        "has no observed_statistics", "expected_statistics: expected options exactly where", "has a loss and no gradient",
        "loss: expected at least 3 arguments", "maximize has no docstring",
    ):
        assert what in found
    assert "has no sample" not in found
    assert list(problems(object())) == ["claims no contract: it has neither maximize nor loss", "Parameters is no NamedTuple"]
