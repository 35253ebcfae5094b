"""The mixture for data of which some have labels: semi-supervised clustering.

References
----------
Section 5.2, "Semi-supervised clustering", which is empty in the draft.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions import Gaussians, _passes
from pedagogy_lib.models.static.gmm.inference import _posterior
from pedagogy_lib.models.static.gmm.learning import PLAIN, Statistics, maximize
from pedagogy_lib.models.static.gmm.model import _checked_pair


class Labeled(NamedTuple):
    """The mixture for data of which some have labels, as `pedagogy_lib.learning.em` takes a model.

    ``em.fit(gmm.Labeled(labels), params, y)`` is *semi-supervised* clustering. Its E step stands
    between `observed_statistics`, which it is where all have labels, and `expected_statistics`, which
    it is where none has.

    labels : array_like of int, shape (N,)
        The class of each observation, from 0; -1 where it is not known.
    weight : float
        What an observation without a label counts, where one with a label counts 1. The statistics' N
        counts them so, too.

    References
    ----------
    Section 5.2, "Semi-supervised clustering", which is empty in the draft.
    """

    labels: Any
    weight: float = 1.0

    def expected_statistics(self, params, y, options=PLAIN):
        """The E step: the posterior where no label is, certainty where one is.

        The loss is -log p(y_n) of those without a label and -log p(x_n, y_n) of those with one, averaged by weight.
        """
        params, y = _checked_pair(params, y)
        labels = _checked_labels(self.labels, len(y), len(params.weights))
        weight = checks.number("weight", self.weight, at_least=0)
        if weight == 0 and (labels < 0).all():
            raise ValueError("weight: expected more than 0 where no observation has a label, got 0")
        found = _posterior(params, y)
        r, logs, seen = found.probabilities.copy(), found.log_marginals.copy(), labels >= 0
        r[seen] = np.eye(len(params.weights))[labels[seen]]
        if seen.any():
            roots = np.linalg.cholesky(params.covariances)
            with np.errstate(divide="ignore"):
                log_joint = _passes.log_densities(y[seen], params.means, roots, "auto") + np.log(params.weights)
            logs[seen] = log_joint[np.arange(seen.sum()), labels[seen]]              # Eq. 2.6
        counted = np.where(seen, 1.0, weight)
        loss = -(counted @ logs)
        if options.prior is not None:
            loss -= Gaussians(*params[1:]).log_prior(options.prior, options.shared)
        size = counted.sum()
        sums = (total / size for total in _passes.weighted_sums(r * counted[:, None], y, "auto"))
        return Statistics(*sums, size, float(loss / size))

    def maximize(self, statistics, options=PLAIN):
        """The M step: that of the mixture."""
        return maximize(statistics, options)


def _checked_labels(labels, N, K):
    """Whole numbers from -1 to K - 1, one for each observation."""
    given = checks.numbers("labels", labels)
    if given.shape != (N,) or given.dtype.kind == "f":
        raise ValueError(f"labels: expected whole numbers, shape ({N},), got {given.dtype}, shape {given.shape}")
    if N and not -1 <= given.min() <= given.max() < K:
        raise ValueError(f"labels: expected classes from 0 to {K - 1}, or -1, got {given.min()} to {given.max()}")
    return given
