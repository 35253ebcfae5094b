"""Every rule, and random programs, against finite differences and the complex step."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, special

from pedagogy_lib.learning import differentiation as d

RNG = np.random.default_rng(5)
X = RNG.uniform(0.3, 1.7, size=(3, 4))
V = RNG.normal(size=4)
ROW = RNG.normal(size=(1, 4))
SQUARE = RNG.normal(size=(4, 4)) + 3 * np.eye(4)
STACK = RNG.normal(size=(2, 3, 4))
SPREAD = X @ X.T + np.eye(3)
TRIANGLE = np.linalg.cholesky(SPREAD)


def differences(function, at, h=1e-6):
    """Central differences, fourth order: error h^4, and rounding / h."""
    found = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        values = []
        for step in (-2 * h, -h, h, 2 * h):
            moved = np.array(at, float)
            moved[index] += step
            values.append(function(moved))
        found[index] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return found


def complex_step(function, at):
    found = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = np.array(at, complex)
        moved[index] += 1e-30j
        found[index] = np.imag(function(moved)) / 1e-30
    return found


def weighted(function):
    """A number from any array, in which no two entries count alike, and not linearly."""
    def number(x):
        y = function(x)
        weights = np.cos(1.0 + np.arange(np.size(y))).reshape(np.shape(y))
        return np.sum(weights * y + 0.3 * y * y)
    return number


#: Functions through which complex numbers go without conjugation or comparison.
ANALYTIC = {
    "add": (lambda x: x + V, X), "radd": (lambda x: 2.0 + x, X), "both": (lambda x: x + x, X),
    "broadcast": (lambda x: X + x, ROW), "broadcast more": (lambda x: STACK * x, V), "scalar": (lambda x: x * X, np.array(0.7)),
    "subtract": (lambda x: V - x, X), "multiply": (lambda x: x * V * x, X), "divide": (lambda x: V / x, X),
    "divided": (lambda x: x / V, X), "power": (lambda x: x**3, X), "power of": (lambda x: X**x, ROW),
    "number to the power": (lambda x: 2.0**x, X), "power, broadcast": (lambda x: X**x, V), "negative": (lambda x: -x, X),
    "square": (np.square, X), "reciprocal": (np.reciprocal, X), "exp": (np.exp, X), "expm1": (np.expm1, X),
    "log": (np.log, X), "log1p": (np.log1p, X), "sqrt": (np.sqrt, X), "sin": (np.sin, X), "cos": (np.cos, X),
    "arctan": (np.arctan, X), "sinh": (np.sinh, X), "cosh": (np.cosh, X), "tanh": (np.tanh, X), "positive": (np.positive, X),
    "sum": (np.sum, X), "sum 0": (lambda x: np.sum(x, 0), X), "sum -1": (lambda x: x.sum(-1, keepdims=True), X),
    "sum of two": (lambda x: np.sum(x, axis=(0, 2)), STACK), "mean": (lambda x: x.mean(1), X),
    "reshape": (lambda x: x.reshape(2, 6), X), "ravel": (np.ravel, X), "transpose": (lambda x: x.T, X),
    "axes": (lambda x: np.transpose(x, (2, 0, 1)), STACK), "swapaxes": (lambda x: np.swapaxes(x, 0, -1), STACK),
    "expand": (lambda x: np.expand_dims(x, 1), X), "squeeze": (np.squeeze, ROW),
    "broadcast_to": (lambda x: np.broadcast_to(x, (3, 4)), ROW), "index": (lambda x: x[1], X),
    "slice": (lambda x: x[::2, 1:], X), "fancy": (lambda x: x[[0, 0, 2], [1, 1, 3]], X), "mask": (lambda x: x[X > 1], X),
    "iterate": (lambda x: [a * 2 for a in x][1], X), "concatenate": (lambda x: np.concatenate([x, X * x, x[:1]]), X),
    "concatenate 1": (lambda x: np.concatenate([X, x], axis=-1), X), "stack": (lambda x: np.stack([x[0], x[2], V]), X),
    "stack 1": (lambda x: np.stack([x, 2 * x], axis=1), X), "where": (lambda x: np.where(X > 1, x * x, 1 / x), X),
    "A X (B.3)": (lambda x: RNG_A @ x, X), "X A (B.4)": (lambda x: x @ SQUARE, X),
    "A X B' (B.5)": (lambda x: RNG_A @ x @ SQUARE.T, X), "X A X' (B.6)": (lambda x: x @ SQUARE @ x.T, X),
    "f(X a + b) (B.7)": (lambda x: np.tanh(x @ V + ROW[0, :3]), X), "row": (lambda x: x @ X.T, V), "column": (lambda x: X @ x, V),
    "inner": (lambda x: x @ (x * V), V), "dot": (lambda x: np.dot(X, x), V), "outer": (lambda x: np.outer(x, x * V), V),
    "stacks": (lambda x: STACK @ x, SQUARE), "stacked": (lambda x: x @ SQUARE, STACK), "stack, row": (lambda x: x @ STACK[:, :, 0].T, X.T),
    "stack, column": (lambda x: STACK @ x, V),
    "trace (B.8)": (lambda x: np.trace(SQUARE @ x), SQUARE), "trace (B.9)": (lambda x: np.trace(X @ x @ X.T), SQUARE),
    "trace (B.10)": (lambda x: np.trace(x @ SQUARE @ x.T), X), "diagonal": (np.diagonal, SQUARE),
    "tril": (lambda x: np.tril(x, -1), SQUARE), "triu": (np.triu, SQUARE),
    "solve": (lambda x: np.linalg.solve(x, X.T), SQUARE), "solved": (lambda x: np.linalg.solve(SQUARE, x), X.T),
    "solve, vector": (lambda x: np.linalg.solve(x, V), SQUARE), "inv": (np.linalg.inv, SQUARE),
    "solve, stack": (lambda x: np.linalg.solve(SQUARE + x[:, None, None], SQUARE), V[:2]),
}
RNG_A = RNG.normal(size=(5, 3))


@pytest.mark.parametrize("name", ANALYTIC)
def test_a_rule_agrees_with_the_complex_step(name):
    function, at = ANALYTIC[name]
    number = weighted(function)
    found, right = d.gradient(number, at), complex_step(number, at)
    assert found.shape == at.shape
    np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-12 * max(1, np.abs(right).max()))
    np.testing.assert_allclose(found, differences(number, at), rtol=1e-6, atol=1e-7 * max(1, np.abs(right).max()))
    # Again, one derivative higher; and forwards.
    along = RNG.normal(size=at.shape)
    step = lambda x: np.imag(number(at + 1e-30j * x)) / 1e-30
    np.testing.assert_allclose(np.sum(found * along), step(along), rtol=1e-9, atol=1e-10)
    second = d.hessian_product(number, at, along)
    h = 1e-5
    twice = [complex_step(number, at + s * h * along) for s in (-2, -1, 1, 2)]
    right = (twice[0] - 8 * twice[1] + 8 * twice[2] - twice[3]) / (12 * h)
    np.testing.assert_allclose(second, right, rtol=1e-7, atol=1e-8 * max(1, np.abs(right).max()))
    pushed = d.push_forward(function, at, along)
    np.testing.assert_allclose(pushed, np.imag(function(at + 1e-30j * along)) / 1e-30, rtol=1e-10, atol=1e-11)


def symmetric(function):
    """A function of a symmetric matrix, of any matrix."""
    return lambda A: function(0.5 * (A + A.T))


OTHERS = {
    "abs": (np.abs, X - 1), "sign": (lambda x: np.sign(x) * x, X - 1), "maximum": (lambda x: np.maximum(x, V), X),
    "minimum": (lambda x: np.minimum(1.0, x), X), "rectifier": (lambda x: np.maximum(x, 0), V), "expit": (special.expit, X),
    "logaddexp": (lambda x: np.logaddexp(x, V), X), "softplus": (lambda x: np.logaddexp(0, x), X), "gammaln": (special.gammaln, X),
    "digamma": (special.digamma, X), "max": (np.max, X), "max 1": (lambda x: np.max(x, axis=1), X),
    "logsumexp": (lambda x: d.logsumexp(x, axis=1), X), "logsumexp of all": (d.logsumexp, X),
    "logsumexp, kept": (lambda x: d.logsumexp(x, axis=(0, 1), keepdims=True), X), "softmax": (d.softmax, X),
    "softmax 0": (lambda x: d.softmax(x, 0), X), "log determinant": (d.log_determinant, SQUARE),
    "log determinants": (lambda x: d.log_determinant(SQUARE + x[:, None, None]), V[:3]),
    "slogdet": (lambda x: np.linalg.slogdet(x)[1], -SQUARE[:3, :3]), "det": (np.linalg.det, -SQUARE[:3, :3]),
    "cholesky": (symmetric(np.linalg.cholesky), SPREAD), "solve_triangular": (lambda x: d.solve_triangular(x, X), TRIANGLE),
    "cholesky, stack": (lambda x: np.linalg.cholesky(SPREAD + x[:, None, None] * np.eye(3)), X[0]),
    "triangular, vector": (lambda x: d.solve_triangular(TRIANGLE, x), V[:3]),
    "triangular, upper": (lambda x: d.solve_triangular(x, V[:3], lower=False), TRIANGLE.T),
    "gaussian": (symmetric(lambda A: -0.5 * V[:3] @ np.linalg.solve(A, V[:3]) - 0.5 * d.log_determinant(A)), SPREAD),
    "gaussian, by Cholesky": (
        symmetric(lambda A: np.sum(d.solve_triangular(np.linalg.cholesky(A), V[:3]) ** 2)
                  + 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(A))))), SPREAD),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_rule_agrees_with_finite_differences(name):
    function, at = OTHERS[name]
    number = weighted(function)
    found, right = d.gradient(number, at), differences(number, at, 1e-4)
    np.testing.assert_allclose(found, right, rtol=2e-8, atol=1e-9 * max(1, np.abs(right).max()))
    along = RNG.normal(size=at.shape)
    second = d.hessian_product(number, at, along)
    h = 1e-4
    twice = [d.gradient(number, at + s * h * along) for s in (-2, -1, 1, 2)]
    right = (twice[0] - 8 * twice[1] + 8 * twice[2] - twice[3]) / (12 * h)
    np.testing.assert_allclose(second, right, rtol=1e-7, atol=1e-8 * max(1, np.abs(right).max()))


# --- random programs ------------------------------------------------------------------------------

UNARY = [np.tanh, np.sin, np.exp, np.cos, lambda x: x * x, lambda x: np.log(2 + x * x), lambda x: 1 / (1 + x * x),
         lambda x: x.T, lambda x: x[::-1], lambda x: np.sum(x, axis=0, keepdims=True) + x, lambda x: np.sqrt(1 + x * x)]
BINARY = [np.add, np.subtract, np.multiply, np.matmul, lambda a, b: a / (1 + b * b), lambda a, b: np.concatenate([a[:1], b[1:]]),
          lambda a, b: np.linalg.solve(5 * np.eye(3) + 0.3 * np.tanh(a), b), lambda a, b: a + np.trace(b)]


@st.composite
def programs(draw):
    """A list of instructions: each computes a 3 x 3 matrix from matrices before it."""
    lines = []
    for count in range(2, draw(st.integers(3, 9))):
        if draw(st.booleans()):
            lines.append((draw(st.sampled_from(UNARY)), (draw(st.integers(0, count - 1)),)))
        else:
            lines.append((draw(st.sampled_from(BINARY)), (draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1)))))
    return lines


def execute(lines, x):
    """Values are kept small, so that nothing overflows: each is squeezed by x / sqrt(1 + x^2)."""
    values = [x, np.eye(3) + 0.5 * x]
    for function, places in lines:
        value = function(*(values[i] for i in places))
        values.append(value / np.sqrt(1 + value * value))
    return np.sum(values[-1] * (1 + np.arange(9.0).reshape(3, 3))) + np.sum(values[-2])


@settings(max_examples=150, deadline=None)
@given(programs(), st.integers(0, 2**32 - 1))
def test_random_programs(lines, seed):
    rng = np.random.default_rng(seed)
    at, along = rng.normal(size=(2, 3, 3))
    program = lambda x: execute(lines, x)
    right = complex_step(program, at)
    scale = max(1.0, np.abs(right).max())
    np.testing.assert_allclose(d.gradient(program, at), right, rtol=1e-9, atol=1e-11 * scale)
    h = 1e-4
    twice = [complex_step(program, at + s * h * along) for s in (-2, -1, 1, 2)]
    second = (twice[0] - 8 * twice[1] + 8 * twice[2] - twice[3]) / (12 * h)
    found = d.hessian_product(program, at, along)
    np.testing.assert_allclose(found, second, rtol=1e-4, atol=1e-5 * max(scale, np.abs(second).max()))
    # The matrix of second derivatives is symmetric: v' H w = w' H v.
    other = rng.normal(size=(3, 3))
    back = np.sum(d.hessian_product(program, at, other) * along)
    np.testing.assert_allclose(np.sum(found * other), back, rtol=1e-8, atol=1e-9 * max(scale, np.abs(second).max()))


# --- higher orders, structures, types ----------------------------------------------------------------


def test_tapes_do_not_confuse_one_another():
    """d/dx [x * d/dy (x + y)] = 1, not 2: the inner tape must not take x for y."""
    at = np.array(1.0)
    assert d.gradient(lambda x: x * d.gradient(lambda y: x + y, at), at) == 1
    assert d.gradient(lambda x: x * d.gradient(lambda y: x * y, at), np.array(3.0)) == 6
    # Three deep: the third derivative of exp(2 x).
    f = lambda x: np.exp(2 * x)
    third = d.gradient(lambda a: d.gradient(lambda b: d.gradient(f, b), a), np.array(0.3))
    assert third == pytest.approx(8 * np.exp(0.6), rel=1e-14)


def test_hessian_and_jacobian():
    quadratic = lambda x: 0.5 * x @ (SQUARE @ x)
    np.testing.assert_allclose(d.hessian(quadratic, V), 0.5 * (SQUARE + SQUARE.T), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(d.jacobian(lambda x: SQUARE @ x, V), SQUARE, rtol=1e-14)
    assert d.jacobian(lambda x: x @ SQUARE, X).shape == (3, 4, 3, 4)


class Pair(NamedTuple):
    weights: Any
    besides: Any


def test_parameters_keep_their_structure_and_type():
    params = Pair((X.astype("f4"), V.astype("f4")), Pair(None, np.float32(2.0)))
    number = lambda p: np.sum(np.tanh(p.weights[0] @ p.weights[1])) * p.besides.besides**2 + np.mean(np.maximum(p.weights[0], 0))
    value, found = d.value_and_gradient(number, params)
    assert value == pytest.approx(float(number(params)))
    assert type(found) is Pair
    assert found.besides.weights is None
    assert {one.dtype for one in (*found.weights, found.besides.besides)} == {np.dtype("f4")}
    right = complex_step(lambda v: np.sum(np.tanh(X @ v)) * 4, V)
    np.testing.assert_allclose(found.weights[1], right, rtol=1e-5)
    along = Pair((X, V), Pair(None, np.array(1.0)))
    assert d.hessian_product(number, params, along).weights[0].shape == X.shape


def test_gradients_are_arrays_of_their_own():
    at = (np.ones(3), np.ones(3))
    one, two = d.gradient(lambda p: np.sum(p[0] + p[1]), at)
    one += 5
    np.testing.assert_array_equal(two, np.ones(3))
    np.testing.assert_array_equal(at[0], np.ones(3))
    np.testing.assert_array_equal(d.gradient(lambda p: 3.0, V), np.zeros(4))


def test_kinks_and_corners():
    assert d.gradient(lambda x: np.maximum(x, 0), np.array(0.0)) == 0
    np.testing.assert_array_equal(d.gradient(np.max, np.array([1.0, 3.0, 3.0])), [0, 0.5, 0.5])
    assert d.gradient(lambda x: x**0, np.array(0.0)) == 0
    assert d.gradient(lambda x: x**2, np.array(0.0)) == 0
    assert d.gradient(lambda x: 0.0**x, np.array(2.0)) == 0
    # A huge number in one place: no overflow in the sum of exponentials.
    np.testing.assert_allclose(d.gradient(d.logsumexp, np.array([1e4, 0.0, 1e4])), [0.5, 0, 0.5])


def test_an_operation_of_ones_own():
    cube = d.operation(lambda x: x**3, lambda g, y, x: g * 3 * x**2, named="cube")
    assert d.gradient(cube, np.array(2.0)) == 12
    assert d.hessian(cube, np.array(2.0)) == 12
    wrong = d.operation(lambda x: x**3, lambda g, y, x: g * 2 * x**2, named="wrong")
    assert abs(d.gradient(wrong, np.array(2.0)) - differences(lambda x: x**3, np.array(2.0))) > 1


@pytest.mark.parametrize(
    "program, message",
    [
        (lambda x: x * 2, r"function: expected one number, got an array of shape \(4,\)"),
        (lambda x: (np.sum(x), 1), "function: expected it to return an array or a number, got a tuple"),
        (lambda x: np.sum(np.cumprod(x)), "cumprod: a tape has no rule for it"),
        (lambda x: np.sum(special.erf(x)), "erf: a tape has no rule for it"),
        (lambda x: np.sum(np.array([x[0], x[1]])), "was to become a plain array"),
        (lambda x: np.sum(np.exp(x, out=np.empty(4))), "np.exp with out: a tape cannot follow this"),
        (lambda x: np.add.reduce(x), "np.add.reduce: a tape cannot follow this"),
        (lambda x: x if x else x, "neither true nor false"),
        (lambda x: x.__setitem__(0, 1.0), "cannot be written into"),
        (lambda x: float(np.sum(x)), "float"),
    ],
)
def test_what_a_tape_cannot_follow_is_refused(program, message):
    with pytest.raises((TypeError, ValueError), match=message):
        d.gradient(program, V)


def test_other_wrong_arguments():
    with pytest.raises(ValueError, match="at: expected real numbers, got text"):
        d.gradient(np.sum, np.array(["a"]))
    with pytest.raises(ValueError, match=r"along: expected arrays of shapes \[\(4,\)\], got \[\(3,\)\]"):
        d.hessian_product(lambda x: np.sum(x * x), V, V[:3])
    with pytest.raises(ValueError, match=r"g: expected shape \(4,\), as the value has, got \(\)"):
        d.pull_back(np.exp, V)[1](1.0)
    with pytest.raises(TypeError, match="vectors and matrices only"):
        d.gradient(lambda x: np.sum(np.dot(STACK, x)), V)
    assert linalg.solve_triangular is not d.solve_triangular
