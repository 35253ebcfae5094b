"""Networks that run on the reader's page: pictures are painted or text is written, and the answers computed there.

- `network`: layers as numbers that a page can carry, and what they compute, in NumPy;
- `faces`: `autoencoder`, a picture with its code, `classifier`, a picture with its classes, and `language_model`,
  a text with the cost of its letters and the next one;
- `pad.js`, `pad.css`: the same networks in the page, and what the reader touches. Only pages that have a pad
  carry them.
"""
