"""The thumbnail of a photograph, off which codes, brightness and colour of the whole are read.

Shapes: images (B, C, H, W).
"""

from torch import Tensor

from restorect.nets.area import area_means

THUMBNAIL = 96  # side of the thumbnail that brightness and colour of a whole photograph are read off


def view_of(image: Tensor, side: int) -> Tensor:
    """What prior encoders read: (B, C, H, W) area-resized to (B, C, side, side), or the image itself for side 0."""
    if side == 0 or image.shape[-2:] == (side, side):
        return image
    return area_means(image, (side, side))
