"""The experiments of chapters/91-time/T.9-where-did-the-wave-begin.ipynb."""

import numpy as np
from experiments import hold
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import fields
from pedagogy_lib.inference import assimilation, mcmc
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import vae

CELLS, GAUGES, ERROR = 48, [6, 24, 42], 0.02
MINUTE = assimilation.motion(fields.shallow_water(CELLS, float(CELLS)), 1.0)


def slide(place, width, height):
    """The surface after a slide, one in each row."""
    place, width, height = (np.atleast_1d(each)[:, None] for each in (place, width, height))
    return height * np.exp(-0.5 * ((np.arange(CELLS) - place) / width) ** 2)


def reports(surface, minutes=20):
    """What the three gauges see of one surface."""
    x, seen = np.concatenate([1 + surface, np.zeros(2 * CELLS)]), []
    for _ in range(minutes):
        seen.append(x[GAUGES] - 1)
        x = MINUTE.move(x)
    return np.array(seen) + ERROR * np.random.default_rng(3).standard_normal((minutes, 3))


def decoder():
    """Learned from a catalog of slides, in tenths of the depth."""
    rng = np.random.default_rng(0)
    n = 20_000
    catalog = 10 * slide(rng.uniform(10, 38, n), rng.uniform(1.5, 4, n), 0.1 * np.exp(0.4 * rng.standard_normal(n)))
    begin = vae.start(catalog, 3, (64, 64), networks.Tanh, outputs.Gaussian, np.random.default_rng(1))
    method = optimization.Adam(optimization.cosine(0.003, 4000))
    rng = np.random.default_rng(2)
    learned = optimization.run(vae, begin, catalog, rng, batch_size=256, iterations=4000, method=method).params
    still = np.zeros((2 * CELLS, 3))
    return assimilation.Decoder(
        lambda z: np.concatenate([1 + vae.decode(learned, z[None])[0] / 10, np.zeros(2 * CELLS)]),
        lambda z: np.vstack([vae.decode_slopes(learned, z) / 10, still]),
    )


def chain(bent, y, starts):
    """Search from each start; a chain with proposals about the best end; deviations by Laplace; all ends."""
    noise, look = ERROR**2 * np.eye(3), np.eye(3 * CELLS)[GAUGES]
    window = assimilation.Window(Gaussian(np.zeros(3), np.eye(3)), MINUTE, look, noise, 1 + y)
    ends = [assimilation.follow(assimilation.latent(window, bent, z), 0.01, 10).latent for z in starts]
    end = min(ends, key=lambda z: assimilation.latent_cost(window, bent, z))
    covariance = np.linalg.inv(assimilation.latent_curvature(window, bent, end))
    wider = multivariate_normal(end, 1.5 * covariance)
    propose = mcmc.independent(lambda rng: wider.rvs(random_state=rng), wider.logpdf)
    log_density = lambda z: -assimilation.latent_cost(window, bent, z)
    walk = mcmc.metropolis_hastings(log_density, propose, end, np.random.default_rng(0))
    return mcmc.collect(walk, 600), np.sqrt(covariance.diagonal()), ends


def test_T_9_e_laplace_and_a_chain():
    bent, starts = decoder(), np.random.default_rng(5).standard_normal((8, 3))
    peak = lambda z: bent.state(z)[:CELLS].argmax()
    y = reports(slide(30, 2.0, 0.14)[0])
    y[:, 1] = np.nan
    both, laplace, _ = chain(bent, y, starts)
    y = reports(slide(18, 2.0, 0.14)[0])
    y[:, [0, 2]] = np.nan
    single, _, ends = chain(bent, y, starts)
    east = np.mean([peak(z) > 24 for z in single.samples])
    hold(
        "T.9-e",
        ratio_least=(both.samples.std(0) / laplace).min(),
        ratio_most=(both.samples.std(0) / laplace).max(),
        accepted=both.acceptance,
        accepted_one=single.acceptance,
        other_side=min(east, 1 - east),
        ends_apart=np.ptp([peak(z) for z in ends]),
    )
