"""The restorect command."""
