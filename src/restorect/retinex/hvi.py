"""The polar colour space HVI, both ways (HVI; METHOD 4).

Shapes: rgb_B3HW in [0, 1], hvi_B3HW = [H, V, I] with H, V in about [-1, 1] and I in [0, 1].
"""

import math

import torch
from torch import Tensor

K = 5.0  # fixed: learned on its own loss it collapses
EPSILON = 1e-8
DARKEST = 1.0 / 255.0  # the floor of I under the saturation bounds the gradient near black


def _radius(I: Tensor) -> Tensor:  # noqa: E741 - the field's symbol for intensity
    """C_k = (sin(pi I / 2) + eps)^(1/k): how far colours of this intensity reach from grey."""
    return (torch.sin(0.5 * math.pi * I) + EPSILON) ** (1.0 / K)


def rgb_to_hvi(rgb: Tensor) -> Tensor:
    """Convert sRGB-encoded colours (B, 3, H, W) to HVI (B, 3, H, W), in float32.

    Values are clamped to [0, 1] first. Gradients are finite everywhere, black, grey and white included.
    """
    rgb = rgb.float().clamp(0.0, 1.0)
    I, peak = rgb.max(dim=1)  # noqa: E741
    low = rgb.amin(dim=1)
    r, g, b = rgb.unbind(dim=1)
    span = I - low
    safe = torch.where(span > 0, span, torch.ones_like(span))
    # Hue in [0, 6), by which channel is largest; grey has none, and span = 0 makes it 0 below.
    hue = torch.where(peak == 0, (g - b) / safe, torch.where(peak == 1, (b - r) / safe + 2, (r - g) / safe + 4))
    angle = hue * (math.pi / 3)
    S = span / I.clamp_min(DARKEST)
    chroma = _radius(I) * S
    return torch.stack([chroma * torch.cos(angle), chroma * torch.sin(angle), I], dim=1)


def hvi_to_rgb(hvi: Tensor) -> Tensor:
    """Convert HVI (B, 3, H, W) back to sRGB-encoded colours (B, 3, H, W) in [0, 1], in float32.

    The inverse of `rgb_to_hvi`, within 1e-5 where I > 1/255. Gradients are finite for every input.
    """
    H, V, I = hvi.float().unbind(dim=1)  # noqa: E741
    I = I.clamp(0.0, 1.0)  # noqa: E741
    coloured = (H * H + V * V) > 1e-20
    # Greys get a fixed direction, so that neither sqrt nor atan2 sees 0 (their gradients are infinite there).
    H_safe = torch.where(coloured, H, torch.ones_like(H))
    V_safe = torch.where(coloured, V, torch.zeros_like(V))
    length = torch.sqrt(H_safe * H_safe + V_safe * V_safe)
    S = torch.where(coloured, length / _radius(I), torch.zeros_like(I)).clamp(0.0, 1.0)
    span = S * I.clamp_min(DARKEST)
    hue = torch.remainder(torch.atan2(V_safe, H_safe) * (3 / math.pi), 6.0)
    # Each channel falls from I by span * a ramp of the hue: the closed form of the HSV inverse.
    offsets = torch.tensor([5.0, 3.0, 1.0], device=hvi.device).view(1, 3, 1, 1)
    k = torch.remainder(hue.unsqueeze(1) + offsets, 6.0)
    fall = torch.minimum(k, 4 - k).clamp(0.0, 1.0)
    return (I.unsqueeze(1) - span.unsqueeze(1) * fall).clamp(0.0, 1.0)
