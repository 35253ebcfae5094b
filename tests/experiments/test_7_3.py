"""The experiments of chapters/07-invertible/7.3-factor-analysis-and-pca.ipynb."""

import numpy as np
from experiments import hold

from pedagogy_lib import data
from pedagogy_lib.learning import em
from pedagogy_lib.models.static import factor_analysis as fa


class WithHoles:
    """Factor analysis where some entries of y are NaN."""

    def __init__(self, variances=True):
        self.variances = variances                        # of what is filled in: to leave them out is the mistake

    def expected_statistics(self, params, y):
        C, c, noise = params
        missing = np.isnan(y)
        means, covariances = fa.posterior(params, y)      # each row has its own covariance
        found = fa.observed_statistics(means, np.where(missing, means @ C.T + c, y))
        found = found._replace(factor_scatter=found.factor_scatter + covariances.mean(0))
        if self.variances:
            shared = np.einsum("nd,dk,nkl->dl", missing, C, covariances) / len(y)
            own = (missing * (np.einsum("dk,nkl,dl->nd", C, covariances, C) + noise)).mean(0)
            found = found._replace(cross_scatter=found.cross_scatter + shared, variances=found.variances + own)
        return found._replace(loss=-fa.log_marginal(params, y).mean())

    maximize = staticmethod(fa.maximize)


def test_7_3_f_missing_data():
    rng = np.random.default_rng(0)
    digits = data.digits().values
    digits = digits + rng.uniform(-0.5, 0.5, digits.shape)
    order = rng.permutation(len(digits))
    few, hidden = digits[order[:150]], digits[order[-600:]]
    holes = np.where(rng.uniform(size=few.shape) < 0.2, np.nan, few)
    begin = fa.start(few, 10, np.random.default_rng(1))

    def cost(params):
        return -fa.log_marginal(params, hidden).mean()

    right = em.fit(WithHoles(), begin, holes, tolerance=1e-3)      # would raise, if the loss rose
    wrong, forgetful = begin, WithHoles(variances=False)
    for _ in right.losses:
        wrong = forgetful.maximize(forgetful.expected_statistics(wrong, holes))
    filled = np.where(np.isnan(holes), np.nanmean(holes, 0), holes)
    hold(
        "7.3-f",
        complete=cost(em.fit(fa, begin, few, tolerance=1e-3).params),
        right=cost(right.params),
        column_means=cost(em.fit(fa, begin, filled, tolerance=1e-3).params) - cost(right.params),
        no_variances=cost(wrong) - cost(right.params),
    )
