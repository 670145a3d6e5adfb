"""From a photo's own colours to what the networks see, and back, in float32 and without clipping on the way.

The networks see sRGB. A colour outside its gamut becomes a value outside [0, 1] (the sRGB curve continued as an odd
function, IEC 61966-2-2's idea) and is carried along; the only clip is the last step, in the photo's own space.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.errors import ImageError
from restorect.images import cicp, icc, tones
from restorect.images.curves import LUMINANCE, Float, decode_srgb, encode_srgb
from restorect.images.photo import Array, Photo

_FULL = {8: 255, 16: 65535}
_DTYPES: dict[int, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}
_CODE = 0.5 / 65535
_BAND = 2**18


def to_network(photo: Photo) -> Float:
    """Give what the networks see: H x W x 3 float32, sRGB-encoded, values outside [0, 1] kept.

    Grey is replicated. Where the photo is fully transparent, or not a finite number, the nearest visible colour is
    shown instead, so that hidden pixels do not disturb their neighbours; `from_network` puts the hidden ones back.

    Raises:
        ImageError: the pixels cannot be converted through the photo's profile.
    """
    values = _unit(photo.pixels)
    hidden = _hidden(photo)
    if hidden is not None:
        values = _fill(values, hidden)
    return _banded(lambda band: _forward(band, photo), values, 3)


def from_network(rgb: Array, photo: Photo, *, bit_depth: int | None = None) -> Photo:
    """Bring a restored picture back into a photo's own colours, channels and depth.

    Args:
        rgb: H x W x 3 float, sRGB-encoded, unbounded, of the photo's size.
        photo: the photo it was made from.
        bit_depth: 8, 16 or 32; None keeps the photo's.

    Returns:
        The photo with new pixels: rounded to the nearest code and clipped (integers only) in its own space. A linear
        photo that loses depth becomes sRGB-encoded, with a warning: linear light needs the depth.

    Raises:
        ImageError: the size differs, a value is not finite, or the depth is not one of the three.
    """
    depth = photo.bit_depth if bit_depth is None else bit_depth
    if depth not in _DTYPES:
        raise ImageError(f"bit depth {depth} is not allowed: allowed are 8, 16, 32")
    if rgb.shape != (photo.height, photo.width, 3):
        raise ImageError(f"a restored picture of shape {rgb.shape} does not fit a photo of {photo.pixels.shape}")
    if not np.isfinite(rgb).all():
        raise ImageError("the restored picture has values that are not numbers: nothing is written")
    rgb = np.asarray(rgb, np.float32)
    if photo.linear and depth < photo.bit_depth:
        text = "linear light is written with sRGB's tone curve, clipped to its range"
        photo = replace(photo, linear=False, icc_profile=None, warnings=(*photo.warnings, text))
    profile, warnings = _target(photo)
    values = _banded(lambda band: _backward(band, photo, profile), rgb, photo.channels)
    if depth != 8 and (photo.code_points or (profile is not None and not _precise(profile, photo.channels))):
        original = np.nan_to_num(_unit(photo.pixels))
        again = _banded(lambda band: _backward(_forward(band, photo), photo, profile), original, photo.channels)
        values += original - again
    hidden = _hidden(photo)
    pixels = to_depth(values, depth)
    if hidden is not None:
        pixels[hidden] = to_depth(_unit(photo.pixels)[hidden], depth)
    return replace(
        photo,
        pixels=pixels,
        alpha=None if photo.alpha is None else to_depth(_unit(photo.alpha), depth),
        icc_profile=photo.icc_profile if not warnings else None,
        bit_depth=depth,
        stored_bits=photo.stored_bits if depth == photo.bit_depth else None,
        warnings=photo.warnings + warnings,
    )


def to_srgb(photo: Photo, *, bit_depth: int | None = None) -> Photo:
    """Convert a photo of any profile, or linear, to sRGB-encoded pixels without a profile."""
    plain = replace(photo, icc_profile=None, code_points=None, linear=False)
    return from_network(to_network(photo), plain, bit_depth=bit_depth)


def to_linear(photo: Photo) -> Photo:
    """Convert a photo of any profile to 32-bit float, linear light, sRGB's primaries."""
    plain = replace(photo, icc_profile=None, code_points=None, linear=True)
    return from_network(to_network(photo), plain, bit_depth=32)


def to_depth(values: Array, bit_depth: int) -> Array:
    """Round float values in [0, 1] to integer codes of that depth, clipping; 32 keeps them as they are."""
    if bit_depth == 32:
        return np.asarray(values, np.float32)
    full = _FULL[bit_depth]
    scaled = np.nan_to_num(np.asarray(values, np.float32), posinf=1, neginf=0)
    np.clip(scaled, 0, 1, out=scaled)
    scaled *= full
    return np.rint(scaled, out=scaled).astype(_DTYPES[bit_depth])


def _unit(codes: Array) -> Float:
    """Give codes as float32, full scale at 1."""
    if codes.dtype == np.float32:
        return codes
    return codes.astype(np.float32) / np.float32(np.iinfo(codes.dtype).max)


def _banded(step: Callable[[Float], Float], values: Float, channels: int) -> Float:
    """Apply a step to bands of rows: the same result in a fraction of the memory."""
    height, width = values.shape[:2]
    result = np.empty((height, width, channels), np.float32)
    rows = max(1, _BAND // max(width, 1))
    for top in range(0, height, rows):
        result[top : top + rows] = step(values[top : top + rows])
    return result


def _forward(values: Float, photo: Photo) -> Float:
    """Own colours (H x W x C, finite) to sRGB-encoded H x W x 3."""
    profile = _active(photo)
    if photo.code_points is not None:
        light = tones.to_light(np.repeat(values, 3 // photo.channels, axis=2), photo.code_points[1])
        return encode_srgb(icc.transform(light, cicp.linear(photo.code_points[0]), icc.linear_srgb()))
    if profile is None:
        rgb = np.repeat(values, 3, axis=2) if photo.channels == 1 else values
        return encode_srgb(rgb) if photo.linear else np.array(rgb, np.float32)
    grey = icc.space(profile) == "gray"
    source = values[..., 0] if grey else (np.repeat(values, 3, axis=2) if photo.channels == 1 else values)
    try:
        linear = icc.transform(source, profile, icc.linear_srgb())
    except ValueError as error:
        raise ImageError(f"{error}: remove the profile or convert the photo to sRGB first") from error
    if grey:
        linear = np.repeat(linear[..., 1:2], 3, axis=2)
    return encode_srgb(linear)


def _backward(rgb: Float, photo: Photo, profile: bytes | None) -> Float:
    """sRGB-encoded H x W x 3 to own colours, H x W x C."""
    if photo.code_points is not None:
        light = icc.transform(decode_srgb(rgb), icc.linear_srgb(), cicp.linear(photo.code_points[0]))
        light = (light @ LUMINANCE)[..., None].repeat(3, axis=2) if photo.channels == 1 else light
        return tones.from_light(light, photo.code_points[1])[..., : photo.channels]
    if profile is None:
        own = decode_srgb(rgb) if photo.linear else rgb
        return _grey(own, linear=photo.linear) if photo.channels == 1 else np.array(own, np.float32)
    linear = decode_srgb(rgb)
    own = icc.transform(linear, icc.linear_srgb(), profile)
    if icc.space(profile) == "gray":
        return own.reshape(*rgb.shape[:2], 1)
    return own.mean(axis=2, keepdims=True, dtype=np.float32) if photo.channels == 1 else own


def _grey(rgb: Float, *, linear: bool) -> Float:
    """Give the luminance of a picture, H x W x 1, exact where the three channels are equal."""
    even = (rgb[..., 0] == rgb[..., 1]) & (rgb[..., 1] == rgb[..., 2])
    light = (rgb if linear else decode_srgb(rgb)) @ LUMINANCE
    return np.where(even, rgb[..., 1], light if linear else encode_srgb(light))[..., None]


def is_plain(photo: Photo) -> bool:
    """Whether the pixels are sRGB codes already, all of them to be seen: then they are what the networks see."""
    as_coded = photo.code_points is None and not photo.linear and _active(photo) is None
    return as_coded and _hidden(photo) is None


def _active(photo: Photo) -> bytes | None:
    """Give the profile that pixels must go through, or None when they are sRGB, or linear sRGB, already."""
    profile = photo.icc_profile
    return None if profile is None or photo.linear or icc.is_srgb(profile) else profile


def _target(photo: Photo) -> tuple[bytes | None, tuple[str, ...]]:
    """Give the profile to go back into, or sRGB with a warning where the profile works in one direction only."""
    profile = _active(photo)
    if profile is not None and not icc.reversible(profile):
        return None, (f"its profile ({icc.description(profile)}) works in one direction only: written as sRGB",)
    return profile, ()


_precision: dict[tuple[bytes, int], bool] = {}


def _precise(profile: bytes, channels: int) -> bool:
    """Say whether a trip through the profile and back keeps every 16-bit code; measured once a profile."""
    key = (profile, channels)
    if key not in _precision:
        ramp = np.concatenate([np.arange(4096), np.arange(4096, 65536, 61)]).astype(np.uint16)
        codes = np.stack([ramp, np.roll(ramp, 1000), ramp[::-1]], -1)[None, :, :channels]
        trial = Photo(pixels=codes, icc_profile=profile, format="tiff", bit_depth=16)
        there = _backward(_forward(_unit(codes), trial), trial, profile)
        if len(_precision) > 64:
            _precision.clear()
        _precision[key] = bool(np.abs(there - _unit(codes)).max() <= _CODE)
    return _precision[key]


def _hidden(photo: Photo) -> NDArray[np.bool_] | None:
    """Mark pixels that no one sees, H x W; None when there are none."""
    mask: Any = np.zeros(photo.pixels.shape[:2], bool) if photo.alpha is None else photo.alpha == 0
    if photo.pixels.dtype == np.float32:
        mask = mask | ~np.isfinite(photo.pixels).all(axis=2)
    return mask if mask.any() else None


def _fill(values: Float, hidden: NDArray[np.bool_]) -> Float:
    """Show the nearest visible colour in hidden places; black when all is hidden."""
    if hidden.all():
        return np.zeros_like(values)
    _, labels = cv2.distanceTransformWithLabels(
        hidden.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros(int(labels.max()) + 1, np.int64)
    seen = np.flatnonzero(~hidden.ravel())
    nearest[labels.ravel()[seen]] = seen
    filled = values.copy()
    filled[hidden] = values.reshape(-1, values.shape[2])[nearest[labels[hidden]]]
    return filled
