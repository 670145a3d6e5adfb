"""From linear light of any primaries to that of sRGB's, by a matrix: unbounded, and for imaginary primaries too."""

import numpy as np

from restorect.images.photo import Array

REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
# Bradford's cones (Lam 1985), in which whites are adapted: http://www.brucelindbloom.com/Eqn_ChromAdapt.html
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_CLOSE = 1e-3


def same_as_srgb(xy: tuple[float, ...]) -> bool:
    """Say whether chromaticities are sRGB's to within a thousandth."""
    return bool(np.allclose(xy, REC709, atol=_CLOSE))


def matrix_to_srgb(xy: tuple[float, ...]) -> Array:
    """Make the matrix (3 x 3) that brings RGB to linear sRGB: white becomes white, by Bradford's adaptation.

    CIE XYZ, written as an RGB whose primaries are the axes, is measured light and is not adapted.

    Args:
        xy: x and y of red, green, blue and white.

    Raises:
        ValueError: there is no such matrix.
    """
    try:
        to_xyz, back = _to_xyz(xy), np.linalg.inv(_to_xyz(REC709))
        measured = np.allclose(xy[:6], (1, 0, 0, 1, 0, 0), atol=_CLOSE)
        theirs, ours = _CONES @ _white(xy), _CONES @ _white(REC709)
        adapted = np.eye(3) if measured else np.linalg.inv(_CONES) @ np.diag(ours / theirs) @ _CONES
        matrix = back @ adapted @ to_xyz
    except (np.linalg.LinAlgError, ZeroDivisionError) as error:
        raise ValueError("its primaries make no sense") from error
    if not np.isfinite(matrix).all():
        raise ValueError("its primaries make no sense")
    return np.asarray(matrix)


def _to_xyz(xy: tuple[float, ...]) -> Array:
    """Make the matrix from RGB to XYZ whose white has luminance 1 (SMPTE RP 177, 3.3)."""
    columns = np.array([[x, y, 1 - x - y] for x, y in zip(xy[:6:2], xy[1:6:2], strict=True)]).T
    return np.asarray(columns * np.linalg.solve(columns, _white(xy)))


def _white(xy: tuple[float, ...]) -> Array:
    x, y = xy[6:8]
    return np.array([x / y, 1.0, (1 - x - y) / y])
