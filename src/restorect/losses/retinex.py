"""Losses of the Retinex decomposition, and of the heads that must agree with it (URetinex; METHOD 2, 3, 9).

Shapes: images and R (B, 3, H, W), L (B, 1, H, W), all in [0, 1].
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from restorect.retinex.decomposition import RetinexParts
from restorect.retinex.diffusion import AnisotropicDiffusion, diffusion_update, gradient

GAMMA = 2.2


def illumination_target(image: Tensor, clean: bool) -> Tensor:
    """The brightest channel m (B, 1, H, W) of a degraded image, m^(1/2.2) of a clean one."""
    brightest = image.amax(dim=1, keepdim=True)
    return brightest.clamp_min(1e-6).pow(1 / GAMMA) if clean else brightest


def structure_smoothness(L: Tensor, image: Tensor) -> Tensor:
    """Mean |dL| exp(-10 box3(|d gray I|)) in both directions: L may change only where the image does."""
    gray = image.mean(dim=1, keepdim=True)
    edges = gradient(gray).abs()
    box = F.avg_pool2d(edges.flatten(0, 1), 3, stride=1, padding=1, count_include_pad=False)
    return (gradient(L).abs() * torch.exp(-10 * box.view_as(edges))).mean()


def gradient_smoothness(L: Tensor) -> Tensor:
    """Mean (w dL)^2 with w = exp(-|grad L|), w detached: small steps of L are smoothed, large ones kept."""
    g = gradient(L)
    weight = torch.exp(-torch.sqrt((g * g).sum(dim=0) + 1e-12)).detach()
    return ((weight * g) ** 2).mean()


def parts_loss(image: Tensor, parts: RetinexParts, s: Tensor, clean: bool) -> Tensor:
    """The losses of one net on its own image; `s` is the (detached) edge threshold of the texture term."""
    reconstruction = F.l1_loss(parts.image(), image)
    target = F.mse_loss(parts.L, illumination_target(image, clean))
    texture = F.l1_loss(diffusion_update(parts.R, s), diffusion_update(image, s))
    return (
        reconstruction
        + 0.1 * target
        + 0.1 * structure_smoothness(parts.L, image)
        + 0.05 * texture
        + 0.05 * gradient_smoothness(parts.L)
    )


def decomposition_loss(
    low: Tensor, high: Tensor, low_parts: RetinexParts, high_parts: RetinexParts, diffusion: AnisotropicDiffusion
) -> dict[str, Tensor]:
    """All losses of stage 0 on a pair of images, as named scalars that add up to the total.

    The diffusion fit mean|diffuse(R_low; s) - R_high| is the only one that moves the edge threshold s, and it moves
    nothing else.
    """
    s = diffusion.s.detach()
    return {
        "low": parts_loss(low, low_parts, s, clean=False),
        "high": parts_loss(high, high_parts, s, clean=True),
        "agreement": 0.1 * F.l1_loss(low_parts.R, high_parts.R),
        "diffusion": F.l1_loss(diffusion(low_parts.R.detach()), high_parts.R.detach()),
    }


def head_loss(
    encoder: RetinexParts, decoder: RetinexParts, low: Tensor, high_parts: RetinexParts
) -> tuple[Tensor, Tensor]:
    """L1 of the auxiliary Retinex head: (encoder's R * L against the input, decoder's parts against [R_high, L_high]).

    The targets are area-resized to the size of the heads' maps.
    """
    size = encoder.R.shape[-2:]
    # The padded border of the maps has no counterpart in the targets, so training crops divide by the stem.
    target = F.interpolate(low, size=size, mode="area")
    target_parts = F.interpolate(high_parts.stacked(), size=size, mode="area")
    return F.l1_loss(encoder.image(), target), F.l1_loss(decoder.stacked(), target_parts)
