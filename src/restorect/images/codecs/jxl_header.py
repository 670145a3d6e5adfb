"""JPEG XL's image header (ISO/IEC 18181-1, annex D): size, depth, orientation and colour before any pixel."""

from dataclasses import dataclass

from restorect.images.codecs.bits import Bits

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_EXTRAS = {1: "depth map", 2: "spot colour", 3: "selection mask", 6: "thermal picture"}
_GREY, _XYB, _CUSTOM, _ALPHA, _SPOT, _CFA = 1, 2, 2, 0, 2, 5


@dataclass(kw_only=True)
class ImageHeader:
    """What the header says.

    Attributes:
        width: stored width.
        height: stored height.
        orientation: EXIF orientation.
        bits: bits a sample.
        float_samples: samples are floating point.
        alpha: there is an alpha channel.
        extras: kinds of the channels beyond the colours, 0 for alpha.
        further: names of those that are not the alpha.
        animated: there is more than one frame.
        xyb: colours are coded in XYB, which is lossy.
        grey: one colour channel.
        icc: an ICC profile follows.
        primaries: code point, 1 is sRGB.
        transfer: code point, 13 is sRGB.
        gamma: exponent of the tone curve instead of `transfer`, or None.
        tones_at: bit of the codestream where `transfer`, less 2, is written in four bits; 0 when it is not.
    """

    width: int = 0
    height: int = 0
    orientation: int = 1
    bits: int = 8
    float_samples: bool = False
    alpha: bool = False
    extras: tuple[int, ...] = ()
    further: tuple[str, ...] = ()
    animated: bool = False
    xyb: bool = True
    grey: bool = False
    icc: bool = False
    primaries: int = 1
    transfer: int = 13
    gamma: float | None = None
    tones_at: int = 0


def read_image_header(codestream: bytes) -> ImageHeader:
    """Read the header of a bare codestream.

    Raises:
        ValueError: it is cut off or damaged.
    """
    if codestream[:2] != b"\xff\x0a":
        raise ValueError("no JPEG XL codestream")
    bits = Bits(codestream[2:4098])
    head = ImageHeader()
    head.width, head.height = _size(bits)
    if bits.flag():
        return head
    if bits.flag():
        head.orientation = 1 + bits.take(3)
        if bits.flag():
            _size(bits)
        if bits.flag():
            _skip_preview(bits)
        head.animated = bits.flag()
        if head.animated:
            _skip_animation(bits)
    head.float_samples, head.bits = _depth(bits)
    bits.flag()
    kinds = [_extra_channel(bits) for _ in range(bits.choose((0, 0), (1, 0), (2, 4), (1, 12)))]
    head.alpha, head.extras = _ALPHA in kinds, tuple(kinds)
    named = [_EXTRAS.get(kind, "further channel") for kind in kinds if kind != _ALPHA]
    head.further = tuple(dict.fromkeys(named + ["second alpha"] * (kinds.count(_ALPHA) > 1)))
    head.xyb = bits.flag()
    _colours(bits, head)
    return head


def name_tones(codestream: bytearray, transfer: int) -> None:
    """Say that the samples of a lossless codestream have another tone curve; the samples stay.

    Args:
        codestream: changed in place.
        transfer: code point, 2 to 17.

    Raises:
        ValueError: the header does not name its curve in four bits.
    """
    at = read_image_header(bytes(codestream[:8192])).tones_at
    if not at:
        raise ValueError("the tone curve cannot be named")
    for bit in range(4):
        place, mask = (at + bit) // 8, 1 << (at + bit) % 8
        codestream[place] = codestream[place] & ~mask | (mask if transfer - 2 >> bit & 1 else 0)


def _size(bits: Bits) -> tuple[int, int]:
    small = bits.flag()

    def side() -> int:
        return 8 * (1 + bits.take(5)) if small else bits.choose((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = bits.take(3)
    return (height * _RATIOS[ratio][0] // _RATIOS[ratio][1] if ratio else side()), height


def _skip_preview(bits: Bits) -> None:
    eighths = bits.flag()

    def side() -> int:
        if eighths:
            return bits.choose((16, 0), (32, 0), (1, 5), (33, 9))
        return bits.choose((1, 6), (65, 8), (321, 10), (1345, 12))

    side()
    if bits.take(3) == 0:
        side()


def _skip_animation(bits: Bits) -> None:
    bits.choose((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.choose((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.choose((0, 0), (0, 3), (0, 16), (0, 32))
    bits.flag()


def _depth(bits: Bits) -> tuple[bool, int]:
    if not bits.flag():
        return False, bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
    size = bits.choose((32, 0), (16, 0), (24, 0), (1, 6))
    bits.take(4)
    return True, size


def _extra_channel(bits: Bits) -> int:
    if bits.flag():
        return _ALPHA
    kind = bits.enum()
    _depth(bits)
    bits.choose((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.choose((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == _ALPHA:
        bits.flag()
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.choose((1, 0), (0, 2), (3, 4), (19, 8))
    return kind


def _colours(bits: Bits, head: ImageHeader) -> None:
    if bits.flag():
        return
    head.icc = bits.flag()
    space = bits.enum()
    head.grey = space == _GREY
    if head.icc or space == _XYB:
        return
    if bits.enum() == _CUSTOM:
        _skip_xy(bits)
        head.primaries = 0
    if not head.grey:
        primaries = bits.enum()
        head.primaries = 0 if primaries == _CUSTOM or head.primaries == 0 else primaries
        for _ in range(3 if primaries == _CUSTOM else 0):
            _skip_xy(bits)
    if bits.flag():
        head.gamma = 1e7 / max(bits.take(24), 1)
    else:
        head.transfer = bits.enum()
        head.tones_at = 16 + bits.position - 4 if 2 <= head.transfer < 18 else 0


def _skip_xy(bits: Bits) -> None:
    for _ in range(2):
        bits.choose((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
