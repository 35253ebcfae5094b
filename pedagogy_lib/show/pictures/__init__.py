"""Pictures that chapters draw on given axes, each file named for what it draws.

They take arrays and callables, and import no model.
"""
