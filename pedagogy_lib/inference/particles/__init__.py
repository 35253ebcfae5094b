"""Particle filtering and smoothing: beliefs as weighted samples.

The state-space model is given by plain functions, of many states at once (`Model`) or of one state
(`each`; these can be compiled). A belief is N states with weights, which is a die with N sides whose
faces are states. So filtering and smoothing are those of the hidden Markov model, but for one
half-update: the time update *draws* new faces.

    ``filter``          the bootstrap filter, or a guided one
    ``moments``         the same, but the particles are forgotten
    ``smooth``          the same particles, re-weighted by the future: O(N^2) for each step
    ``sample_paths``    whole paths from the posterior, drawn backwards
    ``resample``        four ways to draw N faces in proportion to their weights

============  ====================================================================
`updates`     the mathematics: the two half-updates, one at a time
`resampling`  drawing particles in proportion to their weights
`smoothing`   new weights for the same particles, and whole paths
`models`      a model as functions of many states at once, or of one
`results`     what is returned
`passes`      `filter` and `moments`: a whole sequence, compiled where that can be
============  ====================================================================

References
----------
Section 2.2.2, "Sampling-based approaches", Eqs. 2.56-2.61. N. Gordon, D. Salmond and A. Smith
(1993); A. Doucet and A. Johansen (2009), a tutorial; S. Godsill, A. Doucet and M. West (2004),
backward simulation; P. Bunch and S. Godsill (2013), its form with Markov chains.
"""

from pedagogy_lib.inference.particles.models import Model, each, sample
from pedagogy_lib.inference.particles.passes import filter, moments
from pedagogy_lib.inference.particles.resampling import RESAMPLING, effective_size, resample
from pedagogy_lib.inference.particles.results import Filtered, MeasurementUpdate, Moments, TimeUpdate
from pedagogy_lib.inference.particles.smoothing import sample_paths, smooth
from pedagogy_lib.inference.particles.updates import Guide, steps

__all__ = [
    "RESAMPLING",
    "Filtered",
    "Guide",
    "MeasurementUpdate",
    "Model",
    "Moments",
    "TimeUpdate",
    "each",
    "effective_size",
    "filter",
    "moments",
    "resample",
    "sample",
    "sample_paths",
    "smooth",
    "steps",
]
