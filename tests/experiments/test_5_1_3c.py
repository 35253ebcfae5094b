"""The experiments of chapters/05-discriminative/5.1.3c-a-text-letter-by-letter.ipynb."""

import re
from string import ascii_lowercase

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import optimization
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.discriminative import recurrent_network as rnn

SYMBOLS = " " + ascii_lowercase
TEXT = re.sub("[^a-z]+", " ", " ".join(data.alice()).lower()).strip()
BOOK = np.eye(27, dtype=np.float32)[[SYMBOLS.index(letter) for letter in TEXT]]
READ, REST = np.split(BOOK, [len(BOOK) * 9 // 10])


def bits(length):
    """Return the bits per letter of the rest, for a network that learned from pieces of so many letters."""
    n = (len(READ) - 1) // length
    y, x = (part.reshape(n, length, 27) for part in (READ[: n * length], READ[1 : n * length + 1]))
    pieces = rnn.Pairs(y, x)
    start = rnn.start(pieces, 64, outputs.Categorical, np.random.default_rng(0))
    rng, method = np.random.default_rng(1), optimization.Adam(0.01)
    params = optimization.run(
        rnn, start, pieces, rng, method=method, batch_size=2500 // length, iterations=500
    ).params
    return -float(rnn.log_conditional(params, rnn.Pairs(REST[None, :-1], REST[None, 1:])).mean()) / np.log(2)


def test_5_1_3c_e_how_long_the_pieces():
    hold("5.1.3c-e", five=bits(5), ten=bits(10), fifty=bits(50), two_hundred=bits(200))
