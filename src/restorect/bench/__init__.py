"""What restoring costs: processor time, memory, arithmetic."""
