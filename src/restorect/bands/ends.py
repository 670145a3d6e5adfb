"""The ends of the transformer in bands; see `nets.stem`.

Shapes: images (1, 3, n, W); maps (h, w, C), the sides those of the padded image divided by the stem.
"""

from collections.abc import Iterator

from torch import Tensor
from torch.nn import functional as F

from restorect.bands.convolve import convolve, weight_of
from restorect.bands.lattice import Unlattice
from restorect.bands.tiling import Tiling, bands, empty_map
from restorect.nets.codes import Codes
from restorect.nets.detail import BANDS, DetailGain, detail_bands
from restorect.nets.stem import FoldedStem, FullStem, Stem
from restorect.render.rows import Rows

_HALO = 2**BANDS - 1  # rows that the detail of a row looks up and down


def toned(seen: Rows, stem: Stem, codes: Codes) -> Rows:
    """What the restoration is made on."""
    tone = stem.tone
    return seen if tone is None else seen.then(lambda rows: tone(rows, *codes))


def enter(image: Rows, stem: Stem, tiling: Tiling) -> Tensor:
    """The features of the first level, a map."""
    side = _side(stem)
    height, width = image.height // side, image.width // side
    weight = weight_of(stem.embed, tiling.dtype)

    def folded(first: int, last: int) -> Tensor:
        rows = image.read(first * side, last * side).contiguous()
        return F.pixel_unshuffle(rows, side)[0].permute(1, 2, 0).contiguous()

    outputs, inputs = weight.shape[:2]
    features = empty_map(height, width, outputs, weight.device)
    for first, last in bands(height, tiling.step(width, outputs + inputs)):
        features[first:last] = convolve(folded, height, first, last, weight)
    return features


def leave(image: Rows, features: Tensor, stem: Stem, tiling: Tiling) -> Iterator[tuple[int, Tensor]]:
    """The restored image from the features of the last level: the first of some rows, and the rows, unbounded."""
    height, width, channels = features.shape
    weight = weight_of(stem.output, tiling.dtype)
    outputs = (
        (first, convolve(lambda a, b: features[a:b], height, first, last, weight).permute(2, 0, 1)[None].float())
        for first, last in bands(height, tiling.step(width, channels + 2 * len(weight)))
    )
    if not isinstance(stem, FoldedStem):
        for first, addend in outputs:
            yield first, image.read(first, first + addend.shape[2]) + addend
        return
    unlattice = Unlattice(len(weight), height, width, stem.side, weight.device)
    for first, output in outputs:
        for begin, folded in unlattice.take(first, output.contiguous()):
            end = begin + folded.shape[2]
            yield begin * stem.side, _unfolded(image, features[begin:end], begin, folded, stem, tiling)


def _unfolded(image: Rows, features: Tensor, first: int, folded: Tensor, stem: FoldedStem, tiling: Tiling) -> Tensor:
    """Rows of the image by their factor and addend, and by the factors of their detail."""
    begin, end = first * stem.side, (first + len(features)) * stem.side
    above = max(0, begin - _HALO)
    around = image.read(above, min(image.height, end + _HALO)).contiguous()
    own = slice(begin - above, end - above)
    factor, addend = F.pixel_shuffle(folded, stem.side).chunk(2, dim=1)
    rows = around[:, :, own]
    restored = rows * (1 + factor) + addend
    factors = _detail_factors(stem.detail, features, tiling)
    for factor, band in zip(factors.chunk(BANDS, dim=1), detail_bands(around), strict=True):
        restored.addcmul_(factor, band[:, :, own])
    return restored


def _detail_factors(detail: DetailGain, features: Tensor, tiling: Tiling) -> Tensor:
    """Of all bands, (1, BANDS * 3, n, W)."""
    matrix = detail.factors.weight[:, :, 0, 0].t().to(tiling.dtype)
    factors = (features.reshape(-1, features.shape[2]).to(tiling.dtype) @ matrix).float()
    planes = factors.view(*features.shape[:2], -1).permute(2, 0, 1)[None]
    return F.pixel_shuffle(planes.contiguous(), detail.stem)


def _side(stem: FullStem | FoldedStem) -> int:
    return stem.side if isinstance(stem, FoldedStem) else 1
