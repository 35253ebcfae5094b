"""Section 2.2.2: the Kalman filter and the RTS smoother, Eqs. 2.45-2.55.

Definitions are checked by integrating over a grid of all states of a scalar model: no Gaussian
algebra at all. Formulas are checked on a model with two states against the joint precision matrix
of the whole chain, which knows no gains and no recursion.
"""

import numpy as np
import pytest
from compare import assert_only_as_printed

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

# ------------------------------------------------- a scalar chain of three steps, on a grid

SCALAR = (
    Gaussian(np.array([0.4]), np.array([[0.8]])),
    AffineGaussian(np.array([[0.9]]), np.array([0.2]), np.array([[0.3]])),
    AffineGaussian(np.array([[1.5]]), np.array([-0.1]), np.array([[0.5]])),
)
SCALAR_Y = np.array([[0.7], [-0.4], [1.9]])
SCALAR_U = np.array([[0.3], [-0.6]])


def density(deviation, variance):
    return np.exp(-0.5 * deviation**2 / variance) / np.sqrt(2 * np.pi * variance)


@pytest.fixture(scope="module")
def grid():
    """The axis of states, and p(x_1, x_2, x_3, y_1 ... y_s) on it for s = 0 ... 3."""
    x = np.linspace(-9, 9, 241)
    x1, x2, x3 = x[:, None, None], x[None, :, None], x[None, None, :]
    joint = density(x1 - 0.4, 0.8) * density(x2 - (0.9 * x1 + 0.3 + 0.2), 0.3)
    joint = joint * density(x3 - (0.9 * x2 - 0.6 + 0.2), 0.3)
    tables = [joint]
    for state, y in zip((x1, x2, x3), SCALAR_Y[:, 0]):
        tables.append(tables[-1] * density(y - (1.5 * state - 0.1), 0.5))
    return x, tables


def moments(x, table, t):
    """Mean and variance of x_t under a table of weights; t counts from 1."""
    weights = table.sum(tuple(a for a in range(3) if a != t - 1))
    weights = weights / weights.sum()
    mean = weights @ x
    return mean, weights @ (x - mean) ** 2


@pytest.fixture(scope="module", params=["the printed loops", "what runs"])
def scalar(request):
    if request.param == "the printed loops":
        filtered = kalman.filter_loop(*SCALAR, SCALAR_Y, SCALAR_U)
        return filtered, kalman.smoother_loop(SCALAR[1], filtered)
    filtered = kalman.filter(*SCALAR, SCALAR_Y, SCALAR_U)
    return filtered, kalman.smooth(*SCALAR, SCALAR_Y, SCALAR_U, filtered=filtered)


def test_eq_2_45(grid, scalar):
    x, tables = grid
    filtered, _ = scalar
    for t in (1, 2, 3):
        mean, variance = moments(x, tables[t], t)
        one_fewer = moments(x, tables[t - 1], t)
        assert_only_as_printed(mean, filtered.means[t - 1, 0], one_fewer[0])
        assert_only_as_printed(variance, filtered.covariances[t - 1, 0, 0], one_fewer[1])


def test_eq_2_46(grid, scalar):
    x, tables = grid
    filtered, _ = scalar
    for t in (1, 2, 3):
        mean, variance = moments(x, tables[t - 1], t)
        one_more = moments(x, tables[t], t)
        assert_only_as_printed(mean, filtered.predicted_means[t - 1, 0], one_more[0])
        assert_only_as_printed(variance, filtered.predicted_covariances[t - 1, 0, 0], one_more[1])


def test_eq_2_50(grid, scalar):
    x, tables = grid
    _, smoothed = scalar
    for t in (1, 2):
        mean, variance = moments(x, tables[3], t)
        only_past = moments(x, tables[t], t)
        assert_only_as_printed(mean, smoothed.means[t - 1, 0], only_past[0])
        assert_only_as_printed(variance, smoothed.covariances[t - 1, 0, 0], only_past[1])


def future_conditioned(x, table, t, value):
    """Mean and variance of x_{t-1} given x_t = x[value]."""
    return moments(x, np.take(table, [value], axis=t - 1), t - 1)


def library_s_future_conditioning(x, tables, t):
    """The mean of X_{t-1} as a function of x_t, and its variance: by the library, from the grid's filter at t - 1."""
    mean, variance = moments(x, tables[t - 1], t - 1)
    belief = Gaussian(np.array([mean]), np.array([[variance]]))
    gain, covariance = kalman.future_conditioning(belief, SCALAR[1])
    predicted = 0.9 * mean + SCALAR_U[t - 2, 0] + 0.2
    return lambda value: mean + gain[0, 0] * (x[value] - predicted), covariance[0, 0]


@pytest.mark.parametrize("t", [2, 3])
def test_eq_2_51(grid, t):
    """Given X_t, the mean of X_{t-1} does not change with the observations from t on."""
    x, tables = grid
    for value in (100, 120, 135):
        all_data = future_conditioned(x, tables[3], t, value)[0]
        past_only = future_conditioned(x, tables[t - 1], t, value)[0]
        still_fewer = future_conditioned(x, tables[t - 2], t, value)[0]
        assert_only_as_printed(all_data, past_only, still_fewer)
        mean, _ = library_s_future_conditioning(x, tables, t)
        assert_only_as_printed(all_data, mean(value), mean(value + 1), still_fewer, rtol=1e-7)


@pytest.mark.parametrize("t", [2, 3])
def test_eq_2_52(grid, t):
    x, tables = grid
    for value in (100, 120, 135):
        all_data = future_conditioned(x, tables[3], t, value)[1]
        past_only = future_conditioned(x, tables[t - 1], t, value)[1]
        still_fewer = future_conditioned(x, tables[t - 2], t, value)[1]
        assert_only_as_printed(all_data, past_only, still_fewer)
        _, variance = library_s_future_conditioning(x, tables, t)
        assert_only_as_printed(all_data, variance, 2 * variance, moments(x, tables[t - 1], t - 1)[1], rtol=1e-7)


# ------------------------------------------------- two states, by the joint precision matrix

RNG = np.random.default_rng(247)
K, L, T = 2, 2, 4
A, a = np.array([[0.8, 0.5], [-0.3, 0.9]]), np.array([0.3, -0.2])
Q = np.array([[0.5, 0.1], [0.1, 0.3]])
C, c = np.array([[1.0, 0.4], [-0.2, 0.7]]), np.array([0.1, 0.6])
R = np.array([[0.6, -0.2], [-0.2, 0.4]])
B, U = np.array([[0.7], [-0.4]]), RNG.standard_normal((T - 1, 1))
MU, SIGMA = np.array([0.5, -1.0]), np.array([[1.2, 0.3], [0.3, 0.7]])
Y = RNG.standard_normal((T, L))


def given(s):
    """Mean and covariance of all T states given y_1 ... y_s: read off log p(x, y), a quadratic."""
    precision, information = np.zeros((T * K, T * K)), np.zeros(T * K)

    def add(rows, offset, covariance, columns):
        """Add the quadratic form of N(rows x - offset; 0, covariance)."""
        weight = rows.T @ np.linalg.inv(covariance)
        precision[np.ix_(columns, columns)] += weight @ rows
        information[columns] += weight @ offset

    state = [np.arange(t * K, (t + 1) * K) for t in range(T)]
    add(np.eye(K), MU, SIGMA, state[0])
    for t in range(T - 1):
        both = np.concatenate([state[t], state[t + 1]])
        add(np.hstack([-A, np.eye(K)]), B @ U[t] + a, Q, both)
    for t in range(s):
        add(C, Y[t] - c, R, state[t])
    covariance = np.linalg.inv(precision)
    return covariance @ information, covariance


def mean_of(t, s):
    """x_{t|s}, with t and s counted from 1 as in the book."""
    return given(s)[0][(t - 1) * K : t * K]


def cov_of(t, s, u=None):
    """Y_{t|s}, or Cov[X_t, X_u | y_1 ... y_s]."""
    u = t if u is None else u
    return given(s)[1][(t - 1) * K : t * K, (u - 1) * K : u * K]


@pytest.fixture(scope="module")
def loops():
    """What the printed loops find."""
    arrow = AffineGaussian(A, a, Q)
    filtered = kalman.filter_loop(Gaussian(MU, SIGMA), arrow, AffineGaussian(C, c, R), Y, U @ B.T)
    return filtered, kalman.smoother_loop(arrow, filtered)


@pytest.mark.parametrize("t", [1, 2, 3, 4])
def test_eq_2_47(t, loops):
    x, P = mean_of(t, t - 1), cov_of(t, t - 1)
    S = C @ P @ C.T + R
    gain = P @ C.T @ np.linalg.inv(S)
    without_C = P @ np.linalg.inv(S)
    error = Y[t - 1] - (C @ x + c)
    assert_only_as_printed(
        mean_of(t, t), x + gain @ error, x + without_C @ error, x + gain @ (Y[t - 1] - C @ x)
    )
    assert_only_as_printed(
        cov_of(t, t), P - gain @ C @ P, P - without_C @ C @ P, P - gain @ P, P + gain @ C @ P
    )
    updated = kalman.measurement_update(Gaussian(x, P), AffineGaussian(C, c, R), Y[t - 1])
    assert_only_as_printed(mean_of(t, t), updated.belief.mean, x)
    assert_only_as_printed(cov_of(t, t), updated.belief.covariance, P)
    assert_only_as_printed(mean_of(t, t), loops[0].means[t - 1], loops[0].predicted_means[t - 1])
    assert_only_as_printed(cov_of(t, t), loops[0].covariances[t - 1], loops[0].predicted_covariances[t - 1])


@pytest.mark.parametrize("t", [2, 3, 4])
def test_eq_2_48(t, loops):
    x, P, u = mean_of(t - 1, t - 1), cov_of(t - 1, t - 1), U[t - 2]
    assert_only_as_printed(
        mean_of(t, t - 1), A @ x + B @ u + a, A @ x + a, A.T @ x + B @ u + a
    )
    assert_only_as_printed(cov_of(t, t - 1), A @ P @ A.T + Q, A @ P @ A.T, A.T @ P @ A + Q)
    updated = kalman.time_update(Gaussian(x, P), AffineGaussian(A, a, Q), B @ u)
    assert_only_as_printed(mean_of(t, t - 1), updated.mean, x)
    assert_only_as_printed(cov_of(t, t - 1), updated.covariance, P)
    assert_only_as_printed(mean_of(t, t - 1), loops[0].predicted_means[t - 1], loops[0].means[t - 1])
    assert_only_as_printed(cov_of(t, t - 1), loops[0].predicted_covariances[t - 1], loops[0].covariances[t - 1])


@pytest.mark.parametrize("run", [kalman.filter, kalman.filter_loop])
def test_eq_2_49(run):
    """With the prior in the place of a prediction, Eq. 2.47 serves the first step as well."""
    assert_only_as_printed(mean_of(1, 0), MU, A @ MU + a)
    assert_only_as_printed(cov_of(1, 0), SIGMA, A @ SIGMA @ A.T + Q)
    first = run(
        Gaussian(MU, SIGMA), AffineGaussian(A, a, Q), AffineGaussian(C, c, R), Y[:1]
    )
    moved = run(
        Gaussian(A @ MU + a, A @ SIGMA @ A.T + Q),      # as if a time update came before the start
        AffineGaussian(A, a, Q), AffineGaussian(C, c, R), Y[:1],
    )
    assert_only_as_printed(mean_of(1, 1), first.means[0], moved.means[0])


@pytest.mark.parametrize("t", [2, 3, 4])
def test_eq_2_53(t, loops):
    x, P, u = mean_of(t - 1, t - 1), cov_of(t - 1, t - 1), U[t - 2]
    predicted, P_predicted = mean_of(t, t - 1), cov_of(t, t - 1)
    # Left: X_{t-1} given X_t and all data, by conditioning the joint of all states on X_t.
    means, covariance = given(T)
    past, now = slice((t - 2) * K, (t - 1) * K), slice((t - 1) * K, t * K)
    slope = covariance[past, now] @ np.linalg.inv(covariance[now, now])
    spread = covariance[past, past] - slope @ covariance[now, past]
    value = np.array([1.7, -0.8])               # some value of the random variable X_t
    mean = means[past] + slope @ (value - means[now])

    J = P @ A.T @ np.linalg.inv(A @ P @ A.T + Q)
    assert_only_as_printed(slope, J, J.T, P @ A @ np.linalg.inv(A @ P @ A.T + Q))
    assert_only_as_printed(
        slope, P @ A.T @ np.linalg.inv(P_predicted), P @ A.T @ np.linalg.inv(P)
    )
    assert_only_as_printed(
        mean,
        x + J @ (value - (A @ x + B @ u + a)),
        x + J @ (value - (A @ x + a)),
        x + J @ (value - x),
    )
    assert_only_as_printed(mean, x + J @ (value - predicted), predicted + J @ (value - predicted))
    assert_only_as_printed(spread, P - J @ A @ P, P - J @ P, P - A @ J @ P)
    assert_only_as_printed(spread, P - J @ P_predicted @ J.T, P - J.T @ P_predicted @ J)
    gain, covariance = kalman.future_conditioning(Gaussian(x, P), AffineGaussian(A, a, Q))
    assert_only_as_printed(slope, gain, J.T)
    assert_only_as_printed(slope, loops[1].gains[t - 2], J.T)
    assert_only_as_printed(spread, covariance, P)


@pytest.mark.parametrize("t", [2, 3, 4])
def test_eq_2_54(t, loops):
    x, P = mean_of(t - 1, t - 1), cov_of(t - 1, t - 1)
    predicted, P_predicted = mean_of(t, t - 1), cov_of(t, t - 1)
    smoothed, P_smoothed = mean_of(t, T), cov_of(t, T)
    J = P @ A.T @ np.linalg.inv(P_predicted)
    mean, covariance = mean_of(t - 1, T), cov_of(t - 1, T)
    assert_only_as_printed(
        mean, x + J @ (smoothed - predicted), x + J @ (smoothed - x), x - J @ (smoothed - predicted)
    )
    assert_only_as_printed(
        covariance,
        J @ P_smoothed @ J.T + (P - J @ P_predicted @ J.T),
        P - J @ P_predicted @ J.T,
        J.T @ P_smoothed @ J + (P - J @ P_predicted @ J.T),
    )
    assert_only_as_printed(
        covariance,
        P + J @ (P_smoothed - P_predicted) @ J.T,
        P - J @ (P_smoothed - P_predicted) @ J.T,
        P + J @ (P_smoothed - P) @ J.T,
    )
    # The unnumbered line after it: one disparity is J times the other.
    assert_only_as_printed(mean - x, J @ (smoothed - predicted), smoothed - predicted)
    arrow = AffineGaussian(A, a, Q)
    gain, past = kalman.future_conditioning(Gaussian(x, P), arrow)
    step = kalman.backward_step(
        Gaussian(smoothed, P_smoothed), Gaussian(x, P), Gaussian(predicted, P_predicted), gain, past
    )
    assert_only_as_printed(mean, step.mean, x)
    assert_only_as_printed(covariance, step.covariance, P)
    assert_only_as_printed(mean, loops[1].means[t - 2], x)
    assert_only_as_printed(covariance, loops[1].covariances[t - 2], P)


@pytest.mark.parametrize("t", [2, 3, 4])
def test_eq_2_55(t, loops):
    P = cov_of(t - 1, t - 1)
    J = P @ A.T @ np.linalg.inv(cov_of(t, t - 1))
    P_smoothed = cov_of(t, T)
    assert_only_as_printed(
        cov_of(t, T, t - 1), P_smoothed @ J.T, J @ P_smoothed, P_smoothed @ J, cov_of(t, t - 1) @ J.T
    )
    filtered, smoothed = loops
    adjoint = kalman.adjoint_smoother(AffineGaussian(A, a, Q), AffineGaussian(C, c, R), Y, filtered)
    for found in (smoothed.cross_covariances[t - 2], adjoint.cross_covariances[t - 2]):
        assert_only_as_printed(cov_of(t, T, t - 1), found, found.T)


# ------------------------------------------------- what the text between the equations says


def radius(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


def test_text_2_2_2_stable_system(evidence):
    """Slip: "strictly stable ... then A Y A' will be smaller than Y" fails, where A is not normal and where it is.

    A = [[1/2, 2], [0, 1/2]] has both eigenvalues at 1/2, yet takes the identity to a covariance
    whose first variance is 4.25, and which is larger in one direction, smaller in another. A
    rotation that shrinks by 0.9 takes diag(1, 100) to diag(81, 0.81). What does hold: the
    determinant shrinks, and A^n Y (A^n)' goes to zero.
    """
    shear, start = np.array([[0.5, 2.0], [0.0, 0.5]]), np.eye(2)
    moved = shear @ start @ shear.T
    assert radius(shear) == 0.5
    np.testing.assert_allclose(moved, [[4.25, 1.0], [1.0, 0.25]])
    np.testing.assert_allclose(np.linalg.eigvalsh(moved - start), [-0.986, 3.486], atol=1e-3)
    turn, long = 0.9 * np.array([[0.0, -1.0], [1.0, 0.0]]), np.diag([1.0, 100.0])
    assert radius(turn) == pytest.approx(0.9)
    np.testing.assert_allclose(turn @ turn.T, turn.T @ turn)               # normal
    turned = turn @ long @ turn.T
    np.testing.assert_allclose(turned, np.diag([81.0, 0.81]))
    evidence("Text 2.2.2-a", first=moved[0, 0], turned=np.diag(turned))
    rng = np.random.default_rng(0)
    for _ in range(100):        # what holds, and fails for an unstable matrix
        stable, root = rng.standard_normal((2, 3, 3))
        stable, Y0 = stable * 0.95 / radius(stable), root @ root.T
        assert np.linalg.det(stable @ Y0 @ stable.T) < np.linalg.det(Y0)
        far = np.linalg.matrix_power(stable, 2000)
        assert np.abs(far @ Y0 @ far.T).max() < 1e-12 * np.abs(Y0).max()


def test_text_2_2_2_marginally_stable_system(evidence):
    """Slip: "For such systems, the uncertainty increases" is true of the volume, not of variances.

    A sheared quarter turn has the eigenvalues i and -i, and its powers stay bounded. It turns a long ellipse out of
    the first axis: that variance falls from 8 to 4.1, noise included. If all eigenvalues lie on the unit circle the
    determinant grows (4 to 4.51); if only some do, not even that (1 to 0.0202).
    """
    turn, before = np.array([[1.0, -2.0], [1.0, -1.0]]), np.array([[8.0, 6.0], [6.0, 5.0]])
    after = turn @ before @ turn.T + 0.1 * np.eye(2)
    np.testing.assert_allclose(np.linalg.eigvals(turn), [1j, -1j], atol=1e-12)
    np.testing.assert_array_equal(np.linalg.matrix_power(turn, 4), np.eye(2))      # bounded: marginally stable
    np.testing.assert_allclose(after, [[4.1, 0.0], [0.0, 1.1]], atol=1e-12)
    evidence("Text 2.2.2-b", before=before[0, 0], after=after[0, 0],
             volume_before=np.linalg.det(before), volume_after=np.linalg.det(after))
    mixed = np.diag([1.0, 0.1])
    assert np.linalg.det(mixed @ mixed.T + 0.01 * np.eye(2)) == pytest.approx(0.0202)
    rng = np.random.default_rng(1)
    for _ in range(100):        # all eigenvalues on the circle: the volume never shrinks
        basis, root, noise = rng.standard_normal((3, 2, 2))
        angle = rng.uniform(0, np.pi)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        marginal = basis @ rotation @ np.linalg.inv(basis)
        Y0 = root @ root.T
        moved = marginal @ Y0 @ marginal.T + noise @ noise.T
        assert np.linalg.det(moved) > np.linalg.det(Y0)


def test_text_2_2_2_future_conditioned_mean_depends_on_x_t(grid, evidence):
    """Slip under Eq. 2.52: the mean is random through X_t, not, as printed, through X_{t-1}.

    On the grid it moves by J for each unit of x_t (and X_{t-1} has been averaged out of it).
    """
    x, tables = grid
    filtered = kalman.filter(*SCALAR, SCALAR_Y, SCALAR_U)
    smoothed = kalman.smooth(*SCALAR, SCALAR_Y, SCALAR_U)
    J = smoothed.gains[0, 0, 0]
    low, high = (future_conditioned(x, tables[3], 2, value)[0] for value in (110, 130))
    slope = (high - low) / (x[130] - x[110])
    assert_only_as_printed(slope, J, 0.0)
    evidence("Text 2.2.2-c", slope=slope, gain=J)
    low, high = (future_conditioned(x, tables[3], 2, value)[1] for value in (110, 130))
    assert_only_as_printed(high, low, filtered.covariances[0, 0, 0])


def test_text_2_2_2_smoother_needs_every_filter(evidence):
    """Slip after Eq. 2.53: "the smoother requires the filter only at the final time step".

    Eqs. 2.53 and 2.54 use x_{t-1|t-1} and Y_{t-1|t-1} at every step. Two sets of observations that
    leave the filter at exactly the same final belief have different smoothers.
    """
    one = SCALAR_Y
    filtered = kalman.filter(*SCALAR, one, SCALAR_U)
    # Change y_1 by 1, and y_3 by just what takes the final mean back to where it was.
    shift = np.zeros_like(one)
    shift[0] = 1.0
    move = kalman.filter(*SCALAR, one + shift, SCALAR_U).means[-1] - filtered.means[-1]
    last = np.zeros_like(one)
    last[2] = 1.0
    per_unit = kalman.filter(*SCALAR, one + last, SCALAR_U).means[-1] - filtered.means[-1]
    two = one + shift - last * (move / per_unit)
    other = kalman.filter(*SCALAR, two, SCALAR_U)
    np.testing.assert_allclose(other.means[-1], filtered.means[-1], rtol=1e-12)
    np.testing.assert_allclose(other.covariances[-1], filtered.covariances[-1], rtol=1e-12)
    first = kalman.smooth(*SCALAR, one, SCALAR_U).means[0, 0]
    second = kalman.smooth(*SCALAR, two, SCALAR_U).means[0, 0]
    assert abs(first - second) > 0.3
    evidence("Text 2.2.2-d", first=first, second=second)


def test_text_2_2_2_variances_shrink_in_proportion(grid, evidence):
    """Slip: the future shrinks variances in proportion, by the squared gain; not standard deviations, by the gain."""
    x, tables = grid
    J = kalman.smooth(*SCALAR, SCALAR_Y, SCALAR_U).gains[0, 0, 0]
    with_future = [moments(x, tables[3], t)[1] for t in (1, 2)]
    without = [moments(x, tables[1], t)[1] for t in (1, 2)]          # given y_1: the filter, and the prediction from it
    variances = np.subtract(with_future, without)
    deviations = np.subtract(np.sqrt(with_future), np.sqrt(without))
    assert_only_as_printed(variances[0] / variances[1], J**2, J)
    assert not np.isclose(deviations[0] / deviations[1], J, rtol=0.01)
    assert not np.isclose(deviations[0] / deviations[1], J**2, rtol=0.01)
    evidence("Text 2.2.2-e", variances=variances[0] / variances[1], gain=J, square=J**2,
             deviations=deviations[0] / deviations[1])
