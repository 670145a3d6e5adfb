"""FID, Frechet inception distance between two sets of images (Heusel et al., NeurIPS 2017).

Shapes: B samples, D features.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restorect.errors import DataError
from restorect.metrics.inception import FEATURES, SIDE, InceptionV3
from restorect.metrics.inputs import rgb_batch
from restorect.metrics.pretrained import Source, fill, read_weights


class Gaussian:
    """Mean (D,) and covariance of vectors that arrive in batches, in float64 (Chan, Golub, LeVeque 1979)."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean = torch.zeros(features, dtype=torch.float64)
        self._scatter_DD = torch.zeros(features, features, dtype=torch.float64)

    def update(self, features_BD: Tensor) -> None:
        """Take in more vectors: (B, D)."""
        x = features_BD.detach().to("cpu", torch.float64)
        mean = x.mean(dim=0)
        total = self.count + x.shape[0]
        shift = mean - self.mean
        self._scatter_DD += (x - mean).T @ (x - mean) + torch.outer(shift, shift) * self.count * x.shape[0] / total
        self.mean += shift * x.shape[0] / total
        self.count = total

    @property
    def covariance(self) -> Tensor:
        """The unbiased covariance so far, (D, D).

        Raises:
            DataError: there are fewer than two vectors.
        """
        if self.count < 2:
            raise DataError(f"FID needs at least 2 images a set, got {self.count}; add more")
        return self._scatter_DD / (self.count - 1)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """d^2 = |m_1 - m_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1 S_2)^(1/2), at least 0; 0 for equal moments.

    The last trace is exact, without a matrix square root that can fail: the sum of the square roots of the eigenvalues
    of S_1^(1/2) S_2 S_1^(1/2), which is symmetric and has those of S_1 S_2; all in float64.

    Raises:
        DataError: a set has fewer than two vectors.
    """
    S_1, S_2 = first.covariance, second.covariance
    values, vectors = torch.linalg.eigh(S_1)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ S_2 @ root).clamp_min(0).sqrt().sum()
    distance = (first.mean - second.mean).square().sum() + S_1.trace() + S_2.trace() - 2 * overlap
    return max(0.0, float(distance))


class FID:
    """FID of two sets of images, fed in batches of any sizes; lower is better. A figure of a set, not of an image.

    Images are resized to 299 x 299 without antialiasing, as pytorch-fid does. FID depends on the number of images
    (fewer: higher): compare figures of equal counts only, and say the count beside them.
    """

    def __init__(self, net: nn.Module, sources: tuple[Source, ...] = (), *, length: int = FEATURES) -> None:
        """Args: the feature network, where its weights came from, and the length of its features."""
        self.net = net
        self.sources = sources
        self.outputs, self.targets = Gaussian(length), Gaussian(length)

    @classmethod
    def load(cls, folder: Path | None) -> "FID":
        """With the published Inception weights.

        Raises:
            WeightsNeeded: they are not in `folder`.
            CheckpointError: they are not the published ones.
        """
        state, source = read_weights("inception-fid", folder)
        net = InceptionV3()
        fill(net, state, "Inception v3 for FID")
        return cls(net, (source,))

    def update(self, output_BCHW: Tensor, target_BCHW: Tensor) -> None:
        """Take in more images of both sets, (B, 3, H, W), sRGB in [0, 1]; sizes and counts may differ."""
        self.outputs.update(self.features(output_BCHW))
        self.targets.update(self.features(target_BCHW))

    def compute(self) -> float:
        """The distance of the sets so far.

        Raises:
            DataError: a set has fewer than two images.
        """
        return frechet_distance(self.outputs, self.targets)

    def features(self, image_BCHW: Tensor) -> Tensor:
        """Inception's pool features of images: (B, 3, H, W), sRGB in [0, 1] -> (B, 2048)."""
        image = rgb_batch(image_BCHW).float()
        resized = F.interpolate(image, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        with torch.no_grad():
            features: Tensor = self.net(2 * resized - 1)
        return features
