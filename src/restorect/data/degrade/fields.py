"""Smooth random maps, wide blurs and edge-following maps, cheap at any size.

Shapes: a map is (1, H, W), an image (3, H, W).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_GUIDE_SIDE = 128  # the guided filter's coefficients are smooth: this many pixels on the long side are enough


def smooth_field(generator: torch.Generator, like: Tensor, cells: int) -> Tensor:
    """A random map of soft hills, (1, H, W), stretched to [0, 1].

    Args:
        generator: a CPU generator.
        like: image or map whose size, device and dtype it gets.
        cells: hills along the longer side.
    """
    height, width = like.shape[-2:]
    step = max(height, width) / cells
    grid = (max(2, math.ceil(height / step)), max(2, math.ceil(width / step)))
    coarse = torch.randn(1, *grid, generator=generator).to(like)
    return stretch(resize(coarse, (height, width), "bicubic"))


def stretch(field: Tensor) -> Tensor:
    """Shift and scale a map to [0, 1]; a flat one becomes 1/2."""
    low, high = field.min(), field.max()
    span = high - low
    return torch.where(span > 1e-6, (field - low) / span.clamp(min=1e-6), torch.full_like(field, 0.5))


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, H, W) with replicated borders; wide ones are done on a smaller copy.

    Args:
        image: (C, H, W).
        sigma: standard deviation in pixels; below 0.1 the image comes back as it is.
    """
    if sigma < 0.1:
        return image
    height, width = image.shape[-2:]
    factor = min(max(1, int(sigma / 1.2)), height, width)
    x = image
    if factor > 1:
        x = F.avg_pool2d(F.pad(x[None], (0, -width % factor, 0, -height % factor), mode="replicate"), factor)[0]
        # The boxes and the interpolation between them have blurred already.
        sigma = math.sqrt(max(sigma**2 - (factor**2 - 1) / 12 - factor**2 / 6, 0.01)) / factor
    radius = max(1, math.ceil(2.8 * sigma))
    weights = [math.exp(-((step / sigma) ** 2) / 2) for step in range(-radius, radius + 1)]
    for dim in (-2, -1):
        x = _weighted_sum(x, [weight / sum(weights) for weight in weights], dim)
    if factor == 1:
        return x
    return resize(x, (factor * x.shape[-2], factor * x.shape[-1]), "bilinear")[:, :height, :width]


def follow_edges(field_1HW: Tensor, image_CHW: Tensor, *, radius: float = 0.06, epsilon: float = 1e-3) -> Tensor:
    """Let a rough map follow the edges of an image: the fast guided filter (He and Sun, arXiv 1505.00996).

    Args:
        field_1HW: the map, in [0, 1]; it may be smaller than the image.
        image_CHW: the guide; its channels' mean is used.
        radius: half the window's side, as a share of the longer side.
        epsilon: variance of the guide from which on an edge counts.

    Returns:
        (1, H, W), clamped to [0, 1].
    """
    guide = image_CHW.mean(dim=0, keepdim=True)
    x = shrink(guide)
    p = resize(field_1HW, (x.shape[-2], x.shape[-1]), "area")
    reach = max(1, round(radius * max(x.shape)))
    mean_x, mean_p, mean_xx, mean_xp = _box(torch.cat([x, p, x * x, x * p]), reach).chunk(4)
    slope = (mean_xp - mean_x * mean_p) / (mean_xx - mean_x.square() + epsilon)
    line = _box(torch.cat([slope, mean_p - slope * mean_x]), reach)
    slope, offset = resize(line, (guide.shape[-2], guide.shape[-1]), "bilinear").chunk(2)
    return (slope * guide + offset).clamp(0, 1)


def local_deviation(image_CHW: Tensor, radius: float = 0.02) -> Tensor:
    """Standard deviation of the grey image in a window around each pixel, (1, H, W): how busy a place is.

    Args:
        image_CHW: the image.
        radius: half the window's side, as a share of the longer side.
    """
    grey = image_CHW.mean(dim=0, keepdim=True)
    mean, square = _box(torch.cat([grey, grey * grey]), max(1, round(radius * max(grey.shape)))).chunk(2)
    return (square - mean.square()).clamp(min=0).sqrt()


def shrink(image_CHW: Tensor, side: int = _GUIDE_SIDE) -> Tensor:
    """The image with its longer side brought down to `side` pixels by area; a smaller one stays as it is."""
    height, width = image_CHW.shape[-2:]
    scale = min(1.0, side / max(height, width))
    return resize(image_CHW, (max(1, round(height * scale)), max(1, round(width * scale))), "area")


def resize(image_CHW: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Resize (C, H, W) to (height, width) by "area", "bilinear" or "bicubic", pixel centres aligned."""
    if image_CHW.shape[-2:] == size:
        return image_CHW
    return F.interpolate(image_CHW[None], size, mode=mode, align_corners=None if mode == "area" else False)[0]


def _box(image_CHW: Tensor, radius: int) -> Tensor:
    """Mean over a square window, borders replicated; one side after the other."""
    side = 2 * radius + 1
    padded = F.pad(image_CHW[None], (radius,) * 4, mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (side, 1), stride=1), (1, side), stride=1)[0]


def _weighted_sum(image_CHW: Tensor, weights: list[float], dim: int) -> Tensor:
    """Correlate along one side (-1 or -2) with an odd number of weights; sums of shifted copies beat a convolution."""
    radius = len(weights) // 2
    padding = (radius, radius, 0, 0) if dim == -1 else (0, 0, radius, radius)
    padded = F.pad(image_CHW[None], padding, mode="replicate")[0]
    length = image_CHW.shape[dim]
    total = padded.narrow(dim, 0, length) * weights[0]
    for start, weight in enumerate(weights[1:], start=1):
        total.add_(padded.narrow(dim, start, length), alpha=weight)
    return total
