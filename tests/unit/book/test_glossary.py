"""The glossary: sorted, each entry with a section that speaks of it, and no name of a model or method left out."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHAPTERS = {path.name.split("-")[0]: path for path in ROOT.glob("chapters/*/*.ipynb")}
NUMBER = r"\b(?:[ABMT]\.\d+|\d+(?:\.\d+)+[a-d]?)(?!\w)"
# What the maps call otherwise than the glossary: the label of a box, and the entry.
CALLED = {
    "Amortized inference": "amortized inference",
    "Autoencoder of films": "autoencoder",
    "Black-box inference": "black-box variational inference",
    "Diagnosis": "R-hat",
    "Ensemble filters": "ensemble Kalman filter",
    "Exact gradient": "partition function",
    "Exact recursions": "time update",
    "Expectation-maximization": "EM",
    "Gibbs and Langevin": "Gibbs sampling",
    "Hamiltonian": "Hamiltonian Monte Carlo",
    "Harmonium and RBM": "harmonium",
    "Independent components": "independent-components analysis",
    "Linear regression": "normal equations",
    "Linear-Gaussian state space": "state-space model",
    "Neural networks": "hidden unit",
    "Nonlinear filters": "unscented Kalman filter",
    "Particle filters": "bootstrap filter",
}


def entries():
    body = (ROOT / "book" / "glossary.md").read_text().split("```{glossary}\n")[1].rsplit("```", 1)[0]
    return dict(block.split("\n", 1) for block in body.strip().split("\n\n"))


def sections(definition):
    """Return the lessons that a definition refers to, by number or by a link to a whole chapter."""
    text = " ".join(definition.split())
    numbers = [n for found in re.findall(r"[Ss]ections? ([^()\[]*)", text) for n in re.findall(NUMBER, found)]
    return numbers + re.findall(r"/([^/-]+)-[^/]*\.ipynb", text)


@cache
def words_of(lesson):
    cells = json.loads(CHAPTERS[lesson].read_text())["cells"]
    return " ".join("".join(cell["source"]) for cell in cells).lower()


def unspoken(name, definition):
    """Return whether no section that an entry refers to has all the long words of its name."""
    words = [word[:6] for word in re.findall(r"[a-z0-9]{4,}", name.lower())] or [name.lower()[:3]]
    return not any(all(word in words_of(lesson) for word in words) for lesson in sections(definition))


def test_entries_are_sorted_and_each_stands_once():
    names = [re.sub(r"[^a-z0-9 ]", "", name.lower().replace("-", " ")) for name in entries()]
    assert names == sorted(set(names))


def test_each_entry_refers_to_lessons_that_exist():
    missing = {name: sections(text) for name, text in entries().items() if not set(sections(text)) & set(CHAPTERS)}
    strange = {name: sections(text) for name, text in entries().items() if set(sections(text)) - set(CHAPTERS)}
    assert missing == {}
    assert strange == {}


# Names that a lesson spells otherwise: the word to look for in its place.
SPELLED = {"amortized inference": "amortized"}


@pytest.mark.parametrize("name", entries())
def test_a_lesson_that_an_entry_refers_to_uses_its_words(name):
    assert not unspoken(SPELLED.get(name, name), entries()[name])


def test_that_check_can_fail():
    assert unspoken("Kalman gain", "Something. (Section 3.2.)")
    assert unspoken("quark", "Something. (Section 2.2.2.)")


@pytest.mark.parametrize("which", ["model_map", "method_map"])
def test_every_box_of_the_maps_has_an_entry(which):
    boxes = yaml.safe_load((ROOT / "book" / f"{which}.yml").read_text())
    labels = [box["name"] for box in find_boxes(boxes) if "page" in box]
    assert len(labels) > 10
    known = {re.sub(r"s$", "", name.lower()) for name in entries()}
    left_out = [label for label in labels if re.sub(r"s$", "", CALLED.get(label, label).lower()) not in known]
    assert left_out == []


def find_boxes(node):
    if isinstance(node, dict):
        if "name" in node:
            yield node
        for value in node.values():
            yield from find_boxes(value)
    elif isinstance(node, list):
        for value in node:
            yield from find_boxes(value)
