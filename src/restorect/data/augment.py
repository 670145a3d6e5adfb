"""Augmentation: random crops, the eight flips and rotations of the square, another light.

Shapes: images CHW, of one size in a call.
"""

import math

import torch
from torch import Tensor

_DARKEST = 1e-4


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


def relit(image: Tensor, generator: torch.Generator, *, light: float, cast: float, contrast: float) -> Tensor:
    """An image (3, H, W) in [0, 1] in another light: raised to a random power, each channel times a random factor.

    Args:
        image: sRGB-encoded.
        generator: a CPU generator.
        light: deviation of the factor's logarithm, the same for all channels.
        cast: and that of each channel's by itself.
        contrast: and that of the power's.
    """
    if light == cast == contrast == 0:
        return image
    power, together, *channels = torch.randn(5, generator=generator).tolist()
    factor = torch.tensor([math.exp(light * together + cast * channel) for channel in channels]).to(image)
    return (image.clamp(min=_DARKEST) ** math.exp(contrast * power) * factor[:, None, None]).clamp(max=1)
