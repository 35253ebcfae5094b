"""The experiments of chapters/03-undirected/3.1-the-harmonium.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import optimization
from pedagogy_lib.learning.objectives import contrastive
from pedagogy_lib.models.undirected import harmonium


def learned(train, coins, rng, steps=6000):
    """The page's harmonium, with another number of hidden coins."""
    begun = harmonium.rbm(train, coins, rng)
    rates = optimization.cosine(0.2, steps)
    stream = contrastive.iterate(harmonium, begun, train, rng, rates, chains=train[:100], batch_size=100)
    return contrastive.last(stream, steps).params


def completed(params, y, hole, rng, chains=8, sweeps=120, heat=40):
    """The mean of the missing pixels over Gibbs chains, in which those that are seen are put back."""
    seen = np.repeat(y, chains, 0)
    state, total = np.where(hole, rng.random(seen.shape) < 0.5, seen).astype(float), 0.0
    for sweep in range(sweeps):
        x = params.hidden.draw(harmonium.posterior(params, state).natural, rng)
        likely = harmonium.emission(params, x)
        state = np.where(hole, params.visible.draw(likely.natural, rng), seen)
        total = total + (likely.means if sweep >= heat else 0.0)
    return total.reshape(len(y), chains, -1).mean(1) / (sweeps - heat)


def test_3_1_e_holes():
    rng = np.random.default_rng(0)
    ink = rng.permutation((data.digits().values >= 8).astype(float))
    train, test = ink[:1500], ink[1500:]
    holes = {}
    for width in (2, 4, 6):
        hole = np.zeros((8, 8), bool)
        hole[4 - width // 2 : 4 + width // 2, 4 - width // 2 : 4 + width // 2] = True
        holes[width] = hole.ravel()

    def right(params, width):
        guess = completed(params, test, holes[width], rng) > 0.5
        return (guess == test)[:, holes[width]].mean()

    few, many = learned(train, 8, rng), learned(train, 64, rng)
    hold(
        "3.1-e",
        majority=((train.mean(0) > 0.5) == test)[:, holes[4]].mean(),
        middle_8=right(few, 4),
        middle_64=right(many, 4),
        gain_small=right(many, 2) - right(few, 2),
        small_64=right(many, 2),
        gain_large=right(many, 6) - right(few, 6),
        large_64=right(many, 6),
    )
