"""Discriminative models: what an output x is, given an input y."""
