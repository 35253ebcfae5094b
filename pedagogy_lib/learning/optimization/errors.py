"""What can go wrong on the way down."""


class DivergedError(RuntimeError):
    """The loss, the gradient or the parameters are not finite any more: the steps were too long."""
