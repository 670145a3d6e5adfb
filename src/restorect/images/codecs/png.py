"""PNG: 8 and 16 bit, grey, RGB, palette, alpha; colour from cICP, iCCP, sRGB, gAMA and cHRM, in that order."""

import struct
import zlib
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from restorect.errors import ImageError
from restorect.images import cicp, icc
from restorect.images.codecs import plain
from restorect.images.codecs.apart import run_apart
from restorect.images.header import Decoded, Header
from restorect.images.libraries import library, optional
from restorect.images.metadata import exif, xmp
from restorect.images.photo import Array, Metadata, Photo

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INCH = 0.0254
_MAX_TEXT = 16 * 2**20
_MAX_TEXTS = 1000
_MAX_ALL_TEXT = 64 * 2**20
_MOST_FROM_A_BYTE = 1032  # of deflate
_MAX_CHUNKS = 2**20
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT"}
_MAX_NAMED = 8
# Read, written anew, or of no meaning without the coding they belong to.
_KNOWN = {
    *(b"IHDR", b"PLTE", b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI", b"pHYs", b"eXIf"),
    *(b"acTL", b"fcTL", b"fdAT", b"sBIT", b"bKGD", b"hIST", b"sPLT", b"tIME", b"CgBI", b"iDOT", b"vpAg", b"caNv"),
    *(b"oFFs", b"orNT", b"gIFg", b"gIFx"),
}
_XMP_KEY = "XML:com.adobe.xmp"
_IPTC_KEYS = ("Raw profile type iptc", "Raw profile type 8bim")
_EXIF_KEYS = ("Raw profile type exif", "Raw profile type APP1")


def header(data: bytes, page: int) -> Header:
    """Read all chunks but the pixels."""
    chunks: dict[bytes, bytes] = {}
    texts: dict[str, str] = {}
    unpacker = _Unpacker()
    room, lost = _MAX_ALL_TEXT, 0
    for kind, body in _chunks(data):
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            key, text = _text(kind, body, unpacker) if len(texts) < _MAX_TEXTS and room > 0 else ("", None)
            room -= len(text or "") + 1024
            if text is None:
                lost += 1
            elif key:
                texts.setdefault(key, text)
        elif kind != b"IDAT":
            chunks.setdefault(kind, body)
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise ValueError("no IHDR chunk")
    width, height, bits, kind_of_colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    transparent = b"tRNS" in chunks or bool(kind_of_colour & 4)
    grey = kind_of_colour in (0, 4)
    points = _high_dynamic_range(chunks)
    profile, warnings = _profile(chunks, unpacker, grey=grey) if points is None else (None, ())
    if grey and profile is not None and icc.space(profile) == "rgb":
        profile = icc.grey_of(profile) if icc.problem(profile, 3) is None and not icc.is_srgb(profile) else None
    block = exif.bare(chunks.get(b"eXIf")) or exif.bare(_raw_profile(texts, _EXIF_KEYS))
    packet = xmp.usable(texts.pop(_XMP_KEY, "").encode("utf-8", "surrogateescape"))
    if lost:
        warnings += (f"{lost} of its texts are too long, too many or damaged and are not kept",)
    return Header(
        width=width,
        height=height,
        channels=1 if grey else 3,
        stored_bits=bits if kind_of_colour != 3 else 8,
        bit_depth=16 if bits == 16 else 8,
        has_alpha=transparent,
        icc_profile=profile,
        code_points=points,
        metadata=Metadata(
            exif=block,
            xmp=packet,
            iptc=_iptc(texts),
            dpi=_dpi(chunks.get(b"pHYs", b"")),
            text=tuple((key, text) for key, text in texts.items() if not key.startswith("Raw profile type")),
        ),
        orientation=exif.orientation(block, xmp.orientation(packet)),
        pages=max(1, struct.unpack_from(">I", chunks[b"acTL"])[0]) if len(chunks.get(b"acTL", b"")) == 8 else 1,
        names_colours=not chunks.keys().isdisjoint((b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")),
        beside=tuple(map(_named, sorted(chunks.keys() - _KNOWN)))[:_MAX_NAMED],
        warnings=warnings,
    )


def decode(data: bytes, page: int, header: Header) -> Decoded:
    """Decode the pixels of the picture, or of one frame of an animation."""
    data = _pixels_only(data)
    if page:
        if page >= header.pages:
            raise ImageError(f"has {header.pages} pages, not {page + 1}: choose --page from 0")
        frame = run_apart(_frame, data, page, library="libpng", megapixels=header.width * header.height / 1e6)
    else:
        codecs = optional("imagecodecs")
        frame = plain.png(data, header) if codecs is None else np.asarray(codecs.png_decode(data))
    return split_alpha(frame)


def _frame(data: bytes, page: int) -> Array:
    """Decode apart one frame of an animation."""
    return np.asarray(library("imagecodecs").apng_decode(data, index=page))


def split_alpha(frame: Array) -> Decoded:
    """Separate H x W, H x W x 1, 2, 3 or 4 into colours and alpha."""
    frame = np.atleast_3d(frame)
    if frame.ndim != 3 or frame.shape[2] > 4:
        raise ValueError(f"pixels of shape {frame.shape}")
    if frame.shape[2] in (2, 4):
        return Decoded(pixels=frame[..., :-1], alpha=frame[..., -1])
    return Decoded(pixels=frame)


def join_alpha(photo: Photo) -> Array:
    """Put colours and alpha together; grey without alpha becomes H x W."""
    if photo.alpha is not None:
        return np.dstack([photo.pixels, photo.alpha])
    return np.ascontiguousarray(photo.pixels[..., 0] if photo.channels == 1 else photo.pixels)


def encode(photo: Photo) -> tuple[bytes, tuple[str, ...]]:
    """Write a PNG; the photo is 8 or 16 bit."""
    coded = bytes(library("imagecodecs").png_encode(join_alpha(photo), level=6))
    cut = coded.index(b"IDAT") - 4
    metadata = photo.metadata
    chunks = coded[:cut]
    if photo.code_points:
        chunks += _chunk(b"cICP", bytes([*photo.code_points, 0, 1]))
    elif photo.icc_profile:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(photo.icc_profile))
    else:
        chunks += _chunk(b"sRGB", b"\0")
    if metadata.dpi:
        per_metre = [min(round(value / _INCH), 2**31 - 1) for value in metadata.dpi]
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if metadata.exif:
        chunks += _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        chunks += _chunk(b"iTXt", _XMP_KEY.encode() + b"\0\0\0\0\0" + metadata.xmp)
    if metadata.iptc:
        chunks += _chunk(b"zTXt", _IPTC_KEYS[0].encode() + b"\0\0" + zlib.compress(_hex_text("iptc", metadata.iptc)))
    texts = dict(metadata.text)
    if metadata.comment:
        texts.setdefault("Comment", metadata.comment.decode("utf-8", "replace"))
    for key, text in texts.items():
        chunks += _chunk(
            b"iTXt", key.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + text.encode("utf-8", "replace")
        )
    return chunks + coded[cut:], ()


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk the chunks; stops silently where the file is cut or damaged, the decoder will say so."""
    at = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND" or not kind.isalpha():
            return
        body = b"" if kind == b"IDAT" else data[at + 8 : at + 8 + size]
        if kind == b"IDAT" or len(body) == size:
            yield kind, body
        at += 12 + size
    raise ValueError(f"it has over {_MAX_CHUNKS} chunks")


def _chunk(kind: bytes, body: bytes) -> bytes:
    """Write one chunk with its check sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _pixels_only(data: bytes) -> bytes:
    """Leave out all chunks but those of the pixels: libpng would unpack each text and keep them all."""
    kept, at = [data[: len(_SIGNATURE)]], len(_SIGNATURE)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            break
        if kind in _PIXELS:
            kept.append(data[at : at + 12 + size])
        at += 12 + size
        if kind == b"IEND":
            break
    return b"".join([*kept, data[at:]])


class _Unpacker:
    """Inflates a file's texts and its profile, together only up to a limit, whether they are kept or not."""

    def __init__(self) -> None:
        self._left = _MAX_ALL_TEXT

    def inflate(self, data: bytes, what: str = "") -> bytes | None:
        """Inflate at most `_MAX_TEXT` bytes; None when it is damaged or longer.

        Args:
            data: deflated.
            what: what must not be longer; empty where it may be left out.

        Raises:
            ImageError: `what` is longer, or the limit of all together is reached.
        """
        machine = zlib.decompressobj()
        try:
            text = machine.decompress(data, _MAX_TEXT)
            self._left -= len(text)
        except zlib.error:  # it may have come after much work, which counts too
            text = b""
            self._left -= min(_MAX_TEXT, _MOST_FROM_A_BYTE * len(data))
        if self._left < 0:
            _refuse_bomb("text and profile", _MAX_ALL_TEXT)
        if what and len(text) == _MAX_TEXT and not machine.eof:
            _refuse_bomb(what, _MAX_TEXT)
        return text if machine.eof else None


def _refuse_bomb(what: str, limit: int) -> NoReturn:
    raise ImageError(f"its {what} unpacks to over {limit >> 20} MB: it is a decompression bomb, get it again")


def _text(kind: bytes, body: bytes, unpacker: _Unpacker) -> tuple[str, str | None]:
    """Read a text chunk: keyword and value; no value when it is damaged or too long."""
    key, _, rest = body.partition(b"\0")
    name = key.decode("latin-1")
    if kind == b"tEXt":
        return name, rest.decode("latin-1")
    if kind == b"zTXt":
        found = unpacker.inflate(rest[1:])
        return name, None if found is None else found.decode("latin-1")
    packed = rest[:1] == b"\1"
    value = rest[2:].split(b"\0", 2)[-1] if rest[2:].count(b"\0") >= 2 else b""
    found = unpacker.inflate(value) if packed else value
    return name, None if found is None else found.decode("utf-8", "surrogateescape")


def _named(kind: bytes) -> str:
    """Name an unknown chunk."""
    known = {b"caBX": "C2PA manifest", b"mkBT": "Fireworks layers"}
    return known.get(kind, f"chunk {kind.decode('ascii')}")


def _high_dynamic_range(chunks: dict[bytes, bytes]) -> tuple[int, int] | None:
    """Give the code points of PQ and HLG, of full range."""
    primaries, transfer, _, full = chunks[b"cICP"] if len(chunks.get(b"cICP", b"")) == 4 else bytes(4)
    return (primaries, transfer) if full and cicp.is_hdr(primaries, transfer) else None


def _profile(chunks: dict[bytes, bytes], unpacker: _Unpacker, *, grey: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """Find out what colours the numbers mean."""
    if len(chunks.get(b"cICP", b"")) == 4:
        primaries, transfer, _, full = chunks[b"cICP"]
        found, warnings = cicp.profile(primaries, transfer, grey=grey)
        return found, warnings if full else (*warnings, "its narrow range of codes is not followed")
    if b"iCCP" in chunks:
        found = unpacker.inflate(chunks[b"iCCP"].partition(b"\0")[2][1:], "colour profile")
        return (found, ()) if found else (None, ("its colour profile is damaged: sRGB is assumed",))
    if b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None, ()
    gamma = struct.unpack(">I", chunks[b"gAMA"])[0] / 1e5
    xy = [value / 1e5 for value in struct.unpack(">8I", chunks[b"cHRM"])] if len(chunks.get(b"cHRM", b"")) == 32 else []
    if not 0.1 <= gamma <= 10 or (xy and not all(0 < value < 1 for value in xy)):
        return None, ("its gAMA or cHRM chunk makes no sense: sRGB is assumed",)
    usual = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06]
    xy = xy or usual
    if abs(gamma - 0.45455) < 0.005 and max(abs(a - b) for a, b in zip(xy, usual, strict=True)) < 0.002:
        return None, ()
    pairs = list(zip(xy[::2], xy[1::2], strict=True))
    try:
        return icc.make((pairs[1], pairs[2], pairs[3]), pairs[0], 1 / gamma), ()
    except (RuntimeError, ValueError):
        return None, ("its gAMA or cHRM chunk makes no sense: sRGB is assumed",)


def _dpi(body: bytes) -> tuple[float, float] | None:
    """Read pixels per metre as pixels per inch."""
    if len(body) != 9 or body[8] != 1:
        return None
    across, down = struct.unpack_from(">II", body)
    return (across * _INCH, down * _INCH) if across and down else None


def _raw_profile(texts: dict[str, str], keys: tuple[str, ...]) -> bytes | None:
    """Read a block in hexadecimal text, as ImageMagick and ExifTool write it."""
    for key in keys:
        lines = texts.get(key, "").split("\n", 3)
        if len(lines) == 4:
            try:
                return bytes.fromhex(lines[3])
            except ValueError:
                continue
    return None


def _iptc(texts: dict[str, str]) -> bytes | None:
    """Find IPTC data sets in the text chunks."""
    from restorect.images.metadata import iptc

    block = _raw_profile(texts, _IPTC_KEYS)
    return iptc.from_resources(block) if block and block[:4] == b"8BIM" else block


def _hex_text(name: str, block: bytes) -> bytes:
    """Write a block as hexadecimal text."""
    return f"\n{name}\n{len(block):8d}\n{block.hex()}\n".encode()
