"""Packed texts come back letter by letter, and cost what their differences cost."""

import json

import numpy as np
import pytest

from pedagogy_lib.show.engine import packing


def path(rng, count=12):
    steps = rng.integers(-400, 400, count) / 100
    data = "".join(f" {s:g}" if s >= 0 else f"{s:g}" for s in steps).replace("0.", ".")
    return f"<path d='M{rng.integers(0, 9)}.5{data}' class='s{rng.integers(3)}'/>"


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4), (2, 3, 2)])
def test_lines_of_svg_come_back(shape):
    rng = np.random.default_rng(0)
    texts = [path(rng) + "<use href='#~1z' x='-.05'/>{2}" for _ in range(np.prod(shape))]
    packed = packing.pack(texts, shape)
    assert packing.unpack(json.loads(json.dumps(packed))) == texts


def test_a_wrong_number_does_not_come_back_as_the_right_one():
    rng = np.random.default_rng(0)
    texts = [path(rng) for _ in range(5)]
    packed = packing.pack(texts, (5,)) | packing._tables(texts, words=False)
    packed.pop("chain", None)
    assert packing.unpack(packed) == texts
    packed["c"] = [packing._encode(packing._decode(c, packing._width(t)) + 1) for c, t in zip(packed["c"], packed["t"])]
    assert packing.unpack(packed) != texts


@pytest.mark.parametrize(
    "text",
    ["", "<g/>", "d='M1 2'", " d='M0 0l-.5 0 .5-.5'", " d='M007 1.50'", " transform='translate(3-4)scale(.105-.105)'",
     " x='3' y='.000001'", "#~0", "#~01", "fill:#1f77b4", " d='M1e5 2'", " width='12.34'"],
)  # fmt: skip
def test_odd_texts_among_others(text):
    texts = [text, " d='M1 2'", text + text]
    assert packing.unpack(packing.pack(texts, (3,))) == texts


def test_a_path_that_grows_costs_what_is_new():
    rng = np.random.default_rng(0)
    parts = [f" {a}.{b}" for a, b in rng.integers(1, 9, (400, 2))]
    texts = ["".join([" d='M0 0l", *parts[:k], "'"]) for k in [*range(1, 400), *range(399, 0, -1)]]
    packed = packing.pack(texts, (len(texts),))
    assert packing.unpack(packed) == texts
    assert len(json.dumps(packed)) < 25 * len(texts)


def test_words_keep_their_zeros_signs_and_braces():
    texts = [f"At {i / 8:.3f} m, −{i}.0 %, step 007 of {{2}}, β2 {10**i}" for i in range(12)]
    packed = packing.pack(texts, (12,), words=True)
    assert packing.unpack(packed) == texts
    assert len(packed["t"]) == 1


def test_what_depends_on_one_control_is_stored_for_its_values_alone():
    texts = [f" x='{b}'" for _ in range(50) for b in range(4)]
    packed = packing.pack(texts, (50, 4))
    assert packed["over"] == [1]
    assert packing.unpack(packed) == texts
    assert len(json.dumps(packed)) < 100


def test_a_curve_in_many_states_takes_about_a_byte_a_number():
    x = np.arange(60)
    rows = np.rint(100 * np.diff(20 * np.sin(x / 10 + np.arange(300)[:, None] / 40))).astype(int)
    texts = ["".join([" d='l", *(f"{v / 100:g} " for v in row), "'"]).replace(" '", "'").replace("0.", ".") for row in rows]
    texts = [t.replace(" -", "-") for t in texts]
    packed = packing.pack(texts, (300,))
    assert packing.unpack(packed) == texts
    assert len(json.dumps(packed)) < 1.4 * rows.size
    assert sum(map(len, texts)) > 3 * len(json.dumps(packed))
