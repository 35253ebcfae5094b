"""The Gaussian and its affine-Gaussian partner, against SciPy, dense linear algebra and sampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian


def pair(seed, K=3, L=2):
    """A source and an emission at random."""
    rng = np.random.default_rng(seed)
    root, noise = rng.normal(size=(K, K)), rng.normal(size=(L, L))
    return (
        Gaussian(rng.normal(size=K), root @ root.T + 0.1 * np.eye(K)),
        AffineGaussian(rng.normal(size=(L, K)), rng.normal(size=L), noise @ noise.T + 0.1 * np.eye(L)),
    )


def dense_joint(source, emission):
    """Mean and covariance of (x, y), block by block."""
    C = emission.matrix
    cross = source.covariance @ C.T
    mean = np.concatenate([source.mean, C @ source.mean + emission.offset])
    return mean, np.block([[source.covariance, cross], [cross.T, C @ cross + emission.covariance]])


def condition(mean, covariance, y):
    """p(x|y) by dividing the joint density by the marginal: the block of the joint precision."""
    K = len(mean) - len(y)
    precision = np.linalg.inv(covariance)
    S = np.linalg.inv(precision[:K, :K])
    return mean[:K] - S @ precision[:K, K:] @ (y - mean[K:]), S


@pytest.mark.parametrize("form", ["covariance", "information"])
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), K=st.integers(1, 5), L=st.integers(1, 5))
def test_invert_is_dense_conditioning(form, seed, K, L):
    source, emission = pair(seed, K, L)
    y = np.random.default_rng(seed + 1).normal(size=L)
    mean, covariance = condition(*dense_joint(source, emission), y)
    found = gaussian.invert(source, emission, y, form=form)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.covariance, found.covariance.T, rtol=1e-10, atol=1e-12)
    assert np.linalg.eigvalsh(found.covariance).min() > 0
    # Without y it is the same distribution as a function of y.
    arrow = gaussian.invert(source, emission, form=form)
    np.testing.assert_allclose(arrow.matrix @ y + arrow.offset, found.mean, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(arrow.covariance, found.covariance)


def test_entries_that_are_not_seen_are_summed_out():
    """Draw the whole vector and look at two of its entries: the same density, by SciPy."""
    source, emission = pair(4, K=2, L=3)
    seen = np.array([True, False, True])
    mean, covariance = dense_joint(source, emission)
    kept = np.flatnonzero(np.r_[True, True, seen])
    found = dense_joint(source, gaussian.observed(emission, seen))
    np.testing.assert_allclose(found[0], mean[kept])
    np.testing.assert_allclose(found[1], covariance[np.ix_(kept, kept)])
    assert not np.allclose(found[1], dense_joint(source, gaussian.observed(emission, ~np.array([True, False, False])))[1])
    for wrong in ([True, False], [1, 0, 1], [False] * 3):
        with pytest.raises(ValueError, match="seen: expected 3 booleans, one of them true at least"):
            gaussian.observed(emission, wrong)


def test_a_wrong_gain_fails_the_same_comparison():
    source, emission = pair(3)
    y = np.array([1.0, 2.0])
    mean, _ = condition(*dense_joint(source, emission), y)
    forgot_noise = np.linalg.solve(
        emission.matrix @ source.covariance @ emission.matrix.T, emission.matrix @ source.covariance
    ).T
    wrong = source.mean + forgot_noise @ (y - emission.matrix @ source.mean - emission.offset)
    assert not np.allclose(wrong, mean, rtol=1e-3)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_turning_the_arrow_twice_gives_the_emission_back(seed):
    source, emission = pair(seed, 2, 2)
    back = gaussian.invert(gaussian.marginalize(source, emission), gaussian.invert(source, emission))
    np.testing.assert_allclose(back.matrix, emission.matrix, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(back.offset, emission.offset, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(back.covariance, emission.covariance, rtol=1e-5, atol=1e-6)


def test_marginalize_is_the_law_of_total_expectation_and_covariance():
    source, emission = pair(4)
    found = gaussian.marginalize(source, emission)
    rng = np.random.default_rng(4)
    x = gaussian.sample(source, 400_000, rng)
    noise = gaussian.sample(Gaussian(np.zeros(2), emission.covariance), 400_000, rng)
    y = x @ emission.matrix.T + emission.offset + noise
    np.testing.assert_allclose(found.mean, y.mean(0), atol=0.02)
    np.testing.assert_allclose(found.covariance, np.cov(y.T), rtol=0.02, atol=0.05)
    assert not np.allclose(emission.covariance, np.cov(y.T), rtol=0.02, atol=0.05)


def test_log_density_agrees_with_scipy():
    source, _ = pair(5)
    y = np.random.default_rng(5).normal(size=(6, 3))
    expected = multivariate_normal(source.mean, source.covariance).logpdf(y)
    np.testing.assert_allclose(gaussian.log_density(source, y), expected, rtol=1e-12)
    assert gaussian.log_density(source, y[0]) == pytest.approx(expected[0], rel=1e-12)
    assert not np.allclose(gaussian.log_density(source, y) + 1e-6, expected, rtol=1e-12)


def test_sample_has_the_moments_even_when_singular():
    covariance = np.array([[1.0, 2.0], [2.0, 4.0]])
    x = gaussian.sample(Gaussian(np.array([1.0, -1.0]), covariance), 100_000, np.random.default_rng(6))
    np.testing.assert_allclose(x.mean(0), [1, -1], atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), covariance, rtol=0.02)
    np.testing.assert_allclose(x[:, 1] + 1, 2 * (x[:, 0] - 1), atol=1e-6)
    same = gaussian.sample(Gaussian(np.array([1.0, -1.0]), covariance), 100_000, np.random.default_rng(6))
    np.testing.assert_array_equal(x, same)
    assert gaussian.sample(Gaussian(np.zeros(2), covariance), 0, np.random.default_rng(0)).shape == (0, 2)


def test_arguments_are_not_changed():
    source, emission = pair(7)
    copies = [part.copy() for part in (*source, *emission)]
    gaussian.invert(source, emission, np.zeros(2))
    gaussian.invert(source, emission, np.zeros(2), form="information")
    gaussian.marginalize(source, emission)
    for before, after in zip(copies, (*source, *emission)):
        np.testing.assert_array_equal(before, after)


def test_forms_differ_in_what_they_can_invert():
    source, emission = pair(8)
    known = source._replace(covariance=np.zeros((3, 3)))
    np.testing.assert_allclose(gaussian.invert(known, emission, [0.0, 0.0]).mean, source.mean)
    with pytest.raises(ValueError, match=r"source.covariance: expected a positive definite matrix"):
        gaussian.invert(known, emission, [0.0, 0.0], form="information")
    exact = emission._replace(covariance=np.zeros((2, 2)))
    found = gaussian.invert(source, exact, [1.0, 2.0])
    np.testing.assert_allclose(emission.matrix @ found.mean + emission.offset, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"emission.covariance: expected a positive definite"):
        gaussian.invert(source, exact, [0.0, 0.0], form="information")
    with pytest.raises(ValueError, match=r"covariance of y.*expected a positive definite"):
        gaussian.invert(known, exact, [0.0, 0.0])


SOURCE, EMISSION = pair(9)


@pytest.mark.parametrize("function", [gaussian.marginalize, gaussian.invert])
@pytest.mark.parametrize(
    ("source", "emission", "message"),
    [
        (SOURCE._replace(mean=np.zeros((3, 1))), EMISSION, r"source.mean: expected shape \(K,\), got \(3, 1\)"),
        (SOURCE._replace(mean=np.zeros(2)), EMISSION, r"source.covariance: expected shape \(2, 2\), got \(3, 3\)"),
        (SOURCE._replace(covariance=-np.eye(3)), EMISSION, "source.covariance: expected a positive semi-definite"),
        (SOURCE._replace(mean=np.full(3, np.nan)), EMISSION, "source.mean: expected finite numbers"),
        (SOURCE, EMISSION._replace(matrix=EMISSION.matrix.T), r"emission.matrix: expected shape \(L, 3\), got \(3, 2\)"),
        (SOURCE, EMISSION._replace(offset=np.zeros(3)), r"emission.offset: expected shape \(2,\), got \(3,\)"),
        (SOURCE, EMISSION._replace(covariance=np.eye(3)), r"emission.covariance: expected shape \(2, 2\)"),
        (SOURCE, EMISSION._replace(covariance=[[1, 1], [0, 1]]), "emission.covariance: expected a symmetric matrix"),
    ],
)
def test_bad_models_are_named(function, source, emission, message):
    with pytest.raises(ValueError, match=message):
        function(source, emission)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"y: expected shape \(2,\), got \(3,\)"):
        gaussian.invert(SOURCE, EMISSION, np.zeros(3))
    with pytest.raises(ValueError, match="form: expected one of 'covariance', 'information'"):
        gaussian.invert(SOURCE, EMISSION, form="square")
    with pytest.raises(ValueError, match=r"y: expected shape \(3,\) or \(N, 3\), got \(2,\)"):
        gaussian.log_density(SOURCE, np.zeros(2))
    with pytest.raises(ValueError, match="distribution.covariance: expected a positive definite"):
        gaussian.log_density(SOURCE._replace(covariance=np.zeros((3, 3))), np.zeros(3))
    with pytest.raises(ValueError, match="rng: expected"):
        gaussian.sample(SOURCE, 1, 0)
    with pytest.raises(ValueError, match="n: expected"):
        gaussian.sample(SOURCE, -1, np.random.default_rng(0))
