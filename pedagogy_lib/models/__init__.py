"""Generative models, one to a file or a folder, all with the same verbs in the same order.

Two contracts say what a model is. A module claims the first by having ``maximize``, the second by
having ``loss`` or ``value_and_gradient``. Where it lacks a verb, the module's docstring says why.

**Models with a closed-form or iterated posterior**, for `pedagogy_lib.learning.em`::

    Parameters                               a NamedTuple, field names in words, shapes documented
    start(y, ..., rng)                       where learning begins
    sample(params, n, rng)                   a record: the latents, and the observations
    posterior(params, y)                     a record: the distribution over latents
    log_marginal(params, y)                  what the data cost, with the sign turned round
    expected_statistics(params, y, options)  the E step's output: a record with a field ``loss``
    observed_statistics(latents, y)          the same, where the latents were seen
    maximize(statistics, options)            the M step: Parameters

``em.fit(gmm, params, y)`` works for every such module. What may be asked of learning (a prior, a
shared covariance, controls) are the fields of the module's ``Options``, a NamedTuple whose defaults
ask for nothing: ``em.fit(gmm, params, y, options=gmm.Options(shared=True))``. A module without
``Options`` has nothing to ask for.

**Models that are learned by their gradient**, for `pedagogy_lib.learning.optimization`::

    Parameters, start, sample                as above; all arrays of one type
    loss(params, y, rng)                     what is descended, per observation: a bound where it is
                                             one, and the docstring says of what
    gradient(params, y, rng)                 its derivative, of the same structure as Parameters
    value_and_gradient(params, y, rng)       both in one call, in the place of ``gradient``
    recognize(params, y)                     the recognition distribution, where there is one
    log_marginal(params, y, ...)             exact where possible, else an estimate that says which
                                             kind of bound it is

``optimization.run(model, params, y, rng)`` works for every such module. A loss and a gradient in two
calls are given the same randomness.

Reserved words: ``energy(params, x, y)`` is always the joint energy; ``marginal_energy(params, y)`` is
minus the logarithm of the unnormalized marginal; ``free_energy`` is the variational one.

A model in a folder is used as one in a file is: ``model``, ``inference`` and ``learning`` in it are for the reader.

Arguments are checked once, by the functions whose names have no underscore; what those call trusts
its arguments.
"""
