"""Distributions, and the two operations that all of the inference in the book is made of.

Each module here has the same verbs for its distribution and its conjugate partner:
``sample``, ``log_density``, ``marginalize`` (average the source out) and ``invert`` (Bayes).
"""
