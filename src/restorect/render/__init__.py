"""Restorations: the declared list of steps around a student."""
