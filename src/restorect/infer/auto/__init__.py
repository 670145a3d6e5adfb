"""Choosing what to restore: a small classifier on global statistics, and a restorer that follows it."""
