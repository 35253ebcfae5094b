"""The library against its peers: speed, accuracy, and what a reader waits for."""
