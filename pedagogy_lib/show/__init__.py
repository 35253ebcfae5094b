"""What a reader sees: figures that are still, that answer to a hand, that play step by step, that ask.

`still`, `explore`, `animate`, `predict` and `sounds` each return one object, the same with and without a running
kernel; `handle` makes a point of a picture draggable. `autoencoder` and `classifier` are sheets to paint on
and `language_model` one to write on, which a network answers in the page (`pads/`). `figure` and the marks
(`ellipse`, `band`, `bell`, `contours`, `label`) give them one look; `graph` draws graphical models; `source`
prints the code that runs. Their machinery stands in `engine/`, what they are made of in `marks/`, and what
chapters draw in `pictures/`. The room takes arrays and events; it imports no model and no other room.

Matplotlib and ipywidgets are imported at first use, not here.
"""

from .colors import COLORS, CYCLE, blend
from .engine.animate import Animation, animate
from .engine.controls import choice, slider, toggle
from .engine.explore import Explore, explore
from .engine.handles import handle
from .engine.page import assets
from .engine.predict import Predict, number, place, predict, sketch
from .engine.sound import Sounds, sounds
from .engine.still import Still, still
from .marks.graph import dots, graph, latent, observed, parameter, plate
from .marks.shapes import band, bell, contours, ellipse, label, legend
from .pads.faces import Pad, autoencoder, classifier, language_model
from .source import Source, source
from .style import figure, style

__all__ = [
    "Animation",
    "COLORS",
    "CYCLE",
    "Explore",
    "Pad",
    "Sounds",
    "Source",
    "Predict",
    "Still",
    "animate",
    "assets",
    "autoencoder",
    "band",
    "bell",
    "blend",
    "choice",
    "classifier",
    "contours",
    "dots",
    "ellipse",
    "explore",
    "figure",
    "graph",
    "handle",
    "label",
    "language_model",
    "latent",
    "legend",
    "observed",
    "parameter",
    "number",
    "place",
    "plate",
    "predict",
    "sketch",
    "slider",
    "sounds",
    "source",
    "still",
    "style",
    "toggle",
]
