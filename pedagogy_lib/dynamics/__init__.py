"""Motion in continuous time: vector fields, and the rules that step along them."""
