"""One file a format: its header, its pixels, and how it is written."""
