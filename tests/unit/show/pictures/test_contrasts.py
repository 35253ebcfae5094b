"""The picture of a contrast shows the densities that it is given, and Bayes' quotient of them."""

import numpy as np
from numpy.testing import assert_allclose

from pedagogy_lib.show.pictures import contrasts


def test_what_is_placed_is_what_was_given():
    axis = np.linspace(0, 10, 21)
    fig, place = contrasts.against_noise(np.arange(1.0, 9.0), axis, 5, 0.5, "minutes", ("curve", "answer"))
    noise, curve = np.full(21, 0.1), np.linspace(0.0, 20.0, 21)
    place(noise, curve, np.arange(60.0), "error 0.1")
    ax, side = fig.axes
    bell, learned = ax.lines
    assert_allclose(bell.get_ydata(), noise)
    assert_allclose(learned.get_ydata(), np.minimum(curve, 5))
    answer, rug, _ = side.lines
    assert_allclose(answer.get_ydata(), curve / (curve + 0.5))
    assert len(rug.get_xdata()) == contrasts.MARKS
    assert [text.get_text() for text in ax.texts] == ["error 0.1"]
    place(2 * noise, curve, np.arange(3.0), "")
    assert_allclose(answer.get_ydata(), curve / (curve + 1.0))
    assert len(rug.get_xdata()) == 3


def test_scraps_stand_around_their_middles():
    picture = np.random.default_rng(0).random((40, 60))
    fig, place = contrasts.scraps(picture, [(10, 12), (30, 20)], 8, (-7, 6))
    (ax,) = fig.axes
    place((20, 20), (23, 18), (10, 12), (23, 18))
    table, around, hand, partner, cross, ring = ax.lines[:2], *ax.lines[2:]
    corners = lambda line: (line.get_xdata().min(), line.get_xdata().max(), line.get_ydata().min(), line.get_ydata().max())
    assert corners(table[0]) == (5.5, 13.5, 7.5, 15.5)      # pixels 6 to 13, and 8 to 15, edges included
    for line in (around, hand):
        path = line.get_xydata()
        assert_allclose(path[0], path[4])                   # a closed square
        assert_allclose([path[:5].min(0), path[:5].max(0)], [[15.5, 15.5], [23.5, 23.5]])
        assert_allclose(path[4:], [[15.5, 23.5], [13, 26]])  # and a stem from its lower left corner to the grip
    assert corners(partner) == (18.5, 26.5, 13.5, 21.5)
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (9.5, 11.5)
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (22.5, 17.5)
