"""Section 8.3, diffusion models: Eqs. 8.30-8.43, by quadrature and dense matrices on a chain of four steps."""

import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.distributions import gaussian, noising
from pedagogy_lib.inference import reverse_diffusion
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.objectives import denoising
from pedagogy_lib.models.deep import diffusion

L = 4
#: Signal-to-noise ratios that fall, and deviations that need not rise.
RHO = np.sqrt([30.0, 8.0, 2.0, 0.5, 0.05])
V = np.array([0.3, 0.7, 1.1, 0.9, 1.0])
LEVELS = [noising.Level(v * rho, v) for v, rho in zip(V, RHO)]
#: The deviations of the generative steps, 1 to L; for now any.
SIGMA = np.array([np.nan, 0.4, 0.8, 0.7, 1.3])
#: Data: three numbers with probabilities.
DATA, SHARE = np.array([-1.0, 0.3, 1.4]), np.array([0.5, 0.2, 0.3])
#: Two sets of parameters: an equation that holds up to a constant is one between their difference.
THETAS = ((0.9, 1.3), (0.4, 2.0))

NODES, HEIGHTS = np.polynomial.hermite_e.hermegauss(60)
HEIGHTS = HEIGHTS / HEIGHTS.sum()


def guess(x, l, theta):
    """A denoiser, curved and different at each level."""
    return theta[0] * np.tanh(theta[1] * x / (1 + 0.3 * l)) + 0.1 * l


def mu(x, l, theta):
    """The generative mean that the guess gives: the unnumbered display before Eq. 8.40."""
    return V[l - 1] / RHO[l - 1] * ((RHO[l - 1] ** 2 - RHO[l] ** 2) * guess(x, l, theta) + RHO[l] / V[l] * x)


def over_three(f, l):
    """The average of f(y, x_{l-1}, x_l), forward along the chain: the levels l-1 and l are one transition apart."""
    beta = V[l] * RHO[l] / (V[l - 1] * RHO[l - 1])
    gamma = np.sqrt(V[l] ** 2 - (beta * V[l - 1]) ** 2)
    total = 0
    for y, share in zip(DATA, SHARE):
        before = (V[l - 1] * RHO[l - 1] * y + V[l - 1] * NODES)[:, None]
        now = beta * before + gamma * NODES
        total += share * HEIGHTS @ f(y, before, now) @ HEIGHTS
    return total


def over_two(f, l):
    """The average of f(y, x_l), with x_l drawn in one step."""
    return sum(share * (f(y, V[l] * RHO[l] * y + V[l] * NODES) @ HEIGHTS) for y, share in zip(DATA, SHARE))


def log_normal(x, mean, deviation):
    return -0.5 * ((x - mean) / deviation) ** 2 - 0.5 * np.log(2 * np.pi * deviation**2)


def difference(loss):
    return loss(THETAS[0]) - loss(THETAS[1])


def cross_entropy(theta):
    """The sum of -log p(x_{l-1}|x_l; theta), from densities: what Eq. 8.32 is, but for its constant."""
    return -sum(
        over_three(lambda y, before, now, l=l: log_normal(before, mu(now, l, theta), SIGMA[l]), l)
        for l in range(1, L + 1)
    )


TRUTH = difference(cross_entropy)


def recognition_covariance():
    """Of (x_0, ..., x_L) given y."""
    a = V * RHO
    return np.array([[a[max(i, j)] / a[min(i, j)] * V[min(i, j)] ** 2 for j in range(L + 1)] for i in range(L + 1)])


def test_eq_8_30():
    """A chain: the product of the factors is the dense joint density, for affine guesses."""
    slopes, offsets = np.array([0.0, 0.8, 0.5, 0.9, 0.3]), np.array([0.0, 0.1, -0.2, 0.3, 0.4])
    R, c = np.eye(L + 1), np.zeros(L + 1)
    for l in range(1, L + 1):
        R[l - 1, l], c[l - 1] = -slopes[l], offsets[l]
    d = np.append(SIGMA[1:], 1.0)
    back = np.linalg.inv(R)
    dense = gaussian.Gaussian(back @ c, back @ np.diag(d**2) @ back.T)
    x = np.array([0.3, -1.0, 0.2, 0.9, -0.5])
    factors = [log_normal(x[l - 1], slopes[l] * x[l] + offsets[l], SIGMA[l]) for l in range(1, L + 1)]
    prior = log_normal(x[L], 0, 1)
    assert_only_as_printed(gaussian.log_density(dense, x), prior + sum(factors), sum(factors), prior + sum(factors[1:]))


def test_eq_8_31():
    """The transitions' product is the dense joint of all levels given the datum."""
    y, x = 0.7, np.array([0.3, -1.0, 0.2, 0.9, -0.5])
    dense = gaussian.Gaussian(V * RHO * y, recognition_covariance())
    first = log_normal(x[0], V[0] * RHO[0] * y, V[0])
    steps = []
    for l in range(1, L + 1):
        arrow = noising.transition(LEVELS[l - 1], LEVELS[l], 1)
        steps.append(log_normal(x[l], arrow.matrix[0, 0] * x[l - 1], np.sqrt(arrow.covariance[0, 0])))
    alone = sum(log_normal(x[l], V[l] * RHO[l] * y, V[l]) for l in range(L + 1))
    assert_only_as_printed(gaussian.log_density(dense, x), first + sum(steps), first + sum(steps[:-1]), alone)


def test_eq_8_32():
    """The joint cross-entropy, from the dense chain, against the sum over pairs; affine guesses for the first."""
    slopes = {theta: np.array([0.0, *(0.5 * theta[0] + 0.1 * np.arange(L))]) for theta in THETAS}

    def joint(theta):
        R = np.eye(L + 1)
        for l in range(1, L + 1):
            R[l - 1, l] = -slopes[theta][l]
        precision = R.T @ np.diag(np.append(1 / SIGMA[1:] ** 2, 1.0)) @ R
        second = sum(s * np.outer(V * RHO * y, V * RHO * y) for y, s in zip(DATA, SHARE)) + recognition_covariance()
        return 0.5 * np.trace(precision @ second)

    def pairs(theta, rows=range(1, L + 1)):
        return -sum(
            over_three(lambda y, before, now, l=l: log_normal(before, slopes[theta][l] * now, SIGMA[l]), l)
            for l in rows
        )

    assert_only_as_printed(
        difference(joint), difference(pairs), difference(lambda theta: pairs(theta, range(2, L + 1)))
    )


def test_eq_8_33():
    """The last level is standard normal; a step's draws lie around its mean with the deviation of that level."""
    schedule = noising.cosine()
    params = diffusion.start(np.zeros((1, 2)), (3,), networks.Tanh, denoising.Datum, schedule, np.random.default_rng(0))
    found = diffusion.sample(params, 50_000, np.random.default_rng(1), steps=1)
    assert_only_as_printed(found.latents.var(0), np.ones(2), 1.1 * np.ones(2), rtol=0.03)
    # What chance adds to a draw: the one step's spread, and the emission's noise in units of the signal that is left.
    # (Without chance a step keeps the latent's noise, at the next level's deviation: the third term.)
    bare = diffusion.sample(params, 50_000, np.random.default_rng(1), steps=1, noise=0)
    added = (found.observations - bare.observations).std(0)
    least, most = schedule.level(0.0), schedule.level(1.0)
    step, emission = least.deviation * np.sqrt(1 - most.snr / least.snr), least.deviation / least.signal
    terms = np.array([step, emission, least.deviation])
    expected, without = np.sqrt((terms**2).sum()), np.sqrt((terms[::2] ** 2).sum())
    assert_only_as_printed(np.full(2, expected), added, np.full(2, without), np.full(2, terms.sum()), rtol=0.02)
    x = np.tile([[0.4]], (100_000, 1))
    step = next(reverse_diffusion.reverse(lambda x, level: 0.5 * x, schedule, x, 2, np.random.default_rng(2)))
    early, late = schedule.level(0.5), schedule.level(1.0)
    spread = early.deviation * np.sqrt(1 - late.snr / early.snr)
    assert_only_as_printed(step.state.std(), spread, spread**2, 1.1 * spread, rtol=0.01)


def test_eq_8_34():
    """With fixed deviations the cross-entropies are squared errors, over 2 sigma^2."""

    def right(theta, power=2, factor=0.5):
        return sum(
            factor / SIGMA[l] ** power * over_three(lambda y, before, now, l=l: (before - mu(now, l, theta)) ** 2, l)
            for l in range(1, L + 1)
        )

    assert_only_as_printed(
        TRUTH, difference(right), difference(lambda t: right(t, power=1)), difference(lambda t: right(t, factor=1.0))
    )


def test_eq_8_35():
    """Both orders of the chain rule, from the library's arrows."""
    y, before, now, l = 0.7, 0.2, -0.6, 2
    earlier, later = LEVELS[l - 1], LEVELS[l]
    forward, back = noising.transition(earlier, later, 1), noising.posterior_transition(earlier, later, [y])
    at = lambda arrow, x: (arrow.matrix[0, 0] * x + arrow.offset[0], np.sqrt(arrow.covariance[0, 0]))
    left = log_normal(now, *at(forward, before)) + log_normal(before, *at(noising.marginal(earlier, 1), y))
    first, second = log_normal(before, *at(back, now)), log_normal(now, *at(noising.marginal(later, 1), y))
    assert_only_as_printed(
        left, first + second, first, first + log_normal(before, *at(noising.marginal(earlier, 1), y))
    )


def test_eq_8_36():
    """A run along the transitions ends where one draw from the marginal does."""
    y, rng = 0.7, np.random.default_rng(0)
    x = V[0] * RHO[0] * y + V[0] * rng.standard_normal(200_000)
    for l in range(1, 4):
        arrow = noising.transition(LEVELS[l - 1], LEVELS[l], 1)
        x = arrow.matrix[0, 0] * x + np.sqrt(arrow.covariance[0, 0]) * rng.standard_normal(len(x))
    assert_only_as_printed(
        [x.mean(), x.var()],
        [V[3] * RHO[3] * y, V[3] ** 2],
        [RHO[3] * y, V[3] ** 2],
        [V[3] * RHO[3] * y, V[3]],
        rtol=0.01,
    )
    direct = noising.corrupt(LEVELS[3], np.full((200_000, 1), y), rng)
    np.testing.assert_allclose([direct.mean(), direct.var()], [x.mean(), x.var()], rtol=0.02)


def test_eq_8_37():
    """Between any two levels, by conditioning the dense joint, and as the library says it."""
    cov = recognition_covariance()
    for l, m in ((0, 1), (1, 3), (0, 4)):
        beta, gamma2 = cov[l, m] / cov[l, l], cov[m, m] - cov[l, m] ** 2 / cov[l, l]
        printed = V[m] * RHO[m] / (V[l] * RHO[l]), V[m] ** 2 * (1 - RHO[m] ** 2 / RHO[l] ** 2)
        wrong = printed[0], V[m] ** 2 * (1 - RHO[m] / RHO[l])
        assert_only_as_printed([beta, gamma2], printed, wrong, (printed[0] * V[l] / V[m] * 1.1, printed[1]))
        arrow = noising.transition(LEVELS[l], LEVELS[m], 1)
        np.testing.assert_allclose([arrow.matrix[0, 0], arrow.covariance[0, 0]], [beta, gamma2], rtol=1e-12)


def test_eq_8_38():
    """Bayes' theorem by conditioning the dense joint; by the formula; and by the library's `invert`."""
    cov, y, x_m = recognition_covariance(), 0.7, -0.4
    for l, m in ((0, 1), (1, 3), (0, 4)):
        gain = cov[l, m] / cov[m, m]
        truth = V[l] * RHO[l] * y + gain * (x_m - V[m] * RHO[m] * y), cov[l, l] - gain * cov[l, m]
        lost = RHO[l] ** 2 - RHO[m] ** 2
        printed = V[l] / RHO[l] * (lost * y + RHO[m] / V[m] * x_m), V[l] ** 2 * lost / RHO[l] ** 2
        wrong = V[l] / RHO[l] * (lost * y + RHO[m] * x_m), printed[1]
        assert_only_as_printed(truth, printed, (printed[0], V[l] ** 2), *([wrong] if V[m] != 1 else []))
        back = noising.posterior_transition(LEVELS[l], LEVELS[m], [y])
        np.testing.assert_allclose([back.matrix[0, 0] * x_m + back.offset[0], back.covariance[0, 0]], truth, rtol=1e-9)


def test_eq_8_39():
    """One of three averages in closed form: the way back's mean in the place of its draws."""

    def mean_back(y, now, l):
        return V[l - 1] / RHO[l - 1] * ((RHO[l - 1] ** 2 - RHO[l] ** 2) * y + RHO[l] / V[l] * now)

    def right(theta, mean=mean_back):
        return sum(
            0.5 / SIGMA[l] ** 2 * over_two(lambda y, now, l=l: (mean(y, now, l) - mu(now, l, theta)) ** 2, l)
            for l in range(1, L + 1)
        )

    prior = lambda y, now, l: V[l - 1] * RHO[l - 1] * y
    assert_only_as_printed(TRUTH, difference(right), difference(lambda theta: right(theta, prior)), rtol=1e-6)


def errors(theta, l):
    """The mean square error of the guess at level l."""
    return over_two(lambda y, now: (y - guess(now, l, theta)) ** 2, l)


def test_eq_8_40():
    """In terms of the guess of the datum."""

    def right(theta, power=2):
        return sum(
            V[l - 1] ** 2
            / (2 * SIGMA[l] ** 2 * RHO[l - 1] ** 2)
            * (RHO[l - 1] ** 2 - RHO[l] ** 2) ** power
            * errors(theta, l)
            for l in range(1, L + 1)
        )

    assert_only_as_printed(TRUTH, difference(right), difference(lambda theta: right(theta, 1)), rtol=1e-6)


def matched(l):
    """sigma_l set equal to the deviation of Eq. 8.38."""
    return V[l - 1] * np.sqrt(1 - RHO[l] ** 2 / RHO[l - 1] ** 2)


def test_eq_8_41_needs_noise_in_the_first_state(evidence):
    """With every deviation matched the weights are the lost signal-to-noise ratios, if the first of them is finite."""

    def left(theta):
        return -sum(
            over_three(lambda y, before, now, l=l: log_normal(before, mu(now, l, theta), matched(l)), l)
            for l in range(1, L + 1)
        )

    def right(theta, factor=0.5):
        return sum(factor * (RHO[l - 1] ** 2 - RHO[l] ** 2) * errors(theta, l) for l in range(1, L + 1))

    assert_only_as_printed(difference(left), difference(right), difference(lambda t: right(t, 1.0)), TRUTH, rtol=1e-6)
    # The text sets X_0 to the datum itself: v_0 -> 0 at v_0 rho_0 = 1. The first weight then has no limit.
    weights = [0.5 * (v0**-2 - RHO[1] ** 2) for v0 in (1e-1, 1e-2, 1e-3)]
    # Eq. 8.40, whose first deviation is free, has one: 1 / (2 sigma_1^2).
    free = [v0**2 / (2 * SIGMA[1] ** 2 * v0**-2) * (v0**-2 - RHO[1] ** 2) ** 2 for v0 in (1e-1, 1e-2, 1e-3)]
    np.testing.assert_allclose(free[-1], 0.5 / SIGMA[1] ** 2, rtol=1e-4)
    assert weights[2] > 99 * weights[1] > 99**2 * weights[0]
    evidence("8.41", weights=weights, free=free[-1])


def test_the_librarys_bound_is_eq_8_41():
    """The denoising term of `bound_terms` on the same chain, sampled, with every constant apart."""

    class Four(noising.Schedule):
        """The levels of this file, at times 0, 1/4, ..., 1."""

        def log_snr(self, u):
            return np.interp(u, np.arange(L + 1) / L, 2 * np.log(RHO))

        def level(self, u):
            v = np.interp(u, np.arange(L + 1) / L, V)
            return noising.Level(v * np.exp(0.5 * self.log_snr(u)), v)

    y = np.repeat(DATA, 2000)[:, None]
    denoise = lambda x, level: guess(x, np.round(L * times(level)), THETAS[0])
    order = np.argsort(RHO)
    times = lambda level: np.interp(level.signal / level.deviation, RHO[order], (np.arange(L + 1) / L)[order])
    schedule = Four(*2 * np.log(RHO[[0, L]]))
    found = diffusion.bound_terms(denoise, schedule, y, np.random.default_rng(0), L, draws=200).denoising
    by_datum = found.reshape(3, 2000).mean(1) @ SHARE
    printed = sum(0.5 * (RHO[l - 1] ** 2 - RHO[l] ** 2) * errors(THETAS[0], l) for l in range(1, L + 1))
    unweighted = sum(0.5 * errors(THETAS[0], l) for l in range(1, L + 1))
    assert_only_as_printed(by_datum, printed, unweighted, 2 * printed, rtol=0.01)


def test_eq_8_42():
    """Each summand is the cross-entropy of a Gaussian around the guess, whose precision is the lost ratio."""
    for l in range(1, L + 1):
        lost = RHO[l - 1] ** 2 - RHO[l] ** 2

        def direct(theta, variance, l=l):
            return -over_two(lambda y, now: log_normal(y, guess(now, l, theta), np.sqrt(variance)), l)

        left = difference(lambda theta, l=l, lost=lost: 0.5 * lost * errors(theta, l))
        assert_only_as_printed(
            left,
            difference(lambda t, lost=lost: direct(t, 1 / lost)),
            difference(lambda t, lost=lost: direct(t, lost**-0.5)),
        )


def test_eq_8_43():
    """The library's loss: noise drawn once, x made from it; its average is the integral over x."""
    schedule = noising.log_linear(4.0, -5.0)
    params = diffusion.start(np.zeros((1, 1)), (4,), networks.Tanh, denoising.Datum, schedule, np.random.default_rng(0))
    y = np.repeat(DATA, 4000)[:, None]
    ends = diffusion.terms(params, y, np.random.default_rng(0))
    constant = (ends.prior + ends.reconstruction).reshape(3, -1).mean(1)
    sampled = (
        np.mean(
            [
                [diffusion.loss(params, np.full((4000, 1), one), np.random.default_rng(k)) for one in DATA]
                for k in range(10)
            ],
            axis=0,
        )
        - constant
    )

    u = (np.arange(400) + 0.5) / 400
    integrals = []
    for one in DATA:
        total = 0
        for time in u:
            level = schedule.level(time)
            x = level.signal * one + level.deviation * NODES
            m = diffusion.denoise(params, x[:, None], level)[:, 0]
            total += 0.5 * 9.0 * level.snr * ((one - m) ** 2 @ HEIGHTS) / 400
        integrals.append(total)
    integrals = np.array(integrals)
    assert_only_as_printed(sampled @ SHARE, integrals @ SHARE, 2 * (integrals @ SHARE), -(integrals @ SHARE), rtol=0.01)


def test_text_8_3_1_the_limit_needs_no_step_size(evidence):
    """Scaled by 1/L the sums go to zero; unscaled they go to the integral, and its integrand is minus dh/du."""
    first, last = 3.0, -4.0
    h = lambda u: np.exp(first + (last - first) * u)
    v2 = lambda u: 1 / (1 + h(u))

    def mse(u):
        a, v = np.sqrt(h(u) * v2(u)), np.sqrt(v2(u))
        return sum(s * ((y - np.tanh(a * y + v * NODES)) ** 2 @ HEIGHTS) for y, s in zip(DATA, SHARE))

    def total(n):
        l = np.arange(1, n + 1)
        return sum(0.5 * (h((k - 1) / n) - h(k / n)) * mse(k / n) for k in l)

    sums = np.array([total(n) for n in (10, 100, 1000)])
    grid = (np.arange(4000) + 0.5) / 4000
    printed = np.mean([0.5 * (last - first) * h(u) * mse(u) for u in grid])
    np.testing.assert_allclose(sums[-1], -printed, rtol=0.01)
    assert printed < 0
    evidence("Text 8.3.1-a", long=sums[-1], scaled=sums[-1] / 1000, integral=-printed)
    evidence("Text 8.3.1-b", printed=printed)


def test_text_8_3_1_any_schedule_has_the_same_limit():
    """The change of variables: two schedules with the same ends, one bound."""
    rng = np.random.default_rng(0)
    y = np.repeat(DATA, 2000)[:, None]
    denoise = lambda x, level: np.tanh(x / np.hypot(level.signal, level.deviation))
    found = [
        diffusion.bound_terms(denoise, schedule, y, rng, draws=100).denoising.mean()
        for schedule in (
            noising.log_linear(4, -5),
            noising.cosine(4, -5),
            noising.exploding(4, -5),
            noising.cosine(4, -8),
        )
    ]
    assert_only_as_printed(found[0], found[1], 1.05 * found[0], rtol=0.01)
    np.testing.assert_allclose(found[2], found[0], rtol=0.01)


def test_footnote_9_the_best_deviation_is_larger():
    """The cross-entropy of one step is least where the variance takes up the guess's own error as well."""
    l, theta = 2, THETAS[0]
    miss = V[l - 1] / RHO[l - 1] * (RHO[l - 1] ** 2 - RHO[l] ** 2)
    best = matched(l) ** 2 + miss**2 * errors(theta, l)
    cost = lambda variance: -over_three(lambda y, before, now: log_normal(before, mu(now, l, theta), variance**0.5), l)
    around = [cost(best * factor) for factor in (0.99, 1.0, 1.01)]
    assert around[1] < min(around[0], around[2])
    assert cost(matched(l) ** 2) > around[1] + 0.01
