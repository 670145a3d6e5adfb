"""The velocity loss of the rectified flow, and the distillation of codes (RF; METHOD 7, 9).

Shapes: codes and velocities (B, 256).
"""

from torch import Tensor
from torch.nn import functional as F

from restorect.nets.codes import Codes


def squared_loss(found: Codes, target: Codes) -> Tensor:
    """Mean squared error of the velocity, or of an estimate of the codes, summed over the two, a scalar."""
    return F.mse_loss(found.rex, target.rex) + F.mse_loss(found.img, target.img)


def code_loss(generated: Codes, teacher: Codes) -> Tensor:
    """L1 between generated and teacher codes, summed over the two codes, a scalar."""
    return F.l1_loss(generated.rex, teacher.rex) + F.l1_loss(generated.img, teacher.img)
