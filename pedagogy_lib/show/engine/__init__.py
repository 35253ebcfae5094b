"""From drawing functions to figures that move, on a page and in a notebook.

- faces: `still`, `explore`, `animate`, and `sound` to be heard; and `predict`, a question around any of them;
- `film`: what the faces have in common, the pictures of one figure;
- `slate` and `recorder`: a figure drawn once, and its marks in each state; `packing` stores them as numbers;
- `frames` and `svg`: a figure drawn whole, as a few lines of small SVG;
- `controls`, `handles`, `alt`: what the reader sets, drags and is told;
- `page`, `figure.css` and `script/`: what a page carries; `live`: sliders and handles that Python answers.
"""
