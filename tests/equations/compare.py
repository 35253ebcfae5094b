"""How an equation is tested: as printed it must hold, and perturbed it must not."""

import numpy as np


def assert_only_as_printed(left, right, *perturbed, rtol=1e-9, atol=0.0):
    """Both sides of an equation agree, and each perturbed right-hand side disagrees.

    ``left`` and ``right`` are numbers or arrays that were computed independently of each other.
    """
    np.testing.assert_allclose(right, left, rtol=rtol, atol=atol)
    assert perturbed, "an equation's test must show a perturbed equation failing"
    for number, wrong in enumerate(perturbed):
        assert not np.allclose(wrong, left, rtol=rtol, atol=atol), f"perturbation {number} was not noticed"


def assert_frequencies(counts, probabilities, *perturbed, z=5.0):
    """Counts of independent outcomes are as probable as claimed; perturbed claims are refuted.

    Every count is binomial: it lies within ``z`` standard deviations of its expectation.
    """
    counts, n = np.asarray(counts, float), np.sum(counts)
    assert _largest_z(counts, n, np.asarray(probabilities)) < z
    assert perturbed, "an equation's test must show a perturbed equation failing"
    for wrong in perturbed:
        assert _largest_z(counts, n, np.asarray(wrong)) > z


def _largest_z(counts, n, p):
    deviation = np.abs(counts - n * p)
    return (deviation / np.sqrt(np.maximum(n * p * (1 - p), 1e-12))).max()
