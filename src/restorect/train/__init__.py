"""Training: recipes, stages, loop, checkpoints."""
