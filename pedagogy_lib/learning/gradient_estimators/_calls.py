"""What the estimators ask of the functions they are given, and of the number of draws."""

from pedagogy_lib import checks


def sizes(size):
    """The number of draws as a tuple, (..., N)."""
    given = size if isinstance(size, tuple) else (size,)
    if not given:
        raise ValueError("size: expected a number of draws, or a tuple (..., N), got an empty tuple")
    return tuple(checks.count("size", n) for n in given)


def values(f, x, name="f"):
    """f at rows of x, (..., K) -> (...)."""
    return checks.array(f"{name}(x)", checks.function(name, f)(x), x.shape[:-1])


def slopes(slope, x, name="slope"):
    """df/dx at rows of x, (..., K) -> (..., K)."""
    return checks.array(f"{name}(x)", checks.function(name, slope)(x), x.shape)
