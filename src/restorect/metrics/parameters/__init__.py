"""Parameters of the no-reference metrics that are fitted, not trained: `*.safetensors`, each with its card."""
