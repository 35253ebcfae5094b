"""The experiments of chapters/08-non-invertible/8.3a-diffusion-models.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions import noising
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import diffusion

COARSE = noising.log_linear(6.0, -6.0)


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def value_and_gradient(self, params, y, rng):
        return diffusion.value_and_gradient(params, y, rng, weight=self.weight)


def learn(y, target, weight, steps=3000):
    start = diffusion.start(y, (300, 300), networks.Rectified, target, COARSE, np.random.default_rng(1))
    method = optimization.Adam(optimization.cosine(0.002, steps))
    rng = np.random.default_rng(2)
    return optimization.run(Weighted(weight), start, y, rng, method=method, batch_size=100, iterations=steps).params


def test_8_3a_e_do_the_weights_matter():
    values, rng = data.digits().values, np.random.default_rng(0)
    order = rng.permutation(len(values))
    pixels = (2.7 * ((values + rng.random(values.shape)) / 17 - 0.3)).astype(np.float32)
    written, unseen = pixels[order[:1500]], pixels[order[1500:]]
    middle = COARSE.level(0.5)
    noisy = noising.corrupt(middle, unseen, np.random.default_rng(6))

    def bell(eta):
        return np.exp(-((eta / 4) ** 2)) / (1 + np.exp(eta))

    def distance(pictures):
        return np.sqrt(((pictures[:, None] - written) ** 2).sum(2)).min(1).mean()

    def measured(params):
        denoise = diffusion.denoiser(params)
        terms = diffusion.bound_terms(denoise, COARSE, unseen, np.random.default_rng(0), None, 20)
        drawn = diffusion.sample(params, 200, np.random.default_rng(3), steps=60).observations
        error = np.sqrt(((denoise(noisy, middle) - unseen) ** 2).mean())
        return sum(term.mean() for term in terms), error, distance(drawn)

    bound_velocity, error_velocity, far_velocity = measured(learn(written, denoising.Velocity, None))
    bound_page, error_page, far_page = measured(learn(written, denoising.Datum, bell))
    bound_datum, _, _ = measured(learn(written, denoising.Datum, None))
    hold(
        "8.3a-e",
        bound_velocity=bound_velocity,
        bound_page=bound_page,
        bound_datum=bound_datum,
        error_velocity=error_velocity,
        error_page=error_page,
        far_velocity=far_velocity,
        far_page=far_page,
        far_unseen=distance(unseen),
    )
