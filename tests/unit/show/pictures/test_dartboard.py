import numpy as np

from pedagogy_lib import show
from pedagogy_lib.show.pictures import dartboard

NUMBERS, RADII = (20, 1, 18, 4), (0.6, 1.6, 9.9, 10.7, 16.2, 17.0)


def test_a_board_has_its_sectors_rings_and_numbers():
    fig, ax = show.figure()
    dartboard.board(ax, NUMBERS, RADII)
    assert len(ax.patches) == 2 + 2 * 4 + 2  # shaded sectors, pieces of both rings, two bulls
    words = {text.get_text(): text.get_position() for text in ax.texts}
    assert set(words) == {"20", "1", "18", "4"}
    assert words["20"][1] > 17 and abs(words["20"][0]) < 1e-9  # at the top, and on clockwise
    assert words["1"][0] > 17 and words["18"][1] < -17
    far = max(np.hypot(*patch.get_xy().T).max() for patch in ax.patches)
    assert abs(far - 17.0) < 1e-9
