"""The experiments of chapters/04-learning/4.2-relative-entropy-and-likelihood.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning.objectives import information

LETTERS = " ".join("".join(c if c.isalpha() else " " for c in data.gettysburg().lower()).split())


def short(n, rng, repeats):
    """How many nats each estimate of the entropy from n signs falls short of the entropy of the address."""
    signs, counts = np.unique(list(LETTERS), return_counts=True)
    samples = rng.multinomial(n, counts / counts.sum(), size=repeats)
    truth = information.entropy(counts / counts.sum())
    return truth - np.array([information.entropy(row / n) for row in samples]), (len(signs) - 1) / (2 * n)


def test_4_2_f_entropy_from_few_signs():
    rng = np.random.default_rng(0)
    (short_20, rule_20), (short_100, rule_100), (short_500, rule_500) = (short(n, rng, 400) for n in (20, 100, 500))
    hold(
        "4.2-f",
        short_100=short_100.mean(),
        by_rule_20=short_20.mean() / rule_20,
        by_rule_100=short_100.mean() / rule_100,
        by_rule_500=short_500.mean() / rule_500,
        too_high=(short_500 < 0).mean(),
    )
