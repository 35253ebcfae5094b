"""Generative models, one to a file, all with the same verbs in the same order.

``Parameters``, ``sample``, ``posterior``, ``log_marginal``, ``expected_statistics``, ``maximize``.
A verb that a model lacks is absent, and its docstring says why.
"""
