"""What a JPEG carries beside its picture: gain maps, motion-photo videos, depth maps, manifests, makers' data."""

import re

from restorect.images.codecs.jpeg_parts import Part, Segment, previews, read_parts, read_segments
from restorect.images.metadata.claims import listed

_MEANINGS = {"GainMap": "gain map", "Depth": "depth map", "DepthMap": "depth map", "MotionPhoto": "motion-photo video"}
_SIGNS = (
    (b"http://ns.adobe.com/hdr-gain-map/", "gain map"),
    (b"urn:iso:std:iso:ts:21496:-1", "gain map"),
    (b"HDRGainMap", "gain map"),
    (b"aux:hdrgainmap", "gain map"),
    (b"http://ns.apple.com/depthData/", "depth map"),
    (b"aux:disparity", "depth map"),
    (b"aux:depth", "depth map"),
    (b"matte", "matte"),
)
# Written anew, or of no meaning without the file they were in.
_KNOWN = (
    *(b"JFIF\0", b"JFXX\0", b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"),
    *(b"ICC_PROFILE\0", b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0", b"Photoshop 3.0\0", b"Ducky", b"Adobe"),
)
_BOXES = 0xEB
_NAME = re.compile(rb"[A-Za-z][\w ./:,+-]{2,}")


def what_lies_beside(data: bytes, xmp: bytes | None) -> tuple[tuple[str, ...], int]:
    """Name what lies in a JPEG beside its picture.

    Args:
        data: the file.
        xmp: its XMP packet, which may tell what lies behind the picture.

    Returns:
        Names, and how many further pictures of equal right the file has.
    """
    segments, end = read_segments(data)
    names = [name for segment in segments if (name := _of_segment(segment))]
    meanings = [meaning for meaning in listed(xmp) if meaning != "MotionPhoto"]
    small = previews(data, segments)
    pictures = 0
    for part in read_parts(data, end):
        name = _of_part(part, data, meanings)
        if part.kind == "jpeg" and not name and part.start not in small:
            pictures += 1
        elif name:
            names.append(name)
    return tuple(dict.fromkeys(names)), pictures


def _of_segment(segment: Segment) -> str | None:
    """Name the content of an application segment that is not written again."""
    marker, body = segment
    if body.startswith(_KNOWN) or not body.strip(b"\0"):
        return None
    if marker == _BOXES and body.startswith(b"JP"):
        return "C2PA manifest" if b"c2pa" in body else None if body[4:8] != b"\0\0\0\x01" else "JUMBF boxes"
    sign = body[:32].split(b"\0")[0].split(b"http://")[-1]
    name = f"APP{marker - 0xE0} data"
    return f"{sign.decode('ascii')} ({name})" if _NAME.fullmatch(sign) else name


def _of_part(part: Part, data: bytes, meanings: list[str]) -> str | None:
    """Name what lies behind the picture; None for a picture of which nothing is known."""
    if part.kind == "movie":
        return "motion-photo video"
    if part.kind == "other":
        samsung = data[part.start : part.end].find(b"SEFH") >= 0 or data[part.end - 4 : part.end] == b"SEFT"
        return "Samsung's trailer" if samsung else "data behind the picture"
    meaning = meanings.pop(0) if meanings else None
    for sign, name in _SIGNS:
        if any(sign in body for _, body in part.segments):
            return name
    return _MEANINGS.get(meaning, f"{meaning} picture") if meaning else None
