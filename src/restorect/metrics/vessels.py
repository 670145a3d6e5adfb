"""Vessels of a retina photograph: how strongly each pixel looks like one, and whether a restoration keeps them.

Shapes: image_HW, image_CHW, mask_HW; B samples; vesselness in [0, 1] where the image is in [0, 1].
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restorect.retina import field_of_view

Floats = NDArray[np.float64]
SCALES = (1.0, 1.5, 2.0, 3.0)
"""Standard deviations in pixels, for the vessels of a photograph about 500 pixels wide; wider ones are scaled to it."""
_REACH = 8.0  # standard deviations after which a Gaussian is cut off: nothing is left there
_WIDTH = 500.0
_FLAT = 1e-9  # contrast that rounding alone can make


def vesselness(
    image_HW: NDArray[np.floating], scales: tuple[float, ...] = SCALES, *, beta: float = 0.5, gamma: float | None = None
) -> Floats:
    """How much dark lines of some width look like vessels (Frangi et al., MICCAI 1998, equations 13 and 15).

    With the eigenvalues of the Hessian ordered by size, |l1| <= |l2|, R = l1 / l2 and S^2 = l1^2 + l2^2, the response
    of a scale is exp(-R^2 / (2 beta^2)) (1 - exp(-S^2 / (2 gamma^2))) where l2 > 0, else 0; derivatives are those of a
    Gaussian, multiplied by its variance. The largest over the scales counts.

    Args:
        image_HW: one channel; vessels are darker than what is around them.
        scales: standard deviations of the Gaussians, in pixels.
        beta: how round a blob may be.
        gamma: how much contrast a line must have; None for half of the largest S at each scale (equation 15 f.).

    Returns:
        (H, W) float64, 0 to below 1.

    Raises:
        ValueError: the image has not two dimensions.
    """
    if image_HW.ndim != 2:
        raise ValueError(f"vesselness looks at one channel (H, W), got shape {image_HW.shape}")
    image = np.ascontiguousarray(image_HW, dtype=np.float64)
    best = np.zeros_like(image)
    for sigma in scales:
        smaller, larger = _eigenvalues(*_hessian(image, sigma))
        blob = (smaller / np.where(larger == 0, 1e-10, larger)) ** 2
        structure = smaller**2 + larger**2
        limit = np.sqrt(structure.max()) / 2 if gamma is None else gamma
        if limit < _FLAT:
            continue
        response = np.exp(-blob / (2 * beta**2)) * (1 - np.exp(-structure / (2 * limit**2)))
        best = np.maximum(best, np.where(larger > 0, response, 0.0))
    return best


def vessel_correlation(
    restored_CHW: Tensor, clean_CHW: Tensor, mask_HW: NDArray[np.bool_] | None = None, *, contrast: float = 0.01
) -> float:
    """Pearson correlation of the vesselness of the green channels, inside the field of view.

    1 where every vessel is kept and none is added; a restoration that smooths vessels away or invents some falls
    below. Both are brought to a width of 500 pixels, and both are held to the same contrast, so that a stronger
    picture is no better by itself.

    Args:
        restored_CHW: (3, H, W), sRGB-encoded, in [0, 1].
        clean_CHW: the reference, of the same shape.
        mask_HW: the field of view; its rim is left out as far as the widest scale reaches. None takes everything.
        contrast: `gamma` of `vesselness`.

    Returns:
        From -1 to 1; NaN where one of the two shows no line at all.

    Raises:
        ValueError: the shapes differ, or nothing is left inside the mask.
    """
    if restored_CHW.shape != clean_CHW.shape or clean_CHW.ndim != 3 or len(clean_CHW) != 3:
        raise ValueError(
            f"expected two images of one shape (3, H, W), got {tuple(restored_CHW.shape)} and {tuple(clean_CHW.shape)}"
        )
    height, width = clean_CHW.shape[-2:]
    size = (round(_WIDTH), max(1, round(height * _WIDTH / width)))
    lines = [vesselness(_green(image, size), gamma=contrast) for image in (restored_CHW, clean_CHW)]
    inside = np.ones((height, width), bool) if mask_HW is None else mask_HW
    away = int(np.ceil(3 * max(SCALES)))
    field = cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    kept = cv2.erode(field, np.ones((2 * away + 1, 2 * away + 1), np.uint8)).astype(bool)
    if not kept.any():
        raise ValueError("the field of view is too small: nothing is left inside its rim")
    a, b = (line[kept] - line[kept].mean() for line in lines)
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / norm) if norm > 0 else float("nan")


def vessels(output_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """The check of a table: `vessel_correlation` inside the field of view of the clean photograph, one figure a sample.

    Args:
        output_BCHW: (B, 3, H, W), sRGB-encoded, in [0, 1].
        target_BCHW: the clean photographs.

    Returns:
        (B,) float32 from -1 to 1; NaN where one of the two shows no line at all.

    Raises:
        ValueError: the shapes differ, or a field of view is too small.
    """
    if output_BCHW.shape != target_BCHW.shape or target_BCHW.ndim != 4:
        raise ValueError(f"expected one shape (B, 3, H, W), got {tuple(output_BCHW.shape)}, {tuple(target_BCHW.shape)}")
    figures = [
        vessel_correlation(output_CHW, target_CHW, field_of_view(target_CHW)[0].cpu().numpy())
        for output_CHW, target_CHW in zip(output_BCHW, target_BCHW, strict=True)
    ]
    return torch.tensor(figures, dtype=torch.float32, device=target_BCHW.device)


def _green(image_CHW: Tensor, size: tuple[int, int]) -> Floats:
    green = image_CHW[1].detach().double().cpu().numpy()
    shrinks = green.shape[1] > size[0]
    return np.asarray(cv2.resize(green, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def _hessian(image: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
    """Second derivatives yy, xy, xx of the image under a Gaussian, times its variance; the border mirrored."""
    radius = int(_REACH * sigma + 0.5)
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    smooth = np.exp(-(x**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    # Correlation, not convolution: an odd kernel changes its sign; twice in xy, so it does not matter there.
    first, second = smooth * x / sigma**2, smooth * (x**2 - (smooth * x**2).sum()) / sigma**4  # flat ground gives 0

    def derivative(across: Floats, down: Floats) -> Floats:
        filtered = cv2.sepFilter2D(image, cv2.CV_64F, across, down, borderType=cv2.BORDER_REFLECT)
        return np.asarray(filtered * sigma**2)

    return derivative(smooth, second), derivative(first, first), derivative(second, smooth)


def _eigenvalues(yy: Floats, xy: Floats, xx: Floats) -> tuple[Floats, Floats]:
    """Of the symmetric matrix at each pixel: first the one nearer to zero."""
    middle, apart = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    low, high = middle - apart, middle + apart
    swap = np.abs(low) > np.abs(high)
    return np.where(swap, high, low), np.where(swap, low, high)
