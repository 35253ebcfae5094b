"""The hidden Markov model: speed against hmmlearn, accuracy against enumeration, first calls.

Speed: as for the Kalman filter. Everyone evaluates the Gaussian emissions too, with full
covariances. hmmlearn runs with ``implementation="scaling"``, which is several times faster than its
default.
"""

import itertools
import logging
import warnings

import numpy as np

from benchmarks import costs, machine
from benchmarks.race import race
from pedagogy_lib.learning import em
from pedagogy_lib.models.dynamical import hmm

SIZES = ((5, 2, 10_000), (64, 2, 2_000))

#: For each task, at each size, the ratio that we mean to reach at least.
GOALS = {
    "posterior": (1.6, 6),
    "most probable path": (1, 3.5),
    "EM, 20 iterations": (2.5, 7),
}

SETUP = """
import numpy as np
from pedagogy_lib.models.dynamical import hmm
model = hmm.Parameters(np.full(2, 0.5), np.full((2, 2), 0.5), hmm.Gaussians(np.eye(2), np.stack([np.eye(2)] * 2)))
y = np.zeros((5, 2))
"""
CALLS = {
    "posterior": "hmm.posterior(model, y)",
    "most probable path": "hmm.most_probable_path(model, y)",
}


def problem(K, D, T, seed=0):
    """States that last a few steps, in overlapping Gaussians; and data drawn from them."""
    rng = np.random.default_rng(seed)
    transition = 0.5 * np.eye(K) + 0.5 * rng.dirichlet(np.ones(K), size=K).T
    roots = rng.normal(size=(K, D, D))
    covariances = roots @ roots.transpose(0, 2, 1) / D + 0.5 * np.eye(D)
    emission = hmm.Gaussians(2 * rng.normal(size=(K, D)), covariances)
    params = hmm.Parameters(np.full(K, 1 / K), transition, emission)
    return params, hmm.sample(params, T, rng).observations


def run(quick=False):
    """Measure everything; the result is plain enough for JSON."""
    sizes = ((2, 2, 200), (3, 2, 200)) if quick else SIZES
    rounds = 2 if quick else 25
    return {
        "suite": "hmm",
        "size": "States, dimensions, steps",
        **machine.describe(),
        "speed": [row for i, size in enumerate(sizes) for row in _race(size, i, rounds)],
        "accuracy": _accuracy(),
        "costs": costs.first_calls(SETUP, CALLS, repeats=1 if quick else 3, quick=quick),
    }


def _ours(params, y):
    """For each task, a function that returns arrays to compare."""

    def posterior():
        found = hmm.posterior(params, y)
        return found.probabilities, found.log_likelihood

    def path():
        found = hmm.most_probable_path(params, y)
        return found.states, found.log_probability

    def learn():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = em.fit(hmm, params, y, tolerance=0, max_iterations=20).params
        return found.transition, *found.emission

    return dict(zip(GOALS, (posterior, path, learn)))


def _hmmlearn(params, y, implementation="scaling"):
    """The same of hmmlearn; without the small numbers that it adds to variances and counts."""
    from hmmlearn.hmm import GaussianHMM

    logging.getLogger("hmmlearn").setLevel(logging.CRITICAL)

    def model():
        K = len(params.initial)
        peer = GaussianHMM(
            K, "full", min_covar=0, covars_prior=0, covars_weight=0, n_iter=20, tol=-np.inf,
            init_params="", implementation=implementation,
        )
        peer.startprob_, peer.transmat_ = params.initial, params.transition.T
        peer.means_, peer.covars_ = params.emission
        return peer

    fixed = model()

    def posterior():
        log_likelihood, probabilities = fixed.score_samples(y)
        return probabilities, log_likelihood

    def path():
        log_probability, states = fixed.decode(y)
        return states, log_probability

    def learn():
        found = model().fit(y)
        return found.transmat_.T, found.means_, found.covars_

    return dict(zip(GOALS, (posterior, path, learn)))


def _race(size, column, rounds):
    """One row for each task: our time, theirs, the ratio."""
    params, y = problem(*size)
    ours, rows = _ours(params, y), []
    try:
        theirs = _hmmlearn(params, y)
    except ImportError:
        theirs = None
    for task, goals in GOALS.items():
        row = {"task": task, "size": list(size), "peer": "hmmlearn", "target": goals[column]}
        if theirs is None:
            rows.append({**row, "skipped": "not installed"})
            continue
        difference = max(map(_difference, ours[task](), theirs[task]()))
        if difference > 1e-6:
            raise AssertionError(f"hmmlearn and we differ by {difference:.1e}: {task}, {size}")
        turns = max(rounds // 5, 1) if task.startswith("EM") else rounds
        raced = race(ours[task], {"hmmlearn": theirs[task]}, turns)["hmmlearn"]
        rows.append({**row, **raced, "difference": float(f"{difference:.1e}")})
    return rows


def _accuracy():
    """Relative errors, ours and hmmlearn's, where the exact answer is known."""
    rows = [
        {"filter": name, "errors": [_error(answer, exact) for answer in answers]}
        for name, exact, answers in (_rare_move(), _every_path())
    ]
    rows.append({"filter": "largest rise of EM's loss", "errors": [_largest_rise(), "not measured"]})
    return {"heading": "Relative error of", "columns": ["ours", "hmmlearn, scaling", "hmmlearn, log"], "rows": [
        {**row, "errors": (row["errors"] + ["not measured"] * 2)[:3]} for row in rows
    ]}


def _answers(params, y, pick):
    """What we answer, and what hmmlearn does on both its paths; None where it is not installed."""
    answers = [pick(_ours(params, y)["posterior"]())]
    for implementation in ("scaling", "log"):
        try:
            answers.append(pick(_hmmlearn(params, y, implementation)["posterior"]()))
        except ImportError:
            answers.append(None)
        except ValueError as error:                       # hmmlearn refuses on underflow
            answers.append(error)
    return answers


def _rare_move():
    """Two states, moves of probability 1e-9, and evidence for one that makes up for it: 1/4."""
    e, gap = 1e-9, 6.0
    # Log odds of the second observation: gap (y - gap / 2), so that the move's odds are 1/3.
    y = np.array([[-40.0], [gap / 2 + np.log((1 - e) / (3 * e)) / gap]])
    emission = hmm.Gaussians(np.array([[0.0], [gap]]), np.ones((2, 1, 1)))
    transition = np.array([[1 - e, e], [e, 1 - e]])
    params = hmm.Parameters(np.array([1.0, 0.0]), transition, emission)
    answers = _answers(params, y, lambda found: found[0][1, 1])
    return "a posterior of 1/4, by a move of probability 1e-9", 0.25, answers


def _every_path():
    """The log-likelihood, summed over all paths."""
    params, y = problem(3, 2, 8, seed=1)
    logs = params.emission.log_densities(y)
    with np.errstate(divide="ignore"):
        start, moves = np.log(params.initial), np.log(params.transition)
    paths = np.array(list(itertools.product(range(3), repeat=8)))
    joint = start[paths[:, 0]] + moves[paths[:, 1:], paths[:, :-1]].sum(1) + logs[np.arange(8), paths].sum(1)
    exact = np.logaddexp.reduce(joint)
    return "the log-likelihood, against all paths", exact, _answers(params, y, lambda found: found[1])


def _largest_rise():
    """How much the loss ever rose in 100 iterations of EM."""
    params, y = problem(4, 2, 500, seed=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        losses = em.fit(hmm, params, y, tolerance=0, max_iterations=100).losses
    return float(max(np.diff(losses).max(), 0.0))


def _error(answer, exact):
    if answer is None:
        return "not installed"
    if isinstance(answer, Exception):
        return type(answer).__name__
    return float(f"{abs(answer / exact - 1):.1e}")


def _difference(ours, theirs):
    """The largest difference, relative to the largest entry."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    return float(np.abs(ours - theirs).max() / np.abs(ours).max())
