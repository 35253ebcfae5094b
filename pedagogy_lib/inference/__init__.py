"""Inference: finding the distribution of what was not observed, given what was."""
