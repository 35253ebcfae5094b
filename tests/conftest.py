"""What all tests share: small arrays print in full, and figures never open a window."""

import os

os.environ.setdefault("MPLBACKEND", "agg")
