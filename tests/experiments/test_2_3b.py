"""The experiments of chapters/02-directed/2.3b-bearings-only.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import nonlinear
from pedagogy_lib.inference.nonlinear import Curve

SECONDS, EAST, NORTH = data.walk().values.T
CLOCK = np.arange(0, SECONDS[-1], 15.0)
TRACK = np.column_stack([np.interp(CLOCK, SECONDS, EAST), np.interp(CLOCK, SECONDS, NORTH)])
ERROR, FIRST = np.deg2rad(2.0), np.array([-350.0, -650.0])
STRIDE = np.eye(4) + 15.0 * np.eye(4, k=2)
STRIDE[2:, 2:] *= 0.9
PUSH = 0.3 * np.vstack([7.5 * np.eye(2), np.eye(2)])
SOMEWHERE = Gaussian(np.array([0.0, -350.0, 0.0, 0.0]), np.diag([300.0, 300.0, 0.6, 0.6]) ** 2)
WALKS = AffineGaussian(STRIDE, np.zeros(4), PUSH @ PUSH.T + 1e-6 * np.eye(4))


def bearings(x, posts):
    gap = x[:, None, :2] - posts
    return np.arctan2(gap[..., 0], gap[..., 1])


def errors(north, rng, runs=10):
    """Squared distance from the tenth look on, on average, with the second post so many meters north of the first."""
    posts = np.array([FIRST, FIRST + [0, north]])
    looks = Curve(lambda x: bearings(x, posts), ERROR**2 * np.eye(2))
    squares = []
    for _ in range(runs):
        y = bearings(TRACK, posts) + ERROR * rng.standard_normal((len(TRACK), 2))
        found = nonlinear.filter(SOMEWHERE, WALKS, looks, y, nonlinear.sigma_points())
        squares.append(((found.means[:, :2] - TRACK) ** 2).sum(1))
    return np.mean(squares, 0)[10:]


def test_2_3b_e_where_the_second_post_should_stand():
    rng = np.random.default_rng(0)
    squares = {north: errors(north, rng) for north in (10, 150, 350, 700, 1400)}
    whole = {north: np.sqrt(found.mean()) for north, found in squares.items()}
    away = np.hypot(*(TRACK - FIRST).T)[10:]
    near = away < np.median(away)
    hold(
        "2.3b-e",
        beside=whole[10],
        at_150=whole[150],
        at_350=whole[350],
        at_700=whole[700],
        at_1400=whole[1400],
        near=np.sqrt(squares[700][near].mean() / squares[350][near].mean()),
        far=np.sqrt(squares[700][~near].mean() / squares[350][~near].mean()),
    )
