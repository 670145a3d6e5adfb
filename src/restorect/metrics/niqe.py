"""NIQE, natural image quality evaluator (Mittal, Soundararajan, Bovik, IEEE Signal Processing Letters 20(3), 2013).

Shapes: B samples, H x W pixels, P blocks, D = 36 features.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from restorect.errors import DataError
from restorect.metrics.nss import aggd_mean, fit_aggd, halved, luma8, mscn, neighbours
from restorect.metrics.parameters.fitted import Parameters, fitted_parameters, read_parameters

BLOCK = 96
"""Side of a block in pixels; an image needs at least two."""

_FEATURES = 36
_SHARP = 0.75  # of the sharpest block of its photograph: only such blocks teach


@dataclass(frozen=True, kw_only=True)
class NiqeModel:
    """What natural photographs look like: mean (D,) and covariance (D, D) of the features of their sharp blocks."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def shipped(cls) -> "NiqeModel":
        """The parameters that `restorect metrics fit-niqe` made from freely licensed photographs; see their card."""
        content = (files("restorect.metrics.parameters") / "niqe.safetensors").read_bytes()
        return cls.of(read_parameters(content, name="niqe.safetensors", metric="niqe"))

    @classmethod
    def of(cls, parameters: Parameters) -> "NiqeModel":
        """The model in a file of parameters."""
        return cls(mean=parameters.tensors["mean"], covariance=parameters.tensors["covariance"])

    @classmethod
    def fitted(cls, file: Path | None) -> "NiqeModel":
        """The model that `restorect metrics fit-niqe` wrote; see `fitted_parameters`."""
        return cls.of(fitted_parameters(file, "niqe"))

    def score(self, image_BCHW: Tensor) -> Tensor:
        """Distance from natural: sqrt((m - n)^T ((S + T)/2)^+ (m - n)), m, S of the model, n, T of the image's blocks.

        Luma in 8 bit, whole blocks of 96 x 96 pixels from the top left, no sharpness threshold, as published; the
        figures depend on the model, so they are not comparable with those of other parameters.

        Args:
            image_BCHW: images (B, 3, H, W), sRGB in [0, 1], with at least two blocks.

        Returns:
            (B,) at least 0, natural photographs about 2 to 6, lower is better; float32. Not a number where fewer than
            two blocks have any texture.

        Raises:
            ValueError: images not (B, 3, H, W), or smaller than two blocks.
        """
        height, width = image_BCHW.shape[-2:]
        luma = luma8(image_BCHW, smallest=BLOCK)
        if (height // BLOCK) * (width // BLOCK) < 2:
            raise ValueError(f"NIQE needs two blocks of {BLOCK}x{BLOCK} pixels, got an image of {height}x{width}")
        return torch.stack([self._distance(block_features(one)[0]) for one in luma]).float()

    def _distance(self, features_PD: Tensor) -> Tensor:
        usable = features_PD[features_PD.isfinite().all(dim=1)]
        if len(usable) < 2:
            return features_PD.new_tensor(float("nan"))
        shift = usable.mean(dim=0) - self.mean.to(usable)
        spread = (torch.cov(usable.T) + self.covariance.to(usable)) / 2
        square: Tensor = shift @ torch.linalg.pinv(spread, hermitian=True) @ shift
        return square.clamp_min(0).sqrt()


def fit_niqe(photos: Iterable[Tensor]) -> tuple[NiqeModel, int]:
    """Fit a model to natural, undistorted photographs.

    Args:
        photos: each (1, 3, H, W), sRGB in [0, 1]; those without a whole block are passed over.

    Returns:
        The model, and the number of blocks that taught it.

    Raises:
        DataError: the photographs have too few sharp blocks for a covariance of 36 features.
    """
    taught = [_sharp_blocks(photo) for photo in photos if min(photo.shape[-2:]) >= BLOCK]
    features = torch.cat(taught) if taught else torch.empty(0, _FEATURES)
    if len(features) <= _FEATURES:
        raise DataError(f"NIQE needs more than {_FEATURES} sharp blocks of {BLOCK}x{BLOCK} pixels, got {len(features)}")
    return NiqeModel(mean=features.mean(dim=0), covariance=torch.cov(features.T)), len(features)


def block_features(luma_HW: Tensor) -> tuple[Tensor, Tensor]:
    """Features (P, 36) of all whole blocks at two scales, and their sharpness (P,), the mean local deviation."""
    rows, columns = luma_HW.shape[0] // BLOCK, luma_HW.shape[1] // BLOCK
    whole = luma_HW[None, : rows * BLOCK, : columns * BLOCK]
    normal, sigma = mscn(whole)
    coarse, _ = mscn(halved(whole))
    features = [_subband(_blocks(normal, BLOCK)), _subband(_blocks(coarse, BLOCK // 2))]
    return torch.cat(features, dim=1), _blocks(sigma, BLOCK).mean(dim=(1, 2))


def _sharp_blocks(photo_1CHW: Tensor) -> Tensor:
    features, sharpness = block_features(luma8(photo_1CHW)[0])
    chosen = (sharpness > _SHARP * sharpness.max()) & features.isfinite().all(dim=1)
    return features[chosen]


def _blocks(x_1HW: Tensor, side: int) -> Tensor:
    """(1, n * side, m * side) -> (n * m, side, side)."""
    return x_1HW[0].unfold(0, side, side).unfold(1, side, side).flatten(0, 1)


def _subband(mscn_PHW: Tensor) -> Tensor:
    """18 features: shape and scale of the values; shape, mean and both scales of the four neighbour products."""
    shape, left, right = fit_aggd(mscn_PHW.flatten(1))
    _, low, high = aggd_mean(shape, left, right)
    features = [shape, (low + high) / 2]
    for product in neighbours(mscn_PHW):
        shape, left, right = fit_aggd(product.flatten(1))
        features += [shape, *aggd_mean(shape, left, right)]
    return torch.stack(features, dim=1)
