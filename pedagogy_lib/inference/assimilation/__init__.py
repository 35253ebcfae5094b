"""Variational data assimilation: the most probable trajectory, by descent.

A window of T observations of a state that moves by a known law::

    x_1 ~ N(x_b, B)                    the background: what was believed before
    x_{t+1} = M(x_t) [+ N(0, Q)]       the motion, exact or not
    y_t = H x_t + N(0, R)              the observations

The negative logarithm of the joint density of all this is a sum of squares. *Strong-constraint*
4DVar takes the motion for exact, so only x_1 is free::

    J(x_1) = |x_1 - x_b|^2_B / 2 + sum_t |y_t - H x_t|^2_R / 2

*Weak-constraint* 4DVar lets every state move, and charges for each departure from the motion::

    J(x_1 ... x_T) = J as above + sum_t |x_{t+1} - M(x_t)|^2_Q / 2

with |v|^2_B for v' B^-1 v. A curved sensor h(x) may stand for H x: then H is its tangent, dh/dx, at
the present guess. The gradient of the first goes back through the whole motion: the
*adjoint* method does it at the price of one run backwards. The minimum is sought by Gauss and
Newton's method: make the motion linear about the present guess, solve the quadratic problem, repeat
("incremental 4DVar"). On a linear motion one step is enough, and the weak minimum is the
Rauch-Tung-Striebel smoother's mean.

Where the background is a decoder of Gaussian latents, `latent` searches among the latents.

Where the state is large no matrix of the motion can be kept. `preconditioned` needs gradients alone, and
searches in the units of a root of B, in which the background is round.

A parameter of the motion may be unknown, too. `bilevel` searches for it over the best J that each
value allows, with one more sum along the adjoint's way back for a gradient.

References
----------
`state_estimation_4dvar`, "Weak vs strong constrained"; F.-X. Le Dimet and O. Talagrand (1986);
P. Courtier, J.-N. Thepaut and A. Hollingsworth (1994), incremental; Y. Tremolet (2006), weak.
"""

from pedagogy_lib.inference.assimilation.control_variable import preconditioned, preconditioned_slope
from pedagogy_lib.inference.assimilation.latent_space import (
    Decoder,
    LatentStep,
    latent,
    latent_cost,
    latent_curvature,
    latent_gradient,
)
from pedagogy_lib.inference.assimilation.problems import Look, Motion, Window, linear_motion, motion, trajectory
from pedagogy_lib.inference.assimilation.searches import Step, follow
from pedagogy_lib.inference.assimilation.strong_constraint import strong, strong_cost, strong_gradient
from pedagogy_lib.inference.assimilation.two_levels import Level, bilevel, parameter_gradient
from pedagogy_lib.inference.assimilation.weak_constraint import weak, weak_cost, weak_gradient

__all__ = [
    "Decoder", "LatentStep", "Level", "Look", "Motion", "Step", "Window", "bilevel", "follow", "latent",
    "latent_cost", "latent_curvature", "latent_gradient", "linear_motion", "motion", "parameter_gradient",
    "preconditioned", "preconditioned_slope", "strong", "strong_cost", "strong_gradient", "trajectory", "weak",
    "weak_cost", "weak_gradient",
]
