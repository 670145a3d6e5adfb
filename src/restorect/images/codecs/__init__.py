"""One file a format: its header, its pixels, and how it is written."""

import logging

# Damage is reported by our own errors, in one line; without a handler Python would print what these libraries log.
for _library in ("imagecodecs", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())
