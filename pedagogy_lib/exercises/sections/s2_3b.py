"""Exercises of chapter 2.3b: bearings only."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _slope_cases(rng):
    return [(rng.normal(size=4), 3 + rng.normal(size=(posts, 2))) for posts in (1, 2, 3)]


def _innovation_cases(rng):
    cases = []
    for points, seen in ((5, 1), (9, 2), (7, 3)):
        noise = np.diag(rng.uniform(0.1, 1, seen)) + 0.05
        images = rng.normal(size=(points, seen)) + 2
        cases.append((images, rng.dirichlet(np.ones(points)), noise, rng.normal(size=seen)))
    return cases


def _turn_cases(rng):
    far = rng.uniform(-20, 20, (2, 6))
    return [
        (rng.uniform(-3, 3, 4), rng.uniform(-3, 3, 4)),
        (np.array([-3.1, 3.1, 0.0, 0.0]), np.array([3.1, -3.1, np.pi, -np.pi])),
        (far[0], far[1]),
    ]


@task("2.3b-a", cases=_slope_cases)
def bearing_slopes(x, posts):
    """Return dh/dx', shape (P, 4)."""
    a, b = (x[:2] - posts).T
    none = np.zeros(len(posts))
    return np.column_stack([b, -a, none, none]) / (a**2 + b**2)[:, None]


@bearing_slopes.mistake(
    "counted from east",
    "This is the slope of an angle counted from east, against the clock: arctan of north over east. The bearing is "
    "counted from north, clockwise.",
)
def _from_east(x, posts):
    return -bearing_slopes(x, posts)


@bearing_slopes.mistake(
    "divided by the distance",
    "A step across the line of sight turns it by the step over the distance. The numerator has the length of the "
    "distance already: divide by its square.",
)
def _by_the_distance(x, posts):
    far = np.hypot(*(x[:2] - posts).T)
    return bearing_slopes(x, posts) * far[:, None]


@bearing_slopes.mistake(
    "pointed along the line of sight",
    "A step along the line of sight does not turn it. Exchange the two columns, with one sign.",
)
def _along(x, posts):
    slopes = bearing_slopes(x, posts)
    return np.column_stack([-slopes[:, 1], slopes[:, 0], slopes[:, 2:]])


@bearing_slopes.mistake(
    "took the velocity for the position",
    "The bearing depends on where he is, and not on how he moves: the last two columns are zero.",
)
def _velocity(x, posts):
    return bearing_slopes(x, posts)[:, [2, 3, 0, 1]]


@bearing_slopes.mistake(
    "forgot where the post is",
    "The direction is that from the post: take its place away from the walker's first.",
)
def _from_zero(x, posts):
    return bearing_slopes(x, np.zeros_like(posts))


@task("2.3b-b", cases=_innovation_cases, stars=2)
def normalized_innovation(images, weights, noise, y):
    """Return v' S^-1 v, a number."""
    mean = weights @ images
    S = (weights[:, None] * (images - mean)).T @ (images - mean) + noise
    return (y - mean) @ np.linalg.solve(S, y - mean)


@normalized_innovation.mistake(
    "forgot the sensor",
    "The covariance of the images is what the state's doubt does to the look. The sensor errs as well: add R.",
)
def _no_sensor(images, weights, noise, y):
    mean = weights @ images
    S = (weights[:, None] * (images - mean)).T @ (images - mean) + 1e-12 * np.eye(len(y))
    return (y - mean) @ np.linalg.lstsq(S, y - mean, rcond=None)[0]


@normalized_innovation.mistake(
    "measured by the sensor alone",
    "S is not R: before the look the filter doubted the state too, and the covariance of the images says how much.",
)
def _sensor_alone(images, weights, noise, y):
    v = y - weights @ images
    return v @ np.linalg.solve(noise, v)


@normalized_innovation.mistake(
    "ignored the weights",
    "The points do not count alike: weigh the mean and the covariance of the images.",
)
def _equal_weights(images, weights, noise, y):
    return normalized_innovation(images, np.full(len(weights), 1 / len(weights)), noise, y)


@normalized_innovation.mistake(
    "did not center",
    "The covariance is that of the images about their mean. Yours is about zero.",
)
def _not_centered(images, weights, noise, y):
    v = y - weights @ images
    return v @ np.linalg.solve((weights[:, None] * images).T @ images + noise, v)


@normalized_innovation.mistake(
    "divided by the number of things seen",
    "This is the mean for each thing seen. The question asks for the square itself.",
)
def _per_degree(images, weights, noise, y):
    return normalized_innovation(images, weights, noise, y) / len(y)


@task("2.3b-c", cases=_turn_cases, stars=2)
def turn(seen, expected):
    """Return the turn above -pi and at most pi, of the shape of ``seen``."""
    gap = seen - expected
    return gap - 2 * np.pi * np.ceil((gap - np.pi) / (2 * np.pi))


@turn.mistake(
    "minds one direction",
    "From 179 degrees to -179 is two degrees, and so is the way back: below -pi a whole turn must be added.",
)
def _one_direction(seen, expected):
    gap = seen - expected
    return np.where(gap > np.pi, gap - 2 * np.pi, gap)


@turn.mistake(
    "minds one turn",
    "Right for one turn too many or too few. Angles that nobody has wrapped may differ by several.",
)
def _one_turn(seen, expected):
    gap = seen - expected
    return np.where(gap > np.pi, gap - 2 * np.pi, np.where(gap <= -np.pi, gap + 2 * np.pi, gap))


@turn.mistake(
    "wrote a whole turn as none",
    "The remainder lies between 0 and 2 pi: a small turn against the clock has become a large one with it.",
)
def _remainder(seen, expected):
    return (seen - expected) % (2 * np.pi)


@turn.mistake(
    "wrote half a turn with a minus",
    "Right but for half a turn, which by the statement is +pi.",
)
def _half_turn(seen, expected):
    return (seen - expected + np.pi) % (2 * np.pi) - np.pi


@turn.mistake(
    "turned the wrong way",
    "From the expected one to the seen one: seen less expected.",
)
def _backward(seen, expected):
    return turn(expected, seen)
