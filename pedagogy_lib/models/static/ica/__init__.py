"""Independent-components analysis (ICA): observations are mixtures of independent sources.

::

    p(x) = prod_k exp(-E_k(x_k)) / Z_k         sources: K of them, not Gaussian
    y    = C x + m                             observations: K of them, no noise; D = C^-1

Read from y to x, the same model is a discriminative one: unmix by x = D (y - m), squash each output
by its distribution function psi_k, z_k = psi_k(x_k), and make the entropy of z as large as possible
(InfoMax). Both readings have one loss,

    L = <sum_k E_k(X_k) + log Z_k> - log |det D|    =    H[Y] - H[Z].

There is no ``posterior`` and no ``recognize``: the mixing is invertible and without noise, so that
given y there is only one x, which `unmix` returns.

Everywhere ``source`` is the density that the sources are supposed to have, one of
`pedagogy_lib.distributions.sources` or an object of your own, ``params`` are `Parameters`, and ``y``
has shape (N, K). With the logistic density, the default, psi is the logistic function. Wider
observations are brought to K columns by `pedagogy_lib.learning.unmixing.whiten`.

===========  ======================================================================
`model`      what the book prints: both readings, the loss and its gradient
`methods`    natural gradient, quasi-Newton and FastICA, a step at a time
`fitting`    a method run to its end; a density chosen for each source
===========  ======================================================================

References
----------
Section 5.2.1, Eqs. 5.22-5.28; section 9.1, Eqs. 9.1-9.5. A.J. Bell and T.J. Sejnowski (1995), "An
information-maximization approach to blind separation and blind deconvolution".
"""

from pedagogy_lib.models.static.ica.fitting import Fit, adapt, fit, fit_adapted, iterate
from pedagogy_lib.models.static.ica.methods import Step, fastica, natural_gradient, quasi_newton
from pedagogy_lib.models.static.ica.model import (
    Parameters,
    Sample,
    Under,
    gradient,
    log_marginal,
    loss,
    sample,
    squash,
    start,
    unmix,
)

__all__ = [
    "Fit",
    "Parameters",
    "Sample",
    "Step",
    "Under",
    "adapt",
    "fastica",
    "fit",
    "fit_adapted",
    "gradient",
    "iterate",
    "log_marginal",
    "loss",
    "natural_gradient",
    "quasi_newton",
    "sample",
    "squash",
    "start",
    "unmix",
]
