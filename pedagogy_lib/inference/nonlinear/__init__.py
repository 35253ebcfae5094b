"""Filtering and smoothing along curves: extended, unscented and Gauss-Hermite Kalman filters.

::

    p(x_1)         = N(mu_1, Sigma_1)
    p(x_t|x_{t-1}) = N(f(x_{t-1}), Q)
    p(y_t|x_t)     = N(h(x_t), R)

Bent by f, a Gaussian is a Gaussian no longer, and the two operations have no closed form. Every
method here makes the same bargain: near the present belief, replace the curve by a line, and what
the line misses by noise::

    f(x)  ~  A x + b + N(0, Omega)

Then the rules of `pedagogy_lib.distributions.gaussian` are exact again, and
`pedagogy_lib.inference.recursions` runs as it stands. The methods differ in which line:

    ``tangent``        the tangent at the mean: the extended Kalman filter
    ``sigma_points``   the line nearest to f at a few points: the unscented Kalman filter
    ``gauss_hermite``  the line nearest to f on average, by quadrature: assumed-density filtering

=============  ============================================================
`lines`        the mathematics: a curve, and which line takes its place
`rules`        marginalize and invert, by that line
`passes`       `filter` and `smooth`: a whole sequence, and its innovations
`differences`  a Jacobian, where a curve brings none
=============  ============================================================

References
----------
`state_estimation_4dvar`, "Extended Kalman filter"; S.J. Julier and J.K. Uhlmann (1997); K. Ito and
K. Xiong (2000); I. Arasaratnam and S. Haykin (2009), cubature. Statistical linear regression:
T. Lefebvre, H. Bruyninckx and J. De Schutter (2002).
"""

from pedagogy_lib.inference.nonlinear.differences import numerical_jacobian
from pedagogy_lib.inference.nonlinear.lines import Curve, gauss_hermite, nearest_line, sigma_points, tangent
from pedagogy_lib.inference.nonlinear.passes import Filtered, Smoothed, filter, innovations, smooth
from pedagogy_lib.inference.nonlinear.rules import Rules

__all__ = [
    "Curve",
    "Filtered",
    "Rules",
    "Smoothed",
    "filter",
    "gauss_hermite",
    "innovations",
    "nearest_line",
    "numerical_jacobian",
    "sigma_points",
    "smooth",
    "tangent",
]
