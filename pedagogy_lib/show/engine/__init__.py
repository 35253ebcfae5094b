"""From drawing functions to figures that move, on a page and in a notebook."""
