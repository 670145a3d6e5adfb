"""Augmentation: random crops, and the eight flips and rotations of the square.

Shapes: images CHW, of one size in a call.
"""

import torch
from torch import Tensor


def random_int(limit: int, generator: torch.Generator) -> int:
    """An integer from 0 to `limit` - 1."""
    return int(torch.randint(limit, (1,), generator=generator))


def random_crop(images: list[Tensor], height: int, width: int, generator: torch.Generator) -> list[Tensor]:
    """The same random window of every image (C, H, W); a side shorter than asked for is kept whole."""
    H, W = images[0].shape[-2:]
    height, width = min(height, H), min(width, W)
    top, left = random_int(H - height + 1, generator), random_int(W - width + 1, generator)
    return [image[..., top : top + height, left : left + width] for image in images]


def dihedral(images: list[Tensor], element: int) -> list[Tensor]:
    """Apply one of the eight symmetries of the square (0 to 7) to every image (C, H, W)."""
    turned = [torch.rot90(image, element % 4, dims=(-2, -1)) for image in images]
    return [image.flip(-1) for image in turned] if element >= 4 else turned
