"""4DVar: gradients by differences, linear problems against the smoother, chaos against SciPy's optimizer."""

from itertools import islice

import numpy as np
import pytest
from scipy.optimize import minimize

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.inference import assimilation, kalman, nonlinear
from pedagogy_lib.inference.assimilation import Look, Window, two_levels


@pytest.fixture(scope="module")
def chaos():
    """Lorenz's butterfly, two of three numbers seen, with gaps."""
    field = fields.lorenz63()
    rng = np.random.default_rng(0)
    truth = steppers.trajectory(field, steppers.flow(field, [1.0, 1.0, 20.0], 0.01, 500), 0.05, 14)
    H = np.array([[1.0, 0, 0], [0, 0, 1.0]])
    y = truth @ H.T + 0.5 * rng.standard_normal((15, 2))
    y[4], y[9, 0] = np.nan, np.nan
    background = Gaussian(truth[0] + 0.7 * rng.standard_normal(3), np.eye(3))
    return Window(background, assimilation.motion(field, 0.05), H, 0.25 * np.eye(2), y, 0.01 * np.eye(3)), truth


def linear(T=12):
    rng = np.random.default_rng(1)
    A = np.array([[0.9, 0.4], [-0.3, 0.8]])
    H, R, Q = np.array([[1.0, 0.5]]), np.array([[0.4]]), np.array([[0.3, 0.1], [0.1, 0.2]])
    y = rng.standard_normal((T, 1))
    y[3:4] = np.nan
    background = Gaussian(np.array([0.5, -1.0]), np.array([[1.0, 0.2], [0.2, 0.6]]))
    return Window(background, assimilation.linear_motion(A), H, R, y, Q), A


def differences(f, x, h=1e-6):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size).reshape(-1, *x.shape)]).reshape(x.shape)


# ---------------------------------------------------------------------------- gradients


def test_the_adjoint_gradient_is_that_of_differences(chaos):
    window, truth = chaos
    first = truth[0] + np.array([0.3, -0.2, 0.5])
    numerical = differences(lambda x: assimilation.strong_cost(window, x), first)
    np.testing.assert_allclose(assimilation.strong_gradient(window, first), numerical, rtol=1e-6)
    # A wrong adjoint: the tangent in its place. The shapes fit.
    wrong = window._replace(motion=window.motion._replace(adjoint=lambda x, g: window.motion.tangent(x, g)))
    assert not np.allclose(assimilation.strong_gradient(wrong, first), numerical, rtol=0.1)


def test_the_weak_gradient_is_that_of_differences(chaos):
    window, truth = chaos
    states = truth + 0.2 * np.random.default_rng(2).standard_normal(truth.shape)
    numerical = differences(lambda x: assimilation.weak_cost(window, x), states)
    np.testing.assert_allclose(assimilation.weak_gradient(window, states), numerical, rtol=1e-5, atol=1e-4)
    assert not np.allclose(assimilation.weak_gradient(window, states[::-1].copy()), numerical, rtol=0.1)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_motion_of_several_steps_has_its_own_tangent_and_adjoint(steps):
    move, tangent, adjoint = assimilation.motion(fields.lorenz96(6), 0.02, steps)
    rng = np.random.default_rng(3)
    x, dx, g = rng.standard_normal((3, 6))
    along = tangent(x, dx)
    np.testing.assert_allclose(along, (move(x + 1e-6 * dx) - move(x - 1e-6 * dx)) / 2e-6, rtol=1e-6)
    assert g @ along == pytest.approx(adjoint(x, g) @ dx, rel=1e-12)


# ------------------------------------------------------------------------ a curved sensor


def ranges():
    """Two stations measure how far away a body is that circles about the origin."""
    stations, turn = np.array([[3.0, 0.5], [-1.0, 4.0]]), 0.3
    A = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def see(x):
        return np.linalg.norm(x - stations, axis=1)

    look = Look(see, lambda x: (x - stations) / see(x)[:, None])
    truth = [np.array([1.0, 0.8])]
    for _ in range(9):
        truth.append(A @ truth[-1])
    y = np.array([see(x) for x in truth]) + 0.1 * np.random.default_rng(6).standard_normal((10, 2))
    y[3], y[7, 1] = np.nan, np.nan
    background = Gaussian(np.array([0.6, 1.3]), 0.5 * np.eye(2))
    return Window(background, assimilation.linear_motion(A), look, 0.01 * np.eye(2), y, 0.02 * np.eye(2))


def test_gradients_through_a_curved_sensor_are_those_of_differences():
    window = ranges()
    first = np.array([0.7, 0.2])
    numerical = differences(lambda x: assimilation.strong_cost(window, x), first)
    np.testing.assert_allclose(assimilation.strong_gradient(window, first), numerical, rtol=1e-6)
    states = assimilation.trajectory(window, first) + 0.1
    numerical = differences(lambda x: assimilation.weak_cost(window, x), states)
    np.testing.assert_allclose(assimilation.weak_gradient(window, states), numerical, rtol=1e-5, atol=1e-5)
    # A wrong tangent: that of the first guess, kept.
    H = window.look.tangent(np.array([0.6, 1.3]))
    kept = window._replace(look=window.look._replace(tangent=lambda x: H))
    assert not np.allclose(assimilation.weak_gradient(kept, states), numerical, rtol=0.1)


def test_the_minimum_through_a_curved_sensor_is_that_of_a_general_optimizer():
    window = ranges()
    found = assimilation.follow(assimilation.strong(window))
    best = minimize(lambda x: assimilation.strong_cost(window, x), window.background.mean, tol=1e-12)
    np.testing.assert_allclose(found.states[0], best.x, atol=1e-5)
    assert found.cost <= best.fun + 1e-9
    weak = assimilation.follow(assimilation.weak(window))
    flat = minimize(
        lambda x: assimilation.weak_cost(window, x.reshape(-1, 2)), found.states.ravel(),
        jac=lambda x: assimilation.weak_gradient(window, x.reshape(-1, 2)).ravel(), tol=1e-10,
    )
    np.testing.assert_allclose(weak.states.ravel(), flat.x, atol=1e-5)
    # The flat sensor of the first guess leads elsewhere.
    H, x = window.look.tangent(window.background.mean), window.background.mean
    flat_sensor = Look(lambda z: window.look.see(x) + H @ (z - x), lambda z: H)
    other = assimilation.follow(assimilation.strong(window._replace(look=flat_sensor)))
    assert np.abs(other.states[0] - best.x).max() > 1e-2


def test_a_matrix_is_a_look_whose_tangent_is_itself():
    window, _ = linear()
    curved = window._replace(look=Look(lambda x: window.look @ x, lambda x: window.look))
    for search in (assimilation.strong, assimilation.weak):
        np.testing.assert_array_equal(assimilation.follow(search(curved)).states, assimilation.follow(search(window)).states)


# ------------------------------------------------------------------------------- linear


def exact(window, A, Q):
    K = len(A)
    return kalman.smooth(
        window.background, AffineGaussian(A, np.zeros(K), Q), AffineGaussian(window.look, np.zeros(len(window.look)), window.noise), window.y)


def test_on_a_linear_motion_the_weak_minimum_is_the_smoother_in_one_step():
    window, A = linear()
    steps = list(islice(assimilation.weak(window), 2))
    smoothed = exact(window, A, window.model_error)
    np.testing.assert_allclose(steps[1].states, smoothed.means, atol=1e-10)
    assert np.abs(steps[1].gradient).max() < 1e-10
    assert np.abs(steps[0].states - smoothed.means).max() > 0.1
    wrong = list(islice(assimilation.weak(window._replace(model_error=2 * window.model_error)), 2))[1]
    assert np.abs(wrong.states - smoothed.means).max() > 1e-3


def test_without_model_error_weak_becomes_strong_and_strong_is_the_smoother_without_noise():
    window, A = linear()
    strong = assimilation.follow(assimilation.strong(window))
    np.testing.assert_allclose(strong.states, exact(window, A, np.zeros((2, 2))).means, atol=1e-8)
    gaps = []
    for size in (1e-1, 1e-3, 1e-5):
        weak = assimilation.follow(assimilation.weak(window._replace(model_error=size * np.eye(2))))
        gaps.append(np.abs(weak.states - strong.states).max())
    assert gaps[0] > 0.05 and gaps[1] < 0.1 * gaps[0] and gaps[2] < 0.02 * gaps[1]


def test_a_window_of_one_observation_is_one_measurement_update():
    window, _ = linear(1)
    found = assimilation.follow(assimilation.strong(window)).states
    np.testing.assert_allclose(found, exact(window, np.eye(2), np.eye(2)).means, atol=1e-10)
    np.testing.assert_allclose(assimilation.follow(assimilation.weak(window)).states, found, atol=1e-10)


# -------------------------------------------------------------------------------- chaos


@pytest.mark.parametrize("kind", ["strong", "weak"])
def test_the_minimum_is_that_of_a_general_optimizer(chaos, kind):
    window, truth = chaos
    if kind == "strong":
        found = assimilation.follow(assimilation.strong(window))
        peer = minimize(lambda x: assimilation.strong_cost(window, x), window.background.mean, method="Nelder-Mead",
                        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000})
    else:
        found = assimilation.follow(assimilation.weak(window))
        start = assimilation.trajectory(window, window.background.mean)
        peer = minimize(lambda x: assimilation.weak_cost(window, x.reshape(start.shape)), start.ravel(), method="L-BFGS-B",
                        jac=lambda x: assimilation.weak_gradient(window, x.reshape(start.shape)).ravel(), options={"maxiter": 3000, "ftol": 1e-14, "gtol": 1e-9})
    assert found.cost == pytest.approx(peer.fun, rel=1e-5)
    assert np.abs(found.gradient).max() < 1e-5
    error = np.sqrt(((found.states - truth) ** 2).mean())
    before = np.sqrt(((assimilation.trajectory(window, window.background.mean) - truth) ** 2).mean())
    assert error < 0.5 * before


@pytest.mark.parametrize("kind", ["strong", "weak"])
def test_iterations_are_numbered_one_by_one(chaos, kind):
    steps = islice(getattr(assimilation, kind)(chaos[0]), 4)
    assert [step.iteration for step in steps] == [0, 1, 2, 3]


def test_a_weak_step_is_a_pass_of_the_smoother_along_tangents(chaos):
    window, _ = chaos
    window = window._replace(y=np.where(np.isnan(window.y).any(1, keepdims=True), np.nan, window.y))
    before, after = islice(assimilation.weak(window), 2)
    see = AffineGaussian(window.look, np.zeros(2), window.noise)

    def pass_about(states):
        def line(t):
            F = window.motion.tangent(states[t], np.eye(3))
            return AffineGaussian(F, window.motion.move(states[t]) - F @ states[t], window.model_error)

        return nonlinear.smooth(line, nonlinear.filter(window.background, line, see, window.y)).means

    np.testing.assert_allclose(after.states, pass_about(before.states), atol=1e-7)
    assert np.abs(after.states - pass_about(after.states)).max() > 1e-3


def test_the_cost_never_rises(chaos):
    window, _ = chaos
    far = window.background.mean + np.array([4.0, -6.0, 5.0])
    costs = [step.cost for step in islice(assimilation.strong(window, far), 12)]
    assert (np.diff(costs) <= 1e-9).all() and costs[-1] < 0.5 * costs[0]


def test_a_step_into_infinity_is_halved():
    cubic = assimilation.Motion(lambda x: 1.0 / np.maximum(3.0 - x, 0.0), lambda x, d: d / (3.0 - x) ** 2, lambda x, g: g / (3.0 - x) ** 2)
    window = Window(Gaussian(np.zeros(1), 1e4 * np.eye(1)), cubic, np.eye(1), np.eye(1), np.array([[np.nan], [40.0]]))

    def checked(x):
        found = cubic.move(x)
        if not np.isfinite(found).all():
            raise ValueError("x: expected finite numbers, got inf")
        return found

    steps = assimilation.strong(window._replace(motion=cubic._replace(move=checked)))
    found = list(islice(steps, 40))[-1]                             # the first step goes from 0 to 357
    np.testing.assert_allclose(found.states[:, 0], [3.0 - 1 / 40, 40.0], rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "call", "message"),
    [
        ({"background": Gaussian(np.zeros(2), np.eye(3))}, assimilation.strong, "background.covariance"),
        ({"look": np.ones((1, 3))}, assimilation.strong, r"window.look: expected shape \(1, 2\)"),
        ({"look": Look(lambda x: np.ones(2), lambda x: np.ones((1, 2)))}, assimilation.strong, "window.look.see: expected"),
        ({"look": Look(lambda x: np.ones(1), lambda x: np.ones((2, 1)))}, assimilation.strong, "window.look.tangent: expected"),
        ({"noise": -np.eye(1)}, assimilation.strong, "window.noise: expected a positive definite"),
        ({"y": np.zeros((0, 1))}, assimilation.strong, "window.y: expected at least one"),
        ({"y": np.zeros((3, 2))}, assimilation.strong, "window.y: expected shape"),
        ({"model_error": None}, assimilation.weak, "window.model_error: expected a covariance, got None"),
        ({}, lambda w: assimilation.strong(w, [1.0]), "start: expected shape"),
        ({}, lambda w: assimilation.weak(w, np.zeros((2, 2))), "states: expected shape"),
    ],
)
def test_errors_name_the_argument(change, call, message):
    window, _ = linear()
    with pytest.raises(ValueError, match=message):
        next(call(window._replace(**change)))


def test_misfits_that_overflow_are_refused_and_not_descended():
    window = linear()[0]
    huge = window._replace(look=window.look * 1e300)
    for ask in (assimilation.strong_cost, assimilation.strong_gradient, lambda w, first: next(assimilation.strong(w, first))):
        first = window.background.mean + 1
        assert ask(window, first) is not None
        with np.errstate(over="ignore"), pytest.raises(ValueError, match="window.look: expected misfits with finite squares"):
            ask(huge, first)


def test_more_errors():
    with pytest.raises(ValueError, match="A: expected shape"):
        assimilation.linear_motion([1.0])
    with pytest.raises(ValueError, match="steps: expected at least one"):
        assimilation.follow(iter([]))


# ---------------------------------------------------------- a parameter of the motion


def swing(theta):
    """A pendulum of unknown frequency and damping, of which only the angle is seen."""
    field = fields.pendulum(*theta)
    return assimilation.motion(field, 0.1, 3), field


@pytest.fixture(scope="module")
def pendulum():
    """The problem of two parameters, how the motion depends on them, and the truth."""
    true = np.array([1.2, 0.15])
    rng = np.random.default_rng(5)
    truth = steppers.trajectory(swing(true)[1], [1.4, 0.0], 0.1, 45)[::3]
    y = truth[:, :1] + 0.1 * rng.standard_normal((16, 1))
    background = Gaussian(np.array([1.0, 0.3]), 0.25 * np.eye(2))

    def problem(theta):
        return Window(background, swing(theta)[0], np.array([[1.0, 0.0]]), 0.01 * np.eye(1), y)

    def sensitivity(x, theta):
        h = 1e-5
        return np.stack([(swing(theta + h * e)[0].move(x) - swing(theta - h * e)[0].move(x)) / (2 * h) for e in np.eye(2)], 1)

    return problem, sensitivity, true


def best(problem, theta):
    found = assimilation.follow(assimilation.strong(problem(theta)), 1e-7)
    return found.cost, found.states[0]


def test_the_slope_of_the_best_cost_needs_no_slope_of_the_best_state(pendulum):
    problem, sensitivity, _ = pendulum
    theta = np.array([1.1, 0.1])
    numerical = differences(lambda p: best(problem, p)[0], theta, 1e-5)
    first = best(problem, theta)[1]
    slope = assimilation.parameter_gradient(problem(theta), first, lambda x: sensitivity(x, theta))
    np.testing.assert_allclose(slope, numerical, rtol=1e-6)
    held = differences(lambda p: assimilation.strong_cost(problem(p), first), theta, 1e-5)
    np.testing.assert_allclose(slope, held, rtol=1e-6)
    # Elsewhere it is the slope for a held state all the same, but not that of the best cost.
    away = first + np.array([0.2, 0.1])
    slope = assimilation.parameter_gradient(problem(theta), away, lambda x: sensitivity(x, theta))
    np.testing.assert_allclose(slope, differences(lambda p: assimilation.strong_cost(problem(p), away), theta, 1e-5), rtol=1e-6)
    assert not np.allclose(slope, numerical, rtol=0.05)


def test_the_search_for_a_parameter_finds_what_a_general_optimizer_finds(pendulum):
    problem, sensitivity, true = pendulum
    found = assimilation.follow(assimilation.bilevel(problem, [1.0, 0.05], sensitivity), 1e-7)
    peer = minimize(lambda z: assimilation.strong_cost(problem(z[:2]), z[2:]), [1.0, 0.05, 1.0, 0.3], method="BFGS", options={"gtol": 1e-7})
    np.testing.assert_allclose(found.parameter, peer.x[:2], atol=1e-5)
    np.testing.assert_allclose(found.states[0], peer.x[2:], atol=1e-5)
    assert np.abs(found.parameter - true).max() < 0.05
    assert np.abs(best(problem, np.array([1.0, 0.05]))[0] - found.cost) > 10


def test_the_parameter_may_as_well_be_a_state_that_does_not_move(pendulum):
    problem, sensitivity, _ = pendulum
    prior = Gaussian(np.array([1.0, 0.05]), np.diag([0.04, 0.01]))
    levels = list(islice(assimilation.bilevel(problem, prior.mean, sensitivity, prior), 12))
    assert [level.iteration for level in levels] == list(range(12))
    assert (np.diff([level.cost for level in levels]) <= 0).all()
    found = levels[-1]
    window = problem(prior.mean)

    def joint(z):
        away = z[:2] - prior.mean
        return assimilation.strong_cost(problem(z[:2]), z[2:]) + 0.5 * away @ np.linalg.solve(prior.covariance, away)

    assert found.cost == pytest.approx(joint(np.concatenate([found.parameter, found.states[0]])), rel=1e-9)
    # Augmented: four states, of which the last two stay as they are.
    def move(z):
        return np.concatenate([swing(z[2:])[0].move(z[:2]), z[2:]])

    def jacobian(z):
        M = np.eye(4)
        M[:2, :2] = swing(z[2:])[0].tangent(z[:2], np.eye(2))
        M[:2, 2:] = sensitivity(z[:2], z[2:])
        return M

    covariance = np.zeros((4, 4))
    covariance[:2, :2], covariance[2:, 2:] = window.background.covariance, prior.covariance
    augmented = Window(
        Gaussian(np.concatenate([window.background.mean, prior.mean]), covariance),
        assimilation.Motion(move, lambda z, d: jacobian(z) @ d, lambda z, g: jacobian(z).T @ g),
        np.array([[1.0, 0, 0, 0]]), window.noise, window.y)
    both = assimilation.follow(assimilation.strong(augmented), 1e-7)
    np.testing.assert_allclose(both.states[0, 2:], found.parameter, atol=1e-6)
    np.testing.assert_allclose(both.states[:, :2], found.states, atol=1e-6)
    assert both.cost == pytest.approx(found.cost, rel=1e-9)
    without = assimilation.follow(assimilation.bilevel(problem, prior.mean, sensitivity), 1e-7)
    assert np.abs(without.parameter - found.parameter).max() > 1e-3


def test_a_window_of_one_observation_says_nothing_of_the_motion(pendulum):
    problem, sensitivity, _ = pendulum
    levels = list(islice(assimilation.bilevel(lambda p: problem(p)._replace(y=problem(p).y[:1]), [1.0, 0.1], sensitivity), 2))
    np.testing.assert_array_equal(levels[0].gradient, [0.0, 0.0])
    np.testing.assert_array_equal(levels[1].parameter, [1.0, 0.1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameter": [[1.0]]}, r"parameter: expected shape \(P,\)"),
        ({"parameter": [1.0, np.nan]}, "parameter: expected finite"),
        ({"problem": lambda p: None}, "problem: expected a callable that returns a Window, got NoneType"),
        ({"sensitivity": lambda x, p: np.zeros((3, 2))}, r"sensitivity: expected shape \(2, P\)"),
        ({"sensitivity": lambda x, p: np.zeros((2, 1))}, "sensitivity: expected 2 columns, one for each parameter, got 1"),
        ({"prior": Gaussian(np.zeros(1), np.eye(1))}, r"prior.mean: expected shape \(2,\)"),
        ({"prior": Gaussian(np.zeros(2), -np.eye(2))}, "prior.covariance: expected a positive definite"),
        ({"first_step": 0.0}, "first_step: expected a number above 0"),
        ({"tolerance": -1.0}, "tolerance: expected"),
    ],
)
def test_errors_of_the_search_for_a_parameter_name_the_argument(pendulum, change, message):
    problem, sensitivity, _ = pendulum
    arguments = {"problem": problem, "parameter": [1.0, 0.1], "sensitivity": sensitivity} | change
    with pytest.raises(ValueError, match=message):
        next(assimilation.bilevel(**arguments))


def test_an_inner_search_that_does_not_settle_is_an_error(pendulum, monkeypatch):
    problem, sensitivity, _ = pendulum
    endless = (assimilation.Step(i, np.zeros((1, 2)), -float(i), np.zeros(2)) for i in range(100))
    monkeypatch.setattr(two_levels, "strong", lambda window, start=None: endless)
    with pytest.raises(ValueError, match="problem: expected an inner search that settles in 60 steps, got one that still gains 1 nats"):
        next(assimilation.bilevel(problem, [1.0, 0.1], sensitivity))


# ------------------------------------------------------------------- a decoder for a background


def bent(K=3):
    """A curved decoder of two latents."""
    rng = np.random.default_rng(6)
    A, W = rng.standard_normal((K, 2)), rng.standard_normal((K, 2))
    return assimilation.Decoder(lambda z: A @ z + np.tanh(W @ z), lambda z: A + (1 - np.tanh(W @ z) ** 2)[:, None] * W)


@pytest.fixture(scope="module")
def latents(chaos):
    window, truth = chaos
    decoder = bent()
    shifted = assimilation.Decoder(lambda z: truth[0] + decoder.state(z), decoder.tangent)
    return window._replace(background=Gaussian(np.array([0.2, -0.1]), np.array([[0.5, 0.1], [0.1, 0.3]]))), shifted


def test_the_latent_gradient_is_that_of_differences(latents):
    window, decoder = latents
    z = np.array([0.3, -0.4])
    numerical = differences(lambda z: assimilation.latent_cost(window, decoder, z), z)
    np.testing.assert_allclose(assimilation.latent_gradient(window, decoder, z), numerical, rtol=1e-6)
    # A wrong one: the decoder's tangent at the background in the place of that at z.
    stale = decoder._replace(tangent=lambda _: decoder.tangent(window.background.mean))
    assert not np.allclose(assimilation.latent_gradient(window, stale, z), numerical, rtol=0.05)


def test_with_a_straight_decoder_latent_is_strong_in_other_coordinates(chaos):
    window, _ = chaos
    root = np.linalg.cholesky(np.array([[1.0, 0.3, 0.1], [0.3, 0.8, -0.2], [0.1, -0.2, 1.5]]))
    ours = window._replace(background=Gaussian(window.background.mean, root @ root.T))
    straight = assimilation.Decoder(lambda z: window.background.mean + root @ z, lambda z: root)
    inner = window._replace(background=Gaussian(np.zeros(3), np.eye(3)))
    whole = assimilation.follow(assimilation.strong(ours), 1e-10)
    found = assimilation.follow(assimilation.latent(inner, straight), 1e-10)
    np.testing.assert_allclose(found.states, whole.states, atol=1e-6)
    assert found.cost == pytest.approx(whole.cost, rel=1e-9)


def test_on_a_linear_problem_the_curvature_is_the_inverse_of_the_posterior_covariance():
    window, A = linear()
    root = np.linalg.cholesky(window.background.covariance)
    straight = assimilation.Decoder(lambda z: window.background.mean + root @ z, lambda z: root)
    inner = window._replace(background=Gaussian(np.zeros(2), np.eye(2)))
    found = assimilation.follow(assimilation.latent(inner, straight))
    assert found.iteration == 1                                   # one step, since all is linear
    precision = np.linalg.inv(window.background.covariance)
    S = np.eye(2)
    for datum in window.y:
        if not np.isnan(datum[0]):
            precision = precision + S.T @ window.look.T @ window.look @ S / window.noise[0, 0]
        S = A @ S
    covariance = root @ np.linalg.inv(assimilation.latent_curvature(inner, straight, found.latent)) @ root.T
    np.testing.assert_allclose(covariance, np.linalg.inv(precision), rtol=1e-10)
    forgotten = assimilation.latent_curvature(inner, straight, found.latent) - np.eye(2)      # without the background
    assert not np.allclose(root @ np.linalg.inv(forgotten) @ root.T, np.linalg.inv(precision), rtol=0.05)


def test_the_latent_minimum_is_that_of_a_general_optimizer(latents):
    window, decoder = latents
    found = assimilation.follow(assimilation.latent(window, decoder), 1e-10)
    theirs = minimize(lambda z: assimilation.latent_cost(window, decoder, z), found.latent + 0.05, tol=1e-10)
    assert found.cost == pytest.approx(theirs.fun, rel=1e-8)
    np.testing.assert_allclose(found.latent, theirs.x, atol=1e-4)


@pytest.mark.parametrize("change, words", [
    (dict(state=lambda z: np.array([1.0, np.nan, 2.0])), r"decoder\.state"),
    (dict(tangent=lambda z: np.ones((2, 3))), r"decoder\.tangent"),
    (dict(state=lambda z: np.ones(4), tangent=lambda z: np.ones((4, 2))), r"window\.look"),
])  # fmt: skip
def test_a_decoder_that_does_not_fit_is_named(latents, change, words):
    window, decoder = latents
    with pytest.raises(ValueError, match=words):
        assimilation.latent_cost(window, decoder._replace(**change), np.zeros(2))


def test_a_latent_of_the_wrong_length_is_named(latents):
    with pytest.raises(ValueError, match="latent"):
        assimilation.latent_cost(*latents, np.zeros(3))
