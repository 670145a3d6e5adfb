"""Degradation simulators, one file a task."""
