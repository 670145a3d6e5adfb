"""Fine detail of a photo, band by band, and how a network keeps or damps it (after Starck and Murtagh 1998).

Shapes: x_BCHW.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BANDS = 2


def detail_bands(x: Tensor, count: int = BANDS) -> list[Tensor]:
    """The finest bands of an image (B, C, H, W), finest first, each of its shape; coarser structure is left out.

    The a-trous wavelet transform with the binomial kernel [1, 2, 1] / 4: band k is what smoothing with a spacing of
    2^k pixels takes away. Borders are replicated. A constant image has no detail.
    """
    bands = []
    for k in range(count):
        smooth = _smooth(_smooth(x, 2**k, -1), 2**k, -2)
        bands.append(x - smooth)
        x = smooth
    return bands


def _smooth(x: Tensor, step: int, dim: int) -> Tensor:
    size = x.shape[dim]
    pad = (step, step, 0, 0) if dim == -1 else (0, 0, step, step)
    padded = F.pad(x, pad, mode="replicate")
    before, after = padded.narrow(dim, 0, size), padded.narrow(dim, 2 * step, size)
    return 0.5 * x + 0.25 * (before + after)


class DetailGain(nn.Module):
    """A factor for each pixel, channel and band: -1 removes a band there, as where it is noise; 0 keeps it.

    Noise lies in the finest bands. To remove it through an addend, a network must know its every value; here it need
    only tell where there is nothing else. An untrained module changes nothing.

    Args:
        channels: of the features that the factors are read off.
        stem: pixels of the image a side of a feature.
    """

    def __init__(self, channels: int, stem: int) -> None:
        super().__init__()
        self.stem = stem
        # Its weights begin at 0, so it leaves the random numbers to others; `skip_init` would import sympy for that.
        with torch.random.fork_rng(devices=[]):
            self.factors = nn.Conv2d(channels, BANDS * 3 * stem**2, 1, bias=False)
        nn.init.zeros_(self.factors.weight)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """What to add to an image (B, 3, H, W), by features (B, channels, H/stem, W/stem)."""
        factors = F.pixel_shuffle(self.factors(features), self.stem).chunk(BANDS, dim=1)
        total = torch.zeros((), device=x.device)
        for factor, band in zip(factors, detail_bands(x), strict=True):
            total = torch.addcmul(total, factor.to(band.dtype), band)
        return total
