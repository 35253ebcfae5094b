"""Automatic differentiation: the exact derivatives of a program, by the rules of appendix B.

Write a function in NumPy, and ask::

    S = lambda D: np.sum(np.tanh(D @ y) ** 2)
    differentiation.gradient(S, D)                     # of the shape of D
    differentiation.hessian_product(S, D, V)           # second derivatives, along V

The argument may be an array, or parameters as in `pedagogy_lib.learning.parameters`. There are rules for

- ``+ - * / ** @``, indexing, ``.T``; comparisons, which count as constants
- ``exp expm1 log log1p sqrt square sin cos arctan sinh cosh tanh abs maximum minimum where logaddexp``;
  of SciPy, ``expit gammaln digamma polygamma``
- ``sum mean max reshape ravel transpose swapaxes expand_dims squeeze broadcast_to concatenate stack``
- ``matmul dot outer trace diagonal tril triu``, ``linalg.solve inv det slogdet cholesky``
- here, for what NumPy has not: `logsumexp`, `softmax`, `solve_triangular`, `log_determinant`, and
  `operation`, which adds a rule of your own

`tape` writes the program down and reads it backwards; `rules` and `matrices` say what is done at each step.

References
----------
Section B.1.
"""

from pedagogy_lib.learning.differentiation.derivatives import (
    gradient,
    hessian,
    hessian_product,
    jacobian,
    pull_back,
    push_forward,
    value_and_gradient,
)
from pedagogy_lib.learning.differentiation.matrices import log_determinant, solve_triangular
from pedagogy_lib.learning.differentiation.rules import logsumexp, softmax
from pedagogy_lib.learning.differentiation.tape import operation

__all__ = [
    "gradient", "hessian", "hessian_product", "jacobian", "log_determinant", "logsumexp", "operation", "pull_back",
    "push_forward", "softmax", "solve_triangular", "value_and_gradient",
]
