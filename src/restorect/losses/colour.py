"""The colour loss, in the polar colour space (HVI; METHOD 4).

Shapes: output, target_B3HW, sRGB-encoded.
"""

from torch import Tensor

from restorect.retinex.hvi import rgb_to_hvi


def hvi_loss(output: Tensor, target: Tensor) -> Tensor:
    """mean|dH| + mean|dV| + mean|dI| of two images (B, 3, H, W), a scalar; its usual weight is 0.05."""
    return 3 * (rgb_to_hvi(output) - rgb_to_hvi(target)).abs().mean()
