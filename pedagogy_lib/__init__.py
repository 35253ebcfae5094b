"""The reference implementation behind the companion to *An Introduction to Modern Statistical Learning*.

Rooms, from the ground up; a room imports only from those below it (`make lint` holds this):

``checks``         what every public function asks of its arguments
``kernels``        the compiled loops
``distributions``  sample, log density, marginalize, invert
``dynamics``       motion in continuous time: fields, steps, their tangents and adjoints
``learning``       expectation-maximization and descent, for any model; codes; objectives
``inference``      the recursions, in two operations; filters; sampling; assimilation
``models``         one generative model to a file, all with the same verbs

Beside them: ``data`` (small data sets), ``exercises`` (checks and hints) and ``show`` (figures).
Import the room you need: ``from pedagogy_lib.models.static import gmm``.
"""

__version__ = "0.1.0"
