"""4DVar: gradients by differences, linear problems against the smoother, chaos against SciPy's optimiser."""

from itertools import islice

import numpy as np
import pytest
from scipy.optimize import minimize

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import assimilation, kalman
from pedagogy_lib.inference.assimilation import Window
from pedagogy_lib.models import systems


@pytest.fixture(scope="module")
def chaos():
    """Lorenz's butterfly, two of three numbers seen, with gaps."""
    field = systems.lorenz63()
    rng = np.random.default_rng(0)
    truth = systems.trajectory(field, systems.flow(field, [1.0, 1.0, 20.0], 0.01, 500), 0.05, 14)
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
    move, tangent, adjoint = assimilation.motion(systems.lorenz96(6), 0.02, steps)
    rng = np.random.default_rng(3)
    x, dx, g = rng.standard_normal((3, 6))
    along = tangent(x, dx)
    np.testing.assert_allclose(along, (move(x + 1e-6 * dx) - move(x - 1e-6 * dx)) / 2e-6, rtol=1e-6)
    assert g @ along == pytest.approx(adjoint(x, g) @ dx, rel=1e-12)


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
    strong = assimilation.run(assimilation.strong(window))
    np.testing.assert_allclose(strong.states, exact(window, A, np.zeros((2, 2))).means, atol=1e-8)
    gaps = []
    for size in (1e-1, 1e-3, 1e-5):
        weak = assimilation.run(assimilation.weak(window._replace(model_error=size * np.eye(2))))
        gaps.append(np.abs(weak.states - strong.states).max())
    assert gaps[0] > 0.05 and gaps[1] < 0.1 * gaps[0] and gaps[2] < 0.02 * gaps[1]


def test_a_window_of_one_observation_is_one_measurement_update():
    window, _ = linear(1)
    found = assimilation.run(assimilation.strong(window)).states
    np.testing.assert_allclose(found, exact(window, np.eye(2), np.eye(2)).means, atol=1e-10)
    np.testing.assert_allclose(assimilation.run(assimilation.weak(window)).states, found, atol=1e-10)


# -------------------------------------------------------------------------------- chaos


@pytest.mark.parametrize("kind", ["strong", "weak"])
def test_the_minimum_is_that_of_a_general_optimiser(chaos, kind):
    window, truth = chaos
    if kind == "strong":
        found = assimilation.run(assimilation.strong(window))
        peer = minimize(lambda x: assimilation.strong_cost(window, x), window.background.mean, method="Nelder-Mead",
                        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000})
    else:
        found = assimilation.run(assimilation.weak(window))
        start = assimilation.trajectory(window, window.background.mean)
        peer = minimize(lambda x: assimilation.weak_cost(window, x.reshape(start.shape)), start.ravel(), method="L-BFGS-B",
                        jac=lambda x: assimilation.weak_gradient(window, x.reshape(start.shape)).ravel(), options={"maxiter": 3000, "ftol": 1e-14, "gtol": 1e-9})
    assert found.cost == pytest.approx(peer.fun, rel=1e-5)
    assert np.abs(found.gradient).max() < 1e-5
    error = np.sqrt(((found.states - truth) ** 2).mean())
    before = np.sqrt(((assimilation.trajectory(window, window.background.mean) - truth) ** 2).mean())
    assert error < 0.5 * before


def test_the_cost_never_rises(chaos):
    window, _ = chaos
    far = window.background.mean + np.array([4.0, -6.0, 5.0])
    costs = [step.cost for step in islice(assimilation.strong(window, far), 12)]
    assert (np.diff(costs) <= 1e-9).all() and costs[-1] < 0.5 * costs[0]


@pytest.mark.parametrize(
    ("change", "call", "message"),
    [
        ({"background": Gaussian(np.zeros(2), np.eye(3))}, assimilation.strong, "background.covariance"),
        ({"look": np.ones((1, 3))}, assimilation.strong, r"window.look: expected shape \(L, 2\)"),
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


def test_more_errors():
    with pytest.raises(ValueError, match="A: expected shape"):
        assimilation.linear_motion([1.0])
    with pytest.raises(ValueError, match="steps: expected at least one"):
        assimilation.run(iter([]))
