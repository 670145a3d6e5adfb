"""Several restorations of one photograph, their codes, and what lies between two of them.

Shapes: codes (B, 256).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from restorect.configs import require
from restorect.infer.arrays import Image
from restorect.infer.options import Options
from restorect.nets.codes import Codes


@dataclass(frozen=True, kw_only=True)
class Sample(Generic[Image]):
    """One restoration, and the codes that led to it.

    Attributes:
        image: of the kind, shape and type of the photograph.
        codes: the Retinex code and the image code, each (B, 256); None for the copy of a photograph that needs nothing.
    """

    image: Image
    codes: Codes | None = None


def between(a: Codes, b: Codes, t: float) -> Codes:
    """The codes at a share `t` of the way from `a` to `b`, on the great circle through both (Shoemake, SIGGRAPH 1985).

    Codes are points near a sphere (layer-normalised): a straight line would cut through its inside, where no
    photograph's code lies. The length goes evenly from one to the other, so that 0 gives `a` and 1 gives `b`.

    Raises:
        ConfigError: `t` is not from 0 to 1, or the codes differ in number.
    """
    require(0 <= t <= 1, f"t is {t}; it must be from 0 to 1")
    require(a.rex.shape == b.rex.shape, f"codes of {len(a.rex)} and of {len(b.rex)} photographs cannot be blended")
    return Codes(_slerp(a.rex, b.rex, t), _slerp(a.img, b.img, t))


def each_brightness(brightness: float | Sequence[float], count: int) -> list[float]:
    """One number of stops for each of `count` samples, of one for all or of a list.

    Raises:
        ConfigError: the list has another length, or a number is out of range.
    """
    each = list(brightness) if isinstance(brightness, Sequence) else [brightness] * count
    fits = len(each) == count
    require(fits, f"{len(each)} numbers as brightness do not fit {count} samples; give one for each, or one for all")
    return [Options(brightness=stops).brightness for stops in each]


def _slerp(a_BD: Tensor, b_BD: Tensor, t: float) -> Tensor:
    if t in (0, 1):
        return a_BD if t == 0 else b_BD
    lengths = [z.norm(dim=1, keepdim=True).clamp(min=1e-12) for z in (a_BD, b_BD)]
    ways = [z / length for z, length in zip((a_BD, b_BD), lengths, strict=True)]
    angle = torch.acos((ways[0] * ways[1]).sum(dim=1, keepdim=True).clamp(-1, 1))
    sine = angle.sin()
    near = sine < 1e-4  # one way, or exactly opposite: the straight line
    safe = torch.where(near, torch.ones_like(sine), sine)
    first = torch.where(near, torch.full_like(sine, 1 - t), ((1 - t) * angle).sin() / safe)
    second = torch.where(near, torch.full_like(sine, t), (t * angle).sin() / safe)
    blended: Tensor = (first * ways[0] + second * ways[1]) * ((1 - t) * lengths[0] + t * lengths[1])
    return blended
