"""Codes: what a distribution costs when outcomes are really sent, and the stack that sends them."""
