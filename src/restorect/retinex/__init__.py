"""Decomposition net, anisotropic diffusion and the polar colour space."""
