"""Generative models whose emission is a network, and whose posterior therefore has no closed form."""
