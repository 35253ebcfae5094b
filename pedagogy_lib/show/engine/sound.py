"""Sounds that a reader plays: short recordings inside the page, each with its name and a text."""

import base64
import html
import io
import wave

import numpy as np

from . import alt as alt_text

#: What one sound may weigh as a WAV file, in bytes.
HEAVIEST = 100_000
_COLUMNS = "repeat(auto-fit, minmax(min(17rem, 100%), 1fr))"  # side by side where there is room


class Sounds:
    """A row of players. Made by `sounds`."""

    def __init__(self, named, rate, alt, caption):
        alt_text.check(alt, "show.sounds")
        self.alt, self.caption = alt_text.checked(alt, "show.sounds"), caption
        files = {name: wav(name, samples, rate) for name, samples in named.items()}
        if not files:
            raise ValueError("show.sounds: expected one sound at least, got none")
        self._html = _element(files, self.alt, caption)

    def __repr__(self):
        return f"Sounds: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self._html}


def sounds(named, rate, *, alt, caption=None):
    """Show players for one or more short sounds, which are stored in the page.

    Parameters
    ----------
    named : dict of str to array_like of shape (N,)
        The name of each sound, and its samples. Each is played as loud as it can be: sounds are
        divided by their largest sample.
    rate : int
        Samples per second.
    alt : str
        What is to be heard, for those who do not hear it.
    caption : str, optional
        Text under the players.

    Returns
    -------
    Sounds

    Raises
    ------
    ValueError
        If a sound is silent or not finite, or heavier than 100 kB.
    """
    return Sounds(named, rate, alt, caption)


def wav(name, samples, rate):
    """Return a sound as the bytes of a WAV file: one channel, sixteen bits."""
    samples = np.asarray(samples, float)
    loudest = np.abs(samples).max() if samples.ndim == 1 and samples.size else np.nan
    if not 0 < loudest < np.inf:
        raise ValueError(f"show.sounds: {name}: expected finite samples, shape (N,), not all zero")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.round(32_000 * samples / loudest).astype("<i2").tobytes())
    found = file.getvalue()
    if len(found) > HEAVIEST:
        raise ValueError(f"show.sounds: {name}: {len(found)} bytes, at most {HEAVIEST} are allowed: make it shorter")
    return found


def _element(files, alt, caption):
    """Return the players, each under its name."""
    players = "".join(
        '<div>'
        f"<div>{html.escape(name)}</div>"
        f'<audio controls preload="metadata" aria-label="{html.escape(name)}" style="width: 100%"'
        f' src="data:audio/wav;base64,{base64.b64encode(file).decode()}"></audio></div>'
        for name, file in files.items()
    )
    below = f"<p><em>{html.escape(caption)}</em></p>" if caption else ""
    return (
        f'<div role="group" aria-label="{html.escape(alt)}">'
        f'<div style="display: grid; grid-template-columns: {_COLUMNS}; gap: 1rem">{players}</div>{below}</div>'
    )
