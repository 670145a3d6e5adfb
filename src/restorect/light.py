"""How light a pixel is, and a smooth switch on it.

Shapes: images (B, 3, H, W) of RGB; anything for `smoothstep`.
"""

from torch import Tensor

_WEIGHTS = (0.299, 0.587, 0.114)


def luma(image_BCHW: Tensor) -> Tensor:
    """Full-range BT.601 luma (B, 1, H, W): that of white is 1; `metrics.psnr.luma` is the limited-range one."""
    return (image_BCHW * image_BCHW.new_tensor(_WEIGHTS).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def smoothstep(x: Tensor, begin: float, end: float) -> Tensor:
    """0 up to `begin`, 1 from `end` on, 3 t^2 - 2 t^3 between."""
    t = ((x - begin) / (end - begin)).clamp(0, 1)
    return t * t * (3 - 2 * t)
