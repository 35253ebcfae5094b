"""Networks that run on the reader's page: pictures are painted, and the answers are computed there.

- `network`: layers as numbers that a page can carry, and what they compute, in NumPy;
- `faces`: `autoencoder`, a picture with its code, and `classifier`, a picture with its classes;
- `pad.js`, `pad.css`: the same networks in the page, and what the reader touches. Only pages that have a pad
  carry them.
"""
