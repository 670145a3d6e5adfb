"""A sheet of versions of one photograph, so that one looks instead of guessing."""
