"""The structure loss: 1 - SSIM (Zhao et al., Loss Functions for Image Restoration with Neural Networks, 2017).

Shapes: output, target_B3HW, sRGB-encoded.
"""

from torch import Tensor

from restorect.metrics.ssim import ssim


def structure_loss(output: Tensor, target: Tensor) -> Tensor:
    """1 - mean SSIM of two images (B, 3, H, W) of at least 11 x 11 pixels, a scalar from 0 to 2.

    While the exposure of a crop is off, the gradient of L1 has one sign in all its pixels and says nothing about
    detail; contrast and correlation in SSIM's windows hardly depend on the exposure.
    """
    return 1 - ssim(output.float(), target).mean()
