"""The latent rectified flow: path, velocity net, sampler."""
