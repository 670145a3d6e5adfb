"""Where a restoration is unsure, as it is looked at: the restoration in grey, and colour where samples lie apart."""

import numpy as np
from numpy.typing import NDArray

COLOUR = (1.0, 0.4, 0.0)
"""Of pixels where samples lie furthest apart, sRGB from 0 to 1."""
OPAQUE = 0.8
"""Share of colour at most, so that the photograph is seen through it."""
LEAST = 0.02
"""A difference of spread that the most colour stands for at least: five of 255 levels, less is hardly seen."""
_ENOUGH = 1_000_000  # pixels that tell what the hundredth is
_LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


def unsure(picture: NDArray[np.float32], spread: NDArray[np.float32]) -> NDArray[np.float32]:
    """The overlay of one restoration.

    Args:
        picture: the restoration, (H, W, 3), sRGB-encoded from 0 to 1.
        spread: standard deviation of samples, (H, W), in the same unit.

    Returns:
        A picture of the same shape: grey up to the median of the spread, and from there on with more `COLOUR`, the most
        for the hundredth of pixels with the largest spread.
    """
    some = spread.ravel()[:: max(1, spread.size // _ENOUGH)]
    usual, most = np.percentile(some, (50, 99)).tolist()
    share = OPAQUE * np.clip((spread - usual) / max(most - usual, LEAST), 0, 1)[..., None]
    seen = np.array(COLOUR, np.float32) * share
    seen += np.clip(picture @ np.array(_LUMA, np.float32), 0, 1)[..., None] * (1 - share)
    return np.asarray(seen, np.float32)
