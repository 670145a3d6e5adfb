"""What is left of a JPEG that is cut off."""

from dataclasses import replace

from restorect.images.codecs import jpeg
from restorect.images.header import Decoded, Header

_END = b"\xff\xd9"
_SEGMENTS = (b"\xff\xda", b"\xff\xc4")  # a scan, and the tables before one
_TRIES = 4
_LITTLE = 0.005
_GREY = 128  # of what the decoder has no data for


def salvage(data: bytes, page: int, header: Header) -> Decoded:
    """Decode what is there: the missing rows are grey, and a progressive picture is coarser.

    Raises:
        OSError: nothing is there.
    """
    for _ in range(_TRIES):  # where the cut is within a segment, that segment is left out
        try:
            decoded = jpeg.decode(data + _END, page, header)
        except OSError:
            data = data[: max(data.rfind(mark) for mark in _SEGMENTS)]
            continue
        missing = _missing(decoded)
        if missing == 1:
            break
        text = f"about {missing:.0%} of it is missing and grey" if missing > _LITTLE else "its detail is incomplete"
        return replace(decoded, warnings=(*decoded.warnings, f"is cut off, only what is there is restored: {text}"))
    raise OSError("nothing of its picture is there")


def _missing(decoded: Decoded) -> float:
    """Give the share of rows at the end that are grey throughout."""
    flat = (decoded.pixels == _GREY).all(axis=(1, 2))
    return float(flat[::-1].argmin()) / len(flat) if not flat.all() else 1.0
