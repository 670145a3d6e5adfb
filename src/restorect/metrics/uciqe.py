"""Underwater colour image quality evaluation (UCIQE; Yang, Sowmya, IEEE TIP 24(12), 2015).

UCIQE = 0.4680 sigma_c + 0.2745 con_l + 0.2576 mu_s: chroma's spread, contrast of lightness, mean saturation, in CIELAB.
The paper does not give the ranges of these, and programs under this name differ; each is a named variant here.

Shapes: B samples, H x W pixels, N = H * W.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from restorect.metrics.inputs import eight_bit, rgb_batch
from restorect.metrics.lab import srgb_to_lab

Variant = Literal["unit", "offset8", "lab100"]

_COEFFICIENTS = (0.4680, 0.2745, 0.2576)


def uciqe(image_BCHW: Tensor, *, variant: Variant = "unit") -> Tensor:
    """UCIQE of each image; figures of two variants are not comparable.

    Args:
        image_BCHW: images (B, 3, H, W), sRGB in [0, 1]; rounded to 8 bit first, as every published program reads them.
        variant: which terms.
            "unit": the paper's formula with every term in [0, 1]: standard deviation of C* / 100, 99th minus 1st
            percentile of L* / 100, mean of C* / sqrt(C*^2 + L*^2). Our reading; reproduces nobody's figures.
            "offset8": the MATLAB program in circulation and its Python ports (most tables with 0.4 to 0.7): 8-bit
            CIELAB divided by 255 *with a and b still offset by 128*, so that grey has chroma 0.71; its spread is
            sqrt(mean |1 - (mean C / C)^2|). D65 here as in the ports; MATLAB's own conversion uses D50.
            "lab100": the Python program published with Chen's PSNR-SSIM-UCIQE-UIQM collection (tables with 20 to 40):
            CIELAB in its own units, saturation C* / L*, contrast of every n-th value of the sorted lightness from
            either end (n = 1 % of the pixels), as that program slices it.

    Returns:
        (B,) higher is better; float32.

    Raises:
        ValueError: no such variant, or the images are not (B, 3, H, W) floating point and finite.
    """
    if variant not in _TERMS:
        raise ValueError(f"UCIQE variant {variant!r}: choose from {', '.join(_TERMS)}")
    lab_BCHW = srgb_to_lab(eight_bit(rgb_batch(image_BCHW)) / 255)
    L_BN, a_BN, b_BN = lab_BCHW.flatten(2).unbind(dim=1)
    terms_B3 = torch.stack(_TERMS[variant](L_BN, a_BN, b_BN), dim=1)
    return (terms_B3 @ terms_B3.new_tensor(_COEFFICIENTS)).float()


def _unit(L: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    chroma = torch.hypot(a, b)
    saturation = chroma / torch.hypot(chroma, L).clamp_min(1e-12)  # black has none
    low, high = _percentile(L, 0.01), _percentile(L, 0.99)
    return chroma.std(dim=1, correction=0) / 100, (high - low) / 100, saturation.mean(dim=1)


def _offset8(L: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    lightness, a, b = ((t.round().clamp(0, 255) / 255) for t in (L * 2.55, a + 128, b + 128))
    chroma = torch.hypot(a, b)
    saturation = chroma / torch.hypot(chroma, lightness)
    ratio = chroma.mean(dim=1, keepdim=True) / chroma
    spread = (1 - ratio.square()).abs().mean(dim=1).sqrt()
    return spread, _stretch_limits(lightness), saturation.mean(dim=1)


def _lab100(L: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    chroma = torch.hypot(a, b)
    step = max(1, round(0.01 * L.shape[1]))
    rising = L.sort(dim=1).values
    contrast = rising.flip(1)[:, ::step].mean(dim=1) - rising[:, ::step].mean(dim=1)
    saturation = torch.where(L > 0, chroma / L.where(L > 0, torch.ones_like(L)), torch.zeros_like(L))
    return chroma.std(dim=1, correction=0), contrast, saturation.mean(dim=1)


def _percentile(values_BN: Tensor, share: float) -> Tensor:
    """The value at a share of the sorted values, the nearest one; torch.quantile has a limit on N."""
    index = round(share * (values_BN.shape[1] - 1))
    return values_BN.kthvalue(index + 1, dim=1).values


def _stretch_limits(lightness_BN: Tensor) -> Tensor:
    """Upper minus lower of the levels that leave out 1 % at each end, of 256 levels (MATLAB's stretchlim)."""
    levels = (lightness_BN * 255).round().long()
    count = torch.zeros(levels.shape[0], 256, dtype=torch.float64, device=levels.device)
    count.scatter_add_(1, levels, torch.ones_like(lightness_BN))
    share = count.cumsum(dim=1) / levels.shape[1]
    low = (share > 0.01).double().argmax(dim=1)
    high = (share >= 0.99).double().argmax(dim=1)
    return (high - low).double() / 255


_TERMS: dict[str, Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]] = {
    "unit": _unit,
    "offset8": _offset8,
    "lab100": _lab100,
}
