"""Make a photo fit a format: depth, transparency, colour profile, size; each change is a warning, never silent."""

from dataclasses import replace

from restorect.errors import ImageError
from restorect.images import cicp, icc
from restorect.images.colour import to_depth, to_linear, to_srgb
from restorect.images.formats import TRAITS, Traits
from restorect.images.photo import Photo

_WITH_CODE_POINTS = ("png", "avif")


def fit(photo: Photo, kind: str, bit_depth: int | None) -> tuple[Photo, tuple[str, ...]]:
    """Convert a photo to what a format holds.

    Args:
        photo: the photo.
        kind: canonical format name that can be written.
        bit_depth: a depth of that format, or None for the photo's own or the nearest.

    Returns:
        The photo as it will be written, and warnings.

    Raises:
        ImageError: it is too large for the format.
    """
    traits = TRAITS[kind]
    if max(photo.width, photo.height) > traits.max_side:
        size = f"{photo.width} x {photo.height}"
        raise ImageError(f"{kind} holds at most {traits.max_side} pixels a side, not {size}: use --format tiff")
    known = len(photo.warnings)
    warnings: tuple[str, ...] = ()
    if photo.alpha is not None and not traits.alpha:
        photo = replace(photo, alpha=None)
        warnings += (f"its transparency is not kept: {kind} has none",)
    depth = bit_depth or _nearest(photo.bit_depth, traits)
    if depth < photo.bit_depth and bit_depth is None:
        warnings += (f"{photo.stored_bits or photo.bit_depth} bits a channel become {depth}: {kind} holds no more",)
    photo, more = _toned(photo, kind, traits, depth)
    return photo, warnings + more + photo.warnings[known:]


def _nearest(bit_depth: int, traits: Traits) -> int:
    """Give the smallest depth of the format that holds the photo, else its largest."""
    return min((depth for depth in traits.depths if depth >= bit_depth), default=max(traits.depths))


def _toned(photo: Photo, kind: str, traits: Traits, depth: int) -> tuple[Photo, tuple[str, ...]]:
    """Bring colours and depth to what the format means by its numbers."""
    if kind in ("hdr", "exr"):
        return (photo if photo.linear and depth == photo.bit_depth else to_linear(photo)), ()
    if photo.code_points is not None and kind not in _WITH_CODE_POINTS:
        name = cicp.name(*photo.code_points)
        if depth == 32:
            return to_linear(photo), ()
        text = f"its tones ({name}, high dynamic range) become sRGB's, what is brighter than white is clipped: "
        return to_srgb(photo, bit_depth=depth), (text + "PNG and AVIF keep them",)
    if photo.linear and depth < photo.bit_depth:
        return to_srgb(photo, bit_depth=depth), (
            "linear light is written with sRGB's tone curve, clipped to its range",
        )
    if photo.linear and not traits.icc and (kind, depth) != ("jxl", 16) and depth != 32:
        return to_srgb(photo, bit_depth=depth), ("linear light is written with sRGB's tone curve",)
    profile = photo.icc_profile
    if profile is not None and not traits.icc and not photo.linear:
        name = icc.description(profile)
        if icc.is_srgb(profile):
            photo = replace(photo, icc_profile=None)
        else:
            photo = to_srgb(photo)
            return _deep(photo, depth), (
                f"its colours ({name}) are converted to sRGB: {kind} is written without profile",
            )
    if photo.linear and depth != 32 and profile is None and traits.icc:
        photo = replace(photo, icc_profile=icc.linear_srgb())
    if not photo.linear and depth == 32 and profile is None and traits.icc:
        photo = replace(photo, icc_profile=icc.srgb())
    return _deep(_of_space(photo, kind), depth), ()


def _of_space(photo: Photo, kind: str) -> Photo:
    """Give a grey photo a profile of the space that the format stores it in; the numbers and what they mean stay.

    WebP has no grey. A grey PNG must not have an RGB profile; elsewhere those that files come with are left alone.
    """
    profile = photo.icc_profile
    if photo.channels != 1 or profile is None:
        return photo
    if kind == "webp":
        return replace(photo, icc_profile=icc.rgb_of(profile)) if icc.space(profile) == "gray" else photo
    if icc.space(profile) == "rgb" and (kind == "png" or profile in (icc.srgb(), icc.linear_srgb())):
        plain = kind == "png" and icc.is_srgb(profile)
        return replace(photo, icc_profile=None if plain else icc.grey_of(profile))
    return photo


def _deep(photo: Photo, depth: int) -> Photo:
    """Change only the depth, by rounding; profile and colours stay."""
    if depth == photo.bit_depth:
        return photo
    full = {8: 255.0, 16: 65535.0, 32: 1.0}[photo.bit_depth]
    return replace(
        photo,
        pixels=to_depth(photo.pixels / full, depth),
        alpha=None if photo.alpha is None else to_depth(photo.alpha / full, depth),
        bit_depth=depth,
        stored_bits=None,
    )
