"""The palette is legible: contrast computed from the standard's own formula."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pedagogy_lib import show
from pedagogy_lib.show.colors import PALETTE, css_color, css_variables

LINES = ["ink", "muted", "blue", "orange", "green", "purple", "sky", "vermillion", "yellow"]
# The papers that figures lie on: the site's and JupyterLab's, and plates of code.
LIGHT_PAPERS, DARK_PAPERS = ["#ffffff"], ["#14181e", "#121212", "#111111"]


def luminance(color):
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def test_the_formula_gives_the_known_extremes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", LINES)
def test_lines_stand_out_from_the_paper(name):
    assert all(contrast(PALETTE[name].light, paper) >= 3 for paper in LIGHT_PAPERS)
    assert all(contrast(PALETTE[name].dark, paper) >= 3 for paper in DARK_PAPERS)


@pytest.mark.parametrize("name", LINES)
def test_text_is_legible_on_the_paper(name):
    assert all(contrast(PALETTE[name].light_text, paper) >= 4.5 for paper in LIGHT_PAPERS)
    assert all(contrast(PALETTE[name].dark, paper) >= 4.5 for paper in DARK_PAPERS)


def test_ink_is_legible_on_an_observed_node():
    assert contrast(PALETTE["ink"].light, PALETTE["shade"].light) >= 4.5
    assert contrast(PALETTE["ink"].dark, PALETTE["shade"].dark) >= 4.5


# Machado, Oliveira and Fernandes (2009), severity 1.
DEFICIENCY = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}


def lab(color, matrix):
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = (
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
        @ seen
        / [0.9505, 1, 1.089]
    )
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCY)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_three_series_differ_for_every_eye(deficiency, theme):
    colors = [getattr(PALETTE[name], theme) for name in ("blue", "orange", "green")]
    seen = [lab(color, DEFICIENCY[deficiency]) for color in colors]
    for i in range(3):
        for j in range(i):
            assert np.linalg.norm(seen[i] - seen[j]) > 20


def test_variables_cover_the_palette_in_both_themes():
    for theme in ("light", "dark"):
        declared = dict(d.split(":") for d in css_variables(theme).split(";"))
        assert {f"--pl-{name}" for name in PALETTE} <= set(declared)
        assert declared["--pl-blue"] == getattr(PALETTE["blue"], theme)


def test_black_and_white_follow_the_theme():
    assert css_color("#000000") == "var(--pl-ink)"
    assert css_color("#ffffff", text=True) == "var(--pl-paper)"


def test_a_pure_weight_is_the_color_itself():
    assert show.blend([[1, 0], [0, 1]], ["blue", "orange"]) == [
        show.COLORS["blue"],
        show.COLORS["orange"],
    ]


def test_a_blend_lies_between_its_colors_and_becomes_a_mixture_of_variables():
    (middle,) = show.blend([[0.5, 0.5]], ["blue", "orange"])
    channel = lambda color: np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    mean = (channel(show.COLORS["blue"]) + channel(show.COLORS["orange"])) / 2
    assert np.abs(channel(middle) - mean).max() <= 1
    expression = css_color(middle)
    assert expression.startswith("color-mix(in srgb,var(--pl-")
    assert "50%" in expression


def test_three_colors_mix_in_proportion():
    (color,) = show.blend([[0.2, 0.3, 0.5]], ["blue", "orange", "green"])
    # 20 and 30 parts make 60 % of the second; then 50 of 100 parts of the third.
    assert css_color(color) == (
        "color-mix(in srgb,var(--pl-green) 50%,"
        "color-mix(in srgb,var(--pl-orange) 60%,var(--pl-blue)))"
    )


@pytest.mark.parametrize(
    ("weights", "colors", "message"),
    [
        ([[1, 0]], ["blue", "pink"], "show.COLORS"),
        ([[1, 0, 0]], ["blue", "green"], r"shape \(N, 2\)"),
        ([1, 0], ["blue", "green"], r"got \(2,\)"),
        ([[0.9, 0.9]], ["blue", "green"], "sum to one"),
        ([[np.nan, 1]], ["blue", "green"], "sum to one"),
    ],
)
def test_blend_refuses_what_it_cannot_mix(weights, colors, message):
    with pytest.raises(ValueError, match=message):
        show.blend(weights, colors)


def test_importing_the_room_imports_neither_matplotlib_nor_ipywidgets():
    code = (
        "import sys, json, pedagogy_lib, pedagogy_lib.show\n"
        "print(json.dumps([m for m in ('matplotlib', 'ipywidgets', 'IPython', 'pygments') "
        "if m in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) == []
