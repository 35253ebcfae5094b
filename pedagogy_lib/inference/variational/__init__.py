"""Variational inference: the best approximate posterior of a given family, found by optimization.

What is minimized is the free energy F(q) = E_q[log q(X) - log p(X, y)]. It exceeds -log p(y), the
evidence with its sign turned round, by exactly KL{q(X) || p(X|y)}; minus F is the evidence lower
bound (ELBO).

    ``mean_field``   q is right up to independence: coordinate ascent (CAVI), one factor at a time
    ``regression``   the same for a line, or any linear regression, with unknown noise and prior
    ``stochastic``   the same for models with conjugate factors, from batches of the data (SVI)
    ``black_box``    a Gaussian guess for any log density, by Monte Carlo gradients (ADVI); Laplace's
    ``transforms``   coordinates without bounds, for unknowns that have them

Models for which the factors come out in closed form have them in their own modules, in the form that
`pedagogy_lib.learning.em` takes: `pedagogy_lib.models.static.bayesian_gmm`.

References
----------
Section 8.4, which is empty in the textbook; chapter 6, for the free energy.
"""
