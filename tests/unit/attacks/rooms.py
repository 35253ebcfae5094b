"""Which functions are public, which of them are building blocks, and what is not attacked, each with the reason."""

import inspect
import pkgutil
import re
from importlib import import_module

from pedagogy_lib.distributions.noising import Cosine, Exploding, LogLinear, Pieces
from pedagogy_lib.dynamics.quasi_geostrophic import Sea
from pedagogy_lib.inference.trees.clusters import ClusterGraph
from pedagogy_lib.inference.trees.propagation import Beliefs
from pedagogy_lib.inference.trees.tables import Factor
from pedagogy_lib.learning.codes.bits_back import Model
from pedagogy_lib.learning.optimization.states import State
from pedagogy_lib.learning.regression import gamma_shape, generalized, softmax

ROOMS = ("distributions", "dynamics", "inference", "learning", "models")

#: Modules, functions and classes that trust their arguments, and say so: in their docstring, or in their module's.
BLOCKS = {
    "distributions.emissions.gaussians": ("observed_statistics", "log_prior", "start", "maximize", "checked"),
    "distributions.emissions.poissons": ("observed_statistics", "log_prior", "start", "maximize", "checked"),
    "distributions.emissions.symbols": ("observed_statistics", "log_prior", "start", "maximize", "checked"),
    "distributions.exponential_family.dispersion": ("Bernoulli", "Binomial", "Poisson", "Gaussian", "Gamma", "outcomes"),
    "distributions.exponential_family.layers": (
        "Layer", "Bernoulli", "Poisson", "Gaussian", "Exponential", "Normal", "Gamma", "Beta", "Categorical"),
    "distributions.exponential_family.mixed": ("*",),
    "distributions.exponential_family.vectors": ("Categorical", "Gaussian", "Gamma", "Dirichlet", "Beta"),
    "distributions.heavy_tailed": ("*",),
    "distributions.noising": ("Schedule", "LogLinear", "Exploding", "Cosine", "Pieces", "reversal", "check"),
    "distributions.rounding": ("*",),
    "distributions.sources": ("*",),
    "dynamics.quasi_geostrophic": ("field", "currents_and_vorticity", "divergence"),
    "inference.assimilation.searches": ("halved",), "inference.assimilation.problems": ("check_window",),
    "inference.discrete.updates": ("*",), "inference.discrete.results": ("ImpossibleError",),
    "inference.ensemble": ("stochastic_update", "sqrt_update"),
    "inference.kalman.adjoint": ("*",), "inference.kalman.batches": ("*",), "inference.kalman.growth": ("*",),
    "inference.kalman.guards": ("*",), "inference.kalman.problem": ("*",), "inference.kalman.reference": ("*",),
    "inference.kalman.roots": ("*",), "inference.kalman.updates": ("*",),
    "inference.mcmc.samplers": ("leapfrog",),
    "inference.modes.coordinates": ("compiled",),
    "inference.modes.costs": ("*",),
    "inference.particles.models": ("example",),
    "inference.nonlinear.lines": ("tangent", "nearest_line", "observed"), "inference.nonlinear.rules": ("Rules",),
    "inference.recursions": ("*",),
    "inference.trees.clusters": ("ClusterGraph", "heaviest_tree", "runs_through", "checked_rules", "checked_factors"),
    "inference.trees.information_form": (
        "sizes", "entries", "product", "sum_out", "max_out", "observe", "check_value", "total", "rescale", "blend", "distance", "value", "best", "draw"),
    "inference.trees.propagation": ("send", "believe", "pass_messages"),
    "inference.trees.tables": (
        "sizes", "entries", "product", "sum_out", "max_out", "observe", "check_value", "total", "rescale", "blend", "distance", "value", "best", "draw", "log_sum"),
    "inference.variational.transforms": ("*",),
    "learning.codes.ans": ("push", "pop", "check_stack"),
    "learning.bijections.autoregressive": ("*",), "learning.bijections.composition": ("*",), "learning.bijections.couplings": ("*",),
    "learning.bijections.inverse": ("*",), "learning.bijections.linear": ("*",), "learning.bijections.passages": ("*",),
    "learning.bijections.planar": ("*",), "learning.bijections.radial": ("*",), "learning.bijections.splines": ("*",),
    "learning.differentiation.derivatives": ("dot",), "learning.differentiation.matrices": ("*",),
    "learning.differentiation.rules": ("*",), "learning.differentiation.tape": ("*",),
    "learning.learned_motion.steps": ("walk", "walk_back", "step", "step_back"),
    "learning.learned_motion.terms": ("*",),
    "learning.moments": ("*",),
    "learning.networks.circle": ("Convolution", "Fourier", "windows", "forward", "backward", "check", "check_circle"),
    "learning.networks.feedforward": ("run", "run_back", "check_layers", "inputs"),
    "learning.networks.layers": ("*",),
    "learning.networks.outputs": ("*",),
    "learning.networks.recurrent": ("run", "run_back", "check", "sequences"),
    "learning.objectives.denoising": ("*",),
    "learning.objectives.scores": ("along",),
    "learning.optimization.batches": ("Dealer",),
    "learning.optimization.errors": ("*",), "learning.optimization.interrupts": ("*",),
    "learning.optimization.methods": ("*",),
    "learning.optimization.schedules": ("rate_at",),
    "learning.optimization.states": ("generator",),
    "learning.parameters": ("*",),
    "learning.quasi_newton": ("bfgs",),
    "learning.regression.links": ("*",), "learning.regression.scoring": ("*",), "learning.regression.separation": ("*",),
    "models.static.gaussian_codes": ("fold",), "models.static.factor_analysis": ("residual_variances",),
    "learning.relative": ("gradient", "newton_direction", "best_scales", "nearest_rotation"),
}  # fmt: skip
SAYS_SO = re.compile(r"building block|\btrust|\bnot checked|\bunchecked|has checked", re.IGNORECASE)

#: Records that the library makes and nobody fills in by hand: checked as a whole, not number by number.
MADE = (generalized.Fit, softmax.Fit, gamma_shape.Line, Sea, ClusterGraph, Beliefs, Factor, Model, State, LogLinear, Exploding, Cosine, Pieces)

#: What a function is handed and does not read, or may be missing.
UNREAD = {
    "inference.discrete.sequences": {
        "smooth": {"filtered.log_likelihoods"}, "sample": {"filtered.log_likelihoods"},
        "pair_posteriors": {"filtered.log_likelihoods", "smoothed.pair_sums"},
    },
    "inference.assimilation.latent_space": {name: {"window.model_error"} for name in ("latent_cost", "latent_gradient", "latent_curvature", "latent")},
    "inference.assimilation.strong_constraint": {name: {"window.model_error"} for name in ("strong_cost", "strong_gradient", "strong")},
    "inference.assimilation.two_levels": {"parameter_gradient": {"window.model_error"}},
    "inference.assimilation.control_variable": {name: {"window.model_error", "window.background.covariance"} for name in ("preconditioned", "preconditioned_slope")},
    "learning.networks.circle": {"check_circle": {"layers.weights", "layers.biases", "layers.real", "layers.imaginary"}},
    "learning.networks.feedforward": {"check_layers": {"params.weights"}, "inputs": {"weights"}},
    "learning.networks.recurrent": {"check": {"params.input"}, "sequences": {"weights"}},
    "inference.kalman.health": {"innovations": {"filtered.means", "filtered.covariances", "filtered.log_likelihoods"}},
    "inference.nonlinear.passes": {name: {"filtered.log_likelihoods"} for name in ("smooth", "innovations")},
    "inference.particles.smoothing": {"smooth": {"filtered.ancestors", "filtered.log_likelihoods"}, "sample_paths": {"filtered.ancestors", "filtered.log_likelihoods"}},
    "distributions.emissions.gaussians": {"Gaussians.observed_statistics": {"self.covariances"}, "Gaussians.log_prior": {"self.means"}},
    "distributions.emissions.poissons": {"Poissons.sample": {"self.rates"}},
    "distributions.emissions.symbols": {"Symbols.sample": {"self.probabilities"}},
    "inference.assimilation.problems": {"trajectory": {"window.background.mean", "window.background.covariance", "window.look", "window.noise", "window.y", "window.model_error"}},
    "learning.regression.autoregression": {"forecast": {"params.covariance"}},
}  # fmt: skip
#: Attacks that are none after all, by module and function (``*`` for all): pairs of a place and an attack.
RIGHT = {
    "learning.objectives.schedules": {"*": {("scores", "longer *"), ("y", "longer *")}},        # of pieces, and of data for the caller's own draws
    # A function of any number of variables takes any number of axes.
    "inference.markov_graphs": {"interactions": {("logs", "one axis *")}},
    # NaN is how a missing observation is written.
    **{f"inference.{name}": {"*": {("y", "no number"), ("window.y", "no number"), ("squares", "no number"), ("series", "no number"), ("degrees", "fraction"), ("start", "empty")}}
       for name in ("kalman.passes", "kalman.health", "ensemble", "particles.updates", "particles.passes", "particles.resampling", "particles.smoothing", "particles.models", "mcmc.samplers", "mcmc.chains", "mcmc.few_states", "mcmc.diagnostics", "assimilation.control_variable", "assimilation.latent_space",
                    "assimilation.strong_constraint", "assimilation.weak_constraint", "assimilation.two_levels")},
    **{f"inference.nonlinear.{name}": {"*": {("y", "no number"), ("*", "times 1e300")}} for name in ("lines", "passes", "differences")},   # the curve's own error, at x
    **{f"distributions.emissions.{name}": {"*": {("y", "no number")}} for name in ("gaussians", "poissons", "symbols")},
    # Shapes that broadcast, by what the function says of itself.
    "distributions.exponential_family.dispersion": {"log_density": {("*", "one long *"), ("*", "empty")}},
    # No lid, no limit.
    "dynamics.quasi_geostrophic": {"sea": {("radius", "infinite")}},
    # What it makes is checked when it is called; a limit may be infinite.
    "inference.reverse_diffusion": {"*": {("largest", "infinite"), ("emission.matrix", "longer *")}},
    # Any text is a name.
    "inference.trees.information_form": {"*": {("*", "unknown")}},
    # A program may have its own use for NaN (a missing datum) and infinity; None is a field that is not there.
    "learning.differentiation.derivatives": {"*": {("at", "infinite"), ("at", "no number"), ("at", "None")}},
    # A spelling of NumPy's: "f" is float32.
    "learning.networks.initialization": {"start": {("dtype", "*")}},
    "learning.networks.recurrent": {"start": {("dtype", "*")}, "backward": {("*", "times 1e300")}},
    # Gradients at numbers that overflow are NaN, which ends a run with DivergedError.
    "learning.networks.feedforward": {"backward": {("*", "times 1e300")}},
    "learning.networks.circle": {"run_back": {("*", "times 1e300"), ("fields", "longer in axis 2")}},
    # The walker's shape is its model's affair; the weights say what overflows, by the weights' name.
    "learning.objectives.annealed_importance": {"*": {("states", "times 1e300"), ("states", "one axis *")}},
    # One more candidate that is not the best changes nothing; what is impossible costs infinitely many bits.
    "learning.objectives.info_nce": {"accuracy": {("scores", "longer in axis 1")}},
    "learning.objectives.information": {"bits": {("nats", "infinite")}},
    "learning.objectives.noise_contrastive": {"covariance": {("ratio", "infinite"), ("scores", "longer in axis 1")}, "fit": {("*", "times 1e300")},
                                              "*": {("*", "empty"), ("y", "*")}},
    # The model's own words about its data and parameters.
    "learning.objectives.contrastive": {"*": {("chains", "*")}},
    "learning.objectives.tempering": {"*": {("ladder", "*")}},
    "learning.objectives.scores": {name: {("x", "*"), ("network*", "*")} for name in ("implicit_loss", "sliced_loss", "Matching.loss", "Matching.value_and_gradient")},
    "learning.em": {"*": {("params*", "*"), ("y", "times 1e-300")}},
    "learning.learned_motion.steps": {"pull_back": {("path*", "list")}},      # a path is what `run` made
    # It takes the rows that it is asked for.
    "learning.parameters": {"rows": {("y", "longer *"), ("y", "one axis fewer")}},
    # The target's, or the model's, own functions take the data and the parameters.
    "inference.variational.black_box": {"*": {("y", "*"), ("params.mean", "times 1e300")}},
    "inference.variational.stochastic": {"iterate": {("params*", "*"), ("y", "*")}},
}  # fmt: skip

#: Models hand their arrays on to rooms that name them otherwise (an ``x``, a ``scores``): what is misshapen is refused
#: there, though not always by the model's own word for it.
NAMELESS = ("models.",)
_START = {("y", "longer *")}                                  # only the kind and the width of the data are asked for
_GAPS = {("y", "no number")}                                  # NaN is how a missing observation is written
#: What learning descends: a loss or a gradient at parameters that overflow is no number, which ends a run with DivergedError.
_DESCENT = {name: {("params*", "times 1e300"), ("numbers", "times 1e300")}
            for verb in ("loss", "gradient", "value_and_gradient") for name in (verb, f"Under.{verb}", f"Local.{verb}")}
_MODELS = {
    **{f"models.deep.{name}": {**_DESCENT, "start": _START} for name in ("diffusion", "discrete_vae", "flow", "flow_vae", "vae")},
    **{f"models.dynamical.{name}": {**_DESCENT, "*": _GAPS, "start": _START | _GAPS}
       for name in ("deep_markov", "universal", "lgssm", "hmm", "learned_transition")},
}  # fmt: skip
RIGHT |= _MODELS | {
    "models.dynamical.kalman_vae": {**_DESCENT, "start": _START, "refit": {("y", "longer *")}},
    "models.dynamical.normalizing_kalman": {"*": _GAPS, "iterate": {("descents", "*"), ("refits", "*")}, "start": _START | {("state_space*", "longer *")}, "refit": {("y", "longer *")} | _GAPS},
    "models.discriminative.recurrent_network": {"continuation": _START},
    "models.dynamical.state_space": {"bearings": {("observers", "longer *")}},
    "models.static.factor_analysis": {"*": _GAPS}, "models.static.ppca": {"*": _GAPS},
    "models.static.kmeans": {"start": _START},
    **{f"inference.assimilation.{name}": {"*": {("window.y", "no number")}} for name in ("control_variable", "latent_space", "strong_constraint", "two_levels")},
    "models.undirected.harmonium": {"checked": {("name", "*")}, "heated": {("params", "*")}},
}  # fmt: skip
UNREAD |= {
    "models.dynamical.hmm": {"pair_posteriors": {"params.initial", "params.emission.means", "params.emission.covariances", "found.pair_sums", "found.filtered.log_likelihoods"}},
    "models.static.gaussian_codes": {"maximize": {"statistics.params.dictionary", "options"}, "relative_gradient": {"params.dictionary"}},
    "models.static.sparse_coding": {"expected_statistics": {"options"}},
    "models.static.factor_analysis": {"residual_variances": {"statistics", "loadings"}},
    "models.static.gmm": {"Labeled.maximize": {"self.labels"}},
    "models.undirected.dbn": {"replace_top": {"params.top.weights", "params.top.hidden.biases", "params.top.visible.biases"}},
    "models.deep.discrete_vae": {name: {"params.recognition.weights"} for name in ("sample", "decode")},
    "models.deep.flow_vae": {"sample": {"params.recognition.weights"}},
    "models.deep.vae": {**{name: {"params.recognition.weights"} for name in ("sample", "decode")}, "decode_slopes": {"params.recognition.weights", "params.log_noise"}},
}  # fmt: skip


def modules(rooms=ROOMS):
    """The public modules of the rooms: their names behind ``pedagogy_lib.``, and themselves. A model in several files is one."""
    for room in rooms:
        package = import_module(f"pedagogy_lib.{room}")
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            name = one.name.removeprefix("pedagogy_lib.")
            wanted = name.count(".") == 2 if room == "models" else not one.ispkg
            if wanted and not re.search(r"\._", name):
                yield name, import_module(one.name)


def public(module):
    """The public functions of a module, and the public methods of its classes, by their names."""
    for name, found in vars(module).items():
        home = getattr(found, "__module__", None) or ""
        if name.startswith("_") or not (home == module.__name__ or home.startswith(f"{module.__name__}.")):
            continue
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found):
            for method, kind in vars(found).items():
                if not method.startswith("_") and not isinstance(kind, property):
                    bound = getattr(found, method) if isinstance(kind, (classmethod, staticmethod)) else kind
                    if inspect.isfunction(bound) or inspect.ismethod(bound):
                        yield f"{name}.{method}", bound


def is_block(module, name):
    """Whether a name is on the table of building blocks: itself, its class, its method, or its whole module."""
    listed = BLOCKS.get(module, ())
    return bool({"*", name, *name.split(".")} & set(listed))


def unread(module, name):
    return UNREAD.get(module, {}).get(name, set())


for _module, _name, _pair in (
    ("models.static.gaussian_codes", "fold", ("*", "one long *")),             # entry by entry
    # NumPy before 2.3 multiplies strided arrays in another order. A code near the kink of its energy feels that, and so
    # does a gradient that is zero but for rounding.
    *(("models.static.gaussian_codes", verb, ("params.dictionary", "strided")) for verb in ("posterior", "expected_statistics", "natural_gradient")),
    ("models.static.ica", "Under.gradient", ("params.unmixing", "strided")),
    # Two dice of three sides have as many logits as three of two: nothing in the networks tells them apart.
    *(("models.deep.discrete_vae", verb, ("params.source", "transposed")) for verb in ("sample", "recognize", "loss", "value_and_gradient", "exact_value_and_gradient", "log_marginal")),
):  # fmt: skip
    RIGHT.setdefault(_module, {}).setdefault(_name, set()).add(_pair)


def right(module, name):
    found = RIGHT.get(module, {})
    return found.get(name, set()) | found.get("*", set())
