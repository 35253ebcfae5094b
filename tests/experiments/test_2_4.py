"""The experiments of chapters/02-directed/2.4-ensemble-filters.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.exercises.sections.s2_4 import needed_inflation
from pedagogy_lib.inference import ensemble
from pedagogy_lib.show.pictures.ensemble_spread import ranks

K, T, N = 40, 240, 10
R = np.eye(K // 2)
EVERY, SECOND = np.arange(K), np.arange(0, K, 2)
TAPERS = [ensemble.gaspari_cohn(ensemble.circular_distance(a, SECOND, K), 5.0) for a in (EVERY, SECOND)]


def run(forcing, inflation, y, climate, rng):
    """Members after each report, and the inflation used; ``None`` estimates it from the last 20 reports."""
    field = fields.lorenz96(K, forcing=forcing)
    members = climate[rng.choice(len(climate), N, replace=False)]
    surprises, variances, after, used = [], [], [], []
    for t, report in enumerate(y):
        if t:
            members = steppers.flow(field, members, 0.05)
        images = members[:, ::2]
        surprises.append(report - images.mean(0))
        variances.append(images.var(0, ddof=1))
        factor = inflation
        if inflation is None:
            recent = np.array(surprises[-20:]), np.array(variances[-20:])
            factor = np.clip(needed_inflation(*recent, 1.0), 1, 1.3)
        members = members.mean(0) + factor * (members - members.mean(0))
        members = ensemble.sqrt_update(members, members[:, ::2], report, R, TAPERS)
        after.append(members)
        used.append(factor)
    return np.array(after), np.array(used)


def scores(forcing, inflation, rng, worlds=3):
    """From day 20 on: error, spread, inflation, how often the truth is above and below all members, bias."""
    found = []
    for _ in range(worlds):
        field = fields.lorenz96(K, forcing=8.0)
        spun = steppers.flow(field, 8 + rng.standard_normal((2001, K)), 0.05, 300)
        truth = steppers.trajectory(field, spun[0], 0.05, T - 1)
        y = truth[:, ::2] + rng.standard_normal((T, K // 2))
        after, used = (late[80:] for late in run(forcing, inflation, y, spun[1:], rng))
        off = after.mean(1) - truth[80:]
        counts = ranks(after, truth[80:]) / off.size
        spread = np.sqrt(after.var(1, ddof=1).mean(1)).mean()
        found.append((np.sqrt((off**2).mean(1)).mean(), spread, used.mean(), counts[-1], counts[0], off.mean()))
    return np.mean(found, 0)


def test_2_4_f_inflation_that_sets_itself():
    rng = np.random.default_rng(0)
    error, *_ = scores(8.0, 1.05, rng)
    own_error, _, right, *_ = scores(8.0, None, rng)
    wrong_error, narrow, _, above, below, bias = scores(7.5, 1.05, rng)
    own_wrong_error, wide, wrong, *_ = scores(7.5, None, rng)
    hold(
        "2.4-f",
        tuned=error,
        own=own_error,
        inflation=right,
        wrong=wrong_error,
        own_wrong=own_wrong_error,
        wrong_inflation=wrong,
        wider=wide - narrow,
        above=11 * above,
        slope=above / below,
        bias=bias,
    )
