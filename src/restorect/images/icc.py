"""ICC colour profiles: which ones can be used, what they are called, and profiles made from numbers."""

import struct
from functools import lru_cache
from typing import Any

import numpy as np

from restorect.images.libraries import library, optional
from restorect.images.photo import Array
from restorect.images.srgb_profile import is_plainly_srgb, tags

_D65 = (0.3127, 0.3290)
_SRGB_XY = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_MAX_BYTES = 16 * 2**20
_SAME = 0.5 / 255
_STEPS = 4096
_BUILT_IN = ("sRGB built-in", "RGB built-in")
_SPACES = {b"RGB ": "rgb", b"GRAY": "gray", b"CMYK": "cmyk", b"Lab ": "lab"}


def space(profile: bytes) -> str:
    """Name the colour space a profile describes: rgb, gray, cmyk, lab, or its four letters."""
    return _SPACES.get(profile[16:20], profile[16:20].decode("latin-1").strip().lower())


def make(
    primaries: tuple[tuple[float, float], ...], white: tuple[float, float], gamma: float | None, name: str = "made RGB"
) -> bytes:
    """Make an RGB profile from chromaticities.

    Args:
        primaries: x and y of red, green and blue.
        white: x and y of white.
        gamma: exponent of the tone curve; None is sRGB's curve.
        name: description, at most 12 letters.
    """
    flat = [value for x, y in primaries for value in (x, y, 1.0)]
    made = bytes(_cms().cms_profile("rgb", whitepoint=[*white, 1.0], primaries=flat, gamma=gamma or 1.0))
    if gamma is None:
        made = _with_colorants(bytes(_cms().cms_profile("srgb")), made)
    for built_in in _BUILT_IN:
        text = name.ljust(len(built_in))[: len(built_in)]
        made = made.replace(built_in.encode("utf-16-be"), text.encode("utf-16-be"), 1)
    return _undated(made)


@lru_cache(maxsize=1)
def srgb() -> bytes:
    """Give a small sRGB profile."""
    return _undated(bytes(_cms().cms_profile("srgb")))


@lru_cache(maxsize=1)
def linear_srgb() -> bytes:
    """Give the profile of linear light with sRGB's primaries: unbounded, so nothing is clipped in it."""
    return make(_SRGB_XY, _D65, 1.0, "linear sRGB")


@lru_cache(maxsize=1)
def adobe_rgb() -> bytes:
    """Give the profile of Adobe RGB (1998)."""
    return bytes(_cms().cms_profile("adobergb"))


def tabled(primaries: tuple[tuple[float, float], ...], white: tuple[float, float], curve: Array) -> bytes:
    """Make an RGB profile from chromaticities and a table of light over code, both from 0 to 1, as `make` does."""
    flat = [value for x, y in primaries for value in (x, y, 1.0)]
    table = np.ascontiguousarray(curve, np.float32)
    made = _cms().cms_profile("rgb", whitepoint=[*white, 1.0], primaries=flat, transferfunction=table)
    return _undated(bytes(made))


@lru_cache(maxsize=16)
def grey(gamma: float) -> bytes:
    """Make a grey profile with a power as its tone curve."""
    return _undated(bytes(_cms().cms_profile("gray", gamma=gamma)))


@lru_cache(maxsize=64)
def grey_of(profile: bytes) -> bytes:
    """Give the grey profile with the tone curve of an RGB one: what the same number three times over means in that."""
    return _with_curve(grey(2.2), (b"kTRC",), _curve(profile, b"gTRC"))


@lru_cache(maxsize=64)
def rgb_of(profile: bytes) -> bytes:
    """Give the RGB profile, with sRGB's primaries, in which a grey one's number three times over means the same."""
    return _with_curve(linear_srgb(), (b"rTRC", b"gTRC", b"bTRC"), _curve(profile, b"kTRC"))


def transform(pixels: Array, source: bytes, target: bytes) -> Array:
    """Convert float32 pixels between profiles without clipping, relative colorimetric.

    Args:
        pixels: ... x C float32; C fits the source's colour space, and is left out for grey.
        source: profile the pixels are in.
        target: profile wanted.

    Returns:
        ... x C float32 (no channel axis for grey).

    Raises:
        ValueError: Little CMS cannot convert between the two.
    """
    try:
        result: Any = _cms().cms_transform(
            np.ascontiguousarray(pixels),
            source,
            target,
            colorspace=space(source),
            outcolorspace=space(target),
            outdtype="float32",
            intent=int(_cms().CMS.INTENT.RELATIVE_COLORIMETRIC),
        )
    except (RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"colours cannot be converted through the profile: {error}") from error
    return np.asarray(result, np.float32)


@lru_cache(maxsize=64)
def problem(profile: bytes, channels: int) -> str | None:
    """Say why a profile cannot be used for a picture of 1, 3 or 4 channels, or None when it can."""
    if not 128 <= len(profile) <= _MAX_BYTES or profile[36:40] != b"acsp":
        return "it is no ICC profile"
    if struct.unpack_from(">I", profile)[0] > len(profile):
        return "it is cut off"
    fits = {1: ("gray", "rgb"), 3: ("rgb",), 4: ("cmyk",)}[channels]
    if space(profile) not in fits:
        return f"it is for {space(profile)} pictures"
    if _told_by_numbers(profile):
        return None
    try:
        there = transform(_probe(space(profile)), profile, linear_srgb())
    except ValueError as error:
        return str(error)
    return None if np.isfinite(there).all() else "it gives no finite colours"


@lru_cache(maxsize=64)
def reversible(profile: bytes) -> bool:
    """Say whether colours can be converted into the profile too, not only out of it."""
    grey = space(profile) == "gray"
    grid = _probe("rgb")
    try:
        back = transform(transform(_probe("gray") if grey else grid, profile, linear_srgb()), linear_srgb(), profile)
    except ValueError:
        return False
    return bool(np.isfinite(back).all())


@lru_cache(maxsize=64)
def is_srgb(profile: bytes) -> bool:
    """Say whether an RGB profile is sRGB to within half an 8-bit code, whatever its name."""
    if space(profile) != "rgb":
        return False
    if _told_by_numbers(profile):
        return True
    grid = _probe("rgb")
    try:
        there = transform(grid, profile, srgb())
    except ValueError:
        return False
    return bool(np.abs(there - grid).max() <= _SAME)


@lru_cache(maxsize=64)
def description(profile: bytes) -> str:
    """Give a profile's own description in one line, or its colour space when it has none."""
    try:
        if place := tags(profile).get(b"desc"):
            text = _text(profile[place[0] : sum(place)])
            return "".join(letter for letter in text if letter.isprintable()).strip()[:100] or space(profile)
    except (struct.error, UnicodeDecodeError):
        pass
    return f"unnamed {space(profile)} profile"


def _cms() -> Any:  # noqa: ANN401 - a module
    """Little CMS, which comes with imagecodecs."""
    return library("imagecodecs")


def _told_by_numbers(profile: bytes) -> bool:
    """Say whether a profile is sRGB's and there is no Little CMS that could tell it better."""
    return optional("imagecodecs") is None and is_plainly_srgb(profile, _probe("rgb"))


def _curve(profile: bytes, name: bytes) -> bytes:
    """Give the tone curve of a profile as a tag; measured where the profile works by tables instead."""
    found = tags(profile)
    if name in found and b"A2B0" not in found:
        start, size = found[name]
        return profile[start : start + size]
    codes = np.linspace(0, 1, _STEPS, dtype=np.float32)
    source = codes[None] if space(profile) == "gray" else np.repeat(codes[None, :, None], 3, axis=2)
    light = transform(source, profile, linear_srgb())[0, :, 1]
    numbers = np.rint(np.clip(light, 0, 1) * 65535).astype(">u2")
    return b"curv" + struct.pack(">II", 0, _STEPS) + bytes(numbers.tobytes())


def _with_curve(profile: bytes, names: tuple[bytes, ...], curve: bytes) -> bytes:
    """Give a profile another tone curve, appended, by which the tags `names` mean it."""
    changed = bytearray(profile) + b"\0" * (-len(profile) % 4)
    at = len(changed)
    for row, name in enumerate(tags(profile)):
        if name in names:
            struct.pack_into(">II", changed, 132 + 12 * row + 4, at, len(curve))
    changed += curve + b"\0" * (-len(curve) % 4)
    struct.pack_into(">I", changed, 0, len(changed))
    return _undated(bytes(changed))


def _with_colorants(profile: bytes, donor: bytes) -> bytes:
    """Give a profile the primaries and the white of another one; its exact tone curve stays."""
    changed = bytearray(profile)
    theirs = tags(donor)
    for name, (at, size) in tags(profile).items():
        if name in (b"rXYZ", b"gXYZ", b"bXYZ", b"chad", b"wtpt") and name in theirs and theirs[name][1] == size:
            start = theirs[name][0]
            changed[at : at + size] = donor[start : start + size]
    return bytes(changed)


def _undated(profile: bytes) -> bytes:
    """Fix the date of making, and drop the check sum over it, so that the same input gives the same bytes."""
    return profile[:24] + struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + profile[36:84] + bytes(16) + profile[100:]


def _text(tag: bytes) -> str:
    """Read a description tag of ICC version 2 (ASCII) or 4 (UTF-16)."""
    if tag[:4] == b"mluc":
        size, offset = struct.unpack_from(">II", tag, 20)
        return tag[offset : offset + min(size, 400)].decode("utf-16-be", "replace")
    size = struct.unpack_from(">I", tag, 8)[0]
    return tag[12 : 12 + min(size, 400)].split(b"\0")[0].decode("ascii", "replace")


def _probe(colours: str) -> Array:
    """Give colours that span a space, float32 in [0, 1] (CMYK in percent, as Little CMS wants it)."""
    steps = np.linspace(0, 1, 6, dtype=np.float32)
    if colours == "gray":
        return steps[None]
    axes = 4 if colours == "cmyk" else 3
    grid = np.stack(np.meshgrid(*[steps] * axes, indexing="ij"), -1).reshape(1, -1, axes)
    return grid * (100 if colours == "cmyk" else 1)
