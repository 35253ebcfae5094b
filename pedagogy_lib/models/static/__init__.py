"""Models without time: one hidden variable, one observation."""
