"""The experiments of chapters/10-energy-based/10.1b-infonce.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.data import images
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.regression import softmax
from pedagogy_lib.models.deep import contrastive_encoder as encoder


def scraps(pictures, shift, n, seed):
    found = images.views(pictures, 16, shift, n, np.random.default_rng(seed))
    return found.which, encoder.Pairs(*(images.standardize(rows).astype(np.float32) for rows in found[1:]))


def test_10_1b_e_wrong_candidates_in_learning():
    photographs = data.photographs().astype(float)
    photographs = (photographs - photographs.mean((1, 2), keepdims=True)) / photographs.std((1, 2), keepdims=True)
    left, right = photographs[:, :, :160], photographs[:, :, 160:]
    (_, pairs), (_, new) = scraps(left, 6, 40_000, 0), scraps(right, 6, 16 * 128, 3)
    (labels, labeled), (truth, asked) = scraps(left, 0, 600, 10), scraps(right, 0, 3000, 11)

    def learn(batch, seen=96_000):
        rng = np.random.default_rng(0)
        begin = encoder.start(pairs, (128, 64), networks.Rectified, 16, rng)
        method = optimization.Adam(optimization.cosine(0.003, seen // batch))
        return optimization.run(
            encoder, begin, pairs, rng, method=method, batch_size=batch, iterations=seen // batch
        ).params

    def proved(params):
        games = [encoder.Pairs(*(rows[i : i + 128] for rows in new)) for i in range(0, 16 * 128, 128)]
        return np.mean([encoder.information(params, game) for game in games])

    def readout(params):
        features, others = (encoder.encode(params, each.first).astype(float) for each in (labeled, asked))
        mean, deviation = features.mean(0), features.std(0)
        fit = softmax.fit((features - mean) / deviation, labels, 3, penalty=0.005)
        return np.mean(softmax.probabilities(fit, (others - mean) / deviation).argmax(1) == truth)

    by_8, by_32, by_512 = learn(8), learn(32), learn(512)
    hold(
        "10.1b-e",
        readout_8=readout(by_8),
        readout_512=readout(by_512),
        proved_32=proved(by_32),
        proved_512=proved(by_512),
    )
