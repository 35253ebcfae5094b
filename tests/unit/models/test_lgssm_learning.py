"""EM for the linear-Gaussian state-space model, against the dense joint Gaussian of the observations."""

import gaussian_chain
import numpy as np
import pytest
from chain_models import damped
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman
from pedagogy_lib.learning import em, moments
from pedagogy_lib.models.dynamical import lgssm

MODEL = lgssm.Parameters(
    Gaussian(np.array([1.0, -0.5]), np.array([[0.5, 0.1], [0.1, 0.4]])),
    AffineGaussian(np.array([[0.9, 0.3], [-0.1, 0.8]]), np.array([0.1, -0.1]), np.array([[0.2, 0.05], [0.05, 0.1]])),
    AffineGaussian(
        np.array([[1.0, 0.5], [0.2, -1.0], [0.3, 0.1]]),
        np.array([0.3, 0.0, -0.2]),
        np.array([[0.4, 0.1, 0.05], [0.1, 0.3, -0.1], [0.05, -0.1, 0.5]]),
    ),
)
DRIVEN = MODEL._replace(control=np.array([[1.0], [0.5]]))
RNG = np.random.default_rng(74)
CONTROLS = [RNG.normal(size=(n - 1, 1)) for n in (5, 3, 5, 1)]
SEQUENCES = [lgssm.sample(DRIVEN, len(u) + 1, RNG, u).observations for u in CONTROLS]
GAPPY = [y.copy() for y in SEQUENCES]
GAPPY[0][1] = np.nan                                    # nothing seen
GAPPY[0][2, 0] = GAPPY[1][0, 1:] = GAPPY[2][4, 1] = np.nan      # something seen
GAPPY[2][0] = np.nan
COVARIANCES = ("initial", "transition", "emission")


def dense_log_likelihood(params, y, controls=None):
    """log p(y) from one big Gaussian over all of the observations that were made."""
    A, a, Q = params.transition
    C, c, R = params.emission
    (T, L), K = y.shape, len(a)
    mean, spread = np.zeros((T, K)), np.zeros((T, K, T, K))
    mean[0], spread[0, :, 0] = params.initial
    for t in range(1, T):
        push = 0.0 if controls is None else params.control @ controls[t - 1]
        mean[t] = A @ mean[t - 1] + a + push
        spread[t] = np.einsum("ij,jsk->isk", A, spread[t - 1])
        spread[:, :, t] = np.moveaxis(spread[t], 0, 2)
        spread[t, :, t] = A @ spread[t - 1, :, t - 1] @ A.T + Q
    y_mean = mean @ C.T + c
    y_spread = np.einsum("li,tisj,mj->tlsm", C, spread, C).reshape(T * L, T * L) + np.kron(np.eye(T), R)
    seen = ~np.isnan(y.ravel())
    if not seen.any():
        return 0.0
    return multivariate_normal(y_mean.ravel()[seen], y_spread[np.ix_(seen, seen)]).logpdf(y.ravel()[seen])


def dense_loss(params, sequences, controls=None):
    controls = [None] * len(sequences) if controls is None else controls
    return -sum(dense_log_likelihood(params, y, u) for y, u in zip(sequences, controls)) / sum(map(len, sequences))


def arrow_cost(statistics, A, a, S):
    """N times the cross entropy of N(A x + a, S), but for the constant, from moments."""
    y, x, yy, yx, xx, size = statistics
    bias = y - A @ x - a
    second = yy - A @ yx.T - yx @ A.T + A @ xx @ A.T + np.outer(bias, bias)
    return 0.5 * size * (np.linalg.slogdet(S)[1] + np.trace(np.linalg.solve(S, second)))


def joint_loss(params, statistics, steps):
    """The expected joint cross entropy, per time step, but for the constant."""
    K = len(params.initial.mean)
    AB = params.transition.matrix if params.control is None else np.hstack([params.transition.matrix, params.control])
    cost = arrow_cost(statistics.initial, np.zeros((K, 0)), *params.initial)
    cost += arrow_cost(statistics.transition, AB, *params.transition[1:])
    return (cost + arrow_cost(statistics.emission, *params.emission)) / steps


def flatten(params):
    """All free numbers; covariances by their Cholesky roots."""
    parts = []
    for name in COVARIANCES:
        *rest, covariance = getattr(params, name)
        parts += [np.ravel(part) for part in rest]
        parts.append(np.linalg.cholesky(covariance)[np.tril_indices(len(covariance))])
    return np.concatenate(parts if params.control is None else [*parts, params.control.ravel()])


def unflatten(flat, like):
    flat, found = list(flat), {}

    def take(shape):
        size = int(np.prod(shape))
        values = np.array(flat[:size]).reshape(shape)
        del flat[:size]
        return values

    for name in COVARIANCES:
        *rest, covariance = getattr(like, name)
        rest = [take(np.shape(part)) for part in rest]
        root, lower = np.zeros(covariance.shape), np.tril_indices(len(covariance))
        root[lower] = take((len(lower[0]),))
        found[name] = type(getattr(like, name))(*rest, root @ root.T)
    control = None if like.control is None else take(like.control.shape)
    return lgssm.Parameters(**found, control=control)


def slope(function, params, step=1e-5):
    flat = flatten(params)
    return np.array([
        (function(unflatten(flat + d, params)) - function(unflatten(flat - d, params))) / (2 * step)
        for d in step * np.eye(len(flat))
    ])


CASES = {
    "one sequence": (MODEL, SEQUENCES[:1], None),
    "a list, controls": (DRIVEN, SEQUENCES, CONTROLS),
    "a list, gaps": (MODEL, GAPPY, None),
    "a list, gaps and controls": (DRIVEN, GAPPY, CONTROLS),
}


@pytest.mark.parametrize("case", CASES)
def test_statistics_have_the_gradient_of_the_marginal(case):
    """Eq. 6.3, at parameters that are no fixed point: every statistic counts, and with its weight."""
    params, sequences, controls = CASES[case]
    params = unflatten(flatten(params) + 0.05 * np.random.default_rng(1).normal(size=len(flatten(params))), params)
    statistics = lgssm.expected_statistics(params, sequences, lgssm.Options(controls))
    steps = sum(map(len, sequences))
    left = slope(lambda p: dense_loss(p, sequences, controls), params)
    right = slope(lambda p: joint_loss(p, statistics, steps), params)
    np.testing.assert_allclose(right, left, atol=2e-8)
    assert np.abs(left).max() > 0.01
    assert statistics.loss == pytest.approx(dense_loss(params, sequences, controls), rel=1e-10)
    for name in COVARIANCES:                            # a statistic that forgets the posterior covariance
        arrow = getattr(statistics, name)
        wrong = statistics._replace(**{name: arrow._replace(target_scatter=0.9 * arrow.target_scatter)})
        assert np.abs(slope(lambda p, wrong=wrong: joint_loss(p, wrong, steps), params) - left).max() > 1e-3


def test_one_sequence_a_batch_and_a_list_say_the_same():
    y = np.stack([SEQUENCES[0], SEQUENCES[2]])
    batch, listed = lgssm.expected_statistics(MODEL, y), lgssm.expected_statistics(MODEL, list(y))
    for left, right in zip(batch[:3], listed[:3]):
        for a, b in zip(left, right):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert batch.loss == pytest.approx(listed.loss)
    alone, twice = lgssm.expected_statistics(MODEL, y[0]), lgssm.expected_statistics(MODEL, np.stack([y[0]] * 2))
    np.testing.assert_allclose(alone.transition.cross_scatter, twice.transition.cross_scatter, rtol=1e-12)
    assert (alone.initial.size, twice.initial.size, twice.transition.size, twice.emission.size) == (1, 2, 8, 10)
    shared = lgssm.expected_statistics(DRIVEN, y, lgssm.Options(CONTROLS[0]))      # one row of controls for all
    own = lgssm.expected_statistics(DRIVEN, y, lgssm.Options(np.stack([CONTROLS[0]] * 2)))
    np.testing.assert_allclose(shared.transition.cross_scatter, own.transition.cross_scatter, rtol=1e-12)


def test_the_m_step_agrees_with_a_general_optimizer():
    statistics = lgssm.expected_statistics(DRIVEN, GAPPY, lgssm.Options(CONTROLS))
    found = lgssm.maximize(statistics)
    start = flatten(found) * 1.02 + 0.01
    best = minimize(lambda f: joint_loss(unflatten(f, DRIVEN), statistics, 1), start, method="BFGS", tol=1e-9)
    # Σ_1 of four sequences and everything else: the minimum, and the loss there.
    assert joint_loss(found, statistics, 1) <= best.fun + 1e-9
    np.testing.assert_allclose(flatten(found), best.x, atol=2e-4)
    assert np.abs(slope(lambda p: joint_loss(p, statistics, 1), found)).max() < 1e-6
    assert np.abs(slope(lambda p: joint_loss(p, statistics, 1), DRIVEN)).max() > 0.1


def test_without_offsets_the_m_step_is_the_textbooks():
    """Eq. 7.4 with averages about zero; and no model without offsets has a smaller loss."""
    statistics = lgssm.expected_statistics(MODEL, SEQUENCES)
    found = lgssm.maximize(statistics, lgssm.Options(offsets=False))
    for arrow, name in ((found.transition, "transition"), (found.emission, "emission")):
        assert (arrow.offset == 0).all()
        _, _, yy, yx, xx, _ = moments.raw(getattr(statistics, name))
        A = yx @ np.linalg.inv(xx)
        np.testing.assert_allclose(arrow.matrix, A, rtol=1e-9)
        np.testing.assert_allclose(arrow.covariance, yy - A @ yx.T, rtol=1e-9, atol=1e-12)
    free = lgssm.maximize(statistics)
    assert not np.allclose(free.transition.matrix, found.transition.matrix, rtol=1e-2)
    assert joint_loss(free, statistics, 1) < joint_loss(found, statistics, 1)


def test_em_stops_where_the_dense_gradient_is_zero():
    rng = np.random.default_rng(5)
    truth = lgssm.local_level(0.5, 0.3, 1.0, 2.0)
    y = [lgssm.sample(truth, 12, rng).observations for _ in range(10)]
    y[0][3:5] = np.nan
    start = lgssm.local_level(1.0, 1.0, 0.0, 1.0)
    found = em.fit(lgssm, start, y, tolerance=1e-13, max_iterations=5000)
    assert found.converged
    assert np.abs(slope(lambda p: dense_loss(p, y), found.params)).max() < 1e-4
    assert np.abs(slope(lambda p: dense_loss(p, y), start)).max() > 0.1
    assert (np.diff(found.losses) <= 1e-12).all()
    assert found.losses[-1] < dense_loss(truth, y)


@pytest.mark.parametrize("options", [lgssm.Options(CONTROLS), lgssm.Options(CONTROLS, offsets=False)])
def test_the_loss_never_rises(options):
    start = DRIVEN._replace(control=np.zeros((2, 1)))
    if not options.offsets:
        start = start._replace(
            transition=start.transition._replace(offset=np.zeros(2)),
            emission=start.emission._replace(offset=np.zeros(3)),
        )
    with pytest.warns(UserWarning, match="EM stopped"):
        found = em.fit(lgssm, start, GAPPY, options=options, tolerance=0, max_iterations=30)
    assert (np.diff(found.losses) < 0).all()
    assert np.any(found.params.transition.offset) == options.offsets


def test_known_states_make_it_least_squares():
    rng = np.random.default_rng(6)
    u = rng.normal(size=(40, 1))
    draws = [lgssm.sample(DRIVEN, 41, rng, u) for _ in range(3)]
    x, y = np.stack([d.states for d in draws]), np.stack([d.observations for d in draws])
    found = lgssm.maximize(lgssm.observed_statistics(x, y, lgssm.Options(u)))
    before = np.hstack([x[:, :-1].reshape(-1, 2), np.tile(u, (3, 1)), np.ones((120, 1))])
    beta, residual, *_ = np.linalg.lstsq(before, x[:, 1:].reshape(-1, 2), rcond=None)
    np.testing.assert_allclose(np.hstack([found.transition.matrix, found.control]), beta[:3].T, rtol=1e-9)
    np.testing.assert_allclose(found.transition.offset, beta[3], rtol=1e-8)
    np.testing.assert_allclose(np.diag(found.transition.covariance), residual / 120, rtol=1e-9)
    beta, residual, *_ = np.linalg.lstsq(np.hstack([x.reshape(-1, 2), np.ones((123, 1))]), y.reshape(-1, 3), rcond=None)
    np.testing.assert_allclose(np.vstack([found.emission.matrix.T, found.emission.offset]), beta, rtol=1e-9)
    np.testing.assert_allclose(np.diag(found.emission.covariance), residual / 123, rtol=1e-9)
    np.testing.assert_allclose(found.initial.mean, x[:, 0].mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.initial.covariance, np.cov(x[:, 0].T, bias=True), rtol=1e-9)
    assert not np.allclose(np.diag(found.emission.covariance), residual / 120, rtol=1e-3)     # T and T - 1 differ
    listed = lgssm.maximize(lgssm.observed_statistics(list(x), list(y), lgssm.Options([u] * 3)))
    np.testing.assert_allclose(listed.emission.matrix, found.emission.matrix, rtol=1e-10)
    y[0, 3] = np.nan                                    # a step that was not seen is left out
    assert lgssm.observed_statistics(x, y, lgssm.Options(u)).emission.size == 122
    assert np.isnan(lgssm.observed_statistics(x, y, lgssm.Options(u)).loss)


def test_sharp_posteriors_approach_known_states():
    """Almost noiseless sensors: the expected statistics become the observed ones."""
    clear = MODEL._replace(
        emission=AffineGaussian(np.vstack([np.eye(2), [1.0, 1.0]]), np.zeros(3), 1e-12 * np.eye(3))
    )
    draw = lgssm.sample(clear, 30, np.random.default_rng(7))
    with pytest.raises(np.linalg.LinAlgError, match="Use method='sqrt'"):
        lgssm.expected_statistics(clear, draw.observations)
    expected = lgssm.expected_statistics(clear, draw.observations, lgssm.Options(method="sqrt"))
    observed = lgssm.observed_statistics(draw.states, draw.observations)
    np.testing.assert_allclose(expected.transition.cross_scatter, observed.transition.cross_scatter, atol=1e-4)
    np.testing.assert_allclose(expected.emission.source_scatter, observed.emission.source_scatter, atol=1e-4)


def test_moments_keep_their_digits_far_from_zero():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(50, 1)) + 1e7
    y = 2 * (x - 1e7) + 0.1 * rng.normal(size=(50, 1))
    arrow = moments.regress(moments.moments(y, x))
    slope_, _ = np.polyfit(x[:, 0] - 1e7, y[:, 0], 1)
    assert arrow.matrix[0, 0] == pytest.approx(slope_, rel=1e-6)
    assert arrow.covariance[0, 0] == pytest.approx(np.var(y - x * slope_), rel=1e-4)


def test_arguments_are_not_changed():
    copies = [y.copy() for y in GAPPY]
    before = flatten(DRIVEN)
    statistics = lgssm.expected_statistics(DRIVEN, GAPPY, lgssm.Options(CONTROLS))
    lgssm.maximize(statistics, lgssm.Options(offsets=False))
    np.testing.assert_array_equal(before, flatten(DRIVEN))
    for left, right in zip(copies, GAPPY):
        np.testing.assert_array_equal(left, right)


VARYING = MODEL._replace(transition=MODEL.transition._replace(offset=np.zeros((4, 2))))
ONE = np.zeros((1, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lgssm.expected_statistics(VARYING, SEQUENCES[0]), r"params.transition.offset: expected one that does not change in time, got shape \(4, 2\)"),
        (lambda: lgssm.expected_statistics(MODEL, ONE), "y: expected a sequence of at least two time steps"),
        (lambda: lgssm.expected_statistics(MODEL, np.full((4, 3), np.nan)), "y: expected at least one observation, got nothing but missing"),
        (lambda: lgssm.expected_statistics(MODEL, np.zeros(3)), r"y: expected shape \(T, L\) or \(B, T, L\), or a list of \(T, L\), got \(3,\)"),
        (lambda: lgssm.expected_statistics(MODEL, np.zeros((0, 4, 3))), r"got \(0, 4, 3\)"),
        (lambda: lgssm.expected_statistics(MODEL, [np.zeros((4, 3)), np.zeros((4, 2))]), r"y\[1\]: expected shape \(T, 3\), got \(4, 2\)"),
        (lambda: lgssm.expected_statistics(MODEL, [np.zeros((4, 3)), np.full((2, 3), np.inf)]), r"y\[1\]: expected finite numbers"),
        (lambda: lgssm.expected_statistics(MODEL, np.zeros((4, 2))), r"y: expected shape \(N, 3\)"),
        (lambda: lgssm.expected_statistics(DRIVEN, SEQUENCES), "controls: expected controls with a model that has"),
        (lambda: lgssm.expected_statistics(DRIVEN, SEQUENCES, lgssm.Options(CONTROLS[:2])), "controls: expected one array for each sequence, 4, got 2"),
        (lambda: lgssm.expected_statistics(DRIVEN, SEQUENCES, lgssm.Options(CONTROLS[::-1])), r"controls\[0\]: expected shape \(4, M\)"),
        (lambda: lgssm.expected_statistics(DRIVEN, np.zeros((2, 4, 3)), lgssm.Options(np.zeros((3, 3, 1)))), "controls: expected a row for each of 2 sequences, got 3"),
        (lambda: lgssm.expected_statistics(DRIVEN, np.zeros((4, 3)), lgssm.Options(np.zeros(3))), r"controls: expected shape \(3, 1\)"),
        (lambda: lgssm.observed_statistics(np.zeros((4, 2)), np.zeros((5, 3))), r"y: expected as many sequences and steps as states has"),
        (lambda: lgssm.observed_statistics(np.full((4, 2), np.nan), np.zeros((4, 3))), "states: expected finite numbers"),
        (lambda: lgssm.observed_statistics(np.zeros((4, 2)), GAPPY[0][:4]), "y: expected all entries of a time step, or none"),
        (lambda: lgssm.observed_statistics(np.zeros((4, 2)), np.zeros((4, 3)), lgssm.Options(np.zeros((4, 1)))), "controls: expected 3 rows"),
        (lambda: lgssm.maximize(lgssm.observed_statistics(np.eye(2), np.zeros((2, 3)))), "statistics.transition: expected predictors that vary independently, got a singular source_scatter of rank 0, not 2"),
        (lambda: lgssm.maximize(lgssm.observed_statistics(np.arange(20.0).reshape(10, 2), np.zeros((10, 3)))), "rank 1, not 2"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_smoother_of_the_e_step_follows_the_method_too():
    """A chain without noise damps, and the smoother must undo that: only the square root has the digits."""
    initial, move, look, y = damped((0.999, 0.5), 20, 20)
    params = lgssm.Parameters(initial, move, look, None)
    filtered = kalman.filter(initial, move, look, y, method="sqrt")
    with pytest.raises(np.linalg.LinAlgError):
        kalman.smooth(initial, move, look, y, method="joseph", filtered=filtered)
    found = lgssm.expected_statistics(params, y, lgssm.Options(method="sqrt"))
    means, covariances = gaussian_chain.from_the_start(initial, move, look, y)
    np.testing.assert_allclose(found.emission.source_mean, means.mean(0), rtol=1e-6)
    scatter = covariances.mean(0) + np.cov(means.T, bias=True)
    np.testing.assert_allclose(found.emission.source_scatter, scatter, rtol=1e-5, atol=1e-7 * np.abs(scatter).max())
