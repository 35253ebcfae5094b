"""Descent methods: closed forms on quadratics, SciPy's minimizer elsewhere, and how they fail."""

from itertools import islice

import numpy as np
import pytest
from scipy.optimize import minimize

from pedagogy_lib.learning import optimization

H = np.array([[3.0, 0.5], [0.5, 1.0]])
LEAST = np.array([1.0, -2.0])
START = np.array([4.0, 3.0])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = X @ LEAST + 0.1 * RNG.normal(size=200)


def bowl(params):
    return 0.5 * (params - LEAST) @ H @ (params - LEAST)


def bowl_gradient(params):
    return H @ (params - LEAST)


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def rosenbrock_gradient(p):
    return np.array([-2 * (1 - p[0]) - 400 * p[0] * (p[1] - p[0] ** 2), 200 * (p[1] - p[0] ** 2)])


def rosenbrock_hessian(p):
    return np.array([[2 - 400 * (p[1] - 3 * p[0] ** 2), -400 * p[0]], [-400 * p[0], 200.0]])


def squares(params, batch):
    return 0.5 * ((Y[batch] - X[batch] @ params) ** 2).mean()


def squares_gradient(params, batch):
    return -X[batch].T @ (Y[batch] - X[batch] @ params) / len(batch)


def test_gradient_descent_has_its_closed_form():
    """On a quadratic the error is multiplied by I - rate H in every step."""
    events = list(islice(optimization.gradient_descent(bowl, bowl_gradient, START, 0.1), 20))
    for event in events:
        error = np.linalg.matrix_power(np.eye(2) - 0.1 * H, event.iteration) @ (START - LEAST)
        np.testing.assert_allclose(event.params, LEAST + error, rtol=1e-12)
        np.testing.assert_allclose(event.step, -0.1 * bowl_gradient(event.params), rtol=1e-12)
        assert event.loss == bowl(event.params)
    for before, after in zip(events, events[1:]):
        np.testing.assert_array_equal(before.params + before.step, after.params)


def test_a_rate_of_two_over_the_curvature_is_the_edge():
    edge = 2 / np.linalg.eigvalsh(H)[-1]
    below = optimization.follow(optimization.gradient_descent(bowl, bowl_gradient, START, 0.95 * edge))
    assert below.converged
    diverged = pytest.raises(optimization.DivergedError, match=r"loss: expected a finite number, got another at iteration \d+")
    with np.errstate(over="ignore"), diverged:
        optimization.follow(optimization.gradient_descent(bowl, bowl_gradient, START, 1.5 * edge), max_iterations=10_000)


def test_momentum_has_its_recursion_and_is_faster_in_a_valley():
    valley = np.diag([1.0, 100.0])
    loss, gradient = (lambda p: 0.5 * p @ valley @ p), (lambda p: valley @ p)
    plain = optimization.follow(optimization.gradient_descent(loss, gradient, START, 0.015), max_iterations=5000)
    heavy = optimization.follow(optimization.momentum(loss, gradient, START, 0.015, 0.8), max_iterations=5000)
    assert plain.converged
    assert heavy.converged
    assert len(heavy.losses) < 0.5 * len(plain.losses)
    steps = [e.step for e in islice(optimization.momentum(loss, gradient, START, 0.01, 0.7), 5)]
    events = list(islice(optimization.momentum(loss, gradient, START, 0.01, 0.7), 5))
    for i in range(1, 5):
        np.testing.assert_allclose(steps[i], 0.7 * steps[i - 1] - 0.01 * events[i].gradient, rtol=1e-12)
    none = optimization.follow(optimization.momentum(loss, gradient, START, 0.015, 0.0), max_iterations=5000)
    np.testing.assert_array_equal(none.path, plain.path)


def test_adam_agrees_with_its_definition_written_out():
    rate, b1, b2, eps = 0.05, 0.8, 0.95, 1e-8
    params, gradients = START.copy(), []
    for event in islice(optimization.adam(rosenbrock, rosenbrock_gradient, START, rate, b1, b2, eps), 30):
        np.testing.assert_allclose(event.params, params, rtol=1e-10)
        gradients.append(rosenbrock_gradient(params))
        i = len(gradients)
        w1, w2 = b1 ** np.arange(i)[::-1], b2 ** np.arange(i)[::-1]
        mean = (w1 @ np.array(gradients)) / w1.sum()        # weighted averages: the weights sum to one
        square = (w2 @ np.array(gradients) ** 2) / w2.sum()
        params = params - rate * mean / (np.sqrt(square) + eps)
    first = next(optimization.adam(bowl, bowl_gradient, START, 0.05))
    np.testing.assert_allclose(np.abs(first.step), 0.05, rtol=1e-6)     # whatever the units of the loss


@pytest.mark.parametrize("method", ["momentum", "adam", "newton"])
def test_all_reach_the_minimum_that_scipy_finds(method):
    events = {
        "momentum": lambda: optimization.momentum(rosenbrock, rosenbrock_gradient, [-1.0, 1.0], 5e-4, 0.95),
        "adam": lambda: optimization.adam(rosenbrock, rosenbrock_gradient, [-1.0, 1.0], 0.02),
        "newton": lambda: optimization.newton(rosenbrock, rosenbrock_gradient, rosenbrock_hessian, [-1.0, 1.0]),
    }[method]()
    peer = minimize(rosenbrock, [-1.0, 1.0], jac=rosenbrock_gradient, tol=1e-12)
    found = optimization.follow(events, tolerance=1e-7, max_iterations=20_000)
    assert found.converged
    np.testing.assert_allclose(found.params, peer.x, atol=1e-5)
    assert len(found.path) == len(found.losses)
    assert not np.allclose(found.path[0], peer.x, atol=0.1)


def test_newton_needs_one_jump_on_a_quadratic_and_doubles_its_digits_elsewhere():
    found = optimization.follow(optimization.newton(bowl, bowl_gradient, lambda p: H, START), tolerance=1e-12)
    assert len(found.losses) == 2
    np.testing.assert_allclose(found.params, LEAST, rtol=1e-12)
    # log(1 + e^x) - x / 3 has its minimum at log(1/2)
    events = optimization.newton(
        lambda p: float(np.logaddexp(0, p).sum() - p.sum() / 3),
        lambda p: 1 / (1 + np.exp(-p)) - 1 / 3,
        lambda p: np.diag(1 / (2 + np.exp(-p) + np.exp(p))),
        [0.5],
    )
    errors = [abs(e.params[0] - np.log(0.5)) for e in islice(events, 5)]
    constants = [after / before**2 for before, after in zip(errors[1:3], errors[2:4])]
    np.testing.assert_allclose(constants, 1 / 6, rtol=0.3)      # |f'''| / (2 f'') there
    plain = [0.1 * e for e in errors[:-1]]
    assert errors[3] < plain[2] ** 1.5


def test_newton_climbs_to_a_saddle():
    """It seeks a flat place, of whatever kind: the caveat of its docstring."""
    found = optimization.follow(
        optimization.newton(lambda p: p[0] ** 2 - p[1] ** 2, lambda p: np.array([2 * p[0], -2 * p[1]]),
                            lambda p: np.diag([2.0, -2.0]), [1.0, 1.0])
    )
    np.testing.assert_allclose(found.params, 0.0, atol=1e-12)
    assert found.losses[0] == found.losses[-1] == 0


def test_stochastic_descent_settles_only_if_the_rate_falls():
    best = np.linalg.lstsq(X, Y, rcond=None)[0]

    def final(rate, seed):
        batches = optimization.minibatches(200, 5, np.random.default_rng(seed))
        events = optimization.gradient_descent(squares, squares_gradient, START, rate, batches)
        return optimization.follow(events, tolerance=0, max_iterations=3000).params

    fixed = np.mean([np.linalg.norm(final(0.3, seed) - best) for seed in range(5)])
    falling = np.mean([np.linalg.norm(final(lambda i: 0.3 / (1 + 0.05 * i), seed) - best) for seed in range(5)])
    assert falling < 0.01
    assert fixed > 3 * falling
    np.testing.assert_array_equal(final(0.3, 1), final(0.3, 1))
    assert not np.array_equal(final(0.3, 1), final(0.3, 2))


@pytest.mark.parametrize("method", [optimization.momentum, optimization.adam])
def test_every_method_takes_batches(method):
    batches = optimization.minibatches(200, 20, np.random.default_rng(3))
    found = optimization.follow(method(squares, squares_gradient, START, 0.02, batches=batches), 0, 2000)
    np.testing.assert_allclose(found.params, LEAST, atol=0.1)


def test_minibatches_deal_every_number_once_a_pass():
    batches = optimization.minibatches(10, 4, np.random.default_rng(0))
    first, second = list(islice(batches, 3)), list(islice(batches, 3))
    assert [len(b) for b in first] == [4, 4, 2]
    assert sorted(np.concatenate(first)) == list(range(10))
    assert sorted(np.concatenate(second)) == list(range(10))
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    # The average of a pass's gradients, weighted by size, is the gradient.
    pooled = sum(len(b) * squares_gradient(START, b) for b in first) / 10
    np.testing.assert_allclose(pooled, squares_gradient(START, np.arange(10)), rtol=1e-12)


def test_a_run_stops_where_it_is_told():
    events = optimization.gradient_descent(bowl, bowl_gradient, START, 0.1)
    found = optimization.follow(events, max_iterations=3)
    assert (len(found.losses), found.converged) == (4, False)
    at_once = optimization.follow(optimization.gradient_descent(bowl, bowl_gradient, LEAST, 0.1))
    assert (len(at_once.losses), at_once.converged) == (1, True)
    few = optimization.gradient_descent(squares, squares_gradient, START, 0.1, [np.arange(10)] * 2)
    assert len(optimization.follow(few).losses) == 2           # the batches ran out


def test_the_start_is_not_changed():
    start = START.copy()
    optimization.follow(optimization.adam(bowl, bowl_gradient, start, 0.1), max_iterations=5)
    np.testing.assert_array_equal(start, START)


def run_newton(hessian):
    return next(optimization.newton(bowl, bowl_gradient, hessian, START))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optimization.gradient_descent(bowl, bowl_gradient, [[1.0]], 0.1), ValueError, r"start: expected shape \(D,\)"),
        (lambda: optimization.gradient_descent(bowl, bowl_gradient, [], 0.1), ValueError, "start: expected at least one parameter"),
        (lambda: optimization.gradient_descent(bowl, bowl_gradient, [np.nan], 0.1), ValueError, "start: expected finite"),
        (lambda: optimization.gradient_descent(bowl, bowl_gradient, START, 0.0), ValueError, "rate: expected a number above 0"),
        (lambda: next(optimization.gradient_descent(bowl, bowl_gradient, START, lambda i: -1.0)), ValueError, "rate: expected a number of at least 0"),
        (lambda: next(optimization.gradient_descent(bowl, lambda p: p[:1], START, 0.1)), ValueError, r"gradient: expected shape \(2,\), got \(1,\)"),
        (lambda: next(optimization.gradient_descent(bowl, lambda p: p * np.nan, START, 0.1)), optimization.DivergedError, "gradient: expected a finite number, got another at iteration 0"),
        (lambda: optimization.momentum(bowl, bowl_gradient, START, 0.1, 1.0), ValueError, "decay: expected a number below 1"),
        (lambda: optimization.adam(bowl, bowl_gradient, START, square_decay=-0.1), ValueError, "square_decay: expected a number of at least 0"),
        (lambda: optimization.adam(bowl, bowl_gradient, START, epsilon=0), ValueError, "epsilon: expected a number above 0"),
        (lambda: run_newton(lambda p: np.ones((2, 2))), np.linalg.LinAlgError, "hessian: singular at iteration 0"),
        (lambda: run_newton(lambda p: np.ones(2)), ValueError, r"hessian: expected shape \(2, 2\), got \(2,\)"),
        (lambda: run_newton(lambda p: np.full((2, 2), np.inf)), optimization.DivergedError, "hessian: expected finite numbers, got others at iteration 0"),
        (lambda: optimization.minibatches(3, 4, np.random.default_rng(0)), ValueError, "size: expected at most n, 3, got 4"),
        (lambda: optimization.minibatches(3, 2, 0), ValueError, "rng: expected"),
        (lambda: optimization.follow([]), ValueError, "events: expected at least one step"),
        (lambda: optimization.follow([], tolerance=-1), ValueError, "tolerance: expected"),
    ],
)
def test_what_is_wrong_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()
