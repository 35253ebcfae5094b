"""Chapter 6: expectation-maximization, and what it has to do with sending messages."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions.categorical import Categorical, Table
from pedagogy_lib.learning.codes import ans, bits_back
from pedagogy_lib.learning.objectives import information
from pedagogy_lib.models.static import gmm

TAU = 2 * np.pi
RNG = np.random.default_rng(6)
Y = np.concatenate([RNG.normal(size=(30, 2)), RNG.normal(size=(20, 2)) @ [[1.0, 0.5], [0.0, 0.4]] + [3.0, 1.0]])
PARAMS = gmm.Parameters(
    np.array([0.7, 0.3]),
    np.array([[0.0, 0.5], [2.0, 1.0]]),
    np.array([[[0.8, 0.2], [0.2, 0.5]], [[1.5, -0.3], [-0.3, 0.4]]]),
)


def log_gaussian(y, mean, covariance):
    return multivariate_normal(mean, covariance).logpdf(y)


def joint(params, y=Y):
    return np.stack([w * np.exp(log_gaussian(y, m, c)) for w, m, c in zip(*params)], 1)


def marginal_loss(params, y=Y):
    return -np.log(joint(params, y).sum(1)).mean()


def mean_slope(loss, k, step=1e-6):
    """The gradient with respect to mu_k, by differences."""
    found = np.empty(2)
    for d in range(2):
        shift = np.zeros((2, 2))
        shift[k, d] = step
        plus, minus = (PARAMS._replace(means=PARAMS.means + s) for s in (shift, -shift))
        found[d] = (loss(plus) - loss(minus)) / (2 * step)
    return found


# --------------------------------------------------------------------------- 6.1 and 6.2: Gaussians


def test_text_6_1_slope_of_the_mean_has_the_wrong_sign(evidence):
    """A slip: d/dmu of the single Gaussian's cross entropy is printed without its minus sign."""
    mean, covariance = np.array([0.3, -0.2]), PARAMS.covariances[1]
    step = 1e-6
    left = np.array([
        -(log_gaussian(Y, mean + d, covariance) - log_gaussian(Y, mean - d, covariance)).mean() / (2 * step)
        for d in step * np.eye(2)
    ])
    printed = np.linalg.solve(covariance, (Y - mean).T).mean(1)
    assert_only_as_printed(left, -printed, printed, rtol=1e-6)
    evidence("Text 6.1-a", slope=left, printed=printed)


def test_text_6_1_slope_of_the_precision():
    mean, precision, step = np.array([0.3, -0.2]), np.linalg.inv(PARAMS.covariances[1]), 1e-6

    def loss(precision):
        square = np.einsum("ni,ij,nj->n", Y - mean, precision, Y - mean)
        return 0.5 * (2 * np.log(TAU) - np.linalg.slogdet(precision)[1] + square).mean()

    assert loss(precision) == pytest.approx(-log_gaussian(Y, mean, PARAMS.covariances[1]).mean())
    left = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            d = np.zeros((2, 2))
            d[i, j] = step
            left[i, j] = (loss(precision + d) - loss(precision - d)) / (2 * step)
    second = (Y - mean).T @ (Y - mean) / len(Y)
    right = 0.5 * (second - PARAMS.covariances[1])
    assert_only_as_printed(left, right, -right, 2 * right, rtol=1e-5)


def test_eq_6_1():
    left = marginal_loss(PARAMS)
    total, unweighted = 0.0, 0.0
    for w, m, c in zip(*PARAMS):
        density = TAU ** (-2 / 2) * np.linalg.det(c) ** -0.5 * np.exp(
            -0.5 * np.einsum("ni,ij,nj->n", Y - m, np.linalg.inv(c), Y - m)
        )
        total, unweighted = total + w * density, unweighted + density
    assert_only_as_printed(left, -np.log(total).mean(), -np.log(unweighted).mean(), np.log(total).mean())
    assert -gmm.log_marginal(PARAMS, Y).mean() == pytest.approx(left, rel=1e-12)


def test_text_6_1_the_sum_couples_the_classes():
    """The slope with respect to one mean changes when another mean does; that of the joint does not."""
    moved = PARAMS._replace(means=PARAMS.means + [[0, 0], [0.5, 0]])
    r = gmm.posterior(PARAMS, Y).probabilities

    def slopes(params):
        own = np.linalg.solve(params.covariances[0], (Y - params.means[0]).T)
        return (own * gmm.posterior(params, Y).probabilities[:, 0]).mean(1), (own * r[:, 0]).mean(1)

    assert np.abs(slopes(PARAMS)[0] - slopes(moved)[0]).max() > 0.01
    np.testing.assert_array_equal(slopes(PARAMS)[1], slopes(moved)[1])


def test_eq_6_2():
    for x in np.eye(2):
        left = x @ PARAMS.weights * np.exp(log_gaussian(Y, x @ PARAMS.means, np.tensordot(x, PARAMS.covariances, 1)))
        terms = joint(PARAMS)
        assert_only_as_printed(left, np.prod(terms**x, axis=1), terms.sum(1), np.prod(terms, axis=1))
        log_joint = gmm.emission(PARAMS).log_densities(Y) + np.log(PARAMS.weights)
        np.testing.assert_allclose(np.exp(log_joint @ x), left, rtol=1e-9)


def test_eq_6_3():
    """The slope of the marginal is the average slope of the joint, under the posterior and no other."""
    r, step = gmm.posterior(PARAMS, Y).probabilities, 1e-6
    left = np.concatenate([mean_slope(marginal_loss, k) for k in (0, 1)])

    def averaged(weights):
        slopes = []
        for k in (0, 1):
            for d in step * np.eye(2):
                mean, covariance = PARAMS.means[k], PARAMS.covariances[k]
                rise = log_gaussian(Y, mean + d, covariance) - log_gaussian(Y, mean - d, covariance)
                slopes.append(-(weights[:, k] * rise).mean() / (2 * step))
        return np.array(slopes)

    recognition = np.random.default_rng(0).dirichlet(np.ones(2), len(Y))
    assert_only_as_printed(left, averaged(r), averaged(recognition), averaged(np.full_like(r, 0.5)), rtol=1e-6)
    # Nor may the derivative be taken outside of the expectation: the posterior moves too.

    def hybrid(params):
        return -(gmm.posterior(params, Y).probabilities * np.log(joint(params))).sum(1).mean()

    outside = np.concatenate([mean_slope(hybrid, k) for k in (0, 1)])
    assert not np.allclose(outside, left, rtol=1e-2)


def test_eq_6_4(evidence):
    """A slip: the slope is printed without its minus sign, and Sigma without its index k."""
    r = gmm.posterior(PARAMS, Y).probabilities
    for k, other in ((0, 1), (1, 0)):
        left = mean_slope(marginal_loss, k)

        def right(covariance, k=k):
            return (r[:, k] * np.linalg.solve(covariance, (Y - PARAMS.means[k]).T)).mean(1)

        printed = right(PARAMS.covariances[k])
        assert_only_as_printed(left, -printed, printed, -right(PARAMS.covariances[other]), rtol=1e-5)
        if k == 0:
            evidence("6.4", slope=left, printed=printed)
    # The implication holds all the same: at an optimum mu_k = <X_k Y> / <X_k>.
    best = minimize(lambda m: marginal_loss(PARAMS._replace(means=m.reshape(2, 2))), PARAMS.means.ravel(), tol=1e-12)
    best = PARAMS._replace(means=best.x.reshape(2, 2))
    r = gmm.posterior(best, Y).probabilities
    assert_only_as_printed(best.means, r.T @ Y / r.sum(0)[:, None], r.T @ Y / len(Y), PARAMS.means, rtol=1e-4)


def test_text_6_2_log_pi_is_inside_the_half(evidence):
    """A slip before Eq. 6.4: within the bracket that is halved, -log pi_k must be -2 log pi_k."""
    for k in (0, 1):
        left = -np.log(joint(PARAMS)[:, k])
        deviation = Y - PARAMS.means[k]
        square = np.einsum("ni,ij,nj->n", deviation, np.linalg.inv(PARAMS.covariances[k]), deviation)
        bracket = 2 * np.log(TAU) + np.linalg.slogdet(PARAMS.covariances[k])[1] + square
        log_pi = np.log(PARAMS.weights[k])
        assert_only_as_printed(left, 0.5 * (bracket - 2 * log_pi), 0.5 * (bracket - log_pi))
    evidence("Text 6.2-a", weight=PARAMS.weights[k], surprisal=left[0], printed=0.5 * (bracket - log_pi)[0])


# --------------------------------------------------------------------------- 6.3: any distributions

# Tables of three classes (rows) and five observations (columns): data, model, recognition.
DATA = RNG.dirichlet(np.ones(5))                                        # p(y)
MODEL = RNG.dirichlet(np.ones(15)).reshape(3, 5)                        # p-hat(x, y)
OTHER = RNG.dirichlet(np.ones(15)).reshape(3, 5)                        # the same at another theta
RECOGNITION = RNG.dirichlet(np.ones(3), 5).T                            # p-check(x|y)
HYBRID = RECOGNITION * DATA                                             # p-check(x|y) p(y)


def posterior_of(model):
    return model / model.sum(0)


def average(values, weights=HYBRID):
    return (weights * values).sum()


def kl(p, q):
    """Of two tables, term by term."""
    return sum(a * np.log(a / b) for a, b in zip(p.ravel(), q.ravel()) if a > 0)


def posterior_kl(recognition, model):
    """KL{p-check(x|y) || p-hat(x|y)}, averaged over the data."""
    return sum(w * kl(a, b) for w, a, b in zip(DATA, recognition.T, posterior_of(model).T))


def surprisal(table):
    with np.errstate(divide="ignore"):
        return -np.log(table)


CROSS = {
    "marginal": average(surprisal(MODEL.sum(0)), DATA),                 # H_{p p-hat}[Y]
    "joint": average(surprisal(MODEL)),                                 # H_{(p p-check) p-hat}[X, Y]
    "posterior": average(surprisal(posterior_of(MODEL))),               # H_{(p p-check) p-hat}[X | Y]
    "recognition": average(surprisal(RECOGNITION)),                     # H_{p p-check}[X | Y]
    "prior": average(surprisal(MODEL.sum(1))[:, None]),                 # H_{(p p-check) p-hat}[X]
    "emission": average(surprisal(MODEL / MODEL.sum(1, keepdims=True))),    # H_{(p p-check) p-hat}[Y | X]
}
ENTROPY = average(surprisal(DATA), DATA)


def test_eq_6_5():
    left = kl(HYBRID, MODEL)
    assert_only_as_printed(left, average(np.log(RECOGNITION * DATA) - np.log(MODEL)), average(-np.log(MODEL)))
    assert information.relative_entropy(HYBRID, MODEL) == pytest.approx(left, rel=1e-12)
    # The constants: the entropies of the data, and of the hybrid; the same at any theta.
    gaps = {
        "free": [kl(HYBRID, m) - average(np.log(RECOGNITION) - np.log(m)) for m in (MODEL, OTHER)],
        "cross": [kl(HYBRID, m) - average(-np.log(m)) for m in (MODEL, OTHER)],
    }
    assert_only_as_printed(gaps["free"], [-ENTROPY] * 2, [ENTROPY] * 2)
    assert_only_as_printed(gaps["cross"], [-ENTROPY - CROSS["recognition"]] * 2, [-CROSS["recognition"]] * 2)


def test_eq_6_6():
    marginal = kl(DATA, MODEL.sum(0))
    assert_only_as_printed(
        kl(HYBRID, MODEL),
        marginal + posterior_kl(RECOGNITION, MODEL),
        marginal,
        marginal + sum(kl(b, a) * w for w, a, b in zip(DATA, RECOGNITION.T, posterior_of(MODEL).T)),
    )


def test_box_em():
    """Each half minimizes the joint relative entropy with the other half fixed; neither raises it."""

    def softmax(a):
        return np.exp(a) / np.exp(a).sum(0)

    found = minimize(lambda a: kl(softmax(a.reshape(3, 5)) * DATA, MODEL), np.zeros(15), tol=1e-13)
    assert_only_as_printed(softmax(found.x.reshape(3, 5)), posterior_of(MODEL), RECOGNITION, MODEL, rtol=1e-4)
    # M step for a mixture in which only the prior p(x) is free.
    emission = MODEL / MODEL.sum(1, keepdims=True)
    found = minimize(lambda a: kl(HYBRID, softmax(a)[:, None] * emission), np.zeros(3), tol=1e-13)
    assert_only_as_printed(softmax(found.x), HYBRID.sum(1), MODEL.sum(1), rtol=1e-4)
    prior, losses = MODEL.sum(1), []
    for _ in range(30):
        model = prior[:, None] * emission
        recognition = posterior_of(model)                               # E
        losses.append(kl(recognition * DATA, model))
        prior = (recognition * DATA).sum(1)                             # M
        losses.append(kl(recognition * DATA, prior[:, None] * emission))
    assert (np.diff(losses) <= 1e-14).all()
    assert losses[-1] < losses[0] - 1e-3
    # At the start of every M step the bound is tight.
    assert_only_as_printed(losses[0], kl(DATA, MODEL.sum(0)), losses[1])


def test_eq_6_7():
    hybrid = posterior_of(MODEL) * DATA
    right = average(surprisal(MODEL), hybrid) - average(surprisal(posterior_of(MODEL)), hybrid)
    under_the_model = average(surprisal(MODEL), hybrid) - average(surprisal(posterior_of(MODEL)), MODEL)
    assert_only_as_printed(CROSS["marginal"], right, average(surprisal(MODEL), hybrid), under_the_model)


def test_eq_6_8a():
    right = CROSS["joint"] - CROSS["posterior"]
    assert_only_as_printed(CROSS["marginal"], right, CROSS["joint"] + CROSS["posterior"], CROSS["joint"])


def test_eq_6_8b():
    left = CROSS["marginal"] + CROSS["recognition"]
    first = CROSS["joint"] - CROSS["posterior"] + CROSS["recognition"]
    divergence = posterior_kl(RECOGNITION, MODEL)
    assert_only_as_printed(left, first, CROSS["joint"] - CROSS["posterior"])
    assert_only_as_printed(left, CROSS["joint"] - divergence, CROSS["joint"] + divergence)


def test_eq_6_9():
    left = CROSS["marginal"] + posterior_kl(RECOGNITION, MODEL)
    free_energy = average(np.log(RECOGNITION) - np.log(MODEL))
    assert_only_as_printed(left, CROSS["joint"] - CROSS["recognition"], CROSS["joint"], CROSS["marginal"])
    assert_only_as_printed(free_energy, left, CROSS["joint"])


def test_text_6_3_2_conditioning_may_increase_uncertainty_here(evidence):
    """A slip: averaged under the data, the posterior's entropy may exceed the prior's.

    "Conditioning can never increase uncertainty" holds under the model's own marginal. Here the
    prior is (0.9, 0.1), but the data are all of the kind that leaves both classes as probable.
    """
    model = np.array([[0.8, 0.1], [0.0, 0.1]])
    prior = information.entropy(model.sum(1))
    posterior = [information.entropy(column) for column in posterior_of(model).T]
    assert posterior[1] == pytest.approx(np.log(2))                     # p(y) = (0, 1)
    assert prior == pytest.approx(0.3251, abs=1e-4)
    assert posterior[1] > prior
    assert model.sum(0) @ posterior < prior                             # under the model's marginal
    evidence("Text 6.3.2-a", prior=prior, posterior=posterior[1])


def test_text_6_3_2_the_e_step_moves_the_recognition_distribution(evidence):
    """A slip: both steps minimize the joint relative entropy, but only the M step with respect to theta."""
    best = posterior_of(MODEL)
    before, after = kl(HYBRID, MODEL), kl(best * DATA, MODEL)           # an E step: the model is not touched
    assert_only_as_printed(before - after, posterior_kl(RECOGNITION, MODEL), 0.0)
    assert after < min(kl(r * DATA, MODEL) for r in (RECOGNITION, posterior_of(OTHER), np.full((3, 5), 1 / 3)))
    evidence("Text 6.3.2-b", before=before, after=after)


# --------------------------------------------------------------------------- bits back

MARGINAL_SURCHARGE = CROSS["marginal"] - ENTROPY
DELTA = np.eye(3)[:, posterior_of(MODEL).argmax(0)]


def sent(recognition, size=6000):
    """Nats per observation, of real messages: net, and without the refund."""
    rng = np.random.default_rng(0)
    y = rng.choice(5, size, p=DATA)
    prior = MODEL.sum(1)
    code = bits_back.model(Categorical(prior), Table((MODEL / prior[:, None]).T), Table(recognition))
    extra = rng.bytes(3000)
    steps = list(bits_back.steps(code, y, ans.stack_of(extra)))
    received = bits_back.decode(code, size, steps[-1].stack)
    assert received.observations == y.tolist()
    assert ans.data_of(received.stack) == extra
    net = (ans.length(steps[-1].stack) - ans.length(ans.stack_of(extra))) * np.log(2) / size
    gross = sum(step.code + step.reconstruction for step in steps) * np.log(2) / size
    return net, gross


def test_eq_6_10():
    """Extra nats per observation of an ideal code for the model's marginal: sent and counted."""
    y = np.random.default_rng(1).choice(5, 6000, p=DATA)
    table, stack = ans.frequencies(MODEL.sum(0)), ans.stack_of(b"begin")
    start = ans.length(stack)
    for symbol in y:
        stack = ans.push(stack, int(symbol), table)
    left = (ans.length(stack) - start) * np.log(2) / 6000 - ENTROPY
    assert_only_as_printed(left, MARGINAL_SURCHARGE, 1.2 * MARGINAL_SURCHARGE, CROSS["marginal"], rtol=0.05)
    assert_only_as_printed(kl(DATA, MODEL.sum(0)), MARGINAL_SURCHARGE, CROSS["marginal"])


def test_eq_6_11():
    hybrid = DELTA * DATA
    by_hand = np.zeros((3, 5))
    for y in range(5):
        by_hand[max(range(3), key=lambda x: MODEL[x, y]), y] = DATA[y]
    prior_mode = np.zeros((3, 5))
    prior_mode[MODEL.sum(1).argmax()] = DATA
    assert_only_as_printed(by_hand, bits_back.hard(Table(posterior_of(MODEL))).probabilities * DATA, prior_mode)
    np.testing.assert_array_equal(hybrid, by_hand)


def test_eq_6_12():
    right = CROSS["prior"] + CROSS["emission"] - ENTROPY
    _, gross = sent(RECOGNITION)
    assert_only_as_printed(gross - ENTROPY, right, right - CROSS["recognition"], rtol=0.04)
    assert_only_as_printed(CROSS["joint"] - ENTROPY, right, CROSS["prior"] - ENTROPY)


def test_eq_6_13():
    left = CROSS["prior"] + CROSS["emission"] - ENTROPY
    divergence = posterior_kl(RECOGNITION, MODEL)
    assert_only_as_printed(left, CROSS["posterior"] + CROSS["marginal"] - ENTROPY, CROSS["posterior"])
    right = divergence + CROSS["recognition"] + MARGINAL_SURCHARGE
    assert_only_as_printed(left, right, divergence - CROSS["recognition"] + MARGINAL_SURCHARGE)


def test_eq_6_14():
    hybrid = DELTA * DATA
    left = average(surprisal(MODEL)[hybrid > 0], hybrid[hybrid > 0]) - ENTROPY      # code and reconstruction
    right = posterior_kl(DELTA, MODEL) + MARGINAL_SURCHARGE
    assert_only_as_printed(left, right, MARGINAL_SURCHARGE, posterior_kl(DELTA, MODEL))
    net, gross = sent(DELTA)
    assert net == pytest.approx(gross, rel=1e-4)                        # nothing was sampled, so no refund
    assert_only_as_printed(net - ENTROPY, right, MARGINAL_SURCHARGE, rtol=0.04)


def test_eq_6_15():
    right = posterior_kl(RECOGNITION, MODEL) + MARGINAL_SURCHARGE
    assert_only_as_printed(kl(HYBRID, MODEL), right, right + CROSS["recognition"])
    net, gross = sent(RECOGNITION)
    assert_only_as_printed(net - ENTROPY, right, gross - ENTROPY, MARGINAL_SURCHARGE, rtol=0.04)
    # With the posterior for recognition there is no excess at all.
    net, _ = sent(posterior_of(MODEL))
    assert_only_as_printed(net - ENTROPY, MARGINAL_SURCHARGE, right, rtol=0.05)
