"""Chapters 8 and 9: bounds, denoisers, flows and schedules against integrals and closed forms."""

import numpy as np

from benchmarks.accuracy.verdicts import Question, relative, weigh
from pedagogy_lib.distributions import noised_mixture, noising
from pedagogy_lib.learning import bijections as B
from pedagogy_lib.learning import networks, optimization, parameters
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import diffusion, flow, vae

KINDS = (B.Additive, B.Affine, B.Autoregressive, B.InverseAutoregressive, B.Planar, B.Radial, B.Spline)
MIXTURE = noised_mixture.Mixture(np.array([0.4, 0.6]), np.array([[-1.1], [0.7]]), np.array([[[0.04]], [[0.09]]]))


def rows(quick=False):
    """All rows of this family."""
    return [
        _linear(2 if quick else 20), _weighted(2 if quick else 8), _closed_form(), *_flows(quick), _wide(),
        _schedules(),
    ]


def beside(quick=False):
    """What is learned or sampled, beside what it approximates."""
    return [*_bounds(quick), *_denoiser(quick)]


# Bounds --------------------------------------------------------------------------------------------


def _linear(count):
    """A linear autoencoder at its optimum, Tipping and Bishop's: each draw gives the exact log p(y)."""
    cases, truth = [], {}
    for seed in range(count):
        rng = np.random.default_rng(seed)
        noise = 10.0 ** rng.uniform(-3, 0) * rng.normal(size=(80, 5))
        y = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 5)) + noise + 1.0
        values, vectors = np.linalg.eigh(np.cov(y.T, bias=True))
        v = values[:3].mean()
        W = vectors[:, :2:-1] * np.sqrt(values[:2:-1] - v)
        M = W.T @ W + v * np.eye(2)
        up = np.linalg.solve(M, W.T)
        log_s = 0.5 * np.log(v / np.diag(M))
        recognition = (networks.Linear(np.vstack([up, np.zeros((2, 5))]), np.concatenate([-up @ y.mean(0), log_s])),)
        params = vae.Parameters(recognition, (outputs.Gaussian(W, y.mean(0)),), np.log([v]))
        cases.append((params, y, seed))
        # At the optimum the model's covariance is the data's, but for the smallest variances, which it averages.
        variances = np.append(values[3:], [v, v, v])
        squares = ((y - y.mean(0)) @ vectors[:, ::-1]) ** 2 / np.sort(variances)[::-1]
        truth[seed] = -0.5 * (squares.sum(1) + np.log(2 * np.pi * variances).sum())

    return weigh(
        Question("a linear autoencoder with the weights of probabilistic PCA", "log p(y) of each datum, by one draw",
                 cases, lambda case, found: relative(truth[case[2]], found), 1e-6),
        {"ours": lambda params, y, seed: vae.log_marginal(params, y, np.random.default_rng(seed), 1)},
    )


def coins(seed, wide=False):
    """An autoencoder of one latent number and five coins, three data, and log p(y) by quadrature.

    A recognition model that is wide enough has weights of finite variance.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, (3, 5)).astype(float)
    params = vae.start(y, 1, (6,), networks.Tanh, outputs.Bernoulli, rng)
    if wide:
        last = params.recognition[-1]
        params = params._replace(recognition=(*params.recognition[:-1], last._replace(weights=0.2 * last.weights)))
    x = np.linspace(-9, 9, 4001)[:, None]
    z = np.tanh(x @ params.emission[0].weights.T + params.emission[0].biases)
    eta = z @ params.emission[1].weights.T + params.emission[1].biases
    logs = eta @ y.T - np.logaddexp(0, eta).sum(1)[:, None] - x**2 / 2 - np.log(2 * np.pi) / 2
    return params, y, np.log(np.trapezoid(np.exp(logs), x[:, 0], axis=0))


def _weighted(count):
    cases = [(*coins(seed, wide=True), seed) for seed in range(count)]
    return weigh(
        Question("an autoencoder of coins, wide guesses, 20,000 draws a datum", "log p(y) in nats", cases,
                 lambda case, found: np.abs(case[2] - found).max(), 0.05),
        {"ours": lambda params, y, exact, seed: vae.log_marginal(params, y, np.random.default_rng(seed), 20_000)},
    )


def _bounds(quick):
    params, y, exact = coins(1)
    rng = np.random.default_rng(2)
    for samples in (1, 10, 1000):
        repeats = (200 if quick else 20_000) // samples + 1
        found = np.mean([vae.log_marginal(params, y, rng, samples).mean() for _ in range(repeats)])
        yield {"problem": "log p(y) of five coins",
               "method": f"importance-weighted bound, {samples} draw{'s' * (samples > 1)}",
               "exact": float(exact.mean()), "found": float(found)}


# Noise ---------------------------------------------------------------------------------------------


def by_quadrature(x, level):
    """E[Y | x] for the mixture of one dimension: an integral over data, for each x."""
    y = np.linspace(-4, 4, 16_001)
    data = sum(w * np.exp(-((y - m[0]) ** 2) / (2 * S[0, 0])) / np.sqrt(S[0, 0]) for w, m, S in zip(*MIXTURE))
    found = np.empty_like(x)
    for n, value in enumerate(x[:, 0]):
        surprise = (value - level.signal * y) ** 2 / (2 * level.deviation**2)
        weights = data * np.exp(surprise.min() - surprise)
        found[n] = (weights @ y) / weights.sum()
    return found


def _closed_form():
    schedule, rng = noising.log_linear(), np.random.default_rng(0)
    cases = []
    for u in np.linspace(0.05, 1, 20):
        level = schedule.level(u)
        cases.append((noising.corrupt(level, noised_mixture.sample(MIXTURE, 20, rng), rng), level))
    return weigh(
        Question("noise on a mixture of two Gaussians, twenty levels", "the best guess of the datum", cases,
                 lambda case, found: np.abs(by_quadrature(*case) - found).max(), 1e-8),
        {"ours": lambda x, level: noised_mixture.denoise(MIXTURE, x, level)},
    )


def _denoiser(quick):
    """A learned denoiser beside the closed form: root mean squares, at several levels of noise."""
    rng, steps = np.random.default_rng(3), 50 if quick else 2000
    y = noised_mixture.sample(MIXTURE, 4000, rng)
    schedule = noising.log_linear()
    begin = diffusion.start(y, (40, 40), networks.Tanh, denoising.Velocity, schedule, np.random.default_rng(1))
    method = optimization.Adam(optimization.cosine(0.005, steps))
    params = optimization.run(
        diffusion, begin, y, np.random.default_rng(2), method=method, batch_size=200, iterations=steps).params
    for u in (0.1, 0.3, 0.5, 0.7, 0.9):
        level = schedule.level(u)
        x = noising.corrupt(level, y, rng)
        error = lambda guess, y=y: float(np.sqrt(((guess - y) ** 2).mean()))
        yield {"problem": f"root mean square error of a guess, log signal-to-noise {np.log(level.snr):.1f}",
               "method": "a learned denoiser, beside the best",
               "exact": error(noised_mixture.denoise(MIXTURE, x, level)),
               "found": error(diffusion.denoise(params, x, level))}


def _schedules():
    """Schedules whose last level still holds signal: samples would begin where no datum arrives."""
    halves = lambda first, last: noising.pieces([0.5, 0.5], first, last)
    makers = (noising.log_linear, noising.exploding, noising.cosine, halves)
    cases = [(make, last) for make in makers for last in (-2.0, 0.0, 3.0)]
    return weigh(Question("noise schedules that end in signal", "a schedule; there is none to sample by", cases),
                 {"ours": lambda make, last: make(9.0, last)})


# Flows ---------------------------------------------------------------------------------------------


def bent(kind, D=2, seed=0, size=0.15, dtype=float):
    """A flow that is far from the identity, and data in its reach."""
    rng = np.random.default_rng(seed)
    y = (rng.normal(size=(30, D)) @ rng.normal(size=(D, D))).astype(dtype)
    flat = parameters.flatten(flow.start(y, kind, 3, (6, 5), rng))
    flat.vector[:] += (size * rng.normal(size=flat.vector.size)).astype(dtype)
    return flat.params, y


def jacobian(function, y):
    """By central differences, extrapolated four times, so that the error is of the tenth order."""
    table = []
    for k in range(5):
        h = 0.04 / 2**k
        table.append(np.stack([(function(y + h * e) - function(y - h * e)) / (2 * h) for e in np.eye(y.shape[1])], -1))
    for order in range(1, 5):
        table = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in zip(table, table[1:])]
    return table[0]


def _flows(quick):
    seeds = range(1 if quick else 3)
    flows = [(kind, seed) for kind in KINDS for seed in seeds]
    axis = np.linspace(-12, 12, 301 if quick else 801)
    points, area = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), (axis[1] - axis[0]) ** 2

    def volume(kind, seed):
        params, y = bent(kind, 3, seed)
        source = -0.5 * (flow.normalize(params, y) ** 2 + np.log(2 * np.pi)).sum(1)
        return flow.log_marginal(params, y) - source

    def brute(case):
        params, y = bent(case[0], 3, case[1])
        return np.linalg.slogdet(jacobian(lambda y: flow.normalize(params, y), y))[1]

    def there_and_back(kind, seed, dtype):
        params, y = bent(kind, 4, seed, dtype=dtype)
        return flow.generate(params, flow.normalize(params, y))

    def error_of_return(case, found):
        return np.abs(found - bent(case[0], 4, case[1], dtype=case[2])[1]).max()

    yield weigh(
        Question("flows of seven kinds, two dimensions", "the sum of the density over a grid", flows,
                 lambda case, found: abs(found - 1), 1e-4),
        {"ours": lambda kind, seed: np.exp(flow.log_marginal(bent(kind, 2, seed)[0], points)).sum() * area},
    )
    smooth = [case for case in flows if case[0] not in (B.Radial, B.Spline)]      # these have kinks of a higher order
    yield weigh(
        Question("flows of five smooth kinds, three dimensions", "log determinants, beside brute force", smooth,
                 lambda case, found: np.abs(brute(case) - found).max(), 1e-10),
        {"ours": volume},
    )
    for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 2e-4)):
        yield weigh(
            Question(f"flows of seven kinds, four dimensions, {dtype.__name__}", "the data, there and back",
                     [(*case, dtype) for case in flows], error_of_return, tolerance),
            {"ours": there_and_back},
        )


def _wide():
    """Linear layers of 500 dimensions, whose singular values are known: the determinant itself leaves the range."""
    cases, truth = [], {}
    for seed, scale in enumerate((1e-3, 1.0, 1e3)):
        rng = np.random.default_rng(seed)
        left, right = (np.linalg.qr(rng.normal(size=(500, 500)))[0] for _ in range(2))
        s = scale * rng.uniform(0.5, 2.0, 500)
        cases.append(((left * s) @ right, seed))
        truth[seed] = np.log(s).sum()

    def torch(W, seed):
        import torch

        return torch.slogdet(torch.tensor(W)).logabsdet.item()

    return weigh(
        Question("a linear layer of 500 dimensions", "its log determinant", cases,
                 lambda case, found: abs(found - truth[case[1]]) / max(abs(truth[case[1]]), 1.0), 1e-12),
        {"ours": lambda W, seed: B.Mixing(W, np.zeros(500)).run(np.zeros((1, 500))).log_volume[0],
         "the logarithm of NumPy's determinant": lambda W, seed: np.log(abs(np.linalg.det(W))),
         "torch, slogdet": torch},
    )
