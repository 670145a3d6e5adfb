"""What an XMP packet says of other things in its file: videos, gain maps, depth maps, manifests.

Of all these only the picture is written again, so the packet must not point to the others any more.
"""

import re

from restorect.images.metadata.xml_text import decoded, of, prefixes, values, without

_GAIN_MAP = "http://ns.adobe.com/hdr-gain-map/1.0/"
_ELSEWHERE = (
    _GAIN_MAP,
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/dd/1.0/",
    "http://ns.apple.com/HDRGainMap/",
    "http://ns.apple.com/pixeldatainfo/",
    "http://ns.apple.com/depthData/",
    "http://ns.oplus.com/photos/1.0/camera/",
    "http://ns.xiaomi.com/photos/1.0/camera/",
)
_VIDEO = r"[\w.-]+:(?:MotionPhoto|MicroVideo)\w*"
_ITEM = "http://ns.google.com/photos/1.0/container/item/"
_TERMS = "http://purl.org/dc/terms/"
_SETTINGS = ("http://ns.adobe.com/camera-raw-settings/1.0/", "http://darktable.sf.net/")
_NOTE = "http://ns.adobe.com/xmp/note/"
_DEPTH = tuple(f"http://ns.google.com/photos/1.0/{what}/" for what in ("depthmap", "image", "audio"))


def without_claims(text: str, *, extended: bool = True, turned: bool = False) -> str:
    """Take out of a packet what it says of other things in the file.

    Args:
        text: the packet.
        extended: the extended packet that it refers to, if it does, is written with it.
        turned: the picture was turned, so that a depth map within the packet does not fit it any more.
    """
    elsewhere = prefixes(text, *_ELSEWHERE)
    text = without(text, _VIDEO)
    text = without(text, of(prefixes(text, _TERMS), "provenance"))
    extension = of(prefixes(text, _NOTE), "HasExtendedXMP")
    if not extended and values(text, extension):
        text = without(text, extension)
        elsewhere |= prefixes(text, *_DEPTH)
    if turned:
        elsewhere |= prefixes(text, *_DEPTH)
    return without(without(text, of(elsewhere)), of({"xmlns"}, "|".join(map(re.escape, elsewhere)) or "(?!)"))


def without_settings(packet: bytes) -> bytes:
    """Take the settings by which other programs develop a RAW file out of its packet: once is enough."""
    try:
        text = decoded(packet)
    except UnicodeDecodeError:
        return packet
    return without(text, of(prefixes(text, *_SETTINGS))).encode()


def holds_depth(packet: bytes) -> bool:
    """Say whether a packet has a depth map of the picture as it was stored."""
    return _DEPTH[0].encode() in packet


def listed(packet: bytes | None) -> list[str]:
    """Give the meanings of the things that lie behind a picture, in their order, such as `GainMap`."""
    try:
        text = decoded(packet or b"")
    except UnicodeDecodeError:
        return []
    found = [name for name in values(text, of(prefixes(text, _ITEM), "Semantic")) if name != "Primary"]
    return found or (["GainMap"] if prefixes(text, _GAIN_MAP) else [])
