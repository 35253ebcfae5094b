"""Filters under stress: singular priors and noises, sensors seen late, precisions far apart, holes, damping, offsets.

Our Kalman filters promise their answers to 1e-6 or a `LinAlgError`. A refusal is called needless where the same
arithmetic, with its guards taken away, would have been right: that is what it costs never to be wrong in silence.
"""

from contextlib import contextmanager
from itertools import product

import numpy as np
from chain_models import damped, integrators, model, problems, seen_late
from gaussian_chain import exact, from_the_start

from benchmarks import peers
from benchmarks.accuracy.verdicts import REFUSED, RIGHT, Question, judge, relative, weigh
from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import ensemble, kalman, nonlinear, recursions
from pedagogy_lib.inference.kalman import growth, guards

#: What `kalman.filter` promises.
PROMISE = 1e-6


def rows(quick=False):
    """All rows of this family."""
    few = 1 if quick else 8
    sweeps = [
        ("two equal or nearly equal sensors, precise to 1e-12", list(problems("twins", few))),
        ("an autoregression, observed with or without error", list(problems("companion", few))),
        ("a rotation that damps or grows", list(problems("rotation", few))),
        ("noise along one direction only", list(problems("one noise", few))),
        ("sensors first seen late", list(seen_late(few))),
        ("two sensors whose precisions differ by 1e16", list(_far_apart(few))),
        ("singular priors, known starts, no noise", list(_singular(few))),
        ("offsets of 1e8 that cancel", list(_canceling(few))),
        ("entries missing, in every pattern", list(_patterns(2 if quick else 64))),
        ("four integrators, a prior that knows nothing",
         [integrators(R, P0) for R, P0 in ((1e-4, 1e2), (1e-8, 1e6), (1e-12, 1e10), (1e-15, 1e13))[: few]]),
    ]
    truths = [{id(case[3]): exact(*case) for case in cases} for _, cases in sweeps]
    found = [_likelihoods(*sweep, truth) for sweep, truth in zip(sweeps, truths)]
    found += [_smoothers(*sweep, truth) for sweep, truth in zip(sweeps, truths)]
    return [*found, *_damping(1 if quick else 8), _without_noise(few)]


# Contenders ----------------------------------------------------------------------------------------


def _kalman(method):
    return lambda *problem: kalman.filter(*problem, method=method).log_likelihood


def _smoothed(method):
    def run(*problem):
        filtered = kalman.filter(*problem, method=method)
        found = kalman.smooth(*problem, method=method, filtered=filtered)
        return found.means, found.covariances

    return run


def _adjoint(initial, transition, emission, y):
    """The smoother that inverts no covariance."""
    filtered = kalman.filter(initial, transition, emission, y)
    found = kalman.adjoint_smoother(transition, emission, y, filtered)
    return found.means, found.covariances


def _recursion(initial, transition, emission, y):
    """The generic recursion with the rules of Gaussians."""
    events = recursions.filter(gaussian, initial, transition, emission, y)
    return sum(e.log_likelihood for e in events if isinstance(e, recursions.MeasurementUpdate))


def _along_curves(line):
    """A filter for curves, given straight ones as curves."""
    def run(initial, transition, emission, y):
        move, look = (
            nonlinear.Curve(lambda x, a=a: x @ a.matrix.T + a.offset, a.covariance, lambda x, a=a: a.matrix)
            for a in (transition, emission)
        )
        return nonlinear.filter(initial, move, look, y, line=line).log_likelihood

    return run


def _peer(prepare, smooth=False):
    def run(*problem):
        found = prepare(*problem)[int(smooth)]()
        return found[:2] if smooth else float(np.asarray(found[2]))

    return run


FILTERS = {
    **{f"ours, {method}": _kalman(method) for method in ("sqrt", "joseph", "covariance")},
    "ours, recursion": _recursion, "ours, extended": _along_curves(nonlinear.tangent),
    "ours, unscented": _along_curves(nonlinear.sigma_points()),
    "statsmodels": _peer(peers.statsmodels()), "filterpy": _peer(peers.filterpy), "dynamax": _peer(peers.dynamax()),
}
SMOOTHERS = {
    **{f"ours, {method}": _smoothed(method) for method in ("sqrt", "joseph", "covariance")},
    "ours, adjoint": _adjoint, "statsmodels": _peer(peers.statsmodels(), smooth=True),
}


# Problems ------------------------------------------------------------------------------------------


def _far_apart(count):
    """One state, or two, and two sensors of it: one with a variance of 1e-16 or 1e-8 times the other's."""
    rng = np.random.default_rng(11)
    for i in range(count):
        K, small = 1 + i % 2, (1e-16, 1e-8, 1e-12)[i % 3]
        C = np.vstack([rng.standard_normal(K), rng.standard_normal(K)])
        R = np.diag([1.0, small])
        x, y = rng.standard_normal(K), np.empty((12, 2))
        for t in range(12):
            y[t] = C @ x + np.sqrt(np.diag(R)) * rng.standard_normal(2)
            x = 0.9 * x + 0.3 * rng.standard_normal(K)
        yield (Gaussian(np.zeros(K), np.eye(K)), AffineGaussian(0.9 * np.eye(K), np.zeros(K), 0.09 * np.eye(K)),
               AffineGaussian(C, np.zeros(2), R), y)


def _singular(count):
    """Priors and noises of rank one or none."""
    rng = np.random.default_rng(12)
    for i in range(count):
        initial, transition, emission = model(rng, 3, 2)
        v, w = rng.standard_normal((2, 3))
        prior = np.outer(v, v) * (i % 3 > 0) * 10.0 ** rng.uniform(-6, 6)
        noise = np.outer(w, w) * (i % 2)
        transition = transition._replace(covariance=noise)
        yield (initial._replace(covariance=(prior + prior.T) / 2), transition, emission,
               rng.standard_normal((10, 2)))


def _canceling(count):
    """Observations of 1e8, which the offset of the sensors takes away again; states that drift by it."""
    rng = np.random.default_rng(13)
    for i in range(count):
        initial, transition, emission = model(rng, 2, 2)
        y = rng.standard_normal((10, 2))
        if i % 2:
            yield initial, transition, emission._replace(offset=emission.offset + 2.0**27), y + 2.0**27
        else:
            shift = np.full(2, 2.0**27)              # the states themselves are large, and the offset moves them back
            yield (initial._replace(mean=initial.mean + shift),
                   transition._replace(offset=shift - transition.matrix @ shift),
                   emission._replace(offset=-emission.matrix @ shift), y)


def _patterns(count):
    """A short chain with two sensors, and each way in which its six readings may be there or not."""
    rng = np.random.default_rng(14)
    chain = model(rng, 2, 2)
    y = rng.standard_normal((3, 2))
    for pattern in list(product((True, False), repeat=6))[:count]:
        yield (*chain, np.where(np.reshape(pattern, (3, 2)), y, np.nan))


# Rows ----------------------------------------------------------------------------------------------


def _likelihoods(name, cases, truth):
    def error(case, found):
        return abs(found - truth[id(case[3])][0]) / max(1.0, abs(truth[id(case[3])][0]))

    question = Question(name, "the log-likelihood", cases, error, PROMISE)
    return _with_needless(question, FILTERS, {f"ours, {m}": _kalman(m) for m in kalman.METHODS})


def _smoothers(name, cases, truth):
    def error(case, found):
        _, means, covariances = truth[id(case[3])]
        return max(_each(means, found[0]), relative(covariances, found[1]))

    question = Question(name, "smoothed means and covariances", cases, error, PROMISE)
    return _with_needless(question, SMOOTHERS, {f"ours, {m}": _smoothed(m) for m in kalman.METHODS})


def _each(expected, found):
    """The largest difference of a mean, relative to the largest value of that state."""
    largest = np.abs(expected).max(0)
    return (np.abs(found - expected) / np.where(largest > 0, largest, 1.0)).max()


def _damping(count):
    """Pairs of states that are damped at different rates, without noise: the smoother undoes the damping."""
    for title, rates in (("slow damping, without noise", (0.99, 0.98)), ("fast damping, without noise", (0.9, 0.5)),
                         ("damping to nothing within a few steps", (0.5, 0.02))):
        cases = [damped(rates, 60, seed) for seed in range(count)]
        truth = {id(case[3]): from_the_start(*case) for case in cases}

        def error(case, found, truth=truth):
            means, covariances = truth[id(case[3])]
            return max(relative(means, found[0]), relative(covariances, found[1]))

        question = Question(title, "smoothed means and covariances", cases, error, PROMISE)
        yield _with_needless(question, SMOOTHERS, {f"ours, {m}": _smoothed(m) for m in kalman.METHODS})


def _without_noise(count):
    """An ensemble with exactly the moments of the prior, moved without noise, is the Kalman filter."""
    rng, cases = np.random.default_rng(15), []
    for _ in range(count):
        initial, transition, emission = model(rng, 3, 2)
        cases.append((initial, transition._replace(covariance=np.zeros((3, 3))), emission, rng.standard_normal((8, 2))))
    truth = {id(case[3]): exact(*case) for case in cases}

    def square_root(initial, transition, emission, y):
        shape = np.vstack([np.eye(3), -np.eye(3)]) * np.sqrt(5 / 2)          # mean 0, sample covariance I
        members = initial.mean + shape @ np.linalg.cholesky(initial.covariance).T
        steps = ensemble.steps(
            members, lambda x, t, rng: x @ transition.matrix.T + transition.offset,
            lambda x: x @ emission.matrix.T + emission.offset, emission.covariance, y, np.random.default_rng(0),
        )
        return sum(e.log_likelihood for e in steps if isinstance(e, ensemble.MeasurementUpdate))

    return weigh(
        Question("six members with the moments of the prior, no noise", "the log-likelihood", cases,
                 lambda case, found: abs(found / truth[id(case[3])][0] - 1), 1e-9),
        {"ours, ensemble": square_root, **{name: FILTERS[name] for name in ("ours, sqrt", "statsmodels")}},
    )


@contextmanager
def _unguarded():
    """Our filters without what refuses lost digits."""
    kept = dict(guards.DIGITS), guards.REACH, growth.watch
    guards.DIGITS.update(dict.fromkeys(guards.DIGITS, 0.0))
    guards.REACH, growth.watch = np.inf, lambda *_: None
    try:
        yield
    finally:
        guards.DIGITS.update(kept[0])
        guards.REACH, growth.watch = kept[1:]


def _with_needless(question, contenders, guarded):
    """The row, and for each of our guarded filters how often it refused what it would have got right."""
    row = weigh(question, contenders)
    for answer in row["answers"]:
        run = guarded.get(answer["who"])
        if run is None or not answer["counts"][REFUSED]:
            continue
        refused = [c for c in question.cases if judge(run, c, question.error, question.tolerance)[0] == REFUSED]
        with _unguarded():
            answer["needless"] = sum(
                judge(run, c, question.error, question.tolerance)[0] == RIGHT for c in refused
            )
    return row
