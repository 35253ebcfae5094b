"""Nonlinear filters: on lines they are the Kalman filter; on curves they are held against grids and quadrature."""

import gaussian_chain
import numpy as np
import pytest
from chain_models import damped, problems
from scipy.integrate import quad

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman, nonlinear
from pedagogy_lib.inference.nonlinear import Curve

LINES = {
    "tangent": nonlinear.tangent,
    "sigma points": nonlinear.sigma_points(),
    "cubature": nonlinear.sigma_points(0.0),
    "Gauss-Hermite": nonlinear.gauss_hermite(3),
}


def linear_model(K, L, T, seed=0):
    rng = np.random.default_rng(seed)
    A = 0.8 * np.linalg.qr(rng.normal(size=(K, K)))[0]
    C, a, c = rng.normal(size=(L, K)), rng.normal(size=K), rng.normal(size=L)
    Q, R = np.cov(rng.normal(size=(K, 3 * K))).reshape(K, K), np.cov(rng.normal(size=(L, 3 * L))).reshape(L, L)
    initial = Gaussian(rng.normal(size=K), np.eye(K))
    straight = AffineGaussian(A, a, Q), AffineGaussian(C, c, R)
    curved = Curve(lambda x: x @ A.T + a, Q), Curve(lambda x: x @ C.T + c, R, lambda x: C)
    y = rng.normal(size=(T, L))
    y[3] = np.nan
    return initial, straight, curved, y


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 2)])
def test_on_a_linear_model_every_line_is_the_line(name, size):
    initial, straight, curved, y = linear_model(*size, T=12)
    exact = kalman.filter(initial, *straight, y)
    smoothed = kalman.smooth(initial, *straight, y)
    for repeats in (0, 2):
        found = nonlinear.filter(initial, *curved, y, LINES[name], repeats)
        np.testing.assert_allclose(found.means, exact.means, atol=1e-9)
        np.testing.assert_allclose(found.covariances, exact.covariances, atol=1e-9)
        assert found.log_likelihood == pytest.approx(exact.log_likelihood, abs=1e-8)
    back = nonlinear.smooth(curved[0], found, LINES[name])
    np.testing.assert_allclose(back.means, smoothed.means, atol=1e-9)
    np.testing.assert_allclose(back.covariances, smoothed.covariances, atol=1e-9)
    bent = Curve(lambda x: curved[0].function(x) + 0.1 * x**2, curved[0].covariance)
    assert np.abs(nonlinear.filter(initial, bent, curved[1], y, LINES[name]).means - exact.means).max() > 1e-3


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("repeats", [0, 2])
def test_single_missing_entries_on_a_linear_model(name, repeats):
    """All eight patterns of three entries, in an order that has each kind before and after others."""
    initial, straight, curved, y = linear_model(2, 3, T=16)
    order = [0, 5, 7, 3, 6, 1, 4, 2, 7, 2, 1, 3, 0, 6, 4, 5]
    y = np.where([[kind >> i & 1 for i in range(3)] for kind in order], np.nan, linear_model(2, 3, T=16, seed=1)[3])
    found = nonlinear.filter(initial, *curved, y, LINES[name], repeats)
    # `gaussian_chain.exact` conditions the whole joint; `kalman.filter` drops rows.
    truth, means, covariances = gaussian_chain.exact(initial, *straight, y)[:3]
    assert found.log_likelihood == pytest.approx(truth, abs=1e-8)
    exact = kalman.filter(initial, *straight, y)
    np.testing.assert_allclose(found.means, exact.means, atol=1e-9)
    np.testing.assert_allclose(found.covariances, exact.covariances, atol=1e-9)
    back = nonlinear.smooth(curved[0], found, LINES[name])
    np.testing.assert_allclose(back.means, means, atol=1e-9)
    np.testing.assert_allclose(back.covariances, covariances, atol=1e-9)
    # A hole is no zero, and a row with a hole is not a missing row.
    for wrong in (np.nan_to_num(y), np.where(np.isnan(y).any(1, keepdims=True), np.nan, y)):
        assert np.abs(nonlinear.filter(initial, *curved, wrong, LINES[name], repeats).means - exact.means).max() > 1e-2


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("slopes", [True, False])
def test_single_missing_entries_on_a_curve_are_rows_taken_out_by_hand(name, slopes):
    rng = np.random.default_rng(5)
    h = lambda x: np.stack([np.sin(x[:, 0]), x[:, 0] * x[:, 1], np.exp(0.3 * x[:, 1])], 1)
    H = lambda x: np.array([[np.cos(x[0]), 0], [x[1], x[0]], [0, 0.3 * np.exp(0.3 * x[1])]])
    R = np.array([[0.3, 0.1, 0.0], [0.1, 0.4, -0.1], [0.0, -0.1, 0.2]])
    move = Curve(lambda x: 0.9 * x + 0.2 * np.sin(x[:, ::-1]), 0.1 * np.eye(2))
    initial, y = Gaussian(np.array([0.3, -0.2]), 0.5 * np.eye(2)), rng.normal(size=(9, 3))
    y[rng.random(y.shape) < 0.4] = np.nan
    y[4] = np.nan
    seen = ~np.isnan(y)
    whole = Curve(h, R, H if slopes else None)
    found = nonlinear.filter(initial, move, whole, y, LINES[name], repeats=1)
    # By hand: the same three functions, of which only some are written down, step for step.
    belief, total = initial, 0.0
    for t, row in enumerate(y):
        rules = nonlinear.Rules(LINES[name], 1)
        belief = belief if t == 0 else rules.marginalize(belief, move)
        if seen[t].any():
            few = Curve(lambda x, o=seen[t]: h(x)[:, o], R[np.ix_(seen[t], seen[t])], (lambda x, o=seen[t]: H(x)[o]) if slopes else None)
            total += rules.log_density(rules.marginalize(belief, few), row[seen[t]])
            belief = rules.invert(belief, few, row[seen[t]])
        np.testing.assert_allclose(found.means[t], belief.mean, atol=1e-12)
        np.testing.assert_allclose(found.covariances[t], belief.covariance, atol=1e-12)
    assert found.log_likelihood == pytest.approx(total, abs=1e-10)
    # The innovations count what was seen, and have its likelihood.
    said = nonlinear.innovations(initial, move, whole, y, found, LINES[name])
    np.testing.assert_array_equal(said.degrees, seen.sum(1))
    # Independent noises would be another answer: the covariances of the rows that stay do matter.
    other = nonlinear.filter(initial, move, whole._replace(covariance=np.diag(np.diag(R))), y, LINES[name], repeats=1)
    assert np.abs(other.means - found.means).max() > 1e-3


def test_a_curve_of_the_wrong_shape_is_refused_where_entries_are_missing():
    y = [[0.0, np.nan]]
    short, wide = Curve(lambda x: x, np.eye(2)), Curve(lambda x: x[:, [0, 0]], np.eye(2), lambda x: np.eye(3))
    with pytest.raises(ValueError, match=r"t=0 .*function: expected shape \(\d, 2\)"):
        nonlinear.filter(ONE, STILL, short, y)
    with pytest.raises(ValueError, match=r"t=0 .*jacobian: expected 2 x 1 finite numbers, got shape \(3, 3\)"):
        nonlinear.filter(ONE, STILL, wide, y)


def moments_by_quadrature(f, m, s):
    density = lambda x: np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    E = lambda g: quad(lambda x: g(x) * density(x), m - 12 * s, m + 12 * s, epsabs=1e-13, epsrel=1e-13, limit=200)[0]
    mean = E(f)
    return mean, E(lambda x: (f(x) - mean) ** 2), E(lambda x: (x - m) * (f(x) - mean))


@pytest.mark.parametrize("f", [np.sin, lambda x: x**3 - x, lambda x: np.exp(0.5 * x)], ids=["sine", "cubic", "exp"])
def test_gauss_hermite_finds_the_line_that_quadrature_finds(f):
    m, s = 0.7, 0.9
    mean, variance, cross = moments_by_quadrature(f, m, s)
    line = nonlinear.gauss_hermite(14)(Gaussian(np.array([m]), np.array([[s**2]])), Curve(f, np.zeros((1, 1))))
    slope = cross / s**2
    np.testing.assert_allclose(line.matrix, [[slope]], rtol=1e-7)
    np.testing.assert_allclose(line.offset, [mean - slope * m], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(line.covariance, [[variance - slope**2 * s**2]], rtol=1e-6)
    # The tangent is another line, and claims to miss nothing.
    near = nonlinear.tangent(Gaussian(np.array([m]), np.array([[s**2]])), Curve(f, np.zeros((1, 1))))
    assert abs(near.matrix[0, 0] - slope) > 0.05 and near.covariance[0, 0] == 0


def test_orders_of_exactness():
    """Sigma points have the right moments up to the third, order five up to the ninth."""
    source = Gaussian(np.array([0.4]), np.array([[0.8]]))
    for degree, line, exact in ((2, nonlinear.sigma_points(), True), (4, nonlinear.gauss_hermite(5), True), (6, nonlinear.sigma_points(), False)):
        f = lambda x, d=degree: x**d
        mean, variance, cross = moments_by_quadrature(f, 0.4, np.sqrt(0.8))
        found = line(source, Curve(f, np.zeros((1, 1))))
        got = (found.matrix[0, 0] * 0.4 + found.offset[0], found.matrix[0, 0] * 0.8)
        assert np.allclose(got, (mean, cross), rtol=1e-8) == exact


def test_jacobians_by_differences_agree_with_calculus():
    f = lambda x: np.stack([np.sin(x[..., 0]) * x[..., 1], np.exp(x[..., 1]), x[..., 0] ** 2], -1)
    x = np.array([0.3, -1.2])
    J = np.array([[np.cos(0.3) * -1.2, np.sin(0.3)], [0, np.exp(-1.2)], [0.6, 0]])
    np.testing.assert_allclose(nonlinear.numerical_jacobian(f, x), J, atol=1e-9)
    source = Gaussian(x, 0.1 * np.eye(2))
    with_calculus = nonlinear.tangent(source, Curve(f, np.eye(3), lambda x: J))
    without = nonlinear.tangent(source, Curve(f, np.eye(3)))
    np.testing.assert_allclose(without.offset, with_calculus.offset, atol=1e-8)


def grid_filter(y, f, h, Q, R, m1, s1):
    """Filter means and variances on a fine grid: no Gaussian assumption."""
    x = np.linspace(-12, 12, 1201)
    normal = lambda d, v: np.exp(-0.5 * d**2 / v)
    moves = normal(x[:, None] - f(x), Q)
    moves /= moves.sum(0)
    belief, means, variances = normal(x - m1, s1), [], []
    for t, value in enumerate(y[:, 0]):
        belief = belief if t == 0 else moves @ belief
        belief = belief * normal(value - h(x), R)
        belief /= belief.sum()
        means.append(belief @ x)
        variances.append(belief @ x**2 - means[-1] ** 2)
    return np.array(means), np.array(variances)


def test_on_a_gentle_curve_better_lines_come_nearer_to_the_truth():
    f, h = (lambda x: x + 0.4 * np.sin(1.3 * x)), (lambda x: x + 0.15 * x**2)
    Q, R = 0.4, 0.5
    rng = np.random.default_rng(1)
    x, y = 0.0, []
    for _ in range(60):
        y.append(h(x) + np.sqrt(R) * rng.standard_normal())
        x = f(x) + np.sqrt(Q) * rng.standard_normal()
    y = np.array(y)[:, None]
    means, variances = grid_filter(y, f, h, Q, R, 0.0, 1.0)
    model = Gaussian(np.zeros(1), np.eye(1)), Curve(f, Q * np.eye(1)), Curve(h, R * np.eye(1))
    gaps = {name: np.sqrt(((nonlinear.filter(*model, y, line).means[:, 0] - means) ** 2).mean())
            for name, line in (*LINES.items(), ("order 9", nonlinear.gauss_hermite(9)))}
    assert max(gaps.values()) < 0.2 * np.sqrt(variances.mean())
    assert gaps["order 9"] < gaps["tangent"]
    assert gaps["sigma points"] < gaps["tangent"]


def test_repeats_lead_to_the_most_probable_state():
    """A precise and curved measurement: the iterated update is Gauss-Newton on the posterior."""
    source, curve = Gaussian(np.array([1.0]), np.array([[1.0]])), Curve(lambda x: x**2, np.array([[0.01]]))
    y = np.array([6.0])
    cost = lambda x: (x - 1) ** 2 / 2 + (6 - x**2) ** 2 / 0.02
    grid = np.linspace(0, 4, 400_001)
    best = grid[cost(grid).argmin()]
    once = nonlinear.Rules().invert(source, curve, y).mean[0]
    often = nonlinear.Rules(repeats=30).invert(source, curve, y).mean[0]
    assert abs(often - best) < 1e-4
    assert abs(once - best) > 0.1


def test_curves_may_change_with_time_and_y_may_be_empty():
    initial, straight, curved, y = linear_model(2, 2, T=6)
    same = nonlinear.filter(initial, lambda t: curved[0], lambda t: curved[1], y)
    np.testing.assert_array_equal(same.means, nonlinear.filter(initial, *curved, y).means)
    none = nonlinear.filter(initial, *curved, y[:0])
    assert none.means.shape == (0, 2) and none.log_likelihood == 0
    assert nonlinear.smooth(curved[0], none).means.shape == (0, 2)


ONE = Gaussian(np.zeros(1), np.eye(1))
STILL = Curve(lambda x: x, np.eye(1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nonlinear.filter(ONE, STILL, STILL, [1.0, 2.0]), r"y: expected shape \(T, L\)"),
        (lambda: nonlinear.filter(ONE, STILL, STILL, [[1.0]], repeats=-1), "repeats: expected a whole number"),
        (lambda: nonlinear.sigma_points("x"), "kappa: expected real numbers"),
        (lambda: nonlinear.sigma_points(-1.0)(ONE, STILL), "kappa: expected a number above -1"),
        (lambda: nonlinear.gauss_hermite(1), "order: expected a whole number"),
        (lambda: nonlinear.filter(ONE, Curve(lambda x: x[:, 0], np.eye(1)), STILL, [[0.0], [0.0]]), r"time step t=1 .*function: expected shape \(1, 1\)"),
        (lambda: nonlinear.filter(ONE, Curve(lambda x: x * np.inf, np.eye(1)), STILL, [[0.0], [0.0]]), "t=1 .*the belief has run away|jacobian"),
        (lambda: nonlinear.filter(ONE, STILL, Curve(lambda x: x, np.eye(1), lambda x: np.eye(2)), [[0.0]]), "t=0 .*jacobian: expected 1 x 1"),
        (lambda: nonlinear.filter(ONE, STILL, Curve(lambda x: x, -np.eye(1)), [[0.0]]), "emission.covariance: .*positive semi-definite"),
    ],
)
def test_errors_name_the_argument_and_the_step(call, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", LINES)
def test_right_or_raises(name):
    """Over a sweep of stiffness, on lines: the exact answer to 1e-5, or an error with the time step."""
    right, refused = 0, 0
    for initial, move, look, y in problems("rotation", 24):
        A, C = move.matrix, look.matrix
        curves = Curve(lambda x, A=A: x @ A.T, move.covariance), Curve(lambda x, C=C: x @ C.T, look.covariance)
        try:
            found = nonlinear.filter(initial, *curves, y, LINES[name])
        except (np.linalg.LinAlgError, ValueError) as error:
            assert str(error).count("at time step t=") == 1
            assert isinstance(error, np.linalg.LinAlgError) == ("lost its digits" in str(error))
            refused += 1
            continue
        truth = gaussian_chain.exact(initial, move, look, y)[0]
        assert abs(found.log_likelihood - truth) < 1e-5 * max(1.0, abs(truth))
        right += 1
    assert right > 4
    assert refused > 4


@pytest.mark.parametrize("name", LINES)
def test_the_smoother_is_right_or_raises_where_it_undoes_damping(name):
    """Without noise the transition damps, and the smoother magnifies what is left of it: rounding."""
    right, refused = 0, 0
    for rates in ((0.95, 0.95), (0.9, 0.6), (0.8, 0.3), (0.999, 0.5)):
        for T in (8, 12, 20, 28, 60):
            initial, move, look, y = damped(rates, T, T)
            means, covariances = gaussian_chain.from_the_start(initial, move, look, y)
            bent = Curve(lambda x, A=move.matrix: x @ A.T, move.covariance, lambda x, A=move.matrix: A)
            filtered = nonlinear.filter(initial, bent, look, y, LINES[name])
            try:
                found = nonlinear.smooth(bent, filtered, LINES[name])
            except (np.linalg.LinAlgError, ValueError) as error:
                assert "at time step t=" in str(error)
                refused += 1
                continue
            np.testing.assert_allclose(found.means, means, atol=1e-6 * np.abs(means).max())
            np.testing.assert_allclose(found.covariances, covariances, atol=1e-6 * np.abs(covariances).max())
            right += 1
    assert right >= 5
    assert refused >= 2


@pytest.mark.parametrize("name", LINES)
def test_innovations_are_those_of_kalman_on_lines_and_have_the_likelihood_of_the_filter_on_curves(name):
    initial, straight, curved, y = linear_model(2, 3, T=12)
    exact = kalman.innovations(straight[1], y, kalman.filter(initial, *straight, y))
    found = nonlinear.innovations(initial, *curved, y, nonlinear.filter(initial, *curved, y, LINES[name]), LINES[name])
    for part, other in zip(found, exact):
        np.testing.assert_allclose(part, other, atol=1e-9)
    bent = Curve(lambda x: curved[1].function(x) + 0.1 * np.sin(x[:, :1]), curved[1].covariance)
    filtered = nonlinear.filter(initial, curved[0], bent, y, LINES[name])
    said = nonlinear.innovations(initial, curved[0], bent, y, filtered, LINES[name])
    seen = said.degrees > 0
    # log p(y_t | past) = -(v' S^-1 v + log |2 pi S|) / 2
    drift = filtered.log_likelihoods[seen] + 0.5 * said.squares[seen]
    for value, t in zip(drift, np.flatnonzero(seen)):
        source = initial if t == 0 else nonlinear.Rules(LINES[name]).marginalize(Gaussian(filtered.means[t - 1], filtered.covariances[t - 1]), curved[0])
        S = nonlinear.Rules(LINES[name]).marginalize(source, bent).covariance
        assert value == pytest.approx(-0.5 * np.linalg.slogdet(2 * np.pi * S)[1], abs=1e-8)
    other_line = nonlinear.innovations(initial, curved[0], curved[1], y, filtered, LINES[name])
    assert np.abs(other_line.squares - said.squares)[seen].max() > 1e-3


def test_innovations_refuse_a_filter_of_other_data():
    initial, straight, curved, y = linear_model(2, 3, T=12)
    filtered = nonlinear.filter(initial, *curved, y)
    with pytest.raises(ValueError, match="filtered.means"):
        nonlinear.innovations(initial, *curved, y[:5], filtered)


@pytest.mark.parametrize(("function", "x", "slope"), [
    (lambda x: 1 / (x + 1e-9), 1e-9, -2.5e17), (lambda x: np.maximum(x, 0.0), 1e-7, 1.0), (np.sin, 0.0, 1.0),
    (lambda x: 1e6 + np.sin(x), 0.0, 1.0), (lambda x: 3 + np.sin(x), 1e-17, 1.0), (np.exp, 300.0, np.exp(300.0)),
])  # fmt: skip
def test_differences_find_the_size_of_their_step(function, x, slope):
    assert nonlinear.numerical_jacobian(function, np.array([x])) == pytest.approx(slope, rel=1e-4)


def test_one_step_for_all_sizes_would_be_wrong():
    h = 6e-6
    assert (1 / (2e-9 + h) - 1 / (2e-9 - h)) / (2 * h) != pytest.approx(-2.5e17, rel=0.1)
