"""Lesson T.11, beyond the textbook: a score that is proper, and what it costs to forecast something else."""

import numpy as np
from compare import assert_only_as_printed
from scipy import integrate, stats

TRUE = stats.norm(0.4, 0.8)
TOLD = stats.norm(-0.3, 1.5)


def score(q, x):
    """CRPS of one truth, as an integral over thresholds: (Q(u) - [x <= u])^2."""
    below = integrate.quad(lambda u: q.cdf(u) ** 2, -15, x)[0]
    return below + integrate.quad(lambda u: (q.cdf(u) - 1) ** 2, x, 15)[0]


def expected(values):
    return integrate.quad(lambda x: TRUE.pdf(x) * values(x), -6, 7)[0]


def test_what_a_forecast_scores_above_the_truth_is_the_distance_of_two_curves():
    left = expected(lambda x: score(TOLD, x)) - expected(lambda x: score(TRUE, x))
    right = integrate.quad(lambda u: (TOLD.cdf(u) - TRUE.cdf(u)) ** 2, -15, 15)[0]
    densities = integrate.quad(lambda u: (TOLD.pdf(u) - TRUE.pdf(u)) ** 2, -15, 15)[0]
    areas = integrate.quad(lambda u: abs(TOLD.cdf(u) - TRUE.cdf(u)), -15, 15)[0]
    assert left > 0
    assert_only_as_printed(left, right, densities, areas, rtol=1e-5)


def test_the_two_forms_of_the_score_are_one():
    """Mean distance to the truth less half the mean distance between draws, by quadrature over both."""
    for x in (-1.0, 0.3, 2.5):
        to_truth = integrate.quad(lambda u, x=x: TOLD.pdf(u) * abs(u - x), -12, 12, points=[x])[0]
        between = 2 * 1.5 / np.sqrt(np.pi)                    # E|X - X'| of a Gaussian of deviation 1.5
        assert_only_as_printed(score(TOLD, x), to_truth - 0.5 * between, to_truth, to_truth - between, rtol=1e-6)


def test_without_the_half_a_vague_forecast_would_gain():
    """Improper scores are caught: with all of the spread taken away, or none, the truth's own forecast is not best."""
    vague, narrow = stats.norm(0.4, 1.6), stats.norm(0.4, 0.1)

    def mean_score(s, share):
        """E|X - x| - share E|X - X'|, of a forecast N(0.4, s^2): both distances are of Gaussians."""
        return np.sqrt(2 / np.pi) * np.sqrt(s**2 + 0.8**2) - share * 2 * s / np.sqrt(np.pi)

    assert mean_score(0.8, 0.5) < min(mean_score(1.6, 0.5), mean_score(0.1, 0.5))
    assert mean_score(1.6, 1.0) < mean_score(0.8, 1.0)
    assert mean_score(0.1, 0.0) < mean_score(0.8, 0.0)
    for q, s in ((vague, 1.6), (narrow, 0.1)):
        assert abs(expected(lambda x, q=q: score(q, x)) - mean_score(s, 0.5)) < 1e-4
