"""Pictures of the report: small, and within the page itself.

Shapes: pictures H x W x 3 float32, sRGB-encoded.
"""

import base64

import cv2
import numpy as np

from restorect.errors import DataError
from restorect.evaluate.reading import Picture

LONGEST = 320
"""Longest side in pixels."""

FULL_ERROR = 0.5
"""The mean absolute error over the channels that is shown brightest."""

_QUALITY = 82


def data_uri(picture: Picture) -> str:
    """A small JPEG of a picture, as an address that holds it."""
    codes = np.round(255 * _small(picture).clip(0, 1)).astype(np.uint8)
    return _encoded(codes[:, :, ::-1])


def error_map(output: Picture, target: Picture) -> str:
    """Mean absolute error over the channels: black 0, bright yellow `FULL_ERROR` and more."""
    error = np.abs(output - target).mean(axis=2, keepdims=True)
    codes = np.round(255 * (_small(error) / FULL_ERROR).clip(0, 1)).astype(np.uint8)
    return _encoded(np.asarray(cv2.applyColorMap(codes, cv2.COLORMAP_INFERNO), np.uint8))


def _small(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = picture if scale == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _encoded(bgr: np.ndarray) -> str:
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise DataError(f"a picture of shape {bgr.shape} could not be encoded for the report")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
