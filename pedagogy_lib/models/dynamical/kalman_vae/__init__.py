"""Variational autoencoder for films: each picture has a code, and the codes move as a state-space model says.

::

    z_t      ~ linear-Gaussian state-space model, K numbers         `lgssm`
    a_t      = the first C of them, the code of picture t
    y_t|a_t  from the emission network

    recognition:   q(z_1 ... z_T) proportional to p(z_1 ... z_T) prod_t N(r(y_t); a_t, S)

The recognition network r looks at one picture and reads a code off it, with noise of variance S. With the
readings in the place of observations, q is what the Kalman smoother returns: each picture is understood with
the help of those before and after it, and one that is missing has no reading. Where pictures are linear and
Gaussian, q is the exact posterior.

The parts are learned in turn, `iterate`: the networks and S by the gradient of the bound, `value_and_gradient`;
the state-space model by EM on the readings, `refit`, because with q held the bound depends on it through an
expected complete log-likelihood alone.

``maximize`` is missing: no sum over the films solves for the networks. In `loss` and its gradient ``y`` has shape
(B, T, D), films of one length with no picture missing, because then all of them share one matrix, that of the
smoother written as a linear map; one film may lack pictures in `posterior`.

===========  ======================================================================
`model`      two networks and how codes move; films drawn from them
`inference`  the smoother, with the recognition network's readings for observations
`film`       the codes of a film as one long Gaussian vector
`learning`   the bound and its gradient, and EM steps in between
===========  ======================================================================

References
----------
Sections 2.2.2, 7.4 and 8.2; `state_estimation_4dvar`, "Deep Markov models". M.J. Johnson et al. (2016), "Composing
graphical models with neural networks"; M. Fraccaro et al. (2017), "A disentangled recognition and nonlinear dynamics
model", the Kalman variational autoencoder; R.G. Krishnan, U. Shalit and D. Sontag (2017), structured inference.
"""

from pedagogy_lib.models.dynamical.kalman_vae.inference import log_marginal, posterior, recognize
from pedagogy_lib.models.dynamical.kalman_vae.learning import Turn, iterate, loss, refit, value_and_gradient
from pedagogy_lib.models.dynamical.kalman_vae.model import Parameters, Sample, decode, sample, start

__all__ = [
    "Parameters",
    "Sample",
    "Turn",
    "decode",
    "iterate",
    "log_marginal",
    "loss",
    "posterior",
    "recognize",
    "refit",
    "sample",
    "start",
    "value_and_gradient",
]
