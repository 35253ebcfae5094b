"""The experiments of chapters/91-time/T.8-quasi-geostrophic-flow.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import quasi_geostrophic as qg
from pedagogy_lib.dynamics import steppers
from pedagogy_lib.inference import assimilation

N, CM = 32, 1 / 86.4
SEA = qg.sea(N, 1000.0, beta=1.73e-3, radius=40.0, viscosity=5.0)
LAW = qg.field(SEA)
POWER = np.exp(-0.5 * (np.arange(1, 15) - 4.0) ** 2)
EDDIES = qg.random_root(SEA, POWER / POWER.sum())


def height(q):
    return CM * qg.stream(SEA, q)


def aged(count, seed):
    """Seas that began with random eddies of 10 cm, twenty days later."""
    z = np.random.default_rng(seed).standard_normal((EDDIES.shape[1], count))
    return steppers.flow(LAW, qg.vorticity(SEA, 10 / CM * (EDDIES @ z).T), 0.25, 80, "ab3")


ROOT = qg.random_root(SEA, qg.spectrum(SEA, aged(60, 1)).mean(0))
ROWS, TRACKS = np.arange(0, N, 2)[:, None] * N, ((np.arange(5) + 0.5) * N / 5).astype(int)
SEEN = (ROWS + np.arange(N)).ravel()  # every place of every other row: what no track reads is missing
H = height(np.eye(N * N))[:, SEEN].T
AWAY = np.abs((np.arange(N)[:, None] - TRACKS + N // 2) % N - N // 2).min(1) >= 2


def told(truth, columns_a_day, seed):
    """Heights under the tracks, every second day; the tracks move by so many columns a day."""
    y = height(truth)[:, SEEN] + 2 * np.random.default_rng(seed).standard_normal((len(truth), len(SEEN)))
    for day, row in zip(2 * np.arange(len(truth)), y):
        row[~np.isin(SEEN % N, (TRACKS + columns_a_day * day) % N)] = np.nan
    return y


def search(y):
    """4DVar, thirty steps from the optimal answer to the first day."""
    motion = assimilation.motion(LAW, 1.0, 2)
    window = assimilation.Window(Gaussian(np.zeros(N * N), None), motion, H, 4 * np.eye(len(SEEN)), y)
    there = ~np.isnan(y[0])
    seen = H[there] @ ROOT
    first = seen.T @ np.linalg.solve(seen @ seen.T + 4 * np.eye(there.sum()), y[0][there])
    *_, last = islice(assimilation.preconditioned(window, ROOT, first), 31)
    return last


def off(states, truth, columns=slice(None)):
    """Root mean square error of the heights of each day, in cm."""
    gap = height(states - truth).reshape(-1, N, N)[:, :, columns]
    return np.sqrt((gap**2).mean((1, 2)))


def test_T_8_e_windows_and_moving_tracks():
    last, cost, shares = {10: [], 20: [], 40: [], 80: []}, {40: [], 80: []}, []
    for seed in (9, 10):
        truth = steppers.trajectory(LAW, aged(1, seed)[0], 0.25, 320, "ab3")[::8]
        y = told(truth, 0, seed + 3)
        found = {days: search(y[: days // 2 + 1]) for days in last}
        for days, end in found.items():
            last[days].append(off(end.states, truth[: days // 2 + 1], AWAY)[-1])
        for days in cost:
            cost[days].append(found[days].cost / (0.5 * np.isfinite(y[: days // 2 + 1]).sum()))
        moving = search(told(truth[:21], 1, seed + 3))
        shares.append(off(moving.states, truth[:21]).mean() / off(found[40].states, truth[:21]).mean())
    hold(
        "T.8-e",
        last_10=np.mean(last[10]),
        last_20=np.mean(last[20]),
        last_40=np.mean(last[40]),
        cost_40=np.mean(cost[40]),
        cost_80=np.mean(cost[80]),
        moving=np.mean(shares),
    )
