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
