"""The experiments of chapters/05-discriminative/5.1.3a-networks-and-backpropagation.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import networks, optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.discriminative import network

WIDTHS = {1: (133,), 2: (18, 18), 3: (13, 13, 13), 6: (8,) * 6}  # about 400 parameters each
FOLD = (
    networks.Rectified(np.ones((2, 1)), np.array([0.0, -0.5])),
    networks.Linear(np.array([[2.0, -4.0]]), np.zeros(1)),
)


def scaled(values):
    return (values - values.mean()) / values.std()


def errors(pairs, depth, rng, starts=10, steps=2000):
    """Root mean square error on what was learned, for each random start."""
    found = []
    for _ in range(starts):
        begin = network.start(pairs, WIDTHS[depth], networks.Rectified, outputs.Gaussian, rng)
        first = begin.layers[0]._replace(biases=0.5 * rng.standard_normal(WIDTHS[depth][0]))
        begin = network.Parameters((first, *begin.layers[1:]))
        learned = optimization.run(network, begin, pairs, rng, method=optimization.Adam(0.01), iterations=steps).params
        found.append(np.sqrt(np.mean((network.predict(learned, pairs.inputs) - pairs.outputs) ** 2)))
    return np.array(found)


def test_5_1_3a_e_deep_or_wide():
    rng = np.random.default_rng(0)
    places = rng.uniform(size=(200, 1))
    zigzag = network.Pairs(places, networks.forward(FOLD * 3, places).output)
    oil = data.crude_oil()
    days, price = (oil.days[::5] - oil.days[0]).astype(float), oil.values[::5]
    dollars = network.Pairs(scaled(days)[:, None], scaled(price)[:, None])
    wide, deep = errors(zigzag, 1, rng), errors(zigzag, 3, rng)
    wide_price, deep_price = (price.std() * errors(dollars, depth, rng) for depth in (1, 6))
    hold(
        "5.1.3a-e",
        wide_best=wide.min(),
        wide_median=np.median(wide),
        deep_best=deep.min(),
        deep_median=np.median(deep),
        wide_price=np.median(wide_price),
        deep_price=np.median(deep_price),
    )
