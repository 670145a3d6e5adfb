"""The decomposition net: a photograph into reflectance and illumination.

Shapes: I_B3HW image, R_B3HW reflectance, L_B1HW illumination, all in [0, 1].
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from restorect.retinex.diffusion import AnisotropicDiffusion


class RetinexParts(NamedTuple):
    """Reflectance R (B, 3, H, W) and illumination L (B, 1, H, W), both in [0, 1]; R * L is the image."""

    R: Tensor
    L: Tensor

    def image(self) -> Tensor:
        """The image (B, 3, H, W) that the parts make up: R * L."""
        return self.R * self.L

    def stacked(self) -> Tensor:
        """Both parts as one tensor (B, 4, H, W): R, then L."""
        return torch.cat([self.R, self.L], dim=1)


class DecompositionNet(nn.Module):
    """Four 3x3 convolutions, 20,548 parameters, with a sigmoid on the output (METHOD 2; URetinex).

    One such net reads degraded photographs, another clean ones.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1), nn.LeakyReLU(0.2)]
        for _ in range(2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Conv2d(width, 4, 3, padding=1))

    def forward(self, image: Tensor) -> RetinexParts:
        """Decompose an image (B, 3, H, W) in [0, 1]."""
        parts = torch.sigmoid(self.body(image))
        return RetinexParts(parts[:, :3], parts[:, 3:])

    def of_many(self, images: Tensor, portion: int = 64) -> RetinexParts:
        """Decompose many images (B, 3, H, W), so many at a time: the features between take ten times their memory."""
        parts = [self(some) for some in torch.split(images, portion)]
        return RetinexParts(torch.cat([p.R for p in parts]), torch.cat([p.L for p in parts]))


class DecompositionPair(nn.Module):
    """The two nets of stage 0 and the diffusion whose edge threshold is fitted with them.

    Attributes:
        low: D_low, for degraded photographs.
        high: D_high, for clean ones.
        diffusion: with its learned edge threshold.
    """

    def __init__(self) -> None:
        super().__init__()
        self.low = DecompositionNet()
        self.high = DecompositionNet()
        self.diffusion = AnisotropicDiffusion()
