"""GT-mean: an output at the brightness of its ground truth, by the grey of OpenCV, as the field's scripts do.

Shapes: B samples, H x W pixels.
"""

from torch import Tensor

from restorect.colour import luma


def gt_mean(output_BCHW: Tensor, target_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Scale each output to its ground truth's mean grey (BT.601), then clip to [0, 1].

    The field reports it since KinD (Zhang, Zhang, Guo, ACM MM 2019): it forgives a wrong overall brightness, which an
    application that has no ground truth cannot. An all-black output stays black.

    Args:
        output_BCHW: (B, 3, H, W) in [0, 1].
        target_BCHW: the ground truths, likewise.

    Returns:
        The outputs so scaled, and the ground truths as they are.
    """
    own, wanted = (luma(image).mean(dim=(1, 2, 3), keepdim=True) for image in (output_BCHW, target_BCHW))
    gain = (wanted / own).where(own > 0, 1)
    return (output_BCHW * gain).clamp(0, 1), target_BCHW
