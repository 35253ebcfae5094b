"""Exact inference on any graph: factor graphs, junction trees, and messages between clusters.

A model is a product of factors, and a factor is a table (`tables`) or a Gaussian in information form
(`information_form`); either module is handed to the functions as their first argument, ``rules``. `factor_graph`
and `junction_tree` lay the product out as clusters with links, `propagate` passes messages on a tree, and
`loopy` repeats them where there are loops. `triangulation` chooses which variable to take out next.

References
----------
Section 3.5; appendix C.
"""

from pedagogy_lib.inference.trees import information_form, tables, triangulation
from pedagogy_lib.inference.trees.clusters import (
    ClusterGraph,
    TooWideError,
    factor_graph,
    interaction_graph,
    junction_tree,
    runs_through,
)
from pedagogy_lib.inference.trees.propagation import (
    Beliefs,
    Message,
    Sweep,
    iterate_loopy,
    loopy,
    marginal,
    most_probable,
    pass_messages,
    propagate,
    sample,
)

__all__ = [
    "Beliefs",
    "ClusterGraph",
    "Message",
    "Sweep",
    "TooWideError",
    "factor_graph",
    "information_form",
    "interaction_graph",
    "iterate_loopy",
    "junction_tree",
    "loopy",
    "marginal",
    "most_probable",
    "pass_messages",
    "propagate",
    "runs_through",
    "sample",
    "tables",
    "triangulation",
]
