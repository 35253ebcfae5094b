"""The experiments of chapters/02-directed/2.1.3-sparse-coding.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.data import images
from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import sparse_coding as sc


def test_2_1_3_f_how_many_elements():
    rng = np.random.default_rng(0)
    whitened = np.stack([images.whiten(picture) for picture in data.photographs() / 255])
    known, unseen = images.patches(whitened, 8, 2000, rng), images.patches(whitened, 8, 1000, rng)
    energies, in_use = {}, {}
    for K in (16, 64, 192):
        noise = rng.standard_normal((64, K))
        params = sc.Parameters(noise / np.linalg.norm(noise, axis=0), 10.0, Laplace(4.0))
        *_, last = islice(em.iterate(sc, params, known), 40)  # 20 rounds
        x = sc.mode(last.params, unseen, tolerance=1e-6)
        energies[K], in_use[K] = sc.energy(last.params, x, unseen).mean(), (x != 0).sum(1).mean()
    hold(
        "2.1.3-f",
        energy_16=energies[16],
        energy_64=energies[64],
        energy_192=energies[192],
        in_use_16=in_use[16],
        in_use_64=in_use[64],
        in_use_192=in_use[192],
    )
