"""Marks that any picture is made of: ellipses, bands, bells, level lines, labels, graphical models."""
