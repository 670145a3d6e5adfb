"""Judging restorations: protocols, benchmarks, baselines, scores with their uncertainty, and the report."""
