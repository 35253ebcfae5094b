""""Factors over Gaussian vectors: exponentials of quadratics, in information form.

One of the two representations that `pedagogy_lib.inference.trees` plugs in; `tables` is the other, and
has the same functions. A factor is

    exp(constant + shift' x - x' precision x / 2)

and need not be a distribution: p(y|x), read as a function of x, has a singular precision where y does
not fix x. Such factors multiply by adding up, which is what makes the form fit.

Building blocks, which trust their arguments because their callers have checked them: `sizes`,
`entries`, `product`, `sum_out`, `max_out`, `observe`, `check_value`, `total`, `rescale`, `blend`,
`distance`, `value`, `best` and `draw`.

References
----------
Section 3.5; section 2.2.2 for the chain, where the same messages are the Kalman smoother.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from pedagogy_lib import checks

LOG_TAU = np.log(2 * np.pi)


class Quadratic(NamedTuple):
    """The exponential of a quadratic in some vectors.

    names : tuple of str
    lengths : tuple of int, of the vectors; D is their sum
    precision : ndarray, shape (D, D), symmetric
    shift : ndarray, shape (D,); precision times mean, where there is a mean
    constant : float
    """

    names: tuple
    lengths: tuple
    precision: np.ndarray
    shift: np.ndarray
    constant: float


# ------------------------------------------------------------------------------ from a reader's hands


def prior(name, gaussian):
    """Turn p(x), a Gaussian, into a factor.

    Parameters
    ----------
    name : str
    gaussian : pedagogy_lib.distributions.gaussian.Gaussian, with K entries

    Returns
    -------
    Quadratic
    """
    _checked_name("name", name)
    checks.having("gaussian", gaussian, "mean", "covariance")
    mean = checks.array("gaussian.mean", gaussian.mean, ("K",))
    covariance = checks.covariance("gaussian.covariance", gaussian.covariance, len(mean), stack=False)
    return _conditional((name,), (len(mean),), np.eye(len(mean)), mean, covariance)


def conditional(child, parent, affine):
    """Turn p(y|x), a Gaussian whose mean is an affine function of x, into a factor over both.

    Parameters
    ----------
    child, parent : str
    affine : pedagogy_lib.distributions.gaussian.AffineGaussian, from K entries to L

    Returns
    -------
    Quadratic
    """
    _checked_name("child", child)
    _checked_name("parent", parent)
    checks.having("affine", affine, "matrix", "offset", "covariance")
    if child == parent:
        raise ValueError(f"child, parent: expected two different names, got {child!r} twice")
    matrix = checks.array("affine.matrix", affine.matrix, ("L", "K"))
    offset = checks.array("affine.offset", affine.offset, (len(matrix),))
    covariance = checks.covariance("affine.covariance", affine.covariance, len(matrix), stack=False)
    differences = np.hstack([np.eye(len(matrix)), -matrix])                  # y - C x
    return _conditional((child, parent), (len(matrix), matrix.shape[1]), differences, offset, covariance)


def _conditional(names, lengths, differences, offset, covariance):
    """N(differences z; offset, covariance), as a function of z."""
    root = cho_factor(covariance, lower=True)
    weighted = cho_solve(root, differences)                                  # S^-1 [1, -C]
    whitened = solve_triangular(root[0], offset, lower=True)
    constant = -0.5 * (whitened @ whitened + len(offset) * LOG_TAU) - np.log(np.diag(root[0])).sum()
    return Quadratic(names, lengths, _symmetric(differences.T @ weighted), weighted.T @ offset, float(constant))


def moments(factor):
    """The mean and the covariance of the distribution that a factor is proportional to.

    Parameters
    ----------
    factor : Quadratic

    Returns
    -------
    mean : ndarray, shape (D,)
    covariance : ndarray, shape (D, D)
    """
    checks.having("factor", factor, "names", "precision", "shift")
    factor = checks.record("factor", factor, precision="DD", shift="D")
    root = _root(factor.precision, factor.names)
    return cho_solve(root, factor.shift), _symmetric(cho_solve(root, np.eye(len(factor.shift))))


# ---------------------------------------------------------------------- what message passing asks for


def sizes(factor):
    """How many entries each vector has."""
    return dict(zip(factor.names, factor.lengths))


def entries(names, sizes):
    """How many numbers a factor over these variables holds: a matrix, a vector and a number."""
    D = sum(int(sizes[name]) for name in names)
    return D * D + D + 1


def product(factors, names, sizes):
    """Multiply factors into one over ``names``, which holds all of their variables."""
    places, D = _places(names, [sizes[name] for name in names])
    precision, shift, constant = np.zeros((D, D)), np.zeros(D), 0.0
    for each in factors:                                                     # exponents add
        at = np.concatenate([places[name] for name in each.names]) if each.names else np.empty(0, int)
        precision[np.ix_(at, at)] += each.precision
        shift[at] += each.shift
        constant += each.constant
    return Quadratic(tuple(names), tuple(sizes[name] for name in names), precision, shift, constant)


def sum_out(factor, keep):
    """Integrate over all variables but those to keep."""
    return _eliminate(factor, keep, volume=True)


def max_out(factor, keep):
    """Maximize over all variables but those to keep."""
    return _eliminate(factor, keep, volume=False)


def _eliminate(factor, keep, volume):
    """Complete the square in what goes; the integral has, beyond the maximum, the volume of a Gaussian."""
    kept = tuple(name for name in factor.names if name in keep)
    gone = tuple(name for name in factor.names if name not in keep)
    if not gone:
        return factor
    a, b = _indices(factor, kept), _indices(factor, gone)
    J, h = factor.precision, factor.shift
    root = _root(J[np.ix_(b, b)], gone)
    solved = cho_solve(root, np.column_stack([J[np.ix_(b, a)], h[b]]))       # J_bb^-1 [J_ba, h_b]
    constant = factor.constant + 0.5 * h[b] @ solved[:, -1]
    if volume:
        constant += 0.5 * len(b) * LOG_TAU - np.log(np.diag(root[0])).sum()
    precision = J[np.ix_(a, a)] - J[np.ix_(a, b)] @ solved[:, :-1]           # the Schur complement
    lengths = tuple(sizes(factor)[name] for name in kept)
    return Quadratic(kept, lengths, _symmetric(precision), h[a] - J[np.ix_(a, b)] @ solved[:, -1], float(constant))


def observe(factor, evidence):
    """Put in the vectors that were observed: those variables leave the factor."""
    kept = tuple(name for name in factor.names if name not in evidence)
    seen = tuple(name for name in factor.names if name in evidence)
    if not seen:
        return factor
    a, b = _indices(factor, kept), _indices(factor, seen)
    y = np.concatenate([evidence[name] for name in seen])
    J, h = factor.precision, factor.shift
    constant = factor.constant + h[b] @ y - 0.5 * y @ J[np.ix_(b, b)] @ y
    lengths = tuple(sizes(factor)[name] for name in kept)
    return Quadratic(kept, lengths, J[np.ix_(a, a)], h[a] - J[np.ix_(a, b)] @ y, float(constant))


def check_value(name, value, size):
    """Check one piece of evidence: a vector."""
    return checks.array(name, value, (size,))


def total(factor):
    """The logarithm of the integral over everything."""
    return sum_out(factor, ()).constant


def rescale(factor):
    """Leave the constant out: exponents do not overflow, and a message need not have an integral."""
    return factor._replace(constant=0.0)


def blend(old, new, share):
    """Mix the exponents of two factors over the same variables: ``share`` of the old one."""
    fields = ("precision", "shift", "constant")
    mixed = {field: share * getattr(old, field) + (1 - share) * getattr(new, field) for field in fields}
    return new._replace(**mixed)


def distance(old, new):
    """The largest difference between the numbers of two factors."""
    gaps = np.abs(old.precision - new.precision).max(initial=0.0), np.abs(old.shift - new.shift).max(initial=0.0)
    return float(max(gaps))


def value(factor, configuration):
    """The exponent at one configuration: a dictionary with a vector for each variable."""
    return observe(factor, configuration).constant


def best(factor):
    """The mean, which is the maximum: a dictionary with a vector for each variable."""
    if not factor.names:
        return {}
    mean = cho_solve(_root(factor.precision, factor.names), factor.shift)
    return {name: mean[_indices(factor, (name,))] for name in factor.names}


def draw(factor, given, n, rng):
    """Draw the variables of a factor that have no value yet, given ``n`` values of each that has one."""
    known = tuple(name for name in factor.names if name in given)
    free = tuple(name for name in factor.names if name not in given)
    if not free:
        return {}
    a, b = _indices(factor, free), _indices(factor, known)
    root = _root(factor.precision[np.ix_(a, a)], free)
    shift = np.broadcast_to(factor.shift[a], (n, len(a)))
    if known:
        shift = shift - np.hstack([given[name] for name in known]) @ factor.precision[np.ix_(b, a)]
    noise = solve_triangular(root[0], rng.standard_normal((len(a), n)), lower=True, trans="T")
    drawn = cho_solve(root, shift.T).T + noise.T                             # mean, and L^-T z
    places, _ = _places(free, [sizes(factor)[name] for name in free])
    return {name: drawn[:, places[name]] for name in free}


def _checked_name(argument, name):
    if not isinstance(name, str):
        raise TypeError(f"{argument}: expected a name, got {name!r}")


def _places(names, lengths):
    """Which entries of the long vector belong to each variable; and how many there are."""
    ends = np.cumsum([0, *lengths])
    return {name: np.arange(ends[i], ends[i + 1]) for i, name in enumerate(names)}, int(ends[-1])


def _indices(factor, names):
    places, _ = _places(factor.names, factor.lengths)
    return np.concatenate([places[name] for name in names]) if names else np.empty(0, int)


def _root(precision, names):
    """The Cholesky root of what is to be integrated over; without one the integral is infinite."""
    try:
        return cho_factor(precision, lower=True)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"factors: expected a product that can be integrated over {', '.join(names)}, got a precision with the "
            f"smallest eigenvalue {np.linalg.eigvalsh(precision).min():.3g}"
        ) from None


def _symmetric(matrix):
    return 0.5 * (matrix + matrix.T)
