"""Pictures of discrete states draw what they are given."""

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.pictures import strips


@pytest.fixture
def ax():
    return show.figure()[1]


def test_shares_fill_the_axes(ax):
    p = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])
    strips.shares(ax, [1900, 1901, 1902], p)
    assert len(ax.collections) == 2
    vertices = ax.collections[0].get_paths()[0].vertices
    assert vertices[:, 0].min() == 1899.5 and vertices[:, 0].max() == 1902.5
    assert {0.2, 0.5, 1.0} <= set(vertices[:, 1].round(6))
    assert ax.get_ylim() == (0, 1)


def test_a_key_names_all_states(ax):
    strips.key(ax, ["calm", "active"])
    legend = ax.get_legend()
    assert [t.get_text() for t in legend.get_texts()] == ["calm", "active"]
    assert len({patch.get_facecolor() for patch in legend.get_patches()}) == 2


def test_one_step_has_shares_too(ax):
    strips.shares(ax, [3], np.array([[0.25, 0.75]]))
    assert ax.get_xlim() == (2.5, 3.5)


def test_a_strip_has_one_block_for_each_run(ax):
    strips.strip(ax, np.arange(6), np.array([0, 0, 2, 2, 2, 0]), 3)
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(-0.5, 2), (1.5, 3), (4.5, 1)]
    assert ax.patches[0].get_facecolor() == ax.patches[2].get_facecolor() != ax.patches[1].get_facecolor()
    assert ax.patches[0].get_height() < ax.patches[1].get_height() == 0.8      # not by color alone
    strips.strip(ax, [7], np.array([1]), 2)
    assert ax.patches[3].get_width() == 1


def test_levels_are_points_and_steps(ax):
    strips.levels(ax, [0, 1], [3, 5], [4.0, 4.5], "expected")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3, 5])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [4.0, 4.5])
    assert ax.lines[1].get_drawstyle() == "steps-mid"


def test_a_table_shows_its_numbers(ax):
    strips.table(ax, [[0.25, 1.0], [0.75, 0.0]], ["a", "b"], ["c", "d"])
    assert [t.get_text() for t in ax.texts] == ["0.25", "1.00", "0.75", "0.00"]
    assert [t.get_position() for t in ax.texts][1] == (1, 0)
    faces = [patch.get_facecolor() for patch in ax.patches]
    assert len(set(faces)) == 4 and faces[3] == (1.0, 1.0, 1.0, 1.0)


def test_letters_stand_at_their_heights(ax):
    strips.letters(ax, "ab", [0.1, 0.9], ["blue", "orange"])
    assert [(t.get_text(), t.get_position()) for t in ax.texts] == [("a", (0, 0.1)), ("b", (1, 0.9))]
    assert [t.get_color() for t in ax.texts] == [show.COLORS["blue"], show.COLORS["orange"]]
    strips.letters(ax, "c", [0.5])
    assert ax.texts[2].get_color() == show.COLORS["ink"]


def test_text_blends_its_colors(ax):
    strips.text(ax, "ab", [0.0, 1.0])
    assert [t.get_text() for t in ax.texts] == ["a", "b"]
    assert [t.get_color() for t in ax.texts] == [show.COLORS["blue"], show.COLORS["orange"]]
