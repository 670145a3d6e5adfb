"""Shipped weights, each a safetensors file beside its card."""
