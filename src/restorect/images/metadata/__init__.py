"""EXIF, XMP and IPTC blocks: read, and edited for writing, byte by byte where it matters."""
