"""The experiments of chapters/06-latent-variables/6.3.2-bits-back.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.learning import em
from pedagogy_lib.learning.codes import ans, bits_back
from pedagogy_lib.models.static import gmm


def test_6_3_2_d_the_stack_must_be_sampled_from():
    flipper = data.penguins().values[:, 2]
    begun = gmm.Parameters(np.full(3, 1 / 3), np.array([[185.0], [195.0], [215.0]]), np.full((3, 1, 1), 60.0))
    three = em.fit(gmm, begun, flipper[:, None], tolerance=1e-6).params
    source, bins = Categorical(three.weights), (flipper - 170).astype(int)
    emission = bits_back.discretized(three.means[:, 0], three.covariances[:, 0, 0], np.arange(170.5, 232))
    posterior = categorical.invert(source, emission).probabilities
    vague = posterior**0.25 / (posterior**0.25).sum(0)
    surprisal = np.log2(vague.T) - np.log2(emission.probabilities * three.weights)
    predicted = (vague.T * surprisal)[bins].sum()

    def of_equal_totals(code, recognition):
        return code._replace(recognition=[ans.frequencies(column, ans.TOTAL) for column in recognition.T])

    own = bits_back.model(source, emission, Table(vague))
    same, exact = of_equal_totals(own, vague), of_equal_totals(own, posterior)
    net, right = {"own": [], "same": [], "exact": []}, []
    for lent in (np.random.default_rng(0).bytes(400), bytes(400), data.gettysburg().encode()):
        stack = ans.stack_of(lent)
        for name, code in (("own", own), ("same", same), ("exact", exact)):
            sent = bits_back.encode(code, bins, stack)
            back = bits_back.decode(code, len(bins), sent)
            net[name].append(ans.length(sent) - ans.length(stack))
            right.append(back.observations == bins.tolist() and ans.data_of(back.stack) == lent)
    hold(
        "6.3.2-d",
        predicted=predicted,
        own_total=np.mean(net["own"]),
        scatter=np.abs(np.array(net["own"]) / predicted - 1).max(),
        same_total=np.mean(net["same"]),
        posterior=np.mean(net["exact"]),
        received=np.mean(right),
    )
