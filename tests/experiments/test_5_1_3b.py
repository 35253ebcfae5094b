"""The experiments of chapters/05-discriminative/5.1.3b-backpropagation-through-time.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.learning import optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.discriminative import recurrent_network as rnn


def echo(lag, sequences=200, T=24):
    bits = np.random.default_rng(0).integers(2, size=(sequences, T))
    late = np.roll(bits, lag, axis=1)
    late[:, :lag] = 0
    return rnn.Pairs(np.eye(2)[bits], np.eye(2)[late])


def end(lag, gain):
    """Return the loss at the end of learning, where a network that remembers no bit has one."""
    pairs = echo(lag)
    start = rnn.start(pairs, 12, outputs.Categorical, np.random.default_rng(1))
    recurrent = start.hidden.recurrent._replace(weights=gain * start.hidden.recurrent.weights)
    start = start._replace(hidden=start.hidden._replace(recurrent=recurrent))
    rng, method = np.random.default_rng(0), optimization.Adam(0.02)
    losses = optimization.run(rnn, start, pairs, rng, method=method, batch_size=50, iterations=400).losses
    return np.median(losses[-20:]) / ((1 - lag / 24) * np.log(2))


def test_5_1_3b_e_how_long_an_echo():
    hold(
        "5.1.3b-e",
        short_faint=end(6, 0.5),
        long_faint=end(10, 0.5),
        long=end(10, 0.9),
        long_strong=end(10, 1.3),
        longest=min(end(12, gain) for gain in (0.9, 1.0, 1.3)),
    )
