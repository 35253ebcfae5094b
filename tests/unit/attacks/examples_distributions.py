"""Examples of the functions of `distributions` and `dynamics`, as they should be called."""

import numpy as np
from attacks.machinery import SEED

from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.distributions.emissions import Gaussians, Poissons, Symbols
from pedagogy_lib.distributions.exponential_family import dispersion, vectors
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.distributions.gumbel_softmax import GumbelSoftmax
from pedagogy_lib.dynamics import fields
from pedagogy_lib.dynamics.quasi_geostrophic import sea

RNG = np.random.default_rng(0)
X3, ROWS = RNG.normal(size=3), RNG.normal(size=(4, 3))
GAUSS = Gaussian(X3, np.eye(3) + 0.2)
AFFINE = AffineGaussian(RNG.normal(size=(2, 3)), RNG.normal(size=2), np.eye(2))
TABLE, ARROW = Categorical(np.array([0.3, 0.7])), Table(np.array([[0.2, 0.5], [0.1, 0.4], [0.7, 0.1]]))
SPREAD = np.stack([np.eye(3), 2 * np.eye(3)])
BELLS = Gaussians(RNG.normal(size=(2, 3)), SPREAD)
COUNTERS, SYMBOLS = Poissons(np.array([[1.0, 2.0], [3.0, 0.5]])), Symbols(ARROW.probabilities)
COUNTS, SHOWN = RNG.poisson(2.0, size=(5, 2)).astype(float), np.array([0, 1, 2, 1, 0])
SHARES = RNG.dirichlet([1.0, 1.0], size=5)
STATES = np.array([0, 1, 1, 0])
NOISED = noised_mixture.Mixture(TABLE.probabilities, BELLS.means, SPREAD)
LEVEL, LATER = noising.Level(0.8, 0.6), noising.Level(0.5, 0.9)
SOFT = GumbelSoftmax(X3, 0.7)
SIMPLEX = RNG.dirichlet([1.0, 2.0, 3.0], size=4)
FIELD, SEA = fields.lorenz63(), sea(8)
Q64 = RNG.normal(size=64)

EXAMPLES = {
    "distributions.categorical": {
        "sample": dict(distribution=TABLE, n=3, rng=SEED), "log_density": dict(distribution=TABLE, y=np.array([1, 0, 1])),
        "marginalize": dict(source=TABLE, emission=ARROW), "invert": dict(source=TABLE, emission=ARROW, y=1),
    },
    "distributions.emissions.gaussians": {
        "Gaussians.log_densities": dict(self=BELLS, y=ROWS), "Gaussians.sample": dict(self=BELLS, states=STATES, rng=SEED),
        "Gaussians.observed_statistics": dict(self=BELLS, weights=SHARES[:4], y=ROWS),
        "Gaussians.log_prior": dict(self=BELLS, prior=(np.eye(3), 1.0)),
        "Gaussians.start": dict(y=ROWS, k=2, rng=SEED), "Gaussians.checked": dict(self=BELLS),
        "GaussianStatistics.maximize": dict(self=BELLS.observed_statistics(RNG.dirichlet([1.0, 1.0], size=20), RNG.normal(size=(20, 3)))),
    },
    "distributions.emissions.poissons": {
        "Poissons.log_densities": dict(self=COUNTERS, y=COUNTS), "Poissons.sample": dict(self=COUNTERS, states=STATES, rng=SEED),
        "Poissons.observed_statistics": dict(self=COUNTERS, weights=SHARES, y=COUNTS),
        "Poissons.log_prior": dict(self=COUNTERS, prior=(1.0, 1.0)),
        "Poissons.start": dict(y=COUNTS, k=2, rng=SEED), "Poissons.checked": dict(self=COUNTERS),
        "PoissonStatistics.maximize": dict(self=COUNTERS.observed_statistics(SHARES, COUNTS)),
    },
    "distributions.emissions.symbols": {
        "Symbols.log_densities": dict(self=SYMBOLS, y=SHOWN), "Symbols.sample": dict(self=SYMBOLS, states=STATES, rng=SEED),
        "Symbols.observed_statistics": dict(self=SYMBOLS, weights=SHARES, y=SHOWN),
        "Symbols.log_prior": dict(self=SYMBOLS, prior=0.5),
        "Symbols.start": dict(y=SHOWN, k=2, rng=SEED), "Symbols.checked": dict(self=SYMBOLS),
        "SymbolStatistics.maximize": dict(self=SYMBOLS.observed_statistics(SHARES, SHOWN)),
    },
    "distributions.exponential_family.dispersion": {
        "log_density": dict(family=dispersion.Gamma(), x=np.array([1.0, 2.0]), eta=np.array([-1.0, -0.5]), dispersion=0.5),
        "sample": dict(family=dispersion.Poisson(), eta=X3, dispersion=1.0, rng=SEED),
        "outcomes": dict(family=dispersion.Poisson(), x=np.array([1.0, 2.0])),
    },
    "distributions.exponential_family.dice": {"dice": dict(sides=3)},
    "distributions.exponential_family.layers": {"binomial": dict(trials=3)},
    "distributions.exponential_family.multinomial": {"multinomial": dict(trials=3)},
    "distributions.exponential_family.vectors": {
        "log_density": dict(family=vectors.Gaussian(), x=X3, eta=np.array([0.5, -1.0])),
        "match": dict(family=vectors.Gamma(), moments=np.array([0.1, 1.5])),
    },
    "distributions.gaussian": {
        "sample": dict(distribution=GAUSS, n=3, rng=SEED), "log_density": dict(distribution=GAUSS, y=ROWS),
        "marginalize": dict(source=GAUSS, emission=AFFINE), "invert": dict(source=GAUSS, emission=AFFINE, y=np.ones(2)),
        "observed": dict(emission=AFFINE, seen=np.array([True, False])), "watch": {},
    },
    "distributions.gumbel_softmax": {
        "sample": dict(distribution=SOFT, n=3, rng=SEED), "log_density": dict(distribution=SOFT, y=SIMPLEX),
        "perturb": dict(logits=X3, n=2, rng=SEED), "harden": dict(perturbed=ROWS), "soften": dict(perturbed=ROWS, softness=0.5),
        "pull_back": dict(soft=SIMPLEX, softness=0.5, slope=ROWS),
    },
    "distributions.noised_mixture": {
        "sample": dict(mixture=NOISED, n=3, rng=SEED), "log_density": dict(mixture=NOISED, x=ROWS, level=LEVEL),
        "denoise": dict(mixture=NOISED, x=ROWS, level=LEVEL), "score": dict(mixture=NOISED, x=ROWS, level=LEVEL),
        "invert": dict(mixture=NOISED, emission=AFFINE, y=np.ones(2)),
    },
    "distributions.noising": {
        "pieces": dict(shares=np.array([0.2, 0.3, 0.5])),
        "Schedule.level": dict(self=noising.cosine(), u=0.3),
        "LogLinear.log_snr": dict(self=noising.log_linear(), u=0.3), "LogLinear.log_snr_slope": dict(self=noising.log_linear(), u=0.3),
        "Exploding.level": dict(self=noising.exploding(), u=0.3),
        "Cosine.log_snr": dict(self=noising.cosine(), u=0.3), "Cosine.log_snr_slope": dict(self=noising.cosine(), u=0.3),
        "log_linear": dict(first=9.0, last=-9.0), "exploding": dict(first=9.0, last=-9.0), "cosine": dict(first=9.0, last=-9.0),
        "check": dict(name="schedule", value=noising.cosine()), "marginal": dict(level=LEVEL, size=2),
        "transition": dict(earlier=LEVEL, later=LATER, size=2), "posterior_transition": dict(earlier=LEVEL, later=LATER, y=X3),
        "reversal": dict(earlier=LEVEL, later=LATER), "corrupt": dict(level=LEVEL, y=ROWS, rng=SEED),
    },
    "dynamics.fields": {
        "lorenz63": dict(sigma=10.0, rho=28.0, beta=2.5), "lorenz96": dict(size=5, forcing=8.0),
        "lorenz96_two_level": dict(size=4, fine=2, forcing=20.0, coupling=1.0, speed=10.0, scale=10.0),
        "pendulum": dict(frequency=1.0, damping=0.1),
        "shallow_water": dict(size=6, length=6.0, gravity=1.0, rotation=0.1, diffusion=0.1),
    },
    "dynamics.integrated_noise": {"integrated_noise": dict(order=2, interval=0.5)},
    "dynamics.multistep": {
        "tangent": dict(field=FIELD, x=X3, change=X3 + 1, dt=0.01, steps=4), "adjoint": dict(field=FIELD, x=X3, gradient=X3 + 1, dt=0.01, steps=4),
    },
    "dynamics.quasi_geostrophic": {
        "sea": dict(size=8, length=6.0, beta=0.1, radius=2.0, drag=0.1, viscosity=0.1), "field": dict(sea=SEA),
        "stream": dict(sea=SEA, q=Q64), "vorticity": dict(sea=SEA, psi=Q64), "energy": dict(sea=SEA, q=Q64), "enstrophy": dict(sea=SEA, q=Q64),
        "spectrum": dict(sea=SEA, x=Q64), "random_root": dict(sea=SEA, power=np.array([1.0, 0.5, 0.2])),
    },
    "dynamics.steppers": {
        "flow": dict(field=FIELD, x=ROWS, dt=0.01), "trajectory": dict(field=FIELD, x=X3, dt=0.01, steps=3),
        "tangent": dict(field=FIELD, x=X3, change=X3 + 1, dt=0.01), "adjoint": dict(field=FIELD, x=X3, gradient=X3 + 1, dt=0.01),
        "rule": dict(method="rk4"),
    },
}  # fmt: skip
