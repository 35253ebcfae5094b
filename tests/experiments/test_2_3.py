"""The experiments of chapters/02-directed/2.3-nonlinear-filters.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.inference import nonlinear
from pedagogy_lib.inference.nonlinear import Curve

FIELD = fields.pendulum()
MOVE = Curve(
    lambda x: steppers.flow(FIELD, x, 0.25),
    np.diag([1e-6, 0.005]),
    lambda x: steppers.tangent(FIELD, x, np.eye(2), 0.25),
)


def followed(spread, variance, rng, *rules, n=60, T=40):
    """For each rule (line, repeats): the share lost (off by more than 0.5), and the angle's mean deviation."""
    see = Curve(lambda x: np.sin(x[:, :1]), np.array([[variance]]), lambda x: np.array([[np.cos(x[0]), 0.0]]))
    release = Gaussian(np.array([1.5, 0.0]), spread**2 * np.eye(2))
    x = [release.mean + spread * rng.standard_normal((n, 2))]
    for _ in range(T - 1):
        x.append(MOVE.function(x[-1]) + rng.standard_normal((n, 2)) * np.sqrt(np.diag(MOVE.covariance)))
    states = np.stack(x, 1)
    seen = np.sin(states[..., :1]) + np.sqrt(variance) * rng.standard_normal((n, T, 1))
    for line, repeats in rules:
        found = [nonlinear.filter(release, MOVE, see, y, line, repeats) for y in seen]
        off = np.array([f.means[:, 0] for f in found]) - states[..., 0]
        deviation = np.mean([np.sqrt(f.covariances[:, 0, 0]) for f in found])
        yield np.mean(np.sqrt((off**2).mean(1)) > 0.5), deviation


def test_2_3_e_when_the_tangent_suffices():
    rng = np.random.default_rng(0)
    once, often, points = (nonlinear.tangent, 0), (nonlinear.tangent, 3), (nonlinear.sigma_points(), 0)
    narrow, narrow_often, narrow_points = (share for share, _ in followed(0.1, 0.001, rng, once, often, points))
    good, good_points = (share for share, _ in followed(0.5, 0.001, rng, once, points))
    poor, poor_often, poor_points = (share for share, _ in followed(0.5, 0.2, rng, once, often, points))
    (wide, sure), (wide_points, unsure) = followed(0.8, 0.05, rng, once, points)
    hold(
        "2.3-e",
        narrow=narrow,
        narrow_points=narrow_points,
        narrow_often=narrow_often - narrow,
        good=good,
        good_points=good - good_points,
        poor=poor,
        poor_points=poor_points,
        poor_often=poor_often - poor,
        wide=wide,
        wide_points=wide_points,
        unsure=unsure / sure,
    )
