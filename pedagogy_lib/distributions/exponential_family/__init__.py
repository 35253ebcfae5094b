"""Exponential families: densities whose logarithm is linear in its natural parameters.

log p(x; eta) = log h(x) + eta't(x) - A(eta), with the statistics t(x) and the log partition function A. The first two
derivatives of A are the mean and the covariance of t(x), and A is convex: everything else follows.

`vectors` has the families of several natural parameters (Eq. 5.11): categorical, Gaussian, gamma, beta, Dirichlet.
`dispersion` has those of one natural parameter and a dispersion (Eq. 5.12), from which generalized linear models
are made: Bernoulli, binomial, Poisson, Gaussian, gamma.
`layers` are vectors of independent variables of either kind, of which harmoniums are made (section 3.1); `dice`,
`multinomial` and `mixed` are more of them.
"""
