"""What an eye sees in a restored photograph beside the one it was made from: burnt lights, grey or noisy blacks, halos.

Each compares an output with its *input*, needs no ground truth, and is `nan` where the input has nothing to judge by:
no black or dark places, no bright ones, no edge between them. Levels are those of 8-bit files; luma is that of BT.601.

Shapes: B samples, H x W pixels; within this file pictures are (H, W, 3), channels in OpenCV's order, 0 to 255.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.metrics.inputs import eight_bit, rgb_pair

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

EYE = ("burnt", "grey", "dark-noise", "lift", "lights", "shadows", "halo")
"""The names of these metrics, in the order of a table."""

_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
_LEAST_SHARE = 0.02  # of the photo, below which nothing can be said of a kind of place
_NOT_WHITE, _WHITE, _WHITE_LUMA = 235, 250, 245
_BLACK = 6
_DARK = (10, 60)
_BRIGHT_BASE, _DARK_BASE = 150, (4, 50)
_LOCAL_SIGMA = 8
_LEAST_CONTRAST = 4  # variance of the input's local contrast, below which it has no structure to keep
_NEAR, _FAR, _LEAST_PIXELS = (4, 14), (24, 44), 300


def burnt(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """Share in per cent of the pixels that were not white and are now: (B,) in [0, 100], lower is better.

    Not white: no channel above 235. White: all channels at least 250, or one at 255 and luma at least 245.

    Args:
        output_BCHW: the restored photographs (B, 3, H, W), sRGB in [0, 1].
        input_BCHW: what they were made from, of the same shape.

    Raises:
        ValueError: shapes differ or are not (B, 3, H, W), or values are not finite.
    """
    return _each(_burnt, output_BCHW, input_BCHW)


def grey(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """Mean luma (0 to 255) of the output where the input is black: (B,), lower is better.

    Black: the mean luma of 5 x 5 pixels is at most 6; `nan` where no more than 2 % of the photo are. Arguments and
    errors as of `burnt`.
    """
    return _each(_grey, output_BCHW, input_BCHW)


def dark_noise(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """Standard deviation (0 to 255) of the output's noise where the input is black: (B,), lower is better.

    The median absolute Laplacian (four neighbours), divided by 0.6745 sqrt(20): the deviation of white Gaussian noise.
    Black as for `grey`, `nan` likewise. Arguments and errors as of `burnt`.
    """
    return _each(_dark_noise, output_BCHW, input_BCHW)


def lift(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """How many times brighter dark places (luma 10 to 60) have become: (B,), 1 unchanged; right is as the truth has it.

    The ratio of the median lumas there; `nan` where no more than 2 % of the photo are dark. Arguments and errors as of
    `burnt`.
    """
    return _each(_lift, output_BCHW, input_BCHW)


def lights(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """How much of the structure of bright places is kept: (B,), 1 all of it, 0 burnt or flattened.

    The slope, by least squares through the origin, of the output's local contrast on the input's (luma minus its
    Gaussian blur of 8 pixels) where the blurred input is at least 150; `nan` where no more than 2 % are, or where they
    have no structure (mean squared contrast at most 4). Arguments and errors as of `burnt`.
    """
    return _each(_lights, output_BCHW, input_BCHW)


def shadows(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """How far the structure of dark places is opened: (B,), 1 unchanged; right is as the truth has it.

    The slope of `lights` where the blurred input is 4 to 50, `nan` likewise. Arguments and errors as of `burnt`.
    """
    return _each(_shadows, output_BCHW, input_BCHW)


def halo(output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """How the bright side of a strong edge was changed near it, beside farther away, in stops: (B,), lower is better.

    |mean gain 4 to 14 pixels from the dark side minus that 24 to 44 pixels from it|, of pixels of the bright side;
    gain = log2((output + 4) / (input + 4)) of lumas blurred by 2 pixels. Sides are told by the input blurred by 3
    pixels: dark below 60, bright above 140. `nan` where no more than 2 % of the photo are of either side, or no more
    than 300 pixels near or far. Arguments and errors as of `burnt`.
    """
    return _each(_halo, output_BCHW, input_BCHW)


def _each(measure: Callable[[Floats, Floats], float], output_BCHW: Tensor, input_BCHW: Tensor) -> Tensor:
    """A measure of (input, output) for every sample."""
    output, before = (_pictures(image) for image in rgb_pair(output_BCHW, input_BCHW))
    figures = [measure(first, after) for first, after in zip(before, output, strict=True)]
    return torch.tensor(figures, dtype=torch.float32, device=output_BCHW.device)


def _pictures(image_BCHW: Tensor) -> Floats:
    """(B, H, W, 3) in OpenCV's order, 0 to 255."""
    return np.ascontiguousarray(eight_bit(image_BCHW).flip(1).permute(0, 2, 3, 1).float().numpy(force=True))


def _burnt(before: Floats, after: Floats) -> float:
    white = (after.min(2) >= _WHITE) | ((after.max(2) >= 255) & (after @ _LUMA >= _WHITE_LUMA))
    return 100 * float((white & (before.max(2) <= _NOT_WHITE)).mean())


def _grey(before: Floats, after: Floats) -> float:
    black = _black(before)
    return float((after @ _LUMA)[black].mean()) if _some(black) else np.nan


def _dark_noise(before: Floats, after: Floats) -> float:
    black = _black(before)
    if not _some(black):
        return np.nan
    laplacian = np.asarray(cv2.Laplacian(after @ _LUMA, cv2.CV_32F))
    return float(np.median(np.abs(laplacian[black])) / 0.6745 / np.sqrt(20))


def _lift(before: Floats, after: Floats) -> float:
    first = before @ _LUMA
    dark = (first >= _DARK[0]) & (first <= _DARK[1])
    return float(np.median((after @ _LUMA)[dark]) / max(np.median(first[dark]), 1)) if _some(dark) else np.nan


def _lights(before: Floats, after: Floats) -> float:
    return _slope(before, after, lambda base: base >= _BRIGHT_BASE)


def _shadows(before: Floats, after: Floats) -> float:
    return _slope(before, after, lambda base: (base >= _DARK_BASE[0]) & (base <= _DARK_BASE[1]))


def _slope(before: Floats, after: Floats, chosen: Callable[[Floats], Mask]) -> float:
    """Of the output's local contrast on the input's, where the blurred input is as chosen."""
    first, last = before @ _LUMA, after @ _LUMA
    base = _blurred(first, _LOCAL_SIGMA)
    where = chosen(base)
    if not _some(where):
        return np.nan
    own, new = (first - base)[where], (last - _blurred(last, _LOCAL_SIGMA))[where]
    power = float((own**2).mean())
    return float((own * new).mean()) / power if power > _LEAST_CONTRAST else np.nan


def _halo(before: Floats, after: Floats) -> float:
    first, last = before @ _LUMA, after @ _LUMA
    soft = _blurred(first, 3)
    bright, dark = soft > 140, soft < 60
    if not (_some(bright) and _some(dark)):
        return np.nan
    away = np.asarray(cv2.distanceTransform((~dark).astype(np.uint8), cv2.DIST_L2, 5))
    near, far = (bright & (away >= low) & (away <= high) for low, high in (_NEAR, _FAR))
    if min(near.sum(), far.sum()) <= _LEAST_PIXELS:
        return np.nan
    gain = np.log2((_blurred(last, 2) + 4) / (_blurred(first, 2) + 4))
    return float(abs(gain[near].mean() - gain[far].mean()))


def _black(before: Floats) -> Mask:
    return np.asarray(cv2.blur(before @ _LUMA, (5, 5))) <= _BLACK


def _some(where: NDArray[Any]) -> bool:
    """Whether there is enough of a kind of place to judge by."""
    return bool(where.mean() > _LEAST_SHARE)


def _blurred(luma: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(luma, (0, 0), sigma), np.float32)
