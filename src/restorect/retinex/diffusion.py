"""Learnable anisotropic diffusion: smoothing that stops at edges (Perona-Malik; METHOD 3).

Shapes: u_BCHW the image, g_2BCHW the two components of its gradient.
"""

import math

import torch
from torch import Tensor, nn

TAU = 0.2


def gradient(u: Tensor) -> Tensor:
    """Forward differences of `u` (B, C, H, W) as (2, B, C, H, W): along width, along height; 0 across the border."""
    dx = torch.zeros_like(u)
    dy = torch.zeros_like(u)
    dx[..., :, :-1] = u[..., :, 1:] - u[..., :, :-1]
    dy[..., :-1, :] = u[..., 1:, :] - u[..., :-1, :]
    return torch.stack([dx, dy])


def divergence(p: Tensor) -> Tensor:
    """The exact negative adjoint of the gradient: <grad u, p> = -<u, div p>.

    Args:
        p: a vector field (2, B, C, H, W).

    Returns:
        (B, C, H, W).
    """
    px, py = p[0], p[1]
    # The last difference of each row does not exist, so its component takes no part.
    px = torch.cat([px[..., :, :-1], torch.zeros_like(px[..., :, -1:])], dim=-1)
    py = torch.cat([py[..., :-1, :], torch.zeros_like(py[..., -1:, :])], dim=-2)
    dx = px - torch.cat([torch.zeros_like(px[..., :, :1]), px[..., :, :-1]], dim=-1)
    dy = py - torch.cat([torch.zeros_like(py[..., :1, :]), py[..., :-1, :]], dim=-2)
    return dx + dy


def diffusion_update(u: Tensor, s: Tensor | float) -> Tensor:
    """A(u) = div(c grad u) with c = exp(-|grad u|^2 / s^2), per channel (METHOD 3).

    Args:
        u: (B, C, H, W).
        s: the edge threshold, in the units of `u`: differences well above it are kept.

    Returns:
        The update (B, C, H, W); its sum over the pixels of a channel is 0.
    """
    g = gradient(u)
    # From the squared length: a square root would give NaN gradients on flat areas.
    c = torch.exp(-(g * g).sum(dim=0) / (s * s))
    return divergence(c * g)


def diffuse(u: Tensor, s: Tensor | float, steps: int = 4, tau: float = TAU) -> Tensor:
    """`steps` explicit steps u <- u + tau A(u) on an image (B, C, H, W); keeps its mean."""
    for _ in range(steps):
        u = u + tau * diffusion_update(u, s)
    return u


class AnisotropicDiffusion(nn.Module):
    """`diffuse` with a learned edge threshold, kept in log space (METHOD 3).

    Call `clamp_` after each optimiser step: a clamp in the forward pass would stop the gradient for good.
    """

    LOWEST, HIGHEST = 0.01, 1.0

    def __init__(self, s: float = 0.1, steps: int = 4) -> None:
        super().__init__()
        self.log_s = nn.Parameter(torch.tensor(math.log(s)))
        self.steps = steps

    @property
    def s(self) -> Tensor:
        """The edge threshold, a scalar tensor."""
        return self.log_s.exp()

    @torch.no_grad()
    def clamp_(self) -> None:
        """Bring the parameter back into [0.01, 1]."""
        self.log_s.clamp_(math.log(self.LOWEST), math.log(self.HIGHEST))

    def forward(self, u: Tensor) -> Tensor:
        """Diffuse an image (B, C, H, W)."""
        return diffuse(u, self.s, self.steps)
