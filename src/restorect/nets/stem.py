"""The ends of the transformer: how a photo enters it, and how the restored one leaves it.

Shapes: x_B3HW image in [0, 1], sides a multiple of s = `side`; z_BD codes, D = 256; features (B, C, H/s, W/s).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restorect.nets.detail import DetailGain
from restorect.nets.lattice import unfold_without_lattice
from restorect.nets.tone import ToneCurve


class FullStem(nn.Module):
    """At full resolution: a convolution in front, and one behind that gives what is added (Restormer; METHOD 5).

    Args:
        dim: channels of the trunk's first level; its last has twice as many.
    """

    tone = None

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.embed, self.output = _embedding(3, dim), _output(dim, 3)

    def enter(self, x: Tensor, z_rex: Tensor, z_img: Tensor) -> tuple[Tensor, Tensor]:
        """(what the restoration is made on, the features of the first level)."""
        return x, self.embed(x)

    def leave(self, x: Tensor, features: Tensor) -> Tensor:
        """The restored image, unbounded."""
        return x + self.output(features)  # type: ignore[no-any-return]


class FoldedStem(nn.Module):
    """Squares of `side` pixels folded into channels (ours): a step costs a twentieth of one at full resolution.

    What a narrow trunk cannot carry goes round it. Brightness comes first, by a tone curve that the codes set
    (`ToneCurve`). Detail stays in the image: the trunk gives a factor beside the addend, image * (1 + factor) + addend,
    and factors of its finest bands, for noise leaves there (`DetailGain`). What repeats with the squares is taken out
    (`unfold_without_lattice`).

    Args:
        dim: channels of the trunk's first level; its last has twice as many.
        side: of the squares.
    """

    def __init__(self, dim: int, side: int) -> None:
        super().__init__()
        self.side = side
        folded = 3 * side**2
        self.tone = ToneCurve()
        self.embed, self.output = _embedding(folded, dim), _output(dim, 2 * folded)
        self.detail = DetailGain(2 * dim, side)

    def enter(self, x: Tensor, z_rex: Tensor, z_img: Tensor) -> tuple[Tensor, Tensor]:
        """(what the restoration is made on, the features of the first level)."""
        x = self.tone(x, z_rex, z_img)
        return x, self.embed(F.pixel_unshuffle(x, self.side))

    def leave(self, x: Tensor, features: Tensor) -> Tensor:
        """The restored image, unbounded."""
        factor, addend = unfold_without_lattice(self.output(features), self.side).chunk(2, dim=1)
        return x * (1 + factor) + addend + self.detail(x, features)  # type: ignore[no-any-return]


Stem = FullStem | FoldedStem


def make_stem(dim: int, side: int) -> Stem:
    """A full stem for side 1, else a folded one."""
    return FullStem(dim) if side == 1 else FoldedStem(dim, side)


def _embedding(inputs: int, dim: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, dim, 3, padding=1, bias=False)


def _output(dim: int, outputs: int) -> nn.Conv2d:
    """Its weights begin small: an untrained network starts near the identity."""
    output = nn.Conv2d(2 * dim, outputs, 3, padding=1, bias=False)
    with torch.no_grad():
        output.weight *= 0.1
    return output
