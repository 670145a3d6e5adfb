"""The codes of a photograph that is read whole, not off a thumbnail, in bands; see `nets.priors`.

Shapes: images (1, C, H, W) by rows; codes (1, 256).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.bands.padding import padded
from restorect.bands.tiling import bands
from restorect.nets.codes import Codes
from restorect.nets.priors import FOLD, PriorTrunk, unit_scale
from restorect.nets.student import Student
from restorect.render.rows import Rows

_ROWS = 64  # of features, beside those that only serve as halo


def read_by_rows(student: Student, seen: Rows) -> Codes:
    """What `Student.read` gives for the whole photograph.

    Each band is read with as many rows around it as the convolutions look at.
    """
    parts = _convolved(seen, student.decompose.body, lambda rows: student.decompose(rows).stacked())
    retinex = student.retinex_condition
    numbers = [
        _numbers(retinex.trunk_R, parts.then(lambda rows: rows[:, :3])),
        _numbers(retinex.trunk_L, parts.then(lambda rows: rows[:, 3:])),
    ]
    return Codes(
        unit_scale(torch.cat(numbers, dim=1)),
        unit_scale(_numbers(student.image_condition.trunk, seen)),
    )


def _numbers(trunk: PriorTrunk, image: Rows) -> Tensor:
    """(1, numbers)."""
    image = padded(image, FOLD)
    height, width = image.height // FOLD, image.width // FOLD
    folded = Rows(height, width, lambda a, b: F.pixel_unshuffle(image.read(FOLD * a, FOLD * b).contiguous(), FOLD))
    features = _convolved(folded, trunk.body, trunk.body)
    sums = [features.read(a, b).double().sum(dim=(2, 3)) for a, b in bands(height, _ROWS)]
    return trunk.numbers_of((torch.stack(sums).sum(dim=0) / (height * width)).float())


def _convolved(image: Rows, layers: nn.Module, change: Callable[[Tensor], Tensor]) -> Rows:
    """An image behind 3x3 convolutions with zeros around it."""
    reach = sum(isinstance(layer, nn.Conv2d) for layer in layers.modules())

    def read(first: int, last: int) -> Tensor:
        begin, end = max(0, first - reach), min(image.height, last + reach)
        return change(image.read(begin, end))[:, :, first - begin : last - begin]

    return Rows(image.height, image.width, read)
