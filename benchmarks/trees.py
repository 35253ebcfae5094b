"""Junction trees: against the rows of a grid multiplied as matrices, and against `numpy.einsum`.

The packages for graphical models do not reach these sizes in minutes, so that the peers are NumPy, written out as one
would by hand; pgmpy is asked for a smaller grid. The answers are compared before anything is timed. Ours are all
marginals and the partition function; so are those of the matrices; `einsum` gives the partition function alone.
"""

import numpy as np

from benchmarks import machine
from benchmarks.race import race
from pedagogy_lib.inference import markov_graphs, trees
from pedagogy_lib.inference.trees import tables, triangulation

#: How far two answers may differ, relative to the largest number in them.
TOLERANCE = 1e-8


# ------------------------------------------------------------------------- the tasks


def weights(n):
    """Fields, and couplings down and across, of an n x n grid of two-sided variables."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, n)), rng.normal(size=(n - 1, n)), rng.normal(size=(n, n - 1))


def grid_factors(n):
    """The same as factors over the variables "row,column"."""
    fields, down, across = weights(n)
    name = [[f"{i},{j}" for j in range(n)] for i in range(n)]
    agree = np.array([[1.0, -1.0], [-1.0, 1.0]])
    factors = [tables.Factor((name[i][j],), fields[i, j] * np.array([-1.0, 1.0])) for i in range(n) for j in range(n)]
    factors += [tables.Factor((name[i][j], name[i + 1][j]), down[i, j] * agree) for i in range(n - 1) for j in range(n)]
    return factors + [
        tables.Factor((name[i][j], name[i][j + 1]), across[i, j] * agree) for i in range(n) for j in range(n - 1)
    ]


def grid(n):
    """An n x n grid of two-sided variables: all marginals and log Z."""
    fields, down, across = weights(n)
    factors = grid_factors(n)
    row_by_row = [f"{i},{j}" for i in range(n) for j in range(n)]

    def ours():
        beliefs = trees.propagate(tables, trees.junction_tree(tables, factors, row_by_row))
        light = [tables.probabilities(trees.marginal(tables, beliefs, each))[1] for each in row_by_row]
        return light, [beliefs.log_total]

    def matrices():
        spins = 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1) - 1       # every row of the grid there is

        def run():
            inside = [np.exp(spins @ fields[i] + (spins[:, :-1] * spins[:, 1:]) @ across[i]) for i in range(n)]
            steps = [np.exp((spins * down[i]) @ spins.T) for i in range(n - 1)]
            forward, backward, scale = [inside[0]], [np.ones(2**n)], 0.0
            for i in range(n - 1):
                scale += np.log(forward[-1].sum())
                forward.append(inside[i + 1] * (forward[-1] / forward[-1].sum() @ steps[i]))
            for i in range(n - 2, -1, -1):
                told = steps[i] @ (inside[i + 1] * backward[0])
                backward.insert(0, told / told.sum())
            beliefs = [f * b / (f @ b) for f, b in zip(forward, backward)]
            light = [float((spins[:, j] > 0) @ beliefs[i]) for i in range(n) for j in range(n)]
            return light, [scale + np.log(forward[-1].sum())]

        return run

    return ours, {"rows as matrices, NumPy": matrices}


def small_grid(n):
    """The same as `grid`, of a size that pgmpy can do: it looks for a tree for minutes where the side is eight."""
    ours, _ = grid(n)

    def pgmpy():
        from pgmpy.factors.discrete import DiscreteFactor
        from pgmpy.inference import BeliefPropagation
        from pgmpy.models import DiscreteMarkovNetwork

        names = [f"{i},{j}" for i in range(n) for j in range(n)]
        tables_of = [(list(each.names), np.exp(each.logs)) for each in grid_factors(n)]
        factors = [DiscreteFactor(scope, table.shape, table) for scope, table in tables_of]
        network = DiscreteMarkovNetwork()
        network.add_nodes_from(names)
        network.add_edges_from([each.scope() for each in factors if len(each.scope()) == 2])
        network.add_factors(*factors)

        def run():
            search = BeliefPropagation(network)
            search.calibrate()
            beliefs, light = search.get_clique_beliefs(), []
            for name in names:
                clique = next(clique for clique in beliefs if name in clique)
                alone = beliefs[clique].marginalize([other for other in clique if other != name], inplace=False)
                light.append(alone.values[1] / alone.values.sum())
            return light, [np.log(next(iter(beliefs.values())).values.sum())]

        return run

    return ours, {"pgmpy": pgmpy}


def random_graph(N, width):
    """A random graph of two-sided variables for which min-fill finds just this width."""
    neighbors, rng = _of_width(N, width)
    pairs = markov_graphs.edges(neighbors)
    values = rng.uniform(0.2, 2, (len(pairs), 2, 2))
    factors = [tables.factor(pair, table) for pair, table in zip(pairs, values)]
    number = {name: i for i, name in enumerate(neighbors)}

    def ours():
        return ([trees.propagate(tables, trees.junction_tree(tables, factors)).log_total],)

    def einsum():
        operands = [part for pair, table in zip(pairs, values) for part in (table, [number[name] for name in pair])]

        def run():
            return ([np.log(np.einsum(*operands, [], optimize=("greedy", 2**30)))],)

        return run

    return ours, {"einsum, greedy, Z alone": einsum}


def _of_width(N, width):
    """Add edges at random, until min-fill first finds the width."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        pairs = [(f"v{i}", f"v{j}") for j in range(N) for i in range(j)]
        names = [f"v{i}" for i in range(N)]
        order = rng.permutation(len(pairs))
        for count in range(N, len(pairs)):
            neighbors = markov_graphs.from_edges([pairs[k] for k in order[:count]], names)
            found = triangulation.triangulate(neighbors).width
            if found == width:
                return neighbors, rng
            if found > width:
                break
    raise ValueError(f"no graph of {N} variables and width {width} was met")


#: For each task: sizes, quick sizes, the ratio that we mean to reach at least, the rounds. No target where the peers do
#: what only they can do well.
TASKS = {
    "grid, all marginals (side)": (grid, (10,), (4,), None, 9),
    "grid, all marginals, as a package does it (side)": (small_grid, (5,), (2,), 10, 9),
    "random graph (variables, width)": (random_graph, (24, 10), (8, 3), None, 9),
}


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    rows = []
    for task, (prepare, full, small, target, rounds) in TASKS.items():
        rows += _race(task, prepare, small if quick else full, target, 2 if quick else rounds)
    return {"suite": "trees", "size": "Size", **machine.describe(), "speed": rows}


def _race(task, prepare, size, target, rounds):
    """One row for each peer: our time, theirs, the ratio."""
    ours, others = prepare(*size)
    expected, rows = ours(), []
    for name, load in others.items():
        row = {"task": task, "size": list(size), "peer": name, "target": target}
        try:
            theirs = load()
        except ImportError:
            rows.append({**row, "skipped": "not installed"})
            continue
        pairs = zip(expected, theirs())
        difference = max(float(np.abs(np.subtract(a, b)).max() / max(1, np.abs(a).max())) for a, b in pairs)
        if difference > TOLERANCE:
            raise AssertionError(f"{name} and we differ by {difference:.1e}: {task}, {size}")
        raced = race(ours, {name: theirs}, rounds)[name]
        rows.append({**row, **raced, "difference": float(f"{difference:.1e}")})
    return rows
