"""The pictures of directed graphs show who is told what."""

import matplotlib.colors as mcolors
import numpy as np
from matplotlib.patches import Circle

from pedagogy_lib import show
from pedagogy_lib.show.pictures import evidence

PLACES = {"B": (0, 1), "A": (0.5, 0), "E": (1, 1)}
ARROWS = ["B -> A", "E -> A"]


def nodes(fig):
    """Edge color and fill of each circle, by the label that stands in it."""
    ax = fig.axes[0]
    circles = [p for p in ax.patches if isinstance(p, Circle)]
    found = {}
    for text in ax.texts:
        near = min(circles, key=lambda c: np.hypot(*(np.array(c.center) - text.get_position())))
        found[text.get_text()] = (near.get_edgecolor(), near.get_facecolor())
    return found


def same(color, name):
    return np.allclose(color, mcolors.to_rgba(show.COLORS[name]))


def test_colors_letters_and_shade_say_who_is_told():
    fig, tell = evidence.information(PLACES, ARROWS)
    tell("B", given=["A"], reached=["B", "E"])
    drawn = nodes(fig)
    assert set(drawn) == {r"$\mathbf{B}$", "$A$", r"$\mathbf{E}$"}   # bold: told, without color too
    assert same(drawn[r"$\mathbf{B}$"][0], "blue")
    assert same(drawn[r"$\mathbf{E}$"][0], "orange")
    assert same(drawn["$A$"][1], "shade")


def test_who_is_told_nothing_is_gray_whatever_was_told_before():
    fig, tell = evidence.information(PLACES, ARROWS)
    tell("E", given=["A", "E"], reached=["B"])
    tell("B", reached=["B", "A"])
    drawn = nodes(fig)
    assert same(drawn["$E$"][0], "muted")
    assert same(drawn["$E$"][1], "paper")


def test_the_title_is_that_of_the_last_thing_told():
    fig, tell = evidence.information(PLACES, ARROWS, title="knowing nothing else")
    tell("B", given=["A"], title="knowing the alarm")
    assert [text.get_text() for text in fig.axes[0].texts][-1] == "knowing the alarm"


def test_the_square_has_the_areas_of_the_joint():
    ax = show.figure()[1]
    evidence.square(ax, [0.25, 0.75], [0.9, 0.2], ["ill", "well"], "positive")
    bars = [p for p in ax.patches if p.get_y() == 0]
    areas = [p.get_width() * p.get_height() for p in bars]
    np.testing.assert_allclose(areas, [0.225, 0.15])
    np.testing.assert_allclose(sum(p.get_width() * p.get_height() for p in ax.patches), 1.0)
    assert len({p.get_hatch() for p in bars}) == 2
