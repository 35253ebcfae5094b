"""Three figures in which a network answers the reader: a picture's code, a picture's class, the next letter."""

import re
from functools import cache
from pathlib import Path

import numpy as np

from ..colors import COLORS, CYCLE
from ..engine import alt as alt_text
from ..engine import page
from ..engine.film import Film
from ..pictures import images
from ..style import figure
from . import network

_HERE = Path(__file__).parent
_REACH, _NODES = 5.0, 81  # the square and the grid on which the exact posterior is summed


@cache
def _carried():
    """The style sheet and the script of pads, which only pages with a pad carry."""
    sheet = re.sub(r"\s+", " ", (_HERE / "pad.css").read_text())
    lines = (re.sub(r"(^|\s)// .*", "", line).strip() for line in (_HERE / "pad.js").read_text().splitlines())
    script = "\n".join(filter(None, lines))
    return f"<style>{sheet}</style>", f"<script>{script}</script>"


class Pad:
    """A sheet to fill, and a network that answers. Made by `autoencoder`, `classifier` and `language_model`."""

    def __init__(self, kind, data, draw, alt, caption, caller):
        alt_text.check(alt, caller)
        self.data, self.alt, self.caption = data, alt_text.checked(alt, caller), caption
        shots = [((None,), {})]
        self.film = Film(lambda _: draw(), shots, str, shape=[1], caller=caller, format="svg", advice="")
        kind = f"pad pl-pad-{kind}"
        element = page.figure_element(kind, self.film.first, self.alt, width=6.2, caption=caption, data=data)
        sheet, script = _carried()
        self.element = f"{sheet}\n{element}\n{script}"
        self._html = page.dressed(self.element, scripted=False)
        page.check_budget(len(self._html.encode()), caller, 1, 1, "Ship a smaller network.")

    def page_element(self):
        """Return the figure as a page carries it."""
        return self.element

    def __repr__(self):
        return f"Figure: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html, "image/png": self.film.png}


def autoencoder(recognition, emission, examples, names, *, marks, first=0, half=3.4, alt, caption=None):
    """Let the reader paint a picture, and show its code, the exact posterior, and what other codes are decoded to.

    Both networks run in the page. The exact posterior of the two latents is summed there on a grid of 81 by 81
    points of the square from -5 to 5, the bound by eight times eight nodes of Gauss and Hermite.

    Parameters
    ----------
    recognition : sequence of layers
        From D pixels, zero or one, to four numbers: two means, and two logarithms of deviations.
    emission : sequence of layers
        From two latents, standard Gaussians, to the logits of D pixels.
    examples : array_like of 0 and 1, shape (n, D)
        Pictures to begin with; D is a square number.
    names : sequence of n str
    marks : dict of str to pair of float
        What is written on the plane of codes, and where.
    first : int
        The example that is shown first.
    half : float
        The plane shows codes from -half to half.
    alt : str
        What the figure shows and does, in words.
    caption : str, optional

    Returns
    -------
    Pad

    Raises
    ------
    TypeError, ValueError
        If the networks do not fit the pictures, or if a picture is not of zeros and ones.
    """
    caller = "show.autoencoder"
    pictures, side = _pictures(examples, names, first, caller)
    data = {
        "label": "A picture to paint, its code, and the code's picture",
        "side": side,
        "recognition": network.pack(recognition, "recognition", caller),
        "emission": network.pack(emission, "emission", caller),
        "examples": _named(pictures, names),
        "first": first,
        "marks": [{"name": name, "at": [round(float(x), 3) for x in at]} for name, at in marks.items()],
        "half": half,
        "reach": _REACH,
        "n": _NODES,
        "hermite": _hermite(8),
    }
    for name, ends in (("recognition", (side**2, 4)), ("emission", (2, side**2))):
        _check_ends(data[name], name, ends, caller)

    def draw():
        means, logs = np.split(network.run(data["recognition"], pictures[first]), 2)
        fig, (left, ax, right) = figure(ncols=3, height=2.4, width_ratios=(1, 1.35, 1))
        turn = np.linspace(0, 2 * np.pi, 61)
        decoded = 1 / (1 + np.exp(-network.run(data["emission"], means)))
        for each, picture, title in ((left, pictures[first], "picture"), (right, decoded, "its code decoded")):
            images.tiles(each, picture[None], limits=(0, 1))
            each.set_title(title)
        for name, at in marks.items():
            ax.text(*at, name, color=COLORS["muted"], ha="center", va="center")
        circle = np.stack([np.cos(turn), np.sin(turn)])
        ax.plot(*(means[:, None] + 2 * np.exp(logs)[:, None] * circle), color=CYCLE[1], lw=2)
        ax.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", title="its code")
        ax.set(xlabel="first latent", ylabel="second latent")
        return fig

    return Pad("autoencoder", data, draw, alt, caption, caller)


def classifier(layers, examples, names, classes, *, scale=1.0, first=0, alt, caption=None):
    """Let the reader paint a picture, and show the probability of each class.

    Parameters
    ----------
    layers : sequence of layers
        From D pixels to the logits of K classes.
    examples : array_like of 0 and 1, shape (n, D)
        Pictures to begin with; D is a square number.
    names : sequence of n str
        What they are called.
    classes : sequence of K str
    scale : float
        What the network is given for a pixel that is painted; the others are zero.
    first : int
        The example that is shown first.
    alt : str
        What the figure shows and does, in words.
    caption : str, optional

    Returns
    -------
    Pad

    Raises
    ------
    TypeError, ValueError
        If the network does not fit the pictures and the classes, or if a picture is not of zeros and ones.
    """
    caller = "show.classifier"
    pictures, side = _pictures(examples, names, first, caller)
    data = {
        "label": "A picture to paint, and the probability of each class",
        "side": side,
        "network": network.pack(layers, "layers", caller),
        "examples": _named(pictures, names),
        "names": list(classes),
        "scale": scale,
        "first": first,
    }
    _check_ends(data["network"], "layers", (side**2, len(classes)), caller)

    def draw():
        logits = network.run(data["network"], scale * pictures[first])
        fig, (left, right) = figure(ncols=2, height=2.4, width_ratios=(1, 1.6))
        images.tiles(left, pictures[first][None], limits=(0, 1))
        right.barh(range(len(classes)), np.exp(logits - np.logaddexp.reduce(logits)), color=CYCLE[0])
        right.set(xlim=(0, 1), yticks=range(len(classes)), xlabel="probability")
        right.set_yticklabels(classes)
        right.invert_yaxis()
        return fig

    return Pad("classifier", data, draw, alt, caption, caller)


def language_model(hidden, output, symbols, beginnings, *, first=0, alt, caption=None):
    """Let the reader write, and show what each letter costs in bits and how probable each next one is.

    What is written follows a space (the first symbol), which is also put in the place of whatever is no symbol.
    A button draws what comes next, at a temperature: the logarithms of the probabilities are divided by it, and
    at zero the likeliest letter is taken.

    Parameters
    ----------
    hidden : recurrent network
        Fields ``recurrent`` (a layer, K by K), ``input`` (array, K by M) and ``initial`` (array of K).
    output : layer
        From K hidden units to the logits of M symbols.
    symbols : str of M letters
        A space first; the others in lower case.
    beginnings : sequence of str
        Texts to begin with.
    first : int
        The one that is shown first.
    alt : str
        What the figure shows and does, in words.
    caption : str, optional

    Returns
    -------
    Pad

    Raises
    ------
    TypeError, ValueError
        If the network does not fit the symbols, or if a text has others.
    """
    caller = "show.language_model"
    if not symbols.startswith(" ") or len(set(symbols)) != len(symbols) or symbols != symbols.lower():
        raise ValueError(f"{caller}: symbols: expected a space, then letters in lower case, each once, got {symbols!r}")
    if not 0 <= first < len(beginnings) or not all(text and set(text) <= set(symbols) for text in beginnings):
        raise ValueError(f"{caller}: beginnings: expected texts of the symbols, and first={first} among them")
    D, E, initial = hidden.recurrent, np.asarray(hidden.input), np.asarray(hidden.initial, float)
    both = type(D)(np.hstack([D.weights, E]), D.biases)  # one layer, whose input is the last state and a letter
    packed = network.pack((both, output), "layers", caller)
    _check_ends(packed, "hidden and output", (len(initial) + len(symbols), len(symbols)), caller)
    data = {
        "label": "A text to write, what its letters cost, and the probability of each next letter",
        "reader": packed,
        "initial": initial.tolist(),
        "symbols": symbols,
        "beginnings": list(beginnings),
        "first": first,
    }

    def draw():
        z = initial
        for letter in " " + beginnings[first]:
            z = network.run(packed[:1], np.concatenate([z, np.eye(len(symbols))[symbols.index(letter)]]))
        eta = network.run(packed[1:], z)
        shares = np.exp(eta - np.logaddexp.reduce(eta))
        best = np.argsort(-shares, kind="stable")[:8]
        fig, ax = figure(height=2.4, width=4.2)
        rows = range(len(best))
        ax.barh(rows, shares[best], color=CYCLE[0])
        ax.set(xlim=(0, 1), yticks=rows, xlabel="probability", title=f"after \"{beginnings[first]}\"")
        ax.set_yticklabels(["space" if symbols[k] == " " else symbols[k] for k in best])
        ax.invert_yaxis()
        return fig

    return Pad("language", data, draw, alt, caption, caller)


def _pictures(examples, names, first, caller):
    """Return the examples as an array and their side, or raise."""
    pictures = np.asarray(examples, float)
    side = int(round(np.sqrt(pictures.shape[-1]))) if pictures.ndim == 2 else 0
    if pictures.ndim != 2 or side**2 != pictures.shape[1] or not np.isin(pictures, (0, 1)).all():
        raise ValueError(
            f"{caller}: examples: expected zeros and ones, shape (n, D) with D a square, got shape {pictures.shape}"
        )
    if len(names) != len(pictures) or not 0 <= first < len(pictures):
        raise ValueError(
            f"{caller}: expected a name for each of the {len(pictures)} examples and one of them first, "
            f"got {len(names)} names and first={first}"
        )
    return pictures, side


def _named(pictures, names):
    return [{"name": name, "bits": "".join(str(int(ink)) for ink in row)} for name, row in zip(names, pictures)]


def _check_ends(packed, name, ends, caller):
    found = (packed[0]["columns"], packed[-1]["rows"]) if packed else (0, 0)
    if found != ends:
        raise ValueError(
            f"{caller}: {name}: expected a network from {ends[0]} to {ends[1]} numbers, got {found[0]} to {found[1]}"
        )


def _hermite(n):
    """Nodes and weights for averages under a standard Gaussian."""
    nodes, shares = np.polynomial.hermite_e.hermegauss(n)
    return {"nodes": nodes.tolist(), "shares": (shares / shares.sum()).tolist()}
