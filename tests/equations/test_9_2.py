"""Section 9.2: flows. Two maps written by hand, and the library's layers, against counts, differences and sums."""

import numpy as np
from compare import assert_only_as_printed
from scipy import stats
from scipy.optimize import fsolve

from pedagogy_lib.learning import bijections
from pedagogy_lib.learning.bijections import composition
from pedagogy_lib.models.deep import flow

WIDTH = 0.04                                                  # the corners of boxes are corners of cells
GRID = np.arange(-9, 9, WIDTH) + WIDTH / 2
POINTS = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), -1).reshape(-1, 2)


def first(y):
    """d_1 of a flow by hand: the second column moves by what the first one says."""
    return np.stack([y[..., 0], y[..., 1] + 0.5 * y[..., 0] ** 2], -1)


def second(x):
    """d_2: the first column is stretched and moved by what the second one says."""
    return np.stack([x[..., 0] * np.exp(0.6 * np.tanh(x[..., 1])) + np.sin(x[..., 1]), x[..., 1]], -1)


def back(x):
    """d_1^-1 after d_2^-1, on paper."""
    x = np.stack([(x[..., 0] - np.sin(x[..., 1])) * np.exp(-0.6 * np.tanh(x[..., 1])), x[..., 1]], -1)
    return np.stack([x[..., 0], x[..., 1] - 0.5 * x[..., 0] ** 2], -1)


def volume(d, y, h=1e-5):
    """|det dd/dy'|, by differences."""
    columns = [(d(y + h * e) - d(y - h * e)) / (2 * h) for e in np.eye(2)]
    return np.abs(columns[0][..., 0] * columns[1][..., 1] - columns[0][..., 1] * columns[1][..., 0])


def slope_of_psi(x):
    """J_0: the slopes of the sources' distribution function, by differences."""
    h = 1e-5
    return np.prod((stats.norm.cdf(x + h) - stats.norm.cdf(x - h)) / (2 * h), -1)


def library_flow(seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(40, 2)) * [1.0, 1.3]
    params = flow.start(y, bijections.Affine, 3, (6,), rng)
    bent = [layer.network[-1] for layer in params.layers if isinstance(layer, bijections.Affine)]
    for last in bent:
        last.weights[:] *= 6.0
    return params


def test_eq_9_6():
    """Observations are found by undoing the last recognition function first."""
    x = np.random.default_rng(1).normal(size=(20, 2))
    solved = np.array([fsolve(lambda y, target=one: second(first(y)) - target, back(one)) for one in x])
    other_order = np.array([fsolve(lambda y, target=one: first(second(y)) - target, one) for one in x])
    assert_only_as_printed(solved, back(x), other_order, x, atol=1e-6)
    params = library_flow()
    one_by_one = x
    for layer in params.layers[::-1]:
        residual = lambda y, target, l=layer: l.run(y[None]).output[0] - target
        one_by_one = np.array([fsolve(residual, target, args=(target,), xtol=1e-11) for target in one_by_one])
    wrong = composition.undo(params.layers[::-1], x)
    assert_only_as_printed(one_by_one, flow.generate(params, x), flow.normalize(params, x), wrong, atol=1e-8)


def test_eq_9_7():
    """The density is the product of all Jacobians: masses of boxes by counting; and the library's, by differences."""
    y = back(np.random.default_rng(2).normal(size=(2_000_000, 2)))
    middle = first(POINTS)
    factors = slope_of_psi(second(middle)), volume(first, POINTS), volume(second, middle)
    density, at_y = np.prod(factors, 0), factors[0] * factors[1] * volume(second, POINTS)
    left, right, wrong, bare = [], [], [], []
    for low, high in ([(-1, -1), (0, 0)], [(0, -2), (1, 0)], [(-2, -3), (-1, 0)]):
        inside = np.all((low < POINTS) & (high > POINTS), 1)
        left.append(((y > low) & (y < high)).all(1).mean())
        for found, one in ((right, density), (wrong, at_y), (bare, factors[0])):
            found.append(one[inside].sum() * WIDTH**2)
    assert_only_as_printed(left, right, wrong, bare, rtol=0.02)

    params, some = library_flow(), np.random.default_rng(3).normal(size=(20, 2))
    x, total, all_at_y = some, 0.0, 0.0
    for layer in params.layers:
        total = total + np.log(volume(lambda z, l=layer: l.run(z).output, x))
        x = layer.run(x).output
        all_at_y = all_at_y + layer.run(some).log_volume      # not where the layers before it lead
    total, all_at_y = (np.log(slope_of_psi(x)) + part for part in (total, all_at_y))
    assert_only_as_printed(total, flow.log_marginal(params, some), all_at_y, rtol=1e-6)


def test_eq_9_8():
    """The loss: an average over data of the printed terms, and the relative entropy among sources on a grid."""
    truth, guess = library_flow(4), library_flow(5)
    y = flow.generate(guess, POINTS)                          # the grid stands in the guess's source space
    source = stats.norm.pdf(POINTS).prod(1)
    induced = np.exp(flow.log_marginal(truth, y) - flow.log_marginal(guess, y)) * source
    among_sources = (induced * np.log(induced / source)).sum() * WIDTH**2

    drawn = flow.sample(truth, 1_000_000, np.random.default_rng(6)).observations
    record = composition.run(guess.layers, drawn)
    log_p = flow.log_marginal(truth, drawn)
    log_slopes = stats.norm.logpdf(record.output).sum(1)
    volumes = sum(passage.log_volume for passage in record.passages)
    printed = (log_p - log_slopes - volumes).mean()
    assert_only_as_printed(
        among_sources, printed, (log_p - log_slopes + volumes).mean(), (log_p - log_slopes).mean(),
        (-log_slopes - volumes).mean(), rtol=0.01, atol=0.003)
    assert_only_as_printed(printed - log_p.mean(), flow.loss(guess, drawn), flow.loss(truth, drawn), rtol=1e-10)


def test_text_9_2_partial_products_are_no_densities_of_y(evidence):
    """J_0 times the first Jacobians, as functions of y: their sums; the last one's, and those from the other end."""
    params = flow.Parameters((
        bijections.Mixing(np.diag([0.7, 0.8]), np.zeros(2)), bijections.Mixing(np.diag([1.3, 0.9]), np.zeros(2)),
    ))
    record = composition.run(params.layers, POINTS)
    J0 = stats.norm.pdf(record.output).prod(1)
    J1, J2 = (np.exp(passage.log_volume) for passage in record.passages)
    printed = [(J0 * factor).sum() * WIDTH**2 for factor in (1, J1, J1 * J2)]
    last_layer = composition.run(params.layers[1:], POINTS)   # as a density of its own input, x_2
    other_end = (stats.norm.pdf(last_layer.output).prod(1) * np.exp(last_layer.log_volume)).sum() * WIDTH**2
    assert_only_as_printed([1.0, 1.0], [printed[2], other_end], printed[:2], rtol=1e-6)
    evidence("Text 9.2-a", none=printed[0], one=printed[1], both=printed[2])


def test_text_9_2_a_coupling_layer_is_lower_triangular(evidence):
    """By differences: with the moved part below, the corner that is zero is the upper one."""
    rng = np.random.default_rng(7)
    layer = bijections.Additive.start(2, (5,), rng, np.dtype(float))
    y, h = rng.normal(size=(1, 2)), 1e-6
    J = np.stack([(layer.run(y + h * e).output - layer.run(y - h * e).output)[0] / (2 * h) for e in np.eye(2)], 1)
    assert_only_as_printed(np.tril(J), J, np.triu(J), rtol=1e-8, atol=1e-9)
    evidence("Text 9.2-b", upper=np.round(J[0, 1], 6), lower=J[1, 0])
