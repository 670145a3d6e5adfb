"""FLEX, feature layer extraction: the student's decoder features against the teacher's (RestoRect, LPL; METHOD 8).

Shapes: features (B, C, H, W); n = B * H * W pixels; gate (B,).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CAP = 9.0  # a squared error of more than three deviations is an outlier and counts as three
GATE = 0.16  # (1 - t)^2 at t = 0.6: the noise left where the paper's "high SNR" begins
FIT_BATCHES = 6
_RIDGE = 1e-3  # as a share of the mean variance of the student's channels


def flex_layer(student: Tensor, teacher: Tensor) -> Tensor:
    """FLEX of one layer for each sample, before the gate.

    Args:
        student: features (B, C, H, W), brought to the teacher's channels.
        teacher: features (B, C, H', W'), area-resized to (H, W).

    Returns:
        (B,): the mean over pixels and channels of min((s - t)^2 / var, 9), var the teacher's variance in a channel,
        over the batch. 0 for equal features, about 1 for a student that knows no more than each channel's mean.
    """
    student = student.float()
    teacher = F.interpolate(teacher.float(), size=student.shape[-2:], mode="area")
    variance = teacher.var(dim=(0, 2, 3), unbiased=False, keepdim=True)
    variance = torch.maximum(variance, 0.01 * variance.mean()).clamp_min(1e-8)  # a dead channel is none to learn from
    return ((student - teacher).square() / variance).clamp_max(CAP).mean(dim=(1, 2, 3))


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
    """Mean over the layers of their FLEX, over the samples that pass the gate; 0 where none does.

    Args:
        students: features of decoder levels 3, 2, 1, of the teachers' channels.
        teachers: the same levels of the teacher.
        gate: (B,) of zeros and ones.
    """
    layers = [flex_layer(student, teacher) for student, teacher in zip(students, teachers, strict=True)]
    return (torch.stack(layers).mean(dim=0) * gate).sum() / gate.sum().clamp_min(1)


class Adapter(nn.Conv2d):
    """A learned 1x1 convolution from the student's channels to the teacher's, begun by ridge regression.

    Begun at random, an adapter has first to find what the student's features say at all, and until then its error
    teaches the student nothing (TRAINING 3).
    """

    gram: Tensor
    cross: Tensor

    def __init__(self, student_channels: int, teacher_channels: int) -> None:
        super().__init__(student_channels, teacher_channels, 1)
        self.register_buffer("gram", torch.zeros(student_channels + 1, student_channels + 1))
        self.register_buffer("cross", torch.zeros(student_channels + 1, teacher_channels))

    @torch.no_grad()
    def observe(self, student: Tensor, teacher: Tensor) -> None:
        """Take in a batch: features (B, C, H, W) of the student, (B, C', H', W') of the teacher."""
        teacher = F.interpolate(teacher.float(), size=student.shape[-2:], mode="area")
        x = student.float().transpose(0, 1).flatten(1)
        x = torch.cat([x, torch.ones_like(x[:1])])
        self.gram += x @ x.mT / x.shape[1]
        self.cross += x @ teacher.transpose(0, 1).flatten(1).mT / x.shape[1]

    @torch.no_grad()
    def fit(self) -> None:
        """Set weight and bias to the ridge regression of what was observed, by all processes of the run together."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(self.gram)
            torch.distributed.all_reduce(self.cross)
        ridge = _RIDGE * self.gram.diagonal()[:-1].mean() * torch.ones_like(self.gram[0])
        ridge[-1] = 0  # the offset is not shrunk
        solution = torch.linalg.solve(self.gram + torch.diag(ridge), self.cross)
        self.weight.copy_(solution[:-1].mT[:, :, None, None])
        self.bias.copy_(solution[-1])  # type: ignore[union-attr]


class FlexLoss(nn.Module):
    """Module twin of `flex_loss`, with the adapters that join different widths.

    The first batches that pass the gate fit the adapters and give no loss.

    Args:
        student_channels: of decoder levels 3, 2, 1.
        teacher_channels: of the same levels.
    """

    seen: Tensor

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int]) -> None:
        super().__init__()
        self.adapters = nn.ModuleList(Adapter(s, t) for s, t in zip(student_channels, teacher_channels, strict=True))
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))
        self._fitted = False  # spares a look at the device in each step

    def forward(self, students: Sequence[Tensor], teachers: Sequence[Tensor], gate: Tensor) -> Tensor:
        """See `flex_loss`; the students' features may be of their own width."""
        if not self._fitted:
            self._fitted = int(self.seen) >= FIT_BATCHES
        if not self._fitted:
            self._observe(students, teachers, gate)
            return torch.zeros((), device=gate.device)
        joined = [adapter(s) for adapter, s in zip(self.adapters, students, strict=True)]
        return flex_loss(joined, teachers, gate)

    def _observe(self, students: Sequence[Tensor], teachers: Sequence[Tensor], gate: Tensor) -> None:
        passing = gate > 0
        if not passing.any():
            return
        self.seen += 1
        for adapter, student, teacher in zip(self.adapters, students, teachers, strict=True):
            adapter.observe(student[passing], teacher[passing])  # type: ignore[operator]
            if int(self.seen) == FIT_BATCHES:
                adapter.fit()  # type: ignore[operator]
