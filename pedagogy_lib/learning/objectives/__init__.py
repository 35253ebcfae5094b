"""What learning descends: numbers that compare a model with the data."""
