"""The experiments of chapters/07-invertible/7.2-hmm-learning.ipynb."""

import re
from string import ascii_lowercase

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import em
from pedagogy_lib.models.dynamical import hmm

SYMBOLS = ascii_lowercase + " "


def paragraphs(chapter):
    kept = [" ".join(re.sub("[^a-z]", " ", p).split()) for p in chapter.lower().split("\n\n")]
    return [np.array([SYMBOLS.index(c) for c in p]) for p in kept if p]


def near(*groups):
    """Return a model with one state for each group of symbols, and one for the others."""
    groups = [*groups, set(SYMBOLS).difference(*groups)]
    K = len(groups)
    emission = np.array([[9.0 if symbol in group else 1.0 for group in groups] for symbol in SYMBOLS])
    return hmm.Parameters(np.full(K, 1 / K), np.full((K, K), 1 / K), hmm.Symbols(emission / emission.sum(0)))


def division(params):
    """Return the state to which each symbol mostly belongs, shape (27,)."""
    often = np.linalg.matrix_power(params.transition, 500)[:, 0]
    return (params.emission.probabilities * often).argmax(1)


def group(params, symbol):
    states = division(params)
    return {SYMBOLS[n] for n in np.flatnonzero(states == states[SYMBOLS.index(symbol)])}


def test_7_2_e_words_apart():
    # begun near the ends that thirty random starts find
    chapters = [paragraphs(chapter) for chapter in data.alice()]
    two, three = chapters[0] + chapters[1], chapters[0] + chapters[1] + chapters[2]

    def end(begin, texts):
        fit = em.fit(hmm, begin, texts, max_iterations=2000)
        return fit.params, fit.losses[-1] / np.log(2)

    other, other_3 = end(near(" hu"), three)
    other, other_2 = end(other, two)
    assert group(other, " ") == set(" hu")
    vowels, vowels_2 = end(near(" aeiou"), two)
    _, vowels_3 = end(vowels, three)
    third, third_2 = end(near(" aiou", "deghy"), two)
    hold(
        "7.2-e",
        behind_2=vowels_2 - other_2,
        behind_3=vowels_3 - other_3,
        vowels_with_space=len(group(vowels, " ") & set("aeiou")),
        third_state=other_2 - third_2,
        ends_of_words=len(group(third, "e") & set("deghy")) if len(group(third, "e")) == 5 else 0,
    )
