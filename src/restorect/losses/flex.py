"""FLEX, feature layer extraction: the student's decoder features against the teacher's (RestoRect, LPL; METHOD 8).

Shapes: features (B, C, H, W); n = H * W pixels; gate (B,).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYER_WEIGHTS = (2.0, 1.41, 1.0)  # decoder levels 3, 2, 1
KEPT_SHARE = 0.95
GATE = 0.16  # (1 - t)^2 at t = 0.6: the noise left where the paper's "high SNR" begins


def inlier_mask(S: Tensor, kept: float = KEPT_SHARE) -> Tensor:
    """Which pixels of each sample and channel are no outliers.

    Args:
        S: features (B, C, n).
        kept: share of the pixels to keep.

    Returns:
        Booleans (B, C, n): |S| at most its ceil(kept * n)-th smallest value; ties are kept.
    """
    size = S.abs()
    rank = max(1, math.ceil(kept * S.shape[-1] - 1e-9))
    return size <= size.kthvalue(rank, dim=-1, keepdim=True).values


def flex_layer(student: Tensor, teacher: Tensor) -> Tensor:
    """FLEX of one layer for each sample, before weights and gate.

    Args:
        student: features (B, C, H, W).
        teacher: features (B, C, H', W'), area-resized to (H, W).

    Returns:
        (B,): masked mean squared difference, both normalised by the student's mean and std a channel.
    """
    student = student.float()
    teacher = F.interpolate(teacher.float(), size=student.shape[-2:], mode="area").flatten(2)
    student = student.flatten(2)
    variance, mean = torch.var_mean(student.detach(), dim=-1, keepdim=True, unbiased=False)
    std = variance.sqrt()
    # One dead channel would outweigh all others.
    std = torch.maximum(std, 0.05 * std.mean(dim=1, keepdim=True)).clamp_min(1e-3)
    S, T = (student - mean) / std, (teacher - mean) / std
    mask = inlier_mask(S.detach())
    squared = ((S - T) ** 2 * mask).sum(dim=-1) / mask.sum(dim=-1)
    return squared.mean(dim=1)


def layer_weight(index: int, pixels: int) -> float:
    """Weight of a layer by its place (0: the deepest) and its resolution: max((4096 / n)^(1/4), 0.1)."""
    return LAYER_WEIGHTS[index] * max(math.sqrt(math.sqrt(4096 / pixels)), 0.1)


def sample_gate(generated: Tensor, teacher: Tensor, limit: float = GATE) -> Tensor:
    """1 where a sample's codes are near the teacher's, mean squared difference at most `limit`, else 0.

    Args:
        generated: codes (B, D) that the student's transformer is fed with.
        teacher: codes (B, D).
        limit: of the mean squared difference.

    Returns:
        (B,) of zeros and ones, without gradient.
    """
    return ((generated - teacher).detach().square().mean(dim=1) <= limit).float()


def flex_loss(students: Sequence[Tensor], teachers: Sequence[Tensor], gate: Tensor) -> Tensor:
    """0.5 * mean over the layers of their weighted FLEX, over the samples that pass the gate; 0 where none does.

    Args:
        students: features of decoder levels 3, 2, 1, of the teachers' channels.
        teachers: the same levels of the teacher.
        gate: (B,) of zeros and ones.
    """
    total = torch.zeros((), device=gate.device)
    passing = gate.sum().clamp_min(1)
    for index, (student, teacher) in enumerate(zip(students, teachers, strict=True)):
        pixels = student.shape[-2] * student.shape[-1]
        total = total + layer_weight(index, pixels) * (flex_layer(student, teacher) * gate).sum() / passing
    return 0.5 * total / len(students)


class FlexLoss(nn.Module):
    """Module twin of `flex_loss`, with the learned 1x1 convolutions that join different widths.

    Args:
        student_channels: of decoder levels 3, 2, 1.
        teacher_channels: of the same levels.
    """

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int]) -> None:
        super().__init__()
        self.adapters = nn.ModuleList(
            nn.Identity() if s == t else nn.Conv2d(s, t, 1)
            for s, t in zip(student_channels, teacher_channels, strict=True)
        )

    def forward(self, students: Sequence[Tensor], teachers: Sequence[Tensor], gate: Tensor) -> Tensor:
        """See `flex_loss`; the students' features may be of their own width."""
        joined = [adapter(s) for adapter, s in zip(self.adapters, students, strict=True)]
        return flex_loss(joined, teachers, gate)
