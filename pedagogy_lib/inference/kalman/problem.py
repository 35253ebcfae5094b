"""What goes into the Kalman filter: arguments, checked once against each other.

Building blocks: what is here trusts its arguments, which its callers have checked.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian


class Problem(NamedTuple):
    """Checked arguments: a batch of B sequences, and the model they share.

    The initial mean has a row for each sequence, shape (B, K).
    """

    initial: Gaussian
    transition: AffineGaussian
    emission: AffineGaussian
    y: np.ndarray                   # (B, T, L)
    pushes: np.ndarray | None       # (B, T-1, K)

    def of(self, group):
        """The same problem for some of the sequences."""
        if len(group) == len(self.y):
            return self
        return self._replace(
            initial=self.initial._replace(mean=self.initial.mean[group]),
            y=self.y[group],
            pushes=None if self.pushes is None else self.pushes[group],
        )


def at(arrow, t):
    """The conditional in force at step t: of each part that changes in time, row t."""
    return type(arrow)(*(
        part[t] if part.ndim > ndim else part for part, ndim in zip(arrow, (2, 1, 2))
    ))


def checked(initial, transition, emission, y, inputs):
    """Check all arguments against each other.

    Returns
    -------
    problem : Problem
    single : bool
        Whether y was one sequence, and no batch.
    """
    checks.having("initial", initial, "mean", "covariance")
    for name, arrow in (("transition", transition), ("emission", emission)):
        checks.having(name, arrow, "matrix", "offset", "covariance")
    mean = checks.array("initial.mean", initial.mean, ("K",))
    K = len(mean)
    covariance = checks.covariance("initial.covariance", initial.covariance, K, definite=False, stack=False)
    C = checks.array("emission.matrix", emission.matrix)
    if C.ndim not in (2, 3) or C.shape[-1] != K or C.shape[-2] == 0:
        raise ValueError(
            f"emission.matrix: expected shape (L, {K}) or (T, L, {K}), "
            f"because initial.mean has length {K}, got {C.shape}"
        )
    L = C.shape[-2]
    observed = checks.observations("y", y, L, missing=True, batch=True)
    batch = observed if observed.ndim == 3 else observed[None]
    B, T = batch.shape[:2]
    if B == 0 or T == 0:
        raise ValueError(f"y: expected at least one time step, got shape {observed.shape}")
    return (
        Problem(
            Gaussian(mean[None].repeat(B, 0), covariance),
            _checked_arrow("transition", transition, K, K, T - 1),
            _checked_arrow("emission", emission, L, K, T),
            batch,
            _checked_inputs(inputs, B, T, K, observed.ndim == 3),
        ),
        observed.ndim == 2,
    )


def _checked_arrow(name, arrow, L, K, steps):
    """Check the three parts of a conditional; any of them may have a first axis of time."""
    matrix = _constant_or_varying(f"{name}.matrix", arrow.matrix, (L, K), steps)
    offset = _constant_or_varying(f"{name}.offset", arrow.offset, (L,), steps)
    covariance = _constant_or_varying(f"{name}.covariance", arrow.covariance, (L, L), steps)
    if covariance.size:
        checks.covariance(f"{name}.covariance", covariance, L, definite=False)
    return AffineGaussian(matrix, offset, covariance)


def _constant_or_varying(name, value, shape, steps):
    """An array of this shape, or with one row more of axes for every time step."""
    given = checks.array(name, value)
    if given.shape in (shape, (steps, *shape)):
        return given
    raise ValueError(
        f"{name}: expected shape {shape}, or {(steps, *shape)} if it changes in time, "
        f"got {given.shape}"
    )


def _checked_inputs(inputs, B, T, K, batch):
    """Inputs as (B, T-1, K), or None. Nothing is copied."""
    if inputs is None:
        return None
    given = checks.array("inputs", inputs)
    if given.shape != (T - 1, K) and not (batch and given.shape == (B, T - 1, K)):
        also = f" or {(B, T - 1, K)}" if batch else ""
        raise ValueError(
            f"inputs: expected shape {(T - 1, K)}{also}, one row less than y has, got {given.shape}"
        )
    return np.broadcast_to(given, (B, T - 1, K))


def refuse_varying(problem):
    """A steady state needs parameters that stay the same."""
    for name in ("transition", "emission"):
        for part, values, ndim in zip(AffineGaussian._fields, getattr(problem, name), (2, 1, 2)):
            if values.ndim > ndim and part != "offset":
                raise ValueError(
                    f"steady_state: expected parameters that do not change in time, "
                    f"got {name}.{part} of shape {values.shape}"
                )


def checked_filtered(filtered, problem, single, method):
    """Check that a given filter result belongs to these arguments."""
    checks.having("filtered", filtered, "means", "covariances", "predicted_means", "predicted_covariances", "roots")
    shape = problem.y.shape[1:2] if single else problem.y.shape[:2]
    K = problem.initial.mean.shape[1]
    if method == "sqrt" and filtered.roots is None:
        raise ValueError(
            'filtered: expected the result of filter(..., method="sqrt"), got one without roots'
        )
    checks.array("filtered.means", filtered.means, (*shape, K))
    checks.array("filtered.predicted_means", filtered.predicted_means, (*shape, K))
    for name in ("predicted_covariances", "covariances"):
        checks.array(f"filtered.{name}", getattr(filtered, name), (*shape, K, K))
    return filtered
