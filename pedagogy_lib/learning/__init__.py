"""Learning: finding the parameters of a model, given data."""
