"""Reading and writing photographs, without torch."""
