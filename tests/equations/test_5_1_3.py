"""Section 5.1.3: networks, backpropagation, and backpropagation through time. The textbook's vectors are columns."""

import numpy as np
import pytest
from compare import assert_only_as_printed

from pedagogy_lib.learning import differentiation, networks
from pedagogy_lib.learning.networks import recurrent

RNG = np.random.default_rng(513)
SIZES = (4, 3, 3, 3)                                        # inner weights square, so that a transpose can be forgotten
D = [RNG.normal(size=(k, m)) for m, k in zip(SIZES, SIZES[1:])]
d = [RNG.normal(size=k) for k in SIZES[1:]]
y, TARGET = RNG.normal(size=4), RNG.normal(size=3)
L = 3


def units(D, d, y):
    """z_0 ... z_L, unit by unit."""
    z = [y]
    for weights, biases in zip(D, d):
        z.append(np.array([np.tanh(sum(w * v for w, v in zip(row, z[-1])) + b) for row, b in zip(weights, biases)]))
    return z


def surprisal(z):
    """Any S of the output, here neither even nor linear."""
    return np.sum(TARGET * z + z**3)


def slope(function, at, h=1e-30):
    """A gradient by the complex step: no rule of calculus is used."""
    found = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1j * h
        found[index] = function(moved).imag / h
    return found


def changed(parts, l, value):
    return [value if i == l else part for i, part in enumerate(parts)]


def of_biases(l):
    return slope(lambda v: surprisal(units(D, changed(d, l, v), y)[-1]), d[l])


def of_weights(l):
    return slope(lambda v: surprisal(units(changed(D, l, v), d, y)[-1]), D[l])


def messages(transposed=True):
    """b_L ... b_1 by the recursion of Eq. 5.16."""
    z = units(D, d, y)
    J = [np.diag(1 - one**2) for one in z[1:]]
    b = [J[-1] @ (TARGET + 3 * z[-1] ** 2)]
    for l in range(L - 2, -1, -1):
        weights = D[l + 1].T if transposed else D[l + 1]
        b.append(J[l] @ weights @ b[-1])
    return z, b[::-1]


def layers():
    return tuple(networks.Tanh(weights, biases) for weights, biases in zip(D, d))


def test_eq_5_15():
    """The library's layers are psi(D z + d), unit by unit; the product of two numbers by log and exp."""
    record = networks.forward(layers(), y[None])
    for left, right, weights, biases, before in zip(record.activities[1:], units(D, d, y)[1:], D, d, units(D, d, y)):
        assert_only_as_printed(left[0], right, np.tanh(weights @ before), weights @ before + biases)
    pair = np.array([[0.7, 3.1]])
    product = (networks.Logarithm(np.eye(2), np.zeros(2)), networks.Exponential(np.ones((1, 2)), np.zeros(1)))
    assert_only_as_printed(networks.forward(product, pair).output, [[0.7 * 3.1]], [[0.7 + 3.1]])


def test_eq_5_16(evidence):
    """The messages are the derivatives with respect to the biases, with the weights transposed, and only so."""
    z, b = messages()
    printed = messages(transposed=False)[1]
    for l in range(L):
        without = b[l] / (1 - z[l + 1] ** 2)
        wrong = [printed[l]] if l < L - 1 else []
        assert_only_as_printed(of_biases(l), b[l], without, *wrong, rtol=1e-12)
    # Where widths differ, the printed product does not even exist.
    with pytest.raises(ValueError, match="mismatch"):
        RNG.normal(size=(2, 3)) @ RNG.normal(size=2)
    # The smallest example: one input, two hidden units, two outputs, all linear.
    weights, g = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1.0, 0.0])
    right = slope(lambda v: g @ (weights @ v), np.zeros(2))
    assert_only_as_printed(right, weights.T @ g, weights @ g)
    evidence("5.16", right=right, printed=weights @ g)


def test_eq_5_17():
    z, b = messages()
    found = networks.backward(layers(), networks.forward(layers(), y[None]), (TARGET + 3 * z[-1] ** 2)[None])
    for l in range(L):
        assert_only_as_printed(of_weights(l), np.outer(b[l], z[l]), np.outer(b[l], z[l]) * 2, rtol=1e-12)
        if l:
            assert not np.allclose(of_weights(l), np.outer(z[l], b[l]))
        np.testing.assert_allclose(found.params[l].weights, of_weights(l), rtol=1e-12)
        np.testing.assert_allclose(found.params[l].biases, of_biases(l), rtol=1e-12)
    right = slope(lambda v: surprisal(units(D, d, v)[-1]), y)
    assert_only_as_printed(right, found.inputs[0], D[0].T @ (b[0] / (1 - z[1] ** 2)), rtol=1e-12)


def test_text_5_1_3_one_layer_has_interactions(evidence):
    """psi acts elementwise, but on sums: the mixed derivative of tanh(y_1 + y_2) is not zero."""
    mixed = differentiation.hessian(lambda v: np.tanh(v[0] + v[1]), np.array([0.3, 0.2]))[0, 1]
    t = np.tanh(0.5)
    assert_only_as_printed(mixed, -2 * t * (1 - t**2), 0.0)
    # A hidden layer of squares, and a linear read-out: y_1 y_2 exactly, for every sign.
    at = RNG.normal(size=(50, 2))
    squares = np.square(at @ np.array([[1.0, 1.0], [1.0, -1.0]]).T)
    assert_only_as_printed(at[:, 0] * at[:, 1], squares @ [0.25, -0.25], squares @ [0.25, 0.25], atol=1e-15)
    evidence("Text 5.1.3-a", mixed=mixed)


def test_text_5_1_3_the_product_by_logarithms_needs_positive_numbers(evidence):
    with np.errstate(invalid="ignore"):
        found = np.exp(np.log(np.array([-2.0, 2.0, 3.0])) + np.log(np.array([-3.0, 4.0, 5.0])))
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], [8, 15])
    evidence("Text 5.1.3-b", undefined=np.isnan(found).sum(), product=-2.0 * -3.0)


# --- backpropagation through time ---------------------------------------------------------------

K, M, T = 3, 2, 5
D_ZZ, D_YZ, BIASES = RNG.normal(size=(K, K)) / 2, RNG.normal(size=(K, M)), RNG.normal(size=K) / 2
START, YS = RNG.normal(size=K), RNG.normal(size=(T + 1, M))     # YS[0] is never used: inputs count from 1
W = RNG.normal(size=(T + 1, K))


def states(D_zz=D_ZZ, D_yz=D_YZ, biases=BIASES, nudge=None):
    """z_0 ... z_T; nudge = (t, dz) moves z_t, and thereby all that comes later."""
    z = [START.astype(complex)]
    if nudge is not None and nudge[0] == 0:
        z[0] = z[0] + nudge[1]
    for t in range(1, T + 1):
        new = np.tanh(D_zz @ z[-1] + D_yz @ YS[t] + biases)
        z.append(new + nudge[1] if nudge is not None and nudge[0] == t else new)
    return z


def total_loss(z, biases=BIASES):
    """S(z_0, ..., z_T, theta): every state, and the biases directly."""
    return sum(np.sum(W[t] * z[t] + z[t] ** 3 / 3) for t in range(T + 1)) + np.sum(biases**2) / 2


def partials():
    """The three partial derivatives: of S by z_t, of z_t by z_{t-1}, and the diagonals J_t."""
    z = np.real(states())
    return z, [W[t] + z[t] ** 2 for t in range(T + 1)], [None] + [np.diag(1 - z[t] ** 2) for t in range(1, T + 1)]


def totals(initial=None):
    """dS/dz_t by the recursion of Eq. 5.20, from the end."""
    _, direct, J = partials()
    found = [None] * (T + 1)
    found[T] = direct[T] if initial is None else initial
    for t in range(T - 1, -1, -1):
        found[t] = direct[t] + (found[t + 1] @ J[t + 1] @ D_ZZ)
    return found


def by_nudging(t):
    """dS/dz_t: move z_t and let the future follow."""
    return slope(lambda v: total_loss(states(nudge=(t, v - np.real(v.copy())))), np.zeros(K))


def test_eq_5_18():
    """The library's recursion is the printed one; with the same step at every time, not one for each."""
    params = recurrent.Recurrent(networks.Tanh(D_ZZ, BIASES), D_YZ, START)
    left = recurrent.forward(params, YS[1:]).hidden[0]
    assert_only_as_printed(left, np.real(states()), np.real(states(D_zz=D_ZZ.T)))


def test_eq_5_20():
    found, (_, direct, _) = totals(), partials()
    for t in range(T + 1):
        wrong = [direct[t]] if t < T else [np.zeros(K)]
        assert_only_as_printed(by_nudging(t), found[t], *wrong, rtol=1e-12)
    assert not np.allclose(by_nudging(0), totals(initial=np.zeros(K))[0])


def test_eq_5_19():
    """Total effect of theta on z_t times direct effect of z_t, or the other way round: the same sum."""
    left = slope(lambda v: total_loss(states(biases=v), v), BIASES)
    _, direct, J = partials()
    # First line: dz_t/dtheta, in total, by the complex step.
    moved = np.zeros((T + 1, K, K))
    for k in range(K):
        step = np.zeros(K, complex)
        step[k] = 1e-30j
        moved[:, :, k] = [one.imag / 1e-30 for one in states(biases=BIASES + step)]
    first = BIASES + sum(direct[t] @ moved[t] for t in range(T + 1))
    second = BIASES + sum(totals()[t] @ J[t] for t in range(1, T + 1))
    both_total = BIASES + sum(totals()[t] @ moved[t] for t in range(T + 1))
    both_direct = BIASES + sum(direct[t] @ J[t] for t in range(1, T + 1))
    assert_only_as_printed(left, first, both_total, both_direct, rtol=1e-12)
    assert_only_as_printed(left, second, both_total, both_direct, rtol=1e-12)


def test_eq_5_21():
    """With b_t = J_t dS/dz_t, the gradients that are displayed before it; and the library's."""
    z, direct, J = partials()
    b = [None] + [J[t] @ totals()[t] for t in range(1, T + 1)]
    times = range(1, T + 1)
    weights = slope(lambda v: total_loss(states(D_zz=v)), D_ZZ)
    entry = slope(lambda v: total_loss(states(D_yz=v)), D_YZ)
    biases = slope(lambda v: total_loss(states(biases=v)), BIASES)
    late, bare = sum(np.outer(b[t], z[t]) for t in times), sum(np.outer(totals()[t], z[t - 1]) for t in times)
    assert_only_as_printed(weights, sum(np.outer(b[t], z[t - 1]) for t in times), late, bare, rtol=1e-12)
    assert_only_as_printed(entry, sum(np.outer(b[t], YS[t]) for t in times),
                           sum(np.outer(b[t], YS[t - 1]) for t in times), rtol=1e-12)
    assert_only_as_printed(biases, sum(b[t] for t in times), b[T], rtol=1e-12)
    params = recurrent.Recurrent(networks.Tanh(D_ZZ, BIASES), D_YZ, START)
    found = recurrent.backward(params, recurrent.forward(params, YS[1:]), np.array(direct[1:]))
    np.testing.assert_allclose(found.params.recurrent.weights, weights, rtol=1e-12)
    np.testing.assert_allclose(found.params.input, entry, rtol=1e-12)
    np.testing.assert_allclose(found.params.recurrent.biases, biases, rtol=1e-12)
    np.testing.assert_allclose(found.totals[0], totals()[1:], rtol=1e-12)


def test_text_5_1_3_a_fourth_partial_derivative_is_needed(evidence):
    """The loss does not mention D_zz: of the three that are listed, none by itself knows of it."""
    z, _, J = partials()
    left = slope(lambda v: total_loss(states(D_zz=v)), D_ZZ)
    without = np.zeros_like(D_ZZ)                           # dS/dD_zz at fixed z, the only one of the three with theta
    with_fourth = without + sum(np.outer(J[t] @ totals()[t], z[t - 1]) for t in range(1, T + 1))
    assert_only_as_printed(left, with_fourth, without, rtol=1e-12)
    evidence("Text 5.1.3-c", gradient=np.linalg.norm(left), three=np.linalg.norm(without))


def test_text_5_1_3_the_sums_begin_at_one(evidence):
    """Each step of Eq. 5.18 gives one term: there are T steps, and the first needs z_0 and y_1."""
    z, _, J = partials()
    terms = [np.outer(J[t] @ totals()[t], z[t - 1]) for t in range(1, T + 1)]
    left = slope(lambda v: total_loss(states(D_zz=v)), D_ZZ)
    # A term for t = 0, were z_(-1) the last entry, as an index of -1 would have it.
    extra = np.outer(totals()[0], z[-1])
    assert_only_as_printed(left, sum(terms), sum(terms) + extra, rtol=1e-12)
    evidence("Text 5.1.3-d", terms=len(terms), printed=T + 1)
