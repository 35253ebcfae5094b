"""The forward-backward algorithm of the hidden Markov model, in the textbook's alpha-gamma form.

The model is a chain of discrete states with one observation of each, of any kind::

    p(x_1)         = Categ(pi)              initial, shape (K,)
    p(x_t|x_{t-1}) = Categ(A x_{t-1})       transition, shape (K, K), columns sum to one
    p(y_t|x_t)     = anything               log_emissions, shape (T, K)

All that inference needs of the emissions is log p(y_t | x_t = k), for every t and k: these numbers
are the argument ``log_emissions``, and `pedagogy_lib.distributions.emissions` computes them. A
missing observation is a row of zeros; an observation that state k cannot emit is minus infinity.

`filter` alternates `time_update` and `measurement_update`, and normalizes after every step, so
that no number of steps can underflow (`alpha_unnormalized` shows what happens otherwise). `smooth`
walks back with `gamma_step`, and does not need the data again.

Probabilities keep their relative precision: nothing is subtracted or rounded off, zeros are exact,
and a transition of probability 1e-9 counts as 1e-9. Where the evidence is so strong that a float
cannot hold the probabilities (beyond 1e-200) and they could still matter, the same recursions run
on logarithms, which takes longer (`_logs`).

===========  ================================================================================
`updates`    the mathematics: one step of each recursion
`sequences`  `filter`, `smooth`, `viterbi`, `sample` ...: a whole sequence, arguments checked
`results`    what they return and raise
===========  ================================================================================

The passes themselves stand behind, in NumPy (`_reference`), on logarithms (`_logs`) and compiled.

References
----------
Section 2.2, Eqs. 2.36-2.40; section 2.2.1, Eqs. 2.41-2.44.
"""

from pedagogy_lib.inference.discrete._backends import BACKENDS
from pedagogy_lib.inference.discrete.results import Filtered, ImpossibleError, Path, Smoothed
from pedagogy_lib.inference.discrete.sequences import (
    alpha_unnormalized,
    filter,
    filter_and_smooth,
    pair_posteriors,
    sample,
    smooth,
    viterbi,
)
from pedagogy_lib.inference.discrete.updates import divide, gamma_step, measurement_update, time_update

__all__ = [
    "BACKENDS",
    "Filtered",
    "ImpossibleError",
    "Path",
    "Smoothed",
    "alpha_unnormalized",
    "divide",
    "filter",
    "filter_and_smooth",
    "gamma_step",
    "measurement_update",
    "pair_posteriors",
    "sample",
    "smooth",
    "time_update",
    "viterbi",
]
