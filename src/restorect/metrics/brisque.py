"""BRISQUE, blind image spatial quality evaluator (Mittal, Moorthy, Bovik, IEEE TIP 21(12), 2012).

Shapes: B samples, H x W pixels, N rated photographs, D = 36 features.
"""

from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from restorect.metrics.nss import aggd_mean, fit_aggd, fit_ggd, halved, luma8, mscn, neighbours
from restorect.metrics.parameters.fitted import fitted_parameters
from restorect.metrics.svr import Regressor, fit_svr

SMALLEST = 14
"""The shortest side in pixels: one window at half the size."""

GAMMA, C = 0.05, 1024.0
"""Kernel width and penalty of the published regression."""


def brisque_features(image_BCHW: Tensor) -> Tensor:
    """The 36 features of the paper, 18 at full and 18 at half size: (B, 3, H, W), sRGB in [0, 1] -> (B, 36), float64.

    At each scale: shape and variance of a generalised Gaussian fitted to the MSCN luma; then, for the four neighbour
    products, shape, mean, left and right variance of an asymmetric one. Not a number for an image without texture.

    Raises:
        ValueError: images not (B, 3, H, W) floating point and finite, or a side under 14 pixels.
    """
    luma = luma8(image_BCHW, smallest=SMALLEST)
    return torch.cat([_scale_features(luma), _scale_features(halved(luma))], dim=1)


def fit_brisque(features_ND: Tensor, scores_N: Tensor, *, epsilon: float = 1.0) -> Regressor:
    """Learn to predict opinion scores from features; `epsilon` is the error, in score units, that costs nothing.

    Raises:
        DataError: fewer than two photographs, or features or scores that are not finite.
    """
    return fit_svr(features_ND, scores_N.unsqueeze(1), gamma=GAMMA, C=C, epsilon=epsilon)


def published_brisque() -> Regressor:
    """The authors' regression, from 0 (best) to 100; see its card for where it comes from."""
    folder = files("restorect.metrics.parameters")
    model, ranges = ((folder / f"brisque.{name}").read_text(encoding="ascii") for name in ("model", "range"))
    return Regressor.of_libsvm(model, ranges)


def load_brisque(file: Path | None) -> Regressor:
    """The regression that `restorect metrics fit-brisque` wrote; see `fitted_parameters`."""
    return Regressor.of(fitted_parameters(file, "brisque").tensors)


def brisque(image_BCHW: Tensor, regressor: Regressor) -> Tensor:
    """Predicted opinion score (B,), float32, on the scale of the ratings that the regression learnt; nan if flat."""
    features = brisque_features(image_BCHW)
    return regressor.predict(features)[:, 0].float()


def _scale_features(luma_BHW: Tensor) -> Tensor:
    normal, _ = mscn(luma_BHW)
    features = [*fit_ggd(normal.flatten(1))]
    for product in neighbours(normal):
        shape, left, right = fit_aggd(product.flatten(1))
        mean, _, _ = aggd_mean(shape, left, right)
        features += [shape, mean, left.square(), right.square()]
    return torch.stack(features, dim=1)
