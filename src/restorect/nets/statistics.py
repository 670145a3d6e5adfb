"""What is counted of a thumbnail, beside what condition encoders learn to see: how its light is spread.

Shapes: views (B, 3, s, s) in [0, 1]; S = `STATISTICS` numbers.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)  # of the pixels, of which the quantiles are
GRID = 6  # cells a side, of which the mean light is told
DARKEST = 1e-3  # is added before a logarithm is taken
_CHANNELS = 4
STATISTICS = _CHANNELS * (2 * len(SHARES) + 4) + GRID**2


def light_statistics(view: Tensor) -> Tensor:
    """The spread of a view's light, (B, S), float32.

    Of red, green, blue and the largest of the three: quantiles, mean and standard deviation, of the values and of
    their logarithms; and the logarithm of the mean of all three in each of 6 x 6 cells. Encoders of a few thousand
    photographs learn such numbers badly, the darkest quantiles not at all, and codes hang on them.
    """
    view = view.float()
    values = torch.cat([view, view.amax(dim=1, keepdim=True)], dim=1).flatten(2)
    ordered = values.sort(dim=2).values  # a logarithm keeps the order
    told = []
    for numbers, spread in ((ordered, values), (_log(ordered), _log(values))):
        told += [_quantiles(numbers).flatten(1), spread.mean(dim=2), spread.std(dim=2, correction=0)]
    return torch.cat([*told, _log(F.adaptive_avg_pool2d(view.mean(dim=1, keepdim=True), GRID)).flatten(1)], dim=1)


def _log(values: Tensor) -> Tensor:
    return (values + DARKEST).log()


def _quantiles(ordered: Tensor) -> Tensor:
    """(B, C, N) in rising order to (B, C, shares): the nearest values; `torch.quantile` cannot be exported."""
    last = int(ordered.shape[2]) - 1
    return ordered[:, :, [round(share * last) for share in SHARES]]
