"""Restoring: weights, arrays, files."""
