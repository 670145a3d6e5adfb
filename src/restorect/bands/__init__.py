"""Whole-photo inference by bands of rows: the same pixels as at once, in a fraction of the memory."""
