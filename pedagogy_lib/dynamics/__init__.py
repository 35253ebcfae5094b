"""Motion in continuous time: vector fields, the rules that step along them, and white noise that drives them."""
