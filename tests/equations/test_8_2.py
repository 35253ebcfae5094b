"""Section 8.2, variational autoencoders: Eqs. 8.12-8.21, on networks small enough for exact averages."""

import numpy as np
from compare import assert_only_as_printed

from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import outputs
from pedagogy_lib.models.deep import vae

RNG = np.random.default_rng(82)
K, D, N = 2, 3, 4
Y = RNG.normal(size=(N, D))
#: A mean of the emission that is curved: mu(x) = B tanh(A x).
A, B = RNG.normal(size=(5, K)), RNG.normal(size=(D, 5))
V = np.array([0.4, 0.9, 0.6])  # its variances
NU, S = RNG.normal(size=(N, K)), np.exp(0.3 * RNG.normal(size=(N, K)) - 0.7)

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
NODES2 = np.stack(np.meshgrid(NODES, NODES), -1).reshape(-1, 2)
WEIGHTS2 = np.outer(WEIGHTS, WEIGHTS).ravel() / WEIGHTS.sum() ** 2


def averages(f, nu, root):
    """The mean of f(x) for x ~ N(nu, root root'), by Gauss and Hermite."""
    return np.tensordot(WEIGHTS2, f(nu + NODES2 @ root.T), 1)


def energies(x, y):
    """Eq. 8.18 at rows of x."""
    return 0.5 * ((y - np.tanh(x @ A.T) @ B.T) ** 2 / V).sum(1)


def energy_slopes(x, y):
    t = np.tanh(x @ A.T)
    return ((t @ B.T - y) / V @ B * (1 - t**2)) @ A


def energy_hessians(x, y):
    t = np.tanh(x @ A.T)
    back = (t @ B.T - y) / V @ B
    J = np.einsum("dk,nk,kj->ndj", B, 1 - t**2, A)
    return np.einsum("ndi,d,ndj->nij", J, 1 / V, J) + np.einsum("nk,ki,kj->nij", back * -2 * t * (1 - t**2), A, A)


def jre(nu, root, y):
    """The joint relative entropy of one datum, but for the data's entropy: entropy of the guess, prior, emission."""
    cov = root @ root.T
    prior = 0.5 * (nu @ nu + np.trace(cov)) + 0.5 * K * np.log(2 * np.pi)
    entropy = 0.5 * np.linalg.slogdet(cov)[1] + 0.5 * K * np.log(2 * np.pi * np.e)
    constant = 0.5 * np.log(2 * np.pi * V).sum()
    return averages(lambda x: energies(x, y), nu, root) + constant + prior - entropy


def by_differences(f, at, h=1e-5):
    slopes = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        bump = np.zeros(at.shape)
        bump[index] = h
        slopes[index] = (f(at + bump) - f(at - bump)) / (2 * h)
    return slopes


def model():
    rng = np.random.default_rng(3)
    recognition = networks.start((D, 4, 2 * K), rng, networks.Tanh)
    emission = (networks.Tanh(A, np.zeros(5)), outputs.Gaussian(B, np.zeros(D)))
    return vae.Parameters(recognition, emission, np.log(V))


def test_eq_8_12():
    """One mapping for all data: the moments of a datum do not depend on the others, and follow the network."""
    params = model()
    found = vae.recognize(params, Y)
    (D1, d1), (D2, d2) = params.recognition
    for n in range(N):
        out = D2 @ np.tanh(D1 @ Y[n] + d1) + d2
        assert_only_as_printed(found.means[n], out[:K], out[K:])
        assert_only_as_printed(found.deviations[n], np.exp(out[K:]), out[K:], np.exp(0.5 * out[K:]))
        alone = vae.recognize(params, Y[[n]])
        np.testing.assert_allclose(alone.means[0], found.means[n], rtol=1e-12)


def test_eq_8_13_and_8_14():
    """Slopes of the average energy in the mean and the covariance of a Gaussian."""
    y, nu = Y[0], NU[0]
    cov = np.array([[0.5, 0.2], [0.2, 0.3]])
    root = np.linalg.cholesky(cov)

    def joint(nu, cov):
        r = np.linalg.cholesky(cov)
        return averages(lambda x: energies(x, y) + 0.5 * (x**2).sum(1), nu, r)

    left = by_differences(lambda m: joint(m, cov), nu)
    right = averages(lambda x: energy_slopes(x, y) + x, nu, root)
    assert_only_as_printed(left, right, averages(lambda x: energy_slopes(x, y), nu, root), rtol=1e-6)
    # The covariance moves in a symmetric direction, dU; the entropy's part is -1/2 log|U|.
    dU = np.array([[0.3, -0.1], [-0.1, 0.2]])
    total = lambda h: joint(nu, cov + h * dU) - 0.5 * np.linalg.slogdet(cov + h * dU)[1]
    left = (total(1e-5) - total(-1e-5)) / 2e-5
    H = averages(lambda x: energy_hessians(x, y) + np.eye(K), nu, root)
    right = 0.5 * np.trace((H - np.linalg.inv(cov)) @ dU)
    assert_only_as_printed(left, right, 2 * right, 0.5 * np.trace((H + np.linalg.inv(cov)) @ dU), rtol=1e-5)


def test_eq_8_15():
    """Samples: a standard source, and the emission's moments around the network's mean."""
    x, y = vae.sample(model(), 100_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(x.T), np.eye(K), atol=0.02)
    residual = y - np.tanh(x @ A.T) @ B.T
    assert_only_as_printed(residual.var(0), V, V**2, np.sqrt(V), rtol=0.02)


def test_eq_8_16():
    """What the mean receives: the average slope of the emission's energy, plus the mean."""
    for n in range(N):
        root = np.diag(S[n])
        left = by_differences(lambda m, n=n, root=root: jre(m, root, Y[n]), NU[n])
        slope = averages(lambda x, n=n: energy_slopes(x, Y[n]), NU[n], root)
        assert_only_as_printed(left, slope + NU[n], slope, slope - NU[n], rtol=1e-5, atol=1e-8)


def test_eq_8_17():
    """What the variances receive; and the library's pathwise form is the same on average."""
    for n in range(N):
        left = by_differences(lambda v, n=n: jre(NU[n], np.diag(np.sqrt(v)), Y[n]), S[n] ** 2, h=1e-6)
        root = np.diag(S[n])
        curvature = np.diag(averages(lambda x, n=n: energy_hessians(x, Y[n]), NU[n], root))
        right = 0.5 * (curvature - S[n] ** -2 + 1)
        assert_only_as_printed(
            left, right, 0.5 * (curvature - S[n] ** -2), 0.5 * (curvature + S[n] ** -2 + 1), rtol=1e-4, atol=1e-6
        )
        path = np.tensordot(WEIGHTS2, energy_slopes(NU[n] + NODES2 * S[n], Y[n]) * NODES2, 1) + S[n] - 1 / S[n]
        assert_only_as_printed(path, 2 * S[n] * right, right, rtol=1e-6)


def test_the_librarys_gradient_is_8_16_and_8_17_on_average():
    """A recognition network of one layer hands its biases the very gradients of 8.16 and 8.17, summed."""
    params = model()
    layer = networks.Linear(np.zeros((2 * K, D)), np.concatenate([NU[0], np.log(S[0])]))
    params = params._replace(recognition=(layer,))
    rng, total = np.random.default_rng(1), 0
    many = np.repeat(Y[:1], 4000, axis=0)
    for _ in range(25):
        total = total + vae.value_and_gradient(params, many, rng)[1].recognition[0].biases / 25
    slope = averages(lambda x: energy_slopes(x, Y[0]), NU[0], np.diag(S[0]))
    curvature = np.diag(averages(lambda x: energy_hessians(x, Y[0]), NU[0], np.diag(S[0])))
    np.testing.assert_allclose(total[:K], slope + NU[0], atol=0.03)
    by_variance = 0.5 * (curvature - S[0] ** -2 + 1)
    np.testing.assert_allclose(total[K:], by_variance * 2 * S[0] ** 2, atol=0.03)
    assert np.abs(total[K:] - by_variance).max() > 0.1


def test_eq_8_18_lacks_the_determinant(evidence):
    """Where the emission's variance depends on the source, its energy needs half the logarithm of it."""
    y, nu, root = Y[1], NU[1], np.diag(S[1])
    variance = lambda x: np.exp(0.8 * x[:, 0])  # the same for all D numbers

    def surprisals(x, log_term):
        squares = ((y - np.tanh(x @ A.T) @ B.T) ** 2).sum(1) / variance(x)
        return 0.5 * squares + log_term * 0.5 * D * np.log(variance(x))

    # -log p(y|x) but for a constant, from the density itself.
    def truth(m):
        mu = lambda x: np.tanh(x @ A.T) @ B.T
        density = lambda x: np.prod(
            np.exp(-0.5 * (y - mu(x)) ** 2 / variance(x)[:, None]) / np.sqrt(variance(x))[:, None], axis=1
        )
        return averages(lambda x: -np.log(density(x)), m, root)

    left = by_differences(truth, nu)
    right = by_differences(lambda m: averages(lambda x: surprisals(x, 1), m, root), nu)
    printed = by_differences(lambda m: averages(lambda x: surprisals(x, 0), m, root), nu)
    assert_only_as_printed(left, right, printed, rtol=1e-6)
    assert_only_as_printed(left[0] - printed[0], 0.5 * D * 0.8, 0.5 * 0.8, rtol=1e-6)
    evidence("8.18", truth=left[0], printed=printed[0])


def test_eq_8_19():
    """The slope of the joint relative entropy in the emission's weights is the average slope of its energy."""

    def total(weights):
        f = lambda x, y: 0.5 * ((y - np.tanh(x @ A.T) @ weights.T) ** 2 / V).sum(1)
        return np.mean([averages(lambda x, n=n: f(x, Y[n]), NU[n], np.diag(S[n])) for n in range(N)])

    left = by_differences(total, B)
    outer = lambda x, y: np.einsum("nd,nk->ndk", (np.tanh(x @ A.T) @ B.T - y) / V, np.tanh(x @ A.T))
    right = np.mean([averages(lambda x, n=n: outer(x, Y[n]), NU[n], np.diag(S[n])) for n in range(N)], axis=0)
    assert_only_as_printed(left, right, -right, N * right, rtol=1e-5, atol=1e-8)


def test_eq_8_20():
    """Divergence plus reconstruction is the joint cross entropy less the entropy of the guess."""
    params = model()
    found = vae.recognize(params, Y)
    left = np.mean([jre(m, np.diag(s), y) for m, s, y in zip(found.means, found.deviations, Y)])
    terms = [vae.terms(params, np.repeat(Y, 500, axis=0), np.random.default_rng(seed)) for seed in range(8)]
    sampled = np.mean([t.reconstruction + t.divergence for t in terms])
    assert_only_as_printed(left, sampled, np.mean([t.reconstruction for t in terms]), rtol=0.01)
    exact = np.mean([0.5 * (m @ m + s @ s - K) - np.log(s).sum() for m, s in zip(found.means, found.deviations)])
    assert_only_as_printed(exact, terms[0].divergence, exact + 0.01)


def test_eq_8_21():
    """The divergence is what the code tells of the datum, plus that of the average guess; by a sum over a grid."""
    axis = np.linspace(-8, 8, 801)
    x, cell = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2), (axis[1] - axis[0]) ** 2
    normal = lambda m, s: np.exp(-0.5 * (((x - m) / s) ** 2).sum(1)) / (2 * np.pi * np.prod(s * np.ones(K)))
    each = np.array([normal(m, s) for m, s in zip(NU, S)])
    average, source = each.mean(0), normal(0.0, 1.0)
    log = lambda p: np.log(np.maximum(p, 1e-300))
    information = np.mean([(p * (log(p) - log(average))).sum() for p in each]) * cell
    aggregate = (average * (log(average) - log(source))).sum() * cell
    left = np.mean(0.5 * (NU**2 + S**2 - 1).sum(1) - np.log(S).sum(1))
    assert_only_as_printed(left, information + aggregate, aggregate, information - aggregate, rtol=1e-6)
    assert 0 < information < np.log(N)
    # The library's estimate of the same.
    inputs, moments = np.c_[Y, np.ones(N)], np.c_[NU, np.log(S)]
    layer = networks.Linear(np.linalg.lstsq(inputs, moments, rcond=None)[0].T[:, :D], np.zeros(2 * K))
    biases = (np.c_[NU, np.log(S)] - Y @ layer.weights.T).mean(0)
    params = model()._replace(recognition=(layer._replace(biases=biases),))
    np.testing.assert_allclose(vae.recognize(params, Y).means, NU, atol=1e-8)
    found = np.mean([vae.terms(params, Y, np.random.default_rng(seed)) for seed in range(20_000)], axis=0)
    np.testing.assert_allclose(found[2:], [information, aggregate], atol=0.02)


def test_text_8_2_the_optimum_balances():
    """At the optimum the divergence is the data's entropy less the reconstruction: the linear case, in closed form."""
    c, v = 1.3, 0.5  # y = c x + noise of variance v
    M = c * c + v
    marginal = 0.5 * np.log(2 * np.pi * np.e * M)
    s2 = v / M
    reconstruction = 0.5 * np.log(2 * np.pi * v) + 0.5 * ((1 - c * c / M) ** 2 * M + c * c * s2) / v
    divergence = 0.5 * (c * c / M + s2 - 1 - np.log(s2))
    assert_only_as_printed(divergence, marginal - reconstruction, marginal + reconstruction)
    assert reconstruction < marginal


def test_text_8_2_the_steps_have_each_others_names(evidence):
    """Chapter 6: the E step closes the gap by the recognition model, the M step lowers the cost."""
    marginal = lambda log_noise: [
        np.log(
            averages(
                lambda x, y=y: np.exp(
                    -0.5 * ((y - np.tanh(x @ A.T) @ B.T) ** 2 / np.exp(log_noise) + log_noise).sum(1)
                ),
                np.zeros(K),
                np.eye(K),
            )
        )
        for y in Y
    ]
    params = model()
    bound = lambda p: np.mean([vae.loss(p, Y, np.random.default_rng(s)) for s in range(2000)])
    moved = params._replace(recognition=networks.start((D, 4, 2 * K), np.random.default_rng(9), networks.Tanh))
    raised = bound(moved) - bound(params)
    assert abs(raised) > 0.05  # phi moves the bound, and cannot move the marginal,
    assert (
        np.abs(np.subtract(marginal(params.log_noise), marginal(params.log_noise + 1))).max() > 0.2
    )  # which theta does
    evidence("Text 8.2-a", raised=np.round(raised, 2))
