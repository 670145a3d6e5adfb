"""Coding-independent code points (ITU-T H.273): the colours that PNG, AVIF and JPEG XL name by number."""

from restorect.images import icc, tones

_WHITE_D65 = (0.3127, 0.3290)
_WHITE_DCI = (0.314, 0.351)
_PRIMARIES = {
    1: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
_GAMMAS = {1: None, 6: None, 14: None, 15: None, 13: None, 4: 2.2, 5: 2.8, 8: 1.0}
_NAMES = {9: "Rec. 2020", 11: "DCI-P3", 12: "Display P3"}
_HDR = {tones.PQ: "PQ", tones.HLG: "HLG"}
_UNSPECIFIED = 2


def is_hdr(primaries: int, transfer: int) -> bool:
    """Say whether these are tones of high dynamic range, for which there is no profile, and understood."""
    return transfer in _HDR and (primaries in _PRIMARIES or primaries == _UNSPECIFIED)


def linear(primaries: int) -> bytes:
    """Give the profile of linear light with these primaries; those of ITU-R BT.2100 where they are unspecified."""
    xy = _PRIMARIES[9 if primaries == _UNSPECIFIED else primaries]
    return icc.make(xy, _WHITE_DCI if primaries == 11 else _WHITE_D65, 1.0, "linear")


def name(primaries: int, transfer: int) -> str:
    """Name tones of high dynamic range in a few words."""
    return f"{_NAMES.get(primaries, f'primaries {primaries}')} {_HDR[transfer]}"


def profile(primaries: int, transfer: int, *, grey: bool = False) -> tuple[bytes | None, tuple[str, ...]]:
    """Make a colour profile from code points.

    The curves of BT.709, BT.601 and BT.2020 are shown by every viewer as sRGB's, and are taken so.

    Args:
        primaries: ColourPrimaries.
        transfer: TransferCharacteristics.
        grey: the picture has one channel, to which primaries mean nothing.

    Returns:
        An ICC profile of that many channels, None for sRGB and for unspecified colours; and warnings.
    """
    if transfer in _HDR:
        return None, (f"its tones are {_HDR[transfer]} (high dynamic range), not understood: taken as sRGB",)
    if primaries == 2 and transfer in (2, *_GAMMAS):
        primaries = 1
    transfer = 13 if transfer == 2 else transfer
    if primaries not in _PRIMARIES or transfer not in _GAMMAS:
        return None, (f"its colour code points {primaries}/{transfer} are not understood: taken as sRGB",)
    gamma = _GAMMAS[transfer]
    if gamma is None and (primaries == 1 or grey):
        return None, ()
    if grey and gamma is not None:
        return icc.grey(gamma), ()
    return icc.make(
        _PRIMARIES[primaries], _WHITE_DCI if primaries == 11 else _WHITE_D65, gamma, _NAMES.get(primaries, "made RGB")
    ), ()
