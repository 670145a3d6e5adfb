"""Classical methods without training: the floor under every table.

Shapes: pictures H x W x 3 uint8, RGB.
"""

from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from restorect.infer.arrays import like, to_tensor
from restorect.render.balance import BalanceConfig, balance

Rgb = NDArray[np.uint8]
Float = NDArray[np.float32]

_GAMMA_GOAL = 0.5  # mean luma after gamma correction
_CLIP, _TILES = 2.0, (8, 8)
_SCALES = (15.0, 80.0, 250.0)
_GAIN_GOAL = 0.44  # mean luma of the good photos of the low-light validation pairs
_DENOISE = 10.0  # chosen of 5 to 30, see `gain_and_non_local_means`
_CLIPPED_SHARE = 1.0  # per cent at either end that multi-scale Retinex lets go


def unchanged(image: Rgb) -> Rgb:
    """The degraded photo itself."""
    return image.copy()


def gamma(image: Rgb) -> Rgb:
    """One exponent for the whole photo, such that its mean luma (BT.601) goes to mid-grey: log 0.5 / log mean."""
    mean = float(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean()) / 255
    exponent = np.log(_GAMMA_GOAL) / np.log(np.clip(mean, 1e-3, 1 - 1e-3))
    table = np.round(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def gain_and_non_local_means(image: Rgb) -> Rgb:
    """One gain for the whole photo, such that its mean luma goes to 0.44 if it is darker, then non-local means.

    What a good classical denoiser leaves of the noise that brightening shows: OpenCV's `fastNlMeansDenoisingColored`
    (Buades, Coll, Morel, CVPR 2005), filter strength 10 of 255 for light and for colour, patches of 7 pixels searched
    for within 21. Of strengths from 5 to 30 that one had the best PSNR, at the truth's mean, on 12 validation pairs.
    """
    mean = float(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean()) / 255
    bright = np.round((image * np.float32(max(_GAIN_GOAL / max(mean, 1e-3), 1.0))).clip(0, 255)).astype(np.uint8)
    quiet = cv2.fastNlMeansDenoisingColored(np.ascontiguousarray(bright[:, :, ::-1]), None, _DENOISE, _DENOISE, 7, 21)
    return np.ascontiguousarray(np.asarray(quiet, np.uint8)[:, :, ::-1])


def histogram_equalisation(image: Rgb) -> Rgb:
    """Global equalisation of the luma of YCrCb; the colour differences stay."""
    return _on_luma(image, cv2.COLOR_RGB2YCrCb, cv2.COLOR_YCrCb2RGB, cv2.equalizeHist)


def clahe(image: Rgb) -> Rgb:
    """Contrast limited adaptive equalisation of CIELAB's lightness: clip limit 2, 8 x 8 tiles (Zuiderveld, 1994)."""
    equaliser = cv2.createCLAHE(clipLimit=_CLIP, tileGridSize=_TILES)
    return _on_luma(image, cv2.COLOR_RGB2LAB, cv2.COLOR_LAB2RGB, equaliser.apply)


def multi_scale_retinex(image: Rgb) -> Rgb:
    """Mean over three scales of log image - log blurred image (Jobson, Rahman, Woodell, IEEE TIP 6(7), 1997).

    The scales are the paper's 15, 80 and 250 pixels. Each channel is brought back to its range by clipping one per
    cent at either end, the simplest of the usual choices.
    """
    light = image.astype(np.float32) + 1.0
    retinex = np.zeros_like(light)
    for sigma in _SCALES:
        retinex += (np.log(light) - np.log(_blurred(light, sigma))) / len(_SCALES)
    low, high = np.percentile(retinex, [_CLIPPED_SHARE, 100 - _CLIPPED_SHARE], axis=(0, 1))
    scaled = (retinex - low) / np.maximum(high - low, 1e-6)
    return np.asarray(np.round(255 * scaled.clip(0, 1)), np.uint8)


def grey_world(image: Rgb) -> Rgb:
    """Scale each channel to the mean of all (Buchsbaum, Journal of the Franklin Institute 310(1), 1980)."""
    means = image.reshape(-1, 3).mean(axis=0, dtype=np.float64)
    gains = means.mean() / np.maximum(means, 1e-6)
    return np.asarray(np.round((image * gains).clip(0, 255)), np.uint8)


def white_balance(image: Rgb) -> Rgb:
    """Stretch and grey world as in front of our networks for photos under water; see `restorect.render.balance`."""
    photo = to_tensor(image)
    return cast(Rgb, like(image, balance(photo, photo, BalanceConfig())))


BASELINES: dict[str, Callable[[Rgb], Rgb]] = {
    "input": unchanged,
    "gamma": gamma,
    "gain-nlm": gain_and_non_local_means,
    "histogram-equalisation": histogram_equalisation,
    "clahe": clahe,
    "multi-scale-retinex": multi_scale_retinex,
    "grey-world": grey_world,
    "white-balance": white_balance,
}


def _on_luma(image: Rgb, there: int, back: int, change: Callable[[Rgb], object]) -> Rgb:
    channels = np.array(cv2.cvtColor(image, there), np.uint8)
    channels[:, :, 0] = np.asarray(change(np.ascontiguousarray(channels[:, :, 0])))
    return np.asarray(cv2.cvtColor(channels, back), np.uint8)


def _blurred(image: Float, sigma: float) -> Float:
    """Gaussian blur; wide ones at a lower resolution, where the loss is invisible and the time a hundredth."""
    factor = max(1, int(sigma / 8))
    height, width = image.shape[:2]
    small = image
    if factor > 1:
        size = (max(1, width // factor), max(1, height // factor))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
