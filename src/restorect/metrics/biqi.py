"""BIQI, blind image quality index (Moorthy, Bovik, IEEE Signal Processing Letters 17(5), 2010).

Shapes: B samples, H x W pixels, N rated photographs, D = 18 features, K kinds of distortion.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from restorect.metrics.nss import fit_ggd, luma8
from restorect.metrics.parameters.fitted import fitted_parameters
from restorect.metrics.svr import Regressor, fit_svr

SCALES = 3
SMALLEST = 32
"""The shortest side in pixels: four at the coarsest scale."""

GAMMA, C = 0.5, 128.0

# Lifting of the Cohen-Daubechies-Feauveau 9/7 wavelet (Daubechies, Sweldens 1998, section 7.7).
_LIFT = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
_GAIN = 1.149604398860241


def biqi_features(image_BCHW: Tensor) -> Tensor:
    """The 18 features of the paper: (B, 3, H, W), sRGB in [0, 1] -> (B, 18), float64.

    Luma is split by a Daubechies 9/7 wavelet into 3 scales of 3 orientations (horizontal, vertical, diagonal, finest
    scale first); nine variances of a generalised Gaussian fitted to each, then its nine shapes. Rows and columns that
    do not fill the coarsest scale drop out. Not a number where a subband is empty.

    Raises:
        ValueError: images not (B, 3, H, W) floating point and finite, or a side under 32 pixels.
    """
    luma = luma8(image_BCHW, smallest=SMALLEST)
    fits = [fit_ggd(band.flatten(1)) for band in subbands(luma)]
    return torch.stack([variance for _, variance in fits] + [shape for shape, _ in fits], dim=1)


def subbands(luma_BHW: Tensor) -> list[Tensor]:
    """The nine detail subbands of an orthonormally scaled 9/7 wavelet transform, finest first."""
    unit = 2**SCALES
    low = luma_BHW[:, : luma_BHW.shape[1] // unit * unit, : luma_BHW.shape[2] // unit * unit]
    bands = []
    for _ in range(SCALES):
        rows_low, rows_high = _split(low)
        low, vertical = (part.transpose(1, 2) for part in _split(rows_low.transpose(1, 2)))
        horizontal, diagonal = (part.transpose(1, 2) for part in _split(rows_high.transpose(1, 2)))
        bands += [horizontal, vertical, diagonal]
    return bands


def fit_biqi(features_ND: Tensor, scores_N: Tensor, kinds: Sequence[str], *, epsilon: float = 1.0) -> Regressor:
    """Learn the two stages: which distortion it is, and how bad each would be.

    Stage one regresses the indicator of each kind, stage two the score of each kind from its own photographs; the
    paper classifies by a support vector machine with Platt's probabilities instead. With one kind only, stage one
    drops out.

    Args:
        features_ND: of `biqi_features`.
        scores_N: opinion scores.
        kinds: the distortion of each photograph.
        epsilon: the error, in score units, that costs nothing.

    Raises:
        DataError: fewer than two photographs of a kind, or features or scores that are not finite.
    """
    names = sorted(set(kinds))
    members_NK = torch.tensor([[kind == name for name in names] for kind in kinds])
    whole = fit_svr(features_ND, members_NK.double(), gamma=GAMMA, C=C, epsilon=0.01)
    stages = [_only(whole, 2 * len(names))]
    low, high = whole.low, whole.high
    for index in range(len(names)):
        mine = members_NK[:, index]
        one = fit_svr(
            features_ND[mine], scores_N[mine].unsqueeze(1), gamma=GAMMA, C=C, epsilon=epsilon, limits=(low, high)
        )
        stages.append(_only(one, 2 * len(names), len(names) + index))
    return Regressor(
        low=low,
        high=high,
        support=torch.cat([stage.support for stage in stages]),
        coefficients=torch.cat([stage.coefficients for stage in stages]),
        gamma=whole.gamma,
    )


def load_biqi(file: Path | None) -> Regressor:
    """The regressions that `restorect metrics fit-biqi` wrote; see `fitted_parameters`.

    None are shipped: no rated photographs may be.
    """
    return Regressor.of(fitted_parameters(file, "biqi").tensors)


def biqi(image_BCHW: Tensor, regressor: Regressor) -> Tensor:
    """sum_k p_k q_k (B,), float32, on the scale of the ratings that were learnt; nan where a subband is empty."""
    values = regressor.predict(biqi_features(image_BCHW))
    likely, quality = values.chunk(2, dim=1)
    share = likely.clamp_min(1e-6)
    return ((share / share.sum(dim=1, keepdim=True)) * quality).sum(dim=1).float()


def _only(stage: Regressor, width: int, column: int = 0) -> Regressor:
    """The same regressions at columns from `column` of a wider table."""
    wide = torch.zeros(len(stage.support), width, dtype=torch.float64)
    wide[:, column : column + stage.coefficients.shape[1]] = stage.coefficients
    return Regressor(low=stage.low, high=stage.high, support=stage.support, coefficients=wide, gamma=stage.gamma)


def _split(x_BNW: Tensor) -> tuple[Tensor, Tensor]:
    """One level along dimension 1, of even length, mirrored at the ends: (low, high), each of half the length."""
    even, odd = x_BNW[:, 0::2], x_BNW[:, 1::2]
    for index, factor in enumerate(_LIFT):
        if index % 2 == 0:
            odd = odd + factor * (even + torch.cat([even[:, 1:], even[:, -1:]], dim=1))
        else:
            even = even + factor * (odd + torch.cat([odd[:, :1], odd[:, :-1]], dim=1))
    return even * _GAIN, odd / _GAIN
