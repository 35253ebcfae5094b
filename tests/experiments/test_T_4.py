"""The experiments of chapters/91-time/T.4-films-with-missing-pictures.ipynb."""

from itertools import islice

import numpy as np
from experiments import hold

from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.dynamical import kalman_vae

T, SIDE, GAP = 30, 16, slice(12, 20)


def films(n, rng):
    """Pictures of pendulums that are let go somewhere and pushed a little."""
    law, x = fields.pendulum(), np.column_stack([rng.uniform(-1.2, 1.2, n), rng.uniform(-0.6, 0.6, n)])
    angles = []
    for _ in range(T):
        angles.append(x[:, 0])
        x = steppers.flow(law, x, 0.35) + 0.02 * rng.standard_normal((n, 2))
    angle, dots = np.stack(angles, 1)[..., None, None], np.arange(SIDE)
    far = (dots - 7.5 - 6 * np.sin(angle)) ** 2 + (dots[:, None] - 1 - 10 * np.cos(angle)) ** 2
    return (far < 2.2**2).astype(float).reshape(n, T, -1)


def filled(model, film):
    """Codes of the whole film by the smoother, the gap withheld, and by straight lines over the gap."""
    given = film.copy()
    given[GAP] = np.nan
    C, c, _ = model.state_space.params.emission
    by_line = kalman_vae.recognize(model, film)
    for column in by_line.T:
        column[GAP] = np.interp(np.arange(T)[GAP], [11, 20], column[[11, 20]])
    return kalman_vae.posterior(model, given).means @ C.T + c, by_line


def learned(states, others):
    """Nats for a withheld picture, by the smoother and by the line, and the eigenvalues of the transition."""
    rng = np.random.default_rng(3)
    known = films(40, rng)
    begin = kalman_vae.start(known, 2, states, (32,), networks.Tanh, outputs.Bernoulli, rng)
    *_, turn = islice(kalman_vae.iterate(begin, known, rng), 600)
    spent = []
    for film in others:
        drawn = [kalman_vae.decode(turn.params, codes)[GAP] for codes in filled(turn.params, film)]
        spent.append([-np.log(np.where(film[GAP] > 0, p, 1 - p)).sum(1).mean() for p in drawn])
    return *np.mean(spent, 0), np.linalg.eigvals(turn.params.state_space.params.transition.matrix)


def test_T_4_e_a_state_of_two_numbers():
    others = films(20, np.random.default_rng(99))
    (gap_four, _, four), (gap_two, line, two) = learned(4, others), learned(2, others)
    turns = [value for value in four if value.imag > 1e-9]
    hold(
        "T.4-e",
        gap_four=gap_four,
        gap_two=gap_two,
        line=line,
        period_four=2 * np.pi / np.angle(max(turns, key=abs)),
        turns_two=np.sum(two.imag > 1e-9),
    )
