"""What is made of a photograph and its restoration after the network: pure functions on tensors."""
