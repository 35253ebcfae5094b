"""The palette: Okabe-Ito hues, tuned so that each is legible on light and on dark paper.

Figures are drawn in the light values. Where a figure is stored as SVG, each of these exact
values is replaced by a CSS variable (`var(--pl-blue)`), so the reader's theme decides what is
seen. They are therefore *sentinels*: any other color stays as it was drawn, in both themes.
"""

from typing import NamedTuple


class Shade(NamedTuple):
    """One color of the palette, as hexadecimal RGB, for each use."""

    light: str
    dark: str
    light_text: str  # darker, where the hue as text would fall below a contrast of 4.5


# Lines keep a contrast of at least 3 to the paper, text at least 4.5 (WCAG 1.4.3 and 1.4.11);
# a unit test computes both. Blue, orange, green and purple come first because they
# stay apart for readers with protanopia and deuteranopia.
PALETTE = {
    "ink": Shade("#1b1f24", "#e4e7eb", "#1b1f24"),
    "muted": Shade("#57606a", "#a0a8b2", "#57606a"),
    "grid": Shade("#dde1e6", "#333a43", "#dde1e6"),
    "shade": Shade("#d3d9e0", "#3b434e", "#d3d9e0"),
    "paper": Shade("#ffffff", "#14181e", "#ffffff"),
    "blue": Shade("#0065a6", "#58a6e0", "#0065a6"),
    "orange": Shade("#c87a00", "#e69f00", "#9a5d00"),
    "green": Shade("#008f6a", "#2bb892", "#007a5a"),
    "purple": Shade("#a03a78", "#d98cb8", "#a03a78"),
    "sky": Shade("#3793c9", "#86ccf2", "#1f76a8"),
    "vermillion": Shade("#bb3e00", "#f0793f", "#bb3e00"),
    "yellow": Shade("#a08c00", "#f0e442", "#7a6b00"),
}

#: Name -> the color to draw with. `show.COLORS["blue"]`.
COLORS = {name: shade.light for name, shade in PALETTE.items()}

#: The order in which series of one plot take their colors.
CYCLE = [COLORS[name] for name in ("blue", "orange", "green", "purple", "sky", "vermillion")]

# Matplotlib's own black and white follow the theme too.
_VARIABLES = {shade.light: name for name, shade in PALETTE.items()} | {"#000000": "ink"}

# Blends made so far: hexadecimal color -> CSS expression. See `blend`.
_BLENDS: dict[str, str] = {}


def css_color(color, text=False):
    """Return the CSS expression that stands for a drawn color, or the color itself.

    Parameters
    ----------
    color : str
        Lower-case hexadecimal RGB, as Matplotlib writes it.
    text : bool
        Whether the color fills letters, which need more contrast than lines.
    """
    if color not in _VARIABLES:
        return _BLENDS.get(color, color)
    name = _VARIABLES[color]
    return f"var(--pl-{name}-text)" if text and _has_text_shade(name) else f"var(--pl-{name})"


def _has_text_shade(name):
    return PALETTE[name].light_text != PALETTE[name].light


def css_variables(theme):
    """Return the CSS declarations of the palette for `theme`, "light" or "dark"."""
    declarations = []
    for name, shade in PALETTE.items():
        dark = theme == "dark"
        declarations.append(f"--pl-{name}:{shade.dark if dark else shade.light}")
        if _has_text_shade(name):
            declarations.append(f"--pl-{name}-text:{shade.dark if dark else shade.light_text}")
    return ";".join(declarations)


def blend(weights, colors, levels=20):
    """Mix palette colors by weight: the color of a point that belongs to several classes.

    Parameters
    ----------
    weights : array, shape (N, K)
        Non-negative; each row sums to one (responsibilities, say).
    colors : sequence of K str
        Names in `COLORS`, or their values.
    levels : int
        Weights are rounded to this many steps, which keeps stored figures small.

    Returns
    -------
    list of N str
        Colors for Matplotlib. In stored figures they follow the theme as the palette does.

    Raises
    ------
    ValueError
        If a color is not in the palette, the shapes disagree, or a row is no distribution.
    """
    import numpy as np

    weights = np.asarray(weights, dtype=float)
    names = [color if color in COLORS else _VARIABLES.get(color) for color in colors]
    if None in names:
        raise ValueError(f"blend: colors must come from show.COLORS {sorted(COLORS)}, got {colors}")
    if weights.ndim != 2 or weights.shape[1] != len(names):
        raise ValueError(
            f"blend: weights must have shape (N, {len(names)}), one column per color, "
            f"got {weights.shape}"
        )
    if not (np.all(weights >= 0) and np.allclose(weights.sum(axis=1), 1)):
        raise ValueError("blend: each row of weights must be non-negative and sum to one")
    return [_mix(names, row) for row in np.rint(weights * levels).astype(int)]


def _mix(names, parts):
    """Return the color of one point, given whole-number parts of each named color."""
    # The order of arguments must not matter, so that equal mixtures get equal colors.
    mixture = sorted((int(part), name) for name, part in zip(names, parts) if part > 0)
    if len(mixture) == 1:
        return COLORS[mixture[0][1]]
    total = sum(part for part, _ in mixture)
    channels = [
        sum(part * int(COLORS[name][i : i + 2], 16) for part, name in mixture) / total
        for i in (1, 3, 5)
    ]
    expression, so_far = f"var(--pl-{mixture[0][1]})", mixture[0][0]
    for part, name in mixture[1:]:
        # color-mix takes two colors at a time: fold the next one into what is mixed so far.
        so_far += part
        percent = round(100 * part / so_far)
        expression = f"color-mix(in srgb,var(--pl-{name}) {percent}%,{expression})"
    red, green, blue = (round(channel) for channel in channels)
    # Two different mixtures may round to one RGB value; the next free blue keeps them apart.
    for step in range(256):
        color = f"#{red:02x}{green:02x}{(blue + step) % 256:02x}"
        if color not in _VARIABLES and _BLENDS.setdefault(color, expression) == expression:
            return color
    raise ValueError("blend: too many different mixtures of these colors; use fewer levels")
