"""Paired data sets, augmentation and degradation simulators."""
