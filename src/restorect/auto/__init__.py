"""Telling what a photograph needs: a small classifier on global statistics."""
