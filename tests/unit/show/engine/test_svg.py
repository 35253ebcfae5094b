"""The compact SVG shows what Matplotlib drew: coordinates, colors, references, nothing lost."""

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib import show
from pedagogy_lib.show.engine import frames, svg

STEP = {"m": 2, "l": 2, "q": 4, "c": 6}


def absolute_points(data):
    """Read path data as the SVG standard says, with code of its own: the oracle."""
    tokens = re.findall(r"[MLCQZmlcqz]|-?\d*\.\d+|-?\d+", data)
    points, at, start, letter, i = [], np.zeros(2), np.zeros(2), None, 0
    while i < len(tokens):
        if tokens[i].isalpha():
            letter, i = tokens[i], i + 1
        if letter in "zZ":
            at = start
            continue
        count = STEP[letter.lower()]
        numbers = np.array([float(token) for token in tokens[i : i + count]]).reshape(-1, 2)
        i += count
        numbers = numbers + at if letter.islower() else numbers
        points += list(numbers)
        at = numbers[-1]
        if letter in "mM":
            start, letter = at, "l" if letter == "m" else "L"
    return np.array(points)


def saved(fig):
    text = io.StringIO()
    frames._save(fig, text, "svg", transparent=True)
    return text.getvalue()


def busy_figure():
    rng = np.random.default_rng(3)
    fig, ax = show.figure(grid=True)
    x = np.linspace(0, 1, 150)
    ax.plot(x, np.sin(20 * x), label=r"$\hat{y}$")
    ax.scatter(rng.random(30), rng.random(30), c=show.CYCLE * 5)
    ax.contour(rng.random((6, 6)), extent=(0, 1, -1, 1))
    ax.imshow(rng.random((3, 3)), extent=(0, 0.2, -1, -0.5), aspect="auto")
    ax.bar([0.5], [0.4], width=0.1, hatch="//")
    show.ellipse(ax, [0.5, 0], [[0.01, 0], [0, 0.1]], color="green")
    show.legend(ax)
    return fig


@pytest.mark.parametrize(
    "data",
    [
        "M 0 0 \nL 10.004 -3.336 \nL 10.004 2 \nz \nM 5 5 \nL 6 6 \n",
        "M -1.5 0.25 \nC 0.1 0.2 0.3 0.4 0.5 0.6 \nC 1 2 3 4 5 6 \nQ 7 8 9 10 \nL 0 0 \n",
        "M 0 1 \nL 2 3 \nz\nL 9 9 \nM 1 1 \nL -1 -1",
    ],
)
def test_a_path_keeps_its_points_to_a_hundredth(data):
    assert_allclose(absolute_points(svg._path(data)), absolute_points(data), atol=0.0051)


def test_rounding_does_not_add_up_along_a_path():
    x = np.cumsum(np.full(5000, 0.0349))
    data = "M 0 0 \n" + "".join(f"L {a:.6f} {a:.6f} \n" for a in x)
    assert_allclose(absolute_points(svg._path(data))[-1], x[-1], atol=0.0051)


def test_the_oracle_sees_a_path_that_is_off():
    data = "M 0 0 \nL 10 10 \nL 20 0"
    wrong = svg._path(data).replace("10", "10.02", 1)
    with pytest.raises(AssertionError):
        assert_allclose(absolute_points(wrong), absolute_points(data), atol=0.0051)


def test_every_drawn_path_of_a_busy_figure_is_kept():
    source = saved(busy_figure())
    root = ET.fromstring(source)
    drawn = [
        absolute_points(path.get("d"))
        for path in root.iter("{http://www.w3.org/2000/svg}path")
        if (path.get("d") or "").strip() and path.get("style") != "fill: none"
    ]
    compact = ET.fromstring("\n".join(svg.compact(source, {})))
    kept = [absolute_points(p.get("d")) for p in compact.iter("{http://www.w3.org/2000/svg}path")]
    assert len(kept) == len(drawn)
    # Definitions moved to the front, so the order differs: compare as sets of outlines.
    key = lambda points: (len(points), *np.round(points.sum(axis=0), 0))
    for a, b in zip(sorted(kept, key=key), sorted(drawn, key=key)):
        assert_allclose(a, b, atol=0.0051)


def test_marks_keep_their_number_and_place():
    source = saved(busy_figure())
    namespace = "{http://www.w3.org/2000/svg}use"
    before = [u for u in ET.fromstring(source).iter(namespace) if u.get("x") and u.get("y")]
    after = list(ET.fromstring("\n".join(svg.compact(source, {}))).iter(namespace))
    for mark in before:
        x, y = round(float(mark.get("x")), 2), round(float(mark.get("y")), 2)
        assert any(
            abs(float(u.get("x", 0)) - x) < 0.011 and abs(float(u.get("y", 0)) - y) < 0.011
            for u in after
        )


def test_every_reference_has_its_definition_and_every_id_is_used():
    text = "".join(svg.compact(saved(busy_figure()), {}))
    ids = re.findall(r" id='~([^']+)'", text)
    references = re.findall(r"#~([0-9a-z]+)", text)
    assert len(ids) == len(set(ids))
    assert set(ids) == set(references)


def test_the_palette_follows_the_theme_and_other_colors_stay():
    fig, ax = show.figure()
    ax.plot([0, 1], [0, 1], color=show.COLORS["green"])
    ax.plot([0, 1], [1, 0], color="#123456")
    text = "".join(svg.compact(saved(fig), {}))
    assert "stroke:var(--pl-green)" in text
    assert "stroke:#123456" in text
    assert not any(color in text for color in show.COLORS.values())


def test_text_in_a_pale_hue_takes_the_darker_shade():
    fig, ax = show.figure()
    ax.text(0.5, 0.5, "word", color=show.COLORS["orange"])
    ax.plot([0, 1], [0, 1], color=show.COLORS["orange"])
    text = "".join(svg.compact(saved(fig), {}))
    assert "fill:var(--pl-orange-text)" in text
    assert "stroke:var(--pl-orange)" in text


def test_it_is_much_smaller_and_says_nothing_of_the_machine():
    source = saved(busy_figure())
    text = "".join(svg.compact(source, {}))
    assert len(text) < 0.6 * len(source)
    assert not re.search(r"matplotlib|<dc:|rdf|date", text, re.IGNORECASE)
    assert "\n" not in text
    assert '"' not in text  # double quotes would be escaped in JSON


def test_groups_of_one_clip_are_joined_but_opacity_is_not():
    clip, faint = "<g clip-path='url(#~0)'>", "<g style='opacity:.5'>"
    assert svg.merge_clips([clip, "a", "</g>", clip, "b", "</g>"]) == [clip, "a", "b", "</g>"]
    lines = [faint, "a", "</g>", faint, "b", "</g>"]
    assert svg.merge_clips(lines) == lines
    nested = [faint, clip, "a", "</g>", "</g>", clip, "b", "</g>"]
    assert svg.merge_clips(nested) == nested


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.5, ".5"), (-0.125, "-.12"), (12.0, "12"), (1e-9, "0"), (-0.001, "0"), (100, "100")],
)
def test_numbers_are_short(number, text):
    assert svg._short(number) == text


def test_small_factors_keep_six_digits():
    assert svg._short(0.015625, small=True) == ".015625"


def test_an_image_keeps_every_pixel_of_its_array():
    import base64

    from PIL import Image

    values = np.random.default_rng(0).random((7, 5))
    fig, ax = show.figure(width=3, height=2)
    ax.imshow(values, cmap="viridis", vmin=0, vmax=1)
    text = "".join(frames.render(fig, "svg", {}))
    (data,) = re.findall(r"data:image/webp;base64,([^']+)", text)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))
    import matplotlib as mpl

    expected = mpl.colormaps["viridis"](values, bytes=True)
    same = [np.abs(found.astype(int) - expected).max() for found in (pixels, pixels[::-1])]
    assert min(same) <= 1
    assert max(same) > 50
    assert "pixelated" in text


def test_the_letters_beside_an_image_follow_the_theme():
    fig, ax = show.figure(width=3, height=2)
    ax.imshow(np.eye(3))
    ax.set_title("heat")
    text = "".join(frames.render(fig, "svg", {}))
    assert text.count("<image") == 1
    assert "var(--pl-ink)" in text
