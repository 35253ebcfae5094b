"""Models of sequences: a hidden state that moves, and an observation of it at every step."""
