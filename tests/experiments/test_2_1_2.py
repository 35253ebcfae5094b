"""The experiments of chapters/02-directed/2.1.2-factor-analysis.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import factor_analysis as fa


def learned(rows, k, rng):
    """The page's factor analyzer: by EM, with a prior on the noise."""
    variances = rows.var(0) + 0.1
    loadings = rng.normal(size=(64, k)) * np.sqrt(0.5 * variances / k)[:, None]
    begin = fa.Parameters(loadings, rows.mean(0), 0.5 * variances)
    return em.fit(fa, begin, rows, options=fa.Options(prior=(0.1, 10.0)), tolerance=1e-3).params


def least_sure_first(params):
    """At each step the pixel, not yet seen, whose mean has the largest variance."""
    C, _, variances = params
    S, order = np.eye(C.shape[1]), []
    for _ in range(64):
        unsure = np.einsum("dk,kl,dl->d", C, S, C)
        unsure[order] = -1
        d = int(unsure.argmax())
        spread = S @ C[d]
        S = S - np.outer(spread, spread) / (C[d] @ spread + variances[d])  # Eq. 2.27: no datum in it
        order.append(d)
    return order


def errors(params, y, order):
    """Root mean square error of the guess, after 0, 1, ... 64 pixels."""
    guesses = [fa.posterior(params, np.where(np.isin(np.arange(64), order[:n]), y, np.nan)).means for n in range(65)]
    return np.array([np.sqrt(np.mean((x @ params.loadings.T + params.offset - y) ** 2)) for x in guesses])


def test_2_1_2_e_where_to_look_next():
    rng = np.random.default_rng(0)
    known, unseen = np.split(data.digits().values, [1500])
    params = learned(known, 20, rng)
    chosen_order = least_sure_first(params)
    chosen = errors(params, unseen, chosen_order)
    random = np.mean([errors(params, unseen, rng.permutation(64)) for _ in range(10)], 0)
    hold(
        "2.1.2-e",
        as_five=np.sum(random > chosen[5]),
        as_ten=np.sum(random > chosen[10]),
        corners=min(chosen_order.index(d) + 1 for d in (0, 7, 56, 63)),
    )
