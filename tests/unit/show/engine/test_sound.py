"""Sounds on a page: what is stored is what was given, and it is described."""

import base64
import io
import re
import wave

import numpy as np
import pytest

from pedagogy_lib import show

TONE = np.sin(np.arange(4000) * 0.3)


def test_what_is_stored_is_the_sound():
    found = show.sounds({"one & only": 0.01 * TONE, "two": -TONE}, 8000, alt="Two tones <of> half a second.", caption="A & B")
    page = found._repr_mimebundle_()["text/html"]
    stored = re.findall(r'src="data:audio/wav;base64,([^"]*)"', page)
    assert len(stored) == 2
    for text, expected in zip(stored, (TONE, -TONE)):
        with wave.open(io.BytesIO(base64.b64decode(text))) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
            samples = np.frombuffer(file.readframes(4000), "<i2")
        np.testing.assert_allclose(samples / 32_000, expected / np.abs(TONE).max(), atol=1e-4)
        assert not np.allclose(samples / 32_000, 0.9 * expected, atol=1e-2)
    assert 'aria-label="one &amp; only"' in page
    assert 'aria-label="Two tones &lt;of&gt; half a second."' in page
    assert "A &amp; B" in page
    assert repr(found) == "Sounds: Two tones <of> half a second."


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({}, "expected one sound at least"),
        ({"silence": np.zeros(10)}, "silence: expected finite samples"),
        ({"gap": [1.0, np.nan]}, "gap: expected finite samples"),
        ({"stereo": np.ones((5, 2))}, r"stereo: expected finite samples, shape \(N,\)"),
        ({"long": np.ones(60_000)}, "long: 120044 bytes, at most 100000 are allowed"),
    ],
)
def test_what_cannot_be_heard_is_refused(named, message):
    with pytest.raises(ValueError, match=message):
        show.sounds(named, 8000, alt="Nothing.")


def test_a_sound_needs_a_description():
    with pytest.raises((ValueError, TypeError)):
        show.sounds({"one": TONE}, 8000, alt="")
