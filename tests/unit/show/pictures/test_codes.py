"""The pictures of codes show the numbers that they are given."""

from types import SimpleNamespace

import matplotlib.colors as mcolors
import numpy as np

from pedagogy_lib import show
from pedagogy_lib.learning.codes import prefix
from pedagogy_lib.show.pictures import codes

CUPS = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_the_tree_has_a_digit_for_every_answer_and_a_number_for_every_node():
    ax = show.figure()[1]
    codes.tree(ax, "ABCD", CUPS, prefix.merges(CUPS))
    drawn = words(ax)
    assert drawn.count("1") == 3 + 1                   # three questions, and the root's probability
    assert drawn.count("0") == 3
    assert drawn.count(".50") == 2                     # A, and all that is not A
    assert {"A", "B", "C", "D", ".25", ".125"} <= set(drawn)
    assert len(ax.lines) == 6


def test_yes_stands_to_the_left_of_no():
    ax = show.figure()[1]
    codes.tree(ax, "ABCD", [0.1, 0.2, 0.3, 0.4], prefix.merges([0.1, 0.2, 0.3, 0.4]))
    # Each question draws two digits and then its probability.
    for merge in range(3):
        yes, no = ax.texts[3 * merge : 3 * merge + 2]
        assert (yes.get_text(), no.get_text()) == ("1", "0")
        assert yes.get_position()[0] < no.get_position()[0]


def test_half_a_tree_has_its_newest_question_in_orange():
    ax = show.figure()[1]
    codes.tree(ax, "ABCD", CUPS, prefix.merges(CUPS), count=2)
    assert len(ax.lines) == 4
    assert [mcolors.to_hex(line.get_color()) for line in ax.lines[2:]] == [show.COLORS["orange"]] * 2
    assert mcolors.to_hex(ax.lines[0].get_color()) == show.COLORS["muted"]
    whole = show.figure()[1]
    codes.tree(whole, "ABCD", CUPS, prefix.merges(CUPS))
    assert {mcolors.to_hex(line.get_color()) for line in whole.lines} == {show.COLORS["muted"]}
    none = show.figure()[1]
    codes.tree(none, "ABCD", CUPS, list(prefix.merges(CUPS)), count=0)
    assert not none.lines


def test_the_tree_takes_anything_with_the_fields_of_a_merge():
    ax = show.figure()[1]
    codes.tree(ax, "ab", [0.5, 0.5], [SimpleNamespace(yes=0, no=1, node=2, probability=1.0)])
    assert words(ax)[:3] == ["1", "0", "1"]


def test_letters_are_as_high_as_probable():
    ax = show.figure()[1]
    codes.letters(ax, [0.2, 0.8], ["x", "y"], other=[0.5, 0.5])
    assert [bar.get_height() for bar in ax.patches] == [0.2, 0.8]
    assert ax.lines[0].get_ydata().tolist() == [0.5, 0.5]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["x", "y"]


def test_a_stack_ends_at_the_sum_and_goes_back_where_a_part_is_negative():
    ax = show.figure()[1]
    end = codes.stacked(ax, 1.0, [("code", 2.0, "blue"), ("", 3.0, "green"), ("refund", -1.5, "orange")])
    assert end == 3.5
    filled, outlines = ax.patches[::2], ax.patches[1::2]
    for bars in (filled, outlines):
        assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(0.0, 2.0), (2.0, 3.0), (5.0, -1.5)]
    assert words(ax) == ["code", "refund"]
    assert [bar.get_linestyle() for bar in outlines] == ["-", "-", "--"]
    assert filled[2].get_y() > filled[0].get_y() + filled[0].get_height() / 2      # back, on another level
