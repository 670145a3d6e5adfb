"""Colours that a BMP describes: a profile inside (version 5), or primaries and a tone curve (version 4, [MS-WMF])."""

import struct

from restorect.images import icc

_VERSION_4, _VERSION_5 = 108, 124  # sizes of headers
_HEADER = 14
_CALIBRATED, _EMBEDDED, _LINKED = 0, 0x4D424544, 0x4C494E4B
_D65 = (0.3127, 0.3290)
_ONE = 2.0**30  # of a coordinate with 30 binary places
_NONSENSE = "its primaries or gammas make no sense: sRGB is assumed"
Profile = tuple[bytes | None, tuple[str, ...]]


def profile(data: bytes, *, grey: bool) -> Profile:
    """Read or make the profile that the header describes; None for sRGB and for none.

    Args:
        data: the file.
        grey: the picture is grey, so of the colours only their tone curve counts.

    Returns:
        The profile, and warnings.
    """
    size = struct.unpack_from("<I", data, _HEADER)[0]
    if size < _VERSION_4 or len(data) < _HEADER + size:
        return None, ()
    sort = struct.unpack_from("<I", data, _HEADER + 56)[0]
    if sort == _LINKED:
        return None, ("its colours are described by another file: sRGB is assumed",)
    if sort == _EMBEDDED and size >= _VERSION_5:
        at, length = struct.unpack_from("<II", data, _HEADER + 112)
        found: Profile = data[_HEADER + at : _HEADER + at + length], ()
    elif sort == _CALIBRATED:
        found = _calibrated(data)
    else:
        return None, ()
    block, warnings = found
    if grey and block is not None and icc.problem(block, 3) is None:
        block = None if icc.is_srgb(block) else icc.grey_of(block)
    return block, warnings


def _calibrated(data: bytes) -> Profile:
    """Make the profile of three primaries, as X, Y and Z or as x, y and z, and of a gamma; 0 stands for nothing."""
    places = [value / _ONE for value in struct.unpack_from("<9i", data, _HEADER + 60)]
    gammas = [value / 65536 for value in struct.unpack_from("<3I", data, _HEADER + 96)]
    if not any(places):
        return None, ()
    sums = [sum(places[at : at + 3]) for at in (0, 3, 6)]
    if min(*places) < 0 or min(sums) <= 0 or any(gammas) != all(gammas):
        return None, (_NONSENSE,)
    xy = tuple((places[3 * i] / total, places[3 * i + 1] / total) for i, total in enumerate(sums))
    white = _D65
    if any(abs(total - 1) > 0.01 for total in sums):
        across, up = (sum(places[at::3]) for at in (0, 1))
        white = (across / sum(sums), up / sum(sums))
    gamma = gammas[1] if any(gammas) else None
    warnings = ("its gammas differ: the one of green counts",) if max(gammas) - min(gammas) > 0.01 else ()
    try:
        made = icc.make(xy, white, gamma)
    except (RuntimeError, ValueError):
        return None, (_NONSENSE,)
    if icc.problem(made, 3) is not None or (gamma is not None and not 0.2 <= gamma <= 5):
        return None, (_NONSENSE,)
    return (None if icc.is_srgb(made) else made), warnings
