"""The experiments of chapters/91-time/T.3-em-or-gradient.ipynb."""

import numpy as np
from experiments import hold
from scipy.optimize import minimize

KEEP, Z, W = 0.9, np.array([-(3**0.5), 0.0, 3**0.5]), np.array([1, 4, 1]) / 6


def bent(q, r, y):
    """One sweep over a power, by sigma points: approximate log-likelihood, and mean squares for the M step."""
    m, P, L, seen = 0.0, 1.0, 0.0, []
    for t, reading in enumerate(y):
        if t:
            m, P = KEEP * m, KEEP**2 * P + q
        image = np.exp(m + Z * P**0.5)
        e, C = W @ image, W @ (Z * P**0.5 * image)
        S = W @ (image - e) ** 2 + r
        L -= 0.5 * (np.log(2 * np.pi * S) + (reading - e) ** 2 / S)
        m, P = m + C / S * (reading - e), P - C**2 / S
        seen.append((m, P))
    x, V = seen[-1]
    moved, missed = 0.0, W @ (y[-1] - np.exp(x + Z * V**0.5)) ** 2
    for reading, (m, P) in zip(y[-2::-1], seen[-2::-1]):
        ahead = KEEP**2 * P + q
        gain = KEEP * P / ahead
        before, U = m + gain * (x - KEEP * m), P + gain**2 * (V - ahead)
        moved += (x - KEEP * before) ** 2 + V + KEEP**2 * U - 2 * KEEP * gain * V
        missed, x, V = missed + W @ (reading - np.exp(before + Z * U**0.5)) ** 2, before, U
    return L, moved / (len(y) - 1), missed / len(y)


def power(seed, T=120, q=0.2):
    rng = np.random.default_rng(seed)
    x = [rng.normal()]
    for _ in range(T - 1):
        x.append(KEEP * x[-1] + q**0.5 * rng.normal())
    return np.exp(x) + 0.3**0.5 * rng.normal(size=T)


def below(y, near):
    """By how many nats EM ends below the top that a search finds."""
    place = (0.6, 1.0)
    for _ in range(100):
        place = bent(*place, y)[1:]
    bounds = [np.log([1e-4, 5.0])] * 2
    minus = lambda logs: -bent(*np.exp(logs), y)[0]
    tops = [minimize(minus, np.log(start), method="Nelder-Mead", bounds=bounds).fun for start in (near, place)]
    return -min(tops) - bent(*place, y)[0]


def test_T_3_e_a_milder_bend_or_more_readings():
    mild = [below(power(seed, q=0.05), (0.05, 0.3)) for seed in range(7)]
    hold(
        "T.3-e",
        below=below(power(6), (0.2, 0.3)),
        below_mild=mild[6],
        below_more=below(power(6, T=480), (0.2, 0.3)),
        below_mild_most=max(mild),
    )
